//! What each pre-aggregator promises for every shape. Each declares on one line which laws it obeys; what it does not declare
//! it breaks, and an example shows that.

use crate::common::{
    Rising, RisingColumns, Spec, all, apply, form, fresh, messages_of, mix, number, rising,
};
use fl_core::{Cx, Geometry, Mixing, Pipeline, RuleSpec, Streams};
use fl_resample::{Nnm, PreAggregatorSpec, Shape};
use proptest::prelude::*;

/// Laws that some obey and some do not.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Obeys {
    /// Messages in another order come out in that other order.
    Permutation,
    /// What is added to every message is added to every output.
    Translation,
    /// What every message is multiplied by, every output is multiplied by.
    Scale,
    /// The mean of the outputs is the mean of the messages.
    Mean,
    /// Outputs are averages of messages, without the origin.
    Hull,
    /// Messages of f workers are in at most f' outputs.
    Counted,
    /// Output i is made of message i, whatever else is in it.
    Workers,
}

use Obeys::{Counted, Hull, Mean, Permutation, Scale, Translation, Workers};

const LAWS: [Obeys; 7] = [Permutation, Translation, Scale, Mean, Hull, Counted, Workers];

/// In the order of [`all`].
#[rustfmt::skip]
const DECLARED: [&[Obeys]; 9] = [
    /* resample, algorithm 1   */ &[Translation, Scale, Mean, Hull, Counted],
    /* resample, permutation   */ &[Translation, Scale, Mean, Hull, Counted],
    /* bucketing, rest apart   */ &[Translation, Scale, Hull, Counted],
    /* bucketing, rest spread  */ &[Translation, Scale, Hull, Counted],
    /* nearest-neighbour mixing*/ &[Permutation, Translation, Scale, Hull, Workers],
    /* clipping                */ &[Permutation, Counted, Workers],
    /* adaptive clipping       */ &[Permutation, Scale, Counted, Workers],
    /* clipping by the median  */ &[Permutation, Scale, Counted, Workers],
    /* identity                */ &[Permutation, Translation, Scale, Mean, Hull, Counted, Workers],
];

/// Messages that are whole numbers, so that moving and scaling them changes no bit of a distance's meaning.
#[derive(Clone, Debug)]
struct Round {
    rows: Vec<Vec<f64>>,
    byzantine: usize,
    s: usize,
    tau: f64,
    seed: u64,
}

fn rounds() -> impl Strategy<Value = Round> {
    (1usize..14, 1usize..5, 0usize..13, 1usize..5, 1u32..200, any::<u64>()).prop_flat_map(
        |(workers, dim, byzantine, s, tau, seed)| {
            let row = prop::collection::vec((-100i32..100).prop_map(f64::from), dim);
            prop::collection::vec(row, workers).prop_map(move |rows| Round {
                byzantine: byzantine.min(rows.len() - 1),
                s: s.min(rows.len()),
                rows,
                tau: f64::from(tau),
                seed,
            })
        },
    )
}

impl Round {
    fn shape(&self) -> Shape {
        Shape { workers: self.rows.len(), byzantine: self.byzantine }
    }

    fn specs(&self) -> [Spec; 9] {
        all(self.s, self.tau)
    }

    fn mixing(&self, spec: &dyn PreAggregatorSpec) -> Mixing {
        let geometry = Geometry::of(messages_of::<f64>(&self.rows).view()).expect("finite");
        fresh(spec, self.seed, &geometry, self.shape())
    }

    fn outputs(&self, spec: &dyn PreAggregatorSpec) -> Vec<Vec<f64>> {
        apply(spec, self.seed, &self.rows, self.byzantine)
    }

    fn with(&self, change: impl Fn(&Vec<f64>) -> Vec<f64>) -> Self {
        Self { rows: self.rows.iter().map(change).collect(), ..self.clone() }
    }
}

fn near(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).all(|(x, y)| (x - y).abs() <= 1e-9 * (1.0 + x.abs()))
}

fn all_near(a: &[Vec<f64>], b: &[Vec<f64>]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| near(a, b))
}

