//! A rule and an attack from outside the workspace, in the engine of the workspace:
//!
//! `cargo run --release -p fl-sim --example own_rule`
//!
//! Thirty workers hold the embedded digits, i.i.d.; six are Byzantine and push the mean backwards. Printed is the test
//! accuracy after 300 rounds of three rules.

use fl_agg::{GeometricMedian, Mean};
use fl_core::{
    AggregateError, Attack, AttackContext, AttackSpec, AttackView, Cx, Federation, GeometricRule,
    Inputs, Knowledge, Role, Rule, RuleSpec, Scalar, Shape, SpecError, Streams,
};
use fl_data::PartitionSpec;
use fl_models::Softmax;
use fl_saga::Saga;
use fl_sim::{Evaluator, ProtocolSpec, Setup, Simulation};

/// The mean of the W − f messages that are closest to the medoid, the message with the smallest sum of distances.
#[derive(Clone, Copy, Debug)]
struct AroundMedoid;

impl RuleSpec for AroundMedoid {
    fn name(&self) -> &'static str {
        "around-medoid"
    }

    fn check(&self, shape: Shape) -> Result<(), SpecError> {
        if shape.workers <= 2 * shape.byzantine {
            let allowed = format!("at least {}", 2 * shape.byzantine + 1);
            return Err(SpecError::new("around-medoid: workers", allowed, shape.workers));
        }
        Ok(())
    }

    fn build(&self, shape: Shape) -> Result<Rule, SpecError> {
        self.check(shape)?;
        Ok(Rule::geometric(Run { order: Vec::with_capacity(shape.workers) }))
    }
}

#[derive(Debug)]
struct Run {
    /// Reused, so that a round allocates nothing.
    order: Vec<usize>,
}

impl GeometricRule for Run {
    fn weights(&mut self, inputs: Inputs<'_>, weights: &mut [f64]) -> Result<(), AggregateError> {
        let Inputs { geometry, byzantine, .. } = inputs;
        let workers = geometry.workers();
        let sum = |w: usize| geometry.row(w)[..workers].iter().map(|d| d.sqrt()).sum::<f64>();
        // `min_by` keeps the first of equals: ties go to the lowest worker.
        let medoid = (0..workers).min_by(|&a, &b| sum(a).total_cmp(&sum(b))).unwrap_or(0);
        let distance = |w: usize| geometry.squared_distance(medoid, w);
        self.order.clear();
        self.order.extend(0..workers);
        self.order.sort_unstable_by(|&a, &b| distance(a).total_cmp(&distance(b)).then(a.cmp(&b)));
        let kept = workers - byzantine;
        for &w in &self.order[..kept] {
            weights[w] = 1.0 / kept as f64;
        }
        Ok(())
    }
}

/// Byzantine workers send −factor times the mean of the regular messages.
#[derive(Clone, Copy, Debug)]
struct Backwards {
    factor: f64,
}

impl<T: Scalar> AttackSpec<T> for Backwards {
    fn name(&self) -> &'static str {
        "backwards"
    }

    fn build(&self, _: &AttackContext<'_, T>) -> Result<Box<dyn Attack<T>>, SpecError> {
        if !self.factor.is_finite() {
            return Err(SpecError::new("backwards: factor", "finite", self.factor));
        }
        Ok(Box::new(*self))
    }
}

impl<T: Scalar> Attack<T> for Backwards {
    fn corrupt(&mut self, _: &Cx<'_>, view: &mut AttackView<'_, T>) {
        let federation = view.federation();
        let scale = -self.factor / federation.regular().len() as f64;
        let Some((&first, others)) = federation.byzantine().split_first() else { return };
        for i in 0..view.row(first as usize).len() {
            let sum: f64 =
                federation.regular().iter().map(|&r| view.row(r as usize)[i].to_f64()).sum();
            view.row_mut(first as usize)[i] = T::from_f64(scale * sum);
        }
        for &other in others {
            view.copy(first as usize, other as usize);
        }
    }

    fn needs_true_messages(&self) -> bool {
        false
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    const WORKERS: usize = 30;
    let data = fl_data::digits::load();
    let (train, test) = (&data.split.train, &data.split.test);
    let mut rng = Streams::new(0).at(Role::Partition, 0, 0);
    let partition = PartitionSpec::Iid.build(train.labels(), train.classes(), WORKERS, &mut rng)?;
    let rules: [Box<dyn RuleSpec>; 3] =
        [Box::new(Mean), Box::new(GeometricMedian::default()), Box::new(AroundMedoid)];
    for rule in rules {
        let name = rule.name();
        let mut simulation = Simulation::<f32>::new(Setup {
            train,
            samples: (0..WORKERS).map(|w| partition.worker(w)).collect(),
            federation: Federation::new(WORKERS, &[24, 25, 26, 27, 28, 29])?,
            knowledge: Knowledge::default(),
            rotation: None,
            participation: None,
            byzantine_data: None,
            objective: Softmax { l2: 0.01, ..Softmax::default() }
                .build(train.columns(), train.classes())?,
            estimator: Box::new(Saga::new(16)),
            protocol: ProtocolSpec::Gradient { pre: Vec::new(), rule },
            attack: Box::new(Backwards { factor: 4.0 }),
            step: 0.5,
            server_step: Default::default(),
            seed: 0,
        })?;
        simulation.run(300, |_, _| Ok(()))?;
        let params = simulation.params().to_vec();
        let objective =
            Softmax { l2: 0.01, ..Softmax::default() }.build(train.columns(), train.classes())?;
        let metrics = Evaluator::new(&*objective, test).evaluate(&*objective, &params, 300);
        println!("{name:<18} accuracy {:.3}", metrics.accuracy);
    }
    Ok(())
}
