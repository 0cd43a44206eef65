//! A comparison of candidates by their worst cases over attacks, in which hopeless candidates meet few attacks.

/// What a candidate came to under an attack; none where a run diverged, which is worst.
pub(super) type Score = Option<f64>;

/// Candidates that meet every attack at first, so that it is known which attacks tell most.
const PROBES: usize = 12;

/// Runs of a candidate under an attack, at a time. No result depends on how many of them run side by side.
const BATCH: usize = 96;

/// One candidate.
#[derive(Clone, Debug)]
pub(super) struct Entrant {
    /// Its pipeline.
    pub(super) pipeline: usize,
    /// γ.
    pub(super) step: f64,
    /// By attack, as far as it has met them.
    pub(super) scores: Vec<Option<Score>>,
}

impl Entrant {
    pub(super) fn new(pipeline: usize, step: f64, attacks: usize) -> Self {
        Self { pipeline, step, scores: vec![None; attacks] }
    }

    /// The least score so far, which its worst case cannot exceed.
    pub(super) fn bound(&self) -> f64 {
        let least = |score: &Score| score.unwrap_or(f64::NEG_INFINITY);
        self.scores.iter().flatten().map(least).fold(f64::INFINITY, f64::min)
    }

    /// Whether it has met every attack.
    pub(super) fn is_complete(&self) -> bool {
        self.scores.iter().all(Option::is_some)
    }
}

/// A rung: best-first search for the candidates with the largest worst cases.
#[derive(Clone, Debug)]
pub(super) struct Race {
    pub(super) entrants: Vec<Entrant>,
    /// How many go on.
    keep: usize,
    /// Whether only a pipeline's best step goes on.
    one_each: bool,
    /// Attacks, those first that are met first.
    order: Vec<usize>,
}

impl Race {
    pub(super) fn new(
        entrants: Vec<Entrant>,
        keep: usize,
        one_each: bool,
        order: Vec<usize>,
    ) -> Self {
        Self { entrants, keep, one_each, order }
    }

    /// Candidates by their bounds, best first; equal ones in the order of the list.
    fn ranking(&self) -> Vec<usize> {
        let bounds: Vec<f64> = self.entrants.iter().map(Entrant::bound).collect();
        let mut ranking: Vec<usize> = (0..bounds.len()).collect();
        // Stable, so that ties keep their order.
        ranking.sort_by(|&a, &b| bounds[b].total_cmp(&bounds[a]));
        ranking
    }

    /// The first of a ranking that go on.
    fn first(&self, ranking: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let mut first: Vec<usize> = Vec::new();
        for entrant in ranking {
            let pipeline = self.entrants[entrant].pipeline;
            let is_there = |&i: &usize| self.entrants[i].pipeline == pipeline;
            if first.len() < self.keep && !(self.one_each && first.iter().any(is_there)) {
                first.push(entrant);
            }
        }
        first
    }

    /// Who goes on, best first: whoever has met every attack before whoever has not, and nobody who has met none or diverged.
    pub(super) fn leaders(&self) -> Vec<usize> {
        let mut ranking = self.ranking();
        ranking.retain(|&i| self.entrants[i].bound().is_finite());
        ranking.sort_by_key(|&i| !self.entrants[i].is_complete());
        self.first(ranking)
    }

    /// Pairs of a candidate and an attack to run next; none when those that go on are known.
    pub(super) fn next(&self) -> Vec<(usize, usize)> {
        if self.entrants.iter().all(|e| e.scores.iter().all(Option::is_none)) {
            return self.probes();
        }
        let ranking = self.ranking();
        let ahead = self.first(ranking.iter().copied());
        let is_open = |&&i: &&usize| {
            let entrant = &self.entrants[i];
            !entrant.is_complete() && entrant.bound() > f64::NEG_INFINITY
        };
        if ahead.iter().filter(is_open).count() == 0 {
            return Vec::new();
        }
        let mut pairs = Vec::new();
        let missing = |i: usize| {
            let scores = &self.entrants[i].scores;
            self.order.iter().copied().filter(move |&a| scores[a].is_none())
        };
        // One attack for each of the best, and where few are left more for those that are ahead.
        for &i in ranking.iter().filter(is_open).take(BATCH) {
            pairs.extend(missing(i).next().map(|attack| (i, attack)));
        }
        for depth in 1..self.order.len() {
            for &i in ahead.iter().filter(is_open) {
                if pairs.len() < BATCH {
                    pairs.extend(missing(i).nth(depth).map(|attack| (i, attack)));
                }
            }
        }
        pairs
    }

