//! Krum's scores, which Multi-Krum and Bulyan have too.

use fl_core::{Geometry, Shape, SpecError, choice};

choice! {
    /// Rules that go by the name of Krum: projects differ in the power of the distance and the number of neighbours.
    pub enum KrumVariant {
        /// Sums of squared distances to the `W − f − 2` nearest others, as Blanchard et al. define it; so do Byrd-SAGA, IOS,
        /// FL-Byzantine-Library and FedML.
        Paper,
        /// Squared distances to the `W − f − 1` nearest others: byzfl (which takes their mean, an equal order).
        OneMoreNeighbour,
        /// Distances, not squared, to the `W − f − 1` nearest others: ByzantineMomentum and FLPoison.
        Unsquared,
        /// Distances, not squared, to the `W − f − 2` nearest others: optirs.
        UnsquaredPaper,
        /// Fourth powers of distances to the `W − f − 2` nearest others: three repositories of epfml and Blades, which square
        /// twice.
        FourthPower,
        /// Squared distances to the `W − f − 2` nearest others, and to one where that is none: Flower.
        AtLeastOneNeighbour,
    }
}

impl KrumVariant {
    /// How many neighbours a message is judged by; `None` where there are none.
    pub(crate) fn neighbours(self, shape: Shape) -> Option<usize> {
        let Shape { workers, byzantine } = shape;
        let others = workers.checked_sub(1)?;
        let count = match self {
            Self::Paper | Self::UnsquaredPaper | Self::FourthPower => {
                workers.saturating_sub(byzantine + 2)
            }
            Self::OneMoreNeighbour | Self::Unsquared => workers.saturating_sub(byzantine + 1),
            Self::AtLeastOneNeighbour => workers.saturating_sub(byzantine + 2).max(1),
        };
        Some(count).filter(|&k| 0 < k && k <= others)
    }

    /// The fewest messages that the variant can judge.
    fn least(self, byzantine: usize) -> (usize, &'static str) {
        match self {
            Self::Paper | Self::UnsquaredPaper | Self::FourthPower => (byzantine + 3, "f + 3"),
            Self::OneMoreNeighbour | Self::Unsquared => (byzantine + 2, "f + 2"),
            Self::AtLeastOneNeighbour => (2, "one has a neighbour"),
        }
    }

    pub(crate) fn check(self, rule: &str, shape: Shape) -> Result<(), SpecError> {
        if self.neighbours(shape).is_some() {
            return Ok(());
        }
        let f = shape.byzantine;
        let (least, why) = self.least(f);
        let allowed = format!("at least {least} ({why}, for f = {f} Byzantine)");
        Err(SpecError::new("the number of messages", allowed, shape.workers).of(rule))
    }

    /// What a distance contributes to a score, from its square; of fourth powers in units of `unit`².
    fn contribution(self, squared_distance: f64, unit: f64) -> f64 {
        match self {
            Self::Paper | Self::OneMoreNeighbour | Self::AtLeastOneNeighbour => squared_distance,
            Self::Unsquared | Self::UnsquaredPaper => squared_distance.sqrt(),
            Self::FourthPower => (squared_distance / unit) * (squared_distance / unit),
        }
    }

    /// The unit of squared distances in which the fourth powers of the best message's can be held, from the squared distance of
    /// each message's last neighbour: a power of two near the least.
    fn unit(self, last: impl Iterator<Item = f64>) -> f64 {
        if self != Self::FourthPower {
            return 1.0;
        }
        let least = last.fold(f64::INFINITY, f64::min);
        match least > 0.0 && least.is_finite() {
            true => 2f64.powi(least.log2().floor().max(-1022.0) as i32),
            false => 1.0,
        }
    }

    /// The largest f for which the chosen message has more than f messages around it, itself included.
    pub(crate) fn tolerates(self, workers: usize) -> usize {
        let enough = |&f: &usize| {
            let neighbours = self.neighbours(Shape { workers, byzantine: f });
            2 * f < workers && neighbours.is_some_and(|q| q >= f)
        };
        (0..workers).take_while(enough).last().unwrap_or(0)
    }

