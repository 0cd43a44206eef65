//! The central node: geometry, chain of pre-aggregators, rule, combination.
//!
//! ```text
//! messages ─► Geometry ─► [PreAggregator: Geometry → Mixing]* ─┬─► GeometricRule → weights ─► combine ─► out
//!                                                              └─► CoordinateRule on mixed tiles ──────► out
//! ```

use crate::apart::{self, Lineup};
use crate::combine::{combine, largest, rounding};
use crate::distances::Points;
use crate::mixing::compose;
use crate::tile::{Source, TileMemory};
use crate::{
    AggregateError, AlignedVec, Certificate, CoordinateRule, Cx, Geometry, Inputs, MessagesRef,
    Mixing, Needs, Part, PreAggregator, PreAggregatorSpec, Probe, Rule, RuleSpec, Scalar, Shape,
    SpecError, Visit, room,
};
use std::sync::Arc;

/// What to do with a message that holds NaN or infinity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NonFinite {
    /// Leave its sender out of the round: W shrinks by one, and f by one while it is positive.
    #[default]
    Drop,
    /// Refuse the round.
    Error,
}

/// What happened in an aggregation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report {
    /// Messages left out because they were not finite.
    pub dropped: usize,
    /// What the rule's solver certifies, if it has one.
    pub certificate: Option<Certificate>,
}

