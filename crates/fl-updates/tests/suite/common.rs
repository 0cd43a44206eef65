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
        "F16" => f16::from_f64(x).to_le_bytes().to_vec(),
        "BF16" => bf16::from_f64(x).to_le_bytes().to_vec(),
        "I64" => (x as i64).to_le_bytes().to_vec(),
        "BOOL" | "F8_E4M3" => vec![x as u8],
        _ => panic!("{dtype}"),
    }
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
    let (mut entries, mut data) =
        (vec![r#""__metadata__":{"format":"pt"}"#.to_owned()], Vec::new());
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
                other => panic!("{other:?}"),
            },
            shape: view.shape().to_vec(),
            bytes: view.data().to_vec(),
        })
        .collect();
    made.sort_by(|a, b| a.name.cmp(&b.name));
    made
}