fn mean(rows: &[Vec<f64>]) -> Vec<f64> {
    let column = |k| rows.iter().map(|row: &Vec<f64>| row[k]).sum::<f64>() / rows.len() as f64;
    (0..rows[0].len()).map(column).collect()
}

/// Whether a law holds for a round. Of messages at equal distances the lower one is nearer, so that a permutation may
/// decide: `ties` tells whether there are any.
fn holds(law: Obeys, spec: &dyn PreAggregatorSpec, round: &Round) -> bool {
    let workers = round.rows.len();
    match law {
        Permutation => {
            let order: Vec<usize> = (0..workers).map(|i| (i * 5 + 3) % workers).collect();
            let mut seen = order.clone();
            seen.sort_unstable();
            seen.dedup();
            // Five has a factor in common with W: reversed instead.
            let order = if seen.len() == workers { order } else { (0..workers).rev().collect() };
            let moved = Round {
                rows: order.iter().map(|&i| round.rows[i].clone()).collect(),
                ..round.clone()
            };
            let (before, after) = (round.outputs(spec), moved.outputs(spec));
            after.len() == workers && (0..workers).all(|a| near(&after[a], &before[order[a]]))
        }
        Translation => {
            let shift = |row: &Vec<f64>| {
                row.iter().zip(0..).map(|(x, k): (_, u32)| x + 40.0 + f64::from(k)).collect()
            };
            let moved = round.with(shift).outputs(spec);
            all_near(&moved, &round.outputs(spec).iter().map(shift).collect::<Vec<_>>())
        }
        Scale => {
            let scale = |row: &Vec<f64>| row.iter().map(|x| 8.0 * x).collect();
            let moved = round.with(scale).outputs(spec);
            all_near(&moved, &round.outputs(spec).iter().map(scale).collect::<Vec<_>>())
        }
        Mean => near(&mean(&round.outputs(spec)), &mean(&round.rows)),
        Hull => {
            let mixing = round.mixing(spec);
            (0..mixing.outputs()).all(|a| mixing.row(a).0.iter().all(|&i| (i as usize) < workers))
        }
        Counted => {
            let mixing = round.mixing(spec);
            let bound = spec.output(round.shape()).expect("a valid shape").byzantine;
            // The first f, the last f, and every second one.
            let f = round.byzantine;
            let sets: [Vec<usize>; 3] = [
                (0..f).collect(),
                (workers - f..workers).collect(),
                (0..workers).step_by(2).take(f).collect(),
            ];
            sets.iter().all(|set| {
                let touched =
                    |&a: &usize| mixing.row(a).0.iter().any(|&i| set.contains(&(i as usize)));
                (0..mixing.outputs()).filter(touched).count() <= bound
            })
        }
        Workers => {
            let mixing = round.mixing(spec);
            // Among several at the same place any will do, as the mean of them is the same.
            let same = |i: u32, a: usize| round.rows.get(i as usize) == Some(&round.rows[a]);
            mixing.outputs() == workers
                && (0..workers).all(|a| mixing.row(a).0.iter().any(|&i| same(i, a)))
        }
    }
}

/// Whether the last of the nearest is as near as the first that is not.
fn has_ties(round: &Round) -> bool {
    let count = round.rows.len() - round.byzantine;
    round.rows.iter().any(|a| {
        let square = |b: &Vec<f64>| a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum::<f64>();
        let mut squares: Vec<f64> = round.rows.iter().map(square).collect();
        squares.sort_by(f64::total_cmp);
        squares.get(count) == Some(&squares[count - 1])
    })
}

