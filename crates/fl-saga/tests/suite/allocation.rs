//! A message allocates nothing, whatever the estimator: counted in the allocator.

use crate::common::{SAMPLINGS, Seven, all, label};
use allocation_counter::measure;
use fl_core::{Cx, Scalar, Streams, Workspace};

fn check<T: Scalar>() {
    let seven = Seven::new();
    let (local, set) = (seven.local::<T>(), &seven.set);
    let streams = Streams::new(1);
    let (x, mut out) = (vec![T::ONE; 20], vec![T::ZERO; 20]);
    for sampling in SAMPLINGS {
        for spec in all::<T>(3, sampling) {
            let mut estimator = spec.build(&local).unwrap();
            let mut work = None;
            let built =
                measure(|| work = Some(Workspace::new(local.objective, set, spec.capacity())));
            assert!(built.count_total > 0, "building allocates, and is counted");
            let mut work = work.unwrap();
            let counted = measure(|| {
                estimator.start(&local, &x, &mut work);
                // SAGA's mean is summed anew every 234 rounds; coins fall often.
                for round in 0..500 {
                    let cx = Cx::new(&streams, round);
                    estimator.message(&cx, &local, &x, &mut out, &mut work);
                    estimator.look_ahead(&cx.next(), &local, &mut work);
                }
            });
            assert_eq!(counted.count_total, 0, "{}", label(&*spec));
        }
    }
}

#[test]
fn after_build_nothing_is_allocated() {
    check::<f32>();
    check::<f64>();
}
