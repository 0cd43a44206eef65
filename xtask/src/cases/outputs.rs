//! Outputs that are no plain new files.

use super::trial::{Case, Seen, Trial, all, case};
use anyhow::Result;

pub(super) const CASES: &[Case] = &[
    case("aggregate-output-special", "devices, FIFOs and links are written through", |trial| {
        let script = "
            set -u
            say() { printf '%s\\n' \"$*\"; }
            aggregate() { timeout 10 \"$F\" aggregate --rule mean --byzantine 0 --input m.csv --output \"$1\"; }
            if mknod null c 1 3 2>/dev/null; then aggregate null; [ -c null ] && say device; else say device; fi
            mkfifo fifo
            (timeout 10 cat fifo > got) & aggregate fifo; wait
            [ -p fifo ] && [ -s got ] && say fifo
            printf old > target; ln -s target link; aggregate link
            [ -L link ] && [ \"$(cat target)\" != old ] && say link
            printf old > a; ln a b; chmod 600 a; aggregate a
            [ \"$(cat b)\" != old ] && say hard
            [ \"$(stat -c %a a)\" = 600 ] && say mode";
        let output = trial.shell(script, 60.0)?;
        let missing: Vec<&str> = ["device", "fifo", "link", "hard", "mode"]
            .into_iter()
            .filter(|word| !output.out.lines().any(|line| line == *word))
            .collect();
        Ok(Seen {
            what: format!("not so with {missing:?}; {}", output.err),
            right: missing.is_empty(),
        })
    }),
    case("stdout-full", "an error and a code that is not 0, in every command", |trial| {
        let mut wrong = Vec::new();
        let commands = [
            "list",
            "list --markdown",
            "explain krum",
            "paper table1",
            "--help",
            "--version",
            "data list",
            "theory q.toml",
            "check q.toml",
            "sweep plan q.toml",
            "results q.toml --format csv",
            "aggregate --rule mean --byzantine 0 --input m.csv --output -",
        ];
        trial.write("m.csv", "1,2\n3,4\n")?;
        trial.write("q.toml", QUICK)?;
        trial.run(&["run", "q.toml", "--quiet"])?;
        for command in commands {
            let full = trial.shell(&format!("\"$F\" {command} > /dev/full"), 30.0)?;
            if full.code == Some(0) || !full.refused(&[1, 2, 3, 4, 5, 6, 74]) {
                wrong.push(format!("{command}: code {:?}", full.code));
            }
        }
        Ok(Seen { what: wrong.join("; "), right: wrong.is_empty() })
    }),
    case("draw-digits-panic", "code 1 or 2 with a line", |trial| {
        let output = trial.run(&["draw", "d.json"])?;
        Ok(output.seen(output.refused(&[1, 2, 3])))
    }),
    case("huge-message", "a field is cut to some dozens of characters", |trial| {
        trial.write("x.csv", &format!("{},0\n2,1\n", "1".repeat(1_000_000)).repeat(2))?;
        let output = trial.run(&["check", "f.toml"])?;
        let right = output.refused(&[1, 2, 3]) && output.err.len() < 1000;
        Ok(Seen { what: format!("{} bytes of messages", output.err.len()), right })
    }),
    case("results-after-more-rounds", "numbers at the file's rounds, or a word", |trial| {
        trial.run(&["run", "q.toml", "--quiet"])?;
        let before = trial.run(&["results", "q.toml"])?;
        trial.run(&["run", "q.toml", "--quiet", "--set", "rounds=80"])?;
        let after = trial.run(&["results", "q.toml"])?;
        let told = after.warns(&["80", "gone on", "more rounds"]);
        Ok(all(vec![after.seen(told || before.out == after.out)]))
    }),
    case("slurm-array", "24 of 24 runs; a task submitted again does its share", |trial| {
        slurm(trial)
    }),
];

const QUICK: &str = "name = \"q\"\nrounds = 4\nseeds = [0]\nfull-pass-every = 0\n[data]\nset = \"digits\"\n\
partition = \"iid\"\n[federation]\nworkers = 4\n[model.softmax]\nl2 = 0.01\n[train]\nbatch = 1\nstep = 0.1\n\
[[method]]\nname = \"mean\"\nrule = \"mean\"\n";

/// An array with steps, of which one task is submitted twice and one ends early.
fn slurm(trial: &Trial) -> Result<Seen> {
    let template = crate::cmd::root().join("scripts/cluster/slurm.sh");
    let script = format!(
        "export FL_CLI=\"$F\" SLURM_CPUS_PER_TASK=2
        task() {{ SLURM_ARRAY_TASK_ID=$1 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=6 SLURM_ARRAY_TASK_STEP=2 \
         SLURM_ARRAY_TASK_COUNT=4 sh {0} sweep.toml --quiet; }}
        for i in 0 2 4 6 2; do task $i || echo failed $i; done
        ls -d runs/*/*/ | while read d; do [ -e \"$d/done.json\" ] && echo run; done | wc -l
        find runs -name done.json | wc -l",
        template.display()
    );
    let output = trial.shell(&script, 300.0)?;
    let done = output.out.lines().last().unwrap_or_default().trim().to_owned();
    let right = done == "24" && !output.out.contains("failed");
    Ok(Seen { what: format!("{done} of 24 done; {}", output.err), right })
}
