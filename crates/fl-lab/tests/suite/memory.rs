//! What a cell will keep in memory is what its simulation keeps.

use crate::common::SEVEN;
use fl_core::Part;
use fl_lab::{Experiment, assign, cells, memory, setup};
use fl_sim::Simulation;

#[test]
fn memory_is_told_before_it_is_taken_in_both_protocols() {
    let (experiment, source) = Experiment::parse(SEVEN, "seven.toml", &[]).expect("an experiment");
    let data = fl_data::digits::load();
    for cell in cells(&experiment) {
        let name = &cell.method.name;
        let assignment = assign(&cell, &data, &source).expect("a partition");
        let told = memory(&cell, &data, &assignment, &source).expect("a setup");
        let setup = setup::<f32>(&cell, &data, &assignment, &source).expect("a setup");
        let mut simulation = Simulation::new(setup).expect("a simulation");
        let dim = simulation.params().len();
        // The round's messages, and the models that RSA's workers keep.
        let mut models = 0;
        simulation.state(&mut |part, numbers| {
            if let (true, Part::Vector(x)) = (part.ends_with(".model"), numbers) {
                models += x.len();
            }
        });
        assert_eq!(models > 0, name == "RSA");
        assert_eq!(told.messages, (30 * dim + models) * size_of::<f32>(), "{name}");
        assert_eq!(told.estimators, Some(simulation.estimator_memory()), "{name}");
    }
}
