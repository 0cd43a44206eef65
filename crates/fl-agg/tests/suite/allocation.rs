//! A built rule allocates nothing in a round: counted in the allocator.

use crate::sources::Elsewhere;
use allocation_counter::measure;
use fl_agg::{
    Aksel, Bulyan, Caf, CafDirection, CenteredClipping, Cge, Dnc, Faba, GeometricMedian, Ios, Krum,
    Mda, Mean, Messages, Monna, MultiKrum, NormFilteredMean, Picks, RuleSpec, Scalar, Shape, Smea,
    WeightedMean, Weiszfeld,
};
use fl_core::{
    Cx, Geometry, PartVisitor, Pipeline, Registrable, Streams, least_tile_bytes, server_cost,
};
use std::sync::{Arc, Mutex};

/// Messages of a round; from `from` on all workers send what worker 0 sends.
fn geometry(workers: usize, salt: usize, from: usize) -> Geometry {
    let mut messages = Messages::<f64>::zeros(workers, 20);
    for w in 0..workers {
        let source = if w < from { w } else { 0 };
        for (i, x) in messages.row_mut(w).iter_mut().enumerate() {
            *x = ((source * 20 + i + salt) as f64 * 0.7).sin();
        }
    }
    Geometry::of(messages.view()).expect("finite")
}

#[test]
fn a_round_of_a_built_rule_allocates_nothing() {
    let rules: [&dyn RuleSpec; 3] = [&Mean, &Krum::default(), &GeometricMedian::default()];
    // Ordinary rounds, duplicates, a majority of duplicates, and a round with fewer messages.
    let rounds =
        [geometry(30, 0, 30), geometry(30, 1, 24), geometry(30, 2, 10), geometry(28, 3, 28)];
    let streams = Streams::new(0);
    let mut weights = vec![0.0; 31];
    for spec in rules {
        let mut rule = spec.build(Shape { workers: 30, byzantine: 6 }).expect("a valid shape");
        let counted = measure(|| {
            for (k, geometry) in rounds.iter().enumerate() {
                let weights = &mut weights[..geometry.points()];
                rule.on_geometry(&Cx::new(&streams, k as u64), geometry, 6, weights)
                    .expect("valid");
            }
        });
        assert_eq!(counted.count_total, 0, "{}", spec.name());
    }
}

/// Every rule, in every variant that has memory of its own.
fn rules() -> Vec<Box<dyn RuleSpec>> {
    let weights: Vec<f64> = (1..=WORKERS).map(|w| w as f64).collect();
    let mut rules: Vec<Box<dyn RuleSpec>> = vec![
        Box::new(Mean),
        Box::new(WeightedMean { weights: weights.clone() }),
        Box::new(GeometricMedian::default()),
        Box::new(GeometricMedian { weights: Some(weights.clone()), ..Default::default() }),
        Box::new(Weiszfeld::default()),
        Box::new(Krum::default()),
        Box::new(MultiKrum::default()),
        Box::new(MultiKrum { picks: Picks::OneByOne, ..Default::default() }),
        Box::new(Bulyan::default()),
        Box::new(Mda::default()),
        Box::new(Smea::default()),
        Box::new(Monna { trusted: 3 }),
        Box::new(Caf::default()),
        Box::new(Caf { direction: CafDirection::RandomPowerStep }),
        Box::new(Cge::default()),
        Box::new(CenteredClipping { tau: 1.0, iterations: 3, ..Default::default() }),
        Box::new(NormFilteredMean::default()),
        Box::new(Dnc { columns: 10, iterations: 3, ..Default::default() }),
        Box::new(Dnc::default()),
        Box::new(Faba),
        Box::new(Ios { own: Some(2), weights: Some(weights) }),
        Box::new(Aksel::default()),
    ];
    let mut listed = Listed(Vec::new());
    fl_agg::parts(&mut listed);
    let known: Vec<&str> = rules.iter().map(|rule| rule.name()).collect();
    rules.extend(listed.0.into_iter().filter(|rule| !known.contains(&rule.name())));
    rules
}

/// All rules in the crate's list, with their default settings.
struct Listed(Vec<Box<dyn RuleSpec>>);

impl PartVisitor for Listed {
    fn rule<R: RuleSpec + Registrable>(&mut self) {
        self.0.push(Box::new(R::default()));
    }
}

