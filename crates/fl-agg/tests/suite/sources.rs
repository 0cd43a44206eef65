//! The law of equal bits: messages that are read a tile at a time give what the same messages give in memory, whatever the
//! tiles and the threads are.

use fl_agg::{Messages, MessagesRef, RuleSpec, Scalar, Shape, WeightedMean};
use fl_core::{
    AggregateError, Certificate, Cx, PartVisitor, Pipeline, Registrable, Source, SourceError,
    Streams,
};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use std::sync::{Arc, Mutex};

const BYZANTINE: usize = 1;

/// Messages that pretend not to be in memory; one worker's cannot be read.
#[derive(Debug)]
pub(crate) struct Elsewhere<'a, T> {
    pub(crate) messages: MessagesRef<'a, T>,
    pub(crate) broken: Option<usize>,
}

impl<T: Scalar> Source<T> for Elsewhere<'_, T> {
    fn workers(&self) -> usize {
        self.messages.workers()
    }
    fn dim(&self) -> usize {
        self.messages.dim()
    }
    fn read(&self, worker: usize, from: usize, out: &mut [T]) -> Result<(), SourceError> {
        if self.broken == Some(worker) {
            return Err(SourceError(format!("worker {worker} is away")));
        }
        out.copy_from_slice(&self.messages.row(worker)[from..from + out.len()]);
        Ok(())
    }
}

/// What a round may be like.
#[derive(Clone, Copy, Debug)]
enum Style {
    Ordinary,
    /// Some messages are equal, and one is 0.
    Equal,
    /// Two messages have numbers that are not finite.
    Broken,
    /// One message is so far that its squares overflow, in `f64` too.
    Far,
    /// All are so small that their squares vanish.
    Tiny,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    workers: usize,
    dim: usize,
    salt: u64,
    style: Style,
    threads: usize,
    memory: usize,
}

fn case() -> impl Strategy<Value = Case> {
    let dim = prop_oneof![1usize..80, 2000usize..9000, 66_000usize..100_000];
    let style = prop_oneof![
        Just(Style::Ordinary),
        Just(Style::Equal),
        Just(Style::Broken),
        Just(Style::Far),
        Just(Style::Tiny)
    ];
    let memory = prop_oneof![Just(0usize), 100_000usize..3_000_000];
    (6usize..10, dim, any::<u64>(), style, 1usize..5, memory).prop_map(
        |(workers, dim, salt, style, threads, memory)| Case {
            workers,
            dim,
            salt,
            style,
            threads,
            memory,
        },
    )
}

impl Case {
    fn messages<T: Scalar>(self) -> Messages<T> {
        let mut messages = Messages::zeros(self.workers, self.dim);
        let mut state = self.salt | 1;
        let last = self.dim - 1;
        for w in 0..self.workers {
            let scale = match self.style {
                Style::Far if w == 0 => T::MAX.to_f64() * 0.4,
                Style::Tiny => T::MAX.to_f64().powf(-0.7),
                _ => 1.0,
            };
            for x in messages.row_mut(w) {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                *x = T::from_f64(((state >> 11) as f64 / (1u64 << 53) as f64 - 0.3) * scale);
            }
        }
        match self.style {
            Style::Equal => {
                messages.copy_row(0, 3);
                messages.row_mut(1).fill(T::ZERO);
            }
            Style::Broken => {
                messages.row_mut(2)[last] = T::from_f64(f64::NAN);
                messages.row_mut(4)[last / 2] = T::from_f64(f64::INFINITY);
            }
            _ => {}
        }
        messages
    }
}

/// Bits of all that a round gives.
#[derive(Debug, PartialEq)]
struct Answer {
    out: Vec<u64>,
    weights: Option<Vec<u64>>,
    certificate: Option<Certificate>,
    dropped: Vec<(u32, usize)>,
}

