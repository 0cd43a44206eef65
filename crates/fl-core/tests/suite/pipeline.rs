//! The central node as a whole: chains, dropped messages, policies and errors.

use crate::common::round;
use fl_core::{
    AggregateError, Cx, GeometricRule, Geometry, Inputs, Messages, Mixing, NonFinite, Pipeline,
    PreAggregator, PreAggregatorSpec, Role, Rule, RuleSpec, Shape, SpecError, Streams, streams,
};
use std::sync::{Arc, Mutex};

/// Weights that fall with the distances to all others: a rule in which every distance and norm counts.
/// Needs `least` more messages than Byzantine ones, and remembers the shapes it met.
#[derive(Clone, Debug, Default)]
struct Nearness {
    least: usize,
    met: Arc<Mutex<Vec<Shape>>>,
}

impl RuleSpec for Nearness {
    fn name(&self) -> &'static str {
        "nearness"
    }
    fn check(&self, shape: Shape) -> Result<(), SpecError> {
        if shape.workers < self.least + shape.byzantine {
            let allowed = format!("at least {}", self.least + shape.byzantine);
            return Err(SpecError::new("nearness: the number of messages", allowed, shape.workers));
        }
        Ok(())
    }
    fn build(&self, shape: Shape) -> Result<Rule, SpecError> {
        self.check(shape)?;
        Ok(Rule::geometric(self.clone()))
    }
}

impl GeometricRule for Nearness {
    fn weights(&mut self, inputs: Inputs<'_>, weights: &mut [f64]) -> Result<(), AggregateError> {
        let Inputs { geometry, byzantine, .. } = inputs;
        let workers = geometry.workers();
        assert_eq!(weights.len(), geometry.points());
        let weights = &mut weights[..workers];
        self.met.lock().expect("no panic").push(Shape { workers, byzantine });
        for (i, w) in weights.iter_mut().enumerate() {
            let far: f64 = geometry.row(i).iter().sum::<f64>() / workers as f64;
            *w = 1.0 / (0.1 + far + 0.3 * geometry.squared_norm(i));
        }
        let total: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|w| *w /= total);
        Ok(())
    }
}

/// As many averages as messages, each of `s` messages drawn with replacement.
#[derive(Clone, Copy, Debug)]
struct Averages {
    s: usize,
}

impl PreAggregatorSpec for Averages {
    fn name(&self) -> &'static str {
        "averages"
    }
    fn output(&self, shape: Shape) -> Result<Shape, SpecError> {
        if self.s > shape.workers {
            let allowed = format!("at most {}", shape.workers);
            return Err(SpecError::new("averages: s", allowed, self.s));
        }
        let byzantine = (shape.byzantine * self.s).min(shape.workers);
        Ok(Shape { workers: shape.workers, byzantine })
    }
    fn nonzeros(&self, shape: Shape) -> usize {
        self.s * shape.workers
    }
    fn build(&self, shape: Shape) -> Result<Box<dyn PreAggregator>, SpecError> {
        self.output(shape)?;
        Ok(Box::new(*self))
    }
}

impl PreAggregator for Averages {
    fn mixing(
        &mut self,
        cx: &Cx<'_>,
        stage: usize,
        geometry: &Geometry,
        shape: Shape,
        out: &mut Mixing,
    ) {
        assert_eq!(geometry.workers(), shape.workers);
        let mut rng = cx.draw(Role::PreAggregate, stage);
        out.clear(shape.workers);
        for _ in 0..shape.workers {
            let mut picks = [0; 8];
            for pick in &mut picks[..self.s] {
                *pick = streams::below(&mut rng, shape.workers as u32);
            }
            out.push_average(&mut picks[..self.s]);
        }
    }
}

fn pipeline(
    pre: &[Averages],
    rule: &Nearness,
    workers: usize,
    byzantine: usize,
    dim: usize,
) -> Pipeline<f64> {
    let pre = pre.iter().map(|p| Box::new(*p) as Box<dyn PreAggregatorSpec>).collect();
    Pipeline::<f64>::build(pre, Box::new(rule.clone()), Shape { workers, byzantine }, dim)
        .expect("a valid chain")
}

fn run(pipeline: &mut Pipeline<f64>, messages: &Messages<f64>, round: u64) -> Vec<f64> {
    let mut out = vec![f64::NAN; messages.dim()];
    let streams = Streams::new(1);
    pipeline.aggregate(&Cx::new(&streams, round), messages.view(), &mut out).expect("finite");
    out
}

/// The messages that a mixing makes.
fn materialise(messages: &Messages<f64>, mixing: &Mixing) -> Messages<f64> {
    let mut out = Messages::zeros(mixing.outputs(), messages.dim());
    for a in 0..mixing.outputs() {
        let (indices, weights) = mixing.row(a);
        for (k, x) in out.row_mut(a).iter_mut().enumerate() {
            *x = indices.iter().zip(weights).map(|(&i, w)| w * messages.row(i as usize)[k]).sum();
        }
    }
    out
}

