//! The parts of the paper that are computed, and what the paper says about them.

use crate::claims::Verdict;
use serde_json::Value;

/// A part of the paper that is computed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
}

pub(crate) const PARTS: &[Part] = &[
    Part { name: "fig1", title: "Fig. 1: inner and outer variation under Byzantine attacks" },
    Part { name: "fig2", title: "Fig. 2: the variance-reducing effect of resampling" },
    Part {
        name: "fig3",
        title: "Fig. 3: learning error against the fraction of Byzantine workers",
    },
    Part { name: "table1", title: "Table I: requirements and learning errors" },
    Part { name: "table2", title: "Table II: the data sets" },
];

pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

/// What the paper says about a part, and whether the computed numbers agree.
pub(crate) fn verdicts(part: &Part, numbers: &Value) -> Vec<(&'static str, Verdict)> {
    match part.name {
        "fig1" => figure_1(numbers),
        "fig2" => figure_2(numbers),
        "fig3" => figure_3(numbers),
        "table1" => table_1(numbers),
        "table2" => table_2(numbers),
        _ => Vec::new(),
    }
}

/// Whether it is so.
fn is(holds: bool, evidence: String) -> Verdict {
    Verdict { holds: Some(holds), evidence }
}

fn figure_1(numbers: &Value) -> Vec<(&'static str, Verdict)> {
    let gap = |i: usize| number(&numbers["halves"][i]["gap"]);
    let evidence = format!("distances {:.3} and {:.3}", gap(0), gap(1));
    let holds = gap(1) < gap(0);
    vec![(
        "with large variations the geometric median is far from the true average, with small ones the gap is small",
        is(holds, evidence),
    )]
}

fn figure_2(numbers: &Value) -> Vec<(&'static str, Verdict)> {
    let of = |key: &str, value: f64| {
        let x = number(&numbers[key]);
        is((x - value).abs() < 1e-9, format!("{x:.4}"))
    };
    vec![
        ("the variation of all messages is 3860/3", of("all_before", 3860.0 / 3.0)),
        ("… after resampling 1550/3", of("all_after", 1550.0 / 3.0)),
        ("that of the true messages is 8", of("true_before", 8.0)),
        ("… that of the uncontaminated ones after resampling 5", of("true_after", 5.0)),
        ("after resampling the factor is d = (W−1)/(sW−1) (Lemma 3), W = 30, s = 2, B = 0", {
            let of = |key: &str| number(&numbers["law"][key]);
            is(
                (of("printed_mean") - of("lemma_3")).abs() < 1e-9,
                format!(
                    "d is {:.4}; a permutation of the copies has {:.4}, Algorithm 1 as printed {:.4} for its first \
                         output, {:.4} for its last and {:.4} on average",
                    of("lemma_3"),
                    of("permutation"),
                    of("printed_first"),
                    of("printed_last"),
                    of("printed_mean")
                ),
            )
        }),
        (
            "at most two messages are contaminated",
            is(
                list(&numbers["contaminated"]).iter().filter(|c| **c == true).count() == 2,
                "two of six".into(),
            ),
        ),
    ]
}

fn figure_3(numbers: &Value) -> Vec<(&'static str, Verdict)> {
    let at = |curve: usize, b: usize| number(&numbers["curves"][curve]["whole"][b][1]);
    let crossings: Vec<String> = list(&numbers["crossings"])
        .iter()
        .zip(2..)
        .map(|(x, s)| format!("s = {s} below α = {:.3}", number(x)))
        .collect();
    let largest: Vec<usize> = list(&numbers["curves"])
        .iter()
        .map(|c| list(&c["whole"]).len().saturating_sub(1))
        .collect();
    let rising = list(&numbers["curves"])
        .iter()
        .all(|c| list(&c["whole"]).windows(2).all(|p| number(&p[1][1]) > number(&p[0][1])));
    vec![
        (
            "when α is small enough the proposed method has a smaller learning error than Byrd-SAGA",
            is(at(1, 0) < at(0, 0) && at(2, 0) < at(0, 0), crossings.join(", ")),
        ),
        (
            "larger s means tolerance to fewer Byzantine workers",
            is(
                largest.windows(2).all(|p| p[1] < p[0]),
                format!("at most B = {largest:?} of 30 for s = 1, 2, 3, 4"),
            ),
        ),
        (
            "the learning error is increasing in α",
            is(rising, "at every whole number of workers".into()),
        ),
        (
            "s = 2 is a satisfactory tradeoff: at B = 3 it is better than s = 1, 3 and 4",
            is(
                [0, 2, 3].iter().all(|&c| at(1, 3) < at(c, 3) || at(c, 3).is_nan()),
                format!(
                    "errors at B = 3 for s = 1 to 4: {:.2}, {:.2}, {:.2}, {:.2}",
                    at(0, 3),
                    at(1, 3),
                    at(2, 3),
                    at(3, 3)
                ),
            ),
        ),
    ]
}

fn table_1(numbers: &Value) -> Vec<(&'static str, Verdict)> {
    let error = |row: usize| number(&numbers["rows"][row]["numbers"][0]);
    let evidence = format!(
        "at W = 30, B = 3, s = 2 and δ² = σ² = 1: {:.2}, {:.2}, {:.2}, {:.2}",
        error(0),
        error(1),
        error(2),
        error(3)
    );
    vec![(
        "the proposed method has the smallest learning error, independent of σ²",
        is((0..3).all(|row| error(3) < error(row)), evidence),
    )]
}

fn table_2(numbers: &Value) -> Vec<(&'static str, Verdict)> {
    list(&numbers["rows"])
        .iter()
        .map(|row| {
            let holds = row["paper"] == row["here"];
            let digest = row["digest"].as_str().unwrap_or_default();
            let evidence = format!(
                "{}, SHA-256 {}…",
                row["name"].as_str().unwrap_or_default(),
                digest.get(..12).unwrap_or(digest)
            );
            ("the numbers of the data set", is(holds, evidence))
        })
        .collect()
}
