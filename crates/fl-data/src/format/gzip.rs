//! Unpacking gzip with a limit that is known before.

use flate2::bufread::GzDecoder;
use std::io::{self, Read};

/// The most bytes that one byte of a deflate stream can unpack to.
pub(crate) const DEFLATE_MOST: u64 = 1032;

/// Why a gzip file cannot be unpacked. Offsets count from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GzipError {
    /// The stream is damaged or cut.
    #[error("at byte {offset} (packed byte {packed}): gzip is damaged: {why}")]
    Damaged {
        /// Unpacked bytes before the damage.
        offset: u64,
        /// Packed bytes read by then.
        packed: u64,
        /// What the unpacker said.
        why: String,
    },
    /// More bytes than the file says that it holds.
    #[error(
        "at byte {declared}: expected the end, which the file's last bytes declare, found more bytes"
    )]
    Longer {
        /// The length declared.
        declared: u64,
    },
    /// More than there is memory for.
    #[error("{} MB unpacked are more than the memory that can be had", bytes / 1_000_000)]
    Memory {
        /// Bytes wanted.
        bytes: u64,
    },
    /// Bytes after the end of the stream.
    #[error("at packed byte {offset}: expected the end of the gzip file, found {found} more bytes")]
    Trailing {
        /// Where the stream ends.
        offset: u64,
        /// Bytes after it.
        found: u64,
    },
}

pub(crate) fn is_gzip(start: &[u8]) -> bool {
    start.starts_with(&[0x1f, 0x8b])
}

/// Unpacks a whole file as `gzip -d` does: all its members one after the other; zero bytes after the last are padding.
///
/// Memory grows with what is unpacked: at most 1 032 times the input. A file of one member, which is the usual case, stops
/// at the length that its last bytes declare; where there are more, they are counted before memory is taken for them.
pub(crate) fn gunzip(packed: &[u8]) -> Result<Vec<u8>, GzipError> {
    let last = packed.len().saturating_sub(4);
    let declared = packed[last..].try_into().map_or(0, u32::from_le_bytes);
    let most = DEFLATE_MOST * packed.len() as u64;
    // The trailer counts modulo 2³²; only a large file can hold so much.
    let mut declared = u64::from(declared);
    let mut out = reserved(declared.min(most).min(8 * packed.len() as u64))?;
    let mut reader = GzDecoder::new(packed);
    loop {
        // One byte more than declared tells whether the member goes on.
        let room = declared + 1 - out.len() as u64;
        match (&mut reader).take(room).read_to_end(&mut out) {
            Ok(_) if out.len() as u64 > declared => {
                if has_members(packed) {
                    return members(packed);
                }
                if declared + (1 << 32) > most {
                    return Err(GzipError::Longer { declared });
                }
                declared += 1 << 32;
            }
            Ok(_) => break,
            Err(e) => return Err(damaged(packed, out.len(), reader.get_ref().len(), &e)),
        }
    }
    match rest(packed, reader.into_inner())? {
        [] => Ok(out),
        _ => members(packed),
    }
}

/// What follows a member: nothing, or another one.
fn rest<'a>(packed: &[u8], rest: &'a [u8]) -> Result<&'a [u8], GzipError> {
    if rest.iter().all(|&b| b == 0) {
        return Ok(&[]);
    }
    if is_gzip(rest) {
        return Ok(rest);
    }
    let found = rest.len() as u64;
    Err(GzipError::Trailing { offset: packed.len() as u64 - found, found })
}

/// Whether another member begins after the first, which is read to its end in constant memory.
fn has_members(packed: &[u8]) -> bool {
    let mut reader = GzDecoder::new(packed);
    io::copy(&mut reader, &mut io::sink()).is_ok() && is_gzip(reader.into_inner())
}

