//! Are these the published bytes? One pass over a stream, plain or gzip, in constant memory.

use super::{ContentError, KnownError, KnownFile, KnownSet};
use crate::format::{FileError, hex, is_gzip, sha256};
use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{self, Read};
use std::path::Path;

/// Unpacks `packed` (gzip if it begins so, unless the file is an archive; plain otherwise) into `sink` and compares length
/// and digest with `file`.
///
/// Reads at most one byte more than the file should have, so that neither an endless page nor a gzip bomb is followed.
pub(crate) fn check(
    mut packed: impl Read,
    file: &KnownFile,
    sink: impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<(), ContentError> {
    let mut start = Vec::new();
    if let Err(e) = (&mut packed).take(64).read_to_end(&mut start) {
        return Err(broken(file, 0, &e));
    }
    // Good bytes may begin like a page by chance, so this is only asked of bytes that turn out bad.
    let page = match start.trim_ascii_start() {
        [b'<', b'!' | b'?' | b'a'..=b'z' | b'A'..=b'Z', ..] => {
            Some(String::from_utf8_lossy(&start).trim().chars().take(40).collect())
        }
        _ => None,
    };
    let gzip = is_gzip(&start) && !file.packed;
    let packed = io::Cursor::new(start).chain(packed);
    let outcome = if gzip {
        compare(MultiGzDecoder::new(packed), file, sink)
    } else {
        compare(packed, file, sink)
    };
    match (outcome, page) {
        (Err(ContentError::Length { .. } | ContentError::Digest { .. }), Some(start)) => {
            Err(ContentError::Html { expected: file.name.clone(), start })
        }
        (outcome, _) => outcome,
    }
}

fn compare(
    mut plain: impl Read,
    file: &KnownFile,
    mut sink: impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<(), ContentError> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut found = 0;
    loop {
        let n = match plain.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(broken(file, found, &e)),
        };
        found += n as u64;
        if found > file.bytes {
            return Err(ContentError::Length { expected: file.bytes, found: file.bytes + 1 });
        }
        hash.update(&buffer[..n]);
        sink(&buffer[..n]).map_err(ContentError::Write)?;
    }
    if found != file.bytes {
        return Err(ContentError::Length { expected: file.bytes, found });
    }
    let digest = hex(&hash.finalize());
    if digest != file.sha256 {
        return Err(ContentError::Digest { expected: file.sha256.clone(), found: digest });
    }
    Ok(())
}

fn broken(file: &KnownFile, after: u64, why: &io::Error) -> ContentError {
    ContentError::Broken { after, expected: file.bytes, why: why.to_string() }
}

/// The bytes of a file as they are, if they are the published ones.
pub(crate) fn read_verified(
    set: &KnownSet,
    file: &KnownFile,
    path: &Path,
) -> Result<Vec<u8>, KnownError> {
    let bytes = fs::read(path).map_err(FileError::io("read", path))?;
    verify_bytes(&bytes, set, file, path)?;
    Ok(bytes)
}

/// Compares plain bytes with the published length and digest; gives the digest.
pub(crate) fn verify_bytes(
    bytes: &[u8],
    set: &KnownSet,
    file: &KnownFile,
    path: &Path,
) -> Result<String, KnownError> {
    let (expected, found) = (file.bytes, bytes.len() as u64);
    let why = if found != expected {
        ContentError::Length { expected, found }
    } else {
        let found = sha256(bytes);
        if found == file.sha256 {
            return Ok(found);
        }
        ContentError::Digest { expected: file.sha256.clone(), found }
    };
    Err(KnownError::Content { set: set.name.clone(), path: path.into(), why })
}
