//! The central node: geometry, chain of pre-aggregators, rule, combination.
//!
//! ```text
//! messages ─► Geometry ─► [PreAggregator: Geometry → Mixing]* ─┬─► GeometricRule → weights ─► combine ─► out
//!                                                              └─► CoordinateRule on mixed tiles ──────► out
//! ```

use super::apply::TileMemory;
use super::chain::{Chain, passes};
use super::output::Output;
use super::probe::Sample;
use super::report::{NonFinite, Report};
use crate::round::{Tiles, retain_finite};
use crate::{
    AggregateError, AlignedVec, Cx, Geometry, MessagesRef, Mixing, Needs, Part, PreAggregatorSpec,
    Rule, RuleSpec, Scalar, Shape, Sink, Source, SpecError, Visit, room,
};
use std::sync::Arc;

/// A server's whole computation with all its memory: after `build`, a round allocates nothing.
#[derive(Debug)]
pub struct Pipeline<T> {
    pub(super) shape: Shape,
    pub(super) dim: usize,
    pub(super) policy: NonFinite,
    pub(super) rule: Rule,
    pub(super) needs: Needs,
    pub(super) spec: Arc<dyn RuleSpec>,
    pub(super) chain: Chain,
    /// The workers whose messages arrived, and of these the finite messages'.
    pub(super) present: Vec<u32>,
    pub(super) rows: Vec<u32>,
    /// Who was left out, and the first number that was not finite.
    dropped: Vec<(u32, usize)>,
    /// On the finite messages, the origin and the previous output.
    pub(super) weights: Vec<f64>,
    pub(super) weights_by_worker: Vec<f64>,
    pub(super) products: Vec<f64>,
    /// The rule's weights on what it sees, and room to carry them back.
    pub(super) mixed: [Vec<f64>; 2],
    pub(super) tiles: Option<TileMemory<T>>,
    pub(super) sample: Option<Sample<T>>,
    pub(super) previous: Option<AlignedVec<T>>,
}

impl<T: Scalar> Pipeline<T> {
    /// Checks a chain for a shape and makes its memory: `O(W²)` numbers, the partial sums of the distances, and for rules
    /// that look at columns a tile of them for each thread of the current pool.
    ///
    /// The rule is checked against what the pre-aggregators leave: (W, f) → (W', f').
    ///
    /// # Errors
    /// The first part of the chain that cannot work, in its own words.
    pub fn build(
        pre: Vec<Box<dyn PreAggregatorSpec>>,
        rule: Box<dyn RuleSpec>,
        shape: Shape,
        dim: usize,
    ) -> Result<Self, SpecError> {
        let pre: Vec<Arc<dyn PreAggregatorSpec>> = pre.into_iter().map(Arc::from).collect();
        Self::of(&pre, &Arc::from(rule), shape, dim)
    }

    /// [`Pipeline::build`] for single rounds of long messages: a rule with memory keeps none, and the origin stands for its
    /// last output in every round. Nothing as long as a message is made.
    ///
    /// # Errors
    /// As [`Pipeline::build`].
    pub fn without_memory(
        pre: &[Arc<dyn PreAggregatorSpec>],
        rule: &Arc<dyn RuleSpec>,
        shape: Shape,
        dim: usize,
    ) -> Result<Self, SpecError> {
        Self::of_kind(pre, rule, shape, dim, false)
    }

    /// [`Pipeline::build`] of specs that others share.
    ///
    /// # Errors
    /// As [`Pipeline::build`].
    pub fn of(
        pre: &[Arc<dyn PreAggregatorSpec>],
        rule: &Arc<dyn RuleSpec>,
        shape: Shape,
        dim: usize,
    ) -> Result<Self, SpecError> {
        Self::of_kind(pre, rule, shape, dim, true)
    }

