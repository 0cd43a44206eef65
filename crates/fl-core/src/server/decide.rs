//! From the messages that arrived to the output: who is left, what the rule decides, and what is certified of it.

use super::apply::{Seen, TileMemory};
use super::chain::{Chain, whole};
use super::output::Output;
use super::probe::Looker;
use super::{NonFinite, Pipeline};
use crate::round::{Norm, Stream, Tiles, combine_stream, combined_norm};
use crate::{
    AggregateError, Certificate, CoordinateRule, Cx, Inputs, NoProbe, Rule, Scalar, Shape, Source,
    SourceError, combine, largest, rounding,
};

impl<T: Scalar> Pipeline<T> {
    pub(super) fn weigh(&mut self, cx: &Cx<'_>, inner: Shape) -> Result<(), AggregateError> {
        let Rule::Geometric(rule) = &mut self.rule else {
            return Ok(());
        };
        let points = self.chain.geometry.points();
        let weights = &mut self.weights[..points];
        let geometry = self.chain.stages.last().map_or(&self.chain.geometry, |s| &s.geometry);
        let (senders, probe) = (&*self.chain.senders, &mut NoProbe);
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
    pub(super) fn what_is_left(&self) -> Result<Shape, AggregateError> {
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
    pub(super) fn decide(
        &mut self,
        cx: &Cx<'_>,
        shape: Shape,
        source: &dyn Source<T>,
        tiles: &Tiles<T>,
        out: &mut Output<'_, T>,
    ) -> Result<bool, AggregateError> {
        let stream = Stream { source, tiles, rows: &self.rows, extra: self.previous.as_deref() };
        let inner = self.chain.mix(cx, shape, &self.rows, Some(stream))?;
        if self.tiles.is_some() || self.sample.is_some() {
            self.chain.compose();
        }
        let rule = match &mut self.rule {
            Rule::Coordinate(rule) => {
                let tiles = self.tiles.as_mut().expect("memory for a rule that looks at columns");
                let seen = Seen { stream, mixing: self.chain.whole() };
                return Ok(by_columns(seen, &**rule, inner.byzantine, tiles, out)?);
            }
            Rule::Geometric(rule) => rule,
        };
        let Chain { geometry, stages, composed, senders, memory, .. } = &mut self.chain;
        let geometry = stages.last().map_or(&*geometry, |s| &s.geometry);
        let mut looker = Looker {
            seen: Seen { stream, mixing: whole(stages, composed) },
            stages,
            unit: geometry.unit(),
            tiles: self.tiles.as_mut(),
            sample: self.sample.as_mut(),
            memory,
            failed: None,
        };
        let count = shape.workers + 1 + usize::from(self.needs.previous);
        let weights = &mut self.weights[..count];
        let inputs =
            Inputs { cx, geometry, byzantine: inner.byzantine, senders, probe: &mut looker };
        let done = if stages.is_empty() {
            weights.fill(0.0);
            rule.weights(inputs, weights)
        } else {
            let mixed = &mut self.mixed[0][..geometry.points()];
            mixed.fill(0.0);
            rule.weights(inputs, mixed)
        };
        // What a rule says about messages that could not be read is of no use.
        if let Some(e) = looker.failed {
            return Err(e.into());
        }
        done?;
        if !self.chain.stages.is_empty() {
            self.chain.pull_back(&mut self.mixed, weights);
        }
        Ok(match out {
            Output::Slice(out) => {
                let messages = source.resident().expect("messages in memory");
                combine(messages, &self.rows, weights, self.previous.as_deref(), out)
            }
            Output::Sink(sink) => combine_stream(stream, weights, *sink)?,
        })
    }

    pub(super) fn certificate(
        &mut self,
        source: &dyn Source<T>,
        tiles: &Tiles<T>,
        out: &Output<'_, T>,
    ) -> Result<Option<Certificate>, SourceError> {
        if !self.needs.distances {
            return Ok(None);
        }
        let Rule::Geometric(rule) = &self.rule else { return Ok(None) };
        // A rule that solves nothing certifies nothing.
        if rule.certificate(0.0).is_none() {
            return Ok(None);
        }
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
            true => {
                let extra = self.previous.as_deref();
                norm(Stream { source, tiles, rows: &self.rows, extra }, c, out)? / g.unit()
            }
        };
        let r = largest(c);
        // A weight below the normal numbers is off by as much as a normal one may be.
        let share = |i: usize| g.product(c[i].abs().max(f64::MIN_POSITIVE), i, r);
        Ok(rule.certificate(rounding(T::EPSILON, c, share, norm) * g.unit()))
    }
}

/// Applies a rule that looks at columns; gives whether the messages are finite.
fn by_columns<T: Scalar>(
    seen: Seen<'_, T>,
    rule: &dyn CoordinateRule,
    byzantine: usize,
    tiles: &mut TileMemory<T>,
    out: &mut Output<'_, T>,
) -> Result<bool, SourceError> {
    match out {
        Output::Slice(out) => Ok(seen.apply(rule, byzantine, tiles, out)),
        Output::Sink(sink) => seen.apply_into(rule, byzantine, tiles, *sink),
    }
}

/// ‖out‖, whatever its size.
fn norm<T: Scalar>(
    stream: Stream<'_, T>,
    weights: &[f64],
    out: &Output<'_, T>,
) -> Result<f64, SourceError> {
    match out {
        Output::Slice(out) => {
            let mut norm = Norm::default();
            norm.look(out);
            norm.add(out);
            Ok(norm.length())
        }
        // The sink keeps its own: the output is formed again.
        Output::Sink(_) => combined_norm(stream, weights),
    }
}
