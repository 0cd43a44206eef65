//! Headers of safetensors files: eight bytes of length, then JSON, then the numbers.
//!
//! The crate `safetensors` wants the whole file in memory or mapped; of a header alone it gives no duplicate names.

use super::{Parsed, Tensor};
use crate::file::Opened;
use crate::number::Dtype;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use std::collections::{BTreeMap, HashSet};
use std::fmt;

/// The longest header that the format allows.
pub(crate) const LONGEST: u64 = 100_000_000;
/// The entry of a header that is no tensor.
pub(crate) const METADATA: &str = "__metadata__";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [u64; 2],
}

/// Entries in the order of the text, so that a name that comes twice is seen.
struct Entries {
    tensors: Vec<(String, Entry)>,
    metadata: BTreeMap<String, String>,
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Entries;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with an entry for each tensor")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Entries { tensors: Vec::new(), metadata: BTreeMap::new() };
                while let Some(name) = map.next_key::<String>()? {
                    if name == METADATA {
                        entries.metadata = map.next_value()?;
                    } else {
                        entries.tensors.push((name, map.next_value()?));
                    }
                }
                Ok(entries)
            }
        }
        deserializer.deserialize_map(Visit)
    }
}

/// Reads the header's JSON of a file of `len` bytes, whose numbers begin at `start`.
///
/// Nothing in it is trusted: every range must lie in the file, hold as many bytes as shape and type say, and follow the one
/// before without overlap or gap; names come once.
///
/// # Errors
/// What is wrong, with the tensor.
pub fn header(json: &[u8], start: u64, len: u64) -> Result<Parsed, String> {
    let Entries { tensors, metadata } = serde_json::from_slice(json)
        .map_err(|e| format!("the header is no safetensors header: {e}"))?;
    let mut names = HashSet::new();
    let data = len.saturating_sub(start);
    let mut parsed = Parsed { tensors: Vec::with_capacity(tensors.len()), metadata };
    for (name, Entry { dtype: named, shape, data_offsets: [from, to] }) in tensors {
        let wrong = |what: String| Err(format!("tensor {name:?}: {what}"));
        if !names.insert(name.clone()) {
            return wrong("the name comes twice in the header".into());
        }
        let Some(dtype) = Dtype::named(&named) else {
            return wrong(format!("unknown type {named:?}"));
        };
        let numbers = shape.iter().try_fold(1usize, |n, &axis| n.checked_mul(axis));
        let Some(bits) = numbers.and_then(|n| n.checked_mul(dtype.bits())) else {
            return wrong(format!("no memory holds shape {shape:?}"));
        };
        if to < from || to > data {
            return wrong(format!("bytes {from} to {to} are not within the {data} bytes of data"));
        }
        if bits % 8 != 0 || (bits / 8) as u64 != to - from {
            return wrong(format!(
                "shape {shape:?} of {named} has {} bytes, the header says {}",
                bits.div_ceil(8),
                to - from
            ));
        }
        let (offset, bytes) = (start + from, to - from);
        parsed.tensors.push(Tensor { name, dtype, shape, offset, bytes, file: 0 });
    }
    parsed.tensors.sort_by_key(|tensor| (tensor.offset, tensor.bytes));
    let mut end = start;
    for tensor in &parsed.tensors {
        if tensor.offset != end {
            let what = if tensor.offset < end { "overlap with" } else { "leave a gap behind" };
            return Err(format!("tensor {:?}: its bytes {what} those before", tensor.name));
        }
        end += tensor.bytes;
    }
    if end != len {
        return Err(format!(
            "{} bytes behind the last tensor belong to none",
            len.saturating_sub(end)
        ));
    }
    Ok(parsed)
}

/// Reads the header of an open file.
pub(crate) fn open(file: &Opened) -> Result<Parsed, String> {
    let short = || format!("expected a safetensors file, found {} bytes", file.len);
    if file.len < 8 {
        return Err(short());
    }
    let mut length = [0; 8];
    file.read(0, &mut length)?;
    let length = u64::from_le_bytes(length);
    if length > LONGEST {
        return Err(format!(
            "its first 8 bytes declare a header of {length} bytes; the format allows {LONGEST}"
        ));
    }
    if length > file.len - 8 {
        return Err(format!(
            "its header should have {length} bytes, the file has {} behind its length",
            file.len - 8
        ));
    }
    let mut json = vec![0; length as usize];
    file.read(8, &mut json)?;
    header(&json, 8 + length, file.len)
}

/// The first bytes of a file of these tensors, up to where their numbers begin: a multiple of eight.
pub(crate) fn write(tensors: &[Tensor], metadata: &BTreeMap<String, String>) -> Vec<u8> {
    let mut map = serde_json::Map::new();
    if !metadata.is_empty() {
        map.insert(METADATA.into(), serde_json::json!(metadata));
    }
    let mut at = 0;
    for tensor in tensors {
        let entry = serde_json::json!({
            "dtype": tensor.dtype.name(),
            "shape": tensor.shape,
            "data_offsets": [at, at + tensor.bytes],
        });
        map.insert(tensor.name.clone(), entry);
        at += tensor.bytes;
    }
    let mut json = serde_json::Value::Object(map).to_string().into_bytes();
    json.resize(json.len().next_multiple_of(8), b' ');
    let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(&json);
    bytes
}