/// A server's whole computation with all its memory: after `build`, a round allocates nothing.
#[derive(Debug)]
pub struct Pipeline<T> {
    shape: Shape,
    dim: usize,
    policy: NonFinite,
    rule: Rule,
    needs: Needs,
    spec: Arc<dyn RuleSpec>,
    chain: Chain,
    /// The workers whose messages arrived, and of these the finite messages'.
    present: Vec<u32>,
    rows: Vec<u32>,
    /// On the finite messages, the origin and the previous output.
    weights: Vec<f64>,
    weights_by_worker: Vec<f64>,
    products: Vec<f64>,
    /// The rule's weights on what it sees, and room to carry them back.
    mixed: [Vec<f64>; 2],
    tiles: Option<TileMemory<T>>,
    sample: Option<Sample<T>>,
    previous: Option<AlignedVec<T>>,
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
        if shape.workers == 0 {
            return Err(SpecError::new("workers", "at least 1", 0));
        }
        if dim == 0 {
            return Err(SpecError::new("the length of a message", "at least 1", 0));
        }
        let given = pre.len();
        let specs = pre.into_iter().chain(rule.chain()).map(Arc::from).collect();
        Self::from_specs(specs, given, Arc::from(rule), shape, dim)
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
        if shape.workers == 0 || dim == 0 {
            return Err(SpecError::new("workers and the length of a message", "at least 1", 0));
        }
        let own = rule.chain().into_iter().map(Arc::from);
        let specs = pre.iter().cloned().chain(own).collect();
        Self::from_specs(specs, pre.len(), Arc::clone(rule), shape, dim)
    }

    /// Another pipeline of the same specs and for the same shape, with memory of its own: what an attack rehearses against.
    /// A rule with memory starts afresh in it ([`Pipeline::restore`]).
    ///
    /// # Errors
    /// None, since the first one could be built.
    pub fn twin(&self) -> Result<Self, SpecError> {
        let specs = self.chain.stages.iter().map(|stage| Arc::clone(&stage.spec)).collect();
        let rule = Arc::clone(&self.spec);
        let twin = Self::from_specs(specs, self.chain.given, rule, self.shape, self.dim)?;
        Ok(twin.with_policy(self.policy))
    }

    /// The first `given` of the pre-aggregators are not the rule's own.
    fn from_specs(
        specs: Vec<Arc<dyn PreAggregatorSpec>>,
        given: usize,
        rule: Arc<dyn RuleSpec>,
        shape: Shape,
        dim: usize,
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
            weights: vec![0.0; shape.workers + 2],
            weights_by_worker: vec![0.0; shape.workers],
            products: vec![0.0; shape.workers + 2],
            mixed: std::array::from_fn(|_| vec![0.0; widest + 2]),
            tiles: needs.columns.then(|| TileMemory::new(widest, mixed, sums)),
            sample: (needs.sample > 0).then(|| Sample::new(shape.workers, needs.sample.min(dim))),
            previous: needs.previous.then(|| AlignedVec::zeros(dim)),
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
    /// When the shape differs from `build`'s, when a message is not finite under [`NonFinite::Error`], and when too few
    /// are left otherwise. What is in `out` then is of no use, and a rule with memory has not moved.
    pub fn aggregate(
        &mut self,
        cx: &Cx<'_>,
        messages: MessagesRef<'_, T>,
        out: &mut [T],
    ) -> Result<Report, AggregateError> {
        self.present.clear();
        self.present.extend(0..self.shape.workers as u32);
        self.aggregate_arrived(cx, messages, out)
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
        self.aggregate_arrived(cx, messages, out)
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
        messages: MessagesRef<'_, T>,
        out: &mut [T],
    ) -> Result<Report, AggregateError> {
        let arrived = (messages.workers(), messages.dim(), out.len());
        if arrived != (self.shape.workers, self.dim, self.dim) {
            return Err(AggregateError::Shape {
                expected: format!("{} messages of {} numbers", self.shape.workers, self.dim),
                got: format!("{} of {} into {}", arrived.0, arrived.1, arrived.2),
            });
        }
        self.rows.clear();
        self.rows.extend_from_slice(&self.present);
        if self.rows.is_empty() {
            return self.what_is_left().map(|_| Report { dropped: 0, certificate: None });
        }
        let left = loop {
            if self.chain.measured {
                let previous = self.previous.as_deref();
                self.chain.geometry.measure_with(messages, &mut self.rows, previous);
            } else {
                self.chain.geometry.unmeasured(self.rows.len(), self.needs.previous);
            }
            let left = self.what_is_left()?;
            if self.decide(cx, left, messages, out)? {
                break left;
            }
            // Without distances nothing has looked at the messages before; only now is it known that some are not finite.
            self.rows.retain(|&w| messages.row(w as usize).iter().all(|x| x.is_finite()));
            if self.rows.len() == left.workers {
                break left;
            }
        };
        self.weights_by_worker.fill(0.0);
        for (&row, &w) in self.rows.iter().zip(&self.weights) {
            self.weights_by_worker[row as usize] = w;
        }
        if let Some(previous) = &mut self.previous {
            previous.copy_from_slice(out);
        }
        let certificate = self.certificate(out);
        Ok(Report { dropped: self.present.len() - left.workers, certificate })
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
        let result = self.weigh(cx, inner);
        std::mem::swap(&mut self.chain.geometry, geometry);
        result?;
        Ok(&self.weights[..geometry.points()])
    }

    fn weigh(&mut self, cx: &Cx<'_>, inner: Shape) -> Result<(), AggregateError> {
        let Rule::Geometric(rule) = &mut self.rule else {
            return Ok(());
        };
        let points = self.chain.geometry.points();
        let weights = &mut self.weights[..points];
        let geometry = self.chain.stages.last().map_or(&self.chain.geometry, |s| &s.geometry);
        let (senders, probe) = (&*self.chain.senders, &mut crate::NoProbe);
        let inputs = Inputs { cx, geometry, byzantine: inner.byzantine, senders, probe };
        if self.chain.stages.is_empty() {
            weights.fill(0.0);
            return rule.weights(inputs, weights);
        }
        let mixed = &mut self.mixed[0][..geometry.points()];
        mixed.fill(0.0);
        rule.weights(inputs, mixed)?;
        self.chain.pull_back(&mut self.mixed, weights);
        Ok(())
    }

    /// The shape of what is left, if the whole chain can work with it.
    fn what_is_left(&self) -> Result<Shape, AggregateError> {
        let (workers, present) = (self.rows.len(), self.present.len());
        if workers == self.shape.workers {
            return Ok(self.shape);
        }
        let dropped = present - workers;
        let among = match present < self.shape.workers {
            true => self.shape.byzantine.min(present.saturating_sub(1)),
            false => self.shape.byzantine,
        };
        let shape = Shape { workers, byzantine: among.saturating_sub(dropped) };
        if dropped > 0 && self.policy == NonFinite::Error {
            let worker = self.present.iter().find(|w| !self.rows.contains(w));
            return Err(AggregateError::NonFinite { worker: worker.map_or(0, |&w| w as usize) });
        }
        let too_few = |requirement: String| AggregateError::TooFew {
            left: workers,
            workers: present,
            requirement,
        };
        if workers == 0 {
            return Err(too_few("at least 1 is needed".into()));
        }
        self.check(shape).map_err(|e| too_few(e.to_string()))?;
        Ok(shape)
    }

    /// From the geometry to the output; gives whether it is finite.
    fn decide(
        &mut self,
        cx: &Cx<'_>,
        shape: Shape,
        messages: MessagesRef<'_, T>,
        out: &mut [T],
    ) -> Result<bool, AggregateError> {
        let points = Points { messages, rows: &self.rows, extra: self.previous.as_deref() };
        let inner = self.chain.mix(cx, shape, &self.rows, Some(points));
        if self.tiles.is_some() || self.sample.is_some() {
            self.chain.compose();
        }
        let rule = match &mut self.rule {
            Rule::Coordinate(rule) => {
                let tiles = self.tiles.as_mut().expect("memory for a rule that looks at columns");
                let source = Source { messages, rows: &self.rows, mixing: self.chain.whole() };
                return Ok(source.apply(&**rule, inner.byzantine, tiles, out));
            }
            Rule::Geometric(rule) => rule,
        };
        let Chain { geometry, stages, composed, senders, memory, .. } = &mut self.chain;
        let geometry = stages.last().map_or(&*geometry, |s| &s.geometry);
        let mut looker = Looker {
            source: Source { messages, rows: &self.rows, mixing: whole(stages, composed) },
            points,
            stages,
            unit: geometry.unit(),
            tiles: self.tiles.as_mut(),
            sample: self.sample.as_mut(),
            memory,
        };
        let count = shape.workers + 1 + usize::from(self.needs.previous);
        let weights = &mut self.weights[..count];
        let inputs =
            Inputs { cx, geometry, byzantine: inner.byzantine, senders, probe: &mut looker };
        if stages.is_empty() {
            weights.fill(0.0);
            rule.weights(inputs, weights)?;
        } else {
            let mixed = &mut self.mixed[0][..geometry.points()];
            mixed.fill(0.0);
            rule.weights(inputs, mixed)?;
            self.chain.pull_back(&mut self.mixed, weights);
        }
        Ok(combine(messages, &self.rows, weights, self.previous.as_deref(), out))
    }

    fn certificate(&mut self, out: &[T]) -> Option<Certificate> {
        if !self.needs.distances {
            return None;
        }
        let Rule::Geometric(rule) = &self.rule else { return None };
        // How far rounding in `combine` may have moved the output from the exact combination.
        let g = &self.chain.geometry;
        let c = &self.weights[..g.points()];
        let products = &mut self.products[..g.points()];
        g.times(c, products);
        let inner: f64 = c.iter().zip(&*products).map(|(a, b)| a * b).sum();
        // Beside a message that is very far the norm cancels; such a message has a tiny weight.
        let tiny = 0.01 / (g.farthest() * g.workers() as f64);
        let far = g.has_many_scales() || c.iter().any(|&c| c != 0.0 && c.abs() < tiny);
        let norm = match far {
            false => (products[g.origin()] - 0.5 * inner).max(0.0).sqrt(),
            true => norm(out) / g.unit(),
        };
        let r = largest(c);
        // A weight below the normal numbers is off by as much as a normal one may be.
        let share = |i: usize| g.product(c[i].abs().max(f64::MIN_POSITIVE), i, r);
        rule.certificate(rounding(T::EPSILON, c, share, norm) * g.unit())
    }
}

