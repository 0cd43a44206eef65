//! Laws and pinned values of all kinds.

use super::feature_skew::turn;
use super::variates::{cuts, draw, shares, shuffle};
use super::*;
use fl_core::data::{Layout, Values};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(7)
}

const THREE: PartitionSpec = PartitionSpec::ByClass(ByClass { workers_per_class: 3 });

#[test]
fn value_stability() {
    let labels = [0; 12];
    let p = PartitionSpec::Iid.build(&labels, 1, 5, &mut rng()).unwrap();
    let found: Vec<_> = (0..5).map(|w| p.worker(w)).collect();
    let expected: [&[u32]; 5] = [&[6, 7, 8], &[5, 3, 0], &[4, 2], &[9, 10], &[11, 1]];
    assert_eq!(found, expected);
}

#[test]
fn three_workers_evenly_share_a_class_in_file_order() {
    let labels: Vec<u32> = (0..20).map(|i| i % 2).collect();
    let p = THREE.build(&labels, 2, 6, &mut rng()).unwrap();
    assert_eq!(p.worker(0), [0, 2, 4, 6]);
    assert_eq!(p.worker(1), [8, 10, 12]);
    assert_eq!(p.worker(2), [14, 16, 18]);
    assert_eq!(p.worker(3), [1, 3, 5, 7]);
    assert_eq!(p.class_counts(&labels, 2), [4, 0, 3, 0, 3, 0, 0, 4, 0, 3, 0, 3]);
}

