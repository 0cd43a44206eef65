//! Krum: the one message that is closest to its neighbours.

use crate::shared::select::too_few;
use fl_core::{
    AggregateError, Cost, GeometricRule, Geometry, Inputs, Rule, RuleSpec, Shape, SpecError,
    choice, spec,
};

spec! {
    /// Krum returns the message with the smallest score, `z = v_{w*}` with
    ///
    /// ```text
    /// w* = argmin_w Σ_{w → w'} ‖v_w − v_w'‖²
    /// ```
    ///
    /// where `w → w'` runs over the `W − f − 2` nearest other messages of `v_w`.
    /// Of several smallest scores the one of the lowest worker index wins.
    /// All weight goes to one message, so the output has that message's very bits.
    ///
    /// # Requirements
    /// `W − f − 2 ≥ 1`: a message needs a neighbour to be judged by. Variants count neighbours differently.
    ///
    /// # Cost
    /// `O(W² log W)` on the distances; no number of a message is looked at again.
    ///
    /// # Non-finite
    /// A message that is not finite never reaches the rule: it is left out or refused by [`fl_core::Pipeline`].
    /// The requirement must then hold for what is left.
    ///
    /// # Robustness
    /// Its authors prove (α, f)-resilience of i.i.d. messages for `W > 2f + 2`.
    /// With `q` neighbours it is (f, κ)-robust as long as `q ≥ f`, with
    ///
    /// ```text
    /// κ = (√(2 q (W − f) / (W − f − 1)) + √(W − f))² / (q + 1 − f)
    /// ```
    ///
    /// (the best score is at most the regular messages' average score, and of the `q + 1` messages around the chosen one at
    /// least `q + 1 − f` are regular). For `q = W − f − 1` this is at most the `6 (1 + f/(W − 2f))` of the literature.
    /// Shapes beyond that bound are computed all the same.
    /// Where regular messages differ from worker to worker, Krum follows one worker instead of all: κ does not vanish with f.
    ///
    /// # Elsewhere
    /// Projects differ in the power of the distance and in the number of neighbours; [`KrumVariant`] has them by name.
    ///
    /// # Reference
    /// Blanchard, El Mhamdi, Guerraoui, Stainer, *Machine learning with adversaries: Byzantine tolerant gradient descent*,
    /// NeurIPS 2017; the paper's Section V-A; κ as in Allouah, Farhadkhani, Guerraoui, Gupta, Pinot, Stephan,
    /// *Fixing by mixing*, AISTATS 2023.
    ///
    /// # Example
    /// ```
    /// use fl_agg::{Krum, Messages, aggregate};
    ///
    /// let messages = Messages::from_rows(&[[1.0], [1.1], [0.9], [1.3], [100.0]]);
    /// let (chosen, _) = aggregate(Krum::default(), &messages, 1)?;
    /// assert_eq!(chosen, [1.0]);
    /// # Ok::<(), fl_agg::Error>(())
    /// ```
    pub struct Krum {
        /// Which of the rules that go by this name.
        pub variant: KrumVariant = KrumVariant::Paper,
    }
}

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

impl RuleSpec for Krum {
    fn name(&self) -> &'static str {
        "krum"
    }

    fn cost(&self, shape: Shape) -> Cost {
        Cost::quadratic(shape, 1)
    }

    fn check(&self, shape: Shape) -> Result<(), SpecError> {
        self.variant.check("krum", shape)
    }

    fn build(&self, shape: Shape) -> Result<Rule, SpecError> {
        self.check(shape)?;
        Ok(Rule::geometric(Run { variant: self.variant, scores: Scores::new(shape.workers) }))
    }

    fn tolerates(&self, workers: usize) -> usize {
        self.variant.tolerates(workers)
    }

    fn kappa(&self, shape: Shape) -> Option<f64> {
        self.variant.kappa(shape)
    }
}

#[derive(Debug)]
struct Run {
    variant: KrumVariant,
    scores: Scores,
}

impl GeometricRule for Run {
    fn weights(&mut self, inputs: Inputs<'_>, weights: &mut [f64]) -> Result<(), AggregateError> {
        let shape = inputs.shape();
        self.variant.check("krum", shape).map_err(too_few(shape))?;
        let neighbours = self.variant.neighbours(shape).unwrap_or(1);
        self.scores.start(inputs.geometry, self.variant, neighbours);
        let mut best = (0, f64::INFINITY);
        for w in 0..shape.workers {
            let score = self.scores.score(inputs.geometry, w, self.variant, neighbours);
            // Strictly smaller: ties stay with the lowest index.
            if score < best.1 {
                best = (w, score);
            }
        }
        weights[best.0] = 1.0;
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Messages, aggregate};

    fn chosen(rows: &[[f64; 1]], byzantine: usize) -> f64 {
        let messages = Messages::from_rows(rows);
        aggregate(Krum::default(), &messages, byzantine).expect("a valid shape").0[0]
    }

    #[test]
    fn ties_go_to_the_lowest_worker_index() {
        // One neighbour each; (1, 2) and (5, 6) are equally close pairs.
        assert_eq!(chosen(&[[5.0], [1.0], [6.0], [2.0]], 1), 5.0);
        assert_eq!(chosen(&[[2.0], [1.0], [6.0], [5.0]], 1), 2.0);
    }

