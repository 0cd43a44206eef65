//! The report as the page's script reads it: one JSON document, and numbers in base 64.

use crate::factors::Factor;
use crate::pack::{self, Pack};
use crate::report::{Better, Matrix, Report, Run, Scale, State};
use crate::text::{VALUE, shown};
use serde::Serialize;
use std::collections::HashMap;

/// What the page's script reads.
#[derive(Debug)]
pub(crate) struct Packed {
    pub(crate) json: String,
    /// Numbers in single precision, in base 64.
    pub(crate) singles: String,
    /// Shares in steps of 1/65 534, in base 64.
    pub(crate) shares: String,
}

#[derive(Serialize)]
struct Data<'a> {
    title: String,
    writer: &'a str,
    reload: Option<u64>,
    /// t[n − 1] is the 0.975 quantile of Student's t with n degrees of freedom.
    t: Vec<f64>,
    quantities: Vec<QuantityData<'a>>,
    factors: Vec<FactorData<'a>>,
    /// Keys of settings and their values; runs refer to both by place.
    keys: Vec<String>,
    values: Vec<String>,
    /// What all runs have in common.
    common: Vec<[usize; 2]>,
    grids: Vec<Vec<u64>>,
    /// Of how many measurements one is kept, the largest of such numbers, and points a curve at most.
    thinned: usize,
    most: usize,
    runs: Vec<RunData>,
    problems: Vec<[String; 2]>,
}

#[derive(Serialize)]
struct QuantityData<'a> {
    name: &'a str,
    label: &'a str,
    scale: &'static str,
    high: bool,
    axis: bool,
}

#[derive(Serialize)]
struct FactorData<'a> {
    name: &'a str,
    values: &'a [String],
}

#[derive(Serialize)]
struct RunData {
    folder: String,
    /// As text: a script has no whole numbers above 2⁵³.
    seed: String,
    factors: Vec<usize>,
    state: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    note: String,
    settings: Vec<[usize; 2]>,
    facts: Vec<[usize; 2]>,
    command: String,
    finals: Vec<Option<f64>>,
    /// Quantity, grid, place of the first number.
    curves: Vec<[usize; 3]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    classes: Option<[usize; 3]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weights: Option<[usize; 3]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    byzantine: Option<Vec<u32>>,
}

/// Texts, each once.
#[derive(Default)]
struct Texts {
    texts: Vec<String>,
    known: HashMap<String, usize>,
}

impl Texts {
    fn place(&mut self, text: &str) -> usize {
        if let Some(&place) = self.known.get(text) {
            return place;
        }
        self.known.insert(text.to_owned(), self.texts.len());
        self.texts.push(shown(text, VALUE));
        self.texts.len() - 1
    }
}

/// Packs a report.
pub(crate) fn packed(report: &Report, factors: &[Factor]) -> Packed {
    let mut numbers = Pack::default();
    let (mut keys, mut values) = (Texts::default(), Texts::default());
    let mut pairs = |list: &[(String, String)]| -> Vec<[usize; 2]> {
        list.iter().map(|(k, v)| [keys.place(k), values.place(v)]).collect()
    };
    let settings: Vec<Vec<[usize; 2]>> = report.runs.iter().map(|r| pairs(&r.settings)).collect();
    let facts: Vec<Vec<[usize; 2]>> = report.runs.iter().map(|r| pairs(&r.facts)).collect();
    let common = common(&settings);
    let thinning = Thinning::new(report);
    let runs = report.runs.iter().enumerate().map(|(i, run)| {
        let own = settings[i].iter().filter(|pair| !common.contains(pair)).copied().collect();
        let of = factors.iter().map(|f| f.of[i]).collect();
        run_data(run, of, own, facts[i].clone(), &thinning, &mut numbers)
    });
    let runs: Vec<RunData> = runs.collect();
    let most_seeds = report.runs.len().clamp(2, 200);
    let data = Data {
        title: shown(&report.title, VALUE),
        writer: &report.writer,
        reload: report.reload,
        t: (1..most_seeds).map(fl_plot::student_t_975).collect(),
        quantities: report.quantities.iter().map(quantity).collect(),
        factors: factors.iter().map(|f| FactorData { name: &f.name, values: &f.values }).collect(),
        keys: keys.texts,
        values: values.texts,
        common,
        grids: std::mem::take(&mut numbers.grids),
        thinned: thinning.largest(),
        most: thinning.most,
        runs,
        problems: problems(report),
    };
    // JSON of plain data; a text in a script element ends at a tag, so that there is none.
    let json = serde_json::to_string(&data).unwrap_or_default().replace('<', "\\u003c");
    let [singles, shares] = numbers.encoded();
    Packed { json, singles, shares }
}

