//! Linear convergence on real data: ridge regression on the digits, whose optimum is known.

use crate::problem::ridge::{Ridge, descend};
use fl_core::EstimatorSpec;
use fl_saga::{FullGradient, LooplessSvrg, Page, Sag, Saga, Sarah, Sgd, Svrg};

const L2: f64 = 0.1;

#[test]
fn saga_reaches_the_optimum_of_ridge_regression_geometrically_where_sgd_stalls() {
    let set = fl_data::digits::load().split.train;
    let (_, smooth) = Ridge::new(set.columns(), L2).optimum(&set);
    // Defazio, Bach and Lacoste-Julien's step, 1/(3 L); for SGD one that is ten times smaller stalls as well.
    let saga = descend(&set, L2, &Saga::new(1), 1.0 / (3.0 * smooth), 150, 15);
    assert!(saga.last().expect("points").1 < 1e-12);
    // Each ten passes bring it a factor closer, down to rounding.
    let falling: Vec<_> = saga.iter().take_while(|(_, off)| *off > 1e-12).collect();
    assert!(falling.len() >= 5, "{falling:?}");
    assert!(falling.windows(2).all(|w| w[1].1 < 0.3 * w[0].1), "{falling:?}");
    for step in [1.0 / (3.0 * smooth), 1.0 / (30.0 * smooth)] {
        let sgd = descend(&set, L2, &Sgd::new(1), step, 150, 15);
        assert!(sgd.iter().all(|(_, off)| *off > 1e-3), "{sgd:?}");
    }
}

#[test]
fn the_other_variance_reduced_estimators_reach_it_too() {
    let set = fl_data::digits::load().split.train;
    let (_, smooth) = Ridge::new(set.columns(), L2).optimum(&set);
    let step = 1.0 / (3.0 * smooth);
    let specs: [Box<dyn EstimatorSpec<f64>>; 6] = [
        Box::new(Saga::new(8)),
        Box::new(Sag::new(1)),
        Box::new(Svrg::new(1)),
        Box::new(LooplessSvrg::new(1)),
        Box::new(Sarah::new(1)),
        Box::new(Page::new(1)),
    ];
    for spec in specs {
        let off = descend(&set, L2, &*spec, step, 150, 10);
        assert!(off.last().expect("points").1 < 1e-12, "{}: {off:?}", spec.name());
    }
    // A gradient over all samples costs as much as all of them: 150 steps lead nowhere near.
    let full = descend(&set, L2, &FullGradient {}, step, 150, 10);
    assert!(full.last().expect("points").1 > 1e-3, "{full:?}");
}
