//! What the paper says about its figures, in its own order, and the rules by which a claim is judged.
//!
//! The rules were written before the runs and are the same for all figures.
//! An estimate is the mean over seeds of the final accuracy with its 95 % interval (Student's t); differences are paired by
//! seed. A claim *holds* where the interval lies on its side of the threshold, *does not hold* where it lies on the other,
//! and *cannot be told* in between, or where something was not run. With one seed there is no interval: thresholds are judged
//! on the number itself, differences cannot be told.
//!
//! | the paper says | rule |
//! |---|---|
//! | fails | below 0.5 |
//! | satisfactory, performs well, works well, robust, favourable | at least three quarters of the best possible accuracy |
//! | around 0.73 | within 0.015 |
//! | comparable, degenerates to | the interval of the difference within ± 0.015 |
//! | outperforms, is enhanced, gains over; the reverse of degraded, worst | the interval of the difference above 0 |
//! | remarkably outperforms | the interval of the difference above 0.015 |
//! | the best possible accuracy is 0.8 | no method above it, by the lower end of its interval, and the lost classes below 0.05 |
//! | degrades when α increases | from the least B to the greatest the interval of the difference below 0 |
//! | monotonically | the same from each B to the next |
//! | insensitive | what it loses from the least B to the greatest is less than what each other loses, by the paired interval |
//! | eliminates the inner variation | that of the messages is at most 1 % of that without SAGA, at the end |

use crate::reproduce::results::{Measure, Results};
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

/// A method in one of a figure's cases (`""` where there is one).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Subject {
    pub(crate) case: &'static str,
    pub(crate) method: &'static str,
}

const fn m(method: &'static str) -> Subject {
    Subject { case: "", method }
}

