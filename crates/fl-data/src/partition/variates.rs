//! Draws that are our own, so that no release of another crate can change a partition.

use rand::Rng;

/// All indices in random order.
pub(super) fn shuffled(samples: usize, rng: &mut (impl Rng + ?Sized)) -> Vec<u32> {
    let mut indices: Vec<u32> = (0..samples as u32).collect();
    shuffle(&mut indices, rng);
    indices
}

/// `count` of a list, every choice equally likely, in the order of the list.
pub(super) fn draw<'a, R: Rng + ?Sized>(
    list: &'a [u32],
    count: usize,
    rng: &'a mut R,
) -> impl Iterator<Item = u32> + use<'a, R> {
    let mut wanted = count as u32;
    (0..list.len()).filter_map(move |i| {
        let left = (list.len() - i) as u32;
        // Nothing is drawn where nothing is open.
        let keep = wanted == left || wanted > 0 && below(left, rng) < wanted;
        wanted -= u32::from(keep);
        keep.then(|| list[i])
    })
}

/// Ends of consecutive parts of `n`, from 0 to `n`, whose shares are a draw from a symmetric Dirichlet distribution.
pub(super) fn cuts(
    n: usize,
    alpha: f64,
    workers: usize,
    rng: &mut (impl Rng + ?Sized),
) -> Vec<usize> {
    let sizes = shares(alpha, workers, rng);
    let total: f64 = sizes.iter().sum();
    let mut sum = 0.0;
    let mut ends = Vec::with_capacity(workers + 1);
    ends.push(0);
    for size in &sizes {
        sum += size;
        ends.push(((sum / total * n as f64).round() as usize).min(n));
    }
    ends[workers] = n;
    ends
}

/// A draw from a symmetric Dirichlet distribution on `count` places, relative to its greatest share.
///
/// Shares are gamma variates over their sum. A small α makes them all smaller than the smallest number, so their logarithms
/// are drawn, and measured from the greatest; with the smallest α these overflow too, and their parts are compared first.
pub(super) fn shares(alpha: f64, count: usize, rng: &mut (impl Rng + ?Sized)) -> Vec<f64> {
    let logs: Vec<LogGamma> = (0..count).map(|_| LogGamma::draw(alpha, rng)).collect();
    let whole: Vec<f64> = logs.iter().map(LogGamma::value).collect();
    let top = whole.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if whole.iter().all(|log| log.is_finite()) {
        return whole.iter().map(|log| (log - top).exp()).collect();
    }
    let first = logs.iter().copied().reduce(|a, b| if b.above(&a) > 0.0 { b } else { a });
    logs.iter().map(|log| first.map_or(0.0, |first| log.above(&first).exp())).collect()
}

/// The logarithm of a gamma variate, `base + power / shape`; no power for a shape of at least 1.
#[derive(Clone, Copy)]
struct LogGamma {
    base: f64,
    power: f64,
    shape: f64,
}

impl LogGamma {
    /// Of this shape and scale 1 (G. Marsaglia, W. W. Tsang, "A simple method for generating gamma variables", ACM TOMS
    /// 26(3), 2000); for a shape below 1 that of shape + 1 times a power of a uniform draw.
    fn draw(shape: f64, rng: &mut (impl Rng + ?Sized)) -> Self {
        let above = if shape < 1.0 { shape + 1.0 } else { shape };
        let d = above - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        let base = loop {
            let x = normal(rng);
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && unit(rng).ln() < 0.5 * x * x + d * (1.0 - v + v.ln()) {
                break (d * v).ln();
            }
        };
        Self { base, power: if shape < 1.0 { unit(rng).ln() } else { 0.0 }, shape }
    }

    /// The logarithm, which overflows to −∞ where the shape is among the smallest numbers.
    fn value(&self) -> f64 {
        if self.shape < 1.0 { self.base + self.power / self.shape } else { self.base }
    }

    /// By how much it exceeds another of the same shape.
    fn above(&self, other: &Self) -> f64 {
        let power = self.power - other.power;
        // Nought is nought, however small the shape is.
        let power = if power == 0.0 { 0.0 } else { power / self.shape };
        self.base - other.base + power
    }
}

/// A standard normal variate, by the polar method.
pub(super) fn normal(rng: &mut (impl Rng + ?Sized)) -> f64 {
    loop {
        let (x, y) = (2.0 * unit(rng) - 1.0, 2.0 * unit(rng) - 1.0);
        let s = x * x + y * y;
        if s > 0.0 && s < 1.0 {
            return x * (-2.0 * s.ln() / s).sqrt();
        }
    }
}

/// Uniform on (0, 1]: 53 bits, never nought.
pub(super) fn unit(rng: &mut (impl Rng + ?Sized)) -> f64 {
    ((rng.next_u64() >> 11) + 1) as f64 * 2f64.powi(-53)
}

/// Sizes of `parts` parts of `n` that differ by at most one, the larger ones first.
pub(super) fn even(n: usize, parts: usize) -> impl Iterator<Item = usize> {
    (0..parts).map(move |i| n / parts + usize::from(i < n % parts))
}

/// Fisher and Yates' shuffle. Our own, so that no release of another crate can change a partition.
pub(super) fn shuffle(items: &mut [u32], rng: &mut (impl Rng + ?Sized)) {
    for i in (1..items.len()).rev() {
        items.swap(i, below(i as u32 + 1, rng) as usize);
    }
}

/// Uniform on `0 … n − 1` without bias: the high half of `n · draw`, rejecting the draws that would favour some values
/// (D. Lemire, "Fast random integer generation in an interval", 2019).
fn below(n: u32, rng: &mut (impl Rng + ?Sized)) -> u32 {
    loop {
        let product = u64::from(rng.next_u32()) * u64::from(n);
        if product as u32 >= n || product as u32 >= n.wrapping_neg() % n {
            return (product >> 32) as u32;
        }
    }
}
