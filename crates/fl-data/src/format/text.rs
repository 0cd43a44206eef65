//! What text formats share: tables, lines in parallel, and errors with a line.

pub use super::labels::Labels;
pub(crate) use super::text_error::excerpt;
pub use super::text_error::{MOST_CLASSES, TextError};
use rayon::prelude::*;

/// Text is cut into parts of about so many bytes, at ends of lines; a fixed number, so that nothing depends on threads.
const PART: usize = 1 << 20;

/// Rows of numbers with one label, or one real target, each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Numbers in a row.
    pub columns: usize,
    /// Row-major. A column of categories holds places in its [`levels`](Self::levels); NaN stands for what is missing,
    /// where the options allow that.
    pub values: Vec<f32>,
    /// The rows' labels; one for all, where targets are read.
    pub labels: Labels,
    /// The rows' real targets, where the options ask for them.
    pub targets: Option<Vec<f64>>,
    /// The group that each row belongs to, where the options name a column for it or all rows have a `qid`.
    pub groups: Option<Labels>,
    /// Names of the columns, where the file has them; otherwise empty.
    pub names: Vec<String>,
    /// The categories of each column, none for a column of numbers. Empty where there are no categories at all.
    pub levels: Vec<Vec<String>>,
    /// Names of all columns of the file, where it has them; otherwise empty.
    pub header: Vec<String>,
    /// How the file was understood.
    pub notes: Vec<Note>,
}

/// Something to be known about how a file was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What, in plain words.
    pub text: String,
    /// Whether it may not be what was meant.
    pub warning: bool,
}

/// The text after a byte order mark of UTF-8.
///
/// # Errors
/// When it is another encoding.
pub(crate) fn decoded(text: &[u8]) -> Result<&[u8], TextError> {
    if text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff") {
        return Err(TextError::Encoding { found: "a byte order mark of UTF-16" });
    }
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    if text[..text.len().min(512)].contains(&0) {
        return Err(TextError::Encoding { found: "a zero byte, as in UTF-16 or in binary files" });
    }
    Ok(text)
}

/// So many zeros.
///
/// # Errors
/// When there is no memory for them.
pub(crate) fn zeros(rows: usize, columns: usize) -> Result<Vec<f32>, TextError> {
    let bytes = 4 * rows as u128 * columns as u128;
    let none = TextError::Memory { rows, columns, bytes };
    let Some(size) = rows.checked_mul(columns) else { return Err(none) };
    // Asked for without an abort, and then again as pages that are only taken when they are written to.
    if Vec::<f32>::new().try_reserve_exact(size).is_err() {
        return Err(none);
    }
    Ok(vec![0.0; size])
}

/// Whole lines of a text, and where they are in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) bytes: &'a [u8],
    /// Number of its first line, from 1.
    pub(crate) line: u64,
    /// Rows in this part: lines that are neither blank nor a comment.
    pub(crate) rows: usize,
    /// What a line that is only a comment begins with.
    comment: Option<u8>,
}

impl<'a> Part<'a> {
    /// Rows, without the ends of their lines, each with the number of its line.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (u64, &'a [u8])> + use<'a> {
        let (first, comment) = (self.line, self.comment);
        // A last line may end with the text.
        let bytes = self.bytes.strip_suffix(b"\n").unwrap_or(self.bytes);
        let lines = bytes.split(|&b| b == b'\n').enumerate();
        lines
            .map(move |(i, line)| (first + i as u64, line))
            .filter(move |(_, line)| is_row(line, comment))
    }
}

/// Whether a line is neither blank nor a comment.
pub(crate) fn is_row(line: &[u8], comment: Option<u8>) -> bool {
    let first = line.iter().find(|b| !b.is_ascii_whitespace());
    first.is_some() && first.copied() != comment
}

/// A line without the carriage return that some systems end it with.
pub(crate) fn trim(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Cuts a text at ends of lines; the first line has the number `first`. Lines that begin with `comment` are no rows.
///
/// # Errors
/// When a carriage return stands alone.
pub(crate) fn parts(
    text: &[u8],
    first: u64,
    comment: Option<u8>,
) -> Result<Vec<Part<'_>>, TextError> {
    let mut cuts = vec![0];
    while let Some(&start) = cuts.last()
        && start < text.len()
    {
        let least = (start + PART).min(text.len());
        let end = text[least..].iter().position(|&b| b == b'\n').map(|i| least + i + 1);
        cuts.push(end.unwrap_or(text.len()));
    }
    let part = |c: &[usize]| Part { bytes: &text[c[0]..c[1]], line: 1, rows: 0, comment };
    let mut parts: Vec<Part<'_>> = cuts.windows(2).map(part).collect();
    let counted: Vec<(u64, bool)> = parts.par_iter_mut().map(count).collect();
    let mut line = first;
    for (part, (lines, alone)) in parts.iter_mut().zip(counted) {
        part.line = line;
        if alone {
            let before = part.bytes.windows(2).position(|w| w[0] == b'\r' && w[1] != b'\n');
            let newlines = part.bytes[..before.unwrap_or(0)].iter().filter(|&&b| b == b'\n');
            return Err(TextError::LineEnds { line: line + newlines.count() as u64 });
        }
        line += lines;
    }
    Ok(parts)
}

