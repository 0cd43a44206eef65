//! `fl-cli paper`: what the paper's illustrations, its Figure 3 and its tables say, as numbers.

use crate::host::failure::Failure;
use crate::host::flags::DataDir;
use crate::host::{say, sets};
use clap::{Args as ClapArgs, ValueEnum};
use fl_theory::figures::{crossing, figure_1, figure_2, figure_3};
use fl_theory::tables::{TABLE_1, TABLE_2};
use fl_theory::{Setting, Variation, algorithm_1, permutation};
use serde_json::{Value, json};

#[derive(Debug, ClapArgs)]
pub(crate) struct PaperArgs {
    /// Which part
    #[arg(value_enum)]
    pub(crate) part: PaperPart,
    #[command(flatten)]
    pub(crate) data: DataDir,
    /// Do not fetch data that are missing
    #[arg(long)]
    pub(crate) offline: bool,
}

/// A part of the paper that is computed and not an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PaperPart {
    /// Inner and outer variation under Byzantine attacks, an illustration
    Fig1,
    /// The worked example of resampling
    Fig2,
    /// Learning error against the fraction of Byzantine workers
    Fig3,
    /// Requirements and learning errors
    Table1,
    /// The data sets
    Table2,
}

/// Federations for which Table I is written in numbers: W, B, s.
const SETTINGS: [(usize, usize, usize); 4] = [(30, 3, 2), (30, 6, 2), (21, 3, 2), (30, 6, 3)];

/// Points of a curve of Figure 3.
const POINTS: usize = 200;

/// Prints a part of the paper, computed, as JSON.
pub(crate) fn paper(args: &PaperArgs) -> Result<(), Failure> {
    let numbers = match args.part {
        PaperPart::Fig1 => fig1(),
        PaperPart::Fig2 => fig2().map_err(|e| Failure::Failed(e.into()))?,
        PaperPart::Fig3 => fig3().map_err(|e| Failure::Failed(e.into()))?,
        PaperPart::Table1 => table1().map_err(|e| Failure::Failed(e.into()))?,
        PaperPart::Table2 => table2(args)?,
    };
    let text = serde_json::to_string_pretty(&numbers).map_err(|e| Failure::Failed(e.into()))?;
    say::result(text);
    Ok(())
}

fn fig1() -> Value {
    let halves = figure_1();
    let halves: Vec<Value> = halves
        .iter()
        .map(|half| {
            json!({
                "title": half.title, "means": half.means, "regular": half.regular,
                "byzantine": half.byzantine, "truth": half.truth, "median": half.median,
                "gap": half.gap(),
            })
        })
        .collect();
    json!({"halves": halves})
}

/// The worked example; and the law of resampling in the experiments' W, s and no Byzantine worker, exactly.
fn fig2() -> Result<Value, fl_core::SpecError> {
    let example = figure_2();
    let setting = Setting::new(30, 0, 2)?;
    let printed = algorithm_1(&setting)?;
    Ok(json!({
        "law": {
            "workers": 30, "s": 2, "lemma_3": setting.d(), "permutation": permutation(&setting).mean(),
            "printed_first": printed.factor.first(), "printed_last": printed.factor.last(),
            "printed_mean": printed.mean(),
        },
        "messages": example.messages, "pairs": example.pairs, "resampled": example.resampled,
        "contaminated": example.contaminated, "all_before": example.all_before,
        "all_after": example.all_after, "true_before": example.true_before,
        "true_after": example.true_after,
    }))
}

fn fig3() -> Result<Value, fl_core::SpecError> {
    let curves = figure_3(30, &[1, 2, 3, 4], POINTS)?;
    let curves: Vec<Value> = curves
        .iter()
        .map(|c| json!({"name": c.name, "s": c.s, "curve": c.curve, "whole": c.whole}))
        .collect();
    let crossings: Result<Vec<f64>, _> = (2..=4).map(|s| crossing(30, s)).collect();
    Ok(json!({"workers": 30, "curves": curves, "crossings": crossings?}))
}

fn table1() -> Result<Value, fl_core::SpecError> {
    // Inner and outer variation of 1 each show the coefficients.
    let one = Variation { inner: 1.0, outer: 1.0 };
    let mut rows = Vec::new();
    for row in TABLE_1 {
        let mut numbers = Vec::new();
        for (workers, byzantine, s) in SETTINGS {
            // Null where the requirement is not met.
            numbers.push(row.error(&Setting::new(workers, byzantine, s)?, one).ok());
        }
        rows.push(json!({
            "name": row.name, "requirement": row.requirement, "error": row.error,
            "source": row.source, "numbers": numbers,
        }));
    }
    let settings: Vec<Value> =
        SETTINGS.iter().map(|(w, b, s)| json!({"workers": w, "byzantine": b, "s": s})).collect();
    Ok(json!({"settings": settings, "rows": rows}))
}

/// The paper's numbers beside those of the data that are used here.
fn table2(args: &PaperArgs) -> Result<Value, Failure> {
    let locations = args.data.locations();
    let mut rows = Vec::new();
    for row in TABLE_2 {
        let name = row.name.to_lowercase();
        let set: fl_data::DataSource =
            serde_json::from_value(json!(name)).map_err(|e| Failure::Failed(e.into()))?;
        let loaded = sets::obtain(&set, None, &locations, args.offline, true)?;
        let (train, test) = (&loaded.split.train, &loaded.split.test);
        rows.push(json!({
            "name": row.name,
            "paper": [row.train, row.test, row.dimensions, row.classes],
            "here": [train.rows(), test.rows(), train.columns(), train.classes()],
            "digest": loaded.digest(),
        }));
    }
    Ok(json!({"rows": rows}))
}
