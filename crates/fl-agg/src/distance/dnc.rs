//! Divide and conquer.

use crate::shared::eigen::TopEigen;
use crate::shared::select::{average, by_key, too_few};
use fl_core::{
    AggregateError, Cost, GeometricRule, Geometry, Inputs, Needs, Role, Rule, RuleSpec, Shape,
    SpecError, spec, streams,
};

spec! {
    /// Divide and conquer leaves out the messages that stand out in the direction in which all vary most.
    /// For that it looks at some columns of the messages.
    ///
    /// ```text
    /// n times:  b columns are drawn;  ṽ_w the message w there, μ their mean
    ///           u = the top right singular vector of the matrix with rows ṽ_w − μ
    ///           good: all but the ⌊c f⌋ messages of largest ⟨ṽ_w − μ, u⟩²
    /// z = the mean of the messages that were good every time
    /// ```
    ///
    /// Where no message was good every time, which only `n ⌊c f⌋ ≥ W` allows, those that were good most often are averaged.
    /// Of equal scores those of the lowest worker indices are good.
    ///
    /// # Requirements
    /// `n ≥ 1`, `b ≥ 1`, `c ≥ 0`, and a message that is left: `W > ⌊c f⌋`.
    ///
    /// # Cost
    /// `W² b / 2 + W³` for each of the n times. The distances of whole messages are measured too: that is how messages that are
    /// not finite are found.
    ///
    /// # Non-finite
    /// A message that is not finite never reaches the rule: it is left out or refused by [`fl_core::Pipeline`].
    ///
    /// # Robustness
    /// Its authors prove that messages far enough out in one common direction are all left out.
    /// Of two that stand out in different directions, by different amounts, only the farther one has a large score.
    /// With `b < p` a message may hide in a column that is not drawn.
    /// So no number of arbitrary messages is withstood in general, and there is no κ.
    /// It is easy to show for 30 messages with f = 6.
    /// Let the 24 regular ones be zero, two others `a`, and four `a/13`, which is the mean of all.
    /// The four have the least scores, so that four regular messages go in their place.
    /// The output is `a/78`, for any `a`.
    ///
    /// # Elsewhere
    /// Blades draws 10 000 columns once with `c = 1`; its successor fedlib five times. FLPoison draws a fifth of the columns
    /// five times with `c = 1`.
    ///
    /// # Reference
    /// Shejwalkar, Houmansadr, *Manipulating the Byzantine: optimizing model poisoning attacks and defenses for federated
    /// learning*, NDSS 2021.
    ///
    /// # Example
    /// ```
    /// use fl_agg::{Dnc, Messages, aggregate};
    ///
    /// let messages = Messages::from_rows(&[[1.0, 1.0], [2.0, 1.0], [90.0, 80.0], [3.0, 4.0], [70.0, 99.0]]);
    /// assert_eq!(aggregate(Dnc::default(), &messages, 2)?.0, [2.0, 2.0]);
    /// # Ok::<(), fl_agg::Error>(())
    /// ```
    pub struct Dnc {
        /// b: how many columns are looked at; all, where a message has fewer.
        pub columns: usize = 10_000,
        /// n: how many times.
        pub iterations: usize = 1,
        /// c: how many messages are left out each time, for every Byzantine one.
        pub filter: f64 = 1.0,
    }
}

impl Dnc {
    /// ⌊c f⌋.
    fn out(&self, byzantine: usize) -> usize {
        (self.filter * byzantine as f64) as usize
    }
}

impl Dnc {
    /// Columns that room is made for: more are measured in no more parts.
    fn measured(&self) -> usize {
        self.columns.min(1 << 15)
    }
}

impl RuleSpec for Dnc {
    fn name(&self) -> &'static str {
        "dnc"
    }

    fn cost(&self, shape: Shape) -> Cost {
        let (w, b) = (shape.workers as f64, self.columns as f64);
        let times = self.iterations as f64;
        let cost = Cost::quadratic(shape, 1);
        let geometry = Geometry::bytes::<f64>(shape.workers, self.measured());
        let columns = self.columns.saturating_mul(size_of::<u32>());
        Cost {
            bytes: cost.bytes.saturating_add(geometry).saturating_add(columns),
            operations: times * (w * w * b / 2.0 + w * w * w),
        }
    }

    fn check(&self, shape: Shape) -> Result<(), SpecError> {
        if self.columns == 0 {
            return Err(SpecError::new("columns", "at least 1", 0).of("dnc"));
        }
        if self.iterations == 0 {
            return Err(SpecError::new("iterations", "at least 1", 0).of("dnc"));
        }
        if !(self.filter >= 0.0 && self.filter.is_finite()) {
            return Err(
                SpecError::new("filter", "a finite number, at least 0", self.filter).of("dnc")
            );
        }
        let (out, f) = (self.out(shape.byzantine), shape.byzantine);
        if shape.workers <= out {
            let allowed =
                format!("at least {} (one more than filter · f, for f = {f} Byzantine)", out + 1);
            return Err(SpecError::new("the number of messages", allowed, shape.workers).of("dnc"));
        }
        Ok(())
    }

    fn build(&self, shape: Shape) -> Result<Rule, SpecError> {
        self.check(shape)?;
        let workers = shape.workers;
        Ok(Rule::geometric(Run {
            spec: self.clone(),
            columns: vec![0; self.columns],
            geometry: Geometry::with_capacity::<f64>(workers, self.measured()),
            eigen: TopEigen::new(workers),
            all: (0..workers as u32).collect(),
            scores: vec![0.0; workers],
            order: Vec::with_capacity(workers),
            good: vec![0; workers],
        }))
    }

    fn kappa(&self, shape: Shape) -> Option<f64> {
        Some(0.0).filter(|_| shape.byzantine == 0 && shape.workers > 0)
    }
}