fn assert_close(a: &[f64], b: &[f64], tolerance: f64) {
    for (x, y) in a.iter().zip(b) {
        assert!((x - y).abs() <= tolerance, "{x} {y}");
    }
}

#[test]
fn a_chain_gives_what_forming_each_stages_messages_gives() {
    let rule = Nearness::default();
    for workers in [5, 8, 17] {
        let messages = round::<f64>(workers, 33, workers as u64, 0.0, 1.0);
        let mut chain = pipeline(&[Averages { s: 2 }, Averages { s: 3 }], &rule, workers, 0, 33);
        for k in 0..5 {
            let out = run(&mut chain, &messages, k);
            let mixings: Vec<Mixing> = chain.mixings().cloned().collect();
            assert_eq!(mixings.len(), 2);
            let mut formed = materialise(&messages, &mixings[0]);
            formed = materialise(&formed, &mixings[1]);
            let expected = run(&mut pipeline(&[], &rule, workers, 0, 33), &formed, k);
            assert_close(&out, &expected, 1e-13);
            // The weights by worker are those of the output.
            let by_weights: Vec<f64> = (0..33)
                .map(|i| {
                    (0..workers).map(|w| chain.weights().unwrap()[w] * messages.row(w)[i]).sum()
                })
                .collect();
            assert_close(&out, &by_weights, 1e-13);
        }
    }
}

#[test]
fn equal_stages_of_a_chain_draw_differently() {
    let mut chain =
        pipeline(&[Averages { s: 2 }, Averages { s: 2 }], &Nearness::default(), 12, 0, 3);
    run(&mut chain, &round::<f64>(12, 3, 0, 0.0, 1.0), 0);
    let rows: Vec<Vec<u32>> =
        chain.mixings().map(|m| (0..12).flat_map(|a| m.row(a).0).copied().collect()).collect();
    assert_ne!(rows[0], rows[1]);
}

#[test]
fn a_dropped_message_lowers_w_and_f_and_counts_in_no_stage() {
    let rule = Nearness::default();
    let clean = round::<f64>(9, 20, 3, 0.0, 1.0);
    let mut messages = clean.clone();
    messages.row_mut(2)[19] = f64::NAN;
    messages.row_mut(7)[0] = f64::NEG_INFINITY;
    let left = [0, 1, 3, 4, 5, 6, 8];
    let rows: Vec<&[f64]> = left.iter().map(|&w| clean.row(w)).collect();

    let mut server = pipeline(&[Averages { s: 2 }], &rule, 9, 3, 20);
    let mut out = vec![0.0; 20];
    let streams = Streams::new(1);
    let report =
        server.aggregate(&Cx::new(&streams, 0), messages.view(), &mut out).expect("enough left");
    assert_eq!(report.dropped, 2);
    assert_eq!(report.certificate, None);
    assert_eq!(server.rows(), left.map(|w| w as u32));
    assert_eq!(server.geometry().unwrap().workers(), 7);
    assert_eq!((server.weights().unwrap()[2], server.weights().unwrap()[7]), (0.0, 0.0));
    assert!((server.weights().unwrap().iter().sum::<f64>() - 1.0).abs() < 1e-14);
    // Behind the averages of two: f = 3 − 2 = 1 becomes 2.
    assert_eq!(rule.met.lock().expect("no panic")[..], [Shape { workers: 7, byzantine: 2 }]);

    let mut small = pipeline(&[Averages { s: 2 }], &rule, 7, 1, 20);
    assert_eq!(out, run(&mut small, &Messages::from_rows(&rows), 0));

    // The next round has everybody again.
    assert_eq!(
        run(&mut server, &clean, 1),
        run(&mut pipeline(&[Averages { s: 2 }], &rule, 9, 3, 20), &clean, 1)
    );
}

#[test]
fn f_does_not_fall_below_zero() {
    let rule = Nearness::default();
    let mut messages = round::<f64>(5, 3, 3, 0.0, 1.0);
    messages.row_mut(0).fill(f64::NAN);
    messages.row_mut(1).fill(f64::NAN);
    run(&mut pipeline(&[], &rule, 5, 1, 3), &messages, 0);
    assert_eq!(rule.met.lock().expect("no panic")[..], [Shape { workers: 3, byzantine: 0 }]);
}

/// Aggregates what cannot be, and sees that `out` is not touched.
fn refusal(server: &mut Pipeline<f64>, messages: &Messages<f64>) -> AggregateError {
    let mut out = vec![123.0; 4];
    let streams = Streams::new(0);
    let error = server
        .aggregate(&Cx::new(&streams, 0), messages.view(), &mut out)
        .expect_err("a bad round");
    assert_eq!(out, [123.0; 4]);
    error
}

