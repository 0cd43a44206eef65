//! Geometries and mixings, from the messages to what the rule sees.

use crate::round::apart::{self, Lineup};
use crate::round::{Stream, compose};
use crate::{
    Cx, Geometry, Mixing, Needs, PreAggregator, PreAggregatorSpec, RuleSpec, Scalar, Shape,
    SourceError, SpecError, room,
};
use std::sync::Arc;

/// Whether a chain can work on a shape; gives the shape that its rule sees.
pub(super) fn passes<'a>(
    specs: impl Iterator<Item = &'a dyn PreAggregatorSpec>,
    given: usize,
    rule: &dyn RuleSpec,
    shape: Shape,
) -> Result<Shape, SpecError> {
    let (mut inner, mut asked) = (shape, false);
    for (i, spec) in specs.enumerate() {
        if i == given {
            rule.check(inner)?;
            asked = true;
        }
        if rule.names_workers() && !spec.keeps_workers() {
            let allowed = "a pre-aggregator after which every message still belongs to a worker";
            return Err(SpecError::new(
                "what stands before a rule that names workers",
                allowed,
                spec.name(),
            )
            .of(rule.name()));
        }
        inner = spec.output(inner)?;
    }
    // A rule without stages of its own.
    if !asked {
        rule.check(inner)?;
    }
    Ok(inner)
}

/// Whether anything behind each stage of a chain looks at distances, and first of all whether anything does at all.
pub(super) fn looked_at<'a>(
    specs: impl DoubleEndedIterator<Item = &'a dyn PreAggregatorSpec>,
    by_rule: bool,
) -> Vec<bool> {
    let mut looked_at = vec![by_rule];
    for spec in specs.rev() {
        let behind = looked_at.last().is_some_and(|&behind| behind);
        looked_at.push(behind || spec.needs_distances());
    }
    looked_at.reverse();
    looked_at
}

/// The most messages that come out of a stage, or go into the first one.
pub(super) fn widest<'a>(
    specs: impl Iterator<Item = &'a dyn PreAggregatorSpec>,
    shape: Shape,
) -> Result<usize, SpecError> {
    let (mut widest, mut inner) = (shape.workers, shape);
    for spec in specs {
        inner = spec.output(inner)?;
        widest = widest.max(inner.workers);
    }
    Ok(widest)
}

/// Nonzeros of the product of all mixings, where a rule needs it.
fn composed(stages: usize, widest: usize, shape: Shape, needs: Needs) -> usize {
    match stages > 1 && (needs.columns || needs.sample > 0) {
        true => widest.saturating_mul(shape.workers.saturating_add(1)),
        false => 0,
    }
}

/// Bytes of what [`Chain::build`] makes.
pub(super) fn chain_bytes<'a, T: Scalar>(
    specs: impl Iterator<Item = &'a dyn PreAggregatorSpec>,
    looked_at: &[bool],
    shape: Shape,
    dim: usize,
    needs: Needs,
) -> Result<usize, SpecError> {
    // A nonzero is a number and its place.
    let mixing = |nonzeros: usize| nonzeros.saturating_mul(size_of::<f64>() + size_of::<u32>());
    let mut bytes = if looked_at[0] { Geometry::bytes::<T>(shape.workers, dim) } else { 0 };
    let (mut inner, mut widest) = (shape, shape.workers);
    for (spec, looked_at) in specs.zip(&looked_at[1..]) {
        let output = spec.output(inner)?;
        let most = inner.workers.max(output.workers);
        let mixed = if *looked_at { Geometry::mixed_bytes(most) } else { 0 };
        bytes = bytes.saturating_add(mixed).saturating_add(mixing(spec.nonzeros(inner)));
        bytes = bytes.saturating_add(spec.cost(inner).bytes);
        (inner, widest) = (output, widest.max(output.workers));
    }
    let full = mixing(composed(looked_at.len() - 1, widest, shape, needs));
    let apart = if looked_at[0] { apart::memory(widest.saturating_add(2)) } else { 0 };
    let more = full.saturating_mul(2).saturating_add(apart.saturating_mul(size_of::<f64>()));
    Ok(bytes.saturating_add(more))
}

/// Geometries and mixings, from the messages to what the rule sees.
#[derive(Debug)]
pub(super) struct Chain {
    /// Whether anything looks at the distances between messages.
    pub(super) measured: bool,
    pub(super) geometry: Geometry,
    pub(super) stages: Vec<Stage>,
    /// How many of the stages are not the rule's own.
    pub(super) given: usize,
    /// Whether every message that the rule sees is a worker's.
    pub(super) keeps_workers: bool,
    pub(super) senders: Vec<u32>,
    /// The product of all mixings, for two or more stages: it is in the first after every [`Chain::compose`].
    pub(super) composed: [Mixing; 2],
    pub(super) row: Vec<f64>,
    /// Some columns of all messages, for what cannot be computed from distances.
    pub(super) memory: Vec<f64>,
}

#[derive(Debug)]
pub(super) struct Stage {
    pub(super) spec: Arc<dyn PreAggregatorSpec>,
    pub(super) run: Box<dyn PreAggregator>,
    pub(super) mixing: Mixing,
    /// Whether anything behind this stage looks at distances.
    pub(super) measured: bool,
    pub(super) geometry: Geometry,
    pub(super) outputs: usize,
}

