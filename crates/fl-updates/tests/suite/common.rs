//! Files of tensors for the tests, written without the crate that is tested.

use half::{bf16, f16};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A tensor to be written.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) name: String,
    pub(crate) dtype: &'static str,
    pub(crate) shape: Vec<usize>,
    pub(crate) bytes: Vec<u8>,
}

/// A tensor of numbers, each rounded to the type.
pub(crate) fn tensor(name: &str, dtype: &'static str, shape: &[usize], numbers: &[f64]) -> Made {
    assert_eq!(shape.iter().product::<usize>(), numbers.len());
    let bytes = numbers.iter().flat_map(|&x| to_bytes(dtype, x)).collect();
    Made { name: name.into(), dtype, shape: shape.to_vec(), bytes }
}

pub(crate) fn to_bytes(dtype: &str, x: f64) -> Vec<u8> {
    match dtype {
        "F64" => x.to_le_bytes().to_vec(),
        "F32" => (x as f32).to_le_bytes().to_vec(),
        "F16" => nearest(x, 5, 10).to_le_bytes().to_vec(),
        "BF16" => nearest(x, 8, 7).to_le_bytes().to_vec(),
        "I64" => (x as i64).to_le_bytes().to_vec(),
        "BOOL" | "F8_E4M3" => vec![x as u8],
        _ => panic!("{dtype}"),
    }
}

/// The nearest number of so many bits of exponent and of fraction, by integers; of two that are as near the even one.
pub(crate) fn nearest(x: f64, exponent: u32, fraction: u32) -> u16 {
    assert!(!x.is_nan());
    let (bits, bias) = (x.to_bits(), (1i64 << (exponent - 1)) - 1);
    let sign = ((bits >> 63) as u16) << 15;
    let infinity = ((1u64 << exponent) - 1) << fraction;
    let power = ((bits >> 52) & 0x7ff) as i64 - 1023;
    if power > bias {
        return sign | infinity as u16;
    }
    // Below the least normal number all have the same last place.
    let least = 1 - bias;
    let dropped = 52 - i64::from(fraction) + (least - power).max(0);
    if dropped > 53 {
        return sign;
    }
    let significand = (bits & ((1 << 52) - 1)) | 1 << 52;
    let (mut kept, rest) = (significand >> dropped, significand & ((1 << dropped) - 1));
    let middle = 1u64 << (dropped - 1);
    kept += u64::from(rest > middle || (rest == middle && kept % 2 == 1));
    // The leading bit of a normal number adds one to its exponent.
    let number = (((power - least).max(0) as u64) << fraction) + kept;
    sign | number.min(infinity) as u16
}

/// Numbers of bytes.
pub(crate) fn numbers(dtype: &str, bytes: &[u8]) -> Vec<f64> {
    let pair = |b: &[u8]| [b[0], b[1]];
    match dtype {
        "F64" => bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect(),
        "F32" => bytes.as_chunks().0.iter().map(|b| f64::from(f32::from_le_bytes(*b))).collect(),
        "F16" => bytes.chunks(2).map(|b| f16::from_le_bytes(pair(b)).to_f64()).collect(),
        "BF16" => bytes.chunks(2).map(|b| bf16::from_le_bytes(pair(b)).to_f64()).collect(),
        _ => panic!("{dtype}"),
    }
}

/// A header of any text, and data behind it.
pub(crate) fn raw(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(data);
    bytes
}

pub(crate) fn safetensors(tensors: &[Made]) -> Vec<u8> {
    with_metadata(r#"{"format":"pt"}"#, tensors)
}

pub(crate) fn with_metadata(metadata: &str, tensors: &[Made]) -> Vec<u8> {
    let (mut entries, mut data) = (vec![format!(r#""__metadata__":{metadata}"#)], Vec::new());
    for t in tensors {
        let (from, to) = (data.len(), data.len() + t.bytes.len());
        entries.push(format!(
            r#"{:?}:{{"dtype":{:?},"shape":{:?},"data_offsets":[{from},{to}]}}"#,
            t.name, t.dtype, t.shape
        ));
        data.extend_from_slice(&t.bytes);
    }
    raw(&format!("{{{}}}", entries.join(",")), &data)
}

/// An array as NumPy writes it.
pub(crate) fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    while !(text.len() + 11).is_multiple_of(64) {
        text.push(' ');
    }
    text.push('\n');
    let length = (text.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], text.as_bytes(), data].concat()
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
    !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}

/// An archive as `np.savez` writes it: stored members, each with a 64-bit field in its own header.
pub(crate) fn npz(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in members {
        let (at, length) = (file.len() as u32, data.len() as u32);
        // Version 4.5, no flags, stored, at the beginning of 1980.
        let common = [&[45, 0, 0, 0, 0, 0, 0, 0, 33, 0][..], &crc32(data).to_le_bytes()].concat();
        let named = (name.len() as u16).to_le_bytes();
        file.extend_from_slice(b"PK\x03\x04");
        file.extend_from_slice(&common);
        file.extend_from_slice(&[0xff; 8]);
        file.extend_from_slice(&named);
        file.extend_from_slice(&[20, 0]);
        file.extend_from_slice(name.as_bytes());
        file.extend_from_slice(&[1, 0, 16, 0]);
        file.extend_from_slice(&u64::from(length).to_le_bytes().repeat(2));
        file.extend_from_slice(data);
        directory.extend_from_slice(b"PK\x01\x02\x2d\x03");
        directory.extend_from_slice(&common);
        directory.extend_from_slice(&length.to_le_bytes().repeat(2));
        directory.extend_from_slice(&named);
        directory.extend_from_slice(&[0; 12]);
        directory.extend_from_slice(&at.to_le_bytes());
        directory.extend_from_slice(name.as_bytes());
    }
    let (at, count) = (file.len() as u32, (members.len() as u16).to_le_bytes());
    let (length, at) = ((directory.len() as u32).to_le_bytes(), at.to_le_bytes());
    let end = [&count[..], &count, &length, &at, &[0, 0]].concat();
    [&file[..], &directory, b"PK\x05\x06\0\0\0\0", &end].concat()
}

/// A folder of its own for a test.
#[derive(Debug)]
pub(crate) struct Room(TempDir);

impl Room {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("inside the room")).expect("a folder");
        fs::write(&path, bytes).expect("a file");
        path
    }

    /// Names in the folder: nothing half-written is left there.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).expect("a folder");
        let name = |e: std::io::Result<fs::DirEntry>| e.expect("an entry").file_name();
        let mut names: Vec<String> =
            entries.map(|e| name(e).to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// The tensors of a file, by another reader.
pub(crate) fn read(path: &Path) -> Vec<Made> {
    let bytes = fs::read(path).expect("a file");
    let all = safetensors::SafeTensors::deserialize(&bytes).expect("a safetensors file");
    let mut made: Vec<Made> = all
        .tensors()
        .into_iter()
        .map(|(name, view)| Made {
            name,
            dtype: match view.dtype() {
                safetensors::Dtype::F64 => "F64",
                safetensors::Dtype::F32 => "F32",
                safetensors::Dtype::F16 => "F16",
                safetensors::Dtype::BF16 => "BF16",
                safetensors::Dtype::I64 => "I64",
                safetensors::Dtype::BOOL => "BOOL",
                safetensors::Dtype::U8 => "U8",
                other => panic!("{other:?}"),
            },
            shape: view.shape().to_vec(),
            bytes: view.data().to_vec(),
        })
        .collect();
    made.sort_by(|a, b| a.name.cmp(&b.name));
    made
}
