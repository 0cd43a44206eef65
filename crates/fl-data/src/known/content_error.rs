//! Why bytes are not the published ones.

use std::io;

/// Why bytes are not those of a known file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContentError {
    /// A page for people where a file was expected.
    #[error("expected {expected}, found a web page that begins {start:?}")]
    Html {
        /// The file wanted.
        expected: String,
        /// The first characters found.
        start: String,
    },
    /// The stream stopped or turned into nonsense.
    #[error("broke off after {after} of {expected} unpacked bytes: {why}")]
    Broken {
        /// Bytes that arrived, unpacked.
        after: u64,
        /// Bytes expected, unpacked.
        expected: u64,
        /// What the reader or the unpacker said.
        why: String,
    },
    /// Another length.
    #[error("expected {expected} bytes unpacked, found {}{found}", if found > expected { "at least " } else { "" })]
    Length {
        /// Bytes expected.
        expected: u64,
        /// Bytes found; reading stops at the first one too many.
        found: u64,
    },
    /// Another content.
    #[error("expected sha-256 {expected}, found {found}")]
    Digest {
        /// The published digest.
        expected: String,
        /// The digest of what was read.
        found: String,
    },
    /// The bytes were good but could not be stored.
    #[error("cannot write: {0}")]
    Write(io::Error),
}
