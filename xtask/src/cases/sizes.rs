//! Sizes that must be counted before memory is asked for, and waiting without a word.

use super::trial::{Case, Output, Seen, all, case};

pub(super) const CASES: &[Case] = &[
    case("many-workers-abort", "one line and code 2 or 3", |trial| {
        let output = trial.run_within(16_000, "check w.toml")?;
        Ok(output.seen(output.refused(&[1, 2, 3])))
    }),
    case("libsvm-features-abort", "code 3 with a line", |trial| {
        let output = trial.run_within(16_000, "check f.toml")?;
        Ok(output.seen(output.refused(&[1, 2, 3])))
    }),
    case("estimator-table-abort", "a warning in check, a refusal with a line in run", |trial| {
        let check = trial.run_within(2500, "check e.toml")?;
        let run = trial.run_within(2500, "run e.toml --out out")?;
        let warned = check.warns(&["memory"]) && check.code.is_some_and(|code| code < 100);
        Ok(all(vec![check.seen(warned), run.seen(run.refused(&[1, 2, 3]))]))
    }),
    case("out-of-memory", "an error with the size, and code 3", |trial| {
        let set = "'libsvm = { train = \"wide.svm\", features = 5000000 }'";
        let output =
            trial.run_within(800, &format!("data info {set} --workers 2 --partition iid"))?;
        Ok(output.seen(output.refused(&[1, 2, 3]) || output.code == Some(0)))
    }),
    case("wide-rows-memory", "20 rows of 400 000 features in 700 MiB of addresses", |trial| {
        let output = trial.run_within(700, "run f.toml --threads 2 --out out")?;
        let check = trial.run(&["check", "f.toml"])?;
        let right = output.code == Some(0) || output.refused(&[2, 3]);
        Ok(all(vec![output.seen(right), check.seen(check.has(&["memory: at most"]))]))
    }),
    case(
        "csv-wide-line-memory",
        "a line of 25 million numbers in 1 000 MiB of addresses",
        |trial| {
            trial.write("x.csv", &format!("{}1", "1,".repeat(25_000_000)))?;
            let output = trial.run_within(1000, "check f.toml")?;
            Ok(output.seen(output.code == Some(0) || output.refused(&[1, 2, 3])))
        },
    ),
    case("sweep-too-many", "how many points there are, and that it is too many", |trial| {
        let (a, b) =
            (trial.run_within(2000, "check s63.toml")?, trial.run_within(2000, "check s64.toml")?);
        let many =
            |o: &Output| o.refused(&[1, 2, 3]) && o.warns(&["too many", "at most", "points"]);
        Ok(all(vec![a.seen(many(&a)), b.seen(many(&b) && !b.warns(&["everything is excluded"]))]))
    }),
    case("threads-huge", "a cap that is told, or a refusal", |trial| {
        let mut seen = Vec::new();
        for flag in ["--threads", "--jobs"] {
            let output = trial.shell(
                &format!("timeout 60 \"$F\" run c.toml {flag} 1000000 --out o{flag}"),
                70.0,
            )?;
            let capped = output.code == Some(0)
                && output.warns(&["1000000", "1 000 000", "at most", "only"]);
            seen.push(output.seen(capped || output.refused(&[1, 2, 3])));
        }
        Ok(all(seen))
    }),
    case("check-slow", "check of 100 000 seeds, and of 5 000 methods, in 2 s", |trial| {
        let base = std::fs::read_to_string(trial.folder.join("base.toml"))?;
        let seeds: Vec<String> = (0..100_000).map(|seed| seed.to_string()).collect();
        let seeds = format!("rounds = 20\nseeds = [{}]", seeds.join(", "));
        trial.write("s.toml", &base.replace("rounds = 20", &seeds))?;
        let methods: String =
            (0..5000).map(|i| format!("[[method]]\nname = \"m{i}\"\nrule = \"mean\"\n")).collect();
        trial.write("m.toml", &format!("{base}\n{methods}"))?;
        let (a, b) = (trial.run(&["check", "s.toml"])?, trial.run(&["check", "m.toml"])?);
        // A development build is several times slower; the limit is for the optimised one.
        let quick = |o: &Output| o.code == Some(0) && o.seconds <= 2.0;
        let what =
            format!("{:.1} s and {:.1} s, codes {:?} {:?}", a.seconds, b.seconds, a.code, b.code);
        Ok(Seen { what, right: quick(&a) && quick(&b) })
    }),
    case(
        "local-steps-sigint",
        "the first Ctrl-C leaves local steps, in run and in sweep plan",
        |trial| {
            let mut seen = Vec::new();
            for words in ["run l.toml", "sweep plan l.toml"] {
                let script = format!("timeout --signal=INT --kill-after=20 3 \"$F\" {words}");
                let output = trial.shell(&script, 40.0)?;
                let right = output.seconds < 10.0 && !output.err.contains("panicked");
                seen.push(output.seen(right));
            }
            Ok(all(seen))
        },
    ),
    case(
        "tries-without-end",
        "Dirichlet with tries = 1e12 is refused, shows progress or ends at Ctrl-C",
        |trial| {
            let partition = "dirichlet = { alpha = 0.001, min-size = 84, tries = 1000000000000 }";
            let script = format!(
                "timeout --signal=INT --kill-after=20 5 \"$F\" data info digits --partition '{partition}' --workers 17"
            );
            let output = trial.shell(&script, 40.0)?;
            Ok(output.seen(output.seconds < 10.0))
        },
    ),
    case(
        "costly-rules",
        "bulyan, mda, smea and caf at W = 2 000 are told before they start",
        |trial| {
            let mut seen = Vec::new();
            let rows: String = (0..4000).map(|i| format!("{}.5,{}\n", i % 7, i % 2)).collect();
            trial.write("x.csv", &format!("a,y\n{rows}"))?;
            for rule in ["bulyan", "mda", "smea", "caf"] {
                let text = format!(
                    "name = \"w\"\nrounds = 2\n[data]\nset.csv = {{ train = \"x.csv\" }}\npartition = \"iid\"\n\
                     [federation]\nworkers = 2000\nbyzantine.count = 400\n[model.softmax]\nl2 = 0.01\n[train]\nbatch = 1\n\
                     step = 0.1\n[[method]]\nname = \"A\"\nrule = \"{rule}\"\n"
                );
                trial.write("w.toml", &text)?;
                let output = trial.shell("timeout 60 \"$F\" check w.toml", 70.0)?;
                let told = output.warns(&["slow", "long", "seconds", "operations", "cost"]);
                seen.push(output.seen(told || output.refused(&[2, 3])));
            }
            Ok(all(seen))
        },
    ),
];