/// ‖out‖, whatever its size.
fn norm<T: Scalar>(out: &[T]) -> f64 {
    let peak = out.iter().fold(0.0f64, |peak, x| peak.max(x.to_f64().abs()));
    if peak == 0.0 || !peak.is_finite() {
        return peak;
    }
    let unit = apart::even_power(peak);
    out.iter().map(|x| (x.to_f64() / unit).powi(2)).sum::<f64>().sqrt() * unit
}

/// Whether a chain can work on a shape; gives the shape that its rule sees.
fn passes<'a>(
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
fn looked_at<'a>(
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

/// Bytes of all geometries, mixings and tables that [`Pipeline::build`] makes; nothing large is made to find out.
///
/// # Errors
/// As [`Pipeline::build`], where a part cannot work with this shape.
pub fn server_bytes<T: Scalar>(
    pre: &[Box<dyn PreAggregatorSpec>],
    rule: &dyn RuleSpec,
    shape: Shape,
    dim: usize,
) -> Result<usize, SpecError> {
    let own = rule.chain();
    let specs = || pre.iter().chain(&own).map(|spec| &**spec);
    let inner = passes(specs(), pre.len(), rule, shape)?;
    let tables = rule.cost(inner).bytes;
    // A rule with tables looks at distances; one without is made to be asked.
    let by_rule =
        tables > 0 || matches!(rule.build(inner)?, Rule::Geometric(r) if r.needs().distances);
    let looked_at = looked_at(specs(), by_rule);
    Ok(chain_bytes::<T>(specs(), &looked_at, shape, dim)?.saturating_add(tables))
}

