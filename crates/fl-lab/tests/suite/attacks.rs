//! Attacks in the laboratory: they play in both protocols.

use crate::federation::{World, gradient, rsa};
use fl_agg::GeometricMedian;
use fl_core::Knowledge;
use fl_lab::Registry;
use fl_saga::Sgd;
use fl_sim::Simulation;

#[test]
fn every_attack_plays_in_both_protocols_and_with_either_knowledge_or_says_why_not() {
    let world = World::by_class(30);
    let byzantine: Vec<u32> = (24..30).collect();
    let registry = Registry::standard();
    for entry in registry.attacks().iter() {
        for knowledge in [Knowledge::Omniscient, Knowledge::Own] {
            for in_rsa in [false, true] {
                let name = entry.name();
                let attack = registry.attack(&entry.choice()).expect("defaults").single();
                let protocol = match in_rsa {
                    true => rsa(0.02),
                    false => gradient(GeometricMedian::default()),
                };
                let mut setup =
                    world.setup(Box::new(Sgd::new(8)), protocol, attack, &byzantine, 0.01, 1);
                setup.knowledge = knowledge;
                match Simulation::new(setup) {
                    Ok(mut simulation) => {
                        let wrong = ["nan", "infinity"].contains(&name) && in_rsa;
                        let ran = simulation.run(3, |_, _| Ok(()));
                        assert!(ran.is_ok(), "{name}: {ran:?}");
                        let finite = simulation.params().iter().all(|x| x.is_finite());
                        assert!(finite || wrong, "{name}, {knowledge:?}, RSA {in_rsa}");
                    }
                    Err(error) => {
                        let error = error.to_string();
                        let copies = knowledge == Knowledge::Own
                            && error.contains("knowledge must be \"omniscient\"");
                        let searches =
                            in_rsa && error.starts_with("line-search: the defence must be");
                        assert!(copies || searches, "{name}: {error}");
                    }
                }
            }
        }
    }
}
