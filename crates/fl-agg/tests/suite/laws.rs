//! What every rule promises, and what it does not: one line a rule at the end of this file.
//!
//! A line lists the laws that a rule obeys. Each is checked on random rounds; and of each law that is *not* listed a round
//! must be found that breaks it, so that a line says neither too much nor too little.

use fl_agg::{
    Aksel, AkselKeep, Bulyan, Caf, CafDirection, CenteredClipping, Cge, CgeOutput, ClippingStart,
    CoordinateMedian, Dnc, EvenMedian, Faba, Flame, Fltrust, GeometricMedian, Huber, Ios, Krum,
    KrumVariant, Mda, Meamed, Mean, Messages, Monna, MultiKrum, NormFilteredMean, NormUnit, Phocas,
    Picks, RuleSpec, Scalar, Shape, SignMajority, Smea, TrimmedMean, WeightedMean, Weiszfeld,
};
use fl_core::{Cx, PartVisitor, Pipeline, Registrable, Streams};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

const WORKERS: usize = 11;
const BYZANTINE: usize = 2;
const DIM: usize = 6;

/// What may be said of a rule. That no message is looked at which is not finite, that one thread gives the bits of two, and
/// that small rounds are no special cases holds for all and is in no list.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Law {
    /// The order of workers does not matter.
    Order,
    /// Moving all messages moves the output with them.
    Shift,
    /// Scaling all messages scales the output with them.
    Scale,
    /// Where all messages are equal the output has their very bits.
    Equal,
    /// The output is a convex combination of the messages.
    Hull,
    /// Each coordinate lies between the messages' coordinates; not listed beside `Hull`, from which it follows.
    Box,
    /// A used object gives the bits of a fresh one.
    Fresh,
    /// Messages that single precision can hold give nearly the same output in both precisions.
    Single,
    /// f arbitrary messages leave the output within this many times the regular messages' largest distance to their mean,
    /// of that mean.
    Withstands(f64),
    /// The same with the regular messages' largest norm for a unit.
    WithstandsNorms(f64),
    /// The same with that norm or 1, whatever is larger, for a unit: some lengths are given to the rule.
    WithstandsLengths(f64),
}
use Law::*;

/// A rule for some workers, by their numbers.
type Make = fn(&[usize]) -> std::boxed::Box<dyn RuleSpec>;

#[derive(Clone, Copy)]
struct Subject {
    make: Make,
    laws: &'static [Law],
    /// On the output for messages of size 1.
    tolerance: f64,
}

impl Subject {
    fn obeys(self, law: Law) -> bool {
        let same = |l: &Law| std::mem::discriminant(l) == std::mem::discriminant(&law);
        self.laws.iter().any(same) || (law == Box && self.laws.contains(&Hull))
    }
}

struct Answer<T> {
    out: Vec<T>,
    weights: Option<Vec<f64>>,
    dropped: usize,
}

fn run_as<T: Scalar>(
    subject: Subject,
    workers: &[usize],
    rows: &[Vec<f64>],
    byzantine: usize,
) -> Result<Answer<T>, String> {
    let shape = Shape { workers: rows.len(), byzantine };
    let dim = rows[0].len();
    let mut pipeline = Pipeline::<T>::build(Vec::new(), (subject.make)(workers), shape, dim)
        .map_err(|e| e.to_string())?;
    let rows: Vec<Vec<T>> =
        rows.iter().map(|r| r.iter().map(|&x| T::from_f64(x)).collect()).collect();
    let messages = Messages::from_rows(&rows);
    let (streams, mut out) = (Streams::new(0), vec![T::ZERO; dim]);
    let report = pipeline
        .aggregate(&Cx::new(&streams, 0), messages.view(), &mut out)
        .map_err(|e| e.to_string())?;
    Ok(Answer { out, weights: pipeline.weights().map(<[f64]>::to_vec), dropped: report.dropped })
}

fn everybody(rows: &[Vec<f64>]) -> Vec<usize> {
    (0..rows.len()).collect()
}

fn run(subject: Subject, rows: &[Vec<f64>]) -> Vec<f64> {
    run_as::<f64>(subject, &everybody(rows), rows, BYZANTINE).expect("a valid round").out
}

fn norm(a: &[f64]) -> f64 {
    let largest = a.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    a.iter().map(|x| (x / largest).powi(2)).sum::<f64>().sqrt() * largest
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    norm(&a.iter().zip(b).map(|(x, y)| x - y).collect::<Vec<_>>())
}

/// A round and what may be done to it.
#[derive(Clone, Debug)]
struct Round {
    rows: Vec<Vec<f64>>,
    other: Vec<Vec<f64>>,
    rotate: usize,
    by: f64,
    exponent: i32,
    attack: usize,
    size: f64,
    direction: Vec<f64>,
    at: usize,
}

