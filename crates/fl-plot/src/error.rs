//! Everything that can go wrong between a figure and its files.

use std::path::PathBuf;

use thiserror::Error;

/// Why a figure could not be drawn or written.
///
/// Panels are counted from 1, in the order of [`Figure::panels`](crate::Figure::panels).
#[derive(Debug, Error)]
pub enum PlotError {
    /// The figure has no panels.
    #[error("the figure has no panels; give it at least one")]
    NoPanels,

    /// A grid needs at least one column.
    #[error("a figure needs at least 1 column of panels, got {columns}")]
    Columns {
        /// The value of `Figure::columns`.
        columns: usize,
    },

    /// A panel without curves.
    #[error("panel {panel} has no curves; give it at least one or leave the panel out")]
    NoCurves {
        /// Number of the panel, from 1.
        panel: usize,
    },

    /// A panel whose curves are all empty.
    #[error(
        "panel {panel} has {curves} curves and not one point; has anything been evaluated yet?"
    )]
    NoPoints {
        /// Number of the panel, from 1.
        panel: usize,
        /// How many curves it has.
        curves: usize,
    },

    /// A panel whose points all are NaN, infinite, or not positive on a logarithmic axis.
    #[error(
        "none of the {points} points of panel {panel} can be drawn: each is NaN, infinite, or not \
         positive on a logarithmic axis"
    )]
    NothingToDraw {
        /// Number of the panel, from 1.
        panel: usize,
        /// How many points were looked at.
        points: usize,
    },

    /// Two curves of one panel with one name: the legend could not tell them apart.
    #[error("panel {panel} has two curves named `{name}`; give each curve of a panel its own name")]
    DuplicateName {
        /// Number of the panel, from 1.
        panel: usize,
        /// The name.
        name: String,
    },

    /// A given range that cannot be an axis.
    #[error(
        "the {axis} range of panel {panel} is ({low}, {high}); it needs finite ends, low < high, and \
         low > 0 on a logarithmic axis"
    )]
    Range {
        /// Number of the panel, from 1.
        panel: usize,
        /// `x` or `y`.
        axis: char,
        /// Lower end as given.
        low: f64,
        /// Upper end as given.
        high: f64,
    },

    /// A picture of an unusable size.
    #[error("a figure is between {min} and {max} pixels wide and high, got {width}×{height}")]
    Size {
        /// Width asked for.
        width: u32,
        /// Height asked for.
        height: u32,
        /// Least size of a side.
        min: u32,
        /// Greatest size of a side.
        max: u32,
    },

    /// A PNG scale that is not a positive number or makes the picture too large.
    #[error(
        "a scale of {scale} for a figure of {width}×{height} is not usable: each side of the PNG must \
         have between 1 and {max} pixels"
    )]
    PngScale {
        /// The scale asked for.
        scale: f32,
        /// Width of the figure.
        width: u32,
        /// Height of the figure.
        height: u32,
        /// Greatest number of pixels of a side.
        max: u32,
    },

    /// Labels and legend leave no room for the curves.
    #[error(
        "a figure of {width}×{height} leaves {room_width:.0}×{room_height:.0} pixels for a panel's curves, fewer than \
         {min}×{min}; enlarge it, use fewer columns, or shorten its texts"
    )]
    NoRoom {
        /// Width of the figure.
        width: u32,
        /// Height of the figure.
        height: u32,
        /// Width that is left for the curves of a panel.
        room_width: f64,
        /// Height that is left for the curves of a panel.
        room_height: f64,
        /// Least usable side.
        min: u32,
    },

    /// Numbers that do not fill a heat map's table.
    #[error(
        "{rows} rows and {columns} columns need {} numbers, got {values}; a heat map needs at least one of each",
        rows.saturating_mul(*columns)
    )]
    Table {
        /// Names of rows.
        rows: usize,
        /// Names of columns.
        columns: usize,
        /// Numbers given.
        values: usize,
    },

    /// A range of colours that cannot be one.
    #[error("colours cannot run from {low} to {high}; a range needs finite ends, low < high")]
    HeatRange {
        /// Number of the lightest colour.
        low: f64,
        /// Number of the darkest colour.
        high: f64,
    },

    /// A table that makes too large a picture.
    #[error(
        "a heat map of {rows} rows and {columns} columns is larger than {max} pixels; draw a part of it"
    )]
    HeatSize {
        /// Rows of the table.
        rows: usize,
        /// Columns of the table.
        columns: usize,
        /// Greatest number of pixels of a side.
        max: u32,
    },

    /// More digits than a number has.
    #[error("a heat map writes at most {max} digits behind the point, got {digits}")]
    Digits {
        /// The value of `HeatMap::digits`.
        digits: usize,
        /// The most there may be.
        max: usize,
    },
    /// The PNG encoder refused.
    #[error("the picture could not be encoded as PNG: {message}")]
    Encode {
        /// The encoder's words.
        message: String,
    },

    /// The path to save under has no file name.
    #[error("`{}` does not end in a file name; give a stem such as `figures/fig7`", path.display())]
    Stem {
        /// The path as given.
        path: PathBuf,
    },

    /// A file could not be written; nothing half-written is left.
    #[error("cannot write `{}`: {source}; check that the folder exists and can be written to", path.display())]
    Write {
        /// The file that was to be written.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}
