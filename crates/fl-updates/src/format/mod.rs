//! File formats: where each tensor's numbers are.

pub(crate) mod numpy;
pub(crate) mod safetensors;
pub(crate) mod shards;

use crate::number::Dtype;
use std::collections::BTreeMap;

/// A tensor of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// Type of its numbers.
    pub dtype: Dtype,
    /// Lengths of its axes.
    pub shape: Vec<usize>,
    /// Where its first byte is.
    pub offset: u64,
    /// Bytes of all numbers.
    pub bytes: u64,
    /// Which of a client's files it is in.
    pub(crate) file: usize,
}

impl Tensor {
    /// Number of its numbers.
    pub fn numbers(&self) -> usize {
        self.shape.iter().product()
    }
}

/// What a file declares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// Its tensors, by their place in the file.
    pub tensors: Vec<Tensor>,
    /// Texts by name.
    pub metadata: BTreeMap<String, String>,
}
