//! The whole laboratory, with one rule more: experiment files, `list`, `explain` and `aggregate` know it like their own.
//!
//! ```sh
//! cargo run --release -- run experiment.toml
//! cargo run --release -- explain around-medoid --workers 30 --byzantine 6
//! ```

use fl_core::{
    AggregateError, GeometricRule, Inputs, Rule, RuleSpec, Shape, SpecError, choice, spec,
};
use fl_lab::Registry;
use std::process::ExitCode;

spec! {
    /// The mean of the `W − f` messages that are closest to the medoid, which is the message with the smallest sum of
    /// distances to all others.
    ///
    /// # Requirements
    /// `W > 2f`.
    ///
    /// # Cost
    /// `O(W²)` on the distances.
    ///
    /// # Robustness
    /// None is proven here: this is an example.
    pub struct AroundMedoid {
        /// What counts as far.
        pub measure: Measure = Measure::Distance,
    }
}

choice! {
    /// What the medoid minimises.
    pub enum Measure {
        /// The sum of distances.
        Distance,
        /// The sum of squared distances.
        Square,
    }
}

impl RuleSpec for AroundMedoid {
    fn name(&self) -> &'static str {
        "around-medoid"
    }

    fn check(&self, shape: Shape) -> Result<(), SpecError> {
        let least = 2 * shape.byzantine + 1;
        if shape.workers < least {
            let allowed = format!("at least {least} (2f + 1, for f = {})", shape.byzantine);
            let what = "around-medoid: the number of messages";
            return Err(SpecError::new(what, allowed, shape.workers));
        }
        Ok(())
    }

    fn build(&self, shape: Shape) -> Result<Rule, SpecError> {
        self.check(shape)?;
        let order = Vec::with_capacity(shape.workers);
        Ok(Rule::geometric(Run { measure: self.measure, order }))
    }
}

#[derive(Debug)]
struct Run {
    measure: Measure,
    /// Reused, so that a round allocates nothing.
    order: Vec<usize>,
}

impl GeometricRule for Run {
    fn weights(&mut self, inputs: Inputs<'_>, weights: &mut [f64]) -> Result<(), AggregateError> {
        let geometry = inputs.geometry;
        let workers = geometry.workers();
        let far = |square: f64| match self.measure {
            Measure::Square => square,
            Measure::Distance => square.sqrt(),
        };
        let sum = |w: usize| geometry.row(w).iter().map(|&d| far(d)).sum::<f64>();
        // `min_by` keeps the first of equals: ties go to the lowest worker.
        let medoid = (0..workers).min_by(|&a, &b| sum(a).total_cmp(&sum(b))).unwrap_or(0);
        let distance = |w: usize| geometry.squared_distance(medoid, w);
        self.order.clear();
        self.order.extend(0..workers);
        self.order.sort_unstable_by(|&a, &b| distance(a).total_cmp(&distance(b)).then(a.cmp(&b)));
        let kept = workers - inputs.byzantine;
        for &w in &self.order[..kept] {
            weights[w] = 1.0 / kept as f64;
        }
        Ok(())
    }
}

fn main() -> ExitCode {
    fl_cli::main(Registry::standard().with_rule::<AroundMedoid>())
}