/// A statement that can be judged.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Claim {
    /// Below 0.5.
    Fails(Subject),
    /// At least three quarters of what is possible.
    PerformsWell(Subject),
    /// Less than that.
    NotRobust(Subject),
    /// Within 0.015 of a value.
    Near(Subject, f64),
    /// No method is above this, by the measure, and these classes are lost to the method named.
    Best(f64, Measure, Subject, &'static [usize]),
    /// Within ± 0.015 of each other.
    Comparable(Subject, Subject),
    /// The paired interval of the difference is above 0, by the measure.
    Outperforms(Subject, Subject, Measure),
    /// The same above 0.015.
    Remarkably(Subject, Subject, Measure),
    /// The first outperforms every other method of the figure but those that are named.
    OutperformsAll(Subject, &'static [&'static str]),
    /// The inner variation of the first one's messages is at most 1 % of the second's.
    Eliminates(Subject, Subject),
    /// All methods lose from the first case to the last.
    AllDegrade,
    /// The method loses from each case to the next.
    Monotone(&'static str),
    /// The method loses less than every other from the first case to the last.
    Insensitive(&'static str),
    /// A statement of numbers that follow from the setting: what they are, and whether it is so.
    Arithmetic(&'static str, bool),
}

/// A claim in the paper's words, shortened, and as it is judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statement {
    pub(crate) says: &'static str,
    pub(crate) claim: Claim,
}

const fn says(says: &'static str, claim: Claim) -> Statement {
    Statement { says, claim }
}

const BETTER: Measure = Measure::Accuracy;

/// The paper's claims about a figure, in its own order.
pub(crate) fn statements(figure: &str) -> &'static [Statement] {
    use Claim::*;
    match figure {
        "fig4" => {
            const {
                &[
                    says(
                        "all methods achieve satisfactory accuracies: SGD",
                        PerformsWell(m("SGD")),
                    ),
                    says("… Byrd-SGD", PerformsWell(m("Byrd-SGD"))),
                    says("… RS-Byrd-SGD", PerformsWell(m("RS-Byrd-SGD"))),
                    says("… Krum", PerformsWell(m("Krum"))),
                    says("… Byrd-SAGA", PerformsWell(m("Byrd-SAGA"))),
                    says("… RSA", PerformsWell(m("RSA"))),
                    says("… the proposed method", PerformsWell(m("Proposed"))),
                ]
            }
        }
        "fig5" | "fig6" => {
            const {
                &[
                    says("the distributed SGD fails", Fails(m("SGD"))),
                    says("the other methods perform well: Byrd-SGD", PerformsWell(m("Byrd-SGD"))),
                    says("… RS-Byrd-SGD", PerformsWell(m("RS-Byrd-SGD"))),
                    says("… Krum", PerformsWell(m("Krum"))),
                    says("… Byrd-SAGA", PerformsWell(m("Byrd-SAGA"))),
                    says("… RSA", PerformsWell(m("RSA"))),
                    says("… the proposed method", PerformsWell(m("Proposed"))),
                ]
            }
        }
        "fig7" => {
            const {
                &[
                    says(
                        "two classes essentially disappear, so that the best possible accuracy is 0.8",
                        Best(0.8017, Measure::Accuracy, m("Proposed"), &[8, 9]),
                    ),
                    says(
                        "the duplicated worker's class now has 9 workers out of 30",
                        Arithmetic("3 of the class and 6 Byzantine ones", true),
                    ),
                    says("the proposed method achieves around 0.73", Near(m("Proposed"), 0.73)),
                    says(
                        "RS-Byrd-SGD also demonstrates robustness",
                        PerformsWell(m("RS-Byrd-SGD")),
                    ),
                    says(
                        "… since resampling helps: RS-Byrd-SGD against Byrd-SGD",
                        Outperforms(m("RS-Byrd-SGD"), m("Byrd-SGD"), BETTER),
                    ),
                    says(
                        "solely using resampling is unable to fully eliminate the inner variation; SAGA does",
                        Eliminates(m("Proposed"), m("RS-Byrd-SGD")),
                    ),
                    says(
                        "… yielding enhanced accuracy: the proposed method against RS-Byrd-SGD",
                        Outperforms(m("Proposed"), m("RS-Byrd-SGD"), BETTER),
                    ),
                    says("RSA works well", PerformsWell(m("RSA"))),
                    says(
                        "Byrd-SGD shows degraded performance",
                        Outperforms(m("Proposed"), m("Byrd-SGD"), BETTER),
                    ),
                    says(
                        "Krum shows degraded performance",
                        Outperforms(m("Proposed"), m("Krum"), BETTER),
                    ),
                    says(
                        "Byrd-SAGA shows degraded performance",
                        Outperforms(m("Proposed"), m("Byrd-SAGA"), BETTER),
                    ),
                    says(
                        "the proposed method outperforms the state of the art in the non-i.i.d. setting (abstract; SGD is no \
                     robust method)",
                        OutperformsAll(m("Proposed"), &["SGD"]),
                    ),
                ]
            }
        }
        "fig8" => {
            const {
                &[
                    says(
                        "the learning error of the proposed method is monotonically increasing in α, which is validated by Fig. 8",
                        Monotone("Proposed"),
                    ),
                    says("the accuracies of all methods degrade when α increases", AllDegrade),
                    says(
                        "the proposed method is comparatively insensitive to α",
                        Insensitive("Proposed"),
                    ),
                ]
            }
        }
        "fig9" => {
            const {
                &[
                    says(
                        "with s = 1 the proposed method degenerates to Byrd-SAGA",
                        Comparable(m("s = 1"), m("Byrd-SAGA")),
                    ),
                    says(
                        "… which is not Byzantine-robust in the non-i.i.d. case",
                        NotRobust(m("s = 1")),
                    ),
                    says("with s = 3 it still performs well", PerformsWell(m("s = 3"))),
                    says("with s = 4 it still performs well", PerformsWell(m("s = 4"))),
                    says(
                        "… although α = 1/5 exceeds the tolerable bound 1/(2s)",
                        Arithmetic("1/5 > 1/6 and 1/5 > 1/8", true),
                    ),
                    says(
                        "s = 2 is a satisfactory tradeoff (Section IV): against s = 1",
                        Outperforms(m("s = 2"), m("s = 1"), BETTER),
                    ),
                ]
            }
        }
        "fig10" => {
            const {
                &[
                    says(
                        "the best possible accuracy is 0.9",
                        Best(0.8991, Measure::Accuracy, m("Proposed"), &[9]),
                    ),
                    says("Byrd-SGD fails", Fails(m("Byrd-SGD"))),
                    says("Byrd-SAGA attains favourable accuracy", PerformsWell(m("Byrd-SAGA"))),
                    says(
                        "the proposed method outperforms RS-Byrd-SGD",
                        Outperforms(m("Proposed"), m("RS-Byrd-SGD"), BETTER),
                    ),
                    says(
                        "Byrd-SAGA gains over Byrd-SGD",
                        Outperforms(m("Byrd-SAGA"), m("Byrd-SGD"), BETTER),
                    ),
                    says(
                        "… due to the elimination of inner variation",
                        Eliminates(m("Byrd-SAGA"), m("Byrd-SGD")),
                    ),
                    says(
                        "the proposed method's gain over RS-Byrd-SGD is due to the same",
                        Eliminates(m("Proposed"), m("RS-Byrd-SGD")),
                    ),
                ]
            }
        }
        "fig11" => {
            const {
                &[
                    says(
                        "the best possible accuracy is 0.86, read as balanced accuracy",
                        Best(6.0 / 7.0, Measure::Balanced, m("Proposed"), &[6]),
                    ),
                    says(
                        "Byrd-SGD is still the worst: against RS-Byrd-SGD",
                        Outperforms(m("RS-Byrd-SGD"), m("Byrd-SGD"), BETTER),
                    ),
                    says("… against Byrd-SAGA", Outperforms(m("Byrd-SAGA"), m("Byrd-SGD"), BETTER)),
                    says(
                        "… against the proposed method",
                        Outperforms(m("Proposed"), m("Byrd-SGD"), BETTER),
                    ),
                    says(
                        "Byrd-SAGA is remarkably outperformed by the proposed method",
                        Remarkably(m("Proposed"), m("Byrd-SAGA"), BETTER),
                    ),
                    says(
                        "RS-Byrd-SGD is remarkably outperformed by the proposed method",
                        Remarkably(m("Proposed"), m("RS-Byrd-SGD"), BETTER),
                    ),
                    says(
                        "Byrd-SAGA is remarkably outperformed, in balanced accuracy",
                        Remarkably(m("Proposed"), m("Byrd-SAGA"), Measure::Balanced),
                    ),
                    says(
                        "RS-Byrd-SGD is remarkably outperformed, in balanced accuracy",
                        Remarkably(m("Proposed"), m("RS-Byrd-SGD"), Measure::Balanced),
                    ),
                    says(
                        "the ratio of Byzantine workers is now 14 %",
                        Arithmetic("3 of 21 are 14.3 %", true),
                    ),
                ]
            }
        }
        _ => &[],
    }
}

