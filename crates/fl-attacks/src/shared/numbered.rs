//! The state of attacks inside of an attack.

use fl_core::{Attack, Scalar, Visit};

/// Shows the state of a part under names of its own.
pub(crate) fn numbered<T: Scalar>(i: usize, part: &mut dyn Attack<T>, visit: &mut Visit<'_, T>) {
    part.state(&mut |name, state| visit(&format!("attack-{i}-{name}"), state));
}
