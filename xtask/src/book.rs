//! `cargo xtask book`: the papers of the repository as a book.

use crate::cmd;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Builds `target/book/html` from the papers that `docs/book/SUMMARY.md` names.
///
/// mdBook wants all chapters below one folder, so they are copied with their places, and links between them hold.
pub(crate) fn book() -> Result<()> {
    let root = cmd::root();
    let target = root.join("target/book");
    let source = target.join("src");
    fs::remove_dir_all(&target).ok();
    fs::create_dir_all(&source)?;
    fs::copy(root.join("docs/book/book.toml"), target.join("book.toml"))?;
    let summary = fs::read_to_string(root.join("docs/book/SUMMARY.md"))?;
    fs::write(source.join("SUMMARY.md"), &summary)?;
    for chapter in links(&summary) {
        let text = fs::read_to_string(root.join(chapter))
            .with_context(|| format!("docs/book/SUMMARY.md names {chapter}, which is not there"))?;
        copy(&root, &source, Path::new(chapter))?;
        for link in links(&text) {
            let folder = Path::new(chapter).parent().unwrap_or(Path::new(""));
            let file = plain(&folder.join(link));
            let picture = file.extension().is_some_and(|e| e == "png" || e == "svg");
            if picture && root.join(&file).is_file() {
                copy(&root, &source, &file)?;
            }
        }
    }
    let book = target.to_str().context("the path of the project is not UTF-8")?;
    cmd::program("mdbook", &["build", book])
}

/// Targets of the links of a Markdown text.
pub(crate) fn links(text: &str) -> Vec<&str> {
    text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link).collect()
}

/// The path without `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::Normal(name) => plain.push(name),
            _ => {}
        }
    }
    plain
}

fn copy(root: &Path, source: &Path, file: &Path) -> Result<()> {
    let to = source.join(file);
    fs::create_dir_all(to.parent().context("a file has a folder")?)?;
    fs::copy(root.join(file), to).with_context(|| format!("cannot copy {}", file.display()))?;
    Ok(())
}