impl Chain {
    pub(super) fn build<T: Scalar>(
        specs: Vec<Arc<dyn PreAggregatorSpec>>,
        given: usize,
        shape: Shape,
        dim: usize,
        needs: Needs,
    ) -> Result<Self, SpecError> {
        let keeps_workers = specs.iter().all(|spec| spec.keeps_workers());
        let all = || specs.iter().map(|spec| &**spec);
        let looked_at = looked_at(all(), needs.distances);
        let measured = looked_at[0];
        // Asked before the first of them is made.
        let bytes = chain_bytes::<T>(all(), &looked_at, shape, dim, needs)?;
        room(&format!("the distances between {} messages", shape.workers), bytes)?;
        let mut stages = Vec::with_capacity(specs.len());
        let mut inner = shape;
        for (i, spec) in specs.into_iter().enumerate() {
            let output = spec.output(inner)?;
            // Where a message is lost f may shrink with W, and then more may come out than from all of them.
            let most = inner.workers.max(output.workers);
            let measured = looked_at[i + 1];
            stages.push(Stage {
                run: spec.build(inner)?,
                mixing: Mixing::with_capacity(most, spec.nonzeros(inner)),
                measured,
                geometry: match measured {
                    true => Geometry::mixed_with_capacity(most),
                    false => Geometry::without_distances(),
                },
                outputs: output.workers,
                spec,
            });
            inner = output;
        }
        let widest = stages.iter().map(|s| s.outputs).fold(shape.workers, usize::max);
        let full = composed(stages.len(), widest, shape, needs);
        Ok(Self {
            measured,
            geometry: match measured {
                true => Geometry::with_capacity::<T>(shape.workers, dim),
                false => Geometry::without_distances(),
            },
            stages,
            given,
            keeps_workers,
            senders: Vec::with_capacity(widest),
            composed: std::array::from_fn(|_| Mixing::with_capacity(widest, full)),
            row: vec![0.0; shape.workers + 1],
            memory: vec![0.0; if measured { apart::memory(widest + 2) } else { 0 }],
        })
    }

    pub(super) fn widest(&self, workers: usize) -> usize {
        self.stages.iter().map(|s| s.outputs).fold(workers, usize::max)
    }

    /// This round's mixings and geometries; gives the shape that the rule sees.
    ///
    /// Where the distances of mixed messages cannot be computed from those before, the messages are looked at again, if they
    /// are there.
    pub(super) fn mix<T: Scalar>(
        &mut self,
        cx: &Cx<'_>,
        mut shape: Shape,
        rows: &[u32],
        stream: Option<Stream<'_, T>>,
    ) -> Result<Shape, SourceError> {
        for i in 0..self.stages.len() {
            let (before, rest) = self.stages.split_at_mut(i);
            let stage = &mut rest[0];
            let geometry = before.last().map_or(&self.geometry, |s| &s.geometry);
            stage.run.mixing(cx, i, geometry, shape, &mut stage.mixing);
            let Stage { mixing, geometry: mixed, .. } = stage;
            // Who is shortened by more than this keeps no direction in squared distances.
            let lost = || mixing.has_weight_below(1.0 / geometry.farthest());
            if let Some(stream) =
                stream.filter(|_| stage.measured && (geometry.has_many_scales() || lost()))
            {
                let mixings = |k: usize| match before.get(k) {
                    Some(stage) => Some(&stage.mixing),
                    None => Some(&*mixing).filter(|_| k == i),
                };
                mixed.measure_mixed(&Lineup { stream, mixings: &mixings }, &mut self.memory)?;
            } else if stage.measured {
                geometry.mix(&stage.mixing, &mut stage.geometry);
            } else {
                stage.geometry.unmeasured(stage.mixing.outputs(), geometry.previous().is_some());
            }
            if let Ok(output) = stage.spec.output(shape) {
                shape = output;
            }
        }
        self.senders.clear();
        if self.keeps_workers {
            self.senders.extend_from_slice(rows);
        } else {
            self.senders.extend(0..shape.workers as u32);
        }
        Ok(shape)
    }

    pub(super) fn compose(&mut self) {
        let Self { stages, composed: [all, other], row, .. } = self;
        if stages.len() < 2 {
            return;
        }
        compose(&stages[1].mixing, &stages[0].mixing, row, all);
        for stage in &stages[2..] {
            compose(&stage.mixing, all, row, other);
            std::mem::swap(all, other);
        }
    }

    pub(super) fn whole(&self) -> Option<&Mixing> {
        whole(&self.stages, &self.composed)
    }

    /// The rule's weights, in the first of `mixed`, in terms of the messages.
    pub(super) fn pull_back(&self, mixed: &mut [Vec<f64>; 2], weights: &mut [f64]) {
        let extra = weights.len() - self.geometry.workers();
        for (i, stage) in self.stages.iter().enumerate().rev() {
            let [from, to] = &mut *mixed;
            let from = &from[..stage.mixing.outputs() + extra];
            if i == 0 {
                stage.mixing.pull_back(from, weights);
            } else {
                stage.mixing.pull_back(from, &mut to[..stage.mixing.inputs() + extra]);
                mixed.swap(0, 1);
            }
        }
    }
}

/// From messages to what the rule sees; `None` if these are the same.
pub(super) fn whole<'a>(stages: &'a [Stage], composed: &'a [Mixing; 2]) -> Option<&'a Mixing> {
    match stages {
        [] => None,
        [one] => Some(&one.mixing),
        _ => Some(&composed[0]),
    }
}
