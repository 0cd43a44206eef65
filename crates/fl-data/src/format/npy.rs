//! NumPy's `.npy` arrays of numbers: a pure function of bytes. An `.npz` file is a [`zip`](crate::zip) archive of them.
//!
//! Versions 1 to 3 of the format; integers of 8 to 64 bits, truth values, floating point of 16 to 64 bits, in either
//! byte order; in C or Fortran order.
//! NumPy Enhancement Proposal 1, and `numpy.lib.format`.
//!
//! Reading the header borrows the values; converting them allocates 4 bytes a value, of which each has at least one.

pub use super::array::{Array, Kind};
use fl_core::Scalar;
use std::ops::Range;

/// Why bytes are not an array of numbers. Offsets count from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NpyError {
    /// Something in the header is not what it should be.
    #[error("at byte {offset}: expected {expected}, found {found}")]
    Header {
        /// Where.
        offset: usize,
        /// What would do.
        expected: String,
        /// What is there.
        found: String,
    },
    /// Values of a kind that are not numbers.
    #[error(
        "expected numbers (integers of 1 to 8 bytes, floats of 2, 4 or 8, or truth values), found dtype {found:?}"
    )]
    Kind {
        /// The type as the file names it.
        found: String,
    },
    /// Another length than the header declares.
    #[error("the header declares shape {shape:?}, {expected} bytes in all; the file has {found}")]
    Length {
        /// The lengths of the axes.
        shape: Vec<usize>,
        /// Bytes expected.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// Lengths whose product no memory can hold, or one that is zero.
    #[error("expected the shape of an array that can exist and holds something, found {shape:?}")]
    Shape {
        /// The lengths of the axes.
        shape: Vec<usize>,
    },
}

/// What the header of an array declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The lengths of the axes; none for a single value.
    pub shape: Vec<usize>,
    /// What the values are.
    pub kind: Kind,
    /// Whether they are truth values, which are unsigned integers too.
    pub truth: bool,
    /// Bytes of a value.
    pub width: usize,
    /// Whether the first byte of a value counts most.
    pub big_endian: bool,
    /// Whether the first axis varies fastest.
    pub fortran: bool,
    /// Where the values begin.
    pub start: usize,
    /// Bytes of all values.
    pub bytes: usize,
}

/// Reads the header and checks that the values are all there.
///
/// # Errors
/// When the bytes are no array of numbers, are cut, or are followed by others.
pub fn parse(file: &[u8]) -> Result<Array<'_>, NpyError> {
    let Header { shape, kind, width, big_endian, fortran, start, bytes, .. } = header(file)?;
    if bytes == 0 {
        return Err(NpyError::Shape { shape });
    }
    // A single value is an array of one.
    let shape = if shape.is_empty() { vec![1] } else { shape };
    let data = &file[start..];
    if data.len() != bytes {
        return Err(NpyError::Length { shape, expected: bytes, found: data.len() });
    }
    Ok(Array { shape, kind, width, big_endian, fortran, data })
}

fn wrong(offset: usize, expected: &str, found: String) -> NpyError {
    NpyError::Header { offset, expected: expected.into(), found }
}

/// Bytes at the beginning of a file that say where its values begin.
pub const PREFIX: usize = 12;

/// Where the values begin, by the first [`PREFIX`] bytes of a file.
///
/// # Errors
/// When the bytes are no beginning of an array.
pub fn start(first: &[u8]) -> Result<usize, NpyError> {
    text_of(first).map(|text| text.end)
}

/// Where the text of the header is.
fn text_of(file: &[u8]) -> Result<Range<usize>, NpyError> {
    if !file.starts_with(b"\x93NUMPY") {
        let found = format!("{:?}", String::from_utf8_lossy(&file[..file.len().min(6)]));
        return Err(wrong(0, "\\x93NUMPY", found));
    }
    let field = |range| part_of(file, range);
    let (start, length) = match field(6..8)? {
        [1, _] => (10, field(8..10)?.iter().rev().fold(0, |n, &b| n << 8 | usize::from(b))),
        [2 | 3, _] => (12, field(8..12)?.iter().rev().fold(0, |n, &b| n << 8 | usize::from(b))),
        version => return Err(wrong(6, "version 1, 2 or 3", format!("{}", version[0]))),
    };
    Ok(start..start.saturating_add(length))
}