    /// κ, for the mean of any `m ≤ W − f` of the messages with the smallest scores.
    pub(crate) fn kappa(self, shape: Shape) -> Option<f64> {
        let Shape { workers, byzantine: f } = shape;
        let q = self.neighbours(shape).filter(|_| f <= self.tolerates(workers))?;
        let (regular, near) = ((workers - f) as f64, (q + 1 - f) as f64);
        // The q nearest of W − f − 1 are at most their share of the sum over all of them.
        let part = q as f64 / (regular - 1.0);
        match self {
            Self::Paper | Self::OneMoreNeighbour | Self::AtLeastOneNeighbour => {
                Some(((2.0 * part * regular).sqrt() + regular.sqrt()).powi(2) / near)
            }
            // By the triangle inequality: ‖z − v̄‖ ≤ (score + Σ ‖v_i − v̄‖) / near.
            Self::Unsquared | Self::UnsquaredPaper => {
                Some((regular / near * (2f64.sqrt() * part + 1.0)).powi(2))
            }
            // A sum of squares is at most √near times the root of the sum of fourth powers.
            Self::FourthPower => {
                let score = 2.0 * part * regular * near.sqrt();
                Some((score.sqrt() + regular.sqrt()).powi(2) / near)
            }
        }
    }
}

/// The scores of messages among all of them.
#[derive(Debug)]
pub(crate) struct Scores {
    others: Vec<f64>,
    unit: f64,
}

impl Scores {
    pub(crate) fn new(workers: usize) -> Self {
        Self { others: Vec::with_capacity(workers), unit: 1.0 }
    }

    /// To be called once for a round.
    pub(crate) fn start(&mut self, geometry: &Geometry, variant: KrumVariant, neighbours: usize) {
        self.unit = variant.unit((0..geometry.workers()).map(|w| {
            self.sort_others(geometry, w);
            self.others.get(neighbours - 1).copied().unwrap_or(0.0)
        }));
    }

    fn sort_others(&mut self, geometry: &Geometry, w: usize) {
        let row = geometry.row(w);
        self.others.clear();
        self.others.extend_from_slice(&row[..w]);
        self.others.extend_from_slice(&row[w + 1..]);
        // Summed in rising order, so that equal sets of distances give equal bits and ties are ties.
        self.others.sort_unstable_by(f64::total_cmp);
    }

    pub(crate) fn score(
        &mut self,
        geometry: &Geometry,
        w: usize,
        variant: KrumVariant,
        neighbours: usize,
    ) -> f64 {
        self.sort_others(geometry, w);
        let nearest = self.others.iter().take(neighbours);
        nearest.map(|&d| variant.contribution(d, self.unit)).sum()
    }
}

/// Picks one message after the other, each by scores among those that are left.
#[derive(Debug)]
pub(crate) struct Picks {
    left: Vec<bool>,
    count: usize,
    /// The others of each message, the nearest first: sorted once, walked for every pick.
    near: Vec<u32>,
}

impl Picks {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            left: Vec::with_capacity(workers),
            count: 0,
            near: Vec::with_capacity(workers * workers),
        }
    }

    /// Starts with all messages.
    pub(crate) fn start(&mut self, geometry: &Geometry) {
        let workers = geometry.workers();
        self.left.clear();
        self.left.resize(workers, true);
        self.count = workers;
        self.near.clear();
        for w in 0..workers {
            let (from, row) = (self.near.len(), geometry.row(w));
            self.near.extend((0..workers as u32).filter(|&i| i as usize != w));
            self.near[from..]
                .sort_unstable_by(|&i, &j| row[i as usize].total_cmp(&row[j as usize]));
        }
    }

    /// Takes the best message out, judged by as many neighbours as the variant gives so many messages, and at least one.
    pub(crate) fn take(&mut self, geometry: &Geometry, variant: KrumVariant, f: usize) -> usize {
        let shape = Shape { workers: self.count, byzantine: f };
        let neighbours = variant.neighbours(shape).unwrap_or(1);
        let others = (self.left.len() - 1).max(1);
        let left = &self.left;
        // The squared distances of a message that is left to the nearest that are left.
        let nearest = |w: usize| {
            let near = self.near[w * others..][..others].iter().map(|&i| i as usize);
            let row = geometry.row(w);
            near.filter(|&i| left[i]).take(neighbours).map(|i| row[i])
        };
        let candidates = || (0..left.len()).filter(|&w| left[w] && self.count > 1);
        let unit = variant.unit(candidates().filter_map(|w| nearest(w).last()));
        let mut best = (None, f64::INFINITY);
        for w in candidates() {
            // In rising order, as above.
            let score: f64 = nearest(w).map(|d| variant.contribution(d, unit)).sum();
            // Strictly smaller: ties stay with the lowest index.
            if best.0.is_none() || score < best.1 {
                best = (Some(w), score);
            }
        }
        // A single message has no others.
        let best = best.0.or_else(|| left.iter().position(|&left| left)).unwrap_or(0);
        self.left[best] = false;
        self.count -= 1;
        best
    }
}
