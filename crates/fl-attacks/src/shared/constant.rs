//! What attacks share that send the same number everywhere.

use fl_core::{Attack, Cx, Scalar, Sight};

#[derive(Debug)]
pub(crate) struct Constant<T>(pub(crate) T);

impl<T: Scalar> Attack<T> for Constant<T> {
    fn corrupt(&mut self, _: &Cx<'_>, sight: &mut Sight<'_, T>) {
        let value = self.0;
        sight.write(|_, _, row| row.fill(value));
    }

    fn needs_true_messages(&self) -> bool {
        false
    }
}