    fn of_kind(
        pre: &[Arc<dyn PreAggregatorSpec>],
        rule: &Arc<dyn RuleSpec>,
        shape: Shape,
        dim: usize,
        remembers: bool,
    ) -> Result<Self, SpecError> {
        for (what, count) in [("workers", shape.workers), ("the length of a message", dim)] {
            if count == 0 {
                return Err(SpecError::new(what, "at least 1", 0));
            }
        }
        let own = rule.chain().into_iter().map(Arc::from);
        let specs = pre.iter().cloned().chain(own).collect();
        Self::from_specs(specs, pre.len(), Arc::clone(rule), shape, dim, remembers)
    }

    /// Another pipeline of the same specs and for the same shape, with memory of its own: what an attack rehearses against.
    /// A rule with memory starts afresh in it ([`Pipeline::restore`]).
    ///
    /// # Errors
    /// None, since the first one could be built.
    pub fn twin(&self) -> Result<Self, SpecError> {
        let specs = self.chain.stages.iter().map(|stage| Arc::clone(&stage.spec)).collect();
        let rule = Arc::clone(&self.spec);
        let twin = Self::from_specs(specs, self.chain.given, rule, self.shape, self.dim, true)?;
        Ok(twin.with_policy(self.policy))
    }

    /// The first `given` of the pre-aggregators are not the rule's own.
    fn from_specs(
        specs: Vec<Arc<dyn PreAggregatorSpec>>,
        given: usize,
        rule: Arc<dyn RuleSpec>,
        shape: Shape,
        dim: usize,
        remembers: bool,
    ) -> Result<Self, SpecError> {
        let inner = passes(specs.iter().map(|spec| &**spec), given, &*rule, shape)?;
        let tables = format!("{}'s tables of {} messages", rule.name(), inner.workers);
        room(&tables, rule.cost(inner).bytes)?;
        let run = rule.build(inner)?;
        let needs = match &run {
            Rule::Geometric(rule) => rule.needs(),
            Rule::Coordinate(_) => Needs { distances: false, columns: true, ..Needs::default() },
        };
        let chain = Chain::build::<T>(specs, given, shape, dim, needs)?;
        let widest = chain.widest(shape.workers);
        let (mixed, sums) = (!chain.stages.is_empty(), matches!(run, Rule::Geometric(_)));
        Ok(Self {
            shape,
            dim,
            policy: NonFinite::default(),
            rule: run,
            needs,
            spec: rule,
            chain,
            present: Vec::with_capacity(shape.workers),
            rows: Vec::with_capacity(shape.workers),
            dropped: Vec::with_capacity(shape.workers),
            weights: vec![0.0; shape.workers + 2],
            weights_by_worker: vec![0.0; shape.workers],
            products: vec![0.0; shape.workers + 2],
            mixed: std::array::from_fn(|_| vec![0.0; widest + 2]),
            tiles: needs.columns.then(|| TileMemory::new(widest, mixed, sums)),
            sample: (needs.sample > 0).then(|| Sample::new(shape.workers, needs.sample.min(dim))),
            previous: needs.previous.then(|| AlignedVec::zeros(if remembers { dim } else { 0 })),
        })
    }

    /// Chooses what happens to messages that are not finite.
    #[must_use]
    pub fn with_policy(mut self, policy: NonFinite) -> Self {
        self.policy = policy;
        self
    }

    /// Aggregates a round's messages into `out`.
    ///
    /// Cost: two passes over the messages, whatever the chain, and `O(W²)` a step in between; one pass for a rule that
    /// looks at columns, or does not look at all, behind pre-aggregators that look at no distances.
    ///
    /// # Errors
    /// When the shape differs from `build`'s, when a message is not finite under [`NonFinite::Error`], when too few are left
    /// otherwise, and when the round is interrupted. What is in `out` then is of no use, and a rule with memory has not moved.
    pub fn aggregate(
        &mut self,
        cx: &Cx<'_>,
        messages: MessagesRef<'_, T>,
        out: &mut [T],
    ) -> Result<Report, AggregateError> {
        self.present.clear();
        self.present.extend(0..self.shape.workers as u32);
        self.aggregate_arrived(cx, &messages, &Tiles::none(), Output::Slice(out))
    }

