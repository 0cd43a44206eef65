//! Whole rounds against slow, obvious ones in f64: dense gradients, a dense SAGA table, models as lists of numbers,
//! Weiszfeld's iteration on the messages themselves. Only the random draws are the laboratory's own.

use crate::common::{World, resampled};
use fl_agg::GeometricMedian;
use fl_attacks::SignFlipping;
use fl_core::{Role, Streams, streams};
use fl_saga::{Saga, Sgd};
use fl_sim::{ProtocolSpec, Rsa, RsaDecay, RsaOrder, Simulation};

const L2: f64 = 0.01;
const BATCH: usize = 8;
const BYZANTINE: [u32; 2] = [3, 8];
/// Byzantine workers send so many times their true message.
const FLIP: f64 = -5.0;

type Vector = Vec<f64>;

/// Softmax regression as it is defined, on the features in the order in which models have them.
struct Plain<'a> {
    world: &'a World,
    features: Vec<Vector>,
}

impl<'a> Plain<'a> {
    fn new(world: &'a World) -> Self {
        let train = &world.data.split.train;
        let mut row = vec![0.0; train.columns()];
        let features = (0..train.rows())
            .map(|i| {
                train.row(i, &mut row);
                train.order().iter().map(|&column| row[column as usize]).collect()
            })
            .collect();
        Self { world, features }
    }

    fn samples(&self, worker: usize) -> &[u32] {
        self.world.partition.worker(worker)
    }

    /// ∇f_j(x) of one sample, without the ℓ₂ term.
    fn gradient(&self, params: &[f64], sample: u32) -> Vector {
        let x = &self.features[sample as usize];
        let label = self.world.data.split.train.labels()[sample as usize] as usize;
        let columns = x.len();
        let logits: Vector = (0..10)
            .map(|k| {
                let weights = &params[k * columns..(k + 1) * columns];
                weights.iter().zip(x).map(|(w, x)| w * x).sum::<f64>() + params[10 * columns + k]
            })
            .collect();
        let largest = logits.iter().copied().fold(f64::MIN, f64::max);
        let powers: Vector = logits.iter().map(|z| (z - largest).exp()).collect();
        let sum: f64 = powers.iter().sum();
        let mut gradient = vec![0.0; params.len()];
        for k in 0..10 {
            let residual = powers[k] / sum - f64::from(u8::from(k == label));
            for (c, x) in x.iter().enumerate() {
                gradient[k * columns + c] = residual * x;
            }
            gradient[10 * columns + k] = residual;
        }
        gradient
    }

    /// The places in a worker's own list that it draws in a round.
    fn draw(&self, streams: &Streams, worker: usize, round: u64) -> Vec<usize> {
        let mut places = [0; BATCH];
        let samples = self.samples(worker).len() as u32;
        streams::distinct(&mut streams.at(Role::Batch, worker, round), samples, &mut places);
        places.iter().map(|&place| place as usize).collect()
    }
}

fn mean(vectors: &[Vector]) -> Vector {
    let mut mean = vec![0.0; vectors[0].len()];
    for vector in vectors {
        for (m, x) in mean.iter_mut().zip(vector) {
            *m += x / vectors.len() as f64;
        }
    }
    mean
}

fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

fn corrupt(messages: &mut [Vector]) {
    for b in BYZANTINE {
        messages[b as usize].iter_mut().for_each(|x| *x *= FLIP);
    }
}

#[test]
fn rsa_is_what_its_formulas_say() {
    rsa(
        ProtocolSpec::Rsa(Rsa {
            lambda: 0.02,
            order: RsaOrder::Simultaneous,
            decay: RsaDecay::None,
        }),
        RsaOrder::Simultaneous,
        RsaDecay::None,
    );
}

#[test]
fn rsa_as_its_own_code_has_it_steps_from_new_models_and_shrinks_its_step() {
    for order in [RsaOrder::Simultaneous, RsaOrder::WorkersFirst] {
        for decay in [RsaDecay::None, RsaDecay::InverseRoot] {
            let variant = Rsa { lambda: 0.02, order, decay };
            rsa(ProtocolSpec::Rsa(variant), order, decay);
        }
    }
}

fn rsa(spec: ProtocolSpec, order: RsaOrder, decay: RsaDecay) {
    const STEP: f64 = 0.1;
    const LAMBDA: f64 = 0.02;
    let world = World::by_class(10);
    let plain = Plain::new(&world);
    let setup = world.setup::<f64>(
        Box::new(Sgd::new(BATCH)),
        spec,
        Box::new(SignFlipping { factor: FLIP, ..SignFlipping::default() }),
        &BYZANTINE,
        STEP,
        11,
    );
    let mut simulation = Simulation::new(setup).unwrap();
    let streams = Streams::new(11);
    let mut server = simulation.params().to_vec();
    let mut models = vec![server.clone(); 10];
    let sign = |a: f64, b: f64| f64::from(i8::from(a > b) - i8::from(a < b));
    for round in 0..12 {
        let step = match decay {
            RsaDecay::None => STEP,
            RsaDecay::InverseRoot => STEP / (round as f64 + 1.0).sqrt(),
        };
        let old = server.clone();
        let mut sent = models.clone();
        for (w, model) in models.iter_mut().enumerate() {
            let samples = plain.samples(w);
            let drawn = plain.draw(&streams, w, round);
            let gradients: Vec<Vector> =
                drawn.iter().map(|&place| plain.gradient(model, samples[place])).collect();
            let gradient = mean(&gradients);
            for (i, x) in model.iter_mut().enumerate() {
                *x -= step * (gradient[i] + L2 * *x + LAMBDA * sign(*x, old[i]));
            }
        }
        if order == RsaOrder::WorkersFirst {
            sent.clone_from(&models);
        }
        corrupt(&mut sent);
        simulation
            .run(round + 1, |seen, _| {
                for (w, sent) in sent.iter().enumerate() {
                    let difference = largest_difference(seen.messages.row(w), sent);
                    assert!(difference < 1e-12, "round {round}, worker {w}: {difference}");
                }
                Ok(())
            })
            .unwrap();
        for (i, x) in server.iter_mut().enumerate() {
            let signs: f64 = sent.iter().map(|model| sign(old[i], model[i])).sum();
            *x -= step * LAMBDA * signs;
        }
        let difference = largest_difference(simulation.params(), &server);
        assert!(difference < 1e-12, "round {round}: {difference}");
    }
    assert!(server.iter().any(|x| x.abs() > 0.005));
}

