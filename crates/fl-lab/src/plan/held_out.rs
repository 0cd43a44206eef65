//! Samples that a worker keeps to be measured on.

use super::rows::set_aside;
use fl_core::Dataset;
use fl_data::Partition;

/// The rows that each worker has set aside; none for a worker with one sample.
pub type HeldOutRows = Vec<Vec<u32>>;

/// What each worker learns from, and what it sets aside: a share of its samples, of each class as near to that share as whole
/// numbers allow.
///
/// # Errors
/// With real targets, which have no accuracy; in words.
pub(super) fn hold_out(
    partition: &Partition,
    train: &Dataset,
    share: f64,
) -> Result<(Partition, HeldOutRows), String> {
    if train.targets().is_some() {
        return Err("held-out samples are for accuracies, and real targets have none".to_owned());
    }
    let (mut learned, mut held_out) = (Vec::new(), Vec::new());
    for w in 0..partition.workers() {
        let rows = partition.worker(w);
        let most = rows.len() - 1;
        let count = ((share * rows.len() as f64).round() as usize).clamp(most.min(1), most);
        let labels: Vec<u32> = rows.iter().map(|&row| train.labels()[row as usize]).collect();
        let (kept, aside) = set_aside(&labels, train.classes(), count);
        let named = |places: Vec<u32>| places.iter().map(|&i| rows[i as usize]).collect();
        learned.push(named(kept));
        held_out.push(named(aside));
    }
    let learned = Partition::from_lists(&learned, train.rows()).map_err(|e| e.to_string())?;
    Ok((learned, held_out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_learned_from_or_held_out_and_classes_keep_their_shares() {
        let data = fl_data::digits::load();
        let train = &data.split.train;
        let rows = train.rows() as u32;
        let lists =
            vec![(0..1).collect(), (1..3).collect(), (3..103).collect(), (103..rows).collect()];
        let whole = Partition::from_lists(&lists, train.rows()).expect("a partition");
        let (learned, held_out) = hold_out(&whole, train, 0.2).expect("classes");
        let sizes: Vec<usize> = held_out.iter().map(Vec::len).collect();
        assert_eq!(sizes[..3], [0, 1, 20], "one sample stays, and one of two is held out");
        for (w, aside) in held_out.iter().enumerate() {
            let mut all = [learned.worker(w), aside].concat();
            all.sort_unstable();
            assert_eq!(all, lists[w]);
            let of = |rows: &[u32], class| {
                rows.iter().filter(|&&row| train.labels()[row as usize] == class).count() as f64
            };
            for class in 0..10 {
                let exact = of(&lists[w], class) * aside.len() as f64 / lists[w].len() as f64;
                assert!((of(aside, class) - exact).abs() < 1.0, "worker {w}, class {class}");
            }
        }
    }
}
