//! A file that is read at places, and is to stay as it was when it was opened.

use crate::progress::Progress;
use std::fs::{File, Metadata};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// An open file and what it was when it was opened.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) path: PathBuf,
    file: File,
    pub(crate) len: u64,
    modified: (i64, i64),
    identity: Identity,
}

/// What tells one file from another, whatever their names are.
pub(crate) type Identity = (u64, u64);

#[cfg(unix)]
fn identity(data: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (data.dev(), data.ino())
}

/// When a file was last written.
#[cfg(unix)]
fn modified(data: &Metadata) -> (i64, i64) {
    use std::os::unix::fs::MetadataExt;
    (data.mtime(), data.mtime_nsec())
}

#[cfg(windows)]
fn identity(data: &Metadata) -> Identity {
    use std::os::windows::fs::MetadataExt;
    // Here a file is told by when it was made.
    (data.creation_time(), data.file_size())
}

/// When a file was last written.
#[cfg(windows)]
fn modified(data: &Metadata) -> (i64, i64) {
    use std::os::windows::fs::MetadataExt;
    (data.last_write_time() as i64, 0)
}

/// The file behind a path, if there is one.
pub(crate) fn identity_of(path: &Path) -> Option<Identity> {
    std::fs::metadata(path).ok().map(|data| identity(&data))
}

impl Opened {
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        let said = |e: io::Error| match e.raw_os_error() {
            Some(24) => format!("cannot open it: {e}; `ulimit -n 65536` allows more"),
            _ => format!("cannot open it: {e}"),
        };
        // Asked first: opening a pipe would wait for its writer.
        if !std::fs::metadata(path).map_err(said)?.is_file() {
            return Err(
                "expected a file, found something else; a folder needs a *.index.json".into()
            );
        }
        let file = File::open(path).map_err(said)?;
        let data = file.metadata().map_err(said)?;
        Ok(Self {
            path: path.to_owned(),
            len: data.len(),
            modified: modified(&data),
            identity: identity(&data),
            file,
        })
    }

    pub(crate) fn identity(&self) -> Identity {
        self.identity
    }

    /// The file itself, for readers that seek.
    pub(crate) fn reader(&self) -> &File {
        &self.file
    }

    /// Bytes from a place.
    pub(crate) fn read(&self, from: u64, out: &mut [u8]) -> Result<(), String> {
        let mut done = 0;
        while done < out.len() {
            match read_at(&self.file, &mut out[done..], from + done as u64) {
                Ok(0) => return Err(self.cut()),
                Ok(n) => done += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(format!("{}: cannot read it: {e}", self.path.display())),
            }
        }
        Ok(())
    }

    fn cut(&self) -> String {
        let now = self.file.metadata().map_or(0, |data| data.len());
        let path = self.path.display();
        format!("{path}: was cut while it was read: it had {} bytes and has {now}", self.len)
    }

    /// These bytes will be read soon.
    pub(crate) fn ahead(&self, bytes: Range<u64>) {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            let length = std::num::NonZeroU64::new(bytes.end - bytes.start);
            // Advice: where it is not taken, reading is slower and nothing else.
            let _ =
                rustix::fs::fadvise(&self.file, bytes.start, length, rustix::fs::Advice::WillNeed);
        }
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let _ = bytes;
    }

    /// Whether the file is still what it was when it was opened.
    pub(crate) fn verify(&self) -> Result<(), String> {
        let path = self.path.display();
        let data = std::fs::metadata(&self.path)
            .map_err(|e| format!("{path}: was removed while it was read: {e}"))?;
        if identity(&data) != self.identity {
            return Err(format!("{path}: was replaced by another file while it was read"));
        }
        if data.len() < self.len {
            return Err(self.cut());
        }
        if data.len() != self.len || modified(&data) != self.modified {
            return Err(format!("{path}: was changed while it was read; aggregate a copy of it"));
        }
        Ok(())
    }
}

/// Counts what is read, and ends where an end was asked for.
pub(crate) fn counted(progress: &Progress, bytes: usize) -> Result<(), String> {
    if progress.is_stopped() {
        return Err("stopped".into());
    }
    progress.add(bytes as u64);
    Ok(())
}

#[cfg(unix)]
fn read_at(file: &File, out: &mut [u8], from: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, out, from)
}

#[cfg(windows)]
fn read_at(file: &File, out: &mut [u8], from: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, out, from)
}

/// Writes all bytes at a place.
#[cfg(unix)]
pub(crate) fn write_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, at)
}

#[cfg(windows)]
pub(crate) fn write_at(file: &File, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_write(file, bytes, at)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            n => (bytes, at) = (&bytes[n..], at + n as u64),
        }
    }
    Ok(())
}
