//! Whatever the text, reading an experiment file ends in an experiment or in mistakes: never in a panic, and without
//! keeping memory.
//!
//! `FL_MUTATIONS` says how many texts are tried (`cargo xtask soak` tries a million), `FL_MUTATIONS_SEED` which.

use fl_lab::Sweep;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

const TRIES: usize = 3000;
/// Numbers at the edges of what types hold, and what is no number.
const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "-1",
    "1",
    "2",
    "1e308",
    "-1e308",
    "1e-320",
    "1e-308",
    "nan",
    "inf",
    "-inf",
    "0x10",
    "0o17",
    "0b11",
    "255",
    "65536",
    "4294967296",
    "100000000000",
    "9007199254740993",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "340282366920938463463374607431768211456",
    "0.5",
    "1.0",
    "1_000",
];
/// Values of other types.
const VALUES: &[&str] = &[
    "true",
    "false",
    "\"\"",
    "\"x\"",
    "'x'",
    "[]",
    "{}",
    "[[]]",
    "[{}]",
    "[0, 1, 1]",
    "{ a = 1 }",
    "1979-05-27",
    "\"\\u0000\"",
    "\"\\u202e\"",
    "\"none\"",
    "\"all\"",
    "[\"none\", \"alie\", \"none\"]",
    "{ count = 1 }",
];
/// Parts of a file that the committed experiments have not.
const LINES: &[&str] = &[
    "protocol.rsa = { lambda = 0.02, order = \"workers-first\", decay = \"inverse-root\" }",
    "momentum = { beta = 0.9 }",
    "clip = { norm = 1.0 }",
    "local-steps = { steps = 3, step = 0.01 }",
    "pre = [{ resample = { s = 2 } }, \"nnm\", { clipping = { tau = 2.0 } }, \"arc\", { bucketing = { s = 2 } }]",
    "attack.mixture = { attacks = [\"alie\", { sign-flipping = { factor = -4 } }], counts = [1, 2] }",
    "attack.random = { attacks = [\"ipm\", \"mimic\"] }",
    "attack.line-search = { attack = \"min-max\" }",
    "poison.label-flipping = {}",
    "poison.backdoor = { target = 1 }",
    "byzantine.rotating = { count = 2, every = 5 }",
    "participation.sample = 5",
    "participation.drop-out = 0.2",
    "partition.dirichlet = { alpha = 0.1, min-size = 1, tries = 10 }",
    "partition.shards = { shards = 2 }",
    "set.csv = { train = \"nowhere.csv\", label = \"y\", drop = [\"a\"] }",
    "set.libsvm = { train = \"nowhere.svm\", features = 12 }",
    "[sweep]",
    "\"federation.byzantine.count\" = [0, 3, 6]",
    "\"train.step\" = [0.1, 0.2]",
    "federation.attack = [\"none\", { label = \"weak\", value = { ipm = { epsilon = 0.1 } } }]",
    "exclude = [{ method = \"Krum\", seed = 1 }, { attack = \"none\" }]",
    "[tune]",
    "methods = [\"SGD\"]",
    "[defend]",
    "rules = [\"krum\", { dnc = {} }]",
    "chains = [[], [\"arc\", \"nnm\"]]",
    "[stop]",
    "accuracy = 0.9",
    "plateau = { evaluations = 5, by = 0.001 }",
    "[telemetry]",
    "optimum = true",
    "weights = \"samples\"",
    "precision = \"f64\"",
    "checkpoint.rounds = 10",
];

/// SplitMix64: nothing depends on how good it is, but that it is the same everywhere.
struct Draw(u64);

impl Draw {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n.max(1) as u64) as usize
    }

    fn of<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.below(list.len())]
    }
}

/// All committed experiments.
fn corpus() -> Vec<String> {
    let mut texts = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs")];
    while let Some(folder) = folders.pop() {
        let mut entries: Vec<_> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "toml") {
                texts.push(fs::read_to_string(path).unwrap());
            }
        }
    }
    texts
}

/// Where a kind of token begins and ends.
fn tokens(text: &str, belongs: impl Fn(char) -> bool) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut begin = None;
    for (i, c) in text.char_indices().chain([(text.len(), '\n')]) {
        match (begin, belongs(c) && i < text.len()) {
            (None, true) => begin = Some(i),
            (Some(b), false) => {
                found.push((b, i));
                begin = None;
            }
            _ => {}
        }
    }
    found
}

fn replace(text: &mut String, draw: &mut Draw, places: &[(usize, usize)], by: &str) {
    if !places.is_empty() {
        let (begin, end) = places[draw.below(places.len())];
        text.replace_range(begin..end, by);
    }
}

