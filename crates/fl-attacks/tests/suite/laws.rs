//! What every attack promises, one macro line an attack.

use fl_attacks::{
    Alie, AttackContext, AttackSpec, AttackView, ByzMean, FangKrum, FangTrimmedMean, Federation,
    Gaussian, GaussianCentre, GaussianSpread, Huge, Infinity, Ipm, Isolation, Knowledge, Mimic,
    MinMax, MinSum, Mixture, Nan, NoAttack, Perturbation, Random, Rop, SameValue,
    SampleDuplicating, SampleDuplicatingPick, Scheduled, SignFlipping, SignFlippingTarget, Zero,
    ZeroSum,
};
use fl_core::{Cx, Messages, Scalar, Streams};

const WORKERS: usize = 7;
const DIM: usize = 33;

fn honest<T: Scalar>(dim: usize) -> Messages<T> {
    let mut messages = Messages::zeros(WORKERS, dim);
    for (w, row) in messages.rows_mut().enumerate() {
        for (i, x) in row.iter_mut().enumerate() {
            *x = T::from_f64(0.3 + ((w * 33 + i) as f64).sin());
        }
    }
    messages
}

/// The rows after an attack on the honest round.
fn attacked<T: Scalar>(
    spec: &dyn AttackSpec<T>,
    byzantine: &[u32],
    knowledge: Knowledge,
    (seed, round): (u64, u64),
    mut messages: Messages<T>,
) -> Vec<Vec<T>> {
    let federation = Federation::new(WORKERS, byzantine).expect("valid");
    let context = AttackContext::new(&federation, messages.dim()).with_knowledge(knowledge);
    let mut attack = spec.build(&context).expect("valid");
    let streams = Streams::new(seed);
    let mut view = AttackView::new(&mut messages, &federation).with_knowledge(knowledge);
    attack.corrupt(&Cx::new(&streams, round), &mut view);
    messages.view().rows().map(<[T]>::to_vec).collect()
}

fn rows<T: Scalar>(
    spec: &dyn AttackSpec<T>,
    byzantine: &[u32],
    seed: u64,
    round: u64,
) -> Vec<Vec<T>> {
    attacked(spec, byzantine, Knowledge::Omniscient, (seed, round), honest(DIM))
}

fn bits<T: Scalar>(rows: &[Vec<T>]) -> Vec<u64> {
    rows.iter().flatten().map(|x| x.to_f64().to_bits()).collect()
}

/// What is promised of an attack.
#[derive(Clone, Copy)]
struct Promise {
    /// It changes Byzantine rows.
    changes: bool,
    /// It draws.
    random: bool,
    /// It looks at the true messages of Byzantine workers.
    needs_true_messages: bool,
    /// It can be played by an adversary that knows only its own messages.
    own: bool,
    /// What it sends is finite.
    finite: bool,
}

fn only_byzantine_rows_change<T: Scalar>(spec: &dyn AttackSpec<T>, promise: Promise) {
    for byzantine in [&[6][..], &[0, 3], &[1, 2, 4, 5, 6], &[0, 1, 2, 3, 4, 5]] {
        for dim in [1, DIM, 700] {
            let before = honest::<T>(dim);
            let omniscient = Knowledge::Omniscient;
            let after = attacked::<T>(spec, byzantine, omniscient, (0, 0), before.clone());
            for (w, after) in after.iter().enumerate() {
                let may = byzantine.contains(&(w as u32)) && promise.changes;
                let same = before.row(w) == after;
                assert!(same || may, "worker {w} of {byzantine:?}");
                assert!(!same || !may || byzantine.len() > 2 || dim == 1);
            }
            let finite = after.iter().flatten().all(|x| x.is_finite());
            assert_eq!(finite, promise.finite, "{byzantine:?}, {dim}");
        }
    }
}

fn an_attack_is_determined_by_seed_and_round(spec: &dyn AttackSpec<f32>, promise: Promise) {
    let first = bits(&rows(spec, &[2, 5], 7, 3));
    assert_eq!(first, bits(&rows(spec, &[2, 5], 7, 3)));
    let another = |seed, rounds: std::ops::Range<u64>| {
        rounds.into_iter().any(|r| bits(&rows(spec, &[2, 5], seed, r)) != first)
    };
    assert_eq!(another(7, 4..14), promise.random);
    assert_eq!(another(8, 3..13), promise.random);
}

