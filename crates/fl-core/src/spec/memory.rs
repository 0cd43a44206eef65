//! Whether there is room for something large, asked before it is made.

use crate::SpecError;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The most that one part may ask for.
static LIMIT: AtomicUsize = AtomicUsize::new(usize::MAX);

/// Sets the most bytes that [`room`] grants, in the whole process: what the machine has, or what a container leaves of it.
/// Without a call there is no limit but the allocator's.
///
/// A library cannot know this number; a program reads it from the system.
pub fn limit_memory(bytes: usize) {
    LIMIT.store(bytes, Ordering::Relaxed);
}

/// Asks for room for `bytes` in all, before parts of that size are made: within [`limit_memory`], and such that the
/// allocator has them now. Nothing is kept, and no memory is touched.
///
/// # Errors
/// With `what` the memory is for, how much it is, and how much there is.
pub fn room(what: &str, bytes: usize) -> Result<(), SpecError> {
    let limit = LIMIT.load(Ordering::Relaxed);
    let refused = |allowed: String| {
        let got = match bytes {
            usize::MAX => "more bytes than can be counted".to_owned(),
            bytes => in_units(bytes),
        };
        Err(SpecError::new(format!("the memory for {what}"), allowed, got))
    };
    if bytes > limit {
        let allowed = format!("at most {}, all that this process may have", in_units(limit));
        return refused(allowed);
    }
    let mut probe: Vec<u8> = Vec::new();
    if probe.try_reserve_exact(bytes).is_err() {
        return refused("no more than the system gives this process".to_owned());
    }
    // An allocation that nobody looks at may be left out.
    std::hint::black_box(&probe);
    Ok(())
}

/// Bytes for people, in decimal units.
pub fn in_units(bytes: usize) -> String {
    let units = [("EB", 1e18), ("PB", 1e15), ("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)];
    match units.iter().find(|(_, unit)| bytes as f64 >= *unit) {
        Some((name, unit)) => format!("{:.1} {name}", bytes as f64 / unit),
        None if bytes == 1 => "1 byte".to_owned(),
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_had_is_refused_with_its_size() {
        assert_eq!(room("a table", 1 << 20), Ok(()));
        for (bytes, got) in [(usize::MAX, "more bytes than can be counted"), (1 << 60, "1.2 EB")] {
            let error = room("a table", bytes).unwrap_err().to_string();
            assert!(error.starts_with("the memory for a table must be"), "{error}");
            assert!(error.ends_with(got), "{error}");
        }
    }

    #[test]
    fn bytes_are_told_in_units_that_people_read() {
        let told = [0, 1, 999, 1000, 1_250_000, 27_952_800_000, 80_000_000_000_000].map(in_units);
        let expected = ["0 bytes", "1 byte", "999 bytes", "1.0 kB", "1.2 MB", "28.0 GB", "80.0 TB"];
        assert_eq!(told, expected);
    }
}
