//! What only the program knows: clock and memory.

use std::sync::OnceLock;
use std::time::Instant;

/// Seconds since the first call.
pub(crate) fn clock() -> f64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs_f64()
}

/// The process's peak memory in bytes, on systems that tell.
pub(crate) fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// Bytes that the disk gave to this process, on systems that tell; what a cache held is not among them.
pub(crate) fn disk_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/io").ok()?;
    status.lines().find_map(|l| l.strip_prefix("read_bytes:"))?.trim().parse().ok()
}
