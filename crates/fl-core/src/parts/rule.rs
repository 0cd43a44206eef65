//! What rules are: choices made on a geometry, or column by column.

use super::{Cost, PreAggregatorSpec, Shape};
use crate::{AggregateError, Cx, Geometry, Scalar, SpecError, Tile};
use std::fmt::Debug;
use std::ops::Range;

/// What a solver certifies about its result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Certificate {
    /// Iterations taken.
    pub iterations: u32,
    /// ε / F(out): the certified gap relative to the objective.
    pub relative_gap: f64,
    /// ε: `F(out) − F* ≤ ε` for the output as rounded, in the units of the messages.
    pub epsilon: f64,
}

/// What a geometric rule looks at beside the number of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// The distances between messages. Without them only the number of messages is known, and no pass is spent on measuring.
    pub distances: bool,
    /// The rule's own last output, as one more point of the geometry ([`Geometry::previous`]); the origin in the first
    /// round. Such a rule has memory.
    pub previous: bool,
    /// Most columns that the rule will ask [`Probe::sample`] for at a time.
    pub sample: usize,
    /// Whether the rule calls [`Probe::distances_to`].
    pub columns: bool,
}

impl Default for Needs {
    /// The distances, as most rules.
    fn default() -> Self {
        Self { distances: true, previous: false, sample: 0, columns: false }
    }
}

/// What a geometric rule is shown of a round.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// The round's address for random draws.
    pub cx: &'a Cx<'a>,
    /// The messages' geometry, after pre-aggregation.
    pub geometry: &'a Geometry,
    /// f: how many of the messages may be Byzantine.
    pub byzantine: usize,
    /// The worker that each message is from, in rising order; after a pre-aggregator that mixes workers, their own numbers
    /// 0, 1, ….
    pub senders: &'a [u32],
    /// More than the geometry, for the few rules that say so in [`Needs`].
    pub probe: &'a mut dyn Probe,
}

impl Inputs<'_> {
    /// W and f.
    pub fn shape(&self) -> Shape {
        Shape { workers: self.geometry.workers(), byzantine: self.byzantine }
    }
}

/// Looks at the messages themselves, for rules that cannot be decided on the geometry. Messages are as pre-aggregators leave
/// them.
pub trait Probe: Debug {
    /// p, the length of a message.
    fn dim(&self) -> usize;

    /// The geometry of the messages' chosen columns alone. `columns` must rise, and be at most [`Needs::sample`].
    fn sample(&mut self, columns: &[u32], out: &mut Geometry);

    /// Squared distances of all messages to what a coordinate-wise rule makes of them, in units of the geometry's.
    fn distances_to(&mut self, rule: &dyn CoordinateRule, byzantine: usize, out: &mut [f64]);

    /// The *square roots* of the distances from `Σ c_i v_i`, a combination of the geometry's points with `Σ c_i = 1`, to all
    /// messages, in units whose square is the geometry's: what `(D c)_j − ½ cᵀ D c` gives, without its cancellation where a tiny
    /// weight is on a message that is very far. The root, because such a distance may be beyond the largest number.
    ///
    /// `false`, and nothing in `out`, where there are no messages behind the geometry.
    ///
    /// Cost: a pass over the messages.
    fn roots_from(&mut self, weights: &[f64], out: &mut [f64]) -> bool;
}

/// A geometry without messages behind it.
#[derive(Clone, Copy, Debug)]
pub struct NoProbe;

impl Probe for NoProbe {
    fn dim(&self) -> usize {
        0
    }

    fn sample(&mut self, _: &[u32], _: &mut Geometry) {
        panic!("this rule needs the messages, and was given a geometry alone");
    }

    fn distances_to(&mut self, _: &dyn CoordinateRule, _: usize, _: &mut [f64]) {
        panic!("this rule needs the messages, and was given a geometry alone");
    }

    fn roots_from(&mut self, _: &[f64], _: &mut [f64]) -> bool {
        false
    }
}

/// A rule that puts affine weights on the messages, and needs (nearly) nothing but their geometry.
pub trait GeometricRule: Send + Debug {
    /// What it looks at.
    fn needs(&self) -> Needs {
        Needs::default()
    }