fn matrix() -> impl Strategy<Value = Vec<Vec<f64>>> {
    prop::collection::vec(prop::collection::vec(-1.0..1.0, DIM), WORKERS)
}

fn round() -> impl Strategy<Value = Round> {
    let what = (1..WORKERS, -100.0..100.0, -20..20, 0..ATTACKS, 0.0..30.0);
    let where_to = (prop::collection::vec(-1.0..1.0, DIM), 0..WORKERS, 0..8);
    (matrix(), matrix(), what, where_to).prop_map(
        |(mut rows, other, what, (direction, at, style))| {
            let (rotate, by, exponent, attack, log) = what;
            match style {
                // Close together and far from 0.
                0 => {
                    for row in &mut rows {
                        row.iter_mut().zip(&direction).for_each(|(x, d)| *x = 1e-3 * *x + 10.0 * d);
                    }
                }
                // One much shorter than the others; all equal; all short.
                1 => rows[at].iter_mut().for_each(|x| *x *= 0.01),
                2 => rows = vec![rows[at].clone(); WORKERS],
                3 => rows.iter_mut().flatten().for_each(|x| *x *= 1e-5),
                _ => (),
            }
            Round {
                rows,
                other,
                rotate,
                by,
                exponent,
                attack,
                size: 10f64.powf(log),
                direction,
                at,
            }
        },
    )
}

const ATTACKS: usize = 12;

impl Round {
    /// The messages of f Byzantine workers among the others'.
    fn attacked(&self) -> (Vec<Vec<f64>>, [usize; BYZANTINE]) {
        let who = [self.at, (self.at + self.rotate) % WORKERS];
        let mut rows = self.rows.clone();
        let regular = (0..WORKERS).find(|w| !who.contains(w)).expect("a regular worker");
        let along = |size: f64| self.direction.iter().map(|x| x * size).collect::<Vec<f64>>();
        let mean: Vec<f64> =
            (0..DIM).map(|k| rows.iter().map(|r| r[k]).sum::<f64>() / WORKERS as f64).collect();
        let [first, second] = match self.attack {
            // Far, together, apart, or one much farther than the other and elsewhere.
            0 => [along(self.size), along(self.size)],
            1 => [along(self.size), along(-self.size)],
            2 => {
                let mut turned = along(self.size.sqrt());
                turned.rotate_left(1);
                [along(self.size), turned]
            }
            3 => [vec![1e30; DIM], vec![-1e30; DIM]],
            // Near: twice what a regular worker says, opposite means, all on a line.
            4 => [rows[regular].clone(), rows[regular].clone()],
            5 => [-5.0, -1.0].map(|c| mean.iter().map(|x| c * x).collect()),
            6 => [1.0, 2.0].map(|c| {
                rows[regular].iter().zip(&self.direction).map(|(x, d)| x + c * d).collect()
            }),
            // Nothing, and next to nothing in the direction of the others.
            7 => [vec![0.0; DIM], mean.iter().map(|x| 1e-6 * x).collect()],
            // In one coordinate only.
            8 => {
                let mut one = mean.clone();
                one[0] = self.size;
                [one.clone(), one]
            }
            // Not finite, both or one.
            9 => [vec![f64::NAN; DIM], along(self.size)],
            10 => [vec![f64::INFINITY; DIM], vec![f64::NEG_INFINITY; DIM]],
            _ => {
                let mut one = mean;
                one[DIM - 1] = f64::NAN;
                [along(-self.size), one]
            }
        };
        rows[who[0]] = first;
        rows[who[1]] = second;
        (rows, who)
    }
}

