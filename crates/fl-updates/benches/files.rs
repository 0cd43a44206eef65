//! Gigabytes a second from files, and NumPy's rate on the same files in the same run.
//!
//! `cargo bench -p fl-updates --bench files -- CLIENTS NUMBERS` makes CLIENTS files of NUMBERS numbers (20 and 5·10⁶ if left
//! out; the mark is 20 and 5·10⁷), reads them once so that they are in the page cache, and prints for each rule the bytes
//! read over all passes and the rate. `cargo xtask updates` runs it at full size beside `yardstick.py`.
//! Up to 2·10⁸ numbers in all it also compares the output with that of the same numbers in memory, bit by bit.

use fl_agg::{CoordinateMedian, GeometricMedian, Krum};
use fl_core::{Messages, RuleSpec};
use fl_updates::{OpenOptions, Options, Progress, Updates, aggregate};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// A file of one tensor of pseudo-random numbers.
fn write(path: &Path, dtype: &str, numbers: usize, seed: u64) -> std::io::Result<()> {
    let width = if dtype == "F32" { 4 } else { 2 };
    let header = format!(
        r#"{{"w":{{"dtype":"{dtype}","shape":[{numbers}],"data_offsets":[0,{}]}}}}"#,
        numbers * width
    );
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    file.write_all(&(header.len() as u64).to_le_bytes())?;
    file.write_all(header.as_bytes())?;
    let mut state = seed;
    for _ in 0..numbers {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let x = ((state >> 40) as f32 / (1 << 24) as f32) - 0.5;
        file.write_all(&x.to_le_bytes()[4 - width..])?;
    }
    file.flush()
}

fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

fn measure(name: &str, rule: impl RuleSpec + 'static, files: &[PathBuf], output: &Path) {
    let updates = Updates::open(files, &OpenOptions::default()).expect("files that fit");
    let options = Options { memory: 256 << 20, ..Options::new(rule, 4) };
    let mut best = f64::INFINITY;
    let mut read = 0;
    for _ in 0..3 {
        let begun = Instant::now();
        let done = aggregate(&updates, &options, output, &Progress::default()).expect("an output");
        best = best.min(begun.elapsed().as_secs_f64());
        read = done.bytes_read;
    }
    let rate = read as f64 / best / 1e9;
    println!("{name:<28} {:>8.2} GB in {best:>7.2} s {rate:>7.2} GB/s", read as f64 / 1e9);
}

/// The law at full size: the file's numbers are those that the same numbers give in memory.
fn same_bits(numbers: usize, files: &[PathBuf], output: &Path) {
    let data = |path: &Path| {
        let bytes = fs::read(path).expect("a file");
        bytes[bytes.len() - 4 * numbers..].to_vec()
    };
    let single = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().expect("four bytes"));
    let mut messages = Messages::<f32>::zeros(files.len(), numbers);
    for (row, path) in messages.rows_mut().zip(files) {
        let bytes = data(path);
        row.iter_mut().zip(bytes.chunks_exact(4)).for_each(|(x, bytes)| *x = single(bytes));
    }
    let updates = Updates::open(files, &OpenOptions::default()).expect("files that fit");
    let options = Options { memory: 8 << 20, ..Options::new(GeometricMedian::default(), 4) };
    aggregate(&updates, &options, output, &Progress::default()).expect("an output");
    let (out, _) = fl_agg::aggregate(GeometricMedian::default(), &messages, 4).expect("finite");
    let found = data(output);
    let equal =
        found.chunks_exact(4).zip(&out).all(|(bytes, x)| single(bytes).to_bits() == x.to_bits());
    assert!(equal, "other bits than in memory");
    println!(
        "{} files of {numbers} numbers through 8 MiB: the bits of the same numbers in memory",
        files.len()
    );
}

fn main() {
    let given: Vec<usize> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let clients = given.first().copied().unwrap_or(20);
    let numbers = given.get(1).copied().unwrap_or(5_000_000);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = folder.path().join("out.safetensors");
    for dtype in ["F32", "BF16"] {
        let files: Vec<PathBuf> = (0..clients)
            .map(|c| folder.path().join(format!("{dtype}-{c:03}.safetensors")))
            .collect();
        for (c, path) in files.iter().enumerate() {
            write(path, dtype, numbers, c as u64 + 1).expect("a file");
        }
        if dtype == "F32" && clients * numbers <= 200_000_000 {
            same_bits(numbers, &files, &output);
        }
        measure(&format!("geometric median, {dtype}"), GeometricMedian::default(), &files, &output);
        measure(&format!("krum, {dtype}"), Krum::default(), &files, &output);
        measure(
            &format!("coordinate median, {dtype}"),
            CoordinateMedian::default(),
            &files,
            &output,
        );
    }
    // What was in memory for the comparison would count.
    if let Some(peak) = peak_memory().filter(|_| clients * numbers > 200_000_000) {
        println!(
            "peak memory {:.0} MiB, of which 256 MiB were allowed for tiles",
            peak as f64 / 1048576.0
        );
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/yardstick.py");
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
    let ran = Command::new(python).arg(script).arg(folder.path()).status();
    if !ran.is_ok_and(|status| status.success()) {
        println!("NumPy is not here: its rates are left out");
    }
}
