//! Sign majority: every worker votes for a direction in every coordinate.

use crate::shared::select::majority;
use fl_core::{ColumnRule, Rule, RuleSpec, Scalar, Shape, SpecError, Tile, spec};
use pulp::{Arch, Simd, WithSimd};

spec! {
    /// The majority of the signs of every coordinate, signSGD's vote:
    ///
    /// ```text
    /// z = sign( Σ_w sign(x_w) )  ∈ {−1, 0, 1}
    /// ```
    ///
    /// with `x_1 … x_W` the numbers of a coordinate, for each of the p coordinates, and `sign(0) = 0`.
    /// A tie is 0: the coordinate does not move. What a number is, beyond its sign, does not count.
    /// So the output is a direction without a length. The step size is the whole length of a step in each coordinate.
    ///
    /// # Requirements
    /// At least one message, and `2f < W`: more votes that are right than wrong.
    ///
    /// # Cost
    /// One pass over the messages; `O(W)` a coordinate, no distances.
    ///
    /// # Non-finite
    /// A message that is not finite has no vote: it is left out or refused by [`fl_core::Pipeline`].
    ///
    /// # Robustness
    /// No message moves a coordinate by more than 2, whatever it is. A vote is won against f Byzantine workers where regular votes
    /// for one sign lead by more than f; no (f, κ)-robustness follows, since small spreads do not make the error small.
    ///
    /// # Reference
    /// Bernstein, Zhao, Azizzadenesheli, Anandkumar, *signSGD with majority vote is communication efficient and fault tolerant*,
    /// ICLR 2019.
    ///
    /// # Example
    /// ```
    /// use fl_agg::{Messages, SignMajority, aggregate};
    ///
    /// let messages = Messages::from_rows(&[[0.1, -3.0, 1.0], [0.2, -2.0, -1.0], [-1e9, 1e9, 0.0]]);
    /// let (direction, _) = aggregate(SignMajority, &messages, 1)?;
    /// assert_eq!(direction, [1.0, -1.0, 0.0]);
    /// # Ok::<(), fl_agg::Error>(())
    /// ```
    pub struct SignMajority;
}

impl RuleSpec for SignMajority {
    fn name(&self) -> &'static str {
        "sign-majority"
    }

    fn check(&self, shape: Shape) -> Result<(), SpecError> {
        majority(self.name(), shape)
    }

    fn build(&self, shape: Shape) -> Result<Rule, SpecError> {
        self.check(shape)?;
        Ok(Rule::coordinate(Run))
    }

    fn tolerates(&self, workers: usize) -> usize {
        workers.saturating_sub(1) / 2
    }
}

#[derive(Debug)]
struct Run;

impl ColumnRule for Run {
    fn columns<T: Scalar>(&self, tile: &mut Tile<'_, T>, _: usize, out: &mut [T]) {
        Arch::new().dispatch(Vote { tile, out });
    }
}

struct Vote<'a, 't, T> {
    tile: &'a Tile<'t, T>,
    out: &'a mut [T],
}

impl<T: Scalar> WithSimd for Vote<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { tile, out } = self;
        let (whole, rest) = T::split_mut::<S>(out);
        for (k, out) in whole.iter_mut().enumerate() {
            *out = vote::<T, S>(simd, tile.rows(), |i| T::split::<S>(tile.row(i)).0[k]);
        }
        if !rest.is_empty() {
            let row = |i| T::load_partial(simd, T::split::<S>(tile.row(i)).1);
            let won = vote::<T, S>(simd, tile.rows(), row);
            T::store_partial(simd, rest, won);
        }
    }
}

#[inline(always)]
fn vote<T: Scalar, S: Simd>(
    simd: S,
    rows: usize,
    row: impl Fn(usize) -> T::Lanes<S>,
) -> T::Lanes<S> {
    let [zero, one, minus] = [T::ZERO, T::ONE, -T::ONE].map(|x| T::splat(simd, x));
    let sign = |x| {
        let if_not_above = T::select_less(simd, x, zero, minus, zero);
        T::select_less(simd, zero, x, one, if_not_above)
    };
    let mut sum = zero;
    for i in 0..rows {
        sum = T::v_add(simd, sum, sign(row(i)));
    }
    sign(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Messages, aggregate};

    #[test]
    fn ties_and_abstentions_are_zero() {
        let rows = [
            [1.0f32, -1.0, 0.0, 0.0, -0.0, 1e-45],
            [2.0, -2.0, 0.0, 3.0, -0.0, 0.0],
            [-9.0, 9.0, 0.0, -1e30, -0.0, 0.0],
            [-9.0, -9.0, 1.0, 0.0, -0.0, 0.0],
        ];
        let (out, _) = aggregate(SignMajority, &Messages::from_rows(&rows), 1).expect("valid");
        assert_eq!(out, [0.0, -1.0, 1.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn half_of_the_votes_may_not_be_byzantine() {
        let error = SignMajority.check(Shape { workers: 2, byzantine: 1 }).unwrap_err().to_string();
        assert!(error.ends_with("at least 3 (2f + 1, for f = 1 Byzantine), got 2"), "{error}");
    }
}