fn a_used_object_does_what_a_fresh_one_does(spec: &dyn AttackSpec<f64>) {
    let federation = Federation::new(WORKERS, &[2, 5]).expect("valid");
    let mut attack = spec.build(&AttackContext::new(&federation, DIM)).expect("valid");
    let (streams, mut messages) = (Streams::new(1), honest(DIM));
    for round in 0..3 {
        messages = honest(DIM);
        let mut view = AttackView::new(&mut messages, &federation);
        attack.corrupt(&Cx::new(&streams, round), &mut view);
    }
    let used: Vec<Vec<f64>> = messages.view().rows().map(<[f64]>::to_vec).collect();
    assert_eq!(bits(&used), bits(&rows(spec, &[2, 5], 1, 2)));
}

fn without_byzantine_workers_nothing_changes(spec: &dyn AttackSpec<f64>, promise: Promise) {
    for knowledge in [Knowledge::Omniscient, Knowledge::Own] {
        if knowledge == Knowledge::Own && !promise.own {
            continue;
        }
        let before = honest::<f64>(DIM);
        let after = attacked::<f64>(spec, &[], knowledge, (0, 0), before.clone());
        for (w, row) in after.iter().enumerate() {
            assert_eq!(before.row(w), row);
        }
    }
}

fn true_messages_are_asked_for_exactly_when_they_matter(
    spec: &dyn AttackSpec<f64>,
    promise: Promise,
) {
    let federation = Federation::new(WORKERS, &[2, 5]).expect("valid");
    let mut attack = spec.build(&AttackContext::new(&federation, DIM)).expect("valid");
    assert_eq!(attack.needs_true_messages(), promise.needs_true_messages);
    // Rubbish in the Byzantine rows shows through only if they are looked at.
    let sent = |attack: &mut dyn fl_attacks::Attack<f64>, rubbish: f64| {
        let mut messages = honest(DIM);
        messages.row_mut(2).fill(rubbish);
        messages.row_mut(5).fill(-rubbish);
        let streams = Streams::new(0);
        let mut view = AttackView::new(&mut messages, &federation);
        // A round in which the random choice is sign flipping.
        attack.corrupt(&Cx::new(&streams, 2), &mut view);
        bits(&messages.view().rows().map(<[f64]>::to_vec).collect::<Vec<_>>())
    };
    let same = sent(&mut *attack, 1e3) == sent(&mut *attack, 7.0);
    assert_eq!(same, !promise.needs_true_messages);
}

fn what_is_not_known_does_not_matter(spec: &dyn AttackSpec<f32>, promise: Promise) {
    let federation = Federation::new(WORKERS, &[2, 4, 5]).expect("valid");
    let context = AttackContext::new(&federation, DIM).with_knowledge(Knowledge::Own);
    if let Err(error) = spec.build(&context) {
        assert!(!promise.own, "{error}");
        assert_eq!((&*error.part, &*error.setting), (spec.name(), "knowledge"), "{error}");
        return;
    }
    assert!(promise.own);
    let sent = |rubbish: f32| {
        let mut messages = honest::<f32>(DIM);
        for w in [0, 1, 3, 6] {
            messages.row_mut(w).fill(rubbish);
        }
        let own = Knowledge::Own;
        let mut all = attacked::<f32>(spec, &[2, 4, 5], own, (0, 0), messages);
        for w in [0, 1, 3, 6] {
            all[w].clear();
        }
        bits(&all)
    };
    assert_eq!(sent(f32::NAN), sent(3.0));
}

fn any_number_of_threads_sends_the_same_bits(spec: &dyn AttackSpec<f32>) {
    // Long enough for parallel passes.
    let sent = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("a pool").install(|| {
            let messages = honest::<f32>(12_000);
            let omniscient = Knowledge::Omniscient;
            bits(&attacked::<f32>(spec, &[2, 4, 5], omniscient, (3, 4), messages))
        })
    };
    let one = sent(1);
    for threads in [2, 3, 7] {
        assert!(one == sent(threads), "{threads} threads");
    }
}

