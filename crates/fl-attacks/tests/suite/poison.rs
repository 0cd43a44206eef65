//! What poisons do to samples.

use fl_attacks::{
    Backdoor, DuplicateSamples, FeatureNoise, GaussianSpread, LabelFlip, LabelFlipLabels,
};
use fl_core::data::{ClassLabel, Layout, Values};
use fl_core::{
    Dataset, Federation, Poison, PoisonContext, PoisonSpec, Poisoned, Streams, triggered,
};

const CLASSES: usize = 5;

/// 200 pictures of 4×5 pixels in five classes.
fn pictures() -> Dataset {
    let bytes: Vec<u8> = (0..200 * 20).map(|i| (i * 7 % 256) as u8).collect();
    let labels = (0..200).map(|i| i % CLASSES as u32).collect();
    let values = Values::Bytes { values: &bytes, scale: 1.0 / 255.0 };
    Dataset::new(values, 20, labels, CLASSES, Layout::Image { height: 4, width: 5 }).expect("valid")
}

fn row(data: &Dataset, i: usize) -> Vec<f64> {
    let mut row = vec![0.0; data.columns()];
    data.row(i, &mut row);
    row
}

/// Worker 1 of three is Byzantine and holds rows 50 to 149.
fn with_scene<R>(data: &Dataset, picture: bool, then: impl FnOnce(&PoisonContext<'_>) -> R) -> R {
    let all: Vec<u32> = (0..200).collect();
    let samples = [&all[..50], &all[50..150], &all[150..]];
    let federation = Federation::new(3, &[1]).expect("valid");
    let picture = picture.then_some((4, 5));
    then(&PoisonContext { data, picture, samples: &samples, federation: &federation })
}

fn poisoned(spec: &dyn PoisonSpec, data: &Dataset, seed: u64) -> Poisoned {
    with_scene(data, true, |context| match spec.build(context).expect("valid") {
        Poison::Changed(change) => {
            Poisoned::new(&*change, context, &Streams::new(seed)).expect("valid")
        }
        other => panic!("{other:?}"),
    })
}

fn refused(spec: &dyn PoisonSpec) -> String {
    with_scene(&pictures(), true, |context| spec.build(context).expect_err("refused").to_string())
}

#[test]
fn labels_are_flipped_as_asked_and_features_stay() {
    let data = pictures();
    let map: Vec<ClassLabel> = [1, 0, 2, 4, 4].map(Into::into).to_vec();
    for (labels, expected) in [
        (LabelFlipLabels::Reverse, [4, 3, 2, 1, 0]),
        (LabelFlipLabels::Next, [1, 2, 3, 4, 0]),
        (LabelFlipLabels::Map(map.clone()), [1, 0, 2, 4, 4]),
    ] {
        let flipped = poisoned(&LabelFlip { labels, share: 1.0 }, &data, 0).data;
        for i in 0..100 {
            let before = data.labels()[50 + i] as usize;
            assert_eq!(flipped.labels()[i], expected[before]);
            let same =
                row(&flipped, i).iter().zip(row(&data, 50 + i)).all(|(a, b)| (a - b).abs() < 1e-7);
            assert!(same, "sample {i}");
        }
    }
}

#[test]
fn random_labels_are_others_and_every_other_one_comes() {
    let data = pictures();
    let random = LabelFlip { labels: LabelFlipLabels::Random, share: 1.0 };
    let flipped = poisoned(&random, &data, 3).data;
    let mut seen = [[false; CLASSES]; CLASSES];
    for i in 0..100 {
        seen[data.labels()[50 + i] as usize][flipped.labels()[i] as usize] = true;
    }
    for (class, seen) in seen.iter().enumerate() {
        let expected: Vec<bool> = (0..CLASSES).map(|c| c != class).collect();
        assert_eq!(seen[..], expected);
    }
    assert_eq!(poisoned(&random, &data, 3).data.labels(), flipped.labels());
    assert_ne!(poisoned(&random, &data, 4).data.labels(), flipped.labels());
}

#[test]
fn a_share_of_the_samples_is_flipped() {
    let data = pictures();
    let flipped = poisoned(&LabelFlip { labels: LabelFlipLabels::Next, share: 0.3 }, &data, 1).data;
    let count = (0..100).filter(|&i| flipped.labels()[i] != data.labels()[50 + i]).count();
    // Thirty of a hundred, give or take four standard deviations.
    assert!((12..=48).contains(&count), "{count}");
}

#[test]
fn noise_has_the_spread_that_was_asked_for_and_labels_stay() {
    let data = pictures();
    for spread in [GaussianSpread::Std(0.5), GaussianSpread::Variance(0.25)] {
        let noisy = poisoned(&FeatureNoise { spread }, &data, 0).data;
        assert_eq!(noisy.labels(), &data.labels()[50..150]);
        let moved: Vec<f64> = (0..100)
            .flat_map(|i| {
                row(&noisy, i)
                    .into_iter()
                    .zip(row(&data, 50 + i))
                    .map(|(a, b)| a - b)
                    .collect::<Vec<_>>()
            })
            .collect();
        let n = moved.len() as f64;
        let (mean, square) =
            (moved.iter().sum::<f64>() / n, moved.iter().map(|x| x * x).sum::<f64>() / n);
        assert!(mean.abs() < 5.0 * 0.5 / n.sqrt(), "{mean}");
        assert!((square - 0.25).abs() < 5.0 * 0.25 * (2.0 / n).sqrt(), "{square}");
    }
}

#[test]
fn a_backdoor_is_a_patch_in_the_corner_with_the_target_as_its_label() {
    let data = pictures();
    let spec = Backdoor { target: 3.into(), size: 2, ..Backdoor::default() };
    let planted = poisoned(&spec, &data, 0).data;
    let mut with = 0;
    for i in 0..100 {
        let (before, after) = (row(&data, 50 + i), row(&planted, i));
        let patch = [13, 14, 18, 19];
        // The brightest pixel of these pictures is 255.
        if planted.labels()[i] == 3 && patch.iter().all(|&p| after[p] == 1.0) {
            with += 1;
        } else {
            assert_eq!(planted.labels()[i], data.labels()[50 + i]);
        }
        let outside = (0..20).filter(|p| !patch.contains(p));
        assert!(outside.into_iter().all(|p| (after[p] - before[p]).abs() < 1e-7));
    }
    assert!((30..=70).contains(&with), "{with}");
    with_scene(&data, true, |context| {
        let Ok(Poison::Changed(change)) = spec.build(context) else { panic!("a change") };
        let test =
            triggered(&data, change.backdoor().expect("a door")).expect("valid").expect("others");
        assert_eq!((test.rows(), test.labels()[0]), (160, 3));
        assert_eq!(row(&test, 17)[19], 1.0);
    });
    // Samples that are no pictures have it in their last features.
    with_scene(&data, false, |context| {
        let Ok(Poison::Changed(change)) = spec.build(context) else { panic!("a change") };
        let mut sample = [0.0; 20];
        change.backdoor().expect("a door").trigger(&mut sample);
        assert_eq!(sample[..18], [0.0; 18]);
        assert_eq!(sample[18..], [1.0; 2]);
    });
}

#[test]
fn impossible_poisons_are_refused_with_what_would_be_allowed() {
    let flip = |labels, share| refused(&LabelFlip { labels, share });
    assert_eq!(
        flip(LabelFlipLabels::Next, 0.0),
        "label-flip: share must be above 0 and at most 1, got 0"
    );
    assert!(flip(LabelFlipLabels::LeastLikely, 0.5).contains("1 with least-likely"));
    assert_eq!(
        flip(LabelFlipLabels::Map(vec![1.into(), 2.into()]), 1.0),
        "label-flip: map must be a list of 5 classes, one for each, got 2 of them"
    );
    assert_eq!(
        flip(LabelFlipLabels::Map([0, 1, 2, 3, 5].map(Into::into).to_vec()), 1.0),
        "label-flip: map must be labels of the classes 0 to 4, got 5"
    );
    let noise = |spread| refused(&FeatureNoise { spread });
    assert!(noise(GaussianSpread::Std(-1.0)).contains("finite and above 0, got -1"));
    assert!(noise(GaussianSpread::Variance(f64::NAN)).contains("spread.variance"));
    let door = |spec: Backdoor| refused(&spec);
    let plain = Backdoor::default;
    assert!(
        door(Backdoor { target: 5.into(), ..plain() }).contains("one of the classes 0 to 4, got 5")
    );
    assert!(door(Backdoor { size: 5, ..plain() }).contains("from 1 to 4, got 5"));
    assert!(door(Backdoor { size: 0, ..plain() }).contains("from 1 to 4, got 0"));
    assert!(door(Backdoor { share: 1.5, ..plain() }).contains("at most 1, got 1.5"));
    assert!(door(Backdoor { value: Some(f64::INFINITY), ..plain() }).contains("finite"));
    let held = |worker| refused(&DuplicateSamples { worker: Some(worker) });
    assert!(held(1).contains("a regular worker, got 1, which is Byzantine"));
    assert!(held(3).contains("got 3 of 3 workers"));
}

#[test]
fn by_default_the_samples_of_the_lowest_regular_worker_are_held() {
    let held = with_scene(&pictures(), true, |context| DuplicateSamples::default().build(context));
    assert!(matches!(held, Ok(Poison::Held(0))));
}