#[derive(Debug)]
struct Run {
    spec: Dnc,
    columns: Vec<u32>,
    geometry: Geometry,
    eigen: TopEigen,
    all: Vec<u32>,
    scores: Vec<f64>,
    order: Vec<u32>,
    /// How often each message was good.
    good: Vec<usize>,
}

impl GeometricRule for Run {
    fn needs(&self) -> Needs {
        Needs { sample: self.spec.columns, ..Needs::default() }
    }

    fn weights(&mut self, inputs: Inputs<'_>, weights: &mut [f64]) -> Result<(), AggregateError> {
        let shape = inputs.shape();
        let Self { spec, columns, geometry, eigen, all, scores, order, good } = self;
        spec.check(shape).map_err(too_few(shape))?;
        let (workers, dim) = (shape.workers, inputs.probe.dim());
        let kept = workers - spec.out(shape.byzantine);
        let columns = &mut columns[..spec.columns.min(dim)];
        let good = &mut good[..workers];
        good.fill(0);
        for iteration in 0..spec.iterations {
            if columns.len() < dim {
                let mut rng = inputs.cx.draw(Role::Aggregate, iteration);
                streams::distinct(&mut rng, dim as u32, columns);
                columns.sort_unstable();
            } else {
                columns.iter_mut().zip(0..).for_each(|(c, i)| *c = i);
            }
            inputs.probe.sample(columns, geometry);
            eigen.scatter(geometry, &all[..workers], None);
            // ⟨ṽ_w − μ, u⟩² is the squared singular value times this.
            for (score, x) in scores.iter_mut().zip(eigen.vector()) {
                *score = x * x;
            }
            by_key(&scores[..workers], order);
            for &w in &order[..kept] {
                good[w as usize] += 1;
            }
        }
        let most = good.iter().copied().max().unwrap_or(0);
        order.clear();
        order.extend((0..workers as u32).filter(|&w| good[w as usize] == most));
        average(order, weights);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Messages, aggregate};
    use fl_core::{Cx, Pipeline, Streams};

    #[test]
    fn the_messages_that_stand_out_in_the_top_direction_are_left_out() {
        // The top direction is close to (1, 1); −20 and 30 stand out along it, (0, 3) across it does not.
        let messages = Messages::from_rows(&[
            [1.0, 1.0],
            [-20.0, -20.0],
            [0.0, 3.0],
            [30.0, 30.0],
            [2.0, 2.0],
        ]);
        let (out, _) = aggregate(Dnc::default(), &messages, 2).expect("valid");
        assert_eq!(out, [1.0, 2.0]);
        let none = Dnc { filter: 0.4, ..Dnc::default() };
        let (mean, _) = aggregate(none, &messages, 2).expect("valid");
        assert!((mean[0] - 13.0f64 / 5.0).abs() < 1e-14);
    }

    #[test]
    fn columns_are_drawn_by_address_and_anew_each_time() {
        let rows: Vec<Vec<f64>> = (0..9)
            .map(|i| (0..40).map(|k| f64::from((i * i * 5 + k * 7 + i * k * k) % 23)).collect())
            .collect();
        let messages = Messages::from_rows(&rows);
        let shape = Shape { workers: 9, byzantine: 2 };
        let run = |columns, iterations, seed| {
            let rule = Box::new(Dnc { columns, iterations, ..Dnc::default() });
            let mut pipeline = Pipeline::<f64>::build(Vec::new(), rule, shape, 40).expect("valid");
            let mut out = vec![0.0; 40];
            let streams = Streams::new(seed);
            pipeline.aggregate(&Cx::new(&streams, 3), messages.view(), &mut out).expect("valid");
            pipeline.weights().expect("weights").iter().filter(|&&w| w > 0.0).count()
        };
        assert_eq!(run(40, 1, 0), 7);
        assert_eq!((0..5).map(|_| run(3, 2, 1)).max(), (0..5).map(|_| run(3, 2, 1)).min());
        // Two draws of three columns rarely condemn the same two messages.
        assert!((0..10).any(|seed| run(3, 2, seed) < 7));
        // Every message condemned at least once: those that were most rarely are averaged.
        assert!(run(2, 50, 0) >= 1);
    }

    #[test]
    fn settings_that_leave_nothing_are_refused() {
        let error =
            |rule: Dnc| rule.check(Shape { workers: 6, byzantine: 2 }).unwrap_err().to_string();
        assert_eq!(
            error(Dnc { filter: 3.0, ..Dnc::default() }),
            "dnc: the number of messages must be at least 7 (one more than filter · f, for f = 2 Byzantine), got 6"
        );
        assert_eq!(
            error(Dnc { columns: 0, ..Dnc::default() }),
            "dnc: columns must be at least 1, got 0"
        );
        assert_eq!(
            error(Dnc { iterations: 0, ..Dnc::default() }),
            "dnc: iterations must be at least 1, got 0"
        );
        assert!(
            error(Dnc { filter: -1.0, ..Dnc::default() })
                .contains("filter must be a finite number")
        );
    }
}
