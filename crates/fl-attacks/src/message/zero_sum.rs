//! Zero sum: send what cancels the regular messages.

use crate::shared::columns::scaled_mean;
use fl_core::{
    AlignedVec, Attack, AttackContext, AttackSpec, AttackView, Cx, Knowledge, Scalar, SpecError,
    spec,
};

spec! {
    /// Zero sum: the sum of all messages is zero, so that the mean is, and a server that takes it stands still.
    ///
    /// ```text
    /// v_w = −(1/B) Σ_{r regular} v_r
    /// ```
    ///
    /// An adversary that knows only its own messages takes their mean for that of the regular ones. Among several attacks B is
    /// the number of workers that play this one.
    ///
    /// # Requirements
    /// None.
    ///
    /// # Cost
    /// A pass over the known messages.
    ///
    /// # Elsewhere
    /// Byrd-SAGA and its successors call it the zero gradient attack.
    ///
    /// # Reference
    /// Wu, Ling, Chen, Giannakis, *Federated variance-reduced stochastic gradient descent with robustness to Byzantine
    /// attacks*, IEEE TSP 2020.
    ///
    /// # Example
    /// ```
    /// use fl_attacks::{Attack, AttackSpec, Federation, ZeroSum, AttackView, AttackContext};
    /// use fl_core::{Cx, Messages, Streams};
    ///
    /// let mut messages = Messages::from_rows(&[[1.0f32], [2.0], [0.0]]);
    /// let federation = Federation::new(3, &[2])?;
    /// let mut attack = ZeroSum.build(&AttackContext::new(&federation, 1))?;
    /// let streams = Streams::new(0);
    /// attack.corrupt(&Cx::new(&streams, 0), &mut AttackView::new(&mut messages, &federation));
    /// assert_eq!(messages.row(2), [-3.0]);
    /// # Ok::<(), fl_attacks::SpecError>(())
    /// ```
    pub struct ZeroSum;
}

impl<T: Scalar> AttackSpec<T> for ZeroSum {
    fn name(&self) -> &'static str {
        "zero-sum"
    }

    fn build(&self, context: &AttackContext<'_, T>) -> Result<Box<dyn Attack<T>>, SpecError> {
        let own = context.knowledge == Knowledge::Own;
        Ok(Box::new(Run { row: AlignedVec::zeros(context.dim), own }))
    }
}

#[derive(Debug)]
struct Run<T> {
    row: AlignedVec<T>,
    own: bool,
}

impl<T: Scalar> Attack<T> for Run<T> {
    fn corrupt(&mut self, _: &Cx<'_>, view: &mut AttackView<'_, T>) {
        let attackers = view.attackers().len();
        if attackers == 0 {
            return;
        }
        let factor = -(view.federation().regular().len() as f64) / attackers as f64;
        scaled_mean(view.known(), factor, &mut self.row);
        let row = &self.row;
        view.write(|_, _, out| out.copy_from_slice(row));
    }

    fn needs_true_messages(&self) -> bool {
        self.own
    }
}