/// Whether a law holds in a round; what is wrong if not.
fn check(subject: Subject, law: Law, round: &Round) -> Result<(), String> {
    let Round { rows, by, exponent, .. } = round;
    let size = rows.iter().flatten().fold(1.0, |m: f64, x| m.max(x.abs()));
    let close = |a: &[f64], b: &[f64], tolerance: f64| {
        let off = distance(a, b);
        if off <= tolerance { Ok(()) } else { Err(format!("{a:?} and {b:?} differ by {off:e}")) }
    };
    let map = |change: &dyn Fn(f64) -> f64| -> Vec<Vec<f64>> {
        rows.iter().map(|r| r.iter().map(|&x| change(x)).collect()).collect()
    };
    match law {
        Order => {
            let mut turned = rows.clone();
            turned.rotate_left(round.rotate);
            close(&run(subject, rows), &run(subject, &turned), size * subject.tolerance)
        }
        Shift => {
            let expected: Vec<f64> = run(subject, rows).iter().map(|x| x + by).collect();
            let out = run(subject, &map(&|x| x + by));
            close(&out, &expected, 100.0 * size * subject.tolerance + 1e-12)
        }
        Scale => {
            let by = 2f64.powi(*exponent);
            let expected: Vec<f64> = run(subject, rows).iter().map(|x| x * by).collect();
            close(&run(subject, &map(&|x| x * by)), &expected, size * subject.tolerance * by)
        }
        Equal => {
            let rows = vec![rows[0].clone(); WORKERS];
            let out = run(subject, &rows);
            if out == rows[0] { Ok(()) } else { Err(format!("{out:?} of {:?}", rows[0])) }
        }
        Hull => {
            let answer = run_as::<f64>(subject, &everybody(rows), rows, BYZANTINE)?;
            let weights = answer.weights.ok_or("no weights")?;
            let sum: f64 = weights.iter().sum();
            if (sum - 1.0).abs() > 1e-12 || weights.iter().any(|&w| w < -1e-12) {
                return Err(format!("{weights:?}"));
            }
            Ok(())
        }
        Box => {
            let out = run(subject, rows);
            for (k, &x) in out.iter().enumerate() {
                let column = || rows.iter().map(|r| r[k]);
                let least = column().fold(f64::INFINITY, f64::min);
                let most = column().fold(f64::NEG_INFINITY, f64::max);
                if !(least - 1e-12..=most + 1e-12).contains(&x) {
                    return Err(format!("{x} is not between {least} and {most}"));
                }
            }
            Ok(())
        }
        Single => {
            let rows = map(&|x| f64::from(x as f32));
            let single = run_as::<f32>(subject, &everybody(&rows), &rows, BYZANTINE)?;
            let single: Vec<f64> = single.out.iter().map(|&x| f64::from(x)).collect();
            close(&single, &run(subject, &rows), size * (1e-5 + 10.0 * subject.tolerance))
        }
        Fresh => {
            let shape = Shape { workers: WORKERS, byzantine: BYZANTINE };
            let rule = (subject.make)(&everybody(rows));
            let mut pipeline =
                Pipeline::<f64>::build(Vec::new(), rule, shape, DIM).map_err(|e| e.to_string())?;
            let (streams, mut out) = (Streams::new(0), vec![0.0; DIM]);
            for rows in [&round.other, &round.attacked().0, rows] {
                let messages = Messages::from_rows(rows);
                // A round that is refused leaves nothing behind either.
                let _ = pipeline.aggregate(&Cx::new(&streams, 0), messages.view(), &mut out);
            }
            let fresh = run(subject, rows);
            if out == fresh { Ok(()) } else { Err(format!("{out:?}, fresh {fresh:?}")) }
        }
        Withstands(_) | WithstandsNorms(_) | WithstandsLengths(_) => {
            withstands(subject, round, law)
        }
    }
}

fn withstands(subject: Subject, round: &Round, law: Law) -> Result<(), String> {
    let (rows, who) = round.attacked();
    let answer = run_as::<f64>(subject, &everybody(&rows), &rows, BYZANTINE)?;
    let regular: Vec<&Vec<f64>> =
        rows.iter().enumerate().filter(|(w, _)| !who.contains(w)).map(|x| x.1).collect();
    let n = regular.len() as f64;
    let mean: Vec<f64> = (0..DIM).map(|k| regular.iter().map(|r| r[k]).sum::<f64>() / n).collect();
    let off = distance(&answer.out, &mean);
    let largest =
        |length: &dyn Fn(&[f64]) -> f64| regular.iter().map(|r| length(r)).fold(0.0, f64::max);
    let (bound, unit) = match law {
        Withstands(bound) => (bound, largest(&|r| distance(r, &mean))),
        WithstandsNorms(bound) => (bound, largest(&norm)),
        WithstandsLengths(bound) => (bound, largest(&norm).max(1.0)),
        _ => unreachable!("a law about what is withstood"),
    };
    let size = largest(&norm).max(1.0);
    if off.is_nan() || off > bound * unit + size * subject.tolerance {
        return Err(format!("{off:e} is more than {bound} times {unit:e}"));
    }
    // What the rule itself says.
    let left = Shape { workers: WORKERS - answer.dropped, byzantine: BYZANTINE - answer.dropped };
    if let Some(kappa) = (subject.make)(&everybody(&rows)).kappa(left) {
        let variance = regular.iter().map(|r| distance(r, &mean).powi(2)).sum::<f64>() / n;
        if off * off > kappa * variance * (1.0 + 1e-6) + 1e-18 {
            return Err(format!("{:e} is more than κ = {kappa} times {variance:e}", off * off));
        }
    }
    Ok(())
}

/// A size from the smallest number to the largest, and the largest itself.
fn any_size() -> impl Strategy<Value = f64> {
    prop_oneof![4 => (-323.0..308.0f64).prop_map(|e| 10f64.powf(e)), 1 => Just(f64::MAX)]
}

