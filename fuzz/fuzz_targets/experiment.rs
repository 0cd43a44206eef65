//! Whatever the text, reading an experiment file ends in an experiment or in mistakes.

#![no_main]

use fl_lab::Sweep;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = Sweep::parse(&String::from_utf8_lossy(data), "fuzz.toml", &[]);
});