/// Some bytes of a header, if it is not cut.
fn part_of(file: &[u8], range: Range<usize>) -> Result<&[u8], NpyError> {
    file.get(range).ok_or_else(|| wrong(file.len(), "the rest of the header", "the end".into()))
}

/// Reads the header alone, of bytes that may end anywhere behind it. Lengths may be 0.
///
/// # Errors
/// When the bytes are no header of an array of numbers.
pub fn header(file: &[u8]) -> Result<Header, NpyError> {
    let Range { start, end } = text_of(file)?;
    let text = part_of(file, start..end)?;
    let text = str::from_utf8(text)
        .map_err(|e| wrong(start + e.valid_up_to(), "text", "other bytes".into()))?;
    let mut parser = Parser { text, at: 0, start };
    let Dictionary { descr, fortran, shape } = parser.dictionary()?;

    let (order, code) = match descr.as_bytes() {
        [order @ (b'<' | b'>' | b'|' | b'='), code @ ..] => (*order, code),
        code => (b'|', code),
    };
    let (kind, width) = match code {
        b"b1" | b"u1" => (Kind::Unsigned, 1),
        b"i1" => (Kind::Signed, 1),
        b"u2" => (Kind::Unsigned, 2),
        b"i2" => (Kind::Signed, 2),
        b"u4" => (Kind::Unsigned, 4),
        b"i4" => (Kind::Signed, 4),
        b"u8" => (Kind::Unsigned, 8),
        b"i8" => (Kind::Signed, 8),
        b"f2" => (Kind::Float, 2),
        b"f4" => (Kind::Float, 4),
        b"f8" => (Kind::Float, 8),
        _ => return Err(NpyError::Kind { found: descr }),
    };
    let bytes = shape
        .iter()
        .try_fold(width, |n: usize, &axis| n.checked_mul(axis))
        .filter(|n| *n <= isize::MAX as usize / 8);
    let Some(bytes) = bytes else { return Err(NpyError::Shape { shape }) };
    let (truth, big_endian) = (code == b"b1", order == b'>');
    Ok(Header { shape, kind, truth, width, big_endian, fortran, start: end, bytes })
}

/// A file of one axis, in the type of the numbers, which [`parse`] and NumPy read.
pub fn write<T: Scalar>(numbers: &[T]) -> Vec<u8> {
    with_shape(numbers, &format!("({},)", numbers.len()))
}

/// The same with two axes: rows of as many numbers each.
///
/// # Panics
/// When the numbers are no such rows.
pub fn write_rows<T: Scalar>(numbers: &[T], rows: usize) -> Vec<u8> {
    let columns = numbers.len() / rows.max(1);
    assert_eq!(rows * columns, numbers.len(), "{rows} rows");
    with_shape(numbers, &format!("({rows}, {columns})"))
}

/// The bytes before the numbers, given the type and the shape as Python writes them.
///
/// # Panics
/// When the shape is longer than 65 000 bytes: NumPy's have at most 64 axes.
pub fn head(descr: &str, shape: &str) -> Vec<u8> {
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    // Values begin at a multiple of 64 bytes: 10 before the header, and a line's end.
    while !(10 + header.len() + 1).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    let length = u16::try_from(header.len()).expect("a shape of at most 65 000 bytes");
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    bytes
}

fn with_shape<T: Scalar>(numbers: &[T], shape: &str) -> Vec<u8> {
    let width = size_of::<T>();
    let mut bytes = head(&format!("<f{width}"), shape);
    for x in numbers {
        match width {
            4 => bytes.extend_from_slice(&(x.to_f64() as f32).to_le_bytes()),
            _ => bytes.extend_from_slice(&x.to_f64().to_le_bytes()),
        }
    }
    bytes
}

struct Dictionary {
    descr: String,
    fortran: bool,
    shape: Vec<usize>,
}

/// Reads the one Python literal that headers are.
struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// Where the text begins in the file.
    start: usize,
}

