//! Theorems 1 and 3 tested in earnest: strongly convex quadratics that satisfy every condition, step sizes from the
//! conditions themselves, and ‖x^k − x*‖² held against the bound at every k.

use fl_agg::GeometricMedian;
use fl_attacks::{Gaussian, SignFlipping};
use fl_core::data::{Layout, Values};
use fl_core::{
    Attack, AttackContext, AttackSpec, AttackView, Batch, Cx, Dataset, EstimatorSpec, Federation,
    Fold, Knowledge, Objective, Role, SpecError, Stream, Streams,
};
use fl_resample::{Law, Resample};
use fl_saga::{Saga, Sgd};
use fl_sim::{ProtocolSpec, Setup, Simulation};
use fl_theory::{Problem, Run, Setting, Variation, outer_variation, steps, theorem_1, theorem_3};
use rand::Rng;

const WORKERS: usize = 10;
const BYZANTINE: usize = 1;
const REGULAR: usize = WORKERS - BYZANTINE;
/// J.
const SAMPLES: usize = 4;
/// p.
const DIM: usize = 3;

/// `f_j(x) = ½ Σ_d h_{j,d} (x_d − a_{j,d})²`; a sample is (h, a), a record its whole gradient.
#[derive(Debug)]
struct Bowls {
    start: [f64; DIM],
}

impl Objective<f64> for Bowls {
    fn dim(&self) -> usize {
        DIM
    }
    fn record_len(&self) -> usize {
        DIM
    }
    fn l2(&self) -> f64 {
        0.0
    }
    fn scratch_len(&self, _: usize) -> usize {
        2 * DIM
    }
    fn records(&self, x: &[f64], batch: &Batch<f64>, records: &mut [f64], scratch: &mut [f64]) {
        let row = &mut scratch[..2 * DIM];
        for (j, record) in records.chunks_exact_mut(DIM).enumerate() {
            batch.dense(j, row);
            for d in 0..DIM {
                record[d] = row[d] * (x[d] - row[DIM + d]);
            }
        }
    }
    fn fold(
        &self,
        _: &Batch<f64>,
        new: &[f64],
        old: Option<&[f64]>,
        mut fold: Fold<'_, f64>,
        _: &mut [f64],
    ) {
        for d in 0..DIM {
            let sum = |records: &[f64]| records.iter().skip(d).step_by(DIM).sum::<f64>();
            let change = sum(new) - old.map_or(0.0, sum);
            let kept = if fold.add { fold.message[d] } else { 0.0 };
            let bar = fold.mean.as_ref().map_or(0.0, |(mean, _)| mean[d]);
            fold.message[d] = kept + fold.scale * change + bar;
            if let Some((mean, rate)) = &mut fold.mean {
                mean[d] += *rate * change;
            }
        }
    }
    fn scale_records(&self, c: &[f64], records: &mut [f64]) {
        records.chunks_exact_mut(DIM).zip(c).for_each(|(r, c)| r.iter_mut().for_each(|x| *x *= c));
    }
    fn squared_norms(
        &self,
        _: &Batch<f64>,
        new: &[f64],
        old: Option<&[f64]>,
        out: &mut [f64],
        _: &mut [f64],
    ) {
        for (j, out) in out.iter_mut().enumerate() {
            let part = |r: &[f64], d: usize| r[j * DIM + d];
            *out = (0..DIM)
                .map(|d| (part(new, d) - old.map_or(0.0, |old| part(old, d))).powi(2))
                .sum();
        }
    }
    fn evaluate(&self, _: &[f64], _: &Batch<f64>, _: &mut [f64], _: &mut [u32], _: &mut [f64]) {
        unreachable!("distances to the optimum are all that is measured");
    }
    fn initialise(&self, _: &mut Stream, x: &mut [f64]) {
        x.copy_from_slice(&self.start);
    }
}

/// A problem with everything known about it.
struct Known {
    data: Dataset,
    rows: Vec<Vec<u32>>,
    start: [f64; DIM],
    optimum: [f64; DIM],
    problem: Problem,
    /// (15), the same at every x, since all workers have the same second derivatives.
    delta2: f64,
    /// (16), the same at every x where all samples have them too; of no meaning otherwise.
    sigma2: f64,
}