    /// The same for the messages of some workers, those listed in rising order; the rows of others are not looked at.
    ///
    /// W is then the number of those workers, and f as large as before, or that number less 1: whoever is absent may have
    /// been regular. Messages that are not finite are left out and counted as in [`Pipeline::aggregate`].
    ///
    /// # Errors
    /// As [`Pipeline::aggregate`], where `build` has checked that all messages suffice, and nobody that some do
    /// ([`Pipeline::check`]).
    ///
    /// # Panics
    /// When `present` does not rise, or names no worker.
    pub fn aggregate_present(
        &mut self,
        cx: &Cx<'_>,
        messages: MessagesRef<'_, T>,
        present: &[u32],
        out: &mut [T],
    ) -> Result<Report, AggregateError> {
        assert!(present.is_sorted_by(|a, b| a < b), "workers must rise");
        assert!(
            present.last().is_none_or(|&w| (w as usize) < self.shape.workers),
            "no such worker"
        );
        self.present.clear();
        self.present.extend_from_slice(present);
        self.aggregate_arrived(cx, &messages, &Tiles::none(), Output::Slice(out))
    }

    /// [`Pipeline::aggregate`] of messages from anywhere, a tile of columns at a time, into a sink: the same bits as of the
    /// messages in memory, whatever `memory` and the number of threads are.
    ///
    /// `memory` is how many bytes all tiles together may take; at least
    /// [`least_tile_bytes`](crate::least_tile_bytes) are taken. The pipeline itself has what [`server_cost`](crate::server_cost) says.
    ///
    /// The memory of a rule that has one is used and stays as it is.
    ///
    /// Cost: the passes of [`Pipeline::aggregate`]. Of messages without a weight the second pass reads nothing. A message
    /// that is not finite costs another look at it, and the first pass again.
    ///
    /// # Errors
    /// As [`Pipeline::aggregate`], and the source's and the sink's own. What the sink has then is of no use.
    pub fn aggregate_from(
        &mut self,
        cx: &Cx<'_>,
        source: &dyn Source<T>,
        sink: &dyn Sink<T>,
        memory: usize,
    ) -> Result<Report, AggregateError> {
        self.present.clear();
        self.present.extend(0..self.shape.workers as u32);
        let tiles = Tiles::within(memory, self.shape.workers, self.dim);
        self.aggregate_arrived(cx, source, &tiles, Output::Sink(sink))
    }

    /// Whether the chain could work on another number of messages.
    ///
    /// # Errors
    /// The first part of it that could not, in its own words.
    pub fn check(&self, shape: Shape) -> Result<(), SpecError> {
        let stages = self.chain.stages.iter().map(|stage| &*stage.spec);
        passes(stages, self.chain.given, &*self.spec, shape).map(|_| ())
    }

    fn aggregate_arrived(
        &mut self,
        cx: &Cx<'_>,
        source: &dyn Source<T>,
        tiles: &Tiles<T>,
        mut out: Output<'_, T>,
    ) -> Result<Report, AggregateError> {
        let into = if let Output::Slice(out) = &out { out.len() } else { self.dim };
        let arrived = (source.workers(), source.dim(), into);
        if arrived != (self.shape.workers, self.dim, self.dim) {
            return Err(AggregateError::Shape {
                expected: format!("{} messages of {} numbers", self.shape.workers, self.dim),
                got: format!("{} of {} into {}", arrived.0, arrived.1, arrived.2),
            });
        }
        self.dropped.clear();
        self.rows.clear();
        self.rows.extend_from_slice(&self.present);
        if self.rows.is_empty() {
            let used = self.what_is_left()?;
            return Ok(Report { dropped: 0, used, certificate: None });
        }
        let left = loop {
            if self.chain.measured {
                let drop = &mut |worker, column| self.dropped.push((worker, column));
                let (rows, previous) = (&mut self.rows, self.previous.as_deref());
                self.chain.geometry.measure_stream(source, tiles, rows, previous, drop)?;
            } else {
                self.chain.geometry.unmeasured(self.rows.len(), self.needs.previous);
            }
            let left = self.what_is_left()?;
            if self.decide(cx, left, source, tiles, &mut out)? || self.chain.measured {
                break left;
            }
            // Without distances nothing has looked at the messages before; only now is it known that some are not finite.
            let drop = &mut |worker, column| self.dropped.push((worker, column));
            retain_finite(source, tiles, &mut self.rows, |_| true, drop)?;
            if self.rows.len() == left.workers {
                break left;
            }
        };
        self.weights_by_worker.fill(0.0);
        for (&row, &w) in self.rows.iter().zip(&self.weights) {
            self.weights_by_worker[row as usize] = w;
        }
        let certificate = self.certificate(source, tiles, &out)?;
        // What an interrupted rule has left means nothing.
        if cx.is_interrupted() {
            return Err(AggregateError::Interrupted);
        }
        if let (Some(previous), Output::Slice(out)) = (&mut self.previous, out)
            && previous.len() == out.len()
        {
            previous.copy_from_slice(out);
        }
        Ok(Report { dropped: self.present.len() - left.workers, used: left, certificate })
    }