fn problems(report: &Report) -> Vec<[String; 2]> {
    let texts = |p: &crate::report::Problem| [shown(&p.place, VALUE), shown(&p.what, VALUE)];
    report.problems.iter().map(texts).collect()
}

fn quantity(quantity: &crate::report::Quantity) -> QuantityData<'_> {
    QuantityData {
        name: &quantity.name,
        label: &quantity.label,
        scale: match quantity.scale {
            Scale::Share => "share",
            Scale::Linear => "linear",
            Scale::Log => "log",
        },
        high: quantity.better == Better::High,
        axis: quantity.is_axis,
    }
}

/// The settings that all runs have.
fn common(settings: &[Vec<[usize; 2]>]) -> Vec<[usize; 2]> {
    let Some((first, others)) = settings.split_first() else { return Vec::new() };
    let mut common = first.clone();
    for other in others {
        common.retain(|pair| other.contains(pair));
    }
    common
}

/// Of how many measurements one is kept, for each quantity.
struct Thinning {
    most: usize,
    of_curves: Vec<usize>,
    of_tables: usize,
}

/// Rounds of a run's table of classes or of weights.
const TABLE_ROUNDS: usize = 61;

impl Thinning {
    fn new(report: &Report) -> Self {
        let curves = report.runs.iter().flat_map(|run| &run.curves);
        let most = pack::points_of(curves.clone().count());
        let mut longest = vec![0; report.quantities.len()];
        for curve in curves {
            longest[curve.quantity] = curve.rounds.len().max(longest[curve.quantity]);
        }
        let tables = report.runs.iter().flat_map(|run| run.classes.iter().chain(&run.weights));
        let rounds = tables.map(|table| table.rounds.len()).max().unwrap_or(0);
        Self {
            most,
            of_curves: longest.into_iter().map(|n| pack::stride(n, most)).collect(),
            of_tables: pack::stride(rounds, TABLE_ROUNDS.min(most)),
        }
    }

    fn largest(&self) -> usize {
        self.of_curves.iter().copied().max().unwrap_or(1)
    }
}

fn run_data(
    run: &Run,
    factors: Vec<usize>,
    settings: Vec<[usize; 2]>,
    facts: Vec<[usize; 2]>,
    thinning: &Thinning,
    numbers: &mut Pack,
) -> RunData {
    let mut curves = Vec::new();
    for curve in run.curves.iter().filter(|c| !c.rounds.is_empty()) {
        let kept = pack::kept(curve.rounds.len(), thinning.of_curves[curve.quantity]);
        let grid = numbers.grid(kept.iter().map(|&i| curve.rounds[i]).collect());
        let place = numbers.singles(kept.iter().map(|&i| curve.values[i]));
        curves.push([curve.quantity, grid, place]);
    }
    let mut table = |matrix: &Option<Matrix>| {
        let matrix = matrix.as_ref().filter(|m| !m.rounds.is_empty() && m.columns > 0)?;
        let kept = pack::kept(matrix.rounds.len(), thinning.of_tables);
        let grid = numbers.grid(kept.iter().map(|&i| matrix.rounds[i]).collect());
        let row = |&i: &usize| &matrix.values[i * matrix.columns..(i + 1) * matrix.columns];
        let place = numbers.shares(kept.iter().flat_map(row).copied());
        Some([grid, place, matrix.columns])
    };
    let (state, note) = match &run.state {
        State::Finished => ("finished", ""),
        State::Stopped(why) => ("stopped", why.as_str()),
        State::Diverged(why) => ("diverged", why.as_str()),
        State::Running => ("running", ""),
        State::Interrupted => ("interrupted", ""),
        State::Waiting => ("waiting", ""),
        State::Failed(why) => ("failed", why.as_str()),
    };
    RunData {
        folder: shown(&run.folder, VALUE),
        seed: run.seed.to_string(),
        factors,
        state,
        note: shown(note, VALUE),
        settings,
        facts,
        command: run.command.clone(),
        finals: run.finals.iter().map(|v| v.filter(|v| v.is_finite())).collect(),
        curves,
        classes: table(&run.classes),
        weights: table(&run.weights),
        byzantine: run.byzantine.clone(),
    }
}
