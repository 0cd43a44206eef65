//! What the paper's illustrations and its Figure 3 show, as numbers.

use crate::variation::squared_distance;
use crate::{Setting, c_alpha, outer_variation};
use fl_core::SpecError;

/// One half of Figure 1: gradients of regular workers, of Byzantine workers, and what the geometric median makes of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure1 {
    /// "gradients with large variations" or "gradients with small variations".
    pub title: &'static str,
    /// The means of the four distributions.
    pub means: Vec<[f64; 2]>,
    /// The gradients of eight regular workers, two from each distribution.
    pub regular: Vec<[f64; 2]>,
    /// What three Byzantine workers send; the same in both halves.
    pub byzantine: Vec<[f64; 2]>,
    /// z̄, the mean of the distributions' means: the true gradient.
    pub truth: [f64; 2],
    /// The geometric median of all eleven.
    pub median: [f64; 2],
}

impl Figure1 {
    /// How far the geometric median is from the true gradient.
    pub fn gap(&self) -> f64 {
        squared_distance(&self.median, &self.truth).sqrt()
    }
}

/// Figure 1: the same eight regular gradients with large and with small variations, inner and outer alike four times smaller, and three Byzantine
/// ones that stay where they are.
///
/// The paper's picture gives no numbers: eight regular workers, four distributions and the conclusion, which is computed here, are its own; the places
/// and the three Byzantine workers are ours.
///
/// ```
/// use fl_theory::figures::figure_1;
///
/// let [large, small] = figure_1();
/// assert!(small.gap() < 0.4 * large.gap());
/// ```
pub fn figure_1() -> [Figure1; 2] {
    const TRUTH: [f64; 2] = [2.0, 2.0];
    /// Of the distributions' means from the truth; they add up to nothing.
    const MEANS: [[f64; 2]; 4] = [[-2.4, 0.8], [0.4, 2.4], [2.6, -0.4], [-0.6, -2.8]];
    /// Of the two draws of each distribution from its mean.
    const DRAWS: [[[f64; 2]; 2]; 4] = [
        [[0.5, 0.9], [-0.6, -0.5]],
        [[-0.8, 0.4], [0.9, 0.3]],
        [[0.3, 0.8], [-0.4, -0.9]],
        [[-0.9, -0.2], [0.7, -0.5]],
    ];
    let half = |title, scale: f64| {
        let place = |offset: [f64; 2]| [0, 1].map(|i| TRUTH[i] + scale * offset[i]);
        let means: Vec<_> = MEANS.map(place).to_vec();
        let regular: Vec<_> = MEANS
            .iter()
            .zip(DRAWS)
            .flat_map(|(mean, draws)| draws.map(|draw| [0, 1].map(|i| mean[i] + draw[i])))
            .map(place)
            .collect();
        let byzantine = vec![[8.2, 6.4], [8.8, 7.2], [8.0, 7.4]];
        let all: Vec<_> = regular.iter().chain(&byzantine).copied().collect();
        let median = planar_median(&all);
        Figure1 { title, means, regular, byzantine, truth: TRUTH, median }
    };
    [half("gradients with large variations", 1.0), half("gradients with small variations", 0.25)]
}

/// The geometric median of some points of the plane by Weiszfeld's iteration, for points among which it is not.
fn planar_median(points: &[[f64; 2]]) -> [f64; 2] {
    let mut z = [0, 1].map(|i| points.iter().map(|p| p[i]).sum::<f64>() / points.len() as f64);
    for _ in 0..2000 {
        let mut sum = [0.0; 2];
        let mut total = 0.0;
        for point in points {
            let weight = 1.0 / squared_distance(point, &z).sqrt();
            total += weight;
            sum = [0, 1].map(|i| sum[i] + weight * point[i]);
        }
        z = sum.map(|x| x / total);
    }
    z
}

