//! Fang's attack on the trimmed mean: just beyond the honest messages, in every coordinate.

use crate::shared::columns;
use fl_core::{
    AlignedVec, Attack, AttackContext, AttackSpec, AttackView, Cx, Knowledge, Role, Scalar,
    SpecError, spec,
};
use rand::Rng;

spec! {
    /// Fang's attack on the trimmed mean: in every coordinate, numbers drawn uniformly from beyond all known honest ones, on
    /// the side to which the honest mean does not point.
    ///
    /// ```text
    /// μ_j > 0:  v_wj ∈ [min_j / b, min_j] if min_j > 0,  else [b min_j, min_j]
    /// μ_j ≤ 0:  v_wj ∈ [max_j, b max_j]   if max_j > 0,  else [max_j, max_j / b]
    /// ```
    ///
    /// with the extremes `min_j` and `max_j` of the known messages, and b = 2.
    ///
    /// # Requirements
    /// A finite b of at least 1.
    ///
    /// # Cost
    /// A pass over the known messages, and a draw for every number of every Byzantine row.
    ///
    /// # Randomness
    /// Worker `w` draws from the stream of (`Attack`, `w`, round), 32 bits a column.
    ///
    /// # Reference
    /// Fang, Cao, Jia, Gong, *Local model poisoning attacks to Byzantine-robust federated learning*, USENIX Security 2020.
    ///
    /// # Example
    /// ```
    /// use fl_attacks::{Attack, AttackSpec, FangTrimmedMean, Federation, AttackView, AttackContext};
    /// use fl_core::{Cx, Messages, Streams};
    ///
    /// let mut messages = Messages::from_rows(&[[2.0f32], [1.0], [0.0]]);
    /// let federation = Federation::new(3, &[2])?;
    /// let mut attack = FangTrimmedMean::default().build(&AttackContext::new(&federation, 1))?;
    /// let streams = Streams::new(0);
    /// attack.corrupt(&Cx::new(&streams, 0), &mut AttackView::new(&mut messages, &federation));
    /// assert!((0.5..=1.0).contains(&messages.row(2)[0]));
    /// # Ok::<(), fl_attacks::SpecError>(())
    /// ```
    pub struct FangTrimmedMean {
        /// b.
        pub factor: f64 = 2.0,
    }
}

impl<T: Scalar> AttackSpec<T> for FangTrimmedMean {
    fn name(&self) -> &'static str {
        "fang-trimmed-mean"
    }

    fn build(&self, context: &AttackContext<'_, T>) -> Result<Box<dyn Attack<T>>, SpecError> {
        if !(self.factor >= 1.0 && self.factor.is_finite()) {
            let error = SpecError::new("factor", "finite and at least 1", self.factor);
            return Err(error.of("fang-trimmed-mean"));
        }
        let rows = std::array::from_fn(|_| AlignedVec::zeros(context.dim));
        Ok(Box::new(Run { factor: self.factor, own: context.knowledge == Knowledge::Own, rows }))
    }
}

#[derive(Debug)]
struct Run<T> {
    factor: f64,
    own: bool,
    /// The nearer ends of the intervals, and what leads from them to the farther ones.
    rows: [AlignedVec<T>; 2],
}

impl<T: Scalar> Attack<T> for Run<T> {
    fn corrupt(&mut self, cx: &Cx<'_>, view: &mut AttackView<'_, T>) {
        if view.attackers().is_empty() {
            return;
        }
        let ([near, range], factor) = (&mut self.rows, self.factor);
        columns::each(view.known(), near, range, &mut [], |columns, near, range, _| {
            let mean = columns.mean();
            // The least and the largest of the rows so far.
            near.copy_from_slice(columns.row(0));
            range.copy_from_slice(columns.row(0));
            for i in 1..columns.count() {
                for ((low, high), &x) in near.iter_mut().zip(range.iter_mut()).zip(columns.row(i)) {
                    *low = if x < *low { x } else { *low };
                    *high = if x > *high { x } else { *high };
                }
            }
            for ((low, high), &m) in near.iter_mut().zip(range.iter_mut()).zip(&mean) {
                let (end, outwards) = if m > 0.0 {
                    (low.to_f64(), low.to_f64() < 0.0)
                } else {
                    (high.to_f64(), high.to_f64() > 0.0)
                };
                let far = if outwards { factor * end } else { end / factor };
                *low = T::from_f64(end);
                *high = T::from_f64(far - end);
            }
        });
        let (near, range) = (&*near, &*range);
        view.write(|_, worker, row| {
            let mut rng = cx.draw(Role::Attack, worker);
            for ((x, &near), &range) in row.iter_mut().zip(near.iter()).zip(range.iter()) {
                let unit = f64::from(rng.next_u32()) * (-32f64).exp2();
                *x = T::from_f64(near.to_f64() + unit * range.to_f64());
            }
        });
    }

    fn needs_true_messages(&self) -> bool {
        self.own
    }
}
