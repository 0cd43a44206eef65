//! Hostile bytes take no more memory than each parser says: no header, index or gzip file makes it believe in sizes that the
//! input cannot have.

use fl_data::csv::{self, CsvOptions};
use fl_data::libsvm::{self, LibsvmOptions, MOST_DENSE};
use fl_data::{idx, npy, zip};
use peak_alloc::PeakAlloc;
use proptest::prelude::*;

/// Counts what is held, on all threads: parsers work in parallel. The only test of this file, so that nothing else is.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The most that is held at once while `work` runs, beside what was held before.
fn peak(work: impl FnOnce()) -> usize {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    work();
    MEMORY.peak_usage().saturating_sub(before)
}

/// What maps, messages and the threads' queues take, however small the input.
const FLOOR: usize = 1 << 18;

#[track_caller]
fn check(name: &str, input: &[u8], multiple: usize, work: impl FnOnce()) {
    let found = peak(work);
    let most = FLOOR + multiple * input.len();
    assert!(
        found <= most,
        "{name}: {found} bytes for {} of input, expected at most {most}",
        input.len()
    );
}

fn all(bytes: &[u8]) {
    check("idx", bytes, 4, || {
        drop((idx::parse(bytes).map(|a| a.to_f32()), idx::labels(bytes, 10)));
    });
    // Eight for each byte, and what up to one label in two bytes takes.
    check("csv", bytes, 8 + 300, || drop(csv::parse(bytes, &CsvOptions::default())));
    check("libsvm", bytes, MOST_DENSE + 300, || {
        drop(libsvm::parse(bytes, &LibsvmOptions::default()))
    });
    check("npy", bytes, 4, || drop(npy::parse(bytes).map(|a| a.to_f32())));
    // The names of members, and one of them unpacked.
    check("zip", bytes, 1032 + 10, || {
        for member in zip::members(bytes).unwrap_or_default() {
            drop(member.unpack());
        }
    });
}

fn npy_of(shape: &str, data: usize) -> Vec<u8> {
    let header = format!("{{'descr': '<f8', 'fortran_order': True, 'shape': {shape}, }}");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.resize(file.len() + data, 1);
    file
}

#[test]
fn no_input_takes_more_memory_than_it_is_said_to() {
    // The pool of threads is made once, not by an input.
    let _ = csv::parse(b"1,2\n", &CsvOptions::default());
    for bytes in [
        vec![b'\n'; 1_000_000],
        b"1,2,3\n".repeat(100_000),
        b"1\n".repeat(500_000),
        [vec![b','; 200_000], b"\n1".repeat(300_000)].concat(),
        b"1 1000000000:1\n".repeat(1000),
        b"1 1:1\n".repeat(100_000),
        [b"1 1:1\n".repeat(100_000), b"1 900000:1\n".to_vec()].concat(),
        (0..200_000).flat_map(|i| format!("{i},{i}\n").into_bytes()).collect(),
        vec![0, 0, 8, 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        vec![0, 0, 8, 1, 0x7f, 0xff, 0xff, 0xff, 1, 2, 3],
        npy_of("(100000, 100000)", 64),
        npy_of("(2, 4)", 64),
        npy_of("(99999999999999999999, 1)", 64),
    ] {
        all(&bytes);
    }
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(300));
    let text = "[0-9 :,.\\n#e-]{0,400}";
    runner
        .run(
            &(text, prop::collection::vec(any::<u8>(), 0..400), 0..5usize),
            |(text, bytes, head)| {
                all(text.as_bytes());
                let heads: [&[u8]; 5] =
                    [b"", &[0, 0, 8, 3], &[0x1f, 0x8b, 8], b"\x93NUMPY\x01\x00", b"PK\x03\x04"];
                let mut file = heads[head].to_vec();
                file.extend(&bytes);
                all(&file);
                file.extend(b"PK\x05\x06");
                file.extend(bytes.iter().cycle().take(if bytes.is_empty() { 0 } else { 16 }));
                file.extend([0, 0]);
                all(&file);
                Ok(())
            },
        )
        .expect("no more memory than said");
}