/// The accuracy that a method can reach in a figure when it knows nothing of the Byzantine workers' classes.
pub(crate) fn possible(figure: &str) -> f64 {
    match figure {
        "fig7" | "fig9" => 0.8,
        "fig10" => 0.9,
        "fig11" => 6.0 / 7.0,
        _ => 1.0,
    }
}

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
        let possible = possible(self.here.figure);
        let verdict = match claim {
            Claim::Fails(of) => {
                let e = self.estimate(of, Measure::Accuracy)?;
                Verdict { holds: below(e, FAILS), evidence: e.text() }
            }
            Claim::PerformsWell(of) => {
                let e = self.estimate(of, Measure::Accuracy)?;
                let least = WELL * possible;
                let evidence = format!("{}, well is {least:.3} or more", e.text());
                Verdict { holds: above(e, least), evidence }
            }
            Claim::NotRobust(of) => {
                let e = self.estimate(of, Measure::Accuracy)?;
                let least = WELL * possible;
                let evidence = format!("{}, robust is {least:.3} or more", e.text());
                Verdict { holds: below(e, least), evidence }
            }
            Claim::Near(of, value) => {
                let e = self.estimate(of, Measure::Accuracy)?;
                let (low, high) = (value - NEAR, value + NEAR);
                Verdict { holds: within(e, low, high), evidence: e.text() }
            }
            Claim::Best(value, measure, of, lost) => {
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
                Verdict { holds: Some(holds), evidence }
            }
            Claim::Comparable(a, b) => {
                let d = self.difference(a, b, Measure::Accuracy)?;
                let holds = if d.count < 2 { None } else { within(d, -NEAR, NEAR) };
                Verdict { holds, evidence: format!("difference {}", d.signed()) }
            }
            Claim::Outperforms(a, b, by) => difference(self.difference(a, b, by)?, 0.0),
            Claim::Remarkably(a, b, by) => difference(self.difference(a, b, by)?, NEAR),
            Claim::OutperformsAll(a, but) => {
                let (mut holds, mut evidence) = (Some(true), Vec::new());
                let group = self.here.cases.iter().find(|g| g.name == a.case);
                for method in group.into_iter().flat_map(|g| &g.methods) {
                    if method.name == a.method || but.contains(&&*method.name) {
                        continue;
                    }
                    let mine = self.values(a, Measure::Accuracy)?;
                    let Some(d) = Estimate::paired(&mine, &method.final_values(Measure::Accuracy))
                    else {
                        continue;
                    };
                    holds = both(holds, difference(d, 0.0).holds);
                    evidence.push(format!("{} {}", method.name, d.signed()));
                }
                Verdict { holds, evidence: evidence.join("; ") }
            }
            Claim::Eliminates(with, without) => {
                let (a, b) = (
                    self.values(with, Measure::MessageVariation)?,
                    self.values(without, Measure::MessageVariation)?,
                );
                let shares: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a / b).collect();
                let e = Estimate::geometric(&shares).ok_or("there were no full passes")?;
                let (a, b) = (Estimate::geometric(&a), Estimate::geometric(&b));
                let text =
                    |e: Option<Estimate>| e.map_or("–".into(), |e| format!("{:.2e}", e.mean));
                let evidence = format!("{} against {}, {:.2} %", text(a), text(b), 100.0 * e.mean);
                Verdict { holds: below(e, ELIMINATED), evidence }
            }
            Claim::AllDegrade => {
                let (first, last) = self.ends()?;
                let (mut holds, mut evidence) = (Some(true), Vec::new());
                for method in &first.methods {
                    let Some(d) = self.loss(&method.name, first.name.as_str(), &last.name) else {
                        continue;
                    };
                    holds = both(holds, difference(d, 0.0).holds);
                    evidence.push(format!("{} loses {}", method.name, d.text()));
                }
                Verdict { holds, evidence: evidence.join("; ") }
            }
            Claim::Monotone(method) => {
                self.ends()?;
                let (mut holds, mut evidence) = (Some(true), Vec::new());
                for pair in self.here.cases.windows(2) {
                    let Some(d) = self.loss(method, &pair[0].name, &pair[1].name) else {
                        return Err(format!("{method} was not run"));
                    };
                    holds = both(holds, difference(d, 0.0).holds);
                    evidence.push(format!("to {} {}", pair[1].name, d.text()));
                }
                Verdict { holds, evidence: format!("loses {}", evidence.join(", ")) }
            }
            Claim::Insensitive(method) => {
                let (first, last) = self.ends()?;
                let of = |name: &str| -> Option<Vec<f64>> {
                    let a = first.methods.iter().find(|m| m.name == name)?;
                    let b = last.methods.iter().find(|m| m.name == name)?;
                    let (a, b) =
                        (a.final_values(Measure::Accuracy), b.final_values(Measure::Accuracy));
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
                Verdict { holds, evidence: evidence.join("; ") }
            }
            Claim::Arithmetic(what, holds) => {
                Verdict { holds: Some(holds), evidence: what.to_owned() }
            }
        };
        Ok(verdict)
    }

    fn ends(
        &self,
    ) -> Result<(&crate::reproduce::results::Case, &crate::reproduce::results::Case), String> {
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
    use crate::reproduce::results::{Case, Method, Run};

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
