//! Mixing: the linear maps `W → W'` that pre-aggregators choose.

/// Affine combinations `ṽ_a = Σ_i S_ai v_i`, one a row, each row of `S` summing to 1; stored by their nonzeros.
///
/// Nothing of size `W × p` is written when a mixing is applied: a geometry is mixed on distances
/// ([`crate::Geometry::mix`]), and the weights that a rule puts on mixed messages are pulled back to the messages that
/// arrived ([`Mixing::pull_back`]).
///
/// A row may put weight on the origin too, as point `inputs` behind the messages: that is how clipping shortens a message.
#[derive(Clone, Debug, Default)]
pub struct Mixing {
    inputs: usize,
    starts: Vec<u32>,
    indices: Vec<u32>,
    weights: Vec<f64>,
}

impl Mixing {
    /// An empty mixing with room for `outputs` rows of `nonzeros` entries in all.
    pub fn with_capacity(outputs: usize, nonzeros: usize) -> Self {
        let mut starts = Vec::with_capacity(outputs + 1);
        starts.push(0);
        Self {
            inputs: 0,
            starts,
            indices: Vec::with_capacity(nonzeros),
            weights: Vec::with_capacity(nonzeros),
        }
    }

    /// Forgets all rows; the next ones combine `inputs` messages.
    pub fn clear(&mut self, inputs: usize) {
        self.inputs = inputs;
        self.starts.clear();
        self.starts.push(0);
        self.indices.clear();
        self.weights.clear();
    }

    /// Adds a row that averages `picks`, a message picked twice counting twice.
    ///
    /// # Panics
    /// When `picks` is empty or one is no input.
    pub fn push_average(&mut self, picks: &mut [u32]) {
        assert!(!picks.is_empty());
        picks.sort_unstable();
        let share = 1.0 / picks.len() as f64;
        let begin = self.indices.len();
        for &pick in picks.iter() {
            assert!((pick as usize) < self.inputs, "message {pick} of {}", self.inputs);
            if self.indices.len() > begin && self.indices.last() == Some(&pick) {
                *self.weights.last_mut().expect("as long as indices") += share;
            } else {
                self.indices.push(pick);
                self.weights.push(share);
            }
        }
        self.starts.push(self.indices.len() as u32);
    }

    /// Adds a row of given weights, which should sum to 1. `points` must rise; the origin is point `inputs`.
    ///
    /// # Panics
    /// When there are not as many points as weights, or they do not rise, or one is beyond the origin.
    pub fn push_row(&mut self, points: &[u32], weights: &[f64]) {
        assert_eq!(points.len(), weights.len());
        assert!(points.is_sorted_by(|a, b| a < b), "points must rise: {points:?}");
        assert!(points.last().is_none_or(|&last| last as usize <= self.inputs));
        self.indices.extend_from_slice(points);
        self.weights.extend_from_slice(weights);
        self.starts.push(self.indices.len() as u32);
    }

    /// Number of messages that go in.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Number of messages that come out.
    pub fn outputs(&self) -> usize {
        self.starts.len() - 1
    }

    /// The nonzeros of row `a`: indices in rising order, and their weights.
    pub fn row(&self, a: usize) -> (&[u32], &[f64]) {
        let range = self.starts[a] as usize..self.starts[a + 1] as usize;
        (&self.indices[range.clone()], &self.weights[range])
    }

    /// Whether a weight on a message, and not on the origin, is smaller than this.
    pub(crate) fn has_weight_below(&self, smallest: f64) -> bool {
        let mut entries = self.indices.iter().zip(&self.weights);
        entries.any(|(&i, w)| (i as usize) < self.inputs && w.abs() < smallest)
    }

    /// `c = Sᵀ c̃`: the weights on the inputs that amount to the weights `mixed` on the outputs.
    ///
    /// Behind the messages both have the points that are never mixed: the origin, and perhaps the previous output.
    pub fn pull_back(&self, mixed: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        for (o, &w) in out[self.inputs..].iter_mut().zip(&mixed[self.outputs()..]) {
            *o = w;
        }
        for (a, &w) in mixed[..self.outputs()].iter().enumerate() {
            let (indices, weights) = self.row(a);
            for (&i, &s) in indices.iter().zip(weights) {
                out[i as usize] += w * s;
            }
        }
    }
}

/// Writes `outer · inner`: the rows of `outer`, whose inputs are the outputs of `inner`, in terms of the inputs of `inner`.
///
/// `row` is scratch memory, as long as the inputs and the origin.
pub(crate) fn compose(outer: &Mixing, inner: &Mixing, row: &mut [f64], out: &mut Mixing) {
    let origin = inner.inputs;
    let row = &mut row[..=origin];
    out.clear(inner.inputs);
    for a in 0..outer.outputs() {
        row.fill(0.0);
        let (points, weights) = outer.row(a);
        for (&point, &w) in points.iter().zip(weights) {
            if point as usize == outer.inputs {
                row[origin] += w;
                continue;
            }
            let (points, weights) = inner.row(point as usize);
            for (&i, &v) in points.iter().zip(weights) {
                row[i as usize] += w * v;
            }
        }
        for (i, &w) in row.iter().enumerate() {
            if w != 0.0 {
                out.indices.push(i as u32);
                out.weights.push(w);
            }
        }
        out.starts.push(out.indices.len() as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_picked_twice_counts_twice() {
        let mut mixing = Mixing::with_capacity(2, 4);
        mixing.clear(3);
        mixing.push_average(&mut [2, 2]);
        mixing.push_average(&mut [2, 0]);
        assert_eq!(mixing.row(0), (&[2u32][..], &[1.0][..]));
        assert_eq!(mixing.row(1), (&[0u32, 2][..], &[0.5, 0.5][..]));
        let mut c = [0.0; 3];
        mixing.pull_back(&[0.25, 0.75], &mut c);
        assert_eq!(c, [0.375, 0.0, 0.625]);
    }

    #[test]
    fn the_origin_takes_part_and_passes_unmixed() {
        let mut halves = Mixing::with_capacity(2, 4);
        halves.clear(2);
        halves.push_row(&[0, 2], &[0.5, 0.5]);
        halves.push_row(&[1], &[1.0]);
        // Weights on the two outputs, the origin, and the previous output.
        let mut c = [f64::NAN; 4];
        halves.pull_back(&[0.4, 0.3, 0.2, 0.1], &mut c);
        assert_eq!(c, [0.2, 0.3, 0.4, 0.1]);

        let mut average = Mixing::with_capacity(1, 2);
        average.clear(2);
        average.push_average(&mut [0, 1]);
        let mut both = Mixing::with_capacity(1, 3);
        compose(&average, &halves, &mut [0.0; 3], &mut both);
        assert_eq!(both.row(0), (&[0u32, 1, 2][..], &[0.25, 0.5, 0.25][..]));
    }
}
