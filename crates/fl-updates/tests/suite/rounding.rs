//! Outputs of 16 bits: each number is the nearest one.

use crate::common::{Made, Room, nearest, read, safetensors, tensor};
use fl_agg::WeightedMean;
use fl_updates::{OpenOptions, Options, Progress, Updates, aggregate};

/// The numbers of `w` in the weighted mean of two clients; `double` has all arithmetic in `f64`.
fn mean(weights: [f64; 2], clients: [&[u16]; 2], dtype: &'static str, double: bool) -> Vec<u16> {
    let room = Room::new();
    let paths: Vec<_> = clients
        .iter()
        .enumerate()
        .map(|(c, numbers)| {
            let bytes = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
            let w = Made { name: "w".into(), dtype, shape: vec![numbers.len()], bytes };
            let other = tensor("other", if double { "F64" } else { "F32" }, &[1], &[0.0]);
            room.write(&format!("{c}.safetensors"), &safetensors(&[w, other]))
        })
        .collect();
    let updates = Updates::open(&paths, &OpenOptions::default()).expect("two files");
    let options = Options::new(WeightedMean { weights: weights.to_vec() }, 0);
    let output = room.path("out.safetensors");
    aggregate(&updates, &options, &output, &Progress::default()).expect("an output");
    let found = read(&output).pop().expect("a tensor");
    found.bytes.as_chunks().0.iter().map(|b| u16::from_le_bytes(*b)).collect()
}

#[test]
fn a_sum_just_above_the_middle_is_rounded_up() {
    // 1 + 2⁻⁸ + 2⁻²¹ lies between 1 and 1 + 2⁻⁷, nearer to the second.
    let weights = [0.5 - 2f64.powi(-14), 0.5 + 2f64.powi(-14)];
    for double in [false, true] {
        assert_eq!(mean(weights, [&[0x3f80], &[0x3f81]], "BF16", double), [0x3f81]);
    }
    assert_eq!(nearest(1.0 + 2f64.powi(-8) + 2f64.powi(-21), 8, 7), 0x3f81);
}

/// Between neighbours the nearer one is that of the larger weight, however little larger it is.
#[test]
fn the_mean_of_neighbours_is_the_one_of_the_larger_weight() {
    for (dtype, infinity) in [("BF16", 0x7f80u16), ("F16", 0x7c00)] {
        // Numbers below the least normal one, ordinary ones and the largest, of both signs.
        let positive = (0..16).chain((16..infinity - 1).step_by(97)).chain([infinity - 2]);
        let low: Vec<u16> = positive.flat_map(|x| [x, x | 0x8000]).collect();
        let high: Vec<u16> = low.iter().map(|x| x + 1).collect();
        for k in 2..30 {
            let little = 2f64.powi(-k);
            let found = mean([0.5 + little, 0.5 - little], [&low, &high], dtype, true);
            assert!(found == low, "{dtype} 2^-{k}");
            let found = mean([0.5 - little, 0.5 + little], [&low, &high], dtype, true);
            assert!(found == high, "{dtype} 2^-{k}");
        }
        // In the middle the even one.
        let found = mean([0.5, 0.5], [&low, &high], dtype, true);
        let even: Vec<u16> = low.iter().map(|x| x + x % 2).collect();
        assert!(found == even, "{dtype}");
    }
}