/// Figure 2: the worked example of resampling with `s = 2`.
///
/// The paper prints the variations only. With `(1/n) Σ (x − mean)²` they determine the messages up to shift and reflection: {0, 2, 4, 6, 8} true and
/// 100 malicious, dealt in the pairs (0, 2), (2, 4), (4, 6), (6, 8), (0, 100), (8, 100).
#[derive(Clone, Debug, PartialEq)]
pub struct Figure2 {
    /// The messages, the malicious one last.
    pub messages: [f64; 6],
    /// Which messages each average is made of.
    pub pairs: [[usize; 2]; 6],
    /// The averages.
    pub resampled: [f64; 6],
    /// Which averages the malicious message is in.
    pub contaminated: [bool; 6],
    /// Variation of all six messages: 3860/3.
    pub all_before: f64,
    /// Variation of all six averages: 1550/3.
    pub all_after: f64,
    /// Variation of the five true messages: 8.
    pub true_before: f64,
    /// Variation of the four uncontaminated averages: 5.
    pub true_after: f64,
}

/// Figure 2, computed.
///
/// ```
/// use fl_theory::figures::figure_2;
///
/// let example = figure_2();
/// assert_eq!(example.resampled, [1.0, 3.0, 5.0, 7.0, 50.0, 54.0]);
/// assert!((example.all_before - 3860.0 / 3.0).abs() < 1e-9);
/// assert!((example.all_after - 1550.0 / 3.0).abs() < 1e-9);
/// assert_eq!((example.true_before, example.true_after), (8.0, 5.0));
/// ```
pub fn figure_2() -> Figure2 {
    const MALICIOUS: usize = 5;
    let messages = [0.0, 2.0, 4.0, 6.0, 8.0, 100.0];
    let pairs = [[0, 1], [1, 2], [2, 3], [3, 4], [0, MALICIOUS], [4, MALICIOUS]];
    let resampled = pairs.map(|[a, b]| 0.5 * (messages[a] + messages[b]));
    let contaminated = pairs.map(|pair| pair.contains(&MALICIOUS));
    let variation = |values: &[f64]| {
        let points: Vec<[f64; 1]> = values.iter().map(|&x| [x]).collect();
        outer_variation(&points).expect("there are some, all of length 1")
    };
    Figure2 {
        messages,
        pairs,
        resampled,
        contaminated,
        all_before: variation(&messages),
        all_after: variation(&resampled),
        true_before: variation(&messages[..MALICIOUS]),
        true_after: variation(&resampled[..4]),
    }
}

/// A curve of Figure 3.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure3 {
    /// "Byrd-SAGA", or "Proposed (s = 2)" and so on.
    pub name: String,
    /// s; 1 for Byrd-SAGA.
    pub s: usize,
    /// (α, learning error without δ²) on a grid of α from 0 to below 1/2s.
    pub curve: Vec<[f64; 2]>,
    /// The same where `α = B/W` for a whole number B.
    pub whole: Vec<[f64; 2]>,
}

/// Figure 3: learning error against α for Byrd-SAGA, `C_α²`, and the proposed method, `d C_{sα}²`, δ² omitted. The paper has `W = 30`.
///
/// `sizes` are the s of the curves, 1 standing for Byrd-SAGA; the paper does not say which it drew, and tries 1 to 4 in Figure 9. Each curve has
/// `points` points, the last one just below 1/2s, where it goes to infinity.
///
/// ```
/// use fl_theory::figures::figure_3;
///
/// let curves = figure_3(30, &[1, 2, 3, 4], 200)?;
/// assert_eq!(curves[0].name, "Byrd-SAGA");
/// // Without Byzantine workers more resampling is better …
/// assert!(curves.windows(2).all(|pair| pair[1].whole[0][1] < pair[0].whole[0][1]));
/// // … and with six of thirty Byrd-SAGA has the smallest error.
/// assert!(curves[0].whole[6][1] < curves[1].whole[6][1]);
/// # Ok::<(), fl_theory::SpecError>(())
/// ```
///
/// # Errors
/// When an s is 0 or larger than W, or W or `points` is 0.
pub fn figure_3(workers: usize, sizes: &[usize], points: usize) -> Result<Vec<Figure3>, SpecError> {
    if points == 0 {
        return Err(SpecError::new("the number of points", "at least 1", 0));
    }
    sizes
        .iter()
        .map(|&s| {
            let d = Setting::new(workers, 0, s)?.d();
            let error = |alpha: f64| Ok([alpha, d * c_alpha(s as f64 * alpha)?.powi(2)]);
            let limit = 1.0 / (2 * s) as f64;
            let name = if s == 1 { "Byrd-SAGA".to_owned() } else { format!("Proposed (s = {s})") };
            let curve = (0..points).map(|i| error(limit * i as f64 / points as f64));
            let whole = (0..workers).filter(|b| 2 * s * b < workers);
            Ok(Figure3 {
                name,
                s,
                curve: curve.collect::<Result<_, SpecError>>()?,
                whole: whole
                    .map(|b| {
                        let setting = Setting::new(workers, b, s)?;
                        Ok([setting.alpha(), d * setting.c()?.powi(2)])
                    })
                    .collect::<Result<_, SpecError>>()?,
            })
        })
        .collect()
}