macro_rules! laws {
    ($name:ident, $spec:expr, named: $text:literal, changes: $changes:expr, random: $random:expr,
     needs_true_messages: $needs:expr, own: $own:expr, finite: $finite:expr) => {
        mod $name {
            use super::*;

            const PROMISE: Promise = Promise {
                changes: $changes,
                random: $random,
                needs_true_messages: $needs,
                own: $own,
                finite: $finite,
            };

            #[test]
            fn only_byzantine_rows_change() {
                super::only_byzantine_rows_change::<f32>(&$spec, PROMISE);
                super::only_byzantine_rows_change::<f64>(&$spec, PROMISE);
            }

            #[test]
            fn an_attack_is_determined_by_seed_and_round() {
                super::an_attack_is_determined_by_seed_and_round(&$spec, PROMISE);
            }

            #[test]
            fn a_used_object_does_what_a_fresh_one_does() {
                super::a_used_object_does_what_a_fresh_one_does(&$spec);
            }

            #[test]
            fn without_byzantine_workers_nothing_changes() {
                super::without_byzantine_workers_nothing_changes(&$spec, PROMISE);
            }

            #[test]
            fn true_messages_are_asked_for_exactly_when_they_matter() {
                super::true_messages_are_asked_for_exactly_when_they_matter(&$spec, PROMISE);
            }

            #[test]
            fn what_is_not_known_does_not_matter() {
                super::what_is_not_known_does_not_matter(&$spec, PROMISE);
            }

            #[test]
            fn any_number_of_threads_sends_the_same_bits() {
                super::any_number_of_threads_sends_the_same_bits(&$spec);
            }

            #[test]
            fn the_name_is_the_one_in_configuration_files() {
                assert_eq!(AttackSpec::<f32>::name(&$spec), $text);
            }
        }
    };
}

/// Every attack in the crate's list, whether or not it has a line below: with its default settings, and with what it says of
/// itself for a promise.
struct Listed {
    names: Vec<&'static str>,
}

impl fl_core::PartVisitor for Listed {
    fn attack<A: AttackSpec<f32> + AttackSpec<f64> + fl_core::Registrable>(&mut self) {
        let spec = A::default();
        let name = AttackSpec::<f32>::name(&spec);
        self.names.push(name);
        let federation = Federation::new(WORKERS, &[2, 5]).expect("valid");
        let context = AttackContext::<f32>::new(&federation, DIM);
        let Ok(attack) = spec.build(&context) else { return };
        let first = bits(&rows::<f32>(&spec, &[2, 5], 7, 3));
        let promise = Promise {
            changes: name != "none",
            random: (4..14).any(|round| bits(&rows::<f32>(&spec, &[2, 5], 7, round)) != first),
            needs_true_messages: attack.needs_true_messages(),
            own: spec.build(&context.with_knowledge(Knowledge::Own)).is_ok(),
            finite: rows::<f32>(&spec, &[2, 5], 7, 3).iter().flatten().all(|x| x.is_finite()),
        };
        an_attack_is_determined_by_seed_and_round(&spec, promise);
        a_used_object_does_what_a_fresh_one_does(&spec);
        without_byzantine_workers_nothing_changes(&spec, promise);
        true_messages_are_asked_for_exactly_when_they_matter(&spec, promise);
        what_is_not_known_does_not_matter(&spec, promise);
        any_number_of_threads_sends_the_same_bits(&spec);
    }
}

#[test]
fn every_listed_attack_obeys_the_laws() {
    let mut listed = Listed { names: Vec::new() };
    fl_attacks::parts(&mut listed);
    assert!(listed.names.len() >= 19 && listed.names.contains(&"alie"));
}

laws!(none, NoAttack, named: "none", changes: false, random: false, needs_true_messages: true,
    own: true, finite: true);
laws!(sign_flipping, SignFlipping::default(), named: "sign-flipping", changes: true, random: false,
    needs_true_messages: true, own: true, finite: true);
laws!(sign_flip_of_the_honest_mean, SignFlipping { factor: -1.0, target: SignFlippingTarget::HonestMean },
    named: "sign-flipping", changes: true, random: false, needs_true_messages: false, own: true,
    finite: true);
laws!(gaussian, Gaussian::default(), named: "gaussian", changes: true, random: true,
    needs_true_messages: false, own: true, finite: true);
laws!(gaussian_around_the_honest_mean,
    Gaussian { spread: GaussianSpread::Std(0.1), mean: GaussianCentre::HonestMean },
    named: "gaussian", changes: true, random: true, needs_true_messages: false, own: true,
    finite: true);
laws!(sample_duplicating, SampleDuplicating::default(), named: "sample-duplicating", changes: true,
    random: false, needs_true_messages: false, own: false, finite: true);
laws!(sample_duplicate_of_a_random_worker,
    SampleDuplicating { pick: SampleDuplicatingPick::Random, ..Default::default() }, named: "sample-duplicating",
    changes: true, random: true, needs_true_messages: false, own: false, finite: true);
laws!(zero, Zero, named: "zero", changes: true, random: false, needs_true_messages: false,
    own: true, finite: true);
laws!(zero_sum, ZeroSum, named: "zero-sum", changes: true, random: false,
    needs_true_messages: false, own: true, finite: true);
laws!(isolation, Isolation::default(), named: "isolation", changes: true, random: false,
    needs_true_messages: false, own: false, finite: true);
laws!(same_value, SameValue::default(), named: "same-value", changes: true, random: false,
    needs_true_messages: false, own: true, finite: true);
