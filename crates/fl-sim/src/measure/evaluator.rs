//! What is measured on the test rows, and of a round's messages.

use super::metrics::Metrics;
use crate::view::RoundView;
use fl_core::{Batch, Dataset, Messages, Objective, Scalar};
use rayon::prelude::*;
use std::sync::Arc;

/// Rows that one task of an evaluation reads; fixed, so that sums do not depend on threads.
pub(super) const CHUNK: usize = 250;

/// The test set with memory to evaluate on it.
#[derive(Debug)]
pub struct Evaluator<'a, T> {
    test: &'a Dataset,
    all: Sample,
    /// What evaluations along the way look at, where that is not all.
    some: Option<Sample>,
    spaces: Vec<Space<T>>,
    per_class: Vec<u64>,
    mean: Vec<f64>,
    optimum: Option<Arc<[f64]>>,
    with_weights: bool,
}

/// Some rows of the test set.
#[derive(Debug)]
struct Sample {
    rows: Vec<u32>,
    /// Rows by class, and how many of the whole set each stands for.
    per_class: Vec<u64>,
    weights: Vec<f64>,
}

impl Sample {
    /// About `count` rows, the same ones for the same labels; each class has rows in it.
    fn new(labels: &[u32], per_class: &[u64], count: usize) -> Self {
        if count >= labels.len() {
            let rows = (0..labels.len() as u32).collect();
            return Self {
                rows,
                per_class: per_class.to_vec(),
                weights: vec![1.0; per_class.len()],
            };
        }
        let classes = per_class.iter().filter(|&&n| n > 0).count().max(1) as f64;
        let share = count as f64 / labels.len() as f64;
        // Half of the rows go to classes by their size, which serves the accuracy, half equally, which serves the rare.
        let quota = |n: u64| {
            let wanted = 0.5 * (share * n as f64 + count as f64 / classes);
            (wanted.round() as u64).clamp(n.min(1), n)
        };
        let taken: Vec<u64> = per_class.iter().map(|&n| quota(n)).collect();
        let mut seen = vec![0; per_class.len()];
        let rows = (0..)
            .zip(labels)
            .filter(|&(_, &label)| {
                // Evenly spaced in the order of the file: row i is taken where ⌊i m/n⌋ moves on.
                let (n, m) = (per_class[label as usize], taken[label as usize]);
                let i: &mut u64 = &mut seen[label as usize];
                *i += 1;
                *i * m / n > (*i - 1) * m / n
            })
            .map(|(row, _)| row)
            .collect();
        let weight = |(&n, &m): (&u64, &u64)| if m > 0 { n as f64 / m as f64 } else { 0.0 };
        let weights = per_class.iter().zip(&taken).map(weight).collect();
        Self { rows, per_class: taken, weights }
    }
}

#[derive(Debug)]
struct Space<T> {
    batch: Batch<T>,
    scratch: Vec<T>,
    losses: Vec<f64>,
    predictions: Vec<u32>,
    right: Vec<u64>,
}

impl<T: Scalar> Space<T> {
    /// Weighted sums over some test rows: of losses, and of absolute errors where there are targets. Counts who is right.
    fn losses(
        &mut self,
        objective: &dyn Objective<T>,
        params: &[T],
        test: &Dataset,
        rows: &[u32],
        weights: &[f64],
    ) -> (f64, f64) {
        let Self { batch, scratch, losses, predictions, right } = self;
        batch.gather(test, rows);
        let (losses, predictions) = (&mut losses[..rows.len()], &mut predictions[..rows.len()]);
        objective.evaluate(params, batch, losses, predictions, scratch);
        for (&label, &predicted) in batch.labels().iter().zip(&*predictions) {
            right[label as usize] += u64::from(label == predicted);
        }
        let weighted = |(l, &label): (&f64, &u32)| l * weights[label as usize];
        let loss = losses.iter().zip(batch.labels()).map(weighted).sum();
        // A loss is half a squared error where there are targets, which have one weight.
        let error = |loss: &f64| (2.0 * loss).sqrt() * weights[0];
        let absolute = if test.targets().is_some() { losses.iter().map(error).sum() } else { 0.0 };
        (loss, absolute)
    }
}

