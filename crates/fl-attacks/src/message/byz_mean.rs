//! ByzMean: some send what is wanted, and the others make the mean of all messages that.

use crate::shared::columns;
use crate::shared::fixed_strength::{finite, fixed_strength};
use crate::shared::majority::formula;
use fl_core::{
    Affine, AffineMessages, AttackContext, AttackView, Cx, Knowledge, Scalar, SpecError, spec,
};

spec! {
    /// ByzMean: half of the Byzantine workers send a message that hides within the spread, and the other half what makes it the
    /// mean of all messages.
    ///
    /// ```text
    /// a = μ − z σ                                        m₁ = ⌊B/2⌋ workers
    /// b = ((W − m₁) a − Σ_{r regular} v_r) / m₂          the other m₂ = B − m₁;  so (1/W) Σ_w v_w = a
    /// ```
    ///
    /// with mean μ and standard deviation σ of the known messages, and z by ALIE's formula unless given. Where regular messages
    /// are not known, their sum is taken to be that of as many known ones. Among several attacks B is the number of workers
    /// that play this one, and W is R + B.
    ///
    /// # Requirements
    /// A finite z, or a shape for which ALIE's formula gives one.
    ///
    /// # Cost
    /// A pass over the known messages.
    ///
    /// # Memory
    /// ⌊B/2⌋ + 2 messages.
    ///
    /// # Elsewhere
    /// Its authors let a be any message, that of ALIE in their experiments. A line search finds the z that moves the
    /// actual defence most.
    ///
    /// # Reference
    /// Xu, Huang, Song, Lan, *Byzantine-robust federated learning through collaborative malicious gradient filtering*, ICDCS
    /// 2022.
    ///
    /// # Example
    /// ```
    /// use fl_attacks::{Attack, AttackContext, AttackSpec, AttackView, ByzMean, Federation};
    /// use fl_core::{Cx, Messages, Streams};
    ///
    /// let mut messages = Messages::from_rows(&[[1.0f32], [3.0], [0.0], [0.0]]);
    /// let federation = Federation::new(4, &[2, 3])?;
    /// let mut attack = ByzMean { z: Some(1.0) }.build(&AttackContext::new(&federation, 1))?;
    /// let streams = Streams::new(0);
    /// attack.corrupt(&Cx::new(&streams, 0), &mut AttackView::new(&mut messages, &federation));
    /// // 2 − 1 is wanted, and (1 + 3 + 1 − 1)/4 is the mean.
    /// assert_eq!((messages.row(2), messages.row(3)), (&[1.0][..], &[-1.0][..]));
    /// # Ok::<(), fl_attacks::SpecError>(())
    /// ```
    pub struct ByzMean {
        /// z; by ALIE's formula if left out.
        pub z: Option<f64> = None,
    }
}

impl ByzMean {
    fn aim<T: Scalar>(&self, context: &AttackContext<'_, T>) -> Result<Aim, SpecError> {
        let z = match self.z {
            Some(z) => finite("byz-mean", "z", z)?,
            None => formula("byz-mean", context.federation)?,
        };
        let own = context.knowledge == Knowledge::Own;
        Ok(Aim { z, own, directions: context.attackers.len() / 2 + 1 })
    }
}

fixed_strength!(ByzMean, "byz-mean");

#[derive(Debug)]
struct Aim {
    z: f64,
    own: bool,
    /// One for each of the first ⌊B/2⌋ attackers, and one that the others share.
    directions: usize,
}

impl<T: Scalar> Affine<T> for Aim {
    fn aim(&mut self, _: &Cx<'_>, view: &AttackView<'_, T>, affine: &mut AffineMessages<T>) -> f64 {
        let count = view.attackers().len();
        let hidden = count / 2;
        let all = view.federation().regular().len() + count;
        // b = μ − z ((W − m₁)/m₂) σ, since the regular messages sum to R μ and W − m₁ − R is m₂.
        let times = (all - hidden) as f64 / (count - hidden).max(1) as f64;
        let (base, directions) = affine.parts();
        let mut rows = directions.rows_mut();
        let Some(first) = rows.next() else { return self.z };
        columns::each(view.known(), base, first, &mut [], |columns, base, direction, _| {
            let mean = columns.mean();
            let std = columns.std(&mean, 0);
            for (k, (b, d)) in base.iter_mut().zip(direction).enumerate() {
                *b = T::from_f64(mean[k]);
                *d = T::from_f64(-std[k]);
            }
        });
        for (place, row) in (1..).zip(rows) {
            let factor = if place < hidden { T::ONE } else { T::from_f64(times) };
            row.iter_mut().zip(&*first).for_each(|(d, &f)| *d = factor * f);
        }
        if hidden == 0 {
            first.iter_mut().for_each(|d| *d = T::from_f64(times * d.to_f64()));
        }
        self.z
    }

    fn range(&self, _: f64) -> (f64, f64) {
        (0.0, 10.0)
    }

    fn directions(&self) -> usize {
        self.directions
    }

    fn needs_true_messages(&self) -> bool {
        self.own
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AttackSpec, Federation};
    use fl_core::{Messages, Streams};

    #[test]
    fn the_mean_of_all_messages_is_what_the_first_half_sends() {
        for byzantine in [&[2][..], &[0, 4], &[1, 3, 5], &[0, 1, 5, 6]] {
            let mut messages = Messages::<f64>::zeros(9, 3);
            for (w, row) in messages.rows_mut().enumerate() {
                row.iter_mut().enumerate().for_each(|(k, x)| *x = (w * w) as f64 + k as f64);
            }
            let federation = Federation::new(9, byzantine).expect("valid");
            let context = AttackContext::new(&federation, 3);
            let mut attack = ByzMean { z: Some(1.5) }.build(&context).expect("valid");
            let streams = Streams::new(0);
            let mut view = AttackView::new(&mut messages, &federation);
            attack.corrupt(&Cx::new(&streams, 0), &mut view);
            let regular: Vec<f64> =
                federation.regular().iter().map(|&w| f64::from(w * w)).collect();
            let n = regular.len() as f64;
            let mean = regular.iter().sum::<f64>() / n;
            let std = (regular.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
            for k in 0..3 {
                let wanted = mean + k as f64 - 1.5 * std;
                let all = (0..9).map(|w| messages.row(w)[k]).sum::<f64>() / 9.0;
                assert!((all - wanted).abs() < 1e-12, "{byzantine:?}");
                for &w in &byzantine[..byzantine.len() / 2] {
                    assert!((messages.row(w as usize)[k] - wanted).abs() < 1e-12);
                }
            }
        }
    }
}
