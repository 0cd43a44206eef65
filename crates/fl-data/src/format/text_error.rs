//! Why a text is not a table: errors with a line.

/// The most classes that a file's labels may name.
pub const MOST_CLASSES: usize = 65_536;

/// Why a text is not a table of numbers with labels. Lines and fields count from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// No line with anything on it.
    #[error("expected at least one row, found none")]
    Empty,
    /// Something on a line is not what it should be.
    #[error("line {line}{}: expected {expected}, found {found}", field.as_ref().map(|f| format!(", {f}")).unwrap_or_default())]
    Line {
        /// The line.
        line: u64,
        /// The field, by number and name where it has one.
        field: Option<String>,
        /// What would do.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A column that the options name and the file has not.
    #[error("expected a column {wanted}, found {found}")]
    Column {
        /// As asked for.
        wanted: String,
        /// The columns that there are.
        found: String,
    },
    /// The first line could hold names, and could be a row.
    #[error(
        "line {line}: the first line may hold the names of columns or be a row: {why}; say `header = true` or `header = false`"
    )]
    Header {
        /// The first line with anything on it.
        line: u64,
        /// What speaks for either.
        why: String,
    },
    /// Not the text that formats are made of.
    #[error(
        "expected text in UTF-8, found {found}; {}",
        "convert the file, for example with `iconv -f UTF-16 -t UTF-8`"
    )]
    Encoding {
        /// What is there.
        found: &'static str,
    },
    /// Lines that end in a way of long ago, or in two ways.
    #[error(
        "line {line}: a carriage return (CR) stands alone; lines must end in LF or CR LF (`tr '\\r' '\\n'` converts old Macintosh line ends)"
    )]
    LineEnds {
        /// The line, as ends of lines are counted.
        line: u64,
    },
    /// More labels than a classification has.
    #[error(
        "line {line}: expected at most {MOST_CLASSES} different labels, found one more; is the label a measured number? `targets = true` reads it as one"
    )]
    Classes {
        /// Where the first one too many is.
        line: u64,
    },
    /// More numbers than there is memory for.
    #[error("{rows} rows of {columns} columns take {} MB, more than the memory that can be had", bytes / 1_000_000)]
    Memory {
        /// Rows of the file.
        rows: usize,
        /// Columns of a row.
        columns: usize,
        /// Bytes wanted.
        bytes: u128,
    },
    /// Few bytes that stand for many zeros.
    #[error(
        "line {line}: feature {column} makes {rows} rows of as many columns, {} MB, more than {most} times the file's {bytes} bytes; say `features = {column}` if that is meant",
        rows.saturating_mul(*column).saturating_mul(4) / 1_000_000
    )]
    Wide {
        /// A line with the greatest index.
        line: u64,
        /// The greatest index.
        column: usize,
        /// Rows of the file.
        rows: usize,
        /// Bytes of the file.
        bytes: usize,
        /// How many times its bytes a matrix may take.
        most: usize,
    },
}

/// The beginning of what was found, in quotes.
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(96)]);
    let short: String = text.trim().chars().take(32).collect();
    if short.is_empty() { "nothing".into() } else { format!("{short:?}") }
}
