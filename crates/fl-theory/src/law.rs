//! The exact law of resampling: by a permutation of the copies, and by Algorithm 1 as printed.

use crate::Setting;
use fl_core::SpecError;

/// What resampling does to each of its W averages.
///
/// For average w, given that it holds no Byzantine message, with `v̄` the mean of the R regular messages,
///
/// ```text
/// E ṽ_w = v̄        E ‖ṽ_w − v̄‖² = factor_w · (1/R) Σ_{i ∈ R} ‖v_i − v̄‖²
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ExactLaw {
    /// The factor of each average, to be compared with Lemma 3's d; NaN for an average that is never uncontaminated.
    pub factor: Vec<f64>,
    /// The probability that an average holds no Byzantine message.
    pub uncontaminated: Vec<f64>,
}

impl ExactLaw {
    /// The factor of an uncontaminated average picked at random: the mean of the factors, weighted by how likely the averages are uncontaminated.
    ///
    /// With `B = 0` all averages are, and this number in place of d makes Lemma 2 (18), and with it Lemma 1 and both theorems, exact for
    /// the law. With `B > 0` which averages are uncontaminated is random and, under Algorithm 1 as printed, not independent of what they hold, so that
    /// there the number describes the law and proves nothing.
    pub fn mean(&self) -> f64 {
        let both = || self.factor.iter().zip(&self.uncontaminated).filter(|(_, u)| **u > 0.0);
        both().map(|(f, u)| f * u).sum::<f64>() / both().map(|(_, u)| u).sum::<f64>()
    }

    /// The expected number of averages that hold a Byzantine message; at most sB.
    pub fn contaminated(&self) -> f64 {
        self.uncontaminated.iter().map(|u| 1.0 - u).sum()
    }
}

/// The law where the sW copies are dealt by a uniform permutation: every average has the factor d_R
/// ([`Setting::d_regular`]), and is uncontaminated with probability `(sR choose s)/(sW choose s)`.
///
/// ```
/// use fl_theory::{Setting, permutation};
///
/// let law = permutation(&Setting::new(4, 1, 2)?);
/// assert_eq!(law.factor, [0.4; 4]);
/// assert!((law.uncontaminated[0] - 15.0 / 28.0).abs() < 1e-12);
/// # Ok::<(), fl_theory::SpecError>(())
/// ```
pub fn permutation(setting: &Setting) -> ExactLaw {
    let (workers, s) = (setting.workers(), setting.s());
    let (good, all) = (s * setting.regular(), s * workers);
    let uncontaminated: f64 = (0..s).map(|i| (good - i) as f64 / (all - i) as f64).product();
    ExactLaw {
        factor: vec![setting.d_regular(); workers],
        uncontaminated: vec![uncontaminated; workers],
    }
}

/// What one regular worker looks like in the middle of Algorithm 1, and how many others have which counts.
///
/// Eight bits each in one number, so that states sort quickly: tagged worker's count, its draws in this average, contamination, and then
/// for each count below s the number of other regular workers and the number of Byzantine ones.
#[derive(Clone, Copy)]
struct State(u128);

impl State {
    fn get(self, place: usize) -> u128 {
        self.0 >> (8 * place) & 0xff
    }

    fn add(self, place: usize) -> Self {
        State(self.0 + (1 << (8 * place)))
    }

    fn take(self, place: usize) -> Self {
        State(self.0 - (1 << (8 * place)))
    }
}

const COUNT: usize = 0;
const HERE: usize = 1;
const TAINTED: usize = 2;
const FIRST: usize = 3;

/// States that are followed at once before the computation is refused.
const MOST_STATES: usize = 1 << 19;

