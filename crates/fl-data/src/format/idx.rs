//! IDX, the format of MNIST: a pure function of bytes.
//!
//! A file is a big-endian header and then numbers, row-major. The header is two zero bytes, the type of the numbers
//! (`0x08` unsigned and `0x09` signed bytes, `0x0B` and `0x0C` integers of 16 and 32 bits, `0x0D` and `0x0E` floats of 32
//! and 64), the number of axes, and one 32-bit length an axis. MNIST's images begin with `0x0000_0803`, its labels with
//! `0x0000_0801`.
//!
//! Nothing is allocated but the lengths of the axes: numbers are borrowed.

use super::array::{Array, Kind};

/// Why bytes are not an IDX file. Offsets count from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdxError {
    /// Too short.
    #[error("truncated: ends at byte {found}, expected {expected} bytes")]
    Truncated {
        /// Bytes expected.
        expected: u64,
        /// Bytes found.
        found: u64,
    },
    /// Not IDX.
    #[error(
        "at byte 0: expected magic number 0x0000TTAA (TT one of 08, 09, 0b, 0c, 0d and 0e, AA the number of axes), found {found:#010x}"
    )]
    Magic {
        /// The first four bytes.
        found: u32,
    },
    /// Lengths of which one is zero, or whose product no file can have.
    #[error("at byte 4: expected dimensions of a file that can exist, found {dimensions:?}")]
    Dimensions {
        /// The lengths declared.
        dimensions: Vec<u32>,
    },
    /// Bytes that the header does not account for.
    #[error("at byte {offset}: expected the end of the file, found more bytes")]
    Trailing {
        /// The length that the header declares.
        offset: u64,
    },
    /// Another kind of array than what is wanted.
    #[error("expected {expected}, found {found}")]
    Shape {
        /// What is wanted.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// A label beyond the classes.
    #[error("at byte {offset}: expected a label from 0 to {}, found {found}", classes - 1)]
    Label {
        /// Where.
        offset: u64,
        /// Number of classes.
        classes: u32,
        /// The label found.
        found: u8,
    },
}

/// Reads the header and checks that the numbers are all there, and nothing else.
///
/// # Errors
/// When the bytes are no IDX file, are cut, or are followed by others.
pub fn parse(bytes: &[u8]) -> Result<Array<'_>, IdxError> {
    let found = bytes.len() as u64;
    let word = |i: usize| {
        let end = 4 * i + 4;
        let at = bytes.get(4 * i..end).and_then(|b| b.try_into().ok());
        at.map(u32::from_be_bytes).ok_or(IdxError::Truncated { expected: end as u64, found })
    };
    let magic = word(0)?;
    let [0, 0, code, axes] = magic.to_be_bytes() else {
        return Err(IdxError::Magic { found: magic });
    };
    let (kind, width) = match code {
        0x08 => (Kind::Unsigned, 1),
        0x09 => (Kind::Signed, 1),
        0x0b => (Kind::Signed, 2),
        0x0c => (Kind::Signed, 4),
        0x0d => (Kind::Float, 4),
        0x0e => (Kind::Float, 8),
        _ => return Err(IdxError::Magic { found: magic }),
    };
    if axes == 0 {
        return Err(IdxError::Magic { found: magic });
    }
    let dimensions = (1..=usize::from(axes)).map(word).collect::<Result<Vec<_>, _>>()?;
    let start = 4 + 4 * dimensions.len();
    let length = dimensions
        .iter()
        .try_fold(width, |product: usize, &n| product.checked_mul(n as usize))
        .filter(|&n| n > 0 && n <= isize::MAX as usize - start);
    let Some(length) = length else { return Err(IdxError::Dimensions { dimensions }) };
    let total = (start + length) as u64;
    if found < total {
        return Err(IdxError::Truncated { expected: total, found });
    }
    if found > total {
        return Err(IdxError::Trailing { offset: total });
    }
    let shape = dimensions.iter().map(|&n| n as usize).collect();
    Ok(Array { shape, kind, width, big_endian: true, fortran: false, data: &bytes[start..] })
}

/// Pictures, borrowed from the file's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Images<'a> {
    /// Number of pictures.
    pub count: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Pixels in a row.
    pub width: usize,
    /// `count × height × width` bytes, row-major.
    pub pixels: &'a [u8],
}

/// The pictures in a file of unsigned bytes with three axes.
///
/// # Errors
/// As [`parse`], and when the file holds something else.
pub fn images(bytes: &[u8]) -> Result<Images<'_>, IdxError> {
    let array = parse(bytes)?;
    match (array.shape.as_slice(), array.bytes()) {
        (&[count, height, width], Some(pixels)) => Ok(Images { count, height, width, pixels }),
        _ => Err(other("images: unsigned bytes with three axes", &array)),
    }
}

/// The labels in a file of unsigned bytes with one axis, each below `classes`.
///
/// # Errors
/// As [`parse`], when the file holds something else, and at the first label that is no class.
pub fn labels(bytes: &[u8], classes: u32) -> Result<Vec<u32>, IdxError> {
    let array = parse(bytes)?;
    let (1, Some(values)) = (array.shape.len(), array.bytes()) else {
        return Err(other("labels: unsigned bytes with one axis", &array));
    };
    if let Some(at) = values.iter().position(|&l| u32::from(l) >= classes) {
        let offset = (bytes.len() - values.len() + at) as u64;
        return Err(IdxError::Label { offset, classes, found: values[at] });
    }
    Ok(values.iter().map(|&l| u32::from(l)).collect())
}