    /// Affine weights on the points of the geometry, `Σ c_i = 1`: first the messages, then the origin, then the previous
    /// output if the rule needs it. All are zero when this is called.
    ///
    /// # Errors
    /// When the shape does not meet the rule's requirement.
    fn weights(&mut self, inputs: Inputs<'_>, weights: &mut [f64]) -> Result<(), AggregateError>;

    /// What the last weights are certified to reach, for an output within `displacement` of their exact combination, in the
    /// units of the messages; `None` for a rule that solves nothing.
    fn certificate(&self, displacement: f64) -> Option<Certificate> {
        let _ = displacement;
        None
    }
}

/// A rule that looks at one column of the messages at a time.
///
/// Write one by implementing [`ColumnRule`], which is the same for both number types.
pub trait CoordinateRule: Send + Sync + Debug {
    /// [`ColumnRule::ranks`].
    fn ranks(&self, rows: usize, byzantine: usize) -> Option<Range<usize>>;
    /// [`ColumnRule::columns`] in `f32`.
    fn columns_f32(&self, tile: &mut Tile<'_, f32>, byzantine: usize, out: &mut [f32]);
    /// [`ColumnRule::columns`] in `f64`.
    fn columns_f64(&self, tile: &mut Tile<'_, f64>, byzantine: usize, out: &mut [f64]);
}

/// A coordinate-wise rule for any number type.
pub trait ColumnRule: Send + Sync + Debug {
    /// The ranks that the rule looks at, among `rows` messages: tiles then come sorted, as by [`Tile::select`], which costs less
    /// while they are filled than afterwards. `None` for messages in the order of workers.
    fn ranks(&self, rows: usize, byzantine: usize) -> Option<Range<usize>> {
        let _ = (rows, byzantine);
        None
    }

    /// Writes for each column of the tile, that is for each coordinate, the rule's output.
    ///
    /// `tile` has one row a message, after pre-aggregation, or a row a rank if the rule asked for that. Where a number is not
    /// finite the output is not used.
    fn columns<T: Scalar>(&self, tile: &mut Tile<'_, T>, byzantine: usize, out: &mut [T]);
}

impl<R: ColumnRule> CoordinateRule for R {
    fn ranks(&self, rows: usize, byzantine: usize) -> Option<Range<usize>> {
        ColumnRule::ranks(self, rows, byzantine)
    }

    fn columns_f32(&self, tile: &mut Tile<'_, f32>, byzantine: usize, out: &mut [f32]) {
        self.columns(tile, byzantine, out);
    }

    fn columns_f64(&self, tile: &mut Tile<'_, f64>, byzantine: usize, out: &mut [f64]) {
        self.columns(tile, byzantine, out);
    }
}

/// A rule with all its memory.
#[derive(Debug)]
pub enum Rule {
    /// Weights on messages.
    Geometric(Box<dyn GeometricRule>),
    /// Column by column.
    Coordinate(Box<dyn CoordinateRule>),
}

impl Rule {
    /// A rule that puts weights on messages.
    pub fn geometric(rule: impl GeometricRule + 'static) -> Self {
        Self::Geometric(Box::new(rule))
    }

    /// A rule that works column by column.
    pub fn coordinate(rule: impl CoordinateRule + 'static) -> Self {
        Self::Coordinate(Box::new(rule))
    }

    /// A geometric rule's weights on a geometry with no messages behind it; one weight for each of its points.
    ///
    /// # Errors
    /// As [`GeometricRule::weights`].
    ///
    /// # Panics
    /// When the rule looks at columns.
    pub fn on_geometry(
        &mut self,
        cx: &Cx<'_>,
        geometry: &Geometry,
        byzantine: usize,
        weights: &mut [f64],
    ) -> Result<(), AggregateError> {
        let Self::Geometric(rule) = self else {
            panic!("a rule that works column by column was given a geometry alone");
        };
        weights.fill(0.0);
        let probe = &mut NoProbe;
        rule.weights(Inputs { cx, geometry, byzantine, senders: &[], probe }, weights)
    }
}

/// A rule as data: comparable, serialisable, and checked before round 0.
pub trait RuleSpec: Debug + Send + Sync {
    /// The name in configuration files.
    fn name(&self) -> &'static str;

    /// Whether the rule can be computed for a shape.
    ///
    /// # Errors
    /// Says what, what would be allowed, and what was found.
    fn check(&self, shape: Shape) -> Result<(), SpecError>;

    /// Pre-aggregators that are part of the rule, such as Bulyan's selection: the pipeline puts them behind those it was
    /// given. [`RuleSpec::build`] is then called with the shape that they leave.
    fn chain(&self) -> Vec<Box<dyn PreAggregatorSpec>> {
        Vec::new()
    }

    /// The rule with all its memory, for at most `shape.workers` messages.
    ///
    /// # Errors
    /// As [`RuleSpec::check`].
    fn build(&self, shape: Shape) -> Result<Rule, SpecError>;

    /// Whether settings of the rule name workers (weights, or a trusted worker), so that pre-aggregators that mix workers
    /// make no sense before it.
    fn names_workers(&self) -> bool {
        false
    }

    /// The largest f that the rule is proven to withstand among `workers` messages; `workers` times the breakdown point,
    /// rounded to what is still withstood. Shapes beyond it may be computed all the same.
    fn tolerates(&self, workers: usize) -> usize {
        let _ = workers;
        0
    }

    /// κ of (f, κ)-robustness, where one is proven: whatever f messages are, for every set S of W − f others
    /// `‖out − v̄_S‖² ≤ κ (1/|S|) Σ_{i∈S} ‖v_i − v̄_S‖²`.
    fn kappa(&self, shape: Shape) -> Option<f64> {
        let _ = shape;
        None
    }

    /// What the rule itself costs for a shape, the distances and the passes over the messages not counted.
    fn cost(&self, shape: Shape) -> Cost {
        Cost::quadratic(shape, 0)
    }
}