/// 1 − Σ (z − t)² / Σ (t − mean)², where the mean loss is half a mean squared error; `None` where all targets are equal.
fn r_squared(targets: &[f64], loss: f64) -> Option<f64> {
    let n = targets.len() as f64;
    let mean = targets.iter().sum::<f64>() / n;
    let variance = targets.iter().map(|t| (t - mean).powi(2)).sum::<f64>() / n;
    (variance > 0.0).then(|| 1.0 - 2.0 * loss / variance)
}

impl<'a, T: Scalar> Evaluator<'a, T> {
    /// Memory for a chunk of rows for each thread of the current pool, and for no more rows than there are.
    pub fn new(objective: &dyn Objective<T>, test: &'a Dataset) -> Self {
        // No more memory than there are rows: they may be wide.
        let rows = CHUNK.min(test.rows());
        let threads = rayon::current_num_threads().min(test.rows().div_ceil(CHUNK)).max(1);
        let space = || Space {
            batch: Batch::new(test, rows),
            scratch: vec![T::ZERO; objective.scratch_len(rows)],
            losses: vec![0.0; rows],
            predictions: vec![0; rows],
            right: vec![0; test.classes()],
        };
        let mut per_class = vec![0; test.classes()];
        for &label in test.labels() {
            per_class[label as usize] += 1;
        }
        Self {
            test,
            all: Sample::new(test.labels(), &per_class, test.rows()),
            some: None,
            spaces: (0..threads).map(|_| space()).collect(),
            per_class,
            mean: vec![0.0; objective.dim()],
            optimum: None,
            with_weights: false,
        }
    }

    /// Bytes that an evaluation needs for each thread.
    pub fn bytes(objective: &dyn Objective<T>, test: &Dataset) -> usize {
        let rows = CHUNK.min(test.rows());
        let numbers = rows.saturating_mul(test.columns());
        numbers.saturating_add(objective.scratch_len(rows)).saturating_mul(size_of::<T>())
    }

    /// Lets [`Evaluator::evaluate`] look at about `rows` of the test rows only.
    ///
    /// Which ones depends on the test set alone: of a class with n_c of n rows, of K classes,
    /// `m_c = min(n_c, ½ rows (n_c/n + 1/K))`, evenly spaced in the order of the file.
    /// Accuracy and loss are weighted, `Σ_c (n_c/n) · mean over the m_c`, and so estimate those over all rows, however
    /// unequal the classes are.
    #[must_use]
    pub fn with_rows(mut self, rows: usize) -> Self {
        self.some = (rows < self.test.rows())
            .then(|| Sample::new(self.test.labels(), &self.per_class, rows));
        self
    }

    /// Lets evaluations measure ‖x − x*‖².
    #[must_use]
    pub fn with_optimum(mut self, optimum: Arc<[f64]>) -> Self {
        self.optimum = Some(optimum);
        self
    }

    /// Lets evaluations keep the weight of each worker's message, `W` numbers a line.
    #[must_use]
    pub fn with_weights(mut self) -> Self {
        self.with_weights = true;
        self
    }

    /// Accuracies and loss at `params`, on the rows of [`Evaluator::with_rows`].
    pub fn evaluate(&mut self, objective: &dyn Objective<T>, params: &[T], round: u64) -> Metrics {
        self.measure(objective, params, round, false)
    }

    /// The same on all rows.
    pub fn evaluate_all(
        &mut self,
        objective: &dyn Objective<T>,
        params: &[T],
        round: u64,
    ) -> Metrics {
        self.measure(objective, params, round, true)
    }

