//! Right numbers, in both precisions and at all scales.

use super::trial::{Case, Seen, Trial, all, case, close};
use anyhow::Result;
use std::fs;

pub(super) const CASES: &[Case] = &[
    case("f64-huge-message", "krum 1.1,0.9; five others 1.04,1.0", |trial| {
        let input = ["--input", "huge200.csv"];
        let mut seen = vec![vector(trial, "krum", 2, &input, &[1.1, 0.9], 1e-9)?];
        for rule in ["mda", "faba", "ios", "cge", "multi-krum"] {
            seen.push(vector(trial, rule, 2, &input, &[1.04, 1.0], 1e-9)?);
        }
        let more = [&input[..], &["--pre", "nnm"]].concat();
        seen.push(vector(trial, "coordinate-median", 2, &more, &[1.04, 1.0], 1e-9)?);
        seen.push(vector(trial, "aksel", 2, &input, &[1.05, 1.05], 1e-9)?);
        Ok(all(seen))
    }),
    case("f64-huge-message", "geometric-median 1.12743183723,1.04662160974", |trial| {
        let right = [1.127_431_837_23, 1.046_621_609_74];
        vector(trial, "geometric-median", 2, &["--input", "huge200.csv"], &right, 1e-9)
    }),
    case("f64-huge-message", "the same in f32, with 1e30 for 1e200", |trial| {
        let first = [1e6f32, 1e30, 0.9, 1.1, 1.0, 1.0, 1.2];
        let second = [1e6f32, 1e30, 1.1, 0.9, 1.2, 0.8, 1.0];
        fs::write(trial.folder.join("huge30.npy"), npy(&first, &second))?;
        let found = |rule: &str| -> Result<Vec<f64>> {
            let words = ["aggregate", "--rule", rule, "--byzantine", "2"];
            let files = ["--input", "huge30.npy", "--output", "out.csv"];
            trial.run(&[&words[..], &files[..]].concat())?;
            let text = fs::read_to_string(trial.folder.join("out.csv"))?;
            Ok(text.trim().split(',').filter_map(|x| x.parse().ok()).collect())
        };
        let (krum, median) = (found("krum")?, found("geometric-median")?);
        let right = close(&krum, &[1.1, 0.9], 1e-6)
            && close(&median, &[1.127_431_837_23, 1.046_621_609_74], 1e-6);
        Ok(Seen { what: format!("krum {krum:?}, geometric median {median:?}"), right })
    }),
    case("f64-huge-message", "gm .93 and krum .89, as with factor = -1e30", |trial| {
        let text = fs::read_to_string(trial.folder.join("experiment.toml"))?;
        trial.write("less.toml", &text.replace("-1e200", "-1e30"))?;
        let accuracies = |file: &str| -> Result<Vec<f64>> {
            let out = file.trim_end_matches(".toml");
            trial.run(&["run", file, "--out", out, "--quiet"])?;
            let table = trial.run(&["results", file, "--out", out, "--format", "csv"])?.out;
            let mean = |line: &str| line.split(',').nth(4).and_then(|x| x.parse().ok());
            Ok(table.lines().filter_map(mean).collect())
        };
        let (here, less) = (accuracies("experiment.toml")?, accuracies("less.toml")?);
        let right = here.len() == 3 && here == less && here[0] > 0.92 && here[1] > 0.88;
        Ok(Seen { what: format!("{here:?}; with -1e30 {less:?}"), right })
    }),
    case("f64-huge-clipping", "mean after clipping 1.35355339059,0.853553390593", |trial| {
        let input = ["--input", "clip.csv", "--pre", "clipping:tau=2"];
        vector(trial, "mean", 1, &input, &[1.353_553_390_59, 0.853_553_390_593], 1e-10)
    }),
    case("f64-huge-clipping", "centered clipping 43.1776695297,18.1776695297", |trial| {
        let right = [43.177_669_529_7, 18.177_669_529_7];
        vector(trial, "centered-clipping", 1, &["--input", "clip.csv"], &right, 1e-10)
    }),
    case("f64-huge-clipping", "arc: no message longer than the third longest", |trial| {
        // With f = 1 of 4, ARC clips the longest ones to the length of one that stays; all are then at most 1e6 long.
        let output = trial.aggregate("mean", 1, &["--input", "clip.csv", "--pre", "arc"])?;
        let length = output.iter().map(|x| x * x).sum::<f64>().sqrt();
        Ok(Seen { what: format!("{output:?}"), right: length <= 1e6 })
    }),
    case("caf-overflow", "1.0400000016,1.000000004", |trial| {
        vector(trial, "caf", 2, &["--input", "nan77.csv"], &[1.040_000_001_6, 1.000_000_004], 1e-9)
    }),
    case("tiny-alpha-is-iid", "each class with one of two workers", |trial| {
        let partition = "dirichlet = { alpha = 1e-308 }";
        let words = ["data", "info", "digits", "--partition", partition, "--workers", "2"];
        let output = trial.run(&words)?;
        // Of a class's rows some 144 are for training; one that is dealt evenly has 72 of them with each worker.
        let numbers = output.out.split(|c: char| !c.is_ascii_digit());
        let whole =
            numbers.filter(|n| n.parse().is_ok_and(|n: u32| (130..=160).contains(&n))).count();
        Ok(Seen { what: format!("{whole} cells with a whole class"), right: whole >= 20 })
    }),
    case("hex-seed-exclude", "seeds 0x10: exclude 16 is taken, exclude 10 refused", |trial| {
        let (ten, sixteen) = (trial.run(&["check", "h.toml"])?, trial.run(&["check", "h16.toml"])?);
        Ok(all(vec![ten.seen(ten.refused(&[2])), sixteen.seen(sixteen.code == Some(0))]))
    }),
];

/// The output of a rule is the right one.
fn vector(
    trial: &Trial,
    rule: &str,
    byzantine: usize,
    more: &[&str],
    right: &[f64],
    tolerance: f64,
) -> Result<Seen> {
    let found = trial.aggregate(rule, byzantine, more)?;
    let right = close(&found, right, tolerance);
    Ok(Seen { what: format!("{rule} {found:?}"), right })
}

/// A matrix of two columns in NumPy's format.
fn npy(first: &[f32], second: &[f32]) -> Vec<u8> {
    let shape = format!("({}, 2)", first.len());
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    // The header ends with a line break at a multiple of 64 bytes.
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(118u16.to_le_bytes());
    bytes.extend(format!("{header:<117}\n").bytes());
    for (x, y) in first.iter().zip(second) {
        bytes.extend(x.to_le_bytes());
        bytes.extend(y.to_le_bytes());
    }
    bytes
}
