//! The rules by which claims are judged.

use super::paper::possible;
use super::statement::{Claim, Subject};
use crate::record::{Case, Measure, Results};
use crate::statistics::Estimate;

/// What "fails" means.
pub(crate) const FAILS: f64 = 0.5;
/// What performs well reaches this share of what is possible.
pub(crate) const WELL: f64 = 0.75;
/// What "around" and "comparable" mean.
pub(crate) const NEAR: f64 = 0.015;
/// A class of which less than this is found is lost.
pub(crate) const LOST: f64 = 0.05;
/// Inner variation that is left when it is eliminated.
pub(crate) const ELIMINATED: f64 = 0.01;

/// How a claim fares.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) holds: Option<bool>,
    pub(crate) evidence: String,
}

impl Verdict {
    pub(crate) fn word(&self) -> &'static str {
        match self.holds {
            Some(true) => "holds",
            Some(false) => "does not hold",
            None => "cannot be told",
        }
    }
}

/// Judges a claim by its rule.
pub(crate) fn judge(claim: Claim, here: &Results) -> Verdict {
    let judge = Judge { here };
    match judge.verdict(claim) {
        Ok(verdict) => verdict,
        Err(missing) => Verdict { holds: None, evidence: missing },
    }
}

struct Judge<'a> {
    here: &'a Results,
}

