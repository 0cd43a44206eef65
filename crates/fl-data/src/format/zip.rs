//! Archives in the ZIP format, as far as `.npz` files and Python's wheels use it: stored and deflated members, and the
//! 64-bit fields that numpy writes. A pure function of bytes.
//!
//! PKWARE, "APPNOTE.TXT – .ZIP File Format Specification", sections 4.3 and 4.5.3.

use super::gzip::DEFLATE_MOST;
use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use std::borrow::Cow;
use std::io::Read;

/// Why bytes are not an archive, or a member cannot be had. Offsets count from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ZipError {
    /// No directory of members at the end.
    #[error("expected a zip archive, found no directory at the end of {bytes} bytes")]
    NoDirectory {
        /// Length of the file.
        bytes: usize,
    },
    /// A field that points or counts beyond what is there.
    #[error("at byte {offset}: expected {expected}, found {found}")]
    Field {
        /// Where.
        offset: usize,
        /// What would do.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// A member that is not there.
    #[error("expected a member {wanted:?}, found {}", if found.is_empty() { "none".into() } else { found.join(", ") })]
    Absent {
        /// Its name.
        wanted: String,
        /// The first members there are.
        found: Vec<String>,
    },
    /// A member whose bytes are damaged.
    #[error("member {name:?}: {why}")]
    Damaged {
        /// Its name.
        name: String,
        /// What is wrong.
        why: String,
    },
}

/// A member of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member<'a> {
    /// Its path in the archive.
    pub name: String,
    packed: &'a [u8],
    deflated: bool,
    size: u64,
    crc: u32,
}

/// Little-endian fields of a slice of the file.
#[derive(Clone, Copy)]
struct Fields<'a> {
    bytes: &'a [u8],
    /// Where the slice begins in the file.
    start: usize,
}

impl<'a> Fields<'a> {
    fn get<const N: usize>(&self, at: usize) -> Result<[u8; N], ZipError> {
        let found = at.checked_add(N).and_then(|end| self.bytes.get(at..end));
        found.and_then(|b| b.try_into().ok()).ok_or_else(|| ZipError::Field {
            offset: self.start.saturating_add(at),
            expected: "more bytes",
            found: format!("the end, {} bytes on", self.bytes.len().saturating_sub(at)),
        })
    }

    fn u16(&self, at: usize) -> Result<usize, ZipError> {
        self.get(at).map(|b| usize::from(u16::from_le_bytes(b)))
    }

    fn u32(&self, at: usize) -> Result<u64, ZipError> {
        self.get(at).map(|b| u64::from(u32::from_le_bytes(b)))
    }

    fn u64(&self, at: usize) -> Result<u64, ZipError> {
        self.get(at).map(u64::from_le_bytes)
    }

    fn signature(&self, expected: &[u8; 4], name: &'static str) -> Result<(), ZipError> {
        let found = self.get(0)?;
        if &found == expected {
            return Ok(());
        }
        let found = format!("{:#010x}", u32::from_be_bytes(found));
        Err(ZipError::Field { offset: self.start, expected: name, found })
    }
}

/// The part of the file from a 64-bit offset.
fn from(bytes: &[u8], offset: u64) -> Result<Fields<'_>, ZipError> {
    let start = usize::try_from(offset).unwrap_or(usize::MAX);
    match bytes.get(start..) {
        Some(bytes) => Ok(Fields { bytes, start }),
        None => Err(ZipError::Field {
            offset: bytes.len(),
            expected: "a record inside the file",
            found: format!("one at byte {offset}"),
        }),
    }
}

/// All members, in the order of the archive's directory.
///
/// Allocates for each member its name and some hundred bytes; a directory entry has at least 46.
///
/// # Errors
/// When there is no directory, or it points outside the file.
pub fn members(file: &[u8]) -> Result<Vec<Member<'_>>, ZipError> {
    // The end record has 22 bytes and a comment of at most 65 535.
    let least = file.len().saturating_sub(22 + 65_535);
    let end = (least..(file.len() + 1).saturating_sub(22)).rev().find(|&at| {
        file[at..].starts_with(b"PK\x05\x06")
            && usize::from(u16::from_le_bytes([file[at + 20], file[at + 21]]))
                == file.len() - at - 22
    });
    let Some(end) = end else { return Err(ZipError::NoDirectory { bytes: file.len() }) };
    let record = Fields { bytes: &file[end..], start: end };
    let (mut count, mut offset) = (record.u16(10)? as u64, record.u32(16)?);
    if let Some(locator) = end.checked_sub(20).filter(|&at| file[at..].starts_with(b"PK\x06\x07")) {
        let locator = Fields { bytes: &file[locator..], start: locator };
        let large = from(file, locator.u64(8)?)?;
        large.signature(b"PK\x06\x06", "a 64-bit end record")?;
        (count, offset) = (large.u64(32)?, large.u64(48)?);
    }
    let mut members = Vec::new();
    for _ in 0..count {
        let (member, length) = from(file, offset)?.entry(file)?;
        members.push(member);
        offset = offset.saturating_add(length);
    }
    Ok(members)
}