fn other(expected: &'static str, array: &Array<'_>) -> IdxError {
    let found = format!("{} of shape {:?}", array.what(), array.shape);
    IdxError::Shape { expected, found }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Three pictures of 2×3 pixels.
    fn pictures() -> Vec<u8> {
        let mut file = vec![0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 3];
        file.extend(0..18);
        file
    }

    fn answers() -> Vec<u8> {
        vec![0, 0, 8, 1, 0, 0, 0, 3, 7, 0, 9]
    }

    #[test]
    fn pictures_and_labels_are_read() {
        let file = pictures();
        let found = images(&file).unwrap();
        assert_eq!((found.count, found.height, found.width), (3, 2, 3));
        assert_eq!(found.pixels, (0..18).collect::<Vec<u8>>());
        assert_eq!(labels(&answers(), 10).unwrap(), [7, 0, 9]);
    }

    #[test]
    fn every_type_of_the_format_is_read() {
        let check = |code: u8, data: &[u8], expected: [f64; 2]| {
            let file = [&[0, 0, code, 1, 0, 0, 0, 2], data].concat();
            let array = parse(&file).unwrap();
            assert_eq!(array.to_f64(), expected, "{code:#x}");
            let integers = expected.map(|x| x as i128).to_vec();
            assert_eq!(array.to_integers(), (code < 0x0d).then_some(integers));
        };
        check(0x08, &[1, 255], [1.0, 255.0]);
        check(0x09, &[1, 255], [1.0, -1.0]);
        check(0x0b, &[0, 1, 255, 254], [1.0, -2.0]);
        check(0x0c, &[0, 0, 1, 0, 255, 255, 255, 255], [256.0, -1.0]);
        check(0x0d, &[1.5f32.to_be_bytes(), (-2f32).to_be_bytes()].concat(), [1.5, -2.0]);
        check(0x0e, &[0.1f64.to_be_bytes(), 1e300f64.to_be_bytes()].concat(), [0.1, 1e300]);
    }

    #[test]
    fn a_file_may_have_any_number_of_axes() {
        for axes in [1, 2, 4, 255u8] {
            let mut file = vec![0, 0, 9, axes];
            (0..axes).for_each(|i| file.extend(if i < 2 { [0, 0, 0, 2] } else { [0, 0, 0, 1] }));
            let values = if axes == 1 { 2 } else { 4 };
            file.extend(vec![255; values]);
            let array = parse(&file).unwrap();
            assert_eq!((array.rows(), array.columns()), (2, values / 2));
            assert_eq!(array.to_f32(), vec![-1.0; values]);
        }
    }

    #[test]
    fn a_file_cut_at_any_byte_is_refused() {
        for file in [pictures(), answers()] {
            for end in 0..file.len() {
                let error = parse(&file[..end]).unwrap_err().to_string();
                assert!(error.contains("truncated"), "{end}: {error}");
            }
        }
    }

    #[test]
    fn failures_say_where_and_what_was_expected() {
        #[track_caller]
        fn check(file: &[u8], expected: &str) {
            assert_eq!(parse(file).unwrap_err().to_string(), expected);
        }
        check(&pictures()[..20], "truncated: ends at byte 20, expected 34 bytes");
        check(&pictures()[..7], "truncated: ends at byte 7, expected 8 bytes");
        let mut long = pictures();
        long.push(0);
        check(&long, "at byte 34: expected the end of the file, found more bytes");
        let magic = "at byte 0: expected magic number 0x0000TTAA (TT one of 08, 09, 0b, 0c, 0d and 0e, AA the number of axes), found ";
        check(b"<!DOCTYPE html>", &format!("{magic}0x3c21444f"));
        check(&[0, 0, 10, 1, 0, 0, 0, 1, 0], &format!("{magic}0x00000a01"));
        check(&[0, 0, 8, 0], &format!("{magic}0x00000800"));
        assert_eq!(
            images(&answers()).unwrap_err().to_string(),
            "expected images: unsigned bytes with three axes, found unsigned integers of 1 byte of shape [3]"
        );
        assert_eq!(
            labels(&answers(), 9).unwrap_err().to_string(),
            "at byte 10: expected a label from 0 to 8, found 9"
        );
    }

    #[test]
    fn absurd_dimensions_are_refused() {
        let mut file = pictures();
        file[4..16].fill(0xff);
        assert!(matches!(parse(&file), Err(IdxError::Dimensions { .. })));
        // 16 TB fit a 64-bit length but not a file of a few bytes.
        file[4..16].copy_from_slice(&[0, 1, 0, 0, 0, 0, 0x40, 0, 0, 0, 0x40, 0]);
        assert!(matches!(parse(&file), Err(IdxError::Truncated { found: 34, .. })));
        file[4..8].fill(0);
        assert!(matches!(parse(&file), Err(IdxError::Dimensions { .. })));
    }

    proptest! {
        #[test]
        fn flipped_bytes_never_panic(
            at in any::<prop::sample::Index>(), flip in 1..=255u8, kind: bool
        ) {
            let mut file = if kind { pictures() } else { answers() };
            let at = at.index(file.len());
            file[at] ^= flip;
            let _ = (images(&file), labels(&file, 10));
            if let Ok(array) = parse(&file) {
                prop_assert_eq!(array.to_f64().len(), array.rows() * array.columns());
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(mut file: Vec<u8>, head in 0..4) {
            // Most random files would end at the magic number.
            let head: &[u8] = [&[][..], &[0, 0, 8, 3], &[0, 0, 13, 1], &[0, 0, 12, 2]][head as usize];
            file.splice(0..0, head.iter().copied());
            let _ = (parse(&file), images(&file), labels(&file, 10));
        }
    }
}
