//! What a run tells of itself.

use crate::open::Updates;
use crate::options::Options;
use fl_core::Certificate;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fmt;

/// A client that was left out of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Its path.
    pub client: String,
    /// The first tensor with a number that is not finite.
    pub tensor: String,
    /// The place of that number.
    pub number: usize,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client, tensor, number } = self;
        write!(f, "{client}: tensor {tensor:?}: number {number} is not finite")
    }
}

/// A tensor's part of the sum of all squared distances between clients.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Share {
    /// The tensor.
    pub tensor: String,
    /// Its part of all numbers.
    pub numbers: f64,
    /// Its part of the sum over all pairs of ‖v_i − v_j‖².
    pub distances: f64,
}

/// What happened to one group of tensors.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupReport {
    /// What its tensors have in common.
    pub name: String,
    /// Number of tensors.
    pub tensors: usize,
    /// Length of its messages.
    pub numbers: usize,
    /// The weight of each client; `None` for a coordinate-wise rule.
    pub weights: Option<Vec<f64>>,
    /// Who was left out, and why.
    pub left_out: Vec<LeftOut>,
    /// What the rule's solver certifies.
    pub certificate: Option<Certificate>,
    /// Pairs of clients that sent the same numbers.
    pub equal: Vec<(String, String)>,
}

/// The adapter that came out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AdapterReport {
    /// Its rank, the largest of all products.
    pub rank: usize,
    /// The length of what a lower rank has lost, over that of the whole: in the Frobenius norm of all products.
    pub relative_error: f64,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The clients' paths, in the order of the weights.
    pub clients: Vec<String>,
    /// All groups.
    pub groups: Vec<GroupReport>,
    /// Each tensor's share of the distances, where asked for.
    pub shares: Vec<Share>,
    /// What came out of adapters; `None` of other files.
    pub adapter: Option<AdapterReport>,
    /// Names of metadata of the inputs that the output has not: clients differ in them, or a NumPy file has none.
    pub metadata_left_out: Vec<String>,
    /// Bytes of tensors read in all passes, and to copy tensors.
    pub bytes_read: u64,
    /// Bytes of tensors written.
    pub bytes_written: u64,
}

/// What the output says about itself.
pub(crate) fn about(options: &Options, updates: &Updates, digest: &str) -> String {
    let Options { description, byzantine, .. } = options;
    let value = serde_json::json!({
        "rule": description,
        "byzantine": byzantine,
        "clients": updates.clients(),
        "weights_sha256": digest,
        "version": env!("CARGO_PKG_VERSION"),
    });
    value.to_string()
}

/// The SHA-256 of weights.
pub(crate) fn weights_digest<'a>(weights: impl Iterator<Item = &'a f64>) -> String {
    let mut hash = Sha256::new();
    weights.for_each(|weight| hash.update(weight.to_le_bytes()));
    fl_data::hex(&hash.finalize())
}