    /// The workers that were left out of the last round, and for each the first of its numbers that is not finite.
    pub fn dropped(&self) -> &[(u32, usize)] {
        &self.dropped
    }

    /// The weight of each worker's message in the last output, 0 for a dropped or absent one; `None` for a coordinate-wise rule,
    /// which weighs messages differently in every coordinate.
    ///
    /// They sum to 1 unless the rule also put weight on the origin or on its previous output.
    pub fn weights(&self) -> Option<&[f64]> {
        matches!(self.rule, Rule::Geometric(_)).then_some(&self.weights_by_worker)
    }

    /// The geometry of the last round's finite messages; `None` where nothing in the chain looks at distances, so that none
    /// are measured.
    pub fn geometry(&self) -> Option<&Geometry> {
        self.chain.measured.then_some(&self.chain.geometry)
    }

    /// The last round's mixings, in the order of the chain.
    pub fn mixings(&self) -> impl Iterator<Item = &Mixing> {
        self.chain.stages.iter().map(|stage| &stage.mixing)
    }

    /// The workers whose messages arrived and were finite in the last round, which are the inputs of the first mixing.
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// All that a rule with memory keeps from round to round: its last output, zeros at first.
    pub fn memory(&self) -> Option<&[T]> {
        self.previous.as_deref()
    }

    /// Takes up where a pipeline with this memory left off.
    ///
    /// # Panics
    /// When the rule has no memory, or `memory` is not as long as a message.
    pub fn restore(&mut self, memory: &[T]) {
        self.previous.as_mut().expect("a rule with memory").copy_from_slice(memory);
    }

    /// Shows what [`Pipeline::memory`] holds, to be saved or replaced.
    pub fn state(&mut self, visit: &mut Visit<'_, T>) {
        if let Some(previous) = &mut self.previous {
            visit("previous", Part::Vector(previous));
        }
    }

    /// Whether weights follow from the geometry alone, so that [`Pipeline::weights_on`] can be asked.
    pub(crate) fn is_geometric(&self) -> bool {
        matches!(self.rule, Rule::Geometric(_)) && !self.needs.columns && self.needs.sample == 0
    }

    /// Whether the rule's own last output is a point of the geometry.
    pub(crate) fn has_memory(&self) -> bool {
        self.previous.is_some()
    }

    /// The weights that [`Pipeline::aggregate`] would put on messages of this geometry, with the round's own draws. Nothing is
    /// remembered.
    pub(crate) fn weights_on(
        &mut self,
        cx: &Cx<'_>,
        geometry: &mut Geometry,
    ) -> Result<&[f64], AggregateError> {
        std::mem::swap(&mut self.chain.geometry, geometry);
        self.rows.clear();
        self.rows.extend(0..self.shape.workers as u32);
        let inner = self.chain.mix::<T>(cx, self.shape, &self.rows, None);
        let result = inner.map_err(AggregateError::from).and_then(|inner| self.weigh(cx, inner));
        std::mem::swap(&mut self.chain.geometry, geometry);
        result?;
        Ok(&self.weights[..geometry.points()])
    }
}