impl Parser<'_> {
    fn wrong(&self, expected: &str) -> NpyError {
        let rest: String = self.text[self.at..].chars().take(16).collect();
        NpyError::Header {
            offset: self.start + self.at,
            expected: expected.into(),
            found: if rest.is_empty() { "the end".into() } else { format!("{rest:?}") },
        }
    }

    /// Whether `token` comes next; it is read if so.
    fn found(&mut self, token: &str) -> bool {
        let rest = self.text[self.at..].trim_start();
        self.at = self.text.len() - rest.len();
        let found = rest.starts_with(token);
        self.at += if found { token.len() } else { 0 };
        found
    }

    fn expect(&mut self, token: &str) -> Result<(), NpyError> {
        if self.found(token) { Ok(()) } else { Err(self.wrong(&format!("{token:?}"))) }
    }

    fn string(&mut self) -> Result<String, NpyError> {
        let quote = if self.found("'") {
            '\''
        } else if self.found("\"") {
            '"'
        } else {
            return Err(self.wrong("a text in quotes"));
        };
        let end = self.text[self.at..].find(quote).ok_or_else(|| self.wrong("a closing quote"))?;
        let text = self.text[self.at..self.at + end].to_owned();
        self.at += end + 1;
        Ok(text)
    }

    fn number(&mut self) -> Result<usize, NpyError> {
        let rest = &self.text[self.at..];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number = rest[..digits].parse().map_err(|_| self.wrong("a length"))?;
        self.at += digits;
        // Python 2 wrote long integers so.
        self.found("L");
        Ok(number)
    }

    fn dictionary(&mut self) -> Result<Dictionary, NpyError> {
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        self.expect("{")?;
        while !self.found("}") {
            let key = self.string()?;
            self.expect(":")?;
            match key.as_str() {
                "descr" => {
                    if self.found("[") {
                        return Err(NpyError::Kind { found: "a record of several fields".into() });
                    }
                    descr = Some(self.string()?);
                }
                "fortran_order" => {
                    let yes = self.found("True");
                    if !yes {
                        self.expect("False")?;
                    }
                    fortran = Some(yes);
                }
                "shape" => {
                    let mut lengths = Vec::new();
                    self.expect("(")?;
                    while !self.found(")") {
                        lengths.push(self.number()?);
                        if !self.found(",") {
                            self.expect(")")?;
                            break;
                        }
                    }
                    shape = Some(lengths);
                }
                _ => return Err(self.wrong("the keys descr, fortran_order and shape")),
            }
            if !self.found(",") {
                self.expect("}")?;
                break;
            }
        }
        match (descr, fortran, shape) {
            (Some(descr), Some(fortran), Some(shape)) => Ok(Dictionary { descr, fortran, shape }),
            _ => Err(self.wrong("the keys descr, fortran_order and shape")),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A file as NumPy writes it.
    pub(crate) fn file(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
        let order = if fortran { "True" } else { "False" };
        let mut header =
            format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}");
        while (header.len() + 11) % 64 != 0 {
            header.push(' ');
        }
        header.push('\n');
        let mut out = b"\x93NUMPY\x01\x00".to_vec();
        out.extend((header.len() as u16).to_le_bytes());
        out.extend(header.as_bytes());
        out.extend(data);
        out
    }

    #[test]
    fn what_is_written_is_read_again() {
        let numbers = [0.1, -0.0, 1e300, 5e-324];
        let file = write(&numbers);
        let array = parse(&file).unwrap();
        assert_eq!((&array.shape, array.width), (&vec![4], 8));
        assert_eq!(
            array.to_f64().iter().map(|x| x.to_bits()).collect::<Vec<_>>(),
            numbers.map(f64::to_bits)
        );
        assert_eq!(parse(&write(&[0.1f32])).unwrap().to_f32(), [0.1]);
    }

    #[test]
    fn a_header_keeps_what_values_lose() {
        let read = |descr: &str, shape: &str| header(&file(descr, false, shape, &[])).unwrap();
        assert!(read("|b1", "(3,)").truth && !read("|u1", "(3,)").truth);
        assert_eq!(read("<f4", "()").shape, [0usize; 0]);
        assert_eq!((read("<f4", "()").bytes, read("<f4", "(0, 3)").bytes), (4, 0));
        let one = file("<f4", false, "()", &1.5f32.to_le_bytes());
        assert_eq!(
            (parse(&one).unwrap().shape, parse(&one).unwrap().to_f32()),
            (vec![1], vec![1.5])
        );
        // The first bytes say where the values begin.
        assert_eq!(start(&one[..PREFIX]), Ok(one.len() - 4));
    }

    #[test]
    fn every_kind_of_number_is_read() {
        let check = |descr: &str, data: &[u8], expected: [f64; 2]| {
            let file = file(descr, false, "(2,)", data);
            let array = parse(&file).unwrap();
            assert_eq!(array.to_f64(), expected, "{descr}");
            assert_eq!(array.to_f32(), expected.map(|x| x as f32), "{descr}");
        };
        check("|u1", &[0, 255], [0.0, 255.0]);
        check("|i1", &[1, 255], [1.0, -1.0]);
        check("|b1", &[0, 1], [0.0, 1.0]);
        check("<u2", &[1, 0, 0, 1], [1.0, 256.0]);
        check(">i2", &[0, 1, 255, 254], [1.0, -2.0]);
        check("<i4", &[1, 0, 0, 0, 255, 255, 255, 255], [1.0, -1.0]);
        check("<u4", &[1, 0, 0, 0, 255, 255, 255, 255], [1.0, 4_294_967_295.0]);
        check("<i8", &[[1, 0, 0, 0, 0, 0, 0, 0], [255; 8]].concat(), [1.0, -1.0]);
        check("<f2", &[0x00, 0x3c, 0x01, 0x80], [1.0, -(2f64.powi(-24))]);
        check("<f2", &[0x55, 0x35, 0xff, 0x7b], [1365.0 / 4096.0, 65504.0]);
        check("<f4", &[1.5f32.to_le_bytes(), (-2f32).to_le_bytes()].concat(), [1.5, -2.0]);
        check(">f8", &[0.1f64.to_be_bytes(), 1e300f64.to_be_bytes()].concat(), [0.1, 1e300]);
    }

    #[test]
    fn fortran_order_is_turned_into_c_order() {
        // a[i, j, k] = 100 i + 10 j + k with shape (2, 3, 2), the first axis fastest.
        let mut data = Vec::new();
        for k in 0..2u8 {
            for j in 0..3 {
                for i in 0..2 {
                    data.push(100 * i + 10 * j + k);
                }
            }
        }
        let file = file("|u1", true, "(2, 3, 2)", &data);
        let array = parse(&file).unwrap();
        assert_eq!((array.rows(), array.columns(), array.bytes()), (2, 6, None));
        let expected = [0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121];
        assert_eq!(array.to_f64(), expected.map(f64::from));
    }

    #[test]
    fn failures_say_where_and_what() {
        #[track_caller]
        fn check(file: &[u8], expected: &str) {
            assert_eq!(parse(file).unwrap_err().to_string(), expected);
        }
        check(b"PK\x03\x04", "at byte 0: expected \\x93NUMPY, found \"PK\\u{3}\\u{4}\"");
        check(b"\x93NUMPY\x09\0", "at byte 6: expected version 1, 2 or 3, found 9");
        check(b"\x93NUMPY\x01\0\xff", "at byte 9: expected the rest of the header, found the end");
        check(
            &file("<U10", false, "(1,)", &[0; 40]),
            "expected numbers (integers of 1 to 8 bytes, floats of 2, 4 or 8, or truth values), found dtype \"<U10\"",
        );
        check(
            &file("|u1", false, "(2, 3)", &[0; 7]),
            "the header declares shape [2, 3], 6 bytes in all; the file has 7",
        );
        let expected = "expected the shape of an array that can exist and holds something, found [4294967296, 4294967296]";
        check(&file("<f8", false, "(4294967296, 4294967296)", &[]), expected);
        check(
            &file("|u1", false, "(0, 3)", &[]),
            "expected the shape of an array that can exist and holds something, found [0, 3]",
        );
        check(
            &file("|u1", false, "(a)", &[]),
            "at byte 61: expected a length, found \"a), }           \"",
        );
    }

    #[test]
    fn a_file_cut_at_any_byte_is_refused() {
        let file = file("<f4", false, "(2, 3)", &[0; 24]);
        for end in 0..file.len() {
            assert!(parse(&file[..end]).is_err(), "{end}");
        }
    }

    proptest! {
        #[test]
        fn flipped_bytes_never_panic(at in any::<prop::sample::Index>(), flip in 1..=255u8, fortran: bool) {
            let mut file = file("<f4", fortran, "(2, 3)", &[7; 24]);
            let at = at.index(file.len());
            file[at] ^= flip;
            if let Ok(array) = parse(&file) {
                prop_assert_eq!(array.to_f64().len(), array.rows() * array.columns());
                let _ = array.to_f32();
            }
        }

        #[test]
        fn hostile_headers_never_panic(header in "[{}'a-z(),:0-9TF ]{0,80}", bytes: Vec<u8>) {
            let mut file = b"\x93NUMPY\x01\x00".to_vec();
            file.extend((header.len() as u16).to_le_bytes());
            file.extend(header.as_bytes());
            file.extend(bytes);
            let _ = parse(&file);
        }
    }
}
