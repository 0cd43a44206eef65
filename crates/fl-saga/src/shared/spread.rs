//! How much the mean of a batch varies over the draws, exactly.

use crate::shared::batch;
use crate::shared::draw::Draw;
use crate::shared::sampling::Sampling;
use fl_core::{Local, Scalar, Workspace};

/// What a message averages over its batch: a vector `c_j` for each of the worker's samples.
pub(crate) trait Terms<T: Scalar> {
    /// Adds `scale · Σ c_j` to `out`, or writes it there. Returns `Σ ‖c_j‖²`.
    fn add(&self, local: &Local<'_, T>, sum: Sum, out: &mut [T], work: &mut Workspace<T>) -> f64;
}

/// Which terms are added up, and where to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sum {
    /// The place of the first one in the worker's own list.
    pub(crate) from: usize,
    /// How many neighbours from there on; the list is a ring.
    pub(crate) count: usize,
    pub(crate) scale: f64,
    /// Whether the sum replaces what is there.
    pub(crate) first: bool,
}

impl Sum {
    /// The mean of all terms.
    fn mean(samples: usize) -> Self {
        Self { from: 0, count: samples, scale: 1.0 / samples as f64, first: true }
    }
}

/// What is subtracted from a sample's gradient at x.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Old<'a, T> {
    /// Nothing.
    Nothing,
    /// Its gradient as a table of records has it, row-major `J × record_len`.
    Table(&'a [T]),
    /// So many times its gradient at other parameters.
    At(&'a [T], f64),
}

/// `c_j = ∇f_j(x) − old_j`, by records.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Records<'a, T> {
    pub(crate) params: &'a [T],
    pub(crate) old: Old<'a, T>,
}

impl<T: Scalar> Terms<T> for Records<'_, T> {
    fn add(&self, local: &Local<'_, T>, sum: Sum, out: &mut [T], work: &mut Workspace<T>) -> f64 {
        if !local.objective.has_records() {
            return self.add_whole(local, sum, out, work);
        }
        let Sum { from, count, scale, first } = sum;
        let (len, samples) = (local.objective.record_len(), local.samples.len());
        let step = work.batch.capacity();
        let mut norms = vec![0.0; step];
        let mut square = 0.0;
        for begin in (0..count).step_by(step) {
            let n = step.min(count - begin);
            for (i, place) in work.places[..n].iter_mut().enumerate() {
                *place = ((from + begin + i) % samples) as u32;
            }
            batch::gather(local, n, work);
            batch::records(local, self.params, work);
            match self.old {
                Old::Nothing => {}
                Old::Table(table) => {
                    for (old, &place) in work.old.chunks_exact_mut(len).zip(&work.places[..n]) {
                        old.copy_from_slice(&table[place as usize * len..][..len]);
                    }
                }
                Old::At(params, times) => {
                    batch::old_records(local, params, work);
                    batch::scale_old(local, times, work);
                }
            }
            let with_old = !matches!(self.old, Old::Nothing);
            batch::add_up(local, work, with_old, scale, first && begin == 0, out);
            let old = with_old.then(|| &work.old[..n * len]);
            let (new, norms) = (&work.new[..n * len], &mut norms[..n]);
            local.objective.squared_norms(&work.batch, new, old, norms, &mut work.scratch);
            square += norms.iter().sum::<f64>();
        }
        square
    }
}

impl<T: Scalar> Records<'_, T> {
    /// [`Terms::add`] by whole gradients, one sample at a time.
    fn add_whole(
        &self,
        local: &Local<'_, T>,
        sum: Sum,
        out: &mut [T],
        work: &mut Workspace<T>,
    ) -> f64 {
        let samples = local.samples.len();
        let mut term = vec![T::ZERO; out.len()];
        let scale = T::from_f64(sum.scale);
        if sum.first {
            out.fill(T::ZERO);
        }
        let mut square = 0.0;
        for i in sum.from..sum.from + sum.count {
            work.places[0] = (i % samples) as u32;
            batch::gather(local, 1, work);
            batch::whole(local, self.params, work, false, (&mut term, false), 1.0, None);
            // A table is one of records, which a model without them has not.
            if let Old::At(params, times) = self.old {
                batch::whole(local, params, work, false, (&mut term, true), -times, None);
            }
            for (out, &c) in out.iter_mut().zip(&term) {
                *out += scale * c;
            }
            square += squared_norm(&term);
        }
        square
    }
}

/// `c̄ = (1/J) Σ_j c_j` and `Σ_j ‖c_j‖²`.
pub(crate) fn moments<T: Scalar>(
    terms: &impl Terms<T>,
    local: &Local<'_, T>,
    work: &mut Workspace<T>,
) -> (Vec<T>, f64) {
    let samples = local.samples.len();
    let mut mean = vec![T::ZERO; local.objective.dim()];
    let square = terms.add(local, Sum::mean(samples), &mut mean, work);
    (mean, square)
}