/// The law of Algorithm 1 as printed: each copy comes from a worker drawn uniformly among those with `c_w < s`, however many copies these have
/// left.
///
/// Lemma 3's d is not it. A worker that was drawn already is as likely to be drawn again as one that was not, though it has fewer copies
/// left, so an average meets the same message more often, most of all the last ones, which must take what is left. For
/// `W = 30, s = 2, B = 0` the factor is 0.5000 for the first average, 0.5754 for the last and 0.5005 on average, against `d = 0.4915`.
///
/// With `P_w` the expected number of ordered pairs of places in average w that hold the same message, given that the average is
/// uncontaminated, symmetry between the regular workers gives `E⟨v_i − v̄, v_j − v̄⟩ = −V/(R − 1)` for two that differ, and so
///
/// ```text
/// factor_w = (1/s²) (s + P_w − (s (s − 1) − P_w)/(R − 1))
/// ```
///
/// `P_w = R E[n (n − 1)]` for the number n of times that one tagged regular worker occurs; it is followed, draw by draw, together with how
/// many other workers have been drawn how often, by enumeration of all states.
///
/// # Cost
/// For `W = 30` milliseconds with `s = 2`, a tenth of a second with `s = 3`, seconds with `s = 4`.
///
/// # Errors
/// When `W > 255` or `s > 6`, or there are more states than memory should be given to.
///
/// ```
/// use fl_theory::{Setting, algorithm_1};
///
/// let setting = Setting::new(30, 0, 2)?;
/// let law = algorithm_1(&setting)?;
/// assert!((law.mean() - 0.5005).abs() < 5e-5 && (law.factor[29] - 0.5754).abs() < 5e-5);
/// assert!(law.mean() > setting.d());
/// # Ok::<(), fl_theory::SpecError>(())
/// ```
pub fn algorithm_1(setting: &Setting) -> Result<ExactLaw, SpecError> {
    let (workers, s, regular) = (setting.workers(), setting.s(), setting.regular());
    if workers > 255 {
        return Err(SpecError::new("W", "at most 255 for the exact law", workers));
    }
    if s > 6 {
        return Err(SpecError::new("s", "at most 6 for the exact law", s));
    }
    let others = |count: usize| FIRST + count;
    let byzantine = |count: usize| FIRST + s + count;
    let start = (regular as u128 - 1) << (8 * others(0))
        | (setting.byzantine() as u128) << (8 * byzantine(0));
    let mut states = vec![(start, 1.0)];
    let mut next: Vec<(u128, f64)> = Vec::new();
    let mut law = ExactLaw { factor: Vec::new(), uncontaminated: Vec::new() };
    for _ in 0..workers {
        for _ in 0..s {
            draw(&mut states, &mut next, s);
            if states.len() > MOST_STATES {
                return Err(SpecError::new(
                    "W, B and s",
                    format!("small enough for the exact law to follow {MOST_STATES} states"),
                    format!("W = {workers}, B = {}, s = {s}", setting.byzantine()),
                ));
            }
        }
        let (mut clean, mut pairs) = (0.0, 0.0);
        for &(key, probability) in &states {
            if State(key).get(TAINTED) == 0 {
                let here = State(key).get(HERE) as f64;
                clean += probability;
                pairs += probability * here * (here - 1.0);
            }
        }
        let s = s as f64;
        let same = regular as f64 * pairs / clean;
        // With one regular worker there is nothing to differ from.
        let apart = if regular > 1 { (s * (s - 1.0) - same) / (regular as f64 - 1.0) } else { 0.0 };
        // Nothing varies around a single message, however it is averaged.
        let factor = if regular > 1 || s == 1.0 { (s + same - apart) / (s * s) } else { 0.0 };
        law.factor.push(if clean > 0.0 { factor } else { f64::NAN });
        law.uncontaminated.push(clean);
        // A new average begins: what the last one held no longer matters.
        for (key, _) in &mut states {
            *key &= !(0xff << (8 * HERE) | 0xff << (8 * TAINTED));
        }
    }
    Ok(law)
}

/// The states after one more draw, from those before it; `next` is room.
fn draw(states: &mut Vec<(u128, f64)>, next: &mut Vec<(u128, f64)>, s: usize) {
    next.clear();
    for &(key, probability) in &*states {
        step(State(key), probability, s, next);
    }
    // What is equal is added in an order that only the states decide.
    next.sort_by_key(|(key, _)| *key);
    states.clear();
    for &(key, probability) in &*next {
        match states.last_mut() {
            Some(last) if last.0 == key => last.1 += probability,
            _ => states.push((key, probability)),
        }
    }
}

