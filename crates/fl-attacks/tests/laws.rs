//! What every attack promises, one macro line an attack.

use fl_attacks::{
    AttackSpec, Centre, Federation, Gaussian, NoAttack, SampleDuplicate, Sight, SignFlip, Site,
    Spread, Target,
};
use fl_core::{Cx, Messages, Scalar, Streams};

const WORKERS: usize = 7;
const DIM: usize = 33;

fn honest<T: Scalar>() -> Messages<T> {
    let mut messages = Messages::zeros(WORKERS, DIM);
    for (w, row) in messages.rows_mut().enumerate() {
        for (i, x) in row.iter_mut().enumerate() {
            *x = T::from_f64(((w * DIM + i) as f64).sin());
        }
    }
    messages
}

/// The rows after an attack on the honest round.
fn rows<T: Scalar>(
    spec: &dyn AttackSpec<T>,
    byzantine: &[u32],
    seed: u64,
    round: u64,
) -> Vec<Vec<T>> {
    let federation = Federation::new(WORKERS, byzantine).expect("valid");
    let mut attack = spec.build(&Site::new(&federation, DIM)).expect("valid");
    let mut messages = honest();
    let streams = Streams::new(seed);
    attack.corrupt(&Cx::new(&streams, round), &mut Sight::new(&mut messages, &federation));
    messages.view().rows().map(<[T]>::to_vec).collect()
}

macro_rules! laws {
    ($name:ident, $spec:expr, named: $text:literal, changes: $changes:expr, random: $random:expr,
     needs_true_messages: $needs:expr) => {
        mod $name {
            use super::*;

            #[test]
            fn only_byzantine_rows_change() {
                each::<f32>();
                each::<f64>();
                fn each<T: Scalar>() {
                    let before = honest::<T>();
                    for byzantine in [&[6][..], &[0, 3], &[1, 2, 4, 5, 6]] {
                        let after = rows::<T>(&$spec, byzantine, 0, 0);
                        for (w, after) in after.iter().enumerate() {
                            let corrupted = byzantine.contains(&(w as u32)) && $changes;
                            assert_eq!(before.row(w) != after, corrupted, "worker {w}");
                        }
                    }
                }
            }

            #[test]
            fn an_attack_is_determined_by_seed_and_round() {
                let first = rows::<f32>(&$spec, &[2, 5], 7, 3);
                assert_eq!(first, rows::<f32>(&$spec, &[2, 5], 7, 3));
                assert_eq!(first != rows::<f32>(&$spec, &[2, 5], 7, 4), $random);
                assert_eq!(first != rows::<f32>(&$spec, &[2, 5], 8, 3), $random);
            }

            #[test]
            fn a_used_object_does_what_a_fresh_one_does() {
                let federation = Federation::new(WORKERS, &[2, 5]).expect("valid");
                let mut attack =
                    AttackSpec::<f64>::build(&$spec, &Site::new(&federation, DIM)).expect("valid");
                let (streams, mut messages) = (Streams::new(1), honest());
                for round in 0..3 {
                    messages = honest();
                    let mut sight = Sight::new(&mut messages, &federation);
                    attack.corrupt(&Cx::new(&streams, round), &mut sight);
                }
                for (used, fresh) in messages.view().rows().zip(rows::<f64>(&$spec, &[2, 5], 1, 2))
                {
                    assert_eq!(used, fresh);
                }
            }

            #[test]
            fn without_byzantine_workers_nothing_changes() {
                let before = honest::<f64>();
                for (w, row) in rows::<f64>(&$spec, &[], 0, 0).iter().enumerate() {
                    assert_eq!(before.row(w), row);
                }
            }

            #[test]
            fn true_messages_are_asked_for_exactly_when_they_matter() {
                let federation = Federation::new(WORKERS, &[2, 5]).expect("valid");
                let mut attack =
                    AttackSpec::<f64>::build(&$spec, &Site::new(&federation, DIM)).expect("valid");
                assert_eq!(attack.needs_true_messages(), $needs);
                // Rubbish in the Byzantine rows shows through only if they are looked at.
                let mut messages = honest();
                messages.row_mut(2).fill(f64::NAN);
                messages.row_mut(5).fill(f64::INFINITY);
                let streams = Streams::new(0);
                attack.corrupt(&Cx::new(&streams, 0), &mut Sight::new(&mut messages, &federation));
                let clean = messages.view().rows().flatten().all(|x| x.is_finite());
                assert_eq!(clean, !$needs);
            }

            #[test]
            fn the_name_is_the_one_in_configuration_files() {
                assert_eq!(AttackSpec::<f32>::name(&$spec), $text);
            }
        }
    };
}