fn answer<T: Scalar>(
    rule: &Arc<dyn RuleSpec>,
    case: Case,
    source: Option<&Elsewhere<'_, T>>,
    messages: MessagesRef<'_, T>,
) -> Result<Answer, AggregateError> {
    let shape = Shape { workers: case.workers, byzantine: BYZANTINE };
    let (streams, dim) = (Streams::new(case.salt), case.dim);
    let cx = Cx::new(&streams, 3);
    let mut pipeline = match source {
        Some(_) => Pipeline::<T>::without_memory(&[], rule, shape, dim),
        None => Pipeline::<T>::of(&[], rule, shape, dim),
    }
    .expect("a valid shape");
    let mut out = vec![T::ZERO; dim];
    let report = match source {
        Some(source) => {
            let sink = Mutex::new(out);
            let report = pipeline.aggregate_from(&cx, source, &sink, case.memory);
            out = sink.into_inner().expect("no panic");
            report?
        }
        None => pipeline.aggregate(&cx, messages, &mut out)?,
    };
    let bits = |all: &[f64]| all.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    Ok(Answer {
        out: out.iter().map(|x| x.to_f64().to_bits()).collect(),
        weights: pipeline.weights().map(bits),
        certificate: report.certificate,
        dropped: pipeline.dropped().to_vec(),
    })
}

fn equal_bits<T: Scalar>(rule: &Arc<dyn RuleSpec>, case: Case) -> bool {
    let messages = case.messages::<T>();
    let messages = messages.view();
    let expected = answer(rule, case, None, messages);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(case.threads).build().expect("a pool");
    let source = Elsewhere { messages, broken: None };
    let found = pool.install(|| answer(rule, case, Some(&source), messages));
    assert!(found == expected, "{} {case:?} {}", rule.name(), T::NAME);
    if let Ok(expected) = expected {
        let left_out = if matches!(case.style, Style::Broken) { 2 } else { 0 };
        assert_eq!(expected.dropped.len(), left_out, "{} {case:?}", rule.name());
    }
    let source = Elsewhere { messages, broken: Some(case.workers - 1) };
    match pool.install(|| answer(rule, case, Some(&source), messages)) {
        Err(AggregateError::Source(reason)) => assert!(reason.ends_with("is away"), "{reason}"),
        // Nobody looked at that message: it has no weight in any case.
        Ok(answer) => {
            let weights = answer.weights.expect("a rule on weights");
            assert_eq!(f64::from_bits(weights[case.workers - 1]), 0.0, "{}", rule.name());
        }
        Err(e) => assert!(found.is_err(), "{} {case:?}: {e}", rule.name()),
    }
    found.is_ok()
}

struct EveryRule {
    rules: usize,
}

impl PartVisitor for EveryRule {
    fn rule<R: RuleSpec + Registrable>(&mut self) {
        let answered = std::cell::Cell::new(0);
        let check = |case: Case| {
            let spec = R::default();
            let rule: Arc<dyn RuleSpec> = match spec.name() {
                "weighted-mean" => {
                    let weights = (1..=case.workers).map(|w| w as f64).collect();
                    Arc::new(WeightedMean { weights })
                }
                _ => Arc::new(spec),
            };
            let both = [equal_bits::<f32>(&rule, case), equal_bits::<f64>(&rule, case)];
            answered.set(answered.get() + both.into_iter().filter(|&answered| answered).count());
            Ok(())
        };
        let config = ProptestConfig { cases: 6, failure_persistence: None, ..Default::default() };
        let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        // A runner of its own: one that has had its cases runs no others.
        TestRunner::new_with_rng(config, rng)
            .run(&case(), check)
            .unwrap_or_else(|e| panic!("{}: {e}", R::default().name()));
        assert!(answered.get() >= 6, "{}: {} answers", R::default().name(), answered.get());
        self.rules += 1;
    }
}

#[test]
fn every_rule_gives_the_same_bits_from_anywhere() {
    let mut every = EveryRule { rules: 0 };
    fl_agg::parts(&mut every);
    assert!(every.rules >= 20, "{} rules", every.rules);
}
