//! The lemmas against the samplers and the geometric median that are in use: each claim with the sampler for which it
//! holds.

use fl_agg::{GeometricMedian, aggregate};
use fl_core::{
    Cx, Geometry, Messages, Mixing, Pipeline, PreAggregatorSpec, Role, Shape, Stream, Streams,
};
use fl_resample::{Law, Resample};
use fl_theory::{
    Setting, Variation, algorithm_1, figures::figure_1, lemma_1, outer_variation, permutation,
    property_1,
};
use rand::Rng;

/// A number in [−1, 1) of variance 1/3.
fn unit(rng: &mut Stream) -> f64 {
    f64::from(rng.next_u32()) / f64::from(1u32 << 31) - 1.0
}

fn add(sum: &mut [f64], factor: f64, x: &[f64]) {
    sum.iter_mut().zip(x).for_each(|(s, x)| *s += factor * x);
}

fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

/// Many rounds of resampling: calls `each` with a round's number and its averages as lists of messages.
fn rounds(setting: Setting, law: Law, count: u64, mut each: impl FnMut(u64, &Mixing)) {
    let shape = Shape { workers: setting.workers(), byzantine: setting.byzantine() };
    let spec = Resample { s: setting.s(), law };
    let mut resample = spec.build(shape).expect("sound");
    let messages = Messages::<f64>::zeros(shape.workers, 1);
    let geometry = Geometry::of(messages.view()).expect("finite");
    let mut mixing = Mixing::with_capacity(shape.workers, spec.nonzeros(shape));
    let streams = Streams::new(3);
    for round in 0..count {
        resample.mixing(&Cx::new(&streams, round), 0, &geometry, shape, &mut mixing);
        each(round, &mixing);
    }
}

/// Each average's factor and its chance to be uncontaminated, as sampled; Byzantine workers are the last ones.
fn sampled(setting: Setting, law: Law, count: u64) -> (Vec<f64>, Vec<f64>) {
    let regular = setting.regular();
    let value = |w: usize| (w as f64 * 0.7).sin() + (w % 3) as f64;
    let values: Vec<[f64; 1]> = (0..regular).map(|w| [value(w)]).collect();
    let mean = values.iter().map(|v| v[0]).sum::<f64>() / regular as f64;
    let variation = outer_variation(&values).expect("some");
    let mut square = vec![0.0; setting.workers()];
    let mut clean = vec![0.0; setting.workers()];
    rounds(setting, law, count, |_, mixing| {
        for a in 0..setting.workers() {
            let (points, weights) = mixing.row(a);
            if points.iter().all(|&p| (p as usize) < regular) {
                let average: f64 =
                    points.iter().zip(weights).map(|(&p, c)| c * value(p as usize)).sum();
                square[a] += (average - mean).powi(2) / variation;
                clean[a] += 1.0;
            }
        }
    });
    let factor = square.iter().zip(&clean).map(|(s, n)| s / n).collect();
    (factor, clean.iter().map(|n| n / count as f64).collect())
}

#[test]
fn a_permutation_has_the_factor_of_the_regular_workers_and_less_than_lemma_3s() {
    for (workers, byzantine, s) in [(4, 1, 2), (6, 2, 2), (9, 2, 3), (8, 0, 2)] {
        let setting = Setting::new(workers, byzantine, s).expect("sound");
        let (factor, clean) = sampled(setting, Law::Permutation, 60_000);
        let law = permutation(&setting);
        let mean: f64 = factor.iter().sum::<f64>() / workers as f64;
        let exact = setting.d_regular();
        // All averages together have a standard error below 0.3 per cent.
        assert!((mean / exact - 1.0).abs() < 0.01, "{setting:?}: {mean} {exact}");
        assert!((clean[0] - law.uncontaminated[0]).abs() < 0.01);
        for f in &factor {
            assert!((f / exact - 1.0).abs() < 0.04, "{setting:?}: {factor:?} {exact}");
        }
        if byzantine > 0 {
            // (18) and (24) as printed are inequalities here, and strict ones.
            assert!(exact < 0.98 * setting.d() && mean < 0.99 * setting.d(), "{setting:?}");
        }
    }
}

#[test]
fn algorithm_1_as_printed_has_its_exact_law_average_by_average() {
    for (workers, byzantine, s) in [(6, 0, 2), (6, 1, 2), (8, 2, 2), (6, 1, 3)] {
        let setting = Setting::new(workers, byzantine, s).expect("sound");
        let law = algorithm_1(&setting).expect("small");
        let (factor, clean) = sampled(setting, Law::Algorithm1, 60_000);
        for w in 0..workers {
            assert!((clean[w] - law.uncontaminated[w]).abs() < 0.01, "{setting:?} {w}");
            let off = (factor[w] / law.factor[w] - 1.0).abs();
            assert!(off < 0.04, "{setting:?} {w}: {} {}", factor[w], law.factor[w]);
        }
        // The last averages must take what is left: more of the same message than Lemma 3 has it.
        assert!(law.factor[workers - 1] > 1.1 * setting.d());
    }
}

