//! What a run costs beside its rounds: evaluations, full passes, telemetry, lines and checkpoints.
//!
//! `cargo bench -p fl-lab --bench overhead` with `FL_DATA_DIR` naming a folder that holds `mnist/`. The proposed method of
//! Figs. 7 and 10 at the figures' cadences, with checkpoints after each quarter of a run, in turns with runs that measure and save nothing,
//! so that the machine's moods are shared. Each run's own watch tells where its time went; the ratio of the runs' times,
//! evaluations and full passes taken off, is what is left of it from outside.

use fl_lab::{Experiment, Host, Options, Overhead};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// The promises: overhead in parts of the run's time, and seconds for a checkpoint.
const MOST: f64 = 0.03;
const CHECKPOINT: f64 = 0.060;

const FIGURES: [(&str, u64, &str, &str, &str); 2] = [
    ("fig7", 4000, "byzantine.classes = [8, 9]", "softmax]\nl2 = 0.01", "0.5"),
    ("fig10", 400, "byzantine.classes = [9]", "perceptron]\nhidden = [50, 50]", "0.1"),
];

fn file(figure: (&str, u64, &str, &str, &str), rounds: u64, bare: bool) -> String {
    let (name, _, byzantine, model, step) = figure;
    let every = match bare {
        true => format!("evaluate-every = {rounds}\nfull-pass-every = 0\n"),
        false => "evaluate-every = 50\n".to_owned(),
    };
    let saving = if bare { u64::MAX >> 1 } else { rounds / 4 };
    format!(
        r#"
name = "{name}"
rounds = {rounds}
{every}
[checkpoint]
rounds = {saving}
keep = "nothing"

[data]
set = "mnist"
partition.by-class = {{ workers-per-class = 3 }}

[federation]
workers = 30
{byzantine}
attack.sample-duplicating = {{ worker = 0 }}

[model.{model}

[train]
batch = 32
step = {step}

[[method]]
name = "Proposed"
estimator = "saga"
pre = [{{ resample = {{ s = 2 }} }}]
rule = "geometric-median"
"#
    )
}

fn clock() -> f64 {
    static BEGIN: OnceLock<Instant> = OnceLock::new();
    BEGIN.get_or_init(Instant::now).elapsed().as_secs_f64()
}

/// One run to its end: seconds in all, and where they went.
fn run(text: &str, data: &fl_data::Loaded, out: &Path) -> (f64, Overhead) {
    let (experiment, source) = Experiment::parse(text, "overhead.toml", &[]).expect("valid");
    let go_on = AtomicBool::new(false);
    let host = Host { clock, peak_memory: || None, stop: &go_on, abandon: None };
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    let options = Options { fresh: true, ..Options::new(out, threads) };
    let outcomes =
        fl_lab::run_experiment(&experiment, &source, data, options, host, &|_| {}).expect("a run");
    let resources = outcomes[0].done.resources;
    (resources.seconds, resources.overhead)
}

fn main() {
    let test = std::env::args().any(|arg| arg == "--test");
    let folder = std::env::var_os("FL_DATA_DIR").map(|folder| Path::new(&folder).join("mnist"));
    let Some(data) = folder.and_then(|folder| fl_data::mnist::load(&folder).ok()) else {
        eprintln!("skipped: FL_DATA_DIR does not name a folder with mnist/");
        return;
    };
    let out = tempfile::tempdir().expect("a folder");
    for figure in FIGURES {
        let (name, rounds, ..) = figure;
        let (rounds, pairs) = if test { (12, 1) } else { (rounds, 11) };
        let mut ratios = Vec::new();
        let mut worst: Option<(f64, f64)> = None;
        for pair in 0..pairs {
            let go = |bare| run(&file(figure, rounds, bare), &data, out.path());
            // Neither is always the first.
            let ((bare, nothing), (seconds, beside)) = if pair % 2 == 0 {
                (go(true), go(false))
            } else {
                let full = go(false);
                (go(true), full)
            };
            let rest =
                |seconds: f64, beside: &Overhead| seconds - beside.evaluations - beside.full_passes;
            let training = rest(seconds, &beside);
            ratios.push(training / rest(bare, &nothing));
            let (part, one) =
                (beside.of_every_run() / training, beside.checkpoints / beside.saved.max(1) as f64);
            println!(
                "{name}: {rounds} rounds {seconds:.2} s, of these evaluations {:.3} s, full passes {:.3} s; telemetry \
                 {:.1} ms, lines {:.1} ms, {} checkpoints {:.1} ms ({:.1} ms each): {:.2} % of the rounds' time",
                beside.evaluations,
                beside.full_passes,
                1e3 * beside.telemetry,
                1e3 * beside.lines,
                beside.saved,
                1e3 * beside.checkpoints,
                1e3 * one,
                100.0 * part
            );
            let so_far = worst.unwrap_or_default();
            worst = Some((so_far.0.max(part), so_far.1.max(one)));
        }
        ratios.sort_by(f64::total_cmp);
        let (part, one) = worst.unwrap_or_default();
        println!(
            "{name}: time with all of it to time with none, in {pairs} pairs: median {:.3}, {:.3} to {:.3}; overhead at most {:.2} % \
             (promised for Fig. 7: below {:.0} %), a checkpoint at most {:.1} ms (promised: {:.0} ms)",
            ratios[pairs / 2],
            ratios[0],
            ratios[pairs - 1],
            100.0 * part,
            100.0 * MOST,
            1e3 * one,
            1e3 * CHECKPOINT
        );
    }
}