/// A finite message of any size, or of one in every coordinate, or in one coordinate alone, or as long as can be.
fn any_message() -> impl Strategy<Value = Vec<f64>> {
    let signs = prop::collection::vec(-1.0..1.0f64, DIM);
    let sizes = prop::collection::vec(any_size(), DIM);
    (signs, sizes, 0..5).prop_map(|(signs, sizes, style)| {
        let number = |k: usize| match style {
            0 => signs[k] * sizes[k],
            1 if k > 0 => 0.0,
            2 => sizes[0].copysign(signs[k]),
            3 => f64::MAX.copysign(signs[k]),
            _ => signs[k] * sizes[0],
        };
        (0..DIM).map(number).collect()
    })
}

/// f messages of any finite numbers, up to the largest, are withstood as those of ordinary size are, in both types; and no
/// finite messages make a rule's output NaN.
fn any_sizes(subject: Subject) {
    let law = subject
        .laws
        .iter()
        .copied()
        .find(|l| matches!(l, Withstands(_) | WithstandsNorms(_) | WithstandsLengths(_)));
    let liars = prop::collection::vec(any_message(), BYZANTINE);
    let scale = if subject.obeys(Scale) { -300..301 } else { 0..1 };
    let strategy = (matrix(), liars, scale, 0..WORKERS, 1..WORKERS);
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) };
    let result =
        TestRunner::new_with_rng(config, rng).run(&strategy, |(ones, liars, scale, at, by)| {
            let unit = 10f64.powi(scale);
            let who = [at, (at + by) % WORKERS];
            let mut rows: Vec<Vec<f64>> =
                ones.iter().map(|row| row.iter().map(|x| x * unit).collect()).collect();
            for (&w, liar) in who.iter().zip(liars) {
                rows[w] = liar;
            }
            let all = everybody(&rows);
            let double =
                run_as::<f64>(subject, &all, &rows, BYZANTINE).map_err(TestCaseError::fail)?.out;
            prop_assert!(!double.iter().any(|x| x.is_nan()), "{:?}", double);
            let Some(law) = law else { return Ok(()) };
            // Each of its 80 steps from the mean comes nearer by a factor of W − f at most: too few from 10³⁰⁰.
            if (subject.make)(&all).name() == "weiszfeld" {
                return Ok(());
            }
            let regular: Vec<&Vec<f64>> =
                (0..WORKERS).filter(|w| !who.contains(w)).map(|w| &ones[w]).collect();
            let n = regular.len() as f64;
            let mean: Vec<f64> =
                (0..DIM).map(|k| regular.iter().map(|r| r[k]).sum::<f64>() / n).collect();
            let largest = |length: &dyn Fn(&[f64]) -> f64| {
                regular.iter().map(|r| length(r)).fold(0.0, f64::max)
            };
            let (bound, size) = match law {
                Withstands(bound) => (bound, largest(&|r| distance(r, &mean))),
                WithstandsNorms(bound) => (bound, largest(&norm)),
                WithstandsLengths(bound) => (bound, largest(&norm).max(1.0)),
                _ => unreachable!("a law about what is withstood"),
            };
            let off = |out: &[f64], copies: usize| {
                let out: Vec<f64> = out.iter().map(|x| x / unit).collect();
                distance(&out, &mean.repeat(copies)) / (copies as f64).sqrt()
            };
            let most = bound * size + largest(&norm).max(1.0) * subject.tolerance;
            prop_assert!(off(&double, 1) <= most, "{} beyond {most}", off(&double, 1));
            let byzantine = Shape { workers: WORKERS, byzantine: BYZANTINE };
            if let Some(kappa) = (subject.make)(&all).kappa(byzantine) {
                let variance = regular.iter().map(|r| distance(r, &mean).powi(2)).sum::<f64>() / n;
                let square = off(&double, 1).powi(2);
                prop_assert!(square <= kappa * variance * (1.0 + 1e-6) + 1e-18, "κ = {kappa}");
            }
            // More than 64 columns are measured in single precision.
            for copies in [1, 12] {
                if scale.abs() > 30 {
                    continue;
                }
                let most_single = f64::from(f32::MAX);
                let rows: Vec<Vec<f64>> = rows
                    .iter()
                    .map(|r| r.iter().map(|x| x.clamp(-most_single, most_single)).collect())
                    .map(|r: Vec<f64>| r.repeat(copies))
                    .collect();
                let single = run_as::<f32>(subject, &all, &rows, BYZANTINE);
                let single = single.map_err(TestCaseError::fail)?.out;
                let single: Vec<f64> = single.into_iter().map(f64::from).collect();
                let most = most * (1.0 + 1e-3) + 1e-5;
                prop_assert!(off(&single, copies) <= most, "{} in f32", off(&single, copies));
            }
            Ok(())
        });
    if let Err(e) = result {
        panic!("{e}");
    }
}