#[test]
fn bad_divisions_say_what_to_do() {
    let labels: Vec<u32> = (0..40).map(|i| i % 10).collect();
    #[track_caller]
    fn check(spec: &PartitionSpec, labels: &[u32], workers: usize, expected: &str) {
        let error = spec.build(labels, 10, workers, &mut rng()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    check(&PartitionSpec::Iid, &labels, 0, "a partition needs at least 1 worker, got 0");
    check(
        &PartitionSpec::Iid,
        &labels,
        41,
        "41 workers cannot share 40 samples; each needs at least one, so use at most 40 workers",
    );
    check(&THREE, &labels, 31, "31 workers are not 10 classes × 3 workers a class; use 30 workers");
    check(
        &THREE,
        &labels,
        50,
        "50 workers are not 10 classes × 3 workers a class; use 30 workers or 5 workers a class",
    );
    check(
        &THREE,
        &labels[..19],
        30,
        "class 0 has 2 samples for 3 workers; each needs at least one",
    );
    check(
        &PartitionSpec::ByClass(ByClass { workers_per_class: 0 }),
        &labels,
        0,
        "a partition needs at least 1 worker, got 0",
    );
    check(
        &PartitionSpec::ByClass(ByClass { workers_per_class: 0 }),
        &labels,
        30,
        "workers per class must be at least 1, got 0",
    );
    let none =
        PartitionSpec::ByClass(ByClass { workers_per_class: 3 }).build(&[], 0, 3, &mut rng());
    assert!(none.unwrap_err().to_string().contains("0 classes"));
    check(&THREE, &[10], 30, "label 10 of sample 0 is outside the 10 classes");
}

#[test]
fn lists_made_elsewhere_are_checked() {
    let p = Partition::from_lists(&[vec![2, 0], vec![1]], 3).unwrap();
    assert_eq!((p.worker(0), p.worker(1)), (&[2, 0][..], &[1][..]));
    assert!(p.uses_each_once(3));
    assert!(!Partition::from_lists(&[vec![2, 2], vec![1]], 3).unwrap().uses_each_once(3));
    let error = Partition::from_lists(&[vec![0], vec![3]], 3).unwrap_err().to_string();
    assert_eq!(error, "worker 1 has index 3, but there are 3 samples");
    assert_eq!(Partition::from_lists(&[], 3), Err(PartitionError::NoWorkers));
    let empty = Partition::from_lists(&[vec![0], vec![]], 3);
    assert_eq!(empty, Err(PartitionError::EmptyWorker { worker: 1 }));
}

#[test]
fn a_shuffle_moves_every_sample_everywhere() {
    // 24 orders of four samples, 240 expected each; 4.2 standard deviations are 64.
    let mut counts = std::collections::BTreeMap::new();
    let mut rng = rng();
    for _ in 0..24 * 240 {
        let mut items = [0, 1, 2, 3];
        shuffle(&mut items, &mut rng);
        *counts.entry(items).or_insert(0i32) += 1;
    }
    assert_eq!(counts.len(), 24);
    assert!(counts.values().all(|n| (n - 240).abs() < 64), "{counts:?}");
}

fn dirichlet(alpha: f64) -> PartitionSpec {
    PartitionSpec::Dirichlet(Dirichlet { alpha, min_size: 1, tries: 100 })
}

/// Every kind that uses every sample, with parameters from anywhere.
fn complete(per: usize, x: f64) -> Vec<PartitionSpec> {
    vec![
        PartitionSpec::Iid,
        PartitionSpec::ByClass(ByClass { workers_per_class: per }),
        PartitionSpec::Shards(Shards { classes_per_worker: per }),
        PartitionSpec::Dirichlet(Dirichlet { alpha: x * 10.0, min_size: per, tries: 20 }),
        PartitionSpec::GammaSimilarity(GammaSimilarity { gamma: x }),
        PartitionSpec::QuantitySkew(QuantitySkew { alpha: x * 3.0, min_size: per }),
        PartitionSpec::FeatureSkew(FeatureSkew {
            rotate: 0.0,
            noise: x,
            of: Box::new(PartitionSpec::Iid),
        }),
    ]
}

#[test]
fn values_are_pinned() {
    // A change here changes every result that anyone has ever published with these partitions.
    let labels: Vec<u32> = (0..24).map(|i| i % 3).collect();
    let lists = |spec: &PartitionSpec| -> Vec<Vec<u32>> {
        let p = spec.build(&labels, 3, 4, &mut rng()).unwrap();
        (0..4).map(|w| p.worker(w).to_vec()).collect()
    };
    let shards = lists(&PartitionSpec::Shards(Shards { classes_per_worker: 2 }));
    let skewed = lists(&dirichlet(0.5));
    let similar = lists(&PartitionSpec::GammaSimilarity(GammaSimilarity { gamma: 0.5 }));
    let sizes = lists(&PartitionSpec::QuantitySkew(QuantitySkew { alpha: 0.5, min_size: 2 }));
    let tail =
        lists(&PartitionSpec::LongTail(LongTail { ratio: 4.0, of: Box::new(PartitionSpec::Iid) }));
    assert_eq!(shards, PINNED.shards);
    assert_eq!(skewed, PINNED.dirichlet);
    assert_eq!(similar, PINNED.similar);
    assert_eq!(sizes, PINNED.sizes);
    assert_eq!(tail, PINNED.tail);
}

struct Pinned {
    shards: [&'static [u32]; 4],
    dirichlet: [&'static [u32]; 4],
    similar: [&'static [u32]; 4],
    sizes: [&'static [u32]; 4],
    tail: [&'static [u32]; 4],
}

const PINNED: Pinned = Pinned {
    shards: [
        &[2, 5, 8, 11, 18, 21],
        &[1, 4, 7, 0, 3, 6],
        &[10, 13, 16, 9, 12, 15],
        &[19, 22, 14, 17, 20, 23],
    ],
    dirichlet: [
        &[9, 12, 6, 15, 0, 22, 7, 19, 4, 13, 11, 2, 20, 14],
        &[18, 21, 10, 5],
        &[3],
        &[1, 16, 23, 17, 8],
    ],
    similar: [
        &[19, 20, 10, 21, 9, 12],
        &[15, 16, 6, 0, 3, 1],
        &[8, 14, 7, 13, 22, 4],
        &[18, 17, 2, 11, 5, 23],
    ],
    sizes: [
        &[19, 20, 10, 15, 16, 6, 8],
        &[14, 7, 18],
        &[17, 2, 21, 11, 9, 1, 12, 0],
        &[13, 5, 22, 4, 23, 3],
    ],
    tail: [&[15, 12, 1, 4], &[7, 9, 21, 8], &[18, 0, 3], &[6, 14, 10]],
};

/// Ten classes of a hundred samples each, mixed.
fn even_labels() -> Vec<u32> {
    (0..1000).map(|i| i % 10).collect()
}

/// Samples of each class at each worker.
fn table(spec: &PartitionSpec, labels: &[u32], workers: usize) -> Vec<Vec<usize>> {
    let p = spec.build(labels, 10, workers, &mut rng()).unwrap();
    p.class_counts(labels, 10).chunks(10).map(<[usize]>::to_vec).collect()
}

#[test]
fn shards_give_every_worker_its_number_of_classes() {
    for (workers, per) in [(10, 1), (20, 2), (5, 2), (30, 3), (7, 3), (100, 2)] {
        let spec = PartitionSpec::Shards(Shards { classes_per_worker: per });
        for row in table(&spec, &even_labels(), workers) {
            assert_eq!(row.iter().filter(|n| **n > 0).count(), per, "{workers} × {per}: {row:?}");
        }
    }
    // Six of eight samples are of one class: it has more shards than there are workers.
    let p = PartitionSpec::Shards(Shards { classes_per_worker: 2 });
    let p = p.build(&[0, 0, 0, 1, 0, 0, 2, 0], 3, 3, &mut rng()).unwrap();
    assert!(p.uses_each_once(8) && (0..3).all(|w| p.worker(w).len() >= 2));
}

#[test]
fn a_small_alpha_gives_a_class_to_one_worker_and_a_large_one_to_all() {
    let one = PartitionSpec::Dirichlet(Dirichlet { alpha: 1e-4, min_size: 1, tries: 10_000 });
    let apart = table(&one, &even_labels(), 3);
    for class in 0..10 {
        assert_eq!(apart.iter().filter(|row| row[class] > 0).count(), 1, "{apart:?}");
    }
    let together = table(&dirichlet(1e6), &even_labels(), 4);
    assert!(together.iter().flatten().all(|n| n.abs_diff(25) <= 2), "{together:?}");
    // Not even the smallest number is too small to draw with: nobody gets nothing, or NaN.
    let tiny =
        PartitionSpec::Dirichlet(Dirichlet { alpha: f64::MIN_POSITIVE, min_size: 1, tries: 1000 });
    assert!(tiny.build(&even_labels(), 10, 2, &mut rng()).unwrap().uses_each_once(1000));
}

#[test]
fn dirichlet_shares_have_the_mean_and_variance_of_their_distribution() {
    // A share of Dir(α, …, α) on W has mean 1/W and variance (W − 1) / (W² (W α + 1)).
    let (workers, alpha, n, draws) = (5usize, 0.7, 1_000_000usize, 4000);
    let mut rng = rng();
    let mut shares = Vec::new();
    for _ in 0..draws {
        let ends = cuts(n, alpha, workers, &mut rng);
        assert!(ends[0] == 0 && ends[workers] == n && ends.windows(2).all(|e| e[0] <= e[1]));
        shares.extend(ends.windows(2).map(|e| (e[1] - e[0]) as f64 / n as f64));
    }
    let w = workers as f64;
    let expected = (w - 1.0) / (w * w * (w * alpha + 1.0));
    let variance = shares.iter().map(|s| (s - 1.0 / w).powi(2)).sum::<f64>() / shares.len() as f64;
    // The variance of the estimate is about 2 σ⁴ / draws: five of its deviations are a tenth.
    assert!((variance / expected - 1.0).abs() < 0.1, "{variance} against {expected}");
}

#[test]
fn dirichlet_shares_are_right_down_to_the_smallest_alpha() {
    // E Σ_w q_w² = (α + 1) / (W α + 1): 1/W for large α, and 1, which is one worker with everything, for small ones.
    let (workers, draws) = (10usize, 2000);
    let smallest = f64::from_bits(1);
    let mut rng = rng();
    for alpha in [
        smallest,
        f64::MIN_POSITIVE,
        1e-308,
        1e-300,
        1e-100,
        1e-9,
        1e-2,
        0.3,
        1.0,
        30.0,
        1e9,
        1e300,
    ] {
        let mut wins = vec![0usize; workers];
        let mut squares = 0.0;
        for _ in 0..draws {
            let shares = shares(alpha, workers, &mut rng);
            let total: f64 = shares.iter().sum();
            assert!(
                shares.iter().all(|s| (0.0..=1.0).contains(s)) && total >= 1.0,
                "{alpha}: {shares:?}"
            );
            squares += shares.iter().map(|s| (s / total).powi(2)).sum::<f64>();
            let first = (0..workers).max_by(|&a, &b| shares[a].total_cmp(&shares[b]));
            wins[first.unwrap()] += 1;
        }
        let (found, expected) =
            (squares / draws as f64, (alpha + 1.0) / (workers as f64 * alpha + 1.0));
        assert!((found - expected).abs() < 0.03, "{alpha}: {found} against {expected}");
        // 200 each; five standard deviations are 67.
        assert!(alpha > 1e200 || wins.iter().all(|n| n.abs_diff(200) < 67), "{alpha}: {wins:?}");
    }
}

#[test]
fn groups_stay_together() {
    let index = [2, 0, 1, 0, 2, 2, 1, 0, 3, 2];
    let labels = [0; 10];
    let rows = |count| Rows {
        labels: &labels,
        classes: 1,
        groups: Some(Groups { index: &index, count }),
        places: None,
    };
    let spec = PartitionSpec::ByGroup(ByGroup {});
    let lists = |workers| {
        let p = spec.build_rows(rows(4), workers, &mut rng()).unwrap();
        (0..workers).map(|w| p.worker(w).to_vec()).collect::<Vec<_>>()
    };
    assert_eq!(lists(4), [vec![1, 3, 7], vec![2, 6], vec![0, 4, 5, 9], vec![8]]);
    // Four rows to the first, three to the second, two to that, one to the first.
    assert_eq!(lists(2), [vec![0, 4, 5, 8, 9], vec![1, 2, 3, 6, 7]]);
    let error = spec.build_rows(rows(4), 5, &mut rng()).unwrap_err().to_string();
    assert_eq!(error, "5 workers need at least as many groups, there are 4; use at most 4 workers");
    assert_eq!(spec.build(&labels, 1, 2, &mut rng()), Err(PartitionError::NoGroups));
}

#[test]
fn lists_come_from_a_file_by_the_rows_of_the_training_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.txt");
    let spec = PartitionSpec::FromFile(FromFile { path: path.display().to_string() });
    let build = |text: &str, places: Option<&[u32]>| {
        std::fs::write(&path, text).unwrap();
        let rows = Rows { labels: &[0; 4], classes: 1, groups: None, places };
        let p = spec.build_rows(rows, 2, &mut rng()).map_err(|e| e.to_string())?;
        Ok::<_, String>((0..2).map(|w| p.worker(w).to_vec()).collect::<Vec<_>>())
    };
    assert_eq!(build("# one a line\n3, 0\n\n1 2 # all\n", None).unwrap(), [vec![3, 0], vec![1, 2]]);
    // Rows 1 and 4 of the file are for testing.
    let places = Some(&[0, 2, 3, 5][..]);
    assert_eq!(build("5 0\n3\n", places).unwrap(), [vec![3, 0], vec![2]]);
    let refused = |text: &str, places, says: &str| {
        let error = build(text, places).unwrap_err();
        assert!(error.contains("rows.txt: ") && error.contains(says), "{error}");
    };
    refused("0\n4\n", places, "line 2: row 4 is no training row");
    refused("0\n4\n", None, "line 2: row 4 is no training row; those are among 0 to 3");
    refused("0\nx\n", None, "line 2: expected the number of a row, found \"x\"");
    refused("0\n", None, "expected a line for each of 2 workers, found 1");
    std::fs::remove_file(&path).unwrap();
    let rows = Rows { labels: &[0; 4], classes: 1, groups: None, places: None };
    assert!(matches!(spec.build_rows(rows, 2, &mut rng()), Err(PartitionError::File { .. })));
}

#[test]
fn workers_have_the_sizes_asked_for_and_mixtures_of_their_own() {
    let spec = |alpha, sizes: &[usize]| {
        PartitionSpec::WorkerDirichlet(WorkerDirichlet { alpha, sizes: sizes.to_vec() })
    };
    let sizes = [300, 50, 1, 49];
    for alpha in [1e-308, 0.1, 1.0, 1e6] {
        let p = spec(alpha, &sizes).build(&even_labels(), 10, 4, &mut rng()).unwrap();
        assert_eq!((0..4).map(|w| p.worker(w).len()).collect::<Vec<_>>(), sizes);
        let mut seen: Vec<u32> = (0..4).flat_map(|w| p.worker(w).to_vec()).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 400, "nothing is used twice");
    }
    // All of one class as long as there is any: 300 samples are three classes of a hundred.
    let few = table(&spec(1e-308, &sizes), &even_labels(), 4);
    assert_eq!(few[1].iter().filter(|n| **n > 0).count(), 1, "{few:?}");
    assert_eq!(few[0].iter().max(), Some(&100));
    let many = table(&spec(1e6, &[200, 200]), &even_labels(), 2);
    assert!(many.iter().flatten().all(|n| n.abs_diff(20) < 20), "{many:?}");
    assert!(spec(0.5, &[]).build(&even_labels(), 10, 7, &mut rng()).unwrap().uses_each_once(1000));
    let error = |sizes: &[usize]| {
        spec(1.0, sizes).build(&even_labels(), 10, 2, &mut rng()).unwrap_err().to_string()
    };
    assert_eq!(error(&[1]), "worker-dirichlet needs a size for each of 2 workers, got 1");
    assert_eq!(
        error(&[900, 101]),
        "the sizes of worker-dirichlet sum to 1001 samples, there are 1000"
    );
    assert_eq!(error(&[3, 0]), "worker 1 has no samples");
}

#[test]
fn similarity_runs_from_classes_apart_to_a_shuffle() {
    let apart =
        table(&PartitionSpec::GammaSimilarity(GammaSimilarity { gamma: 0.0 }), &even_labels(), 10);
    for (w, row) in apart.iter().enumerate() {
        assert_eq!(row[w], 100);
    }
    let half =
        table(&PartitionSpec::GammaSimilarity(GammaSimilarity { gamma: 0.5 }), &even_labels(), 10);
    for (w, row) in half.iter().enumerate() {
        assert_eq!(row.iter().sum::<usize>(), 100);
        assert!((35..75).contains(&row[w]), "{row:?}");
    }
    let one = PartitionSpec::GammaSimilarity(GammaSimilarity { gamma: 1.0 });
    let shuffled = PartitionSpec::Iid.build(&even_labels(), 10, 7, &mut rng());
    assert_eq!(one.build(&even_labels(), 10, 7, &mut rng()), shuffled);
}

#[test]
fn a_long_tail_thins_classes_by_a_constant_factor() {
    let spec = PartitionSpec::LongTail(LongTail { ratio: 512.0, of: Box::new(PartitionSpec::Iid) });
    let counts = table(&spec, &even_labels(), 1);
    assert_eq!(counts[0], [100, 50, 25, 12, 6, 3, 1, 1, 1, 1]);
    let by_class = PartitionSpec::LongTail(LongTail { ratio: 10.0, of: Box::new(THREE) });
    assert_eq!(by_class.workers_per_class(), Some(3));
    let counts = table(&by_class, &even_labels(), 30);
    assert_eq!(counts[27..].iter().map(|r| r[9]).collect::<Vec<_>>(), [4, 3, 3]);
}

#[test]
fn equal_sizes_keep_what_the_smallest_has() {
    let mut labels = even_labels();
    labels.extend([3; 40]);
    let whole = THREE.build(&labels, 10, 30, &mut rng()).unwrap();
    let spec = PartitionSpec::EqualSizes(EqualSizes { of: Box::new(THREE) });
    let equal = spec.build(&labels, 10, 30, &mut rng()).unwrap();
    for w in 0..30 {
        assert_eq!(equal.worker(w).len(), 33);
        // A sub-list in its order.
        let mut from = whole.worker(w).iter();
        assert!(equal.worker(w).iter().all(|i| from.any(|j| i == j)));
    }
}

#[test]
fn every_choice_of_a_draw_is_equally_likely() {
    let mut counts = std::collections::BTreeMap::new();
    let mut rng = rng();
    for _ in 0..20_000 {
        let chosen: Vec<u32> = draw(&[7, 5, 3, 1, 0, 2], 3, &mut rng).collect();
        *counts.entry(chosen).or_insert(0i32) += 1;
    }
    // Twenty choices, a thousand each; 150 are almost five standard deviations.
    assert_eq!(counts.len(), 20);
    assert!(counts.values().all(|n| (n - 1000).abs() < 150), "{counts:?}");
}

#[test]
fn settings_that_cannot_be_are_refused() {
    #[track_caller]
    fn check(spec: &PartitionSpec, workers: usize, expected: &str) {
        let error = spec.build(&even_labels(), 10, workers, &mut rng()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    let positive = "alpha of dirichlet must be a positive number, got ";
    check(&dirichlet(0.0), 3, &format!("{positive}0"));
    check(&dirichlet(f64::NAN), 3, &format!("{positive}NaN"));
    check(&dirichlet(f64::INFINITY), 3, &format!("{positive}inf"));
    let stuck = PartitionSpec::Dirichlet(Dirichlet { alpha: 0.01, min_size: 20, tries: 3 });
    let error = stuck.build(&even_labels(), 10, 30, &mut rng()).unwrap_err().to_string();
    assert!(
        error.starts_with("none of 3 draws with alpha = 0.01 gave every worker at least 20"),
        "{error}"
    );
    let much = PartitionSpec::QuantitySkew(QuantitySkew { alpha: 1.0, min_size: 101 });
    check(&much, 10, "10 workers with at least 101 samples each need 1010 samples, there are 1000");
    check(
        &PartitionSpec::GammaSimilarity(GammaSimilarity { gamma: 1.5 }),
        3,
        "gamma of gamma-similarity must be from 0 to 1, got 1.5",
    );
    let shards = PartitionSpec::Shards(Shards { classes_per_worker: 2 });
    check(
        &shards,
        4,
        "4 workers with 2 classes each make 8 shards, fewer than the 10 classes that occur; use more workers or classes-per-worker = 3",
    );
    check(
        &shards,
        501,
        "501 workers with at least 2 samples each need 1002 samples, there are 1000",
    );
    let none = PartitionSpec::Shards(Shards { classes_per_worker: 0 });
    check(&none, 4, "classes-per-worker of shards must be at least 1, got 0");
    let tail = PartitionSpec::LongTail(LongTail { ratio: 0.5, of: Box::new(THREE) });
    check(&tail, 30, "ratio of long-tail must be a number of at least 1, got 0.5");
    let inner = PartitionSpec::LongTail(LongTail { ratio: 2.0, of: Box::new(THREE) });
    check(&inner, 31, "31 workers are not 10 classes × 3 workers a class; use 30 workers");
    let plain =
        PartitionSpec::FeatureSkew(FeatureSkew { rotate: 0.0, noise: 0.0, of: Box::new(THREE) });
    check(&plain, 30, "rotate or noise of feature-skew must be above 0, got 0");
}

#[test]
fn pictures_turn_about_their_middle() {
    let from: Vec<f64> = (0..9).map(f64::from).collect();
    let mut to = [0.0; 9];
    turn(&from, 3, 3, 90.0, &mut to);
    let expected = [2.0, 5.0, 8.0, 1.0, 4.0, 7.0, 0.0, 3.0, 6.0];
    assert!(to.iter().zip(expected).all(|(a, b): (&f32, f32)| (a - b).abs() < 1e-5), "{to:?}");
    turn(&from, 3, 3, 0.0, &mut to);
    assert!(to.iter().zip(&from).all(|(a, b)| f64::from(*a) == *b));
    // What turns in from outside is nought.
    turn(&[1.0; 9], 3, 3, 45.0, &mut to);
    assert!(to[4] == 1.0 && to[0] < 0.6, "{to:?}");
}

#[test]
fn samples_look_as_their_worker_sees_them() {
    let values: Vec<f32> = (0..40 * 16).map(|i| (i % 16) as f32).collect();
    let labels = vec![0; 40];
    let layout = Layout::Image { height: 4, width: 4 };
    let data = Dataset::new(Values::F32(&values), 16, labels.clone(), 1, layout).unwrap();
    let row = |data: &Dataset, i: u32| {
        let mut row = [0.0; 16];
        data.row(i as usize, &mut row);
        row
    };
    let iid = Box::new(PartitionSpec::Iid);
    let spec =
        PartitionSpec::FeatureSkew(FeatureSkew { rotate: 90.0, noise: 0.0, of: iid.clone() });
    let partition = spec.build(&labels, 1, 4, &mut rng()).unwrap();
    let turned = spec.transform(&data, Some((4, 4)), &partition, &mut rng()).unwrap().unwrap();
    for w in 0..4 {
        // Equal samples of one worker are turned alike, and of two workers differently.
        let first = row(&turned, partition.worker(w)[0]);
        assert!(partition.worker(w).iter().all(|&i| row(&turned, i) == first));
        assert!(w == 0 || first != row(&turned, partition.worker(0)[0]));
    }
    assert_eq!(
        spec.transform(&data, None, &partition, &mut rng()).unwrap_err(),
        PartitionError::NoPictures
    );

    let spec = PartitionSpec::FeatureSkew(FeatureSkew { rotate: 0.0, noise: 8.0, of: iid });
    let noisy = spec.transform(&data, None, &partition, &mut rng()).unwrap().unwrap();
    for w in 0..4 {
        let differences = partition.worker(w).iter().flat_map(|&i| {
            let (a, b) = (row(&noisy, i), row(&data, i));
            (0..16).map(move |c| a[c] - b[c])
        });
        let square = differences.map(|d| d * d).sum::<f64>() / 160.0;
        let expected = (8.0 * (w + 1) as f64 / 4.0).powi(2);
        assert!((square / expected - 1.0).abs() < 0.5, "{w}: {square} against {expected}");
    }
    assert_eq!(
        PartitionSpec::Iid
            .transform(&data, None, &partition, &mut rng())
            .unwrap()
            .map(|d| d.rows()),
        None
    );
}

proptest! {
    #[test]
    fn each_sample_is_used_exactly_once(
        labels in prop::collection::vec(0..4u32, 1..200), workers in 1..40usize, per in 1..5usize, x in 0.001..1f64,
        seed: u64
    ) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        for spec in complete(per, x) {
            let workers = if spec.workers_per_class().is_some() { 4 * per } else { workers };
            let Ok(p) = spec.build(&labels, 4, workers, &mut rng) else { continue };
            prop_assert!(p.uses_each_once(labels.len()), "{:?}", spec);
            prop_assert_eq!(p.workers(), workers);
            let sizes: Vec<usize> = (0..workers).map(|w| p.worker(w).len()).collect();
            prop_assert!(sizes.iter().all(|&n| n >= 1));
            let group = match spec {
                PartitionSpec::Iid | PartitionSpec::GammaSimilarity(_) => workers,
                PartitionSpec::ByClass(_) => per,
                _ => continue,
            };
            for sizes in sizes.chunks(group) {
                prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
            }
        }
    }

    #[test]
    fn what_is_left_out_is_left_out_and_nothing_is_used_twice(
        labels in prop::collection::vec(0..4u32, 1..200), workers in 1..9usize, ratio in 1.0..50f64, seed: u64
    ) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        for of in complete(1, 0.5) {
            let workers = if of.workers_per_class().is_some() { 4 } else { workers };
            let tail = PartitionSpec::LongTail(LongTail { ratio, of: Box::new(of.clone()) });
            for spec in [tail, PartitionSpec::EqualSizes(EqualSizes { of: Box::new(of) })] {
                let Ok(p) = spec.build(&labels, 4, workers, &mut rng) else { continue };
                let mut seen: Vec<u32> = (0..workers).flat_map(|w| p.worker(w).to_vec()).collect();
                prop_assert!(!seen.is_empty() && seen.iter().all(|&i| (i as usize) < labels.len()));
                let n = seen.len();
                seen.sort_unstable();
                seen.dedup();
                prop_assert_eq!(seen.len(), n);
                if matches!(spec, PartitionSpec::EqualSizes(_)) {
                    prop_assert!((0..workers).all(|w| p.worker(w).len() == n / workers));
                }
            }
        }
    }
}

#[cfg(feature = "serde")]
#[test]
fn specs_read_as_in_an_experiment_file() {
    #[derive(Debug, serde::Deserialize)]
    struct Data {
        partition: PartitionSpec,
    }
    let read = |text: &str| toml::from_str::<Data>(text).map(|d| d.partition);
    assert_eq!(read("partition = \"iid\"").unwrap(), PartitionSpec::Iid);
    assert_eq!(read("partition.by-class = { workers-per-class = 3 }").unwrap(), THREE);
    let error = read("partition.by-class = { workers = 3 }").unwrap_err().to_string();
    assert!(error.contains("workers-per-class"), "{error}");
    let error = read("partition = \"idd\"").unwrap_err().to_string();
    assert!(error.contains("unknown variant `idd`"), "{error}");
    assert_eq!(read("partition.dirichlet = { alpha = 0.3 }").unwrap(), dirichlet(0.3));
    let spec = read(
        "partition.equal-sizes.of.long-tail = { ratio = 10, of.shards = { classes-per-worker = 2 } }",
    );
    let shards = Box::new(PartitionSpec::Shards(Shards { classes_per_worker: 2 }));
    let of = Box::new(PartitionSpec::LongTail(LongTail { ratio: 10.0, of: shards }));
    assert_eq!(spec.unwrap(), PartitionSpec::EqualSizes(EqualSizes { of }));
    let spec = read("partition.feature-skew = { rotate = 30 }").unwrap();
    let of = Box::new(PartitionSpec::Iid);
    assert_eq!(spec, PartitionSpec::FeatureSkew(FeatureSkew { rotate: 30.0, noise: 0.0, of }));
    // What is written reads as it was.
    for spec in complete(2, 0.5) {
        let text =
            toml::to_string(&std::collections::BTreeMap::from([("partition", &spec)])).unwrap();
        assert_eq!(read(&text).unwrap(), spec, "{text}");
    }
}
