//! What a run leaves on disk, and how it is read again.

mod changed_file;
pub(crate) mod checkpoint;
pub(crate) mod optima;
pub(crate) mod record;
mod status;
pub(crate) mod stop;
mod summary;

pub use changed_file::{ChangedFile, Difference, edited};
pub use record::{
    Done, Ending, Finals, Outcome, Overhead, Resources, Timing, finished_cells, read_metrics,
    read_timing, write_whole,
};
pub use status::{Progress, Status, status, statuses};
pub use stop::{Plateau, Stop, StopConfig};
pub use summary::{Summary, summarise};