/// Unpacks several members: once to count them, and once into memory.
fn members(packed: &[u8]) -> Result<Vec<u8>, GzipError> {
    let (mut total, mut left) = (0, packed);
    while !left.is_empty() {
        let mut reader = GzDecoder::new(left);
        match io::copy(&mut reader, &mut io::sink()) {
            Ok(bytes) => total += bytes,
            Err(e) => return Err(damaged(packed, total as usize, reader.get_ref().len(), &e)),
        }
        left = rest(packed, reader.into_inner())?;
    }
    let (mut out, mut left) = (reserved(total)?, packed);
    while !left.is_empty() {
        let mut reader = GzDecoder::new(left);
        if let Err(e) = reader.read_to_end(&mut out) {
            return Err(damaged(packed, out.len(), reader.get_ref().len(), &e));
        }
        left = rest(packed, reader.into_inner())?;
    }
    Ok(out)
}

/// Memory for so many bytes.
fn reserved(bytes: u64) -> Result<Vec<u8>, GzipError> {
    let mut out = Vec::new();
    let fits = usize::try_from(bytes).is_ok_and(|n| out.try_reserve_exact(n).is_ok());
    if fits { Ok(out) } else { Err(GzipError::Memory { bytes }) }
}

fn damaged(packed: &[u8], offset: usize, left: usize, e: &io::Error) -> GzipError {
    let why = match e.kind() {
        io::ErrorKind::UnexpectedEof => "the file ends inside the stream".into(),
        _ => e.to_string(),
    };
    GzipError::Damaged { offset: offset as u64, packed: (packed.len() - left) as u64, why }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;
    use std::io::Write;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_was_packed_is_unpacked_and_every_cut_is_noticed() {
        for plain in [&b""[..], b"x", &b"abc".repeat(1000)] {
            let packed = gzip(plain);
            assert_eq!(gunzip(&packed).unwrap(), plain);
            for end in 0..packed.len() {
                assert!(gunzip(&packed[..end]).is_err(), "{end}");
            }
        }
    }

    #[test]
    fn members_are_read_one_after_the_other_and_every_cut_is_noticed() {
        let long = b"abc".repeat(1000);
        for plain in [[&b"first\n"[..], b"second\n"], [b"", &long], [&long, b""], [b"a", &long]] {
            let packed: Vec<u8> = plain.iter().flat_map(|p| gzip(p)).collect();
            assert_eq!(gunzip(&packed).unwrap(), plain.concat());
            let padded = [&packed[..], &[0; 512]].concat();
            assert_eq!(gunzip(&padded).unwrap(), plain.concat());
            let whole = gzip(plain[0]).len();
            for end in (0..packed.len()).filter(|end| *end != whole) {
                assert!(gunzip(&packed[..end]).is_err(), "{end}");
            }
        }
    }

    #[test]
    fn a_bomb_stops_at_the_length_that_it_declares() {
        let mut packed = gzip(&vec![0; 50_000_000]);
        let at = packed.len() - 4;
        packed[at..].copy_from_slice(&1000u32.to_le_bytes());
        assert_eq!(gunzip(&packed), Err(GzipError::Longer { declared: 1000 }));
    }

    #[test]
    fn bytes_after_the_stream_are_not_passed_over() {
        // Unless they look like a length, the last four bytes of what follows are one.
        let mut packed = gzip(b"plain");
        let offset = packed.len() as u64;
        packed.extend([0xff; 5]);
        assert_eq!(gunzip(&packed), Err(GzipError::Trailing { offset, found: 5 }));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(mut bytes: Vec<u8>, head: bool) {
            if head {
                bytes.splice(0..0, [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
            }
            let _ = gunzip(&bytes);
        }

        #[test]
        fn flipped_bytes_never_panic(at in any::<prop::sample::Index>(), flip in 1..=255u8) {
            let mut packed = gzip(&b"some text that repeats, some text that repeats".repeat(9));
            let at = at.index(packed.len());
            packed[at] ^= flip;
            let _ = gunzip(&packed);
        }
    }
}