/// One change of a text.
fn change(text: &mut String, draw: &mut Draw, corpus: &[String]) {
    let number = |c: char| c.is_ascii_digit() || ".-+eE".contains(c);
    let word = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let mut lines: Vec<&str> = text.lines().collect();
    let at = draw.below(lines.len());
    match draw.below(12) {
        0 | 1 => {
            let places: Vec<_> = tokens(text, number)
                .into_iter()
                .filter(|&(a, b)| text[a..b].contains(|c: char| c.is_ascii_digit()))
                .collect();
            let value = draw.of(NUMBERS);
            replace(text, draw, &places, value);
        }
        2 => {
            let values: Vec<_> = text
                .match_indices("= ")
                .map(|(i, _)| {
                    (i + 2, i + 2 + text[i + 2..].find('\n').unwrap_or(text.len() - i - 2))
                })
                .collect();
            let value = draw.of(VALUES);
            replace(text, draw, &values, value);
        }
        3 => {
            let other = &corpus[draw.below(corpus.len())];
            let words = tokens(other, word);
            let (a, b) = words[draw.below(words.len())];
            let places = tokens(text, word);
            replace(text, draw, &places, &other[a..b]);
        }
        4 if !lines.is_empty() => {
            lines.remove(at);
            *text = lines.join("\n");
        }
        5 if !lines.is_empty() => {
            let line = lines[at];
            lines.insert(draw.below(lines.len()), line);
            *text = lines.join("\n");
        }
        6 => {
            let other: Vec<&str> = corpus[draw.below(corpus.len())].lines().collect();
            lines.insert(at, other[draw.below(other.len())]);
            *text = lines.join("\n");
        }
        7..=9 => {
            lines.insert(at, draw.of(LINES));
            *text = lines.join("\n");
        }
        10 => {
            let places: Vec<_> = text.char_indices().map(|(i, c)| (i, i + c.len_utf8())).collect();
            let c = draw.of(&[
                "", "\"", "[", "]", "{", "}", "=", ".", ",", "\n", "#", "\\", "é", "\u{0}", "'",
            ]);
            replace(text, draw, &places, c);
        }
        _ => {
            let places: Vec<usize> = text.char_indices().map(|(i, _)| i).collect();
            text.truncate(places.get(draw.below(places.len())).copied().unwrap_or(0));
        }
    }
}

/// MiB that the process holds, where the system tells.
fn resident() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?;
    Some(line.split_whitespace().next()?.parse::<f64>().ok()? / 1024.0)
}

fn setting(name: &str) -> Option<usize> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn whatever_the_text_reading_ends_in_an_experiment_or_in_mistakes() {
    let tries = setting("FL_MUTATIONS").unwrap_or(TRIES);
    let seed = setting("FL_MUTATIONS_SEED").unwrap_or(1) as u64;
    let corpus = corpus();
    let (next, valid) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = |until: usize| {
        let mut slowest = (0.0, String::new());
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            if i >= until {
                return slowest;
            }
            let mut draw =
                Draw(seed.wrapping_mul(0x2545_f491_4f6c_dd1d).wrapping_add(i as u64) << 8);
            let mut text = corpus[draw.below(corpus.len())].clone();
            for _ in 0..=draw.below(3) {
                change(&mut text, &mut draw, &corpus);
            }
            let begin = Instant::now();
            let read = std::panic::catch_unwind(|| Sweep::parse(&text, "case.toml", &[]).is_ok());
            let read = read.unwrap_or_else(|_| panic!("text {i} of seed {seed}:\n{text}"));
            valid.fetch_add(usize::from(read), Ordering::Relaxed);
            let seconds = begin.elapsed().as_secs_f64();
            if seconds > slowest.0 {
                slowest = (seconds, text);
            }
        }
    };
    let parallel = |until: usize| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            let handles: Vec<_> = (0..threads).map(|_| scope.spawn(|| work(until))).collect();
            let slowest = handles.into_iter().map(|h| h.join().expect("no text makes a panic"));
            slowest.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or_default()
        })
    };
    // The first fifth fills what the allocator keeps.
    parallel(tries / 5);
    let before = resident();
    next.store(tries / 5, Ordering::Relaxed);
    let slowest = parallel(tries);
    println!(
        "{tries} texts, {} of them valid; the slowest took {:.3} s:\n{}",
        valid.into_inner(),
        slowest.0,
        slowest.1
    );
    if let (Some(before), Some(after)) = (before, resident()) {
        println!("{before:.0} MiB after a fifth, {after:.0} MiB at the end");
        assert!(after < 1.5 * before + 64.0, "memory grows: {before} MiB, then {after} MiB");
    }
}