impl Judge<'_> {
    fn values(&self, of: Subject, measure: Measure) -> Result<Vec<f64>, String> {
        let missing = || format!("{} was not run", of.method);
        let method = self.here.find(of.case, of.method).ok_or_else(missing)?;
        let values = method.final_values(measure);
        if values.iter().all(|x| !x.is_finite()) { Err(missing()) } else { Ok(values) }
    }

    fn estimate(&self, of: Subject, measure: Measure) -> Result<Estimate, String> {
        let none = || format!("{} has no results", of.method);
        Estimate::of(&self.values(of, measure)?).ok_or_else(none)
    }

    fn difference(&self, a: Subject, b: Subject, by: Measure) -> Result<Estimate, String> {
        let none = || format!("{} and {} have no common seeds", a.method, b.method);
        Estimate::paired(&self.values(a, by)?, &self.values(b, by)?).ok_or_else(none)
    }

    fn verdict(&self, claim: Claim) -> Result<Verdict, String> {
        let well = WELL * possible(self.here.figure);
        Ok(match claim {
            Claim::Fails(of) => {
                let e = self.estimate(of, Measure::Accuracy)?;
                Verdict { holds: below(e, FAILS), evidence: e.text() }
            }
            Claim::PerformsWell(of) => {
                let e = self.estimate(of, Measure::Accuracy)?;
                let evidence = format!("{}, well is {well:.3} or more", e.text());
                Verdict { holds: above(e, well), evidence }
            }
            Claim::NotRobust(of) => {
                let e = self.estimate(of, Measure::Accuracy)?;
                let evidence = format!("{}, robust is {well:.3} or more", e.text());
                Verdict { holds: below(e, well), evidence }
            }
            Claim::Near(of, value) => {
                let e = self.estimate(of, Measure::Accuracy)?;
                Verdict { holds: within(e, value - NEAR, value + NEAR), evidence: e.text() }
            }
            Claim::Best(value, measure, of, lost) => self.best(value, measure, of, lost)?,
            Claim::Comparable(a, b) => {
                let d = self.difference(a, b, Measure::Accuracy)?;
                let holds = if d.count < 2 { None } else { within(d, -NEAR, NEAR) };
                Verdict { holds, evidence: format!("difference {}", d.signed()) }
            }
            Claim::Outperforms(a, b, by) => difference(self.difference(a, b, by)?, 0.0),
            Claim::Remarkably(a, b, by) => difference(self.difference(a, b, by)?, NEAR),
            Claim::OutperformsAll(a, but) => self.outperforms_all(a, but)?,
            Claim::Eliminates(with, without) => self.eliminates(with, without)?,
            Claim::AllDegrade => self.all_degrade()?,
            Claim::Monotone(method) => self.monotone(method)?,
            Claim::Insensitive(method) => self.insensitive(method)?,
            Claim::Arithmetic(what, holds) => {
                Verdict { holds: Some(holds), evidence: what.to_owned() }
            }
        })
    }

    fn best(
        &self,
        value: f64,
        measure: Measure,
        of: Subject,
        lost: &[usize],
    ) -> Result<Verdict, String> {
        let mut best = (f64::NEG_INFINITY, "", false);
        for group in &self.here.cases {
            for method in &group.methods {
                let Some(e) = Estimate::of(&method.final_values(measure)) else { continue };
                if e.mean > best.0 {
                    best = (e.mean, &method.name, e.low > value);
                }
            }
        }
        let mut evidence = format!("the best is {} with {:.3}", best.1, best.0);
        let mut holds = !best.2;
        for &class in lost {
            let e = self.estimate(of, Measure::Class(class))?;
            holds &= e.mean < LOST;
            evidence += &format!("; {} finds {:.3} of class {class}", of.method, e.mean);
        }
        Ok(Verdict { holds: Some(holds), evidence })
    }

    fn outperforms_all(&self, a: Subject, but: &[&str]) -> Result<Verdict, String> {
        let (mut holds, mut evidence) = (Some(true), Vec::new());
        let group = self.here.cases.iter().find(|g| g.name == a.case);
        for method in group.into_iter().flat_map(|g| &g.methods) {
            if method.name == a.method || but.contains(&&*method.name) {
                continue;
            }
            let mine = self.values(a, Measure::Accuracy)?;
            let Some(d) = Estimate::paired(&mine, &method.final_values(Measure::Accuracy)) else {
                continue;
            };
            holds = both(holds, difference(d, 0.0).holds);
            evidence.push(format!("{} {}", method.name, d.signed()));
        }
        Ok(Verdict { holds, evidence: evidence.join("; ") })
    }

    fn eliminates(&self, with: Subject, without: Subject) -> Result<Verdict, String> {
        let (a, b) = (
            self.values(with, Measure::MessageVariation)?,
            self.values(without, Measure::MessageVariation)?,
        );
        let shares: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a / b).collect();
        let e = Estimate::geometric(&shares).ok_or("there were no full passes")?;
        let (a, b) = (Estimate::geometric(&a), Estimate::geometric(&b));
        let text = |e: Option<Estimate>| e.map_or("–".into(), |e| format!("{:.2e}", e.mean));
        let evidence = format!("{} against {}, {:.2} %", text(a), text(b), 100.0 * e.mean);
        Ok(Verdict { holds: below(e, ELIMINATED), evidence })
    }

    fn all_degrade(&self) -> Result<Verdict, String> {
        let (first, last) = self.ends()?;
        let (mut holds, mut evidence) = (Some(true), Vec::new());
        for method in &first.methods {
            let Some(d) = self.loss(&method.name, first.name.as_str(), &last.name) else {
                continue;
            };
            holds = both(holds, difference(d, 0.0).holds);
            evidence.push(format!("{} loses {}", method.name, d.text()));
        }
        Ok(Verdict { holds, evidence: evidence.join("; ") })
    }

    fn monotone(&self, method: &str) -> Result<Verdict, String> {
        self.ends()?;
        let (mut holds, mut evidence) = (Some(true), Vec::new());
        for pair in self.here.cases.windows(2) {
            let Some(d) = self.loss(method, &pair[0].name, &pair[1].name) else {
                return Err(format!("{method} was not run"));
            };
            holds = both(holds, difference(d, 0.0).holds);
            evidence.push(format!("to {} {}", pair[1].name, d.text()));
        }
        Ok(Verdict { holds, evidence: format!("loses {}", evidence.join(", ")) })
    }

    fn insensitive(&self, method: &str) -> Result<Verdict, String> {
        let (first, last) = self.ends()?;
        let of = |name: &str| -> Option<Vec<f64>> {
            let a = first.methods.iter().find(|m| m.name == name)?;
            let b = last.methods.iter().find(|m| m.name == name)?;
            let (a, b) = (a.final_values(Measure::Accuracy), b.final_values(Measure::Accuracy));
            Some(a.iter().zip(&b).map(|(a, b)| a - b).collect())
        };
        let mine = of(method).ok_or_else(|| format!("{method} was not run"))?;
        let (mut holds, mut evidence) = (Some(true), Vec::new());
        for other in first.methods.iter().filter(|m| m.name != method) {
            let Some(d) = of(&other.name).and_then(|o| Estimate::paired(&o, &mine)) else {
                continue;
            };
            holds = both(holds, difference(d, 0.0).holds);
            evidence.push(format!("{} loses {} more", other.name, d.signed()));
        }
        Ok(Verdict { holds, evidence: evidence.join("; ") })
    }

    fn ends(&self) -> Result<(&Case, &Case), String> {
        match &*self.here.cases {
            [first, .., last] => Ok((first, last)),
            _ => Err("fewer than two cases were run".into()),
        }
    }

    /// What a method loses from one case to another.
    fn loss(&self, method: &str, from: &str, to: &str) -> Option<Estimate> {
        let a = self.here.find(from, method)?.final_values(Measure::Accuracy);
        let b = self.here.find(to, method)?.final_values(Measure::Accuracy);
        Estimate::paired(&a, &b)
    }
}

