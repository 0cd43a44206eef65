//! What a first look by hand said, beside what was measured.

use super::federation::{BY_CLASS, Federation, MNIST, Which};
use crate::statistics::Estimate;
use std::fmt::Write as _;

/// A number of the first look.
struct Expected {
    federation: &'static str,
    method: &'static str,
    what: What,
    value: f64,
    /// Whether more than this is better than what was said; otherwise it is another result.
    strength: bool,
}

#[derive(Clone, Copy)]
enum What {
    Worst,
    Mean,
    Under(&'static str),
}

/// What a figure of two digits may be off by.
const ROUNDING: f64 = 0.005;

/// The pipeline that the first look took for the best.
pub(super) const FIRST_LOOK: &str = "SAGA + ARC + RS + DnC";

const fn of(
    federation: &'static str,
    method: &'static str,
    what: What,
    value: f64,
    strength: bool,
) -> Expected {
    Expected { federation, method, what, value, strength }
}

const EXPECTED: [Expected; 15] = [
    of(BY_CLASS, FIRST_LOOK, What::Worst, 0.69, true),
    of(BY_CLASS, FIRST_LOOK, What::Mean, 0.84, true),
    of(BY_CLASS, "NNM + trimmed mean", What::Worst, 0.57, false),
    of(BY_CLASS, "NNM + trimmed mean", What::Mean, 0.77, false),
    of(BY_CLASS, "Proposed", What::Worst, 0.00, false),
    of(BY_CLASS, "Proposed", What::Mean, 0.62, false),
    of(BY_CLASS, "SAGA + SMEA", What::Worst, 0.62, true),
    of(BY_CLASS, "SAGA + SMEA", What::Mean, 0.85, true),
    of(BY_CLASS, "SAGA + RS + DnC", What::Worst, 0.17, false),
    of(BY_CLASS, "SAGA + ARC + DnC", What::Worst, 0.65, false),
    of(MNIST, FIRST_LOOK, What::Worst, 0.66, true),
    of(MNIST, "NNM + trimmed mean", What::Worst, 0.49, false),
    of(MNIST, "SAGA + SMEA", What::Worst, 0.51, false),
    of(MNIST, FIRST_LOOK, What::Under("sample duplicating"), 0.71, true),
    of(MNIST, "Proposed", What::Under("sample duplicating"), 0.739, false),
];

impl Expected {
    /// None for a pipeline that was not run.
    fn measured(&self, federation: &Federation) -> Option<Estimate> {
        let method = federation.method(self.method)?;
        match self.what {
            What::Worst => federation.worst(method, Which::Searched).map(|worst| worst.estimate),
            What::Mean => federation.mean(method, Which::Searched),
            What::Under(attack) => {
                federation.under(method, attack).and_then(|values| Estimate::of(&values))
            }
        }
    }

    fn words(&self) -> String {
        match self.what {
            What::Worst => "worst case".to_owned(),
            What::Mean => "mean over attacks".to_owned(),
            What::Under(attack) => format!("under {attack}"),
        }
    }

    fn verdict(&self, measured: &Estimate) -> &'static str {
        let (low, high) = (measured.low - ROUNDING, measured.high + ROUNDING);
        match (self.value > high, self.value < low) {
            _ if measured.count < 2 => "one seed, no verdict",
            (true, _) => "refuted: less",
            (_, true) if self.strength => "beaten",
            (_, true) => "refuted: more",
            _ => "confirmed",
        }
    }
}

/// The table, a row for each number of the first look.
pub(super) fn table(federations: &[Federation]) -> String {
    let mut text = "| federation | pipeline | what | first look | measured [95 %] | verdict |\n|---|---|---|---:|---:|---|\n".to_owned();
    for expected in &EXPECTED {
        let federation = federations.iter().find(|f| f.name == expected.federation);
        let measured = federation.and_then(|federation| expected.measured(federation));
        let _ = writeln!(
            text,
            "| {} | {} | {} | {:.3} | {} | {} |",
            federation.map_or(expected.federation, |federation| &federation.title),
            expected.method,
            expected.words(),
            expected.value,
            measured.map_or("–".into(), |measured| measured.text()),
            measured.map_or("not run", |measured| expected.verdict(&measured)),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_within_the_interval_is_confirmed_and_only_a_strength_can_be_beaten() {
        let verdict = |value, strength| {
            let measured = Estimate::of(&[0.5, 0.6, 0.7]).unwrap();
            of(BY_CLASS, "", What::Mean, value, strength).verdict(&measured)
        };
        assert_eq!(verdict(0.6, true), "confirmed");
        assert_eq!(verdict(0.9, true), "refuted: less");
        assert_eq!(verdict(0.1, true), "beaten");
        assert_eq!(verdict(0.1, false), "refuted: more");
    }
}