impl Fields<'_> {
    /// The member of the directory entry that begins here, and the entry's length.
    fn entry<'a>(self, file: &'a [u8]) -> Result<(Member<'a>, u64), ZipError> {
        let entry = self;
        entry.signature(b"PK\x01\x02", "a directory entry")?;
        let (name, extra, comment) = (entry.u16(28)?, entry.u16(30)?, entry.u16(32)?);
        let (mut packed, mut size, mut local) = (entry.u32(20)?, entry.u32(24)?, entry.u32(42)?);
        let crc = entry.u32(16)? as u32;
        let name_bytes = entry.bytes.get(46..46 + name).unwrap_or_default();
        // The 64-bit field holds those of the three, in this order, that do not fit their own place.
        let mut at = 46 + name;
        while at + 4 <= 46 + name + extra {
            let (id, length) = (entry.u16(at)?, entry.u16(at + 2)?);
            if id == 1 {
                let mut place = at + 4;
                for value in [&mut size, &mut packed, &mut local] {
                    if *value == u64::from(u32::MAX) {
                        *value = entry.u64(place)?;
                        place += 8;
                    }
                }
            }
            at += 4 + length;
        }
        let method = entry.u16(10)?;
        if method != 0 && method != 8 || entry.u16(8)? & 1 == 1 {
            let expected = "a member that is stored or deflated, and not encrypted";
            return Err(ZipError::Field {
                offset: entry.start + 10,
                expected,
                found: format!("method {method}"),
            });
        }
        let header = from(file, local)?;
        header.signature(b"PK\x03\x04", "a member's header")?;
        let start = 30 + header.u16(26)? + header.u16(28)?;
        let bytes = usize::try_from(packed).ok().and_then(|n| start.checked_add(n));
        let Some(bytes) = bytes.and_then(|end| header.bytes.get(start..end)) else {
            return Err(ZipError::Field {
                offset: header.start,
                expected: "a member inside the file",
                found: format!("one of {packed} bytes"),
            });
        };
        let length = (46 + name + extra + comment) as u64;
        let name = String::from_utf8_lossy(name_bytes).into_owned();
        Ok((Member { name, packed: bytes, deflated: method == 8, size, crc }, length))
    }
}

/// The member of that name.
///
/// # Errors
/// As [`members`], and when there is none of that name.
pub fn member<'a>(file: &'a [u8], name: &str) -> Result<Member<'a>, ZipError> {
    let all = members(file)?;
    let found = all.iter().take(8).map(|m| m.name.clone()).collect();
    let one = all.into_iter().find(|m| m.name == name);
    one.ok_or_else(|| ZipError::Absent { wanted: name.into(), found })
}

impl<'a> Member<'a> {
    /// Length of the plain bytes, as the directory declares it.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The plain bytes, borrowed where they are stored so.
    ///
    /// # Errors
    /// When the stream is damaged, cut or longer than declared, or its checksum differs.
    pub fn unpack(&self) -> Result<Cow<'a, [u8]>, ZipError> {
        let damaged = |why: String| ZipError::Damaged { name: self.name.clone(), why };
        let plain = if self.deflated {
            let packed = self.packed.len() as u64;
            if self.size > DEFLATE_MOST * packed {
                let why = format!(
                    "declares {} bytes, which {packed} packed bytes cannot hold",
                    self.size
                );
                return Err(damaged(why));
            }
            let mut plain = Vec::with_capacity(self.size.min(8 * packed) as usize);
            let stream = DeflateDecoder::new(self.packed);
            // One byte more than declared tells whether the stream goes on.
            stream
                .take(self.size + 1)
                .read_to_end(&mut plain)
                .map_err(|e| damaged(e.to_string()))?;
            Cow::Owned(plain)
        } else {
            Cow::Borrowed(self.packed)
        };
        if plain.len() as u64 != self.size {
            let (expected, found) = (self.size, plain.len());
            return Err(damaged(format!("expected {expected} bytes, found {found} or more")));
        }
        let mut crc = Crc::new();
        crc.update(&plain);
        if crc.sum() != self.crc {
            let (expected, found) = (self.crc, crc.sum());
            return Err(damaged(format!(
                "expected checksum {expected:#010x}, found {found:#010x}"
            )));
        }
        Ok(plain)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use flate2::{Compression, write::DeflateEncoder};
    use proptest::prelude::*;
    use std::io::Write;