/// Counts the rows of a part; gives the ends of its lines, and whether a carriage return stands alone among them.
fn count(part: &mut Part<'_>) -> (u64, bool) {
    let (mut newlines, mut returns) = (0u64, 0u64);
    for byte in part.bytes {
        newlines += u64::from(*byte == b'\n');
        returns += u64::from(*byte == b'\r');
    }
    // Where no line begins with a blank or a comment all are rows, and counting is fast.
    let special = |b: u8| b <= b' ' || part.comment == Some(b);
    let starts = part.bytes.windows(2).filter(|w| w[0] == b'\n' && special(w[1])).count();
    part.rows = match part.bytes {
        [] => 0,
        [first, .., last] if starts == 0 && !special(*first) => {
            newlines as usize + usize::from(*last != b'\n')
        }
        _ => part.lines().count(),
    };
    let alone = returns > 0 && {
        let pairs = part.bytes.windows(2).filter(|w| w[0] == b'\r' && w[1] == b'\n').count();
        let last = part.bytes.last() == Some(&b'\r');
        returns > pairs as u64 + u64::from(last)
    };
    (newlines, alone)
}

/// Runs `work` on every part with its own rows of `values`, in parallel; the error of the earliest line is the one that is
/// told.
pub(crate) fn fill<W, P>(
    parts: &[Part<'_>],
    columns: usize,
    values: &mut [f32],
    work: W,
) -> Result<Vec<P>, TextError>
where
    W: Fn(&Part<'_>, &mut [f32]) -> Result<P, TextError> + Sync,
    P: Send,
{
    let mut jobs = Vec::with_capacity(parts.len());
    let mut rest = values;
    for part in parts {
        let (own, more) = rest.split_at_mut(part.rows * columns);
        jobs.push((part, own));
        rest = more;
    }
    let done: Vec<Result<P, TextError>> =
        jobs.into_par_iter().map(|(part, own)| work(part, own)).collect();
    done.into_iter().collect()
}

/// Too many labels in all parts together.
pub(crate) fn few(labels: &Labels, parts: &[Part<'_>]) -> Result<(), TextError> {
    if labels.names.len() > MOST_CLASSES {
        return Err(TextError::Classes { line: parts.last().map_or(1, |p| p.line) });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_know_their_lines() {
        let line = b"123456789\r\n \n";
        let text = line.repeat(300_000);
        let parts = parts(&text, 5, None).unwrap();
        assert!(parts.len() > 2);
        assert_eq!(parts.iter().map(|p| p.rows).sum::<usize>(), 300_000);
        assert_eq!(parts.iter().map(|p| p.bytes.len()).sum::<usize>(), text.len());
        let last = parts.last().unwrap().lines().last().unwrap();
        assert_eq!(last, (5 + 599_998, &b"123456789\r"[..]));
    }

    #[test]
    fn comments_and_blank_lines_are_no_rows() {
        let text = b"# a\n1\n\n  # b\n2#\n \t\r\n3";
        let parts = parts(text, 1, Some(b'#')).unwrap();
        let lines: Vec<_> = parts.iter().flat_map(Part::lines).collect();
        assert_eq!(lines, [(2, &b"1"[..]), (5, b"2#"), (7, b"3")]);
        assert_eq!(parts[0].rows, 3);
    }

    #[test]
    fn a_carriage_return_alone_is_told_with_its_line() {
        let line = |text: &str| match parts(text.as_bytes(), 1, None) {
            Err(TextError::LineEnds { line }) => Some(line),
            _ => None,
        };
        assert_eq!(line("1,2\r3,4\r"), Some(1));
        assert_eq!(line("1,2\r\n3\r,4\r\n"), Some(2));
        assert_eq!(line("1\r\r\n"), Some(1));
        assert_eq!(line("1,2\r\n3,4\r"), None);
        let far = "1,2\r\n".repeat(400_000) + "5\r6\n";
        assert_eq!(line(&far), Some(400_001));
    }

    #[test]
    fn other_encodings_are_told() {
        assert_eq!(decoded(b"\xef\xbb\xbfa"), Ok(&b"a"[..]));
        for text in [&b"\xff\xfe1\0"[..], b"\xfe\xff\x001", b"1\0,\x002\0"] {
            assert!(matches!(decoded(text), Err(TextError::Encoding { .. })));
        }
    }
}