laws!(nan, Nan, named: "nan", changes: true, random: false, needs_true_messages: false, own: true,
    finite: false);
laws!(infinity, Infinity::default(), named: "infinity", changes: true, random: false,
    needs_true_messages: false, own: true, finite: false);
laws!(huge, Huge::default(), named: "huge", changes: true, random: false,
    needs_true_messages: false, own: true, finite: true);
laws!(alie, Alie { z: Some(1.5), ..Alie::default() }, named: "alie", changes: true, random: false,
    needs_true_messages: false, own: true, finite: true);
laws!(ipm, Ipm::default(), named: "ipm", changes: true, random: false,
    needs_true_messages: false, own: true, finite: true);
laws!(mimic, Mimic::default(), named: "mimic", changes: true, random: false,
    needs_true_messages: false, own: true, finite: true);
laws!(min_max, MinMax::default(), named: "min-max", changes: true, random: false,
    needs_true_messages: false, own: true, finite: true);
laws!(min_max_against_signs, MinMax { deviation: Perturbation::Sign }, named: "min-max",
    changes: true, random: false, needs_true_messages: false, own: true, finite: true);
laws!(min_sum, MinSum { deviation: Perturbation::Unit }, named: "min-sum", changes: true,
    random: false, needs_true_messages: false, own: true, finite: true);
laws!(fang_krum, FangKrum::default(), named: "fang-krum", changes: true, random: false,
    needs_true_messages: false, own: true, finite: true);
laws!(fang_trimmed_mean, FangTrimmedMean::default(), named: "fang-trimmed-mean", changes: true,
    random: true, needs_true_messages: false, own: true, finite: true);
laws!(rop, Rop { z: Some(1.0), ..Rop::default() }, named: "rop", changes: true, random: false,
    needs_true_messages: false, own: true, finite: true);
laws!(byz_mean, ByzMean { z: Some(1.5) }, named: "byz-mean", changes: true, random: false,
    needs_true_messages: false, own: true, finite: true);
laws!(mixture, mixture(), named: "mixture", changes: true, random: true,
    needs_true_messages: true, own: true, finite: true);
laws!(random_choice, random_choice(), named: "random", changes: true, random: true,
    needs_true_messages: true, own: true, finite: true);
laws!(scheduled, scheduled(), named: "scheduled", changes: true, random: false,
    needs_true_messages: true, own: true, finite: true);

fn mixture<T: Scalar>() -> Mixture<T> {
    let ipm = Ipm::default();
    Mixture {
        parts: vec![Box::<SignFlipping>::default(), Box::new(Gaussian::default()), Box::new(ipm)],
        counts: None,
    }
}

fn random_choice<T: Scalar>() -> Random<T> {
    Random { parts: vec![Box::<SignFlipping>::default(), Box::<Ipm>::default()] }
}

fn scheduled<T: Scalar>() -> Scheduled<T> {
    Scheduled {
        attack: Box::<SignFlipping>::default(),
        otherwise: Box::new(NoAttack),
        from: 0,
        until: Some(100),
        alternate: None,
    }
}

fn refusal(spec: &dyn AttackSpec<f32>) -> String {
    let federation = Federation::new(WORKERS, &[6]).expect("valid");
    spec.build(&AttackContext::new(&federation, DIM)).expect_err("a bad setting").to_string()
}

#[test]
fn a_factor_that_is_not_finite_is_refused() {
    let spec = SignFlipping { factor: f64::NAN, ..SignFlipping::default() };
    assert_eq!(refusal(&spec), "sign-flipping: factor must be finite, got NaN");
}

#[test]
fn a_spread_below_zero_or_not_finite_is_refused_by_the_name_it_was_given() {
    let spec = |spread| Gaussian { spread, mean: GaussianCentre::Zero };
    assert_eq!(
        refusal(&spec(GaussianSpread::Variance(-1.0))),
        "gaussian: spread.variance must be finite and at least 0, got -1"
    );
    assert_eq!(
        refusal(&spec(GaussianSpread::Std(f64::INFINITY))),
        "gaussian: spread.std must be finite and at least 0, got inf"
    );
}