/// The α below which resampling with s has a smaller learning error than none, `d C_{sα}² < C_α²`: where two curves of [`figure_3`] cross.
///
/// ```
/// use fl_theory::figures::crossing;
///
/// let alpha = crossing(30, 2)?;
/// // Four Byzantine workers of thirty are on the side of resampling, five are not.
/// assert!((4.0 / 30.0..5.0 / 30.0).contains(&alpha));
/// # Ok::<(), fl_theory::SpecError>(())
/// ```
///
/// # Errors
/// When s is less than 2 or larger than W.
pub fn crossing(workers: usize, s: usize) -> Result<f64, SpecError> {
    if s < 2 {
        return Err(SpecError::new("s", "at least 2, to be compared with 1", s));
    }
    let root = Setting::new(workers, 0, s)?.d().sqrt();
    // The difference rises from below 0 to infinity.
    let (mut low, mut high) = (0.0, 1.0 / (2 * s) as f64);
    for _ in 0..60 {
        let alpha = 0.5 * (low + high);
        let better = c_alpha(s as f64 * alpha)
            .is_ok_and(|c| c_alpha(alpha).is_ok_and(|plain| root * c < plain));
        if better {
            low = alpha;
        } else {
            high = alpha;
        }
    }
    Ok(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figure_1_shows_the_geometric_median_of_what_it_shows() {
        let halves = figure_1();
        for half in &halves {
            assert_eq!((half.regular.len(), half.means.len()), (8, 4));
            let all = || half.regular.iter().chain(&half.byzantine);
            let mut pull = [0.0; 2];
            for point in all() {
                let distance = squared_distance(point, &half.median).sqrt();
                pull = [0, 1].map(|i| pull[i] + (point[i] - half.median[i]) / distance);
            }
            assert!(pull.iter().all(|x| x.abs() < 1e-9), "{pull:?}");
            for i in 0..2 {
                let mean = half.means.iter().map(|m| m[i]).sum::<f64>() / 4.0;
                assert!((mean - half.truth[i]).abs() < 1e-12);
            }
        }
        assert_eq!(halves[0].byzantine, halves[1].byzantine);
    }

    #[test]
    fn figure_3s_curves_pass_through_their_whole_numbers() {
        for curve in figure_3(30, &[1, 2, 3, 4], 300).unwrap() {
            // 300 points to 1/2s: α = B/30 is the point with the index 20 s B.
            for (b, whole) in curve.whole.iter().enumerate() {
                let point = curve.curve[20 * curve.s * b];
                assert!((point[0] - whole[0]).abs() < 1e-12);
                assert!((point[1] - whole[1]).abs() < 1e-9 * whole[1]);
            }
            assert!(curve.curve.windows(2).all(|pair| pair[0][1] < pair[1][1]));
        }
    }

    #[test]
    fn curves_cross_once_where_it_is_said() {
        let curves = figure_3(30, &[1, 2, 3, 4], 1000).unwrap();
        for curve in &curves[1..] {
            let alpha = crossing(30, curve.s).unwrap();
            for [a, error] in &curve.curve {
                let plain = c_alpha(*a).unwrap().powi(2);
                assert_eq!(*error < plain, *a < alpha, "s = {} at {a}", curve.s);
            }
        }
        assert!(crossing(30, 1).is_err() && crossing(30, 31).is_err());
        assert!(figure_3(30, &[0], 10).is_err() && figure_3(30, &[2], 0).is_err());
    }
}