#[test]
fn too_few_finite_messages_are_an_error_with_numbers() {
    let rule = Nearness { least: 4, ..Nearness::default() };
    let mut messages = round::<f64>(6, 4, 0, 0.0, 1.0);
    for w in 0..3 {
        messages.row_mut(w)[3] = f64::INFINITY;
    }
    assert_eq!(
        refusal(&mut pipeline(&[], &rule, 6, 2, 4), &messages).to_string(),
        "3 of 6 messages are finite, which is not enough: \
         nearness: the number of messages must be at least 4, got 3"
    );
    // A pre-aggregator may be what fails.
    assert_eq!(
        refusal(&mut pipeline(&[Averages { s: 4 }], &Nearness::default(), 6, 0, 4), &messages)
            .to_string(),
        "3 of 6 messages are finite, which is not enough: averages: s must be at most 3, got 4"
    );
    for w in 3..6 {
        messages.row_mut(w)[0] = f64::NAN;
    }
    let error = refusal(&mut pipeline(&[], &Nearness::default(), 6, 2, 4), &messages);
    assert_eq!(
        error.to_string(),
        "0 of 6 messages are finite, which is not enough: at least 1 is needed"
    );
}

#[test]
fn a_refused_round_leaves_a_server_that_works() {
    let rule = Nearness { least: 4, ..Nearness::default() };
    let good = round::<f64>(6, 4, 0, 0.0, 1.0);
    let mut bad = good.clone();
    (0..3).for_each(|w| bad.row_mut(w).fill(f64::NAN));
    let mut server = pipeline(&[Averages { s: 2 }], &rule, 6, 0, 4);
    refusal(&mut server, &bad);
    assert_eq!(
        run(&mut server, &good, 5),
        run(&mut pipeline(&[Averages { s: 2 }], &rule, 6, 0, 4), &good, 5)
    );
}

#[test]
fn messages_of_another_shape_are_refused() {
    let mut server = pipeline(&[], &Nearness::default(), 6, 0, 4);
    assert_eq!(
        refusal(&mut server, &round::<f64>(5, 4, 0, 0.0, 1.0)).to_string(),
        "the server was built for 6 messages of 4 numbers, got 5 of 4 into 4"
    );
    assert_eq!(
        refusal(&mut server, &round::<f64>(6, 5, 0, 0.0, 1.0)).to_string(),
        "the server was built for 6 messages of 4 numbers, got 6 of 5 into 4"
    );
    let streams = Streams::new(0);
    let messages = round::<f64>(6, 4, 0, 0.0, 1.0);
    let error =
        server.aggregate(&Cx::new(&streams, 0), messages.view(), &mut [0.0; 3]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the server was built for 6 messages of 4 numbers, got 6 of 4 into 3"
    );
}

#[test]
fn the_policy_error_names_the_lowest_worker_that_is_not_finite() {
    let mut server = pipeline(&[], &Nearness::default(), 6, 2, 4).with_policy(NonFinite::Error);
    let mut messages = round::<f64>(6, 4, 0, 0.0, 1.0);
    run(&mut server, &messages, 0);
    messages.row_mut(5)[0] = f64::NAN;
    messages.row_mut(3)[2] = f64::INFINITY;
    let error = refusal(&mut server, &messages);
    assert_eq!(error, AggregateError::NonFinite { worker: 3 });
    assert_eq!(
        error.to_string(),
        "the message of worker 3 is not finite; the policy is to refuse such a round"
    );
}

#[test]
fn build_refuses_what_cannot_work_in_the_words_of_the_part_that_cannot() {
    let build = |s: Option<usize>, least, workers, byzantine, dim| {
        let pre = s.map(|s| Box::new(Averages { s }) as Box<dyn PreAggregatorSpec>);
        let rule = Nearness { least, ..Nearness::default() };
        let shape = Shape { workers, byzantine };
        Pipeline::<f32>::build(pre.into_iter().collect(), Box::new(rule), shape, dim)
            .map(|_| ())
            .map_err(|e| e.to_string())
    };
    let refused = |text: &str| Err(text.to_string());
    assert_eq!(build(None, 0, 0, 0, 4), refused("workers must be at least 1, got 0"));
    assert_eq!(
        build(None, 0, 4, 0, 0),
        refused("the length of a message must be at least 1, got 0")
    );
    assert_eq!(build(Some(5), 0, 4, 0, 1), refused("averages: s must be at most 4, got 5"));
    // The rule is checked against (W', f') = (8, 6), not (8, 3).
    assert_eq!(build(None, 4, 8, 3, 1), Ok(()));
    assert_eq!(
        build(Some(2), 4, 8, 3, 1),
        refused("nearness: the number of messages must be at least 10, got 8")
    );
}

#[test]
fn an_aggregate_has_the_same_bits_for_any_number_of_threads() {
    let messages = round::<f64>(20, 7850, 3, 0.0, 1.0);
    let bits = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        let mut server = pipeline(&[Averages { s: 2 }], &Nearness::default(), 20, 2, 7850);
        let out = pool.install(|| run(&mut server, &messages, 4));
        out.into_iter().map(f64::to_bits).collect::<Vec<_>>()
    };
    let one = bits(1);
    for threads in [2, 3, 7] {
        assert_eq!(one, bits(threads), "{threads} threads");
    }
}