#[test]
fn bad_settings_are_refused_by_name() {
    assert_eq!(
        refusal(&Alie { z: Some(f64::INFINITY), ..Alie::default() }),
        "alie: z must be finite, got inf"
    );
    assert_eq!(refusal(&Ipm { epsilon: f64::NAN }), "ipm: epsilon must be finite, got NaN");
    assert_eq!(
        refusal(&Huge { value: 1e39 }),
        "huge: value must be finite in f32, at most 3.4028234663852886e38, got 1e39"
    );
    assert_eq!(
        refusal(&FangKrum { threshold: 0.0 }),
        "fang-krum: threshold must be positive and finite, got 0"
    );
    assert_eq!(
        refusal(&FangTrimmedMean { factor: 0.5 }),
        "fang-trimmed-mean: factor must be finite and at least 1, got 0.5"
    );
    assert_eq!(
        refusal(&Mimic { warm_up: 0, ..Mimic::default() }),
        "mimic: warm-up must be at least 1 round, got 0"
    );
    assert_eq!(
        refusal(&Mimic { worker: Some(6), ..Mimic::default() }),
        "mimic: worker must be a regular worker (0 to 5), got 6, which is Byzantine"
    );
    assert_eq!(
        refusal(&SampleDuplicating { worker: Some(0), pick: SampleDuplicatingPick::Random }),
        "sample-duplicating: worker must be left out where a random worker is drawn, got 0"
    );
    assert_eq!(
        refusal(&Mixture::<f32> { parts: Vec::new(), counts: None }),
        "mixture: attacks must be at least 1, got 0"
    );
    let one = || -> Vec<Box<dyn AttackSpec<f32>>> { vec![Box::new(Zero)] };
    assert_eq!(
        refusal(&Mixture { parts: one(), counts: Some(vec![1, 1]) }),
        "mixture: counts must be 1 numbers, one for each attack, got [1, 1]"
    );
    assert_eq!(
        refusal(&Mixture { parts: one(), counts: Some(vec![2]) }),
        "mixture: counts must be 1 in sum, the number of Byzantine workers, got [2]"
    );
    let schedule = |until, alternate| Scheduled::<f32> {
        attack: Box::new(Zero),
        otherwise: Box::new(NoAttack),
        from: 5,
        until,
        alternate,
    };
    assert_eq!(
        refusal(&schedule(Some(5), None)),
        "scheduled: until must be more than from = 5, got 5"
    );
    assert_eq!(
        refusal(&schedule(None, Some((0, 1)))),
        "scheduled: on must be at least 1 round, got 0"
    );
}

#[cfg(feature = "serde")]
mod settings {
    use super::*;
    use serde_json::from_str;

    #[test]
    fn attacks_are_read_from_tables_and_defaults_fill_in() {
        assert_eq!(from_str::<SignFlipping>("{}").expect("valid"), SignFlipping::default());
        assert_eq!(
            from_str::<SignFlipping>(r#"{"factor": -1, "target": "honest-mean"}"#).expect("valid"),
            SignFlipping { factor: -1.0, target: SignFlippingTarget::HonestMean }
        );
        assert_eq!(
            from_str::<Gaussian>(r#"{"spread": {"std": 30}}"#).expect("valid"),
            Gaussian { spread: GaussianSpread::Std(30.0), mean: GaussianCentre::Zero }
        );
        assert_eq!(
            from_str::<SampleDuplicating>(r#"{"worker": 4}"#).expect("valid"),
            SampleDuplicating { worker: Some(4), ..Default::default() }
        );
        assert_eq!(from_str::<NoAttack>("{}").expect("valid"), NoAttack);
    }

    #[test]
    fn what_was_written_is_read_back() {
        let spec =
            Gaussian { spread: GaussianSpread::Variance(2.0), mean: GaussianCentre::HonestMean };
        let text = serde_json::to_string(&spec).expect("valid");
        assert_eq!(text, r#"{"spread":{"variance":2.0},"mean":"honest-mean"}"#);
        assert_eq!(from_str::<Gaussian>(&text).expect("valid"), spec);
        assert_eq!(
            serde_json::to_string(&SampleDuplicating::default()).expect("valid"),
            "{\"worker\":null,\"pick\":\"fixed\"}"
        );
    }

    #[test]
    fn unknown_keys_and_a_spread_without_a_name_are_refused() {
        let error = |text| from_str::<Gaussian>(text).unwrap_err().to_string();
        assert!(error(r#"{"variance": 3}"#).contains("unknown field `variance`"));
        assert!(error(r#"{"spread": 3}"#).contains("expected"));
        assert!(error(r#"{"spread": {}}"#).contains("a spread needs `variance` or `std`"));
        assert!(
            error(r#"{"spread": {"variance": 4, "std": 2}}"#)
                .contains("not both: got variance = 4 and std = 2")
        );
        assert!(from_str::<NoAttack>(r#"{"worker": 0}"#).is_err());
        assert!(from_str::<SampleDuplicating>(r#"{"wroker": 0}"#).is_err());
        assert!(from_str::<SignFlipping>(r#"{"c": -5}"#).is_err());
    }
}
