//! Numbers, packed: values in single precision, rounds that many curves share told once.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::HashMap;

/// Points of a curve that are kept at most.
pub(crate) const MOST_POINTS: usize = 500;

/// Points of a curve that are kept in any case, however many curves there are.
pub(crate) const FEWEST_POINTS: usize = 20;

/// Numbers of all curves together.
pub(crate) const ALL_POINTS: usize = 1_200_000;

/// How many points each of so many curves may have.
pub(crate) fn points_of(curves: usize) -> usize {
    (ALL_POINTS / curves.max(1)).clamp(FEWEST_POINTS, MOST_POINTS)
}

/// Of how many places one is kept, so that `longest` places become at most `most`.
pub(crate) fn stride(longest: usize, most: usize) -> usize {
    if longest <= most { 1 } else { longest.div_ceil(most - 1) }
}

/// The places that are kept of `count`: the first, every `stride`-th from there, and the last. Curves that are measured at
/// the same rounds keep the same rounds, also where one has not come to its end.
pub(crate) fn kept(count: usize, stride: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..count).step_by(stride).collect();
    if count > 0 && places.last() != Some(&(count - 1)) {
        places.push(count - 1);
    }
    places
}

/// Numbers one after the other, and lists of rounds.
#[derive(Debug, Default)]
pub(crate) struct Pack {
    singles: Vec<u8>,
    shares: Vec<u8>,
    /// Lists of rounds, each once.
    pub(crate) grids: Vec<Vec<u64>>,
    known: HashMap<Vec<u64>, usize>,
}

impl Pack {
    /// The place of a list of rounds.
    pub(crate) fn grid(&mut self, rounds: Vec<u64>) -> usize {
        if let Some(&place) = self.known.get(&rounds) {
            return place;
        }
        self.known.insert(rounds.clone(), self.grids.len());
        self.grids.push(rounds);
        self.grids.len() - 1
    }

    /// Appends numbers to seven digits; gives the place of the first.
    pub(crate) fn singles(&mut self, values: impl Iterator<Item = f64>) -> usize {
        let place = self.singles.len() / 4;
        values.for_each(|v| self.singles.extend((v as f32).to_le_bytes()));
        place
    }

    /// Appends numbers from 0 to 1 as multiples of 1/65 534; gives the place of the first.
    pub(crate) fn shares(&mut self, values: impl Iterator<Item = f64>) -> usize {
        let place = self.shares.len() / 2;
        let steps = |v: f64| {
            if v.is_finite() { (v.clamp(0.0, 1.0) * 65_534.0).round() as u16 } else { u16::MAX }
        };
        values.for_each(|v| self.shares.extend(steps(v).to_le_bytes()));
        place
    }

    /// Both lists of numbers in base 64.
    pub(crate) fn encoded(&self) -> [String; 2] {
        [&self.singles, &self.shares].map(|bytes| STANDARD.encode(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_are_thinned_evenly_and_keep_both_ends() {
        assert_eq!(kept(5, stride(5, 5)), [0, 1, 2, 3, 4]);
        assert!(kept(0, 3).is_empty());
        for (count, most) in [(6, 5), (100, 20), (4001, 500), (61, 60), (21, 20)] {
            let stride = stride(count, most);
            let places = kept(count, stride);
            assert!(places.len() <= most, "{} of {count}", places.len());
            assert!(stride > 1 && places[0] == 0 && places[places.len() - 1] == count - 1);
            // A run that is half way keeps the rounds that it will keep at its end, and its last one.
            let half = kept(count / 2, stride);
            assert!(half[..half.len() - 1].iter().all(|place| places.contains(place)));
        }
    }

    #[test]
    fn the_size_that_the_issue_names_is_not_thinned() {
        assert!(points_of(960 * 12) >= 61);
        assert_eq!(points_of(1), MOST_POINTS);
        assert_eq!(points_of(usize::MAX), FEWEST_POINTS);
    }

    #[test]
    fn numbers_come_back_as_they_were_to_seven_digits() {
        let mut pack = Pack::default();
        assert_eq!(pack.singles([0.1, f64::NAN].into_iter()), 0);
        assert_eq!(pack.singles([1e-30].into_iter()), 2);
        assert_eq!(pack.shares([0.0, 1.0, f64::NAN].into_iter()), 0);
        let [singles, shares] = pack.encoded();
        let bytes = STANDARD.decode(singles).unwrap();
        assert_eq!(f32::from_le_bytes(bytes[..4].try_into().unwrap()), 0.1);
        assert!(f32::from_le_bytes(bytes[4..8].try_into().unwrap()).is_nan());
        assert_eq!(STANDARD.decode(shares).unwrap(), [0, 0, 254, 255, 255, 255]);
        assert_eq!(pack.grid(vec![0, 5]), 0);
        assert_eq!(pack.grid(vec![0, 6]), 1);
        assert_eq!(pack.grid(vec![0, 5]), 0);
    }
}