/// Bytes of a chain's geometries and mixings.
fn chain_bytes<'a, T: Scalar>(
    specs: impl Iterator<Item = &'a dyn PreAggregatorSpec>,
    looked_at: &[bool],
    shape: Shape,
    dim: usize,
) -> Result<usize, SpecError> {
    let mut bytes = if looked_at[0] { Geometry::bytes::<T>(shape.workers, dim) } else { 0 };
    let mut inner = shape;
    for (spec, looked_at) in specs.zip(&looked_at[1..]) {
        let output = spec.output(inner)?;
        let most = inner.workers.max(output.workers);
        let mixed = if *looked_at { Geometry::mixed_bytes(most) } else { 0 };
        // A nonzero is a number and its place.
        let mixing = spec.nonzeros(inner).saturating_mul(size_of::<f64>() + size_of::<u32>());
        bytes = bytes.saturating_add(mixed).saturating_add(mixing);
        bytes = bytes.saturating_add(spec.cost(inner).bytes);
        inner = output;
    }
    Ok(bytes)
}

/// Geometries and mixings, from the messages to what the rule sees.
#[derive(Debug)]
struct Chain {
    /// Whether anything looks at the distances between messages.
    measured: bool,
    geometry: Geometry,
    stages: Vec<Stage>,
    /// How many of the stages are not the rule's own.
    given: usize,
    /// Whether every message that the rule sees is a worker's.
    keeps_workers: bool,
    senders: Vec<u32>,
    /// The product of all mixings, for two or more stages: it is in the first after every [`Chain::compose`].
    composed: [Mixing; 2],
    row: Vec<f64>,
    /// Some columns of all messages, for what cannot be computed from distances.
    memory: Vec<f64>,
}

#[derive(Debug)]
struct Stage {
    spec: Arc<dyn PreAggregatorSpec>,
    run: Box<dyn PreAggregator>,
    mixing: Mixing,
    /// Whether anything behind this stage looks at distances.
    measured: bool,
    geometry: Geometry,
    outputs: usize,
}