    fn measure(
        &mut self,
        objective: &dyn Objective<T>,
        params: &[T],
        round: u64,
        all: bool,
    ) -> Metrics {
        let test = self.test;
        let sample = self.some.as_ref().filter(|_| !all).unwrap_or(&self.all);
        let weights = &sample.weights;
        let per = sample.rows.len().div_ceil(CHUNK).div_ceil(self.spaces.len()) * CHUNK;
        // Losses are summed per chunk and then over chunks, so that the order never depends on threads.
        let chunk_losses: Vec<Vec<(f64, f64)>> = self
            .spaces
            .par_iter_mut()
            .zip(sample.rows.par_chunks(per))
            .map(|(space, rows)| {
                space.right.fill(0);
                let chunks = rows.chunks(CHUNK);
                chunks.map(|rows| space.losses(objective, params, test, rows, weights)).collect()
            })
            .collect();
        let used = chunk_losses.len();
        let right: Vec<u64> = (0..test.classes())
            .map(|c| self.spaces[..used].iter().map(|s| s.right[c]).sum())
            .collect();
        let class_accuracy: Vec<Option<f64>> = right
            .iter()
            .zip(&sample.per_class)
            .map(|(&r, &n)| (n > 0).then(|| r as f64 / n as f64))
            .collect();
        let known = class_accuracy.iter().flatten();
        let rows = test.rows() as f64;
        let right: f64 = right.iter().zip(weights).map(|(&r, w)| r as f64 * w).sum();
        let test_loss = chunk_losses.iter().flatten().map(|(loss, _)| loss).sum::<f64>() / rows;
        let common = Metrics {
            round,
            test_loss,
            test_rows: sample.rows.len() as u64,
            squared_distance_to_optimum: self.optimum.as_ref().map(|o| squared_distance(params, o)),
            ..Metrics::default()
        };
        if let Some(targets) = test.targets() {
            let error = chunk_losses.iter().flatten().map(|(_, absolute)| absolute).sum::<f64>();
            return Metrics {
                accuracy: f64::NAN,
                balanced_accuracy: f64::NAN,
                r_squared: r_squared(targets, test_loss),
                mean_absolute_error: Some(error / rows),
                ..common
            };
        }
        Metrics {
            accuracy: right / rows,
            balanced_accuracy: known.clone().sum::<f64>() / known.count().max(1) as f64,
            class_accuracy,
            ..common
        }
    }

    /// Adds what a round's messages show.
    pub fn messages(&mut self, metrics: &mut Metrics, round: &RoundView<'_, T>) {
        let arrived = round.arrived;
        let regular = arrived.regular();
        if round.skipped.is_some() {
            metrics.present = Some((regular.len() + arrived.byzantine().len()) as u64);
            metrics.skipped = round.skipped;
        }
        if !regular.is_empty() {
            mean(round.messages, regular, &mut self.mean);
            let spread = squared_distances(round.messages, regular, &self.mean);
            metrics.regular_spread = Some(spread / regular.len() as f64);
            metrics.aggregate_error = round.direction.map(|d| squared_distance(d, &self.mean));
        }
        if let Some(report) = round.report {
            metrics.dropped = Some(report.dropped as u64);
            metrics.iterations = report.certificate.map(|c| c.iterations);
            metrics.relative_gap = report.certificate.map(|c| c.relative_gap);
        }
        if let Some(server) = round.server {
            metrics.byzantine_weight =
                server.weights().map(|weights| byzantine_weight(weights, round.messages, arrived));
            if self.with_weights {
                metrics.weights = server.weights().map(<[f64]>::to_vec);
            }
            let mut touched: Vec<bool> =
                server.rows().iter().map(|&w| arrived.is_byzantine(w as usize)).collect();
            for mixing in server.mixings() {
                let out =
                    |a| mixing.row(a).0.iter().any(|&i| touched.get(i as usize) == Some(&true));
                touched = (0..mixing.outputs()).map(out).collect();
            }
            metrics.contaminated = Some(touched.iter().filter(|t| **t).count() as u64);
        }
    }
}

/// The weight of the Byzantine messages. Of equal messages a rule may weigh any, Krum for example the first: they share
/// what they have together.
fn byzantine_weight<T: Scalar>(
    weights: &[f64],
    messages: &Messages<T>,
    federation: &fl_core::Federation,
) -> f64 {
    let workers = messages.workers();
    let mut seen = vec![false; workers];
    let mut sum = 0.0;
    for &b in federation.byzantine() {
        if std::mem::replace(&mut seen[b as usize], true) {
            continue;
        }
        let row = messages.row(b as usize);
        let (mut weight, mut all, mut byzantine) = (weights[b as usize], 1.0, 1.0);
        for w in (0..workers).filter(|&w| w != b as usize) {
            if messages.row(w) == row {
                weight += weights[w];
                all += 1.0;
                if federation.is_byzantine(w) {
                    byzantine += 1.0;
                    seen[w] = true;
                }
            }
        }
        sum += weight * byzantine / all;
    }
    sum
}