/// Algorithm 1 as it is printed: which messages each average is made of.
fn resample(streams: &Streams, round: u64, workers: usize, s: usize) -> Vec<Vec<usize>> {
    let mut rng = streams.at(Role::PreAggregate, 0, round);
    let mut copies = vec![s; workers];
    // Whose place an index drawn stands for: a worker without copies is replaced by the last of the list.
    let mut list: Vec<usize> = (0..workers).collect();
    let mut draw = || {
        let at = streams::below(&mut rng, list.len() as u32) as usize;
        let worker = list[at];
        copies[worker] -= 1;
        if copies[worker] == 0 {
            let last = list.pop().unwrap();
            if at < list.len() {
                list[at] = last;
            }
        }
        worker
    };
    (0..workers).map(|_| (0..s).map(|_| draw()).collect()).collect()
}

/// Weiszfeld's iteration from the mean.
fn geometric_median(messages: &[Vector]) -> Vector {
    let mut z = mean(messages);
    for _ in 0..1500 {
        let (mut sum, mut weights) = (vec![0.0; z.len()], 0.0);
        for v in messages {
            let square: f64 = v.iter().zip(&z).map(|(v, z)| (v - z).powi(2)).sum();
            let weight = 1.0 / square.sqrt();
            weights += weight;
            for (s, v) in sum.iter_mut().zip(v) {
                *s += weight * v;
            }
        }
        let next: Vector = sum.iter().map(|s| s / weights).collect();
        let moved = largest_difference(&next, &z);
        z = next;
        if moved < 1e-15 {
            break;
        }
    }
    z
}

#[test]
fn the_proposed_method_is_what_the_paper_says() {
    const STEP: f64 = 0.5;
    let world = World::by_class(10);
    let plain = Plain::new(&world);
    let median = GeometricMedian { relative_gap: 1e-14, ..GeometricMedian::default() };
    let setup = world.setup::<f64>(
        Box::new(Saga::new(BATCH)),
        resampled(median),
        Box::new(SignFlipping { factor: FLIP, ..SignFlipping::default() }),
        &BYZANTINE,
        STEP,
        23,
    );
    let mut simulation = Simulation::new(setup).unwrap();
    let streams = Streams::new(23);
    let mut params = simulation.params().to_vec();
    // The dense table: a whole gradient a sample, at x⁰ to begin with.
    let mut tables: Vec<Vec<Vector>> = (0..10)
        .map(|w| plain.samples(w).iter().map(|&j| plain.gradient(&params, j)).collect())
        .collect();
    for round in 0..20 {
        let mut messages = Vec::new();
        for (w, table) in tables.iter_mut().enumerate() {
            let average = mean(table);
            let drawn = plain.draw(&streams, w, round);
            let mut corrections = Vec::new();
            for &place in &drawn {
                let new = plain.gradient(&params, plain.samples(w)[place]);
                let old = std::mem::replace(&mut table[place], new.clone());
                corrections.push(new.iter().zip(&old).map(|(new, old)| new - old).collect());
            }
            let correction = mean(&corrections);
            let message = |i: usize| correction[i] + average[i] + L2 * params[i];
            messages.push((0..params.len()).map(message).collect::<Vector>());
        }
        corrupt(&mut messages);
        let averages: Vec<Vector> = resample(&streams, round, 10, 2)
            .iter()
            .map(|picks| mean(&picks.iter().map(|&w| messages[w].clone()).collect::<Vec<_>>()))
            .collect();
        let direction = geometric_median(&averages);
        simulation
            .run(round + 1, |seen, _| {
                for (w, message) in messages.iter().enumerate() {
                    let difference = largest_difference(seen.messages.row(w), message);
                    assert!(difference < 1e-8, "round {round}, worker {w}: {difference}");
                }
                let difference = largest_difference(seen.direction.unwrap(), &direction);
                assert!(difference < 1e-8, "round {round}: {difference}");
                Ok(())
            })
            .unwrap();
        for (x, d) in params.iter_mut().zip(&direction) {
            *x -= STEP * d;
        }
        let difference = largest_difference(simulation.params(), &params);
        assert!(difference < 1e-8, "round {round}: {difference}");
    }
    assert!(params.iter().any(|x| x.abs() > 0.1));
}