laws!(none, NoAttack, named: "none", changes: false, random: false, needs_true_messages: true);
laws!(sign_flip, SignFlip::default(), named: "sign-flipping", changes: true, random: false,
    needs_true_messages: true);
laws!(sign_flip_of_the_honest_mean, SignFlip { factor: -1.0, target: Target::HonestMean },
    named: "sign-flipping", changes: true, random: false, needs_true_messages: false);
laws!(gaussian, Gaussian::default(), named: "gaussian", changes: true, random: true,
    needs_true_messages: false);
laws!(gaussian_around_the_honest_mean,
    Gaussian { spread: Spread::Std(0.1), mean: Centre::HonestMean },
    named: "gaussian", changes: true, random: true, needs_true_messages: false);
laws!(sample_duplicate, SampleDuplicate::default(), named: "sample-duplicating", changes: true,
    random: false, needs_true_messages: false);

fn refusal(spec: &dyn AttackSpec<f32>) -> String {
    let federation = Federation::new(WORKERS, &[6]).expect("valid");
    spec.build(&Site::new(&federation, DIM)).expect_err("a bad setting").to_string()
}

#[test]
fn a_factor_that_is_not_finite_is_refused() {
    let spec = SignFlip { factor: f64::NAN, ..SignFlip::default() };
    assert_eq!(refusal(&spec), "sign-flipping: factor must be finite, got NaN");
}

#[test]
fn a_spread_below_zero_or_not_finite_is_refused_by_the_name_it_was_given() {
    let spec = |spread| Gaussian { spread, mean: Centre::Zero };
    assert_eq!(
        refusal(&spec(Spread::Variance(-1.0))),
        "gaussian: spread.variance must be finite and at least 0, got -1"
    );
    assert_eq!(
        refusal(&spec(Spread::Std(f64::INFINITY))),
        "gaussian: spread.std must be finite and at least 0, got inf"
    );
}

#[cfg(feature = "serde")]
mod settings {
    use super::*;
    use serde_json::from_str;

    #[test]
    fn attacks_are_read_from_tables_and_defaults_fill_in() {
        assert_eq!(from_str::<SignFlip>("{}").expect("valid"), SignFlip::default());
        assert_eq!(
            from_str::<SignFlip>(r#"{"factor": -1, "target": "honest-mean"}"#).expect("valid"),
            SignFlip { factor: -1.0, target: Target::HonestMean }
        );
        assert_eq!(
            from_str::<Gaussian>(r#"{"spread": {"std": 30}}"#).expect("valid"),
            Gaussian { spread: Spread::Std(30.0), mean: Centre::Zero }
        );
        assert_eq!(
            from_str::<SampleDuplicate>(r#"{"worker": 4}"#).expect("valid"),
            SampleDuplicate { worker: Some(4) }
        );
        assert_eq!(from_str::<NoAttack>("{}").expect("valid"), NoAttack);
    }

    #[test]
    fn what_was_written_is_read_back() {
        let spec = Gaussian { spread: Spread::Variance(2.0), mean: Centre::HonestMean };
        let text = serde_json::to_string(&spec).expect("valid");
        assert_eq!(text, r#"{"spread":{"variance":2.0},"mean":"honest-mean"}"#);
        assert_eq!(from_str::<Gaussian>(&text).expect("valid"), spec);
        assert_eq!(
            serde_json::to_string(&SampleDuplicate::default()).expect("valid"),
            "{\"worker\":null}"
        );
    }

    #[test]
    fn unknown_keys_and_a_spread_without_a_name_are_refused() {
        let error = |text| from_str::<Gaussian>(text).unwrap_err().to_string();
        assert!(error(r#"{"variance": 3}"#).contains("unknown field `variance`"));
        assert!(error(r#"{"spread": 3}"#).contains("expected"));
        assert!(from_str::<NoAttack>(r#"{"worker": 0}"#).is_err());
        assert!(from_str::<SampleDuplicate>(r#"{"wroker": 0}"#).is_err());
        assert!(from_str::<SignFlip>(r#"{"c": -5}"#).is_err());
    }
}
