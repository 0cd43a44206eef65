//! The set inside this crate: 1 797 handwritten digits of 8×8 pixels, in ten classes.
//!
//! Test part of UCI's *Optical Recognition of Handwritten Digits* (E. Alpaydin and C. Kaynak, 1998, CC BY 4.0), as
//! scikit-learn ships it. Pixels are counts 0 … 16, scaled by 1/16.
//!
//! The set has no split of its own, so one is fixed here: of each class, in file order, every fifth sample (the 5th,
//! 10th, …) is for testing. That leaves 1 442 to train and 355 to test and every class its share.

use super::Format;
use crate::format::{Checksum, sha256};
use crate::shape::{Loaded, Numbers, Scale, Shaper, Split};
use fl_core::data::{DatasetError, Layout};
use std::io::Read;

static PACKED: &[u8] = include_bytes!("../../data/digits.csv.gz");

/// Pixels of a side.
pub const SIDE: usize = 8;

/// Number of classes.
pub const CLASSES: usize = Format::Embedded.classes();

/// Of each class, one sample in so many is for testing.
pub const TEST_EVERY: usize = 5;

/// The set and its checksum. Cost: a few milliseconds.
pub fn load() -> Loaded {
    load_scaled(None).expect("embedded digits make a data set")
}

pub(crate) fn load_scaled(scale: Option<Scale>) -> Result<Loaded, DatasetError> {
    // The bytes are compiled in and a test reads them all, so no input can make these fail.
    let mut text = String::new();
    flate2::read::GzDecoder::new(PACKED).read_to_string(&mut text).expect("embedded digits unpack");
    let mut parts = [(Vec::new(), Vec::new()), (Vec::new(), Vec::new())];
    let mut seen = [0; CLASSES];
    for line in text.lines() {
        let mut row = [0u8; SIDE * SIDE + 1];
        for (cell, number) in row.iter_mut().zip(line.split(',')) {
            *cell = number.parse().expect("embedded digits are numbers");
        }
        let (pixels, label) = (&row[..SIDE * SIDE], row[SIDE * SIDE]);
        seen[usize::from(label)] += 1;
        let test = seen[usize::from(label)] % TEST_EVERY == 0;
        let (values, labels) = &mut parts[usize::from(test)];
        values.extend_from_slice(pixels);
        labels.push(u32::from(label));
    }
    let layout = Layout::Image { height: SIDE, width: SIDE };
    let mut shaper = Shaper::new(scale, SIDE * SIDE, CLASSES, layout);
    let mut part = |(values, labels): &(Vec<u8>, Vec<u32>)| {
        shaper.part(Numbers::Bytes { values, unit: 1.0 / 16.0 }, labels.clone())
    };
    let (train, test) = (part(&parts[0])?, part(&parts[1])?);
    Ok(Loaded {
        name: "digits".into(),
        split: Split { train, validation: None, test },
        classes: (0..CLASSES).map(|c| c.to_string()).collect(),
        picture: Some((SIDE, SIDE)),
        groups: None,
        places: None,
        notes: Vec::new(),
        checksums: vec![Checksum { file: "digits.csv".into(), sha256: sha256(text.as_bytes()) }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use fl_core::Dataset;

    #[test]
    fn the_embedded_bytes_are_the_published_ones() {
        let known = crate::find("digits").unwrap();
        crate::known::content::check(PACKED, &known.files[0], |_| Ok(())).unwrap();
        assert_eq!(load().checksums[0].sha256, known.files[0].sha256);
    }

    #[test]
    fn each_class_keeps_its_share_in_both_parts() {
        let Split { train, test, .. } = load().split;
        assert_eq!((train.rows(), test.rows()), (1442, 355));
        assert_eq!((train.columns(), train.classes()), (64, 10));
        let all = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180];
        for (class, &n) in all.iter().enumerate() {
            let of = |d: &Dataset| d.labels().iter().filter(|&&l| l as usize == class).count();
            assert_eq!((of(&train), of(&test)), (n - n / 5, n / 5));
        }
    }

    #[test]
    fn the_first_row_is_a_zero_in_sixteenths() {
        let train = load().split.train;
        let mut row = [0.0; 64];
        train.row(0, &mut row);
        assert_eq!(train.labels()[0], 0);
        assert_eq!(row[..8], [0.0, 0.0, 5.0, 13.0, 9.0, 1.0, 0.0, 0.0].map(|x| x / 16.0));
    }
}
