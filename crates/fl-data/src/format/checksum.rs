//! Digests of what was read.

use sha2::{Digest, Sha256};

/// The SHA-256 of a file's plain bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksum {
    /// The file's name, without `.gz`.
    pub file: String,
    /// In lower-case hexadecimal.
    pub sha256: String,
}

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}