    #[test]
    fn ties_between_equal_sets_of_distances_in_another_order_are_ties() {
        // A square's corners see the same distances in different orders.
        let third = 1.0 / 3.0;
        let rows = [[third, third], [-third, third], [-third, -third], [third, -third], [9.0, 9.0]];
        let (out, _) = aggregate(Krum::default(), &Messages::from_rows(&rows), 0).expect("valid");
        assert_eq!(out, rows[0]);
    }

    #[test]
    fn a_message_is_not_its_own_neighbour() {
        // With itself counted, every score of one neighbour would be 0 and worker 0 would win.
        assert_eq!(chosen(&[[100.0], [1.0], [1.5], [50.0]], 1), 1.0);
    }

    #[test]
    fn the_requirement_is_one_neighbour() {
        for (workers, byzantine, fits) in [(3, 0, true), (2, 0, false), (8, 5, true), (8, 6, false)]
        {
            let shape = Shape { workers, byzantine };
            assert_eq!(Krum::default().check(shape).is_ok(), fits, "{shape:?}");
            assert_eq!(Krum::default().build(shape).is_ok(), fits, "{shape:?}");
        }
        let error = Krum::default().check(Shape { workers: 8, byzantine: 6 }).unwrap_err();
        assert_eq!(
            error.to_string(),
            "krum: the number of messages must be at least 9 (f + 3, for f = 6 Byzantine), got 8"
        );
    }

    #[test]
    fn variants_choose_what_their_projects_choose() {
        // Four on a line, f = 1. With one neighbour 0.0 and 1.0 are the closest pair, and the lower index wins; with two,
        // 1.0 has the nearest ones.
        let rows = [[0.0], [1.0], [2.2], [3.5]];
        let choose = |variant| {
            let messages = Messages::from_rows(&rows);
            aggregate(Krum { variant }, &messages, 1).expect("a valid shape").0[0]
        };
        assert_eq!(choose(KrumVariant::Paper), 0.0);
        assert_eq!(choose(KrumVariant::OneMoreNeighbour), 1.0);
        assert_eq!(choose(KrumVariant::Unsquared), 1.0);
        assert_eq!(choose(KrumVariant::UnsquaredPaper), 0.0);
        assert_eq!(choose(KrumVariant::FourthPower), 0.0);
        assert_eq!(choose(KrumVariant::AtLeastOneNeighbour), 0.0);
    }

    #[test]
    fn powers_of_the_distance_change_the_choice() {
        // A cluster of three and three stragglers: plain distances favour the cluster, fourth powers the middle.
        let d = |rows: &[[f64; 1]], w: usize, power: i32| {
            let mut all: Vec<f64> = (0..rows.len())
                .filter(|&i| i != w)
                .map(|i| (rows[i][0] - rows[w][0]).abs())
                .collect();
            all.sort_by(f64::total_cmp);
            all[..rows.len() - 2].iter().map(|x| x.powi(power)).sum::<f64>()
        };
        let rows = [[0.0], [0.1], [0.25], [2.05], [2.9], [3.9]];
        let brute = |power| {
            (0..6).min_by(|&a, &b| d(&rows, a, power).total_cmp(&d(&rows, b, power))).expect("six")
        };
        let choose = |variant| {
            let messages = Messages::from_rows(&rows);
            aggregate(Krum { variant }, &messages, 0).expect("a valid shape").0[0]
        };
        assert_eq!(choose(KrumVariant::UnsquaredPaper), rows[brute(1)][0]);
        assert_eq!(choose(KrumVariant::Paper), rows[brute(2)][0]);
        assert_eq!(choose(KrumVariant::FourthPower), rows[brute(4)][0]);
        assert_ne!(brute(1), brute(4));
    }

    #[test]
    fn variants_say_how_many_messages_they_need() {
        for (variant, least) in [
            (KrumVariant::Paper, 5),
            (KrumVariant::OneMoreNeighbour, 4),
            (KrumVariant::Unsquared, 4),
            (KrumVariant::UnsquaredPaper, 5),
            (KrumVariant::FourthPower, 5),
            (KrumVariant::AtLeastOneNeighbour, 2),
        ] {
            let rule = Krum { variant };
            assert!(rule.check(Shape { workers: least, byzantine: 2 }).is_ok(), "{variant:?}");
            let error = rule.check(Shape { workers: least - 1, byzantine: 2 }).unwrap_err();
            assert!(error.to_string().contains(&format!("at least {least}")), "{error}");
        }
    }

    #[test]
    fn kappa_is_at_most_the_published_one_and_needs_more_neighbours_than_byzantine_messages() {
        let byzfl = Krum { variant: KrumVariant::OneMoreNeighbour };
        for workers in 3..40 {
            for f in 0..workers / 2 {
                let shape = Shape { workers, byzantine: f };
                let (n, b) = (workers as f64, f as f64);
                if let Some(kappa) = byzfl.kappa(shape) {
                    assert!(kappa <= 6.0 * (1.0 + b / (n - 2.0 * b)), "{shape:?} {kappa}");
                }
                // W − f − 2 ≥ f.
                assert_eq!(
                    Krum::default().kappa(shape).is_some(),
                    workers >= 2 * f + 2 && workers > f + 2
                );
            }
        }
        assert_eq!((Krum::default().tolerates(30), byzfl.tolerates(30)), (14, 14));
        assert_eq!((Krum::default().tolerates(31), byzfl.tolerates(31)), (14, 15));
    }
}
