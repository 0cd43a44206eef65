//! What a server will hold and read, before anything large is made.

use super::apply::TileMemory;
use super::chain::{chain_bytes, looked_at, passes, widest};
use super::probe::Sample;
use crate::{Geometry, Needs, PreAggregatorSpec, Rule, RuleSpec, Scalar, Shape, SpecError, room};
use std::ops::Deref;

/// A rule with larger tables is not made to be asked what it needs, and is taken for one that looks at distances alone.
const MADE: usize = 1 << 30;

/// What a server holds and reads in rounds of a shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerCost {
    /// Bytes of all geometries, mixings, tables and tiles of columns that [`Pipeline::build`](super::Pipeline::build) makes.
    /// Vectors as long as a message are not among them.
    pub bytes: usize,
    /// Bytes that [`Pipeline::aggregate_from`](super::Pipeline::aggregate_from) may need beyond these and its tiles, where
    /// squares are summed in `f64`.
    pub streaming: usize,
    /// Whether one pass over all messages measures their distances.
    pub measures: bool,
    /// Whether distances and norms are all that the rule looks at: its weights on any points with these are the same.
    pub geometric: bool,
    /// Whether another one looks at all columns for the rule, before the output is formed.
    pub looks: bool,
}

/// What a chain and a rule cost; nothing large is made to find out.
///
/// # Errors
/// As [`Pipeline::build`](super::Pipeline::build), where a part cannot work with this shape.
pub fn server_cost<T: Scalar>(
    pre: &[impl Deref<Target = dyn PreAggregatorSpec>],
    rule: &dyn RuleSpec,
    shape: Shape,
    dim: usize,
) -> Result<ServerCost, SpecError> {
    let own = rule.chain();
    let specs = || pre.iter().map(|spec| &**spec).chain(own.iter().map(|spec| &**spec));
    let inner = passes(specs(), pre.len(), rule, shape)?;
    let tables = rule.cost(inner).bytes;
    let made = tables <= MADE && room(rule.name(), tables).is_ok();
    let (needs, sums) = match made {
        false => (Needs::default(), true),
        true => match rule.build(inner)? {
            Rule::Geometric(rule) => (rule.needs(), true),
            Rule::Coordinate(_) => {
                (Needs { distances: false, columns: true, ..Needs::default() }, false)
            }
        },
    };
    let looked_at = looked_at(specs(), needs.distances);
    let mut bytes =
        chain_bytes::<T>(specs(), &looked_at, shape, dim, needs)?.saturating_add(tables);
    if needs.columns {
        let (rows, mixed) = (widest(specs(), shape)?, specs().next().is_some());
        bytes = bytes.saturating_add(TileMemory::<T>::bytes(rows, mixed, sums));
    }
    if needs.sample > 0 {
        bytes = bytes.saturating_add(Sample::<T>::bytes(shape.workers, needs.sample.min(dim)));
    }
    let measures = looked_at[0];
    let streaming = if measures { Geometry::streaming_bytes::<T>(shape.workers, dim) } else { 0 };
    let geometric = sums && !needs.columns && needs.sample == 0;
    Ok(ServerCost { bytes, streaming, measures, geometric, looks: sums && needs.columns })
}