/// Means of regular workers, and noise around them: `z_w = mean_w + scale_w u`.
struct Messages3 {
    means: Vec<[f64; 3]>,
    scale: Vec<f64>,
}

impl Messages3 {
    fn new(regular: usize) -> Self {
        let angle = |w: usize| w as f64 * 2.4;
        let means =
            (0..regular).map(|w| [angle(w).cos(), angle(w).sin(), 0.3 * w as f64]).collect();
        Self { means, scale: (0..regular).map(|w| 0.4 + 0.2 * (w % 4) as f64).collect() }
    }

    fn centre(&self) -> [f64; 3] {
        let mut centre = [0.0; 3];
        self.means.iter().for_each(|m| add(&mut centre, 1.0 / self.means.len() as f64, m));
        centre
    }

    fn variation(&self) -> Variation {
        let noise: f64 = self.scale.iter().map(|s| s * s).sum();
        Variation {
            inner: noise / self.scale.len() as f64,
            outer: outer_variation(&self.means).expect("some"),
        }
    }

    fn draw(&self, w: usize, rng: &mut Stream) -> [f64; 3] {
        // Three coordinates of variance 1/3 each.
        self.means[w].map(|m| m + self.scale[w] * unit(rng))
    }
}

#[test]
fn the_decomposition_after_resampling_is_an_equality_with_the_permutations_factor() {
    let setting = Setting::new(9, 2, 2).expect("sound");
    let model = Messages3::new(setting.regular());
    let (centre, variation) = (model.centre(), model.variation());
    let streams = Streams::new(8);
    let count = 40_000;
    let (mut before, mut after) = (0.0, 0.0);
    rounds(setting, Law::Permutation, count, |round, mixing| {
        let mut rng = streams.at(Role::User, 0, round);
        let z: Vec<[f64; 3]> = (0..7).map(|w| model.draw(w, &mut rng)).collect();
        before += z.iter().map(|z| squared_distance(z, &centre)).sum::<f64>() / 7.0;
        // (1/|R'|) Σ over the averages that hold regular messages only.
        let clean: Vec<f64> = (0..9)
            .filter(|&a| mixing.row(a).0.iter().all(|&p| p < 7))
            .map(|a| {
                let (points, weights) = mixing.row(a);
                let mut average = [0.0; 3];
                points
                    .iter()
                    .zip(weights)
                    .for_each(|(&p, &c)| add(&mut average, c, &z[p as usize]));
                squared_distance(&average, &centre)
            })
            .collect();
        assert!(clean.len() >= setting.uncontaminated());
        after += clean.iter().sum::<f64>() / clean.len() as f64;
    });
    let (before, after) = (before / count as f64, after / count as f64);
    assert!((before / variation.spread() - 1.0).abs() < 0.01, "(19): {before}");
    let exact = variation.resampled(&setting, setting.d_regular());
    assert!((after / exact - 1.0).abs() < 0.01, "(18): {after} {exact}");
    assert!(after < variation.resampled(&setting, setting.d()), "(18) with d");
}

/// What B colluding workers may send, as the regular messages are known to them.
fn worst_messages(z: &[[f64; 3]], centre: &[f64; 3]) -> Vec<[f64; 3]> {
    let distance = |z: &[f64; 3]| squared_distance(z, centre);
    let farthest =
        z.iter().copied().max_by(|a, b| distance(a).total_cmp(&distance(b))).expect("some");
    let mut out = vec![farthest];
    for axis in 0..3 {
        for reach in [-1e6, -3.0, -1.0, 1.0, 3.0, 1e6] {
            let mut message = *centre;
            message[axis] += reach;
            out.push(message);
        }
    }
    out
}