/// Mean of some rows, in `f64`.
fn mean<T: Scalar>(messages: &Messages<T>, workers: &[u32], out: &mut [f64]) {
    out.fill(0.0);
    for &w in workers {
        for (o, x) in out.iter_mut().zip(messages.row(w as usize)) {
            *o += x.to_f64();
        }
    }
    let share = 1.0 / workers.len() as f64;
    out.iter_mut().for_each(|o| *o *= share);
}

fn squared_distance<T: Scalar>(a: &[T], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a.to_f64() - b).powi(2)).sum()
}

/// Σ ‖v_w − b‖² over some rows. Several at a time: sums that do not wait for each other, each in its own order.
fn squared_distances<T: Scalar>(messages: &Messages<T>, workers: &[u32], b: &[f64]) -> f64 {
    const ROWS: usize = 8;
    let row = |&w: &u32| &messages.row(w as usize)[..b.len()];
    let (groups, rest) = workers.as_chunks::<ROWS>();
    let of_groups = groups.iter().flat_map(|group| {
        let rows: [&[T]; ROWS] = std::array::from_fn(|i| row(&group[i]));
        let mut sums = [0.0; ROWS];
        for (j, b) in b.iter().enumerate() {
            for (sum, row) in sums.iter_mut().zip(&rows) {
                let d = row[j].to_f64() - b;
                *sum += d * d;
            }
        }
        sums
    });
    of_groups.chain(rest.iter().map(|w| squared_distance(row(w), b))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 5 000, 900, 0 and 7 rows of four classes, mixed.
    fn labels() -> Vec<u32> {
        (0..5907)
            .map(|i| if i % 843 == 5 { 3 } else { u32::from(i % 13 == 1 || i % 13 == 7) })
            .collect()
    }

    fn counts(labels: impl Iterator<Item = u32>) -> Vec<u64> {
        labels.fold(vec![0; 4], |mut counts, label| {
            counts[label as usize] += 1;
            counts
        })
    }

    #[test]
    fn a_sample_stands_for_the_whole_set_class_by_class() {
        let labels = labels();
        let whole = counts(labels.iter().copied());
        for count in [1, 3, 50, 1000, 5000] {
            let sample = Sample::new(&labels, &whole, count);
            let taken = counts(sample.rows.iter().map(|&row| labels[row as usize]));
            assert_eq!(taken, sample.per_class, "{count} rows");
            assert!(taken.iter().zip(&whole).all(|(&m, &n)| m <= n && (m > 0) == (n > 0)));
            assert!(sample.rows.is_sorted());
            for ((&m, &n), weight) in taken.iter().zip(&whole).zip(&sample.weights) {
                assert!((m as f64 * weight - n as f64).abs() < 1e-9, "{count} rows");
            }
            assert!(sample.rows.len() <= count + 3);
        }
        // A rare class is there as a whole.
        assert_eq!(Sample::new(&labels, &whole, 1000).per_class[3], whole[3]);
    }

    #[test]
    fn as_many_rows_as_there_are_is_all_of_them() {
        let labels = labels();
        let sample = Sample::new(&labels, &counts(labels.iter().copied()), labels.len());
        assert_eq!(sample.rows.len(), labels.len());
        assert_eq!(sample.weights, [1.0; 4]);
    }

    #[test]
    fn a_sample_is_spread_over_the_whole_file() {
        let labels = vec![0; 1000];
        let sample = Sample::new(&labels, &[1000], 10);
        assert_eq!(sample.rows, (1..=10).map(|i| i * 100 - 1).collect::<Vec<u32>>());
    }

    #[test]
    fn equal_messages_share_their_weight() {
        use fl_core::Federation;
        // Workers 2 and 3 are Byzantine and repeat worker 0; worker 4 is Byzantine and repeats nobody.
        let rows = [[1.0f32, 2.0], [3.0, 4.0], [1.0, 2.0], [1.0, 2.0], [5.0, 6.0]];
        let messages = Messages::from_rows(&rows);
        let federation = Federation::new(5, &[2, 3, 4]).unwrap();
        // A rule that took the first of the equal ones, and some of the last.
        let weight = byzantine_weight(&[0.75, 0.0, 0.0, 0.0, 0.25], &messages, &federation);
        assert!((weight - (0.75 * 2.0 / 3.0 + 0.25)).abs() < 1e-12);
        let weight = byzantine_weight(&[0.0, 1.0, 0.0, 0.0, 0.0], &messages, &federation);
        assert_eq!(weight, 0.0);
    }
}