impl Chain {
    fn build<T: Scalar>(
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
        let bytes = chain_bytes::<T>(all(), &looked_at, shape, dim)?;
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
        let both = stages.len() > 1 && (needs.columns || needs.sample > 0);
        let full = if both { widest * (shape.workers + 1) } else { 0 };
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

    fn widest(&self, workers: usize) -> usize {
        self.stages.iter().map(|s| s.outputs).fold(workers, usize::max)
    }

    /// This round's mixings and geometries; gives the shape that the rule sees.
    ///
    /// Where the distances of mixed messages cannot be computed from those before, the messages are looked at again, if they
    /// are there.
    fn mix<T: Scalar>(
        &mut self,
        cx: &Cx<'_>,
        mut shape: Shape,
        rows: &[u32],
        points: Option<Points<'_, T>>,
    ) -> Shape {
        for i in 0..self.stages.len() {
            let (before, rest) = self.stages.split_at_mut(i);
            let stage = &mut rest[0];
            let geometry = before.last().map_or(&self.geometry, |s| &s.geometry);
            stage.run.mixing(cx, i, geometry, shape, &mut stage.mixing);
            let Stage { mixing, geometry: mixed, .. } = stage;
            // Who is shortened by more than this keeps no direction in squared distances.
            let lost = || mixing.has_weight_below(1.0 / geometry.farthest());
            if let Some(points) =
                points.filter(|_| stage.measured && (geometry.has_many_scales() || lost()))
            {
                let mixings = |k: usize| match before.get(k) {
                    Some(stage) => Some(&stage.mixing),
                    None => Some(&*mixing).filter(|_| k == i),
                };
                mixed.measure_mixed(&Lineup { points, mixings: &mixings }, &mut self.memory);
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
        shape
    }

    fn compose(&mut self) {
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

    fn whole(&self) -> Option<&Mixing> {
        whole(&self.stages, &self.composed)
    }

    /// The rule's weights, in the first of `mixed`, in terms of the messages.
    fn pull_back(&self, mixed: &mut [Vec<f64>; 2], weights: &mut [f64]) {
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
fn whole<'a>(stages: &'a [Stage], composed: &'a [Mixing; 2]) -> Option<&'a Mixing> {
    match stages {
        [] => None,
        [one] => Some(&one.mixing),
        _ => Some(&composed[0]),
    }
}

/// Memory for chosen columns.
#[derive(Debug)]
struct Sample<T> {
    columns: usize,
    numbers: AlignedVec<T>,
    rows: Vec<u32>,
    geometry: Geometry,
}

impl<T: Scalar> Sample<T> {
    fn new(workers: usize, columns: usize) -> Self {
        Self {
            columns,
            numbers: AlignedVec::zeros(workers * columns),
            rows: Vec::with_capacity(workers),
            geometry: Geometry::with_capacity::<T>(workers, columns),
        }
    }
}

/// A round's messages, for rules that look at them.
#[derive(Debug)]
struct Looker<'a, T> {
    source: Source<'a, T>,
    points: Points<'a, T>,
    stages: &'a [Stage],
    unit: f64,
    memory: &'a mut [f64],
    tiles: Option<&'a mut TileMemory<T>>,
    sample: Option<&'a mut Sample<T>>,
}

impl<T: Scalar> Probe for Looker<'_, T> {
    fn dim(&self) -> usize {
        self.source.messages.dim()
    }

    fn sample(&mut self, columns: &[u32], out: &mut Geometry) {
        let sample = self.sample.as_mut().expect("a rule that says in its needs that it samples");
        assert!(columns.len() <= sample.columns, "at most {} columns", sample.columns);
        assert!(columns.is_sorted_by(|a, b| a < b), "columns must rise");
        let Source { messages, rows, mixing } = self.source;
        let numbers = &mut sample.numbers[..rows.len() * columns.len()];
        for (&row, numbers) in rows.iter().zip(numbers.chunks_exact_mut(columns.len().max(1))) {
            let message = messages.row(row as usize);
            for (x, &column) in numbers.iter_mut().zip(columns) {
                *x = message[column as usize];
            }
        }
        let chosen = MessagesRef::new(numbers, rows.len(), columns.len()).expect("as long as both");
        sample.rows.clear();
        sample.rows.extend(0..rows.len() as u32);
        match mixing {
            None => out.measure(chosen, &mut sample.rows),
            Some(mixing) => {
                sample.geometry.measure(chosen, &mut sample.rows);
                sample.geometry.mix(mixing, out);
            }
        }
    }

    fn distances_to(&mut self, rule: &dyn CoordinateRule, byzantine: usize, out: &mut [f64]) {
        let tiles =
            self.tiles.as_mut().expect("a rule that says in its needs that it sees columns");
        self.source.distances_to(rule, byzantine, self.unit, tiles, out);
    }
    fn roots_from(&mut self, weights: &[f64], out: &mut [f64]) -> bool {
        let mixings = |k: usize| self.stages.get(k).map(|stage| &stage.mixing);
        let lineup = Lineup { points: self.points, mixings: &mixings };
        lineup.from_combination(weights, self.memory, out);
        let root = 1.0 / self.unit.sqrt();
        out.iter_mut().for_each(|x| *x *= root);
        true
    }
}
