//! Built pre-aggregators allocate nothing in a round, alone or in chains: counted in the allocator.

use crate::common::{Rising, RisingColumns, all, messages_of, number};
use allocation_counter::measure;
use fl_core::{Cx, Geometry, Mixing, Pipeline, RuleSpec, Streams};
use fl_resample::Shape;

fn rows(salt: u64) -> Vec<Vec<f64>> {
    (0..30).map(|w| (0..7).map(|k| number(salt, 7 * w + k)).collect()).collect()
}

fn allocations(run: impl FnOnce()) -> u64 {
    measure(run).count_total
}

#[test]
fn a_round_of_a_built_pre_aggregator_allocates_nothing() {
    let shape = Shape { workers: 30, byzantine: 6 };
    // Some rounds have messages left out, of Byzantine workers first.
    let geometries: Vec<Geometry> = (0..8)
        .map(|left_out| {
            let mut rows = rows(left_out as u64);
            rows.truncate(30 - left_out);
            Geometry::of(messages_of::<f32>(&rows).view()).expect("finite")
        })
        .collect();
    let streams = Streams::new(0);
    for spec in all(3, 1.0) {
        let mut run = spec.build(shape).expect("a valid shape");
        let output = spec.output(shape).expect("a valid shape");
        let mut mixing = Mixing::with_capacity(output.workers, spec.nonzeros(shape));
        let counted = allocations(|| {
            for round in 0..100 {
                let geometry = &geometries[round as usize % 8];
                let workers = geometry.workers();
                let left = Shape { workers, byzantine: 6usize.saturating_sub(30 - workers) };
                run.mixing(&Cx::new(&streams, round), 0, geometry, left, &mut mixing);
            }
        });
        assert_eq!(counted, 0, "{spec:?}");
    }
}

#[test]
fn a_round_of_a_chain_of_any_two_allocates_nothing() {
    let shape = Shape { workers: 30, byzantine: 6 };
    let whole = messages_of::<f32>(&rows(1));
    let mut torn = messages_of::<f32>(&rows(2));
    torn.row_mut(4)[3] = f32::NAN;
    torn.row_mut(20)[0] = f32::INFINITY;
    let streams = Streams::new(0);
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread");
    one.install(|| {
        for (first, second) in (0..9).flat_map(|i| (0..9).map(move |j| (i, j))) {
            let stage = |k| all(2, 1.0).into_iter().nth(k).expect("one of nine");
            for rule in [Box::new(Rising) as Box<dyn RuleSpec>, Box::new(RisingColumns)] {
                let chain = vec![stage(first), stage(second)];
                let mut pipeline = Pipeline::build(chain, rule, shape, 7).expect("a valid shape");
                let mut out = [0.0; 7];
                let counted = allocations(|| {
                    for round in 0..6 {
                        let messages = if round % 3 == 1 { &torn } else { &whole };
                        let cx = Cx::new(&streams, round);
                        pipeline.aggregate(&cx, messages.view(), &mut out).expect("28 are finite");
                    }
                });
                assert_eq!(counted, 0, "{first}, {second}, {pipeline:?}");
            }
        }
    });
}