/// `E‖(1/b) Σ_{j∈I} c_j − t‖²` over the draws of I, for the target t that `target` makes of c̄.
///
/// ```text
/// distinct   (J − b)/(b (J − 1)) · V + ‖c̄ − t‖²          V = (1/J) Σ_j ‖c_j‖² − ‖c̄‖²
/// repeated   V / b + ‖c̄ − t‖²
/// windows    (1/J) Σ_s ‖(1/b) Σ_{j ∈ window s} c_j − t‖²
/// ```
///
/// Cost: one pass over the worker's samples, for windows b of them.
pub(crate) fn error<T: Scalar>(
    terms: &impl Terms<T>,
    local: &Local<'_, T>,
    draw: Draw,
    work: &mut Workspace<T>,
    target: impl FnOnce(&mut [T], &mut Workspace<T>),
) -> f64 {
    let Draw { batch: b, sampling } = draw;
    let samples = local.samples.len();
    let (mean, square) = moments(terms, local, work);
    let mut t = mean.clone();
    target(&mut t, work);
    let variation = (square / samples as f64 - squared_norm(&mean)).max(0.0);
    match sampling {
        Sampling::Distinct => {
            variation * without_repetition(b, samples) + squared_distance(&mean, &t)
        }
        Sampling::Repeated => variation / b as f64 + squared_distance(&mean, &t),
        Sampling::Window | Sampling::WindowCut => {
            let mut window = mean;
            let mut sum = 0.0;
            for start in 0..samples {
                let count = length(sampling, b, start, samples);
                let over = Sum { from: start, count, scale: 1.0 / b as f64, first: true };
                terms.add(local, over, &mut window, work);
                sum += squared_distance(&window, &t);
            }
            sum / samples as f64
        }
    }
}

/// `E (1/b) Σ_{j∈I} c_j` over the draws of I: c̄, but for windows that are cut off.
pub(crate) fn expectation<T: Scalar>(
    terms: &impl Terms<T>,
    local: &Local<'_, T>,
    draw: Draw,
    out: &mut [T],
    work: &mut Workspace<T>,
) {
    let Draw { batch: b, sampling } = draw;
    let samples = local.samples.len();
    if sampling.is_unbiased() {
        terms.add(local, Sum::mean(samples), out, work);
        return;
    }
    let scale = 1.0 / (samples as f64 * b as f64);
    for start in 0..samples {
        let count = length(sampling, b, start, samples);
        terms.add(local, Sum { from: start, count, scale, first: start == 0 }, out, work);
    }
}

/// Samples in the window that begins at `start`.
fn length(sampling: Sampling, b: usize, start: usize, samples: usize) -> usize {
    if sampling == Sampling::WindowCut { b.min(samples - start) } else { b }
}

/// Variance of the mean of `b` different ones of `j` vectors: `(j − b)/(b (j − 1))` of their variation.
fn without_repetition(b: usize, j: usize) -> f64 {
    if j <= 1 { 0.0 } else { (j - b) as f64 / (b as f64 * (j - 1) as f64) }
}

/// ‖x‖² in `f64`.
pub(crate) fn squared_norm<T: Scalar>(x: &[T]) -> f64 {
    product(x, x)
}

/// ‖x − y‖² in `f64`.
pub(crate) fn squared_distance<T: Scalar>(x: &[T], y: &[T]) -> f64 {
    sum_over(x, y, |x, y| (x - y) * (x - y))
}

/// ⟨x, y⟩ in `f64`.
pub(crate) fn product<T: Scalar>(x: &[T], y: &[T]) -> f64 {
    sum_over(x, y, |x, y| x * y)
}

/// `Σ_i term(x_i, y_i)` in `f64`, in eight interleaved parts, so that additions overlap.
#[inline(always)]
fn sum_over<T: Scalar>(x: &[T], y: &[T], term: impl Fn(f64, f64) -> f64) -> f64 {
    const PARTS: usize = 8;
    let mut sums = [0.0; PARTS];
    let (x_whole, x_rest) = x.as_chunks::<PARTS>();
    let (y_whole, y_rest) = y.as_chunks::<PARTS>();
    for (x, y) in x_whole.iter().zip(y_whole) {
        for i in 0..PARTS {
            sums[i] += term(x[i].to_f64(), y[i].to_f64());
        }
    }
    for (i, (x, y)) in x_rest.iter().zip(y_rest).enumerate() {
        sums[i] += term(x.to_f64(), y.to_f64());
    }
    sums.iter().sum()
}
