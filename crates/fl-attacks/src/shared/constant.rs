//! What attacks share that send the same number everywhere.

use fl_core::{Attack, AttackView, Cx, Scalar};

#[derive(Debug)]
pub(crate) struct Constant<T>(pub(crate) T);

impl<T: Scalar> Attack<T> for Constant<T> {
    fn corrupt(&mut self, _: &Cx<'_>, view: &mut AttackView<'_, T>) {
        let value = self.0;
        view.write(|_, _, row| row.fill(value));
    }

    fn needs_true_messages(&self) -> bool {
        false
    }
}
