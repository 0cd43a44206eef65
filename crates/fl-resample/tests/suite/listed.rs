//! Every pre-aggregator in the crate's list, with its default settings.

use crate::common::{fresh, messages_of, mix, number};
use allocation_counter::measure;
use fl_core::{Geometry, Mixing, PartVisitor, Registrable};
use fl_resample::{PreAggregatorSpec, Shape};

struct Listed {
    seen: usize,
}

impl PartVisitor for Listed {
    fn pre_aggregator<P: PreAggregatorSpec + Registrable>(&mut self) {
        self.seen += 1;
        let spec = P::default();
        let error = spec.output(Shape { workers: 0, byzantine: 0 }).expect_err("no messages");
        assert_eq!(error.part, spec.name(), "{error}");
        let rows: Vec<Vec<f64>> =
            (0..12).map(|w| (0..3).map(|k| number(5, 3 * w + k)).collect()).collect();
        let geometry = Geometry::of(messages_of::<f64>(&rows).view()).expect("finite");
        let shape = Shape { workers: 12, byzantine: 2 };
        let expected = fresh(&spec, 7, &geometry, shape);
        for a in 0..expected.outputs() {
            let sum: f64 = expected.row(a).1.iter().sum();
            assert!((sum - 1.0).abs() < 1e-12, "{spec:?}: {sum}");
        }
        // A used object allocates nothing and gives what a fresh one gives.
        let mut run = spec.build(shape).expect("a valid shape");
        let output = spec.output(shape).expect("a valid shape");
        let mut mixing = Mixing::with_capacity(output.workers, spec.nonzeros(shape));
        let counted = measure(|| {
            for seed in [1, 2, 7] {
                mix(&mut *run, seed, &geometry, shape, &mut mixing);
            }
        });
        assert_eq!(counted.count_total, 0, "{spec:?}");
        for a in 0..expected.outputs() {
            assert_eq!(mixing.row(a), expected.row(a), "{spec:?}");
        }
    }
}

#[test]
fn every_listed_pre_aggregator_obeys_the_laws() {
    let mut listed = Listed { seen: 0 };
    fl_resample::parts(&mut listed);
    assert!(listed.seen >= 6);
}
