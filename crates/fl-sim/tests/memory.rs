//! What a server needs beside the messages: `O(W²)` numbers and tiles of a few columns, counted in the allocator while it
//! aggregates fifty messages of a million numbers; and that it leaves them as they were.

use fl_agg::{
    CoordinateMedian, GeometricMedian, Krum, Meamed, Mean, Messages, Phocas, SignMajority,
    TrimmedMean,
};
use fl_core::{Cx, Pipeline, PreAggregatorSpec, RuleSpec, Shape, Streams};
use fl_resample::Resample;
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const WORKERS: usize = 50;

/// Messages of which a sum of bits says whether they are still the same.
fn messages(dim: usize) -> (Messages<f32>, u64) {
    let mut messages = Messages::zeros(WORKERS, dim);
    for w in 0..WORKERS {
        let mut x = 1 + w as u32;
        for value in messages.row_mut(w) {
            x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *value = (x >> 8) as f32 / (1 << 24) as f32 - 0.5;
        }
    }
    let sum = fingerprint(&messages);
    (messages, sum)
}

fn fingerprint(messages: &Messages<f32>) -> u64 {
    let rows = messages.view().rows().enumerate();
    let row_sum = |row: &[f32]| row.iter().map(|x| u64::from(x.to_bits())).sum::<u64>();
    rows.fold(0, |sum, (w, row)| sum.wrapping_add(row_sum(row).wrapping_mul(2 * w as u64 + 1)))
}

/// Most bytes in use at a time to build a server and have it aggregate, beyond those in use before.
fn peak(
    pre: Vec<Box<dyn PreAggregatorSpec>>,
    rule: Box<dyn RuleSpec>,
    messages: &Messages<f32>,
    out: &mut [f32],
) -> usize {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let shape = Shape { workers: WORKERS, byzantine: 3 };
    let mut server = Pipeline::build(pre, rule, shape, messages.dim()).expect("a valid shape");
    let streams = Streams::new(0);
    server.aggregate(&Cx::new(&streams, 0), messages.view(), out).expect("finite messages");
    MEMORY.peak_usage() - before
}

// One test, so that nothing else allocates meanwhile.
#[test]
fn a_server_needs_square_of_w_numbers_and_tiles_and_writes_no_message() {
    let rules: [fn() -> Box<dyn RuleSpec>; 8] = [
        || Box::new(Mean),
        || Box::new(GeometricMedian { relative_gap: 1e-6, ..GeometricMedian::default() }),
        || Box::new(Krum::default()),
        || Box::new(CoordinateMedian::default()),
        || Box::new(TrimmedMean::default()),
        || Box::new(Meamed::default()),
        || Box::new(Phocas::default()),
        || Box::new(SignMajority),
    ];
    let resample = || -> Box<dyn PreAggregatorSpec> { Box::new(Resample::default()) };
    let long = messages(1_000_000);
    let short = messages(250_000);
    let mut out = vec![0.0; 1_000_000];
    // rayon makes its threads' queues when they are first needed.
    peak(Vec::new(), Box::new(Mean), &long.0, &mut out);
    for rule in rules {
        for chain in 0..3 {
            let pre = || (0..chain).map(|_| resample()).collect::<Vec<_>>();
            let few = peak(pre(), rule(), &short.0, &mut out[..250_000]);
            let many = peak(pre(), rule(), &long.0, &mut out);
            let name = format!("{:?} behind {chain}", rule());
            // A tile is 256 bytes a message, twice behind a mixing; partial sums of distances are at most 64 times W² / 2.
            let tiles = rayon::current_num_threads() * 2 * 256 * (WORKERS + 8);
            let squares = (64 / 2 + 16) * (WORKERS + 8) * (WORKERS + 8) * size_of::<f64>();
            assert!(many <= tiles + squares, "{name}: {many} bytes, {tiles} + {squares}");
            assert!(many <= few + few / 4 + 4096, "{name}: {few} bytes grow to {many}");
        }
    }
    assert_eq!(fingerprint(&long.0), long.1);
    assert_eq!(fingerprint(&short.0), short.1);
}