proptest! {
    #[test]
    fn declared_laws_hold(round in rounds()) {
        let ties = has_ties(&round);
        for (spec, declared) in round.specs().iter().zip(DECLARED) {
            for &law in declared {
                if law == Permutation && spec.name() == "nnm" && ties {
                    continue;
                }
                prop_assert!(holds(law, &**spec, &round), "{law:?} by {spec:?}");
            }
            prop_assert_eq!(spec.keeps_workers(), declared.contains(&Workers));
        }
    }

    #[test]
    fn rows_are_averages_and_as_many_as_announced(round in rounds()) {
        for spec in round.specs() {
            let mixing = round.mixing(&*spec);
            let output = spec.output(round.shape()).expect("a valid shape");
            prop_assert_eq!((mixing.inputs(), mixing.outputs()), (round.rows.len(), output.workers));
            prop_assert!(output.byzantine <= output.workers);
            let mut nonzeros = 0;
            for a in 0..mixing.outputs() {
                let (indices, weights) = mixing.row(a);
                prop_assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-14, "{:?}", spec);
                prop_assert!(weights.iter().all(|&w| w >= 0.0), "{:?}: {weights:?}", spec);
                prop_assert!(indices.is_sorted_by(|a, b| a < b));
                nonzeros += indices.len();
            }
            prop_assert!(nonzeros <= spec.nonzeros(round.shape()), "{:?}", spec);
        }
    }

    #[test]
    fn resampling_uses_each_message_s_times_and_bucketing_once(round in rounds()) {
        for (spec, times) in round.specs().iter().zip([round.s, round.s, 1, 1]) {
            let mixing = round.mixing(&**spec);
            let mut used = vec![0.0; round.rows.len()];
            for a in 0..mixing.outputs() {
                let (indices, weights) = mixing.row(a);
                // A bucket's share of a message is one over its size.
                let size = if times == 1 { indices.len() } else { round.s };
                for (&i, w) in indices.iter().zip(weights) {
                    used[i as usize] += w * if spec.name() == "resample" { round.s } else { size } as f64;
                }
            }
            let right = |u: &f64| (u - times as f64).abs() < 1e-12;
            prop_assert!(used.iter().all(right), "{spec:?}: {used:?}");
        }
    }

    #[test]
    fn a_used_object_does_what_a_fresh_one_does(round in rounds(), other in rounds()) {
        let (long, short) = if round.rows.len() >= other.rows.len() { (&round, &other) } else { (&other, &round) };
        for spec in all(long.s.min(short.rows.len()), long.tau) {
            let shape = long.shape();
            let mut used = spec.build(shape).expect("a valid shape");
            let output = spec.output(shape).expect("a valid shape");
            let mut mixing = Mixing::with_capacity(output.workers, spec.nonzeros(shape));
            let geometry = |rows: &[Vec<f64>]| Geometry::of(messages_of::<f64>(rows).view()).expect("finite");
            let (first, second) = (geometry(&long.rows), geometry(&short.rows));
            mix(&mut *used, 1, &first, shape, &mut mixing);
            // A round in which messages were left out.
            mix(&mut *used, 2, &second, short.shape(), &mut mixing);
            prop_assert_eq!(contents(&mixing), contents(&fresh(&*spec, 2, &second, short.shape())));
            mix(&mut *used, 3, &first, shape, &mut mixing);
            prop_assert_eq!(contents(&mixing), contents(&fresh(&*spec, 3, &first, shape)));
        }
    }

    #[test]
    fn the_mixed_geometry_is_that_of_the_messages_that_come_out(round in rounds()) {
        let geometry = Geometry::of(messages_of::<f64>(&round.rows).view()).expect("finite");
        let far = (0..round.rows.len()).map(|i| geometry.squared_norm(i)).fold(1.0, f64::max);
        for spec in round.specs() {
            let mixing = round.mixing(&*spec);
            let mut mixed = Geometry::mixed_with_capacity(round.rows.len());
            geometry.mix(&mixing, &mut mixed);
            let formed = messages_of::<f64>(&form(&mixing, &round.rows));
            let formed = Geometry::of(formed.view()).expect("finite");
            prop_assert_eq!(mixed.points(), formed.points());
            for a in 0..mixed.points() {
                for (x, y) in mixed.point(a).iter().zip(formed.point(a)) {
                    prop_assert!((x - y).abs() <= 1e-13 * far, "{spec:?}: {x:e} against {y:e}");
                }
            }
        }
    }

    #[test]
    fn single_precision_gives_nearly_what_double_gives(
        workers in 1usize..14, dim in 100usize..300, byzantine in 0usize..13, s in 1usize..5, seed: u64,
    ) {
        let byzantine = byzantine.min(workers - 1);
        let rows: Vec<Vec<f64>> = (0..workers)
            .map(|w| (0..dim).map(|k| f64::from(number(seed, w * dim + k) as f32)).collect())
            .collect();
        let double = Geometry::of(messages_of::<f64>(&rows).view()).expect("finite");
        let single = Geometry::of(messages_of::<f32>(&rows).view()).expect("finite");
        let shape = Shape { workers, byzantine };
        // A length that some have and some have not.
        for spec in all(s.min(workers), double.squared_norm(workers / 2).sqrt()) {
            if spec.name() == "nnm" && nearly_tied(&double, shape) {
                continue;
            }
            let expected = form(&fresh(&*spec, seed, &double, shape), &rows);
            for (a, b) in form(&fresh(&*spec, seed, &single, shape), &rows).iter().zip(&expected) {
                for (x, y) in a.iter().zip(b) {
                    prop_assert!((x - y).abs() <= 1e-6, "{spec:?}: {x} against {y}");
                }
            }
        }
    }

    #[test]
    fn rules_by_weights_and_by_columns_see_the_messages_that_come_out(round in rounds()) {
        for (spec, again) in round.specs().into_iter().zip(round.specs()) {
            let expected = rising(&round.outputs(&*spec));
            let weights = aggregate(vec![spec], Box::new(Rising), &round.rows, round.shape(), round.seed);
            prop_assert!(near(&weights, &expected), "{again:?}: {weights:?} against {expected:?}");
            let name = format!("{again:?}");
            let columns = aggregate(vec![again], Box::new(RisingColumns), &round.rows, round.shape(), round.seed);
            prop_assert!(near(&columns, &expected), "{name}: {columns:?} against {expected:?}");
        }
    }

    #[test]
    fn a_round_with_messages_that_are_not_finite_is_one_without_them(round in rounds(), bad in 1usize..4) {
        let mut rows = round.rows.clone();
        for i in 0..bad {
            let at = i * 7 % (rows.len() + 1);
            let mut message = vec![0.5; rows[0].len()];
            message[0] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY][i];
            rows.insert(at, message);
        }
        // f falls with W, so it was larger by as many.
        let shape = Shape { workers: rows.len(), byzantine: round.byzantine + bad };
        for (spec, again) in round.specs().into_iter().zip(round.specs()) {
            let name = format!("{spec:?}");
            let expected = aggregate(vec![spec], Box::new(Rising), &round.rows, round.shape(), round.seed);
            let got = aggregate(vec![again], Box::new(Rising), &rows, shape, round.seed);
            prop_assert_eq!(got, expected, "{}", name);
        }
    }

    #[test]
    fn chains_do_one_stage_after_the_other(round in rounds(), first in 0usize..8, second in 4usize..8) {
        // Stages behind the first draw from streams of their own, so the second is not a random one.
        let stage = |k| all(1, round.tau).into_iter().nth(k).expect("one of eight");
        let after = stage(first).output(round.shape()).expect("a valid shape");
        let once = round.outputs(&*stage(first));
        // Averages are no whole numbers, and their ties may fall either way.
        let geometry = Geometry::of(messages_of::<f64>(&once).view()).expect("finite");
        prop_assume!(second != 4 || !nearly_tied(&geometry, after));
        let middle = Round { rows: once, byzantine: after.byzantine, ..round.clone() };
        let expected = rising(&middle.outputs(&*stage(second)));
        for rule in [Box::new(Rising) as Box<dyn RuleSpec>, Box::new(RisingColumns)] {
            let chain = vec![stage(first), stage(second)];
            let got = aggregate(chain, rule, &round.rows, round.shape(), round.seed);
            prop_assert!(near(&got, &expected), "{first}, {second}: {got:?} against {expected:?}");
        }
    }
}

