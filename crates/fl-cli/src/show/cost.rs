//! What a round on the server costs, where that is long enough to be told before it starts.

use super::words::duration;
use crate::host::say;
use fl_core::{PreAggregatorSpec, RuleSpec, Shape};

/// Operations a round that nobody needs to be told of: some seconds.
const LONG: f64 = 3e9;
/// Operations a second, in order of magnitude.
const SPEED: f64 = 1e9;

/// Lines about the parts of a chain that take long for so many messages.
pub(crate) fn long_parts(
    pre: &[Box<dyn PreAggregatorSpec>],
    rule: &dyn RuleSpec,
    shape: Shape,
) -> Vec<String> {
    let mut lines = Vec::new();
    let mut tell = |name: &str, shape: Shape, operations: f64| {
        if operations > LONG {
            lines.push(format!(
                "{name} on {} messages with f = {}: up to {operations:.0e} operations a round, which take some {}",
                shape.workers,
                shape.byzantine,
                duration(operations / SPEED)
            ));
        }
    };
    let mut inner = shape;
    let own = rule.chain();
    for stage in pre.iter().chain(&own) {
        tell(stage.name(), inner, stage.cost(inner).operations);
        match stage.output(inner) {
            Ok(output) => inner = output,
            Err(_) => return lines,
        }
    }
    tell(rule.name(), inner, rule.cost(inner).operations);
    lines
}

/// The same, said as notes.
pub(crate) fn tell(lines: impl IntoIterator<Item = String>) {
    for line in lines {
        say::remark(format_args!("note: {line}"));
    }
}