/// Workers whose minima are about `outer` apart and samples whose minima are about `inner` apart. With `alike` all samples
/// have the same second derivatives, otherwise these lie between 0.95 and 1.1, the same set at each worker.
fn known(outer: f64, inner: f64, alike: bool) -> Known {
    let mut rng = Streams::new(12).at(Role::User, 0, 0);
    let mut unit = || f64::from(rng.next_u32()) / f64::from(1u32 << 31) - 1.0;
    let curvature = |j: usize, d: usize| {
        let curvature = [0.95, 1.0, 1.05, 1.1][(j + d) % SAMPLES];
        if alike { 1.0 + 0.05 * d as f64 } else { curvature }
    };
    let mut values = Vec::new();
    let mut minima = vec![[[0.0; DIM]; SAMPLES]; WORKERS];
    for worker in &mut minima {
        let own: [f64; DIM] = std::array::from_fn(|_| outer * unit());
        let noise: [[f64; DIM]; SAMPLES] = std::array::from_fn(|_| std::array::from_fn(|_| unit()));
        for d in 0..DIM {
            // Noise that moves no worker's minimum, so that inner and outer variation are set apart from each other.
            let weight: f64 = (0..SAMPLES).map(|j| curvature(j, d)).sum();
            let drift = (0..SAMPLES).map(|j| curvature(j, d) * noise[j][d]).sum::<f64>() / weight;
            for j in 0..SAMPLES {
                worker[j][d] = own[d] + inner * (noise[j][d] - drift);
            }
        }
        for (j, minimum) in worker.iter().enumerate() {
            values.extend((0..DIM).map(|d| curvature(j, d)));
            values.extend(minimum);
        }
    }
    let count = WORKERS * SAMPLES;
    let data = Dataset::new(Values::F64(&values), 2 * DIM, vec![0; count], 1, Layout::Flat)
        .expect("finite numbers");
    assert!(data.order().iter().enumerate().all(|(i, &o)| i == o as usize));
    let mean = |d: usize| (0..SAMPLES).map(|j| curvature(j, d)).sum::<f64>() / SAMPLES as f64;
    let gradient = |w: usize, j: usize, x: &[f64; DIM]| -> [f64; DIM] {
        std::array::from_fn(|d| curvature(j, d) * (x[d] - minima[w][j][d]))
    };
    let local = |w: usize, x: &[f64; DIM]| -> [f64; DIM] {
        let all: Vec<_> = (0..SAMPLES).map(|j| gradient(w, j, x)).collect();
        std::array::from_fn(|d| all.iter().map(|g| g[d]).sum::<f64>() / SAMPLES as f64)
    };
    let origin = [0.0; DIM];
    let optimum = std::array::from_fn(|d| {
        -(0..REGULAR).map(|w| local(w, &origin)[d]).sum::<f64>() / REGULAR as f64 / mean(d)
    });
    let locals: Vec<_> = (0..REGULAR).map(|w| local(w, &optimum)).collect();
    let sigma2 = (0..REGULAR)
        .map(|w| {
            let all: Vec<_> = (0..SAMPLES).map(|j| gradient(w, j, &optimum)).collect();
            outer_variation(&all).expect("some")
        })
        .fold(0.0, f64::max);
    let means = (0..DIM).map(mean);
    let smooth_sample = (0..SAMPLES).flat_map(|j| (0..DIM).map(move |d| curvature(j, d)));
    Known {
        data,
        rows: (0..WORKERS as u32)
            .map(|w| (w * SAMPLES as u32..(w + 1) * SAMPLES as u32).collect())
            .collect(),
        start: [4.0, -3.0, 5.0],
        optimum,
        problem: Problem {
            mu: means.clone().fold(f64::INFINITY, f64::min),
            smooth: means.fold(0.0, f64::max),
            smooth_sample: smooth_sample.fold(0.0, f64::max),
            samples: SAMPLES,
            batch: 1,
        },
        delta2: outer_variation(&locals).expect("some"),
        sigma2,
    }
}

/// Byzantine workers who agree to be far away, always in the same place: the strongest steady pull on a median.
#[derive(Debug)]
struct FarAway;

impl AttackSpec<f64> for FarAway {
    fn name(&self) -> &'static str {
        "far-away"
    }
    fn build(&self, _: &AttackContext<'_, f64>) -> Result<Box<dyn Attack<f64>>, SpecError> {
        Ok(Box::new(FarAway))
    }
}

