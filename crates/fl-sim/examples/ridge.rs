//! The figure of fl-saga's README: which estimators reach the optimum of ridge regression on the digits.
//!
//! `cargo run --release -p fl-sim --example ridge -- crates/fl-saga/figures/ridge.svg` draws it anew; every run draws the
//! same picture.

#[path = "../tests/suite/problem/ridge.rs"]
mod ridge;

use fl_core::EstimatorSpec;
use fl_plot::{Axis, Curve, Figure, Panel, Point};
use fl_saga::{FullGradient, LooplessSvrg, Saga, Sarah, Sgd};
use ridge::{Ridge, descend};

const L2: f64 = 0.1;
const PASSES: u64 = 100;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "ridge.svg".into());
    let set = fl_data::digits::load().split.train;
    let (_, smooth) = Ridge::new(set.columns(), L2).optimum(&set);
    let step = 1.0 / (3.0 * smooth);
    let methods: [(&str, f64, Box<dyn EstimatorSpec<f64>>); 6] = [
        ("SGD", step, Box::new(Sgd::new(1))),
        ("SGD, a tenth of the step", step / 10.0, Box::new(Sgd::new(1))),
        ("full gradient", step, Box::new(FullGradient {})),
        ("SAGA", step, Box::new(Saga::new(1))),
        ("loopless SVRG", step, Box::new(LooplessSvrg::new(1))),
        ("SARAH", step, Box::new(Sarah::new(1))),
    ];
    let mut curves = Vec::new();
    for (name, step, spec) in methods {
        let off = descend(&set, L2, &*spec, step, PASSES, 50);
        println!("{name}: {:.1e}", off.last().map_or(f64::NAN, |(_, off)| *off));
        let points = off.iter().map(|&(passes, off)| Point::new(passes, off)).collect();
        curves.push(Curve::new(name, points));
    }
    let mut figure = Figure::new(vec![Panel::new(
        Axis::new("passes over the data").range(0.0, PASSES as f64),
        Axis::new("‖x − x*‖ / ‖x*‖").log().range(1e-14, 10.0),
        curves,
    )]);
    figure.title = Some("Ridge regression on the digits, one sample a message".into());
    figure.footer = Some(format!("{} samples, λ = {L2}, step 1/(3 L), f64", set.rows()));
    std::fs::write(&path, fl_plot::svg(&figure)?)?;
    println!("{path}");
    Ok(())
}