/// A law that is listed holds in random rounds; of one that is not, a round that breaks it is found.
fn declared(subject: Subject, law: Law) {
    let law = subject
        .laws
        .iter()
        .copied()
        .find(|l| std::mem::discriminant(l) == std::mem::discriminant(&law))
        .unwrap_or(law);
    let test = |round| check(subject, law, &round).map_err(TestCaseError::fail);
    let config =
        |cases| ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) };
    // The same rounds every time: a law that one round in thousands breaks is found by who changes a rule, not later by
    // somebody else.
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    if subject.obeys(law) {
        if let Err(e) = TestRunner::new_with_rng(config(96), rng).run(&round(), test) {
            panic!("{law:?}: {e}");
        }
    } else {
        let config = ProptestConfig { max_shrink_iters: 0, ..config(2000) };
        let outcome = TestRunner::new_with_rng(config, rng).run(&round(), test);
        assert!(outcome.is_err(), "{law:?} is not listed, and no round breaks it");
    }
}

/// A message that is not finite is left out, and leaves nothing behind.
fn missing(subject: Subject) {
    let bad = prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY]);
    let strategy = (matrix(), 1..WORKERS, 0..DIM, bad);
    let result = TestRunner::new(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(64)
    })
    .run(&strategy, |(rows, at, column, bad)| {
        let mut with = rows.clone();
        with[at][column] = bad;
        let mut without = rows;
        without.remove(at);
        let workers: Vec<usize> = (0..WORKERS).filter(|&w| w != at).collect();
        let all = everybody(&with);
        let a = run_as::<f64>(subject, &all, &with, BYZANTINE).map_err(TestCaseError::fail)?;
        let b = run_as::<f64>(subject, &workers, &without, BYZANTINE - 1)
            .map_err(TestCaseError::fail)?;
        prop_assert_eq!((a.dropped, b.dropped), (1, 0));
        prop_assert!(distance(&a.out, &b.out) <= subject.tolerance + 1e-15);
        Ok(())
    });
    if let Err(e) = result {
        panic!("{e}");
    }
}

/// Enough numbers for several threads to be worth their while.
fn threads(subject: Subject) {
    let number = |i: usize| f64::from((i as u32).wrapping_mul(2_654_435_761) >> 8) / 1e7 - 0.8;
    let rows: Vec<Vec<f64>> =
        (0..WORKERS).map(|w| (0..6000).map(|k| number(w * 6000 + k)).collect()).collect();
    let bits = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| {
            let all = everybody(&rows);
            let double = run_as::<f64>(subject, &all, &rows, BYZANTINE).expect("valid").out;
            let single = run_as::<f32>(subject, &all, &rows, BYZANTINE).expect("valid").out;
            let single: Vec<u32> = single.into_iter().map(f32::to_bits).collect();
            (double.into_iter().map(f64::to_bits).collect::<Vec<_>>(), single)
        })
    };
    assert_eq!(bits(1), bits(2));
}

