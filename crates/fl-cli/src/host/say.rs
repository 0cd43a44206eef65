//! Lines for people and programs.
//!
//! Results go to standard output. Where that is full, or nobody reads it any more (`fl-cli check … | head`), the first
//! failure is kept and ends the program with [`LOST`] once its work is done: a run is worth more than its last line.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt::Display;
use std::io::{self, Write, stderr, stdout};
use std::sync::{Mutex, PoisonError};

/// The exit code where standard output could not be written.
pub(crate) const LOST: u8 = 4;

/// The first failure of standard output.
static FAILED: Mutex<Option<io::Error>> = Mutex::new(None);

/// What a command has printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// What would have gone to standard output.
    pub results: String,
    /// What would have gone to standard error.
    pub remarks: String,
}

thread_local! {
    /// Where this thread's lines go while a program listens.
    static HEARD: RefCell<Option<Said>> = const { RefCell::new(None) };
}

/// What is said on this thread while something is done, which then is printed nowhere.
pub(crate) fn listen<R>(act: impl FnOnce() -> R) -> (R, Said) {
    HEARD.with(|heard| heard.replace(Some(Said::default())));
    let result = act();
    (result, HEARD.with(RefCell::take).unwrap_or_default())
}

/// Keeps a text for whoever listens; false if nobody does.
fn heard(text: &str, of: fn(&mut Said) -> &mut String) -> bool {
    HEARD.with_borrow_mut(|heard| heard.as_mut().map(|said| of(said).push_str(text)).is_some())
}

/// A line of results.
pub(crate) fn result(line: impl Display) {
    let line = line.to_string();
    let mut text = without_controls(&line).into_owned();
    text.push('\n');
    bytes(text.as_bytes());
}

/// Bytes of results, as they are.
pub(crate) fn bytes(bytes: &[u8]) {
    if heard(&String::from_utf8_lossy(bytes), |said| &mut said.results) {
        return;
    }
    let mut out = stdout().lock();
    if let Err(e) = out.write_all(bytes).and_then(|()| out.flush()) {
        FAILED.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(e);
    }
}

/// What standard output failed with, if it did.
pub(crate) fn lost() -> Option<String> {
    let failed = FAILED.lock().unwrap_or_else(PoisonError::into_inner);
    failed.as_ref().map(|e| match e.kind() {
        io::ErrorKind::BrokenPipe => {
            "standard output was closed before everything was written".to_owned()
        }
        _ => format!("cannot write to standard output: {e}"),
    })
}

/// A line of progress, or of what went wrong.
pub(crate) fn remark(line: impl Display) {
    let mut line = without_controls(&line.to_string()).into_owned();
    line.push('\n');
    if heard(&line, |said| &mut said.remarks) {
        return;
    }
    // Where standard error is gone there is nobody left to be told.
    let _ = stderr().write_all(line.as_bytes());
}

/// Text whose control characters are spelt out, so that a name in a file cannot steer a terminal. Line ends and tabs stay.
pub(crate) fn without_controls(text: &str) -> Cow<'_, str> {
    spelt_out(text, |c| c.is_control() && c != '\n' && c != '\t')
}

/// Text for one line, or one cell of a table: all control characters are spelt out.
pub(crate) fn on_one_line(text: &str) -> Cow<'_, str> {
    spelt_out(text, char::is_control)
}

fn spelt_out(text: &str, is_bad: impl Fn(char) -> bool) -> Cow<'_, str> {
    // Some characters that are no controls by name turn the direction of what follows.
    let is_bad =
        |c: char| is_bad(c) || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !text.contains(is_bad) {
        return text.into();
    }
    let mut plain = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_bad(c) { plain.extend(c.escape_default()) } else { plain.push(c) }
    }
    plain.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_character_is_left() {
        let name = "a\u{1b}[2Jb\u{9b}\u{7f}\r\n\u{202e}c\t";
        assert_eq!(without_controls(name), "a\\u{1b}[2Jb\\u{9b}\\u{7f}\\r\n\\u{202e}c\t");
        assert_eq!(on_one_line(name), "a\\u{1b}[2Jb\\u{9b}\\u{7f}\\r\\n\\u{202e}c\\t");
        assert!(matches!(on_one_line("κ ≤ 1"), Cow::Borrowed(_)));
    }
}