    /// Candidates all over the list, under every attack.
    fn probes(&self) -> Vec<(usize, usize)> {
        let count = self.entrants.len().min(PROBES);
        let probe = |i: usize| i * self.entrants.len() / count.max(1);
        (0..count).flat_map(|i| self.order.iter().map(move |&a| (probe(i), a))).collect()
    }

    /// What came of a pair.
    pub(super) fn tell(&mut self, (entrant, attack): (usize, usize), score: Score) {
        self.entrants[entrant].scores[attack] = Some(score);
    }

    /// Orders attacks anew: each is the one that, after those before it, lowers the bounds of complete candidates most.
    pub(super) fn sort_attacks(&mut self) {
        let complete: Vec<Vec<f64>> = self
            .entrants
            .iter()
            .filter(|e| e.is_complete())
            .map(|e| e.scores.iter().map(|s| s.flatten().unwrap_or(0.0)).collect())
            .collect();
        if complete.is_empty() {
            return;
        }
        let mut bounds = vec![f64::INFINITY; complete.len()];
        let mut left = std::mem::take(&mut self.order);
        left.sort_unstable();
        while !left.is_empty() {
            let total = |attack: usize| -> f64 {
                complete.iter().zip(&bounds).map(|(scores, b)| b.min(scores[attack])).sum()
            };
            let totals: Vec<f64> = left.iter().map(|&attack| total(attack)).collect();
            let least = (0..left.len()).min_by(|&a, &b| totals[a].total_cmp(&totals[b]));
            let attack = left.remove(least.unwrap_or(0));
            for (bound, scores) in bounds.iter_mut().zip(&complete) {
                *bound = bound.min(scores[attack]);
            }
            self.order.push(attack);
        }
    }

    /// Attacks in the order in which they are met.
    pub(super) fn order(&self) -> &[usize] {
        &self.order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scores that are known in advance.
    fn truth(entrant: usize, attack: usize) -> f64 {
        let mixed = (entrant * 7919 + attack * 104_729) % 1009;
        0.2 + 0.5 * mixed as f64 / 1009.0 + 0.3 * (entrant % 50) as f64 / 50.0
    }

    fn race(entrants: usize, attacks: usize, keep: usize, one_each: bool) -> Race {
        let entrants = (0..entrants).map(|i| Entrant::new(i / 4, 1.0, attacks)).collect();
        Race::new(entrants, keep, one_each, (0..attacks).collect())
    }

    fn run(race: &mut Race) -> usize {
        let mut pairs = 0;
        loop {
            let batch = race.next();
            if batch.is_empty() {
                return pairs;
            }
            for (entrant, attack) in batch {
                assert_eq!(race.entrants[entrant].scores[attack], None, "nothing is run twice");
                race.tell((entrant, attack), Some(truth(entrant, attack)));
                pairs += 1;
            }
            race.sort_attacks();
        }
    }

    #[test]
    fn the_best_worst_cases_are_found_without_all_pairs() {
        let (entrants, attacks) = (1000, 16);
        let worst = |e: usize| (0..attacks).map(|a| truth(e, a)).fold(f64::INFINITY, f64::min);
        let mut all: Vec<usize> = (0..entrants).collect();
        all.sort_by(|&a, &b| worst(b).total_cmp(&worst(a)));
        let mut race = race(entrants, attacks, 20, false);
        let pairs = run(&mut race);
        assert_eq!(race.leaders(), all[..20]);
        assert!(pairs < entrants * attacks / 3, "{pairs}");
        // And with one step of each pipeline.
        let mut race = self::race(entrants, attacks, 20, true);
        run(&mut race);
        let mut seen = std::collections::HashSet::new();
        all.retain(|e| seen.insert(e / 4));
        assert_eq!(race.leaders(), all[..20]);
    }

    #[test]
    fn divergence_is_worst_and_who_has_met_nobody_is_not_ahead() {
        let mut race = race(3, 2, 2, false);
        race.tell((0, 0), None);
        race.tell((1, 0), Some(0.5));
        assert_eq!(race.leaders(), [1]);
        race.tell((1, 1), Some(0.4));
        race.tell((2, 1), Some(0.9));
        assert_eq!(race.leaders(), [1, 2], "what is whole goes first");
        assert_eq!(race.next(), [(2, 0)]);
    }

    #[test]
    fn attacks_that_tell_most_come_first() {
        let mut race = race(2, 3, 1, false);
        for (entrant, scores) in [[0.9, 0.1, 0.5], [0.8, 0.9, 0.2]].iter().enumerate() {
            for (attack, &score) in scores.iter().enumerate() {
                race.tell((entrant, attack), Some(score));
            }
        }
        race.sort_attacks();
        assert_eq!(race.order(), [2, 1, 0]);
    }
}
