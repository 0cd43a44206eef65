//! Byzantine workers that change.

use crate::common::{World, gradient};
use fl_agg::Mean;
use fl_attacks::NoAttack;
use fl_core::Streams;
use fl_sim::{Rotation, Setup, Simulation};

#[test]
fn byzantine_workers_change_with_every_epoch_and_are_drawn_by_address() {
    let world = World::by_class(10);
    let setup = || Setup {
        rotation: Some(Rotation { every: 4 }),
        ..world.setup::<f32>(
            Box::new(fl_saga::Sgd::new(4)),
            gradient(Mean),
            Box::new(NoAttack),
            &[0, 1, 2],
            0.1,
            11,
        )
    };
    let who = |simulation: &mut Simulation<'_, f32>, rounds| {
        let mut seen = Vec::new();
        simulation
            .run(rounds, |_, view| {
                seen.push(view.federation.byzantine().to_vec());
                Ok(())
            })
            .expect("a run");
        seen
    };
    let seen = who(&mut Simulation::new(setup()).expect("valid"), 20);
    for epoch in 0..5u64 {
        let mut expected = [0; 3];
        let mut rng = Streams::new(11).at(fl_core::Role::Byzantine, 0, epoch);
        fl_core::streams::distinct(&mut rng, 10, &mut expected);
        expected.sort_unstable();
        for round in 4 * epoch..4 * epoch + 4 {
            assert_eq!(seen[round as usize], expected, "round {round}");
        }
    }
    assert!(seen.iter().any(|who| *who != seen[0]));
    // The mean does not ask who is Byzantine, and without an attack it does not matter.
    let params = |setup| {
        let mut simulation = Simulation::<f32>::new(setup).expect("valid");
        simulation.run(20, |_, _| Ok(())).expect("a run");
        simulation.params().to_vec()
    };
    assert_eq!(params(setup()), params(Setup { rotation: None, ..setup() }));
    let error = Simulation::new(Setup { rotation: Some(Rotation { every: 0 }), ..setup() });
    assert!(error.unwrap_err().to_string().contains("at least 1 round"));
}
