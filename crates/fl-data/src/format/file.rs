//! The plain bytes of a file.

use super::gzip::{gunzip, is_gzip};
use super::{Checksum, FileError, sha256};
use std::fs;
use std::path::Path;

/// First bytes of formats that are known by name alone, and what unpacks them.
const PACKED: [(&[u8], &str, &str); 5] = [
    (b"BZh", "bzip2", "bunzip2 FILE"),
    (b"\xfd7zXZ\0", "xz", "unxz FILE"),
    (b"\x28\xb5\x2f\xfd", "zstd", "unzstd FILE"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip", "7z x FILE"),
    (b"\x1f\x9d", "compress", "uncompress FILE"),
];

/// An archive of files, which is data in `.npz` alone.
const ZIP: &[u8] = b"PK\x03\x04";

/// A file's bytes, unpacked if they were gzip.
#[derive(Debug)]
pub(crate) struct Plain {
    pub(crate) bytes: Vec<u8>,
}

impl Plain {
    /// Reads a file. A format of packing other than gzip is refused by its name; `.npz` archives are wanted as they are.
    pub(crate) fn read(path: &Path, archive: bool) -> Result<Self, FileError> {
        let bytes = fs::read(path).map_err(FileError::io("read", path))?;
        if is_gzip(&bytes) {
            let why = |why| FileError::Gzip { path: path.into(), why };
            return Ok(Self { bytes: gunzip(&bytes).map_err(why)? });
        }
        let zip = (ZIP, "zip", "unzip FILE");
        let packed = PACKED.into_iter().chain((!archive).then_some(zip));
        match packed.into_iter().find(|(start, ..)| bytes.starts_with(start)) {
            Some((_, format, command)) => {
                Err(FileError::Packed { path: path.into(), format, command })
            }
            None => Ok(Self { bytes }),
        }
    }

    /// What was read, for a run's record.
    pub(crate) fn checksum(&self, path: &Path) -> Checksum {
        let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        let file = name.strip_suffix(".gz").map(ToOwned::to_owned).unwrap_or(name);
        Checksum { file, sha256: sha256(&self.bytes) }
    }
}
