//! `cargo xtask bench`: docs/speed.md, what the benches print on this machine, and a line in docs/speed.csv.

use crate::cmd;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::fmt::Write;
use std::fs;
use std::path::Path;

const PAGE: &str = "docs/speed.md";
/// One line a commit that was measured.
const HISTORY: &str = "docs/speed.csv";

/// The package, the bench with its words, and what it measures.
const BENCHES: [(&str, &str, &str); 9] = [
    ("fl-sim", "round", "Whole rounds on MNIST, beside plain loops"),
    ("fl-agg", "rules", "Rules of the server, beside a copy of the messages and plain code"),
    ("fl-sim", "server", "Chains before a rule, beside the rule alone"),
    ("fl-core", "geometry", "The two passes over the messages, beside a copy and plain loops"),
    ("fl-models", "message", "Thirty messages, beside plain loops and the roof"),
    ("fl-models", "passes", "Passes over a data set"),
    (
        "fl-models",
        "convolution -- --ratio",
        "A batch through convolutional networks, beside plain loops",
    ),
    ("fl-lab", "attacks", "Attacks, beside one pass over the messages"),
    ("fl-sim", "tables", "Estimators: memory, first pass and a round"),
];

/// What the history keeps: the column, and criterion's name of the bench.
const KEPT: [(&str, &str); 7] = [
    ("proposed, 1 thread", "round/fig7-proposed_30x7850_f32_1"),
    ("proposed, 2 threads", "round/fig7-proposed_30x7850_f32_2"),
    ("byrd-saga, 2 threads", "round/fig7-byrd-saga_30x7850_f32_2"),
    ("rsa, 2 threads", "round/fig7-rsa_30x7850_f32_2"),
    ("perceptron, 2 threads", "round/fig10-proposed_30x42310_f32_2"),
    ("yardstick, 1 thread", "round/yardstick_softmax_30x7850_f32_1"),
    ("distances 100x100000, 2 threads", "geometry/measure/100x100000_f32_2"),
];

const HEAD: &str = "\
# How fast it is

Written by `cargo xtask bench`; do not edit.

Each part is what one bench prints: times, and their ratios to a yardstick that runs in the same program.
Times of other machines differ, and so do times of this one on another day; ratios in one program are what counts.
[speed.csv](speed.csv) has a line for each state that was measured: nanoseconds, the mean of each bench.
";

/// Runs all benches, writes the page and appends to the history.
pub(crate) fn bench() -> Result<()> {
    ensure!(
        std::env::var_os("FL_DATA_DIR").is_some(),
        "FL_DATA_DIR must name a folder with mnist/: rounds are measured on it (`cargo xtask data mnist` fetches it)"
    );
    let commit = cmd::commit();
    let mut page = format!("{HEAD}\nMeasured on {}, at commit `{commit}`.\n", machine());
    for (package, bench, title) in BENCHES {
        let shown = format!("bench -p {package} --bench {bench}");
        eprintln!("$ cargo {shown}");
        let mut command: Vec<&str> = shown.split(' ').collect();
        if !command.contains(&"--") {
            // What criterion says takes one line a time.
            command.extend(["--", "--output-format=bencher"]);
        }
        let text = cmd::output(&command)?;
        let (times, own): (Vec<&str>, Vec<&str>) = text
            .lines()
            .filter(|line| !line.starts_with("Gnuplot"))
            .partition(|line| line.starts_with("test "));
        // What a bench prints by itself has ratios; where it prints nothing, its times stand there.
        let own = own.join("\n");
        let own = if own.trim().is_empty() { times.join("\n") } else { own };
        let own = own.trim_matches('\n');
        write!(page, "\n## {title}\n\n`cargo {shown}`\n\n```text\n{own}\n```\n")?;
    }
    cmd::write(PAGE, &page)?;
    let path = cmd::root().join(HISTORY);
    let names: Vec<&str> = KEPT.iter().map(|(column, _)| *column).collect();
    let head = format!("commit;machine;{}", names.join(";"));
    let mut history = fs::read_to_string(&path).unwrap_or_else(|_| head.clone() + "\n");
    ensure!(
        history.lines().next() == Some(&head),
        "{HISTORY} has other columns than `cargo xtask bench` writes: {head}"
    );
    write!(history, "{commit};{}", machine())?;
    for (_, name) in KEPT {
        write!(history, ";{:.0}", mean(name)?)?;
    }
    cmd::write(HISTORY, &(history + "\n"))
}

/// The mean of a bench that has just run, in nanoseconds.
fn mean(name: &str) -> Result<f64> {
    let path = cmd::target().join("criterion").join(name).join("new/estimates.json");
    let text = fs::read_to_string(&path)
        .with_context(|| format!("the bench `{name}` has left no times in {}", path.display()))?;
    let value: Value = serde_json::from_str(&text)?;
    value["mean"]["point_estimate"].as_f64().with_context(|| format!("`{name}` has no mean"))
}

/// The processor and how many of its cores there are.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let text = fs::read_to_string(Path::new("/proc/cpuinfo")).unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let name = name.map_or(std::env::consts::ARCH, |(_, name)| name.trim());
    format!("{cores} cores of {name}")
}
