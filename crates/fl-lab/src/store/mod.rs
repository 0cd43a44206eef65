//! What a run leaves on disk, and how it is read again.

mod changed_file;
pub(crate) mod checkpoint;
mod done;
mod files;
mod folder;
mod lines;
mod optima;
mod stamp;
mod status;
mod stop;
mod summary;
mod there;

pub use changed_file::{ChangedFile, Difference, edited};
pub use done::{Done, Ending, Finals, Outcome, Overhead, Resources, Stop};
pub(crate) use done::{FAILURE, SCHEMA};
pub use files::write_whole;
pub(crate) use folder::{Folder, Resumed};
pub use folder::{finished_cells, outcomes};
pub(crate) use lines::Writer;
pub use lines::{Timing, read_metrics, read_timing};
pub(crate) use optima::Optima;
pub use status::{Progress, Status, status, statuses};
pub use summary::{Summary, summarise};
pub use there::{configuration, is_run, runs_there};