    /// An archive of these members; `large` writes 64-bit fields as numpy does.
    pub(crate) fn archive(files: &[(&str, &[u8])], deflate: bool, large: bool) -> Vec<u8> {
        let mut out = Vec::new();
        let mut directory = Vec::new();
        for (name, plain) in files {
            let mut crc = Crc::new();
            crc.update(plain);
            let packed = if deflate {
                let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(plain).unwrap();
                encoder.finish().unwrap()
            } else {
                plain.to_vec()
            };
            let small = |n: usize| if large { u32::MAX } else { n as u32 };
            let shared = |out: &mut Vec<u8>, extra: u16| {
                out.extend([45, 0, 0, 0, if deflate { 8 } else { 0 }, 0, 0, 0, 0, 0]);
                out.extend(crc.sum().to_le_bytes());
                out.extend(small(packed.len()).to_le_bytes());
                out.extend(small(plain.len()).to_le_bytes());
                out.extend((name.len() as u16).to_le_bytes());
                out.extend(extra.to_le_bytes());
            };
            let local = out.len() as u64;
            let mut extra = vec![1, 0, 24, 0];
            for n in [plain.len() as u64, packed.len() as u64, local] {
                extra.extend(n.to_le_bytes());
            }
            extra.truncate(if large { 28 } else { 0 });
            out.extend(b"PK\x03\x04");
            shared(&mut out, extra.len() as u16);
            out.extend(name.as_bytes());
            out.extend(&extra);
            out.extend(&packed);
            directory.extend(b"PK\x01\x02\x2d\x00");
            shared(&mut directory, extra.len() as u16);
            directory.extend([0; 10]);
            directory.extend(small(local as usize).to_le_bytes());
            directory.extend(name.as_bytes());
            directory.extend(&extra);
        }
        let (start, count) = (out.len() as u64, files.len() as u64);
        let length = directory.len() as u64;
        out.extend(directory);
        if large {
            let record = out.len() as u64;
            out.extend(b"PK\x06\x06");
            out.extend(44u64.to_le_bytes());
            out.extend([0; 12]);
            for n in [count, count, length, start] {
                out.extend(n.to_le_bytes());
            }
            out.extend(b"PK\x06\x07\0\0\0\0");
            out.extend(record.to_le_bytes());
            out.extend([1, 0, 0, 0]);
        }
        out.extend(b"PK\x05\x06\0\0\0\0");
        for n in [count, count] {
            out.extend((if large { u16::MAX } else { n as u16 }).to_le_bytes());
        }
        out.extend((length as u32).to_le_bytes());
        out.extend((if large { u32::MAX } else { start as u32 }).to_le_bytes());
        out.extend([0, 0]);
        out
    }

    #[test]
    fn members_come_back_as_they_went_in() {
        let long = b"abc".repeat(5000);
        let files: [(&str, &[u8]); 3] = [("a.npy", b"first"), ("folder/b", &long), ("empty", b"")];
        for (deflate, large) in [(false, false), (true, false), (false, true), (true, true)] {
            let archive = archive(&files, deflate, large);
            let found = members(&archive).unwrap();
            for ((name, plain), member) in files.iter().zip(&found) {
                assert_eq!((member.name.as_str(), &*member.unpack().unwrap()), (*name, *plain));
            }
            let error = member(&archive, "c").unwrap_err().to_string();
            assert_eq!(error, "expected a member \"c\", found a.npy, folder/b, empty");
        }
    }

    #[test]
    fn a_file_cut_or_flipped_anywhere_never_panics_and_is_never_read_wrongly() {
        let plain = b"some bytes, some bytes, some bytes".repeat(3);
        for (deflate, large) in [(false, false), (true, true)] {
            let archive = archive(&[("a", &plain)], deflate, large);
            for end in 0..archive.len() {
                assert!(members(&archive[..end]).is_err(), "{end}");
            }
            for at in 0..archive.len() {
                for flip in [1, 0x80, 0xff] {
                    let mut damaged = archive.clone();
                    damaged[at] ^= flip;
                    for member in members(&damaged).unwrap_or_default() {
                        if let Ok(found) = member.unpack() {
                            assert_eq!(*found, plain[..], "byte {at}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_bomb_stops_at_the_size_that_the_directory_declares() {
        let mut archive = archive(&[("a", &vec![0; 20_000_000])], true, false);
        let at = archive.windows(4).position(|w| w == b"PK\x01\x02").unwrap() + 24;
        archive[at..at + 4].copy_from_slice(&1000u32.to_le_bytes());
        let error = member(&archive, "a").unwrap().unpack().unwrap_err().to_string();
        assert_eq!(error, "member \"a\": expected 1000 bytes, found 1001 or more");
        archive[at..at + 4].copy_from_slice(&(u32::MAX - 1).to_le_bytes());
        let error = member(&archive, "a").unwrap().unpack().unwrap_err().to_string();
        assert!(error.contains("cannot hold"), "{error}");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(mut bytes: Vec<u8>, tail: [u8; 18]) {
            bytes.extend(b"PK\x05\x06");
            bytes.extend(tail);
            for member in members(&bytes).unwrap_or_default() {
                let _ = member.unpack();
            }
            let end = bytes.len() - 2;
            bytes[end..].fill(0);
            let _ = members(&bytes);
        }
    }
}