impl Attack<f64> for FarAway {
    fn corrupt(&mut self, _: &Cx<'_>, view: &mut AttackView<'_, f64>) {
        for &b in view.attackers() {
            view.row_mut(b as usize).fill(1e4);
        }
    }
}

fn distance(x: &[f64], known: &Known) -> f64 {
    x.iter().zip(known.optimum).map(|(x, o)| (x - o).powi(2)).sum()
}

fn initial(known: &Known) -> f64 {
    distance(&known.start, known)
}

/// ‖x^k − x*‖² for k = 0 … rounds, averaged over seeds.
fn errors(
    known: &Known,
    estimator: impl Fn() -> Box<dyn EstimatorSpec<f64>>,
    attack: impl Fn() -> Box<dyn AttackSpec<f64>>,
    s: usize,
    gamma: f64,
    rounds: u64,
    seeds: u64,
) -> Vec<f64> {
    let mut sum = vec![0.0; rounds as usize + 1];
    for seed in 0..seeds {
        let byzantine: Vec<u32> = (REGULAR as u32..WORKERS as u32).collect();
        let setup = Setup {
            train: &known.data,
            samples: known.rows.iter().map(|rows| &rows[..]).collect(),
            federation: Federation::new(WORKERS, &byzantine).expect("sound"),
            rotation: None,
            participation: None,
            byzantine_data: None,
            knowledge: Knowledge::default(),
            objective: Box::new(Bowls { start: known.start }),
            estimator: estimator(),
            protocol: ProtocolSpec::Gradient {
                pre: vec![Box::new(Resample { s, law: Law::Permutation })],
                rule: Box::new(GeometricMedian::default()),
            },
            attack: attack(),
            step: gamma,
            server_step: Default::default(),
            seed,
        };
        let mut simulation = Simulation::new(setup).expect("sound");
        simulation
            .run(rounds, |seen, _| {
                sum[seen.round as usize] += distance(seen.params, known);
                Ok(())
            })
            .expect("nothing diverges");
        sum[rounds as usize] += distance(simulation.params(), known);
    }
    sum.iter().map(|x| x / seeds as f64).collect()
}

/// An attack as data.
type Adversary = Box<dyn AttackSpec<f64>>;

fn saga() -> Box<dyn EstimatorSpec<f64>> {
    Box::new(Saga::new(1))
}

fn sgd() -> Box<dyn EstimatorSpec<f64>> {
    Box::new(Sgd::new(1))
}

fn far_away() -> Box<dyn AttackSpec<f64>> {
    Box::new(FarAway)
}

fn mean(errors: &[f64]) -> f64 {
    errors.iter().sum::<f64>() / errors.len() as f64
}

fn setting(s: usize) -> Setting {
    Setting::new(WORKERS, BYZANTINE, s).expect("sound")
}

/// The longest step that the proof of Theorem 1 allows, (60).
fn longest(known: &Known, s: usize) -> f64 {
    steps(&setting(s), setting(s).d_regular(), &known.problem, 1.0).expect("tolerable")[3].limit
}

#[test]
fn theorem_1_bounds_the_error_at_every_round_under_every_attack() {
    let known = known(0.3, 1.0, false);
    assert!(known.problem.condition() < 1.2 && known.delta2 > 0.0);
    for s in [1, 2] {
        let gamma = longest(&known, s);
        let run = Run { gamma, initial: initial(&known), epsilon: 0.0 };
        let bound =
            theorem_1(&setting(s), setting(s).d_regular(), &known.problem, known.delta2, &run)
                .expect("tolerable");
        assert!(bound.holds(), "{bound:?}");
        let attacks: [fn() -> Adversary; 3] =
            [far_away, || Box::new(SignFlipping::default()), || Box::new(Gaussian::default())];
        for attack in attacks {
            let errors = errors(&known, saga, attack, s, gamma, 1500, 4);
            for (k, error) in errors.iter().enumerate() {
                // At k = 0 both sides are ‖x⁰ − x*‖².
                let limit = bound.at(k as u64) * (1.0 + 1e-12);
                assert!(*error <= limit, "s = {s}, {:?}, k = {k}: {error} {limit}", attack());
            }
            // It is a bound that says something: the error falls by far, and the bound with it.
            assert!(bound.at(1500) < 0.2 * bound.at(0));
            assert!(mean(&errors[1200..]) < 1e-2 * errors[0]);
        }
    }
}