fn below(e: Estimate, threshold: f64) -> Option<bool> {
    above(e, threshold).map(|above| !above)
}

fn above(e: Estimate, threshold: f64) -> Option<bool> {
    if e.low >= threshold {
        Some(true)
    } else if e.high < threshold {
        Some(false)
    } else {
        None
    }
}

fn within(e: Estimate, low: f64, high: f64) -> Option<bool> {
    if low <= e.low && e.high <= high {
        Some(true)
    } else if e.high < low || high < e.low {
        Some(false)
    } else {
        None
    }
}

/// Whether a difference is above a threshold; below it when the interval does not reach it.
fn difference(d: Estimate, threshold: f64) -> Verdict {
    let holds = if d.count < 2 {
        None
    } else if d.low > threshold {
        Some(true)
    } else if d.high < threshold || (d.high == threshold && d.low == d.high) {
        Some(false)
    } else {
        None
    };
    Verdict { holds, evidence: format!("difference {}", d.signed()) }
}

/// All of several: false as soon as one is, untold as soon as one is.
fn both(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (None, _) | (_, None) => None,
        _ => Some(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::statement::m;
    use crate::record::{Case, Method, Run};

    const BETTER: Measure = Measure::Accuracy;

    fn method(name: &str, by_seed: &[f64]) -> Method {
        let runs = by_seed.iter().enumerate().map(|(seed, &accuracy)| Run {
            seed: seed as u64,
            accuracy,
            balanced: accuracy,
            classes: vec![accuracy; 10],
            ..Run::default()
        });
        Method { name: name.into(), runs: runs.collect() }
    }

    fn results(figure: &'static str, cases: &[(&str, Vec<Method>)]) -> Results {
        let cases =
            cases.iter().map(|(n, m)| Case { name: (*n).into(), methods: m.clone(), x: 0.0 });
        Results { figure, cases: cases.collect(), ..Results::default() }
    }

    fn three() -> Results {
        let methods = vec![
            method("a", &[0.70, 0.71, 0.72]),
            method("b", &[0.50, 0.51, 0.53]),
            method("c", &[0.69, 0.73, 0.71]),
        ];
        results("fig7", &[("", methods)])
    }

    fn word(claim: Claim, results: &Results) -> &'static str {
        judge(claim, results).word()
    }

    #[test]
    fn a_clear_difference_holds_an_unclear_one_cannot_be_told_and_a_reversed_one_does_not_hold() {
        let r = three();
        let word = |x, y| word(Claim::Outperforms(m(x), m(y), BETTER), &r);
        assert_eq!(word("a", "b"), "holds");
        assert_eq!(word("b", "a"), "does not hold");
        assert_eq!(word("a", "c"), "cannot be told");
        assert_eq!(word("a", "missing"), "cannot be told");
        assert_eq!(judge(Claim::OutperformsAll(m("a"), &["c"]), &r).word(), "holds");
        assert_eq!(judge(Claim::OutperformsAll(m("a"), &[]), &r).word(), "cannot be told");
    }

    #[test]
    fn thresholds_are_judged_by_intervals() {
        let tight = |x: f64| vec![method("a", &[x - 0.001, x, x + 0.001])];
        let at = |x: f64| results("fig4", &[("", tight(x))]);
        assert_eq!(word(Claim::Near(m("a"), 0.73), &at(0.735)), "holds");
        assert_eq!(word(Claim::Near(m("a"), 0.73), &at(0.745)), "cannot be told");
        assert_eq!(word(Claim::Near(m("a"), 0.73), &at(0.75)), "does not hold");
        assert_eq!(word(Claim::Fails(m("a")), &at(0.45)), "holds");
        assert_eq!(word(Claim::Fails(m("a")), &at(0.5)), "cannot be told");
        assert_eq!(word(Claim::Fails(m("a")), &at(0.55)), "does not hold");
        assert_eq!(word(Claim::PerformsWell(m("a")), &at(0.80)), "holds");
        assert_eq!(word(Claim::PerformsWell(m("a")), &at(0.70)), "does not hold");
        assert_eq!(word(Claim::NotRobust(m("a")), &at(0.70)), "holds");
    }

    #[test]
    fn what_performs_well_depends_on_what_is_possible() {
        let methods = || vec![method("a", &[0.62, 0.62, 0.62])];
        assert_eq!(
            word(Claim::PerformsWell(m("a")), &results("fig7", &[("", methods())])),
            "holds"
        );
        let everything = results("fig5", &[("", methods())]);
        assert_eq!(word(Claim::PerformsWell(m("a")), &everything), "does not hold");
    }

    #[test]
    fn the_best_possible_accuracy_needs_lost_classes_too() {
        let claim = |value| Claim::Best(value, Measure::Accuracy, m("a"), &[]);
        assert_eq!(word(claim(0.8), &three()), "holds");
        assert_eq!(word(claim(0.6), &three()), "does not hold");
        let lost = Claim::Best(0.8, Measure::Accuracy, m("a"), &[8]);
        assert_eq!(word(lost, &three()), "does not hold");
    }

    #[test]
    fn losses_over_cases_are_paired_by_seed() {
        let r = results(
            "fig8",
            &[
                ("B = 0", vec![method("a", &[0.90, 0.91]), method("b", &[0.90, 0.92])]),
                ("B = 3", vec![method("a", &[0.80, 0.81]), method("b", &[0.50, 0.52])]),
                ("B = 6", vec![method("a", &[0.70, 0.71]), method("b", &[0.60, 0.62])]),
            ],
        );
        assert_eq!(word(Claim::AllDegrade, &r), "holds");
        assert_eq!(word(Claim::Monotone("a"), &r), "holds");
        assert_eq!(word(Claim::Monotone("b"), &r), "does not hold");
        assert_eq!(word(Claim::Insensitive("a"), &r), "holds");
        assert_eq!(word(Claim::Insensitive("b"), &r), "does not hold");
    }

    #[test]
    fn one_seed_decides_no_difference() {
        let r = results("fig7", &[("", vec![method("a", &[0.9]), method("b", &[0.1])])]);
        assert_eq!(word(Claim::Outperforms(m("a"), m("b"), BETTER), &r), "cannot be told");
        assert_eq!(word(Claim::Fails(m("b")), &r), "holds");
    }
}