fn contents(mixing: &Mixing) -> Vec<(Vec<u32>, Vec<f64>)> {
    (0..mixing.outputs()).map(|a| (mixing.row(a).0.to_vec(), mixing.row(a).1.to_vec())).collect()
}

/// Whether rounding of distances may decide who is among the nearest.
fn nearly_tied(geometry: &Geometry, shape: Shape) -> bool {
    let count = shape.workers - shape.byzantine;
    (0..shape.workers).any(|i| {
        let mut row = geometry.row(i).to_vec();
        row.sort_by(f64::total_cmp);
        row.get(count).is_some_and(|next| next - row[count - 1] <= 1e-5 * next)
    })
}

fn aggregate(
    chain: Vec<Spec>,
    rule: Box<dyn RuleSpec>,
    rows: &[Vec<f64>],
    shape: Shape,
    seed: u64,
) -> Vec<f64> {
    let mut pipeline = Pipeline::build(chain, rule, shape, rows[0].len()).expect("a valid shape");
    let mut out = vec![0.0; rows[0].len()];
    let messages = messages_of::<f64>(rows);
    pipeline
        .aggregate(&Cx::new(&Streams::new(seed), 0), messages.view(), &mut out)
        .expect("enough messages are finite");
    out
}

#[test]
fn every_exception_from_a_law_has_a_counterexample() {
    let round = Round {
        rows: [[0.0, 1.0], [2.0, 0.0], [0.0, -4.0], [-7.0, 3.0], [60.0, 11.0]]
            .map(|row| row.to_vec())
            .to_vec(),
        byzantine: 1,
        s: 2,
        tau: 5.0,
        seed: 1,
    };
    for (spec, declared) in round.specs().iter().zip(DECLARED) {
        for law in LAWS {
            assert_eq!(holds(law, &**spec, &round), declared.contains(&law), "{law:?} by {spec:?}");
        }
    }
}