const WORKERS: usize = 17;

fn count<T: Scalar>(rule: Box<dyn RuleSpec>, sent: &[Messages<T>]) -> u64 {
    let shape = Shape { workers: WORKERS, byzantine: 4 };
    let dim = sent[0].dim();
    let mut pipeline = Pipeline::<T>::build(Vec::new(), rule, shape, dim).expect("a valid shape");
    let (streams, mut out) = (Streams::new(0), vec![T::ZERO; dim]);
    let counted = measure(|| {
        for (k, messages) in sent.iter().enumerate() {
            let cx = Cx::new(&streams, k as u64);
            pipeline.aggregate(&cx, messages.view(), &mut out).expect("a valid round");
        }
    });
    counted.count_total
}

#[test]
fn a_round_of_a_pipeline_allocates_nothing_whatever_the_rule() {
    fn sent<T: Scalar>() -> Vec<Messages<T>> {
        let number = |w: usize, i: usize, salt: usize| ((w * 40 + i + salt) as f64 * 0.7).sin();
        [(0, WORKERS, None), (1, 13, None), (2, 6, None), (3, WORKERS, Some(9))]
            .into_iter()
            .map(|(salt, different, lost): (usize, usize, Option<usize>)| {
                let mut messages = Messages::<T>::zeros(WORKERS, 40);
                for w in 0..WORKERS {
                    let source = if w < different { w } else { 0 };
                    for (i, x) in messages.row_mut(w).iter_mut().enumerate() {
                        *x = T::from_f64(number(source, i, salt));
                    }
                    if lost == Some(w) {
                        messages.row_mut(w)[7] = T::from_f64(f64::NAN);
                    }
                }
                messages
            })
            .collect()
    }
    // One thread, which is this one's: what rayon needs to hand out work is not the rule's.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    pool.install(|| {
        let (single, double) = (sent::<f32>(), sent::<f64>());
        for (i, rule) in rules().into_iter().enumerate() {
            let name = format!("{} ({i})", rule.name());
            assert_eq!(count(rule, &double), 0, "{name}");
        }
        for (i, rule) in rules().into_iter().enumerate() {
            let name = format!("{} ({i})", rule.name());
            assert_eq!(count(rule, &single), 0, "{name} in single precision");
        }
    });
}

/// Messages of a hundred workers that are not in memory: bytes at most that a server takes, found and said beforehand.
fn taken<T: Scalar>(rule: &Arc<dyn RuleSpec>) -> (u64, u64) {
    const MANY: usize = 100;
    const DIM: usize = 3000;
    let shape = Shape { workers: MANY, byzantine: 1 };
    let rule: Arc<dyn RuleSpec> = match rule.name() {
        "weighted-mean" => Arc::new(WeightedMean { weights: vec![1.0; MANY] }),
        _ => Arc::clone(rule),
    };
    let cost = server_cost::<T>(&[] as &[Box<_>], &*rule, shape, DIM).expect("a valid shape");
    let said = cost.bytes + cost.streaming + least_tile_bytes::<T>(MANY);
    let mut messages = Messages::<T>::zeros(MANY, DIM);
    for w in 0..MANY {
        for (k, x) in messages.row_mut(w).iter_mut().enumerate() {
            *x = T::from_f64(((w * DIM + k) as f64 * 0.7).sin());
        }
    }
    let source = Elsewhere { messages: messages.view(), broken: None };
    let (streams, sink) = (Streams::new(0), Mutex::new(vec![T::ZERO; DIM]));
    let found = measure(|| {
        let server = Pipeline::<T>::without_memory(&[], &rule, shape, DIM);
        let mut server = server.expect("a valid shape");
        server.aggregate_from(&Cx::new(&streams, 0), &source, &sink, 0).expect("a valid round");
    });
    (found.bytes_max, said as u64)
}

#[test]
fn every_rule_takes_what_it_costs() {
    let mut listed = Listed(Vec::new());
    fl_agg::parts(&mut listed);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    pool.install(|| {
        for rule in listed.0 {
            let rule = Arc::from(rule);
            for (found, said) in [taken::<f32>(&rule), taken::<f64>(&rule)] {
                assert!(found <= said + 20_000, "{}: {found} of {said}", rule.name());
            }
        }
    });
}
