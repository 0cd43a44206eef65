//! A folder that the user names.

use super::error::{FetchError, RouteError};
use super::job::Job;
use super::options::Route;
use super::progress::Progress;
use crate::format::FileError;
use crate::known::present;
use std::fs::File;

impl Job<'_> {
    pub(super) fn folder(&mut self) -> Result<(), FetchError> {
        let Some(from) = &self.options.from else {
            self.fail(Route::Folder, "folder", RouteError::NoSource);
            return Ok(());
        };
        for file in self.missing.clone() {
            let place = present(&from.join(&self.set.home), file).or_else(|| present(from, file));
            let Some(path) = place else {
                let file = format!("{0} or {0}.gz", file.name);
                self.fail(Route::Folder, from.display().to_string(), RouteError::Absent { file });
                continue;
            };
            let source = path.display().to_string();
            (self.progress)(Progress::Trying { source: &source });
            let opened = File::open(&path).map_err(FileError::io("read", &path))?;
            if let Err(why) = self.store(file, opened, true)? {
                self.fail(Route::Folder, source, why);
            }
        }
        Ok(())
    }
}