/// All that one draw can do.
fn step(state: State, probability: f64, s: usize, next: &mut Vec<(u128, f64)>) {
    let (others, byzantine) = (|c: usize| FIRST + c, |c: usize| FIRST + s + c);
    let tagged = state.get(COUNT) as usize;
    let mut open = u128::from(tagged < s);
    for place in FIRST..FIRST + 2 * s {
        open += state.get(place);
    }
    let share = probability / open as f64;
    let tainted = state.get(TAINTED) == 1;
    if tagged < s {
        let drawn = state.add(COUNT);
        // In a contaminated average nothing is counted any more.
        next.push((if tainted { drawn } else { drawn.add(HERE) }.0, share));
    }
    for count in 0..s {
        let regular = state.get(others(count));
        if regular > 0 {
            let mut drawn = state.take(others(count));
            if count + 1 < s {
                drawn = drawn.add(others(count + 1));
            }
            next.push((drawn.0, share * regular as f64));
        }
        let faulty = state.get(byzantine(count));
        if faulty > 0 {
            let mut drawn = state.take(byzantine(count));
            if count + 1 < s {
                drawn = drawn.add(byzantine(count + 1));
            }
            if !tainted {
                drawn = State(drawn.0 & !(0xff << (8 * HERE))).add(TAINTED);
            }
            next.push((drawn.0, share * faulty as f64));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Algorithm 1 by trying every sequence of draws: factors and probabilities, by the definition.
    fn by_hand(setting: &Setting) -> ExactLaw {
        let (workers, s, regular) = (setting.workers(), setting.s(), setting.regular());
        // Regular workers 0 … R − 1 hold numbers without any symmetry.
        let value = |w: usize| (w as f64 + 0.5).powi(2) - 3.0 * (w % 2) as f64;
        let mean = (0..regular).map(value).sum::<f64>() / regular as f64;
        let variation =
            (0..regular).map(|w| (value(w) - mean).powi(2)).sum::<f64>() / regular as f64;
        let mut clean = vec![0.0; workers];
        let mut square = vec![0.0; workers];
        struct Draw {
            counts: Vec<usize>,
            picks: Vec<usize>,
            probability: f64,
        }
        let mut stack =
            vec![Draw { counts: vec![0; workers], picks: Vec::new(), probability: 1.0 }];
        while let Some(Draw { counts, picks, probability }) = stack.pop() {
            if picks.len() == s * workers {
                for (w, picks) in picks.chunks(s).enumerate() {
                    if picks.iter().all(|&p| p < regular) {
                        let average = picks.iter().map(|&p| value(p)).sum::<f64>() / s as f64;
                        clean[w] += probability;
                        square[w] += probability * (average - mean).powi(2);
                    }
                }
                continue;
            }
            let open: Vec<usize> = (0..workers).filter(|&w| counts[w] < s).collect();
            for &w in &open {
                let (mut counts, mut picks) = (counts.clone(), picks.clone());
                counts[w] += 1;
                picks.push(w);
                let probability = probability / open.len() as f64;
                stack.push(Draw { counts, picks, probability });
            }
        }
        let factor = square.iter().zip(&clean).map(|(q, c)| q / c / variation).collect();
        ExactLaw { factor, uncontaminated: clean }
    }

    #[test]
    fn the_law_of_algorithm_1_is_that_of_all_sequences_of_draws() {
        for (workers, byzantine, s) in
            [(3, 0, 2), (3, 1, 2), (4, 0, 2), (4, 1, 2), (4, 2, 2), (3, 0, 3), (3, 1, 3)]
        {
            let setting = Setting::new(workers, byzantine, s).unwrap();
            let (law, hand) = (algorithm_1(&setting).unwrap(), by_hand(&setting));
            for w in 0..workers {
                let off = (law.uncontaminated[w] - hand.uncontaminated[w]).abs();
                assert!(off < 1e-12, "{setting:?} {w}");
                assert!(
                    (law.factor[w] - hand.factor[w]).abs() < 1e-12,
                    "{setting:?} {w}: {} {}",
                    law.factor[w],
                    hand.factor[w]
                );
            }
        }
    }

    #[test]
    fn without_resampling_nothing_changes() {
        let setting = Setting::new(7, 2, 1).unwrap();
        let law = algorithm_1(&setting).unwrap();
        for w in 0..7 {
            assert!((law.factor[w] - 1.0).abs() < 1e-12);
            assert!((law.uncontaminated[w] - 5.0 / 7.0).abs() < 1e-12);
        }
    }

    #[test]
    fn at_most_s_b_averages_are_contaminated_under_both_laws() {
        for (workers, byzantine, s) in [(10, 1, 2), (10, 3, 2), (8, 1, 3), (30, 6, 2)] {
            let setting = Setting::new(workers, byzantine, s).unwrap();
            for law in [algorithm_1(&setting).unwrap(), permutation(&setting)] {
                let contaminated = law.contaminated();
                assert!(contaminated <= (s * byzantine) as f64 + 1e-9);
                assert!(contaminated >= byzantine as f64 - 1e-9);
            }
        }
    }

    #[test]
    fn with_one_regular_worker_nothing_varies() {
        let setting = Setting::new(3, 2, 2).unwrap();
        let law = algorithm_1(&setting).unwrap();
        assert!(law.factor.iter().all(|&f| f == 0.0), "{law:?}");
        assert_eq!(permutation(&setting).factor, [0.0; 3]);
    }

    #[test]
    fn what_would_take_too_long_is_refused() {
        assert!(algorithm_1(&Setting::new(300, 0, 2).unwrap()).is_err());
        assert!(algorithm_1(&Setting::new(30, 0, 7).unwrap()).is_err());
    }
}