#[test]
fn the_error_falls_at_a_linear_rate_until_the_plateau() {
    let known = known(0.02, 1.0, false);
    let gamma = longest(&known, 2);
    let errors = errors(&known, saga, far_away, 2, gamma, 1500, 2);
    let plateau = mean(&errors[1300..]);
    let (mu, smooth) = (known.problem.mu, known.problem.smooth);
    let mut steep = 0;
    for k in (0..1400).step_by(50).filter(|&k| errors[k + 50] > 100.0 * plateau) {
        let ratio = errors[k + 50] / errors[k];
        // Never slower than the theorem has it, never faster than gradient descent could be.
        assert!(ratio <= (1.0 - 0.5 * gamma * mu).powi(50), "{k}: {ratio}");
        assert!(ratio >= 0.9 * (1.0 - gamma * smooth).powi(100), "{k}: {ratio}");
        steep += 1;
    }
    assert!(steep >= 5, "{steep} stretches of fifty rounds above the plateau {plateau}");
}

#[test]
fn the_plateau_of_saga_grows_with_outer_variation_and_not_with_inner() {
    let plateau = |outer: f64, inner: f64| {
        let known = known(outer, inner, false);
        let errors = errors(&known, saga, far_away, 2, longest(&known, 2), 2400, 3);
        (mean(&errors[1800..]), known.delta2, known.sigma2)
    };
    let (base, delta2, sigma2) = plateau(0.3, 0.5);
    let (wider, delta2_wider, _) = plateau(0.9, 0.5);
    assert!((delta2_wider / delta2 - 9.0).abs() < 1e-9);
    assert!((wider / base - 9.0).abs() < 0.5, "{base} {wider}");
    // A hundred times the inner variation, and the same plateau.
    let (noisier, delta2_noisier, sigma2_noisier) = plateau(0.3, 5.0);
    assert!((delta2_noisier / delta2 - 1.0).abs() < 1e-9 && sigma2_noisier > 50.0 * sigma2);
    assert!((noisier / base - 1.0).abs() < 0.05, "{base} {noisier}");
    // Without outer variation the optimum itself is reached.
    let (none, _, _) = plateau(0.0, 5.0);
    assert!(none < 1e-6 * base, "{none}");
}

#[test]
fn theorem_3_bounds_rs_byrd_sgd_whose_plateau_grows_with_inner_variation() {
    let plateau = |inner: f64| {
        let known = known(0.3, inner, true);
        let gamma = known.problem.mu / (2.0 * known.problem.smooth.powi(2));
        let run = Run { gamma, initial: initial(&known), epsilon: 0.0 };
        let variation = Variation { inner: known.sigma2, outer: known.delta2 };
        let bound = theorem_3(&setting(2), setting(2).d_regular(), &known.problem, variation, &run)
            .expect("tolerable");
        assert!(bound.holds());
        let errors = errors(&known, sgd, far_away, 2, gamma, 400, 20);
        for (k, error) in errors.iter().enumerate() {
            assert!(*error <= bound.at(k as u64) * (1.0 + 1e-12), "k = {k}: {error}");
        }
        (mean(&errors[100..]), known.sigma2)
    };
    let (calm, sigma2) = plateau(0.5);
    let (noisy, sigma2_noisy) = plateau(5.0);
    let (noisier, sigma2_noisier) = plateau(50.0);
    assert!(noisy > 5.0 * calm && sigma2_noisy > 50.0 * sigma2, "{calm} {noisy}");
    // Once inner variation dominates the plateau is proportional to it.
    let growth = (noisier / noisy) / (sigma2_noisier / sigma2_noisy);
    assert!((0.7..1.05).contains(&growth), "{noisy} {noisier}");
}

#[test]
fn at_the_same_step_saga_ends_where_sgd_does_not() {
    let known = known(0.1, 5.0, false);
    let gamma = longest(&known, 2);
    let saga = mean(&errors(&known, saga, far_away, 2, gamma, 1500, 2)[1200..]);
    let sgd = mean(&errors(&known, sgd, far_away, 2, gamma, 1500, 2)[1200..]);
    assert!(sgd > 10.0 * saga, "{saga} {sgd}");
}