#[test]
fn bucketing_keeps_the_mean_where_s_divides_the_number_of_messages() {
    for rest in [fl_resample::Rest::Apart, fl_resample::Rest::Spread] {
        let rows: Vec<Vec<f64>> = (0..12).map(|w| vec![number(2, w)]).collect();
        let spec = fl_resample::Bucketing { s: 3, rest };
        assert!(near(&mean(&apply(&spec, 4, &rows, 0)), &mean(&rows)));
    }
}

#[test]
fn clipping_is_equivariant_to_scaling_together_with_its_length() {
    let rows: Vec<Vec<f64>> =
        (0..9).map(|w| vec![number(2, 2 * w), number(2, 2 * w + 1)]).collect();
    for power in [-1020, -500, -40, 0, 40, 500, 1020] {
        let unit = 2f64.powi(power);
        let scaled: Vec<Vec<f64>> =
            rows.iter().map(|row| row.iter().map(|x| x * unit).collect()).collect();
        let once = apply(&fl_resample::Clipping { tau: 0.5 }, 0, &rows, 0);
        let out = apply(&fl_resample::Clipping { tau: 0.5 * unit }, 0, &scaled, 0);
        for (a, b) in out.iter().flatten().zip(once.iter().flatten()) {
            assert!((a / unit - b).abs() <= 1e-9 * b.abs(), "2^{power}: {} against {b}", a / unit);
        }
    }
}

#[test]
fn of_neighbours_at_the_same_distance_the_lowest_is_nearest() {
    let rows = [[0.0], [1.0], [-1.0], [1.0], [0.0]].map(|row| row.to_vec());
    let geometry = Geometry::of(messages_of::<f64>(&rows).view()).expect("finite");
    let shape = Shape { workers: 5, byzantine: 2 };
    let mixing = fresh(&Nnm, 0, &geometry, shape);
    let neighbours: Vec<&[u32]> = (0..5).map(|a| mixing.row(a).0).collect();
    assert_eq!(neighbours, [[0, 1, 4], [0, 1, 3], [0, 2, 4], [0, 1, 3], [0, 1, 4]]);
}

