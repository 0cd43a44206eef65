//! Isolation: send what leaves one worker's message as the mean.

use crate::shared::columns;
use crate::shared::regular_worker::{regular, target};
use fl_core::{
    AlignedVec, Attack, AttackContext, AttackSpec, AttackView, Cx, Scalar, SpecError, spec,
};

spec! {
    /// Isolation: the mean of all messages is the message of one regular worker t, as if nobody else had sent any.
    ///
    /// ```text
    /// v_w = (W v_t − Σ_{r regular} v_r) / B
    /// ```
    ///
    /// Among several attacks B is the number of workers that play this one, and W is R + B.
    ///
    /// # Requirements
    /// A regular worker, by default the lowest, whose message the adversary knows.
    ///
    /// # Cost
    /// A pass over the regular messages. True messages are not needed.
    ///
    /// # Elsewhere
    /// In decentralised federations the worker is the receiving one, which then is left to itself.
    ///
    /// # Reference
    /// Wu, Chen, Ling, *Byzantine-resilient decentralized stochastic optimization with robust aggregation rules*, IEEE TSP
    /// 2023.
    ///
    /// # Example
    /// ```
    /// use fl_attacks::{Attack, AttackSpec, Federation, Isolation, AttackView, AttackContext};
    /// use fl_core::{Cx, Messages, Streams};
    ///
    /// let mut messages = Messages::from_rows(&[[1.0f32], [2.0], [0.0]]);
    /// let federation = Federation::new(3, &[2])?;
    /// let mut attack = Isolation::default().build(&AttackContext::new(&federation, 1))?;
    /// let streams = Streams::new(0);
    /// attack.corrupt(&Cx::new(&streams, 0), &mut AttackView::new(&mut messages, &federation));
    /// // (1 + 2 + 0) / 3 is what worker 0 sends.
    /// assert_eq!(messages.row(2), [0.0]);
    /// # Ok::<(), fl_attacks::SpecError>(())
    /// ```
    pub struct Isolation {
        /// t: whose message is to be the mean; the lowest regular worker if left out.
        pub worker: Option<usize> = None,
    }
}

impl<T: Scalar> AttackSpec<T> for Isolation {
    fn name(&self) -> &'static str {
        "isolation"
    }

    fn build(&self, context: &AttackContext<'_, T>) -> Result<Box<dyn Attack<T>>, SpecError> {
        regular("isolation", self.worker, context)?;
        let rows = std::array::from_fn(|_| AlignedVec::zeros(context.dim));
        Ok(Box::new(Run { worker: self.worker, rows }))
    }
}

#[derive(Debug)]
struct Run<T> {
    worker: Option<usize>,
    /// What is sent, and the regular messages' mean.
    rows: [AlignedVec<T>; 2],
}

impl<T: Scalar> Attack<T> for Run<T> {
    fn corrupt(&mut self, _: &Cx<'_>, view: &mut AttackView<'_, T>) {
        if view.attackers().is_empty() {
            return;
        }
        let [row, mean] = &mut self.rows;
        let (b, r) = (view.attackers().len() as f64, view.federation().regular().len() as f64);
        let target = view.known().messages().row(target(self.worker, view.federation()));
        columns::each(view.known(), row, mean, &mut [], |columns, row, _, _| {
            let (mean, target) = (columns.mean(), &target[columns.range.clone()]);
            for (k, x) in row.iter_mut().enumerate() {
                *x = T::from_f64(((r + b) * target[k].to_f64() - r * mean[k]) / b);
            }
        });
        view.write(|_, _, out| out.copy_from_slice(row));
    }

    fn needs_true_messages(&self) -> bool {
        false
    }
}
