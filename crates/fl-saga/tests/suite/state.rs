//! What an estimator shows of its state is all that later messages depend on.

use crate::common::{SAMPLINGS, Seven, all, label};
use fl_core::{Cx, Estimator, Part, Scalar, Streams, Workspace};

/// One part, copied out.
#[derive(Clone, Debug, PartialEq)]
enum Copied<T> {
    Numbers(Vec<T>),
    Doubles(Vec<f64>),
    Count(u64),
}

fn save<T: Scalar>(estimator: &mut dyn Estimator<T>) -> Vec<(String, Copied<T>)> {
    let mut parts = Vec::new();
    estimator.state(&mut |name, part| {
        let copied = match part {
            Part::Vector(numbers) | Part::Matrix(numbers, _) => Copied::Numbers(numbers.to_vec()),
            Part::Doubles(numbers) => Copied::Doubles(numbers.to_vec()),
            Part::Count(count) => Copied::Count(*count),
            _ => panic!("{name} is of a kind that is not known here"),
        };
        parts.push((name.to_owned(), copied));
    });
    parts
}

fn restore<T: Scalar>(estimator: &mut dyn Estimator<T>, parts: &[(String, Copied<T>)]) {
    let mut parts = parts.iter();
    estimator.state(&mut |name, part| {
        let (saved, copied) = parts.next().expect("as many parts as were saved");
        assert_eq!(name, saved);
        match (part, copied) {
            (Part::Vector(to) | Part::Matrix(to, _), Copied::Numbers(from)) => {
                to.copy_from_slice(from);
            }
            (Part::Doubles(to), Copied::Doubles(from)) => to.copy_from_slice(from),
            (Part::Count(to), Copied::Count(from)) => *to = *from,
            (part, copied) => panic!("{name}: {part:?} was saved as {copied:?}"),
        }
    });
    assert!(parts.next().is_none());
}

fn check<T: Scalar>() {
    let seven = Seven::new();
    let (local, set) = (seven.local::<T>(), &seven.set);
    let streams = Streams::new(1);
    let at = |round: u64| -> Vec<T> {
        (0..20).map(|i| T::from_f64(((i + round) as f64 * 0.7).sin())).collect()
    };
    for sampling in SAMPLINGS {
        for spec in all::<T>(3, sampling) {
            let mut work = Workspace::new(local.objective, set, spec.capacity());
            let mut first = spec.build(&local).unwrap();
            first.start(&local, &at(0), &mut work);
            let mut message = |estimator: &mut dyn Estimator<T>, round: u64| {
                let mut out = vec![T::ZERO; 20];
                let cx = Cx::new(&streams, round);
                estimator.message(&cx, &local, &at(round), &mut out, &mut work);
                let expected = estimator.variation(&local, &at(round + 1), &mut work).to_bits();
                (out, expected)
            };
            for round in 0..40 {
                // Saved and restored between any two rounds, into one that was started elsewhere.
                let saved = save(&mut *first);
                let mut second = spec.build(&local).unwrap();
                let mut other = Workspace::new(local.objective, set, spec.capacity());
                second.start(&local, &at(99), &mut other);
                restore(&mut *second, &saved);
                let (a, b) = (message(&mut *first, round), message(&mut *second, round));
                assert_eq!(a, b, "{} at round {round}", label(&*spec));
                let (a, b) = (save(&mut *first), save(&mut *second));
                assert_eq!(a, b, "{} at round {round}", label(&*spec));
            }
        }
    }
}

#[test]
fn an_estimator_goes_on_from_what_it_shows_of_its_state() {
    check::<f32>();
    check::<f64>();
}