#[test]
fn property_1_and_lemma_1_hold_whatever_is_sent() {
    let setting = Setting::new(12, 2, 2).expect("sound");
    let model = Messages3::new(setting.regular());
    let (centre, variation) = (model.centre(), model.variation());
    let shape = Shape { workers: 12, byzantine: 2 };
    let server = |pre: Vec<Box<dyn PreAggregatorSpec>>| {
        Pipeline::<f64>::build(pre, Box::new(GeometricMedian::default()), shape, 3).expect("sound")
    };
    let streams = Streams::new(21);
    let count = 150;
    let strategies = worst_messages(&[centre], &centre).len();
    for law in [None, Some(Law::Permutation)] {
        let (mut pipeline, bound) = match law {
            None => (server(Vec::new()), property_1(&setting, variation)),
            Some(law) => (
                server(vec![Box::new(Resample { s: 2, law })]),
                // With the smaller factor, which is the sharper claim.
                lemma_1(&setting, setting.d_regular(), variation),
            ),
        };
        let bound = bound.expect("B is tolerable");
        let mut worst = 0.0f64;
        for strategy in 0..strategies {
            let mut error = 0.0;
            for round in 0..count {
                let mut rng = streams.at(Role::User, 0, round);
                let mut rows: Vec<[f64; 3]> = (0..10).map(|w| model.draw(w, &mut rng)).collect();
                let sent = worst_messages(&rows, &centre)[strategy];
                rows.extend([sent; 2]);
                let messages = Messages::from_rows(&rows);
                let mut out = [0.0; 3];
                let cx = Cx::new(&streams, round);
                pipeline.aggregate(&cx, messages.view(), &mut out).expect("finite");
                error += squared_distance(&out, &centre) / count as f64;
            }
            assert!(error <= bound, "{law:?}, strategy {strategy}: {error} above {bound}");
            worst = worst.max(error);
        }
        // Something was sent that moves the median by more than noise would.
        assert!(worst > 0.05 * variation.spread(), "{law:?}: {worst}");
    }
}

#[test]
fn the_constant_of_property_1_is_needed_to_within_its_square_root() {
    // On a line, five at 0, three at 1 and three anywhere beyond: the median is at 1.
    let setting = Setting::new(11, 3, 1).expect("sound");
    let mut rows = vec![[0.0]; 5];
    rows.extend([[1.0]; 3]);
    let centre = [3.0 / 8.0];
    let spread = outer_variation(&rows).expect("some");
    let bound = |about: f64| {
        // About any point: z̄ need not be the mean for the deterministic inequality.
        let square: f64 = rows.iter().map(|r| (r[0] - about).powi(2)).sum::<f64>() / 8.0;
        setting.c().expect("tolerable").powi(2) * square
    };
    let mut all = rows.clone();
    all.extend([[1e3]; 3]);
    let (out, _) =
        aggregate(GeometricMedian::default(), &Messages::from_rows(&all), 3).expect("finite");
    assert!((out[0] - 1.0f64).abs() < 1e-6, "{out:?}");
    let variation = Variation { inner: 0.0, outer: spread };
    let error = (out[0] - centre[0]).powi(2);
    assert!(error > spread && error <= property_1(&setting, variation).expect("tolerable"));
    // About 0 the error is 1, more than four fifths of C_α times the mean square 3/8.
    let attained = out[0].powi(2) / (3.0 / 8.0);
    assert!(attained > 0.8 * setting.c().expect("tolerable") && out[0].powi(2) <= bound(0.0));
}

#[test]
fn an_output_with_a_gap_stays_within_the_approximate_forms() {
    // The mean is an ε-approximate geometric median for ε = F(mean) − F*.
    let setting = Setting::new(12, 2, 1).expect("sound");
    let model = Messages3::new(10);
    let (centre, variation) = (model.centre(), model.variation());
    let streams = Streams::new(4);
    for reach in [1.0, 10.0, 1000.0] {
        let mut rng = streams.at(Role::User, 0, 0);
        let (mut error, mut epsilon) = (0.0, 0.0f64);
        let count = 100;
        for _ in 0..count {
            let mut rows: Vec<[f64; 3]> = (0..10).map(|w| model.draw(w, &mut rng)).collect();
            rows.extend([[reach, 0.0, 0.0]; 2]);
            let (median, _) = aggregate(GeometricMedian::default(), &Messages::from_rows(&rows), 2)
                .expect("finite");
            let cost = |z: &[f64]| rows.iter().map(|r| squared_distance(r, z).sqrt()).sum::<f64>();
            let mut mean = [0.0; 3];
            rows.iter().for_each(|r| add(&mut mean, 1.0 / 12.0, r));
            epsilon = epsilon.max(cost(&mean) - cost(&median));
            error += squared_distance(&mean, &centre) / count as f64;
        }
        let bound = fl_theory::property_1_approximate(&setting, variation, epsilon);
        assert!(error <= bound.expect("tolerable"), "{reach}: {error}");
    }
}

#[test]
fn figure_1s_medians_are_the_certified_ones() {
    for half in figure_1() {
        let rows: Vec<[f64; 2]> = half.regular.iter().chain(&half.byzantine).copied().collect();
        let (out, _) =
            aggregate(GeometricMedian::default(), &Messages::from_rows(&rows), 3).expect("finite");
        assert!(squared_distance(&out, &half.median).sqrt() < 1e-6, "{}: {out:?}", half.title);
    }
}