/// Rounds of one or two messages, of one column, of equal ones: refused by `check`, or computed.
fn small(subject: Subject) {
    for (workers, byzantine) in [(1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (4, 1)] {
        for rows in [
            (0..workers).map(|w| vec![[0.5, -2.0, 7.0, 1.5][w]]).collect::<Vec<_>>(),
            vec![vec![3.25, -1.5]; workers],
            (0..workers).map(|w| vec![w as f64, 2.0 * w as f64, 0.1]).collect(),
        ] {
            let (all, shape) = (everybody(&rows), Shape { workers, byzantine });
            let answer = run_as::<f64>(subject, &all, &rows, byzantine);
            let possible = (subject.make)(&all).check(shape);
            assert_eq!(answer.is_ok(), possible.is_ok(), "{shape:?} {:?}", answer.err());
            let Ok(Answer { out, .. }) = answer else { continue };
            assert!(out.iter().all(|x| x.is_finite()), "{shape:?} {rows:?} {out:?}");
            if subject.obeys(Equal) && rows.iter().all(|r| *r == rows[0]) {
                assert_eq!(out, rows[0], "{shape:?}");
            }
            for k in (0..out.len()).filter(|_| subject.obeys(Box)) {
                let column = || rows.iter().map(|r| r[k]);
                let least = column().fold(f64::INFINITY, f64::min);
                let most = column().fold(f64::NEG_INFINITY, f64::max);
                assert!(least - 1e-12 <= out[k] && out[k] <= most + 1e-12, "{shape:?} {out:?}");
            }
        }
    }
    let nothing = Shape { workers: 0, byzantine: 0 };
    assert!((subject.make)(&[]).check(nothing).is_err());
}

/// What `tolerates` and `kappa` say fits together.
fn theory(subject: Subject) {
    for workers in 1..40 {
        let all: Vec<usize> = (0..workers).collect();
        let rule = (subject.make)(&all);
        let tolerates = rule.tolerates(workers);
        assert!(tolerates < workers.max(1) && 2 * tolerates < workers.max(1), "{workers}");
        let mut before = 0.0;
        for byzantine in 0..workers {
            if let Some(kappa) = rule.kappa(Shape { workers, byzantine }) {
                assert!(byzantine <= tolerates, "{workers} {byzantine}");
                assert!(kappa.is_finite() && kappa >= before, "{workers} {byzantine} {kappa}");
                // No rule can do better than f/(W − 2f).
                let f = byzantine as f64;
                assert!(kappa >= f / (workers as f64 - 2.0 * f) - 1e-12, "{workers} {byzantine}");
                before = kappa;
            }
        }
    }
}

macro_rules! laws {
    ($($name:ident: $make:expr, $tolerance:expr, [$($law:expr),* $(,)?];)*) => { $(
        mod $name {
            use super::*;

            const SUBJECT: Subject =
                Subject { make: $make, laws: &[$($law),*], tolerance: $tolerance };

            #[test]
            fn the_order_of_workers_does_not_matter() {
                declared(SUBJECT, Order);
            }

            #[test]
            fn moving_all_messages_moves_the_output() {
                declared(SUBJECT, Shift);
            }

            #[test]
            fn scaling_all_messages_scales_the_output() {
                declared(SUBJECT, Scale);
            }

            #[test]
            fn equal_messages_are_returned_as_they_are() {
                declared(SUBJECT, Equal);
            }

            #[test]
            fn the_output_is_a_convex_combination_of_the_messages() {
                declared(SUBJECT, Hull);
            }

            #[test]
            fn the_output_lies_between_the_messages() {
                declared(SUBJECT, Box);
            }

            #[test]
            fn a_used_object_gives_the_bits_of_a_fresh_one() {
                declared(SUBJECT, Fresh);
            }

            #[test]
            fn arbitrary_messages_are_withstood_within_a_stated_bound() {
                declared(SUBJECT, Withstands(1e3));
            }

            #[test]
            fn arbitrary_messages_are_withstood_within_a_stated_multiple_of_norms() {
                // What is withstood within the spread is so within norms.
                if !SUBJECT.obeys(Withstands(0.0)) {
                    declared(SUBJECT, WithstandsNorms(1e3));
                }
            }

            #[test]
            fn arbitrary_messages_are_withstood_within_a_stated_multiple_of_given_lengths() {
                if !SUBJECT.obeys(Withstands(0.0)) && !SUBJECT.obeys(WithstandsNorms(0.0)) {
                    declared(SUBJECT, WithstandsLengths(1e3));
                }
            }

            #[test]
            fn messages_of_any_size_are_withstood_as_well() {
                any_sizes(SUBJECT);
            }

            #[test]
            fn a_message_that_is_not_finite_is_as_if_it_had_not_been_sent() {
                missing(SUBJECT);
            }

            #[test]
            fn single_precision_is_close_to_double_precision() {
                declared(SUBJECT, Single);
            }

            #[test]
            fn one_thread_gives_the_bits_of_two() {
                threads(SUBJECT);
            }

            #[test]
            fn small_rounds_are_refused_or_computed() {
                small(SUBJECT);
            }

            #[test]
            fn what_it_tolerates_and_its_kappa_fit_together() {
                theory(SUBJECT);
            }
        }
    )* };
}

fn rising(workers: &[usize]) -> Vec<f64> {
    workers.iter().map(|&w| 1.0 + 0.1 * w as f64).collect()
}

macro_rules! rule {
    ($rule:expr) => {
        |_| std::boxed::Box::new($rule)
    };
}

laws! {
    mean: rule!(Mean), 1e-14, [Order, Shift, Scale, Equal, Hull, Fresh, Single];
    weighted_mean: |w| std::boxed::Box::new(WeightedMean { weights: rising(w) }), 1e-14,
        [Shift, Scale, Equal, Hull, Fresh, Single];
    // A gap of 1e-10 · F in F leaves the minimiser itself known to the square root of that, in the worst case.
    geometric_median: rule!(GeometricMedian::default()), 1e-4,
        [Order, Shift, Scale, Equal, Hull, Fresh, Single, Withstands(4.0)];
    weighted_geometric_median:
        |w| std::boxed::Box::new(GeometricMedian { weights: Some(rising(w)), ..Default::default() }), 1e-4,
        [Shift, Scale, Equal, Hull, Fresh, Single, Withstands(4.0)];
    // A step of absolute length ends it, and of a message at 1e30 its rounding stays in the output.
    weiszfeld: rule!(Weiszfeld::default()), 1e-4,
        [Order, Shift, Equal, Hull, Fresh, Single, WithstandsLengths(1e16)];
    krum: rule!(Krum::default()), 0.0,
        [Order, Shift, Scale, Equal, Hull, Fresh, Single, Withstands(4.0)];
    krum_of_byzfl: rule!(Krum { variant: KrumVariant::OneMoreNeighbour }), 0.0,
        [Order, Shift, Scale, Equal, Hull, Fresh, Single, Withstands(4.0)];
    krum_of_byzantine_momentum: rule!(Krum { variant: KrumVariant::Unsquared }), 0.0,
        [Order, Shift, Scale, Equal, Hull, Fresh, Single, Withstands(4.0)];
    krum_of_optirs: rule!(Krum { variant: KrumVariant::UnsquaredPaper }), 0.0,
        [Order, Shift, Scale, Equal, Hull, Fresh, Single, Withstands(4.0)];
    krum_of_epfml: rule!(Krum { variant: KrumVariant::FourthPower }), 0.0,
        [Order, Shift, Scale, Equal, Hull, Fresh, Single, Withstands(4.0)];
    krum_of_flower: rule!(Krum { variant: KrumVariant::AtLeastOneNeighbour }), 0.0,
        [Order, Shift, Scale, Equal, Hull, Fresh, Single, Withstands(4.0)];
    multi_krum: rule!(MultiKrum::default()), 1e-14,
        [Order, Shift, Scale, Equal, Hull, Fresh, Single, Withstands(4.0)];
    multi_krum_one_by_one: rule!(MultiKrum { m: Some(3), picks: Picks::OneByOne, ..Default::default() }), 1e-14,
        [Order, Shift, Scale, Equal, Hull, Fresh, Single, Withstands(4.0)];
    // Its last picks are from pairs, and two that are closest to each other are a tie.
    bulyan: rule!(Bulyan::default()), 1e-14, [Shift, Scale, Equal, Box, Fresh, Single, Withstands(4.0)];
    // A diameter belongs to two messages, and often either may go.
    mda: rule!(Mda::default()), 1e-14, [Shift, Scale, Equal, Hull, Fresh, Single, Withstands(4.0)];
    smea: rule!(Smea::default()), 1e-14, [Order, Shift, Scale, Equal, Hull, Fresh, Single, Withstands(4.0)];
    // Whoever it trusts may be Byzantine.
    monna: rule!(Monna::default()), 1e-14, [Shift, Scale, Equal, Hull, Fresh, Single];
    caf: rule!(Caf::default()), 1e-9, [Order, Shift, Scale, Equal, Hull, Fresh, Single, Withstands(4.0)];
    // Which message meets which draw depends on their order and on who still has weight; and a far message without weight
    // protects others.
    caf_of_byzfl: rule!(Caf { direction: CafDirection::RandomPowerStep }), 1e-6,
        [Scale, Equal, Hull, Fresh];
    cge: rule!(Cge::default()), 1e-14, [Order, Scale, Equal, Hull, Fresh, Single, WithstandsNorms(4.0)];
    cge_sum: rule!(Cge { output: CgeOutput::Sum }), 1e-13, [Order, Scale, Fresh, Single, WithstandsNorms(16.5)];
    centered_clipping: rule!(CenteredClipping { tau: 1.0, ..Default::default() }), 1e-13,
        [Order, Single, WithstandsLengths(4.0)];
    clipping_from_the_origin:
        rule!(CenteredClipping { tau: 1.0, iterations: 3, start: ClippingStart::Origin }), 1e-13,
        [Order, Fresh, Single, WithstandsLengths(8.0)];
    norm_filtered_mean: rule!(NormFilteredMean::default()), 1e-14,
        [Order, Scale, Equal, Hull, Fresh, Single, WithstandsNorms(8.0)];
    norm_filtered_mean_by_norms:
        rule!(NormFilteredMean { low: 0.0, high: 1.5, unit: NormUnit::One }), 1e-14,
        [Order, Fresh, Single, WithstandsLengths(5.0)];
    // Two outliers in different directions, one much farther than the other: only that is seen.
    dnc: rule!(Dnc::default()), 1e-14, [Order, Shift, Scale, Equal, Hull, Fresh, Single];
    faba: rule!(Faba), 1e-14, [Order, Shift, Scale, Equal, Hull, Fresh, Single, Withstands(4.0)];
    ios: |w| std::boxed::Box::new(Ios { own: None, weights: Some(rising(w)) }), 1e-14,
        [Shift, Scale, Equal, Hull, Fresh, Single, Withstands(4.0)];
    // Some squares count up to a given length; its iteration ends after that many digits.
    huber: rule!(Huber::default()), 1e-6,
        [Order, Shift, Equal, Hull, Fresh, Single, WithstandsLengths(4.0)];
    // Whoever it trusts may be Byzantine.
    fltrust: rule!(Fltrust::default()), 1e-9, [Scale, Equal, Fresh, Single];
    // Which of two equal angles is joined first depends on the order of workers; lengths are clipped towards 0.
    flame: rule!(Flame), 1e-9, [Order, Scale, Equal, Fresh, Single, WithstandsNorms(3.0)];
    aksel: rule!(Aksel::default()), 1e-14, [Order, Shift, Scale, Equal, Hull, Fresh, Single, Withstands(4.0)];
    aksel_all_but_f: rule!(Aksel { keep: AkselKeep::AllButF }), 1e-14,
        [Order, Shift, Scale, Equal, Hull, Fresh, Single, Withstands(4.0)];
}

// Rules that look at one column at a time.
laws! {
    coordinate_median: rule!(CoordinateMedian::default()), 1e-14,
        [Order, Shift, Scale, Equal, Box, Fresh, Single, Withstands(4.0)];
    coordinate_median_lower: rule!(CoordinateMedian { even: EvenMedian::Lower }), 1e-14,
        [Order, Shift, Scale, Equal, Box, Fresh, Single, Withstands(4.0)];
    trimmed_mean: rule!(TrimmedMean::default()), 1e-14,
        [Order, Shift, Scale, Equal, Box, Fresh, Single, Withstands(4.0)];
    meamed: rule!(Meamed::default()), 1e-14,
        [Order, Shift, Scale, Equal, Box, Fresh, Single, Withstands(4.0)];
    // One round in some thousands has two numbers that are equally far from the centre in single precision only.
    phocas: rule!(Phocas::default()), 1e-14,
        [Order, Shift, Scale, Equal, Box, Fresh, Single, Withstands(4.0)];
    sign_majority: rule!(SignMajority), 0.0, [Order, Fresh, Single, WithstandsLengths(7.0)];
}

/// Every rule in the crate's list that has no line above: with its default settings, under all laws.
///
/// A rule that breaks one of them is imported here and has a line that says which it obeys.
struct Listed {
    seen: usize,
}

impl PartVisitor for Listed {
    fn rule<R: RuleSpec + Registrable>(&mut self) {
        self.seen += 1;
        let name = std::any::type_name::<R>().rsplit("::").next().expect("a type has a name");
        if include_str!("laws.rs").contains(name) {
            return;
        }
        let rule = R::default();
        let make: Make = |_| std::boxed::Box::new(R::default());
        let laws: &[Law] = match rule.tolerates(WORKERS) >= BYZANTINE {
            true => &[Order, Shift, Scale, Equal, Box, Fresh, Single, Withstands(4.0)],
            false => &[Order, Shift, Scale, Equal, Box, Fresh, Single],
        };
        let subject = Subject { make, laws, tolerance: 1e-9 };
        for &law in laws {
            declared(subject, law);
        }
        missing(subject);
        threads(subject);
        small(subject);
        theory(subject);
    }
}

#[test]
fn every_listed_rule_obeys_the_laws() {
    let mut listed = Listed { seen: 0 };
    fl_agg::parts(&mut listed);
    assert!(listed.seen >= 23);
}

#[cfg(feature = "serde")]
mod settings {
    use super::*;

    #[test]
    fn rules_are_read_from_tables_and_unknown_keys_are_refused() {
        let krum: Krum = serde_json::from_str(r#"{"variant": "paper"}"#).expect("valid");
        assert_eq!(krum, Krum::default());
        let krum: Krum =
            serde_json::from_str(r#"{"variant": "one-more-neighbour"}"#).expect("valid");
        assert_eq!(krum.variant, KrumVariant::OneMoreNeighbour);
        assert_eq!(serde_json::from_str::<Krum>("{}").expect("valid"), Krum::default());
        assert_eq!(serde_json::from_str::<Mean>("{}").expect("valid"), Mean);
        assert_eq!(serde_json::to_string(&Mean).expect("valid"), "{}");
        let median: GeometricMedian =
            serde_json::from_str(r#"{"weights": [1, 2.5]}"#).expect("valid");
        assert_eq!(median.weights, Some(vec![1.0, 2.5]));
        let error = serde_json::from_str::<Mean>(r#"{"f": 3}"#).unwrap_err().to_string();
        assert!(error.contains("unknown field `f`"), "{error}");
        let error = serde_json::from_str::<Krum>(r#"{"m": 3}"#).unwrap_err().to_string();
        assert!(error.contains("unknown field `m`, expected `variant`"), "{error}");
    }
}
