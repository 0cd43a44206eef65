//! What is wrong with a data set.

/// Why numbers do not make a data set.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// No rows or no columns.
    #[error("a data set needs rows and columns, got {rows} rows and {columns} columns")]
    Empty {
        /// Rows found.
        rows: usize,
        /// Columns found.
        columns: usize,
    },
    /// Not a rectangle.
    #[error("{values} values do not fill {rows} rows of {columns} columns ({} expected)", rows * columns)]
    Shape {
        /// Numbers found.
        values: usize,
        /// Labels found, which is the number of rows.
        rows: usize,
        /// Columns asked for.
        columns: usize,
    },
    /// A label beyond the classes.
    #[error("label {label} of row {row} is outside the {classes} classes 0 to {}", classes.saturating_sub(1))]
    Label {
        /// The row, from 0.
        row: usize,
        /// The label found.
        label: u32,
        /// Number of classes.
        classes: usize,
    },
    /// An infinite or NaN feature.
    #[error("feature {column} of row {row} is {value}; features must be finite numbers")]
    NonFinite {
        /// The row, from 0.
        row: usize,
        /// The column, from 0.
        column: usize,
        /// The value found.
        value: f64,
    },
    /// Numbers that are not those of the classes.
    #[error("{found} numbers for {classes} classes; each class needs one")]
    ClassValues {
        /// Numbers found.
        found: usize,
        /// Number of classes.
        classes: usize,
    },
    /// An infinite or NaN target.
    #[error("the target of row {row} is {value}; targets must be finite numbers")]
    Target {
        /// The row, from 0.
        row: usize,
        /// The value found.
        value: f64,
    },
    /// Bytes that stand for no finite numbers.
    #[error("bytes are to be multiplied by {scale}; a scale must be a finite number")]
    Scale {
        /// The factor found.
        scale: f64,
    },
    /// A picture whose sides do not multiply to the columns.
    #[error("a picture of {height}×{width} pixels has {} columns, the data have {columns}", height * width)]
    Picture {
        /// Rows of pixels.
        height: usize,
        /// Pixels in a row.
        width: usize,
        /// Columns found.
        columns: usize,
    },
    /// More samples or tiles than 32-bit offsets can address.
    #[error(
        "{rows} rows of {columns} columns are more than this build can address (2³² − 1 tiles)"
    )]
    TooLarge {
        /// Rows found.
        rows: usize,
        /// Columns found.
        columns: usize,
    },
}
