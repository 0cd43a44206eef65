//! Which samples a batch consists of.

use fl_core::{Scalar, Stream, choice, streams};

choice! {
    /// How the b samples of a batch are drawn from a worker's J, by name.
    ///
    /// Projects mean different things by "a batch", and their messages vary differently. With the variation
    /// `V = (1/J) Σ_j ‖c_j − c̄‖²` of whatever is averaged over a batch:
    ///
    /// | name | draw | `E‖(1/b) Σ_{j∈I} c_j − c̄‖²` | |
    /// |---|---|---|---|
    /// | `distinct` | every subset of b samples equally likely | `(J − b)/(b (J − 1)) · V` | unbiased |
    /// | `repeated` | b independent draws | `V / b` | unbiased |
    /// | `window` | a uniform start, b neighbours in the worker's list, from its end back to its beginning | depends on the order of the list | unbiased |
    /// | `window-cut` | the same, cut off at the end of the list, and still divided by b | depends on the order of the list | **biased** |
    ///
    /// A sample that is drawn twice counts twice in a message and once in the mean of a table.
    ///
    /// `window-cut` is how batches are drawn in public code of the paper's first author (repository BRAVO). There sample j,
    /// from 0, is in a batch with probability `min(j + 1, b)/J` instead of `b/J`, so the first b − 1 samples count for less and
    /// the whole message is too short by `(b − 1)/(2 J)` on average. It is here for comparison; prefer `window`.
    pub enum Sampling {
        /// b different samples, every subset equally likely.
        Distinct,
        /// b independent draws: a sample may come more than once.
        Repeated,
        /// b neighbours from a uniform start, wrapping around.
        Window,
        /// b neighbours from a uniform start, fewer at the end of the list. Biased.
        WindowCut,
    }
}

/// Stands where a window was cut off.
pub(crate) const NONE: u32 = u32::MAX;

impl Sampling {
    /// Whether each sample is equally likely to be drawn, so that a batch's mean is unbiased.
    pub fn is_unbiased(self) -> bool {
        self != Self::WindowCut
    }

    /// Draws places below `samples`; where a window is cut off, the rest is [`NONE`].
    pub(crate) fn draw(self, rng: &mut Stream, samples: u32, places: &mut [u32]) {
        match self {
            Self::Distinct => streams::distinct(rng, samples, places),
            Self::Repeated => places.fill_with(|| streams::below(rng, samples)),
            Self::Window | Self::WindowCut => {
                let start = streams::below(rng, samples);
                for (i, place) in places.iter_mut().enumerate() {
                    let at = u64::from(start) + i as u64;
                    *place = match self {
                        _ if at < u64::from(samples) => at as u32,
                        Self::Window => (at - u64::from(samples)) as u32,
                        _ => NONE,
                    };
                }
            }
        }
    }
}

/// How many of some drawn places are there.
pub(crate) fn drawn(places: &[u32]) -> usize {
    // A window starts somewhere, so the last place decides in all cases but those of a window that was cut off.
    match places.last() {
        Some(&NONE) => places.iter().take_while(|&&place| place != NONE).count(),
        _ => places.len(),
    }
}

/// Numbers that [`merge`] needs.
pub(crate) fn repetitions(sampling: Sampling, b: usize) -> usize {
    if sampling == Sampling::Repeated { b } else { 0 }
}

/// Moves the different ones of some places to the front, in the order in which they came first; `more` says how often
/// each came again. Cost: b²/2 comparisons.
pub(crate) fn merge<T: Scalar>(places: &mut [u32], more: &mut [T]) -> usize {
    let mut different = 0;
    for i in 0..places.len() {
        let place = places[i];
        match places[..different].iter().position(|&p| p == place) {
            Some(known) => more[known] += T::ONE,
            None => {
                places[different] = place;
                more[different] = T::ZERO;
                different += 1;
            }
        }
    }
    different
}

#[cfg(test)]
mod tests {
    use super::*;
    use fl_core::{Role, Streams};

    fn draws(sampling: Sampling, samples: u32, b: usize, times: u64) -> Vec<Vec<u32>> {
        let streams = Streams::new(3);
        let draw = |round| {
            let mut places = vec![0; b];
            sampling.draw(&mut streams.at(Role::Batch, 0, round), samples, &mut places);
            places.truncate(drawn(&places));
            places
        };
        (0..times).map(draw).collect()
    }

    /// How often each sample is drawn, over J equally likely starts or many draws.
    fn frequencies(sampling: Sampling) -> Vec<f64> {
        let mut counts = [0.0; 5];
        let all = draws(sampling, 5, 3, 100_000);
        for &place in all.iter().flatten() {
            counts[place as usize] += 1.0;
        }
        counts.iter().map(|c| c / all.len() as f64).collect()
    }

    #[test]
    fn every_sample_is_equally_likely_but_in_windows_that_are_cut_off() {
        for sampling in [Sampling::Distinct, Sampling::Repeated, Sampling::Window] {
            assert!(sampling.is_unbiased());
            let found = frequencies(sampling);
            assert!(found.iter().all(|f| (f - 0.6).abs() < 0.01), "{sampling:?}: {found:?}");
        }
        let found = frequencies(Sampling::WindowCut);
        for (f, expected) in found.iter().zip([0.2, 0.4, 0.6, 0.6, 0.6]) {
            assert!((f - expected).abs() < 0.01, "{found:?}");
        }
        assert!(!Sampling::WindowCut.is_unbiased());
    }

    #[test]
    fn windows_are_neighbours_and_repeated_draws_repeat() {
        for places in draws(Sampling::Window, 5, 3, 100) {
            assert!(places.windows(2).all(|w| (w[0] + 1) % 5 == w[1]), "{places:?}");
        }
        let cut = draws(Sampling::WindowCut, 5, 3, 1000);
        assert!(cut.iter().all(|p| p.windows(2).all(|w| w[0] + 1 == w[1]) && !p.is_empty()));
        assert!(cut.iter().any(|p| p[..] == [4]) && cut.iter().any(|p| p[..] == [3, 4]));
        assert!(draws(Sampling::Repeated, 5, 3, 100).iter().any(|p| p[0] == p[1]));
    }

    #[test]
    fn repeated_places_are_merged_in_order() {
        let (mut places, mut more) = ([4, 1, 4, 4, 1, 0], [9.0; 6]);
        assert_eq!(merge(&mut places, &mut more), 3);
        assert_eq!((&places[..3], &more[..3]), (&[4, 1, 0][..], &[2.0, 1.0, 0.0][..]));
    }
}
