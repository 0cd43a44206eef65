//! A line and its fields.

use super::super::text::{TextError, excerpt};
use std::borrow::Cow;

/// What separates the fields of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Separator(u8);

impl Separator {
    /// An ASCII character that can separate fields.
    pub(super) fn new(delimiter: char) -> Option<Self> {
        let byte = u8::try_from(delimiter).ok()?;
        (byte.is_ascii() && !b"\"\r\n".contains(&byte)).then_some(Self(byte))
    }

    /// Whether any number of blanks separates.
    pub(super) fn blanks(self) -> bool {
        self.0 == b' '
    }

    /// Whether a byte separates.
    #[inline]
    pub(super) fn is(self, byte: u8) -> bool {
        byte == self.0 || self.blanks() && byte == b'\t'
    }

    /// In an error's words.
    pub(super) fn what(self) -> String {
        if self.blanks() { "blanks".into() } else { format!("{:?}", char::from(self.0)) }
    }

    /// Where the next field begins, after the end of one at `at`; `None` where nothing separates.
    #[inline]
    pub(super) fn next(self, line: &[u8], at: usize) -> Option<usize> {
        if !self.is(*line.get(at)?) {
            return None;
        }
        if !self.blanks() {
            return Some(at + 1);
        }
        Some(at + line[at..].iter().take_while(|b| self.is(**b)).count())
    }

    /// A line without blanks around it, where these separate.
    pub(super) fn trim(self, line: &[u8]) -> &[u8] {
        if self.blanks() { line.trim_ascii() } else { line }
    }
}

/// Where the fields of a line begin and end.
pub(super) struct Fields<'a> {
    line: &'a [u8],
    separator: Separator,
    /// Where the next field begins; beyond the line after the last one.
    at: Option<usize>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(line: &'a [u8], separator: Separator) -> Self {
        Self { line: separator.trim(line), separator, at: Some(0) }
    }
}

impl<'a> Iterator for Fields<'a> {
    /// A field with its quotes.
    type Item = Result<&'a [u8], FieldError<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.at.take()?;
        Some(field_end(self.line, at, self.separator).map(|end| {
            self.at = self.separator.next(self.line, end);
            &self.line[at..end]
        }))
    }
}

/// A quote that is not closed, or closed inside a field.
#[derive(Debug)]
pub(super) enum FieldError<'a> {
    Open(&'a [u8]),
    Behind(&'a [u8]),
}

impl FieldError<'_> {
    pub(super) fn at(&self, line: u64) -> TextError {
        let (expected, found) = match self {
            FieldError::Open(found) => ("a quote to close before the end of the line", found),
            FieldError::Behind(found) => {
                ("nothing between a closing quote and the end of the field", found)
            }
        };
        TextError::Line { line, field: None, expected: expected.into(), found: excerpt(found) }
    }
}

/// Where the field that begins at `at` ends.
pub(super) fn field_end(
    line: &[u8],
    at: usize,
    separator: Separator,
) -> Result<usize, FieldError<'_>> {
    let rest = &line[at..];
    let indent = rest.iter().position(|&b| b != b' ').unwrap_or(0);
    let mut from = 0;
    if rest.get(indent) == Some(&b'"') {
        from = indent + 1;
        loop {
            let close = rest[from..].iter().position(|&b| b == b'"');
            from += close.ok_or(FieldError::Open(rest))? + 1;
            // Two quotes are one inside.
            if rest.get(from) != Some(&b'"') {
                break;
            }
            from += 1;
        }
    }
    let end = rest[from..].iter().position(|&b| separator.is(b)).map_or(rest.len(), |i| from + i);
    if from > 0 && !rest[from..end].trim_ascii().is_empty() {
        return Err(FieldError::Behind(&rest[..end]));
    }
    Ok(at + end)
}

/// A field's content: without quotes around it, and with one quote for two inside them.
pub(super) fn content(field: &[u8]) -> Cow<'_, [u8]> {
    let field = field.trim_ascii();
    let Some(inner) = field.strip_prefix(b"\"").and_then(|f| f.strip_suffix(b"\"")) else {
        return Cow::Borrowed(field);
    };
    if !inner.contains(&b'"') {
        return Cow::Borrowed(inner);
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(&byte) = bytes.next() {
        out.push(byte);
        if byte == b'"' {
            bytes.next();
        }
    }
    Cow::Owned(out)
}
