//! What is proven of a server's chain and rule together.

use fl_core::{PreAggregatorSpec, RuleSpec, Shape};
use serde::Serialize;

/// What is proven of a chain of pre-aggregators and a rule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Proven {
    /// κ of (f, κ)-robustness, composed from the rule back to the messages; none where a part has no proof.
    pub kappa: Option<f64>,
    /// The largest f that the rule is proven to withstand behind the chain, of the same number of workers; 0 for none.
    pub withstands: usize,
}

/// What is proven of a chain and a rule for W messages of which f are Byzantine.
pub fn proven(pre: &[Box<dyn PreAggregatorSpec>], rule: &dyn RuleSpec, shape: Shape) -> Proven {
    let whole = |byzantine: usize| {
        let behind = shapes(pre, Shape { byzantine, ..shape })?;
        let inner = *behind.last()?;
        let proven = rule.check(inner).is_ok() && inner.byzantine <= rule.tolerates(inner.workers);
        proven.then_some(())
    };
    let withstands = (1..=shape.workers / 2).take_while(|&f| whole(f).is_some()).last();
    Proven { kappa: kappa(pre, rule, shape), withstands: withstands.unwrap_or(0) }
}

/// κ of a chain and a rule, where every part has one.
pub fn kappa(pre: &[Box<dyn PreAggregatorSpec>], rule: &dyn RuleSpec, shape: Shape) -> Option<f64> {
    let shapes = shapes(pre, shape)?;
    let inner = *shapes.last()?;
    rule.check(inner).ok()?;
    let stages = pre.iter().zip(&shapes).rev();
    stages
        .into_iter()
        .try_fold(rule.kappa(inner)?, |kappa, (stage, shape)| stage.kappa(*shape, kappa))
}

/// The shapes before each stage and behind the last; none where a stage cannot be computed.
fn shapes(pre: &[Box<dyn PreAggregatorSpec>], shape: Shape) -> Option<Vec<Shape>> {
    let mut shapes = vec![shape];
    for stage in pre {
        shapes.push(stage.output(*shapes.last()?).ok()?);
    }
    Some(shapes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fl_agg::{Dnc, GeometricMedian};
    use fl_resample::{Nnm, Resample};

    const SHAPE: Shape = Shape { workers: 30, byzantine: 6 };

    #[test]
    fn a_chain_is_proven_as_far_as_its_parts_are() {
        let rule = GeometricMedian::default();
        let alone = proven(&[], &rule, SHAPE);
        assert_eq!((alone.kappa, alone.withstands), (rule.kappa(SHAPE), 14));
        // Resampling with s = 2 doubles f.
        let pre: [Box<dyn PreAggregatorSpec>; 1] =
            [Box::new(Resample { s: 2, ..Resample::default() })];
        assert_eq!(proven(&pre, &rule, SHAPE).withstands, 7);
        let pre: [Box<dyn PreAggregatorSpec>; 1] = [Box::new(Nnm)];
        let behind = rule.kappa(SHAPE).and_then(|kappa| Nnm.kappa(SHAPE, kappa));
        assert_eq!(proven(&pre, &rule, SHAPE).kappa, behind);
    }

    #[test]
    fn what_has_no_proof_has_none_behind_a_chain() {
        let pre: [Box<dyn PreAggregatorSpec>; 1] = [Box::new(Nnm)];
        assert_eq!(proven(&pre, &Dnc::default(), SHAPE).kappa, None);
    }
}