#[test]
fn a_single_message_passes_through_everything() {
    for spec in all(1, 10.0) {
        assert_eq!(apply(&*spec, 0, &[vec![1.0, 2.0]], 0), [[1.0, 2.0]], "{spec:?}");
    }
}

#[test]
fn with_equal_messages_nothing_happens_but_to_clipped_ones() {
    let rows = vec![vec![3.0, 4.0]; 7];
    for spec in all(3, 10.0) {
        for row in apply(&*spec, 0, &rows, 2) {
            assert!(near(&row, &[3.0, 4.0]), "{spec:?}: {row:?}");
        }
    }
    // Adaptive clipping takes its length from the messages, static clipping does not.
    assert!(near(&apply(&fl_resample::Clipping { tau: 1.0 }, 0, &rows, 2)[0], &[0.6, 0.8]));
}

#[test]
fn with_one_message_in_a_bucket_or_an_average_they_are_only_permuted() {
    for spec in all(1, 1.0).into_iter().take(4) {
        let rows: Vec<Vec<f64>> = (0..12).map(|w| vec![f64::from(w)]).collect();
        let mut out: Vec<f64> = apply(&*spec, 3, &rows, 0).concat();
        assert_ne!(out, rows.concat(), "{spec:?}");
        out.sort_by(f64::total_cmp);
        assert_eq!(out, rows.concat(), "{spec:?}");
    }
}

#[test]
fn random_ones_treat_all_workers_alike() {
    // How often each two of four workers share an average, or one meets itself.
    const TRIALS: u64 = 40_000;
    let rows: Vec<Vec<f64>> = (0..4).map(|w| vec![f64::from(w)]).collect();
    let geometry = Geometry::of(messages_of::<f64>(&rows).view()).expect("finite");
    let shape = Shape { workers: 4, byzantine: 0 };
    for spec in all(2, 1.0).into_iter().take(4) {
        let mut run = spec.build(shape).expect("a valid shape");
        let mut mixing = Mixing::with_capacity(4, spec.nonzeros(shape));
        let mut counts = [[0u32; 4]; 4];
        let streams = Streams::new(8);
        for round in 0..TRIALS {
            run.mixing(&Cx::new(&streams, round), 0, &geometry, shape, &mut mixing);
            for a in 0..mixing.outputs() {
                match *mixing.row(a).0 {
                    [i] => counts[i as usize][i as usize] += 1,
                    [i, j] => counts[i as usize][j as usize] += 1,
                    _ => panic!("an average of two has one message or two"),
                }
            }
        }
        let alike = |counts: Vec<u32>| {
            let mean = counts.iter().sum::<u32>() / counts.len() as u32;
            // Several to a round, but fewer than two of a kind.
            let reach = 5 * 2 * (f64::from(mean)).sqrt() as u32;
            assert!(counts.iter().all(|c| c.abs_diff(mean) <= reach), "{spec:?}: {counts:?}");
        };
        alike((0..4).map(|i| counts[i][i]).collect());
        alike(
            (0..4)
                .flat_map(|i| (i + 1..4).map(move |j| (i, j)))
                .map(|(i, j)| counts[i][j])
                .collect(),
        );
    }
}

#[test]
fn whoever_looks_at_no_distances_needs_none() {
    // The geometry is that of zeros, so nothing could be seen in it.
    for spec in all(2, 1.0).into_iter().filter(|spec| !spec.needs_distances()) {
        let rows: Vec<Vec<f64>> = (0..6).map(|w| vec![number(3, w)]).collect();
        let nothing = Geometry::of(messages_of::<f64>(&vec![vec![0.0]; 6]).view()).expect("finite");
        let shape = Shape { workers: 6, byzantine: 1 };
        let blind = form(&fresh(&*spec, 5, &nothing, shape), &rows);
        assert_eq!(blind, apply(&*spec, 5, &rows, 1), "{spec:?}");
    }
    let names = |needs| {
        all(2, 1.0)
            .iter()
            .filter(|s| s.needs_distances() == needs)
            .map(|s| s.name())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(true), ["nnm", "clipping", "arc", "median-clipping"]);
}
