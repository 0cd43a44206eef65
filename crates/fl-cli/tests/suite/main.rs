//! The integration tests of `fl-cli`, as one program: linking is what takes time.

mod aggregate;
// Shell scripts, mounted disks, signals: not on every system.
#[cfg(unix)]
mod cluster;
mod common;
mod data;
mod defend;
#[cfg(unix)]
mod faults;
mod folders;
mod guide;
mod limits;
mod mistakes;
mod outputs;
mod readme;
mod report;
mod results;
#[cfg(unix)]
mod signals;
mod sweep;
mod theory;
mod updates;
