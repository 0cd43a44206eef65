//! Files that can be read as something else, and what people's files have.

use super::trial::{Case, Output, Seen, Trial, all, case, close};
use anyhow::Result;

pub(super) const CASES: &[Case] = &[
    case("csv-column-order", "features matched by name, or the difference is named", |trial| {
        // The test rows are the training rows, so both accuracies are one, if columns are matched.
        trial.write(
            "c.toml",
            &experiment("csv = { train = \"train.csv\", test = \"test.csv\", label = \"y\" }", 4),
        )?;
        let output = trial.run(&["run", "c.toml", "--out", "out"])?;
        let matched = || -> Result<bool> {
            let (test, train) = (accuracy(trial, "test")?, {
                let set = "csv = { train = \"train.csv\", test = \"train.csv\", label = \"y\" }";
                trial
                    .write("d.toml", &experiment(set, 4).replace("name = \"c\"", "name = \"d\""))?;
                trial.run(&["run", "d.toml", "--out", "out"])?;
                accuracy(trial, "train")?
            });
            Ok(test == train)
        };
        let refused = output.refused(&[1, 2, 3]) && output.warns(&["column"]);
        let right = refused || (output.code == Some(0) && matched()?);
        Ok(output.seen(right))
    }),
    case("numeric-header", "40 rows in two classes, 0 and 1", |trial| {
        let output = trial.info("csv = { train = \"pandas_label.csv\" }")?;
        let right = output.has_class("0", 20) && output.has_class("1", 20);
        Ok(output.seen(right))
    }),
    case("numeric-header", "a flag for the header, or a warning for 0, 1, … p − 1", |trial| {
        let words = [
            "aggregate",
            "--rule",
            "coordinate-median",
            "--byzantine",
            "0",
            "--input",
            "messages.csv",
        ];
        let output = trial.run(&[&words[..], &["--output", "-"]].concat())?;
        Ok(output.seen(output.warns(&["header", "first line"])))
    }),
    case("labels-not-utf8", "three classes of 13, or the line and \"not UTF-8\"", |trial| {
        let output = trial.info("csv = { train = \"latin1.csv\" }")?;
        let refused = output.refused(&[1, 2, 3]) && output.has(&["UTF-8", "line"]);
        let right = refused || output.out.matches("13").count() >= 3;
        Ok(output.seen(right))
    }),
    case("labels-large-integers", "three classes of 13 under their own names", |trial| {
        let output = trial.info("csv = { train = \"ids.csv\" }")?;
        let names = ["9007199254740992", "9007199254740993", "9007199254740995"];
        Ok(output.seen(names.iter().all(|name| output.has_class(name, 13))))
    }),
    case("labels-inf-nan", "three classes of 13, none empty", |trial| {
        let output = trial.info("csv = { train = \"inf.csv\" }")?;
        let right = ["inf", "infinity", "INF"].iter().all(|name| output.has_class(name, 13));
        let refused = output.refused(&[1, 2, 3]) && output.warns(&["inf"]);
        Ok(output.seen(right || refused))
    }),
    case("csv-quotes-in-labels", "classes 3.5\" disk and 5\" disk", |trial| {
        let output = trial.info("csv = { train = \"quotes.csv\" }")?;
        let right = output.has_class("3.5\" disk", 20) && output.has_class("5\" disk", 20);
        Ok(output.seen(right))
    }),
    case("bom", "−1 and 1 with 20 rows each; 3,4", |trial| {
        let output = trial.info("libsvm = { train = \"bom.svm\" }")?;
        let classes = output.has_class("-1", 20) && output.has_class("1", 20);
        let middle = trial.aggregate("coordinate-median", 0, &["--input", "messages.csv"])?;
        let right = classes && close(&middle, &[3.0, 4.0], 0.0);
        Ok(Seen { what: format!("{}; {middle:?}", output.told()), right })
    }),
    case("test-labels-unseen", "a warning with the names of the test's classes", |trial| {
        let check = trial.run(&["check", "run.toml"])?;
        let run = trial.run(&["run", "run.toml", "--out", "out"])?;
        let named = |o: &Output| o.warns(&["<=50K."]) && o.warns(&[">50K."]);
        Ok(all(vec![check.seen(named(&check)), run.seen(named(&run))]))
    }),
    case("class-index-or-label", "classes = [4] is the class with the label 4", |trial| {
        let output = trial.run(&["check", "classes.toml"])?;
        Ok(output.seen(output.code == Some(0)))
    }),
    case("least-squares-targets", "‖∇f(0)‖ = 5.1260 over the 81 training rows", |trial| {
        let set = "csv = { train = \"scores.csv\" }";
        let words = ["--model", "least-squares", "--workers", "1", "--partition", "iid"];
        let output = trial.run(&[&["data", "info", set][..], &words].concat())?;
        Ok(output.seen(output.has(&["5.1260"])))
    }),
    case("least-squares-targets", "real targets can be read", |trial| {
        let set = "csv = { train = \"real.csv\", targets = true }";
        let words = ["--model", "least-squares", "--workers", "2", "--partition", "iid"];
        let output = trial.run(&[&["data", "info", set][..], &words].concat())?;
        Ok(output.seen(output.code == Some(0) && output.has(&["target", "price"])))
    }),
    case("libsvm-multilabel", "refused or told: several labels in a row", |trial| {
        let output = trial.info("libsvm = { train = \"multi.svm\" }")?;
        Ok(output.seen(output.refused(&[3]) && output.warns(&["one label a row"])))
    }),
    case("libsvm-comment-lines", "0 and 1 with 20 rows each, 4 features", |trial| {
        let output = trial.info("libsvm = { train = \"dumped.svm\" }")?;
        Ok(output.seen(
            output.has_class("0", 20) && output.has_class("1", 20) && output.has(&["4 features"]),
        ))
    }),
    case("gzip-members", "0 and 1 with 20 rows each", |trial| {
        let output = trial.info("csv = { train = \"two_members.csv.gz\" }")?;
        Ok(output.seen(output.has_class("0", 20) && output.has_class("1", 20)))
    }),
    case("libsvm-qid", "qid: is read past: classes 0, 1, 2", |trial| {
        let output = trial.info("libsvm = { train = \"rank.svm\" }")?;
        Ok(output.seen(
            ["0", "1", "2"]
                .iter()
                .all(|name| output.has_class(name, if *name == "0" { 14 } else { 13 })),
        ))
    }),
    case("idx-other-types", "40 rows of 4 from floats", |trial| {
        let set = "idx = { train = \"x_float.idx\", train-labels = \"labels.idx\" }";
        let output = trial.info(set)?;
        let classes = output.has_class("0", 20) && output.has_class("1", 20);
        Ok(output.seen(classes && output.has(&["4 features"])))
    }),
    case("other-compression", "read, or an error that says what the file is", |trial| {
        let output = trial.info("libsvm = { train = \"rows.svm.bz2\" }")?;
        Ok(output
            .seen(output.code == Some(0) || output.warns(&["bzip2", "bz2-compressed", "bzip"])))
    }),
    case("whitespace-tables", "7 messages of 4 numbers; a CSV set", |trial| {
        let found = trial.aggregate("mean", 0, &["--input", "savetxt.txt"]);
        let aggregated = found.as_ref().is_ok_and(|numbers| numbers.len() == 4);
        let output = trial.info("csv = { train = \"savetxt.txt\", targets = true }")?;
        let output = if output.code == Some(0) {
            output
        } else {
            trial.info("csv = { train = \"savetxt.txt\" }")?
        };
        // Its last column is no class, so that a word about that is right too.
        let read = output.code == Some(0) || output.warns(&["class", "target"]);
        Ok(Seen { what: format!("{found:?}; {}", output.told()), right: aggregated && read })
    }),
    case("libsvm-test-wider", "8 features, or an error that names features = N", |trial| {
        let output = trial.info("libsvm = { train = \"train.svm\", test = \"test.svm\" }")?;
        let read = output.code == Some(0) && output.has(&["8 features"]);
        Ok(output.seen(read || (output.refused(&[1, 2, 3]) && output.has(&["features = 8"]))))
    }),
    case("categorical-columns", "settings for columns of texts and for missing values", |trial| {
        let output = trial.info("csv = { train = \"adult_like.csv\" }")?;
        let told = output.warns(&["categorical", "categories", "one-hot", "missing"]);
        Ok(output.seen(output.code == Some(0) || told))
    }),
    case(
        "batch-larger-than-worker",
        "the error names the seed; batch of what a worker has",
        |trial| {
            let output = trial.run(&["run", "batch.toml", "--out", "out"])?;
            Ok(output.seen(output.refused(&[1, 2, 3]) && output.warns(&["seed"])))
        },
    ),
    case("cr-only-csv", "a word about line ends, or the rows", |trial| {
        let output = trial.run(&["check", "f.toml"])?;
        Ok(output.seen(output.code == Some(0) || output.warns(&["line end", "carriage", "CR"])))
    }),
];

/// A small experiment on a set of one's own.
fn experiment(set: &str, workers: usize) -> String {
    format!(
        "name = \"c\"\nrounds = 100\nseeds = [0]\nfull-pass-every = 0\n[data]\nset.{set}\npartition = \"iid\"\n\
         [federation]\nworkers = {workers}\n[model.softmax]\nl2 = 0.01\n[train]\nbatch = 4\nstep = 0.5\n\
         [[method]]\nname = \"mean\"\nrule = \"mean\"\n"
    )
}

/// The last accuracy of an experiment's only run.
fn accuracy(trial: &Trial, what: &str) -> Result<String> {
    let name = if what == "test" { "c" } else { "d" };
    let output = trial.shell(&format!("tail -n 1 out/{name}/*/metrics.jsonl"), 5.0)?;
    let line: serde_json::Value = serde_json::from_str(&output.out)?;
    Ok(line["accuracy"].to_string())
}
