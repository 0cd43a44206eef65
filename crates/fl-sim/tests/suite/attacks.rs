//! Attacks with memory go on where they were.

use crate::common::{World, gradient};
use fl_agg::CenteredClipping;
use fl_attacks::{
    Alie, AttackSpec, LineSearch, LineSearchMethod, Mimic, Mixture, PoisonedFl, Rop, Scheduled,
    SignFlipping,
};
use fl_core::Part;
use fl_saga::Sgd;
use fl_sim::Simulation;

fn search(attack: impl AttackSpec<f32> + 'static) -> Box<dyn AttackSpec<f32>> {
    Box::new(LineSearch {
        attack: Box::new(attack),
        evaluations: 8,
        method: LineSearchMethod::GoldenSection,
        from: None,
        to: None,
        guess: None,
    })
}

fn attacks() -> Vec<Box<dyn AttackSpec<f32>>> {
    let mimic = || Box::new(Mimic { warm_up: 10, ..Mimic::default() });
    vec![
        mimic(),
        Box::<Rop>::default(),
        search(Rop::default()),
        Box::new(PoisonedFl { every: 3, ..PoisonedFl::default() }),
        search(Alie::default()),
        Box::new(Mixture { parts: vec![mimic(), Box::<Rop>::default()], counts: None }),
        Box::new(Scheduled {
            attack: mimic(),
            otherwise: Box::<SignFlipping>::default(),
            from: 3,
            until: None,
            alternate: Some((2, 1)),
        }),
    ]
}

/// What a simulation carries over, number by number.
fn state(simulation: &mut Simulation<'_, f32>) -> Vec<(String, Vec<f64>)> {
    let mut all = Vec::new();
    simulation.state(&mut |name, part| {
        let numbers = match part {
            Part::Vector(x) | Part::Matrix(x, _) => x.iter().map(|&x| f64::from(x)).collect(),
            Part::Doubles(x) => x.to_vec(),
            Part::Count(x) => vec![*x as f64],
            _ => panic!("a part of a kind that is new"),
        };
        all.push((name.to_owned(), numbers));
    });
    all
}

#[test]
fn an_attack_that_is_restored_goes_on_to_the_same_bits() {
    let world = World::by_class(30);
    let byzantine: Vec<u32> = (24..30).collect();
    for i in 0..attacks().len() {
        let build = || {
            let attack = attacks().remove(i);
            let protocol = gradient(CenteredClipping::default());
            let setup = world.setup(Box::new(Sgd::new(8)), protocol, attack, &byzantine, 0.1, 2);
            Simulation::new(setup).expect("valid")
        };
        let (mut whole, mut first, mut second) = (build(), build(), build());
        whole.run(24, |_, _| Ok(())).expect("finite");
        first.run(7, |_, _| Ok(())).expect("finite");
        let saved = state(&mut first);
        let mut parts = saved.iter();
        second.state(&mut |name, part| {
            let (saved, numbers) = parts.next().expect("as many parts");
            assert_eq!(saved, name);
            match part {
                Part::Vector(x) | Part::Matrix(x, _) => {
                    x.iter_mut().zip(numbers).for_each(|(x, y)| *x = *y as f32);
                }
                Part::Doubles(x) => x.copy_from_slice(numbers),
                Part::Count(x) => *x = numbers[0] as u64,
                _ => panic!("a part of a kind that is new"),
            }
        });
        second.run(24, |_, _| Ok(())).expect("finite");
        assert_eq!(whole.params(), second.params(), "{}", attacks()[i].name());
    }
}
