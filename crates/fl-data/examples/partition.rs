//! Who holds what: divides a set among 30 workers and prints how many samples of each class each of them has.
//!
//! `cargo run --release -p fl-data --example partition -- [SET [FOLDER]]`: `digits`, which needs no folder, or
//! `mnist` from the folder named.

use fl_data::partition::ByClass;
use fl_data::{Locations, PartitionSpec, load};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "digits".into());
    let folder = arguments.next().unwrap_or_else(|| ".".into()).into();
    let locations = Locations { read_only: vec![folder], cache: ".".into() };

    let start = Instant::now();
    let loaded = load(&name, &locations)?;
    let train = &loaded.split.train;
    println!(
        "{name}: {} samples to train, {} to test, {:.1} MB, read in {:.0} ms\nsha-256 {}",
        train.rows(),
        loaded.split.test.rows(),
        (train.memory() + loaded.split.test.memory()) as f64 / 1e6,
        start.elapsed().as_secs_f64() * 1e3,
        loaded.digest(),
    );

    for spec in [PartitionSpec::Iid, PartitionSpec::ByClass(ByClass { workers_per_class: 3 })] {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let partition = spec.build(train.labels(), train.classes(), 30, &mut rng)?;
        let counts = partition.class_counts(train.labels(), train.classes());
        println!("\n{spec:?}: workers down, classes across");
        for (w, row) in counts.chunks(train.classes()).enumerate() {
            let cells: String = row.iter().map(|n| format!("{n:6}")).collect();
            println!("{w:4}{cells}");
        }
    }
    Ok(())
}
