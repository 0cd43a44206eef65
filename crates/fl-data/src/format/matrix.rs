//! A table as a binary file: what a text was, without reading it again.
//!
//! Only a convenience: a file that is not complete or not of this version reads as none.

use super::text::{Labels, Table};
use flate2::Crc;
use rayon::prelude::*;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// Stands at the beginning; its digit is the version of the format.
const MAGIC: &[u8; 8] = b"flmatrx1";

/// Bytes before the names: magic, rows, columns, kind, bytes of names, checksum.
const HEADER: usize = 48;

/// Values that one task converts.
const PART: usize = 1 << 18;

/// Kinds of values: 16-bit integers where all values are such, otherwise single precision.
const SHORT: u64 = 2;
const SINGLE: u64 = 4;

/// Writes a table beside its place and renames it. Column names are not kept.
pub(crate) fn write(path: &Path, table: &Table) -> io::Result<()> {
    let names = table.labels.names.join("\n");
    let short = table.values.par_iter().all(|&v| f32::from(v as i16).to_bits() == v.to_bits());
    let kind = if short { SHORT } else { SINGLE };
    let mut body = Vec::with_capacity(
        names.len() + 4 * table.labels.index.len() + kind as usize * table.values.len(),
    );
    body.extend(names.as_bytes());
    table.labels.index.iter().for_each(|l| body.extend(l.to_le_bytes()));
    if short {
        table.values.iter().for_each(|&v| body.extend((v as i16).to_le_bytes()));
    } else {
        table.values.iter().for_each(|v| body.extend(v.to_le_bytes()));
    }
    let mut header = MAGIC.to_vec();
    let (rows, columns) = (table.labels.index.len() as u64, table.columns as u64);
    for n in [rows, columns, kind, names.len() as u64, checksum(&body)] {
        header.extend(n.to_le_bytes());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.part", std::process::id()));
    let written = fs::File::create(&beside).and_then(|mut file| {
        file.write_all(&header)?;
        file.write_all(&body)
    });
    let renamed = written.and_then(|()| fs::rename(&beside, path));
    if renamed.is_err() {
        let _ = fs::remove_file(&beside);
    }
    renamed
}

/// The table in a file, if there is a whole one.
pub(crate) fn read(path: &Path) -> Option<Table> {
    parse(&fs::read(path).ok()?)
}

/// The table in a file's bytes. Allocates at most twice the input.
pub(crate) fn parse(file: &[u8]) -> Option<Table> {
    let (header, body) = file.split_at_checked(HEADER)?;
    let word = |i: usize| header[8 * i..8 * i + 8].try_into().ok().map(u64::from_le_bytes);
    let size = |i: usize| word(i).and_then(|n| usize::try_from(n).ok());
    let (rows, columns, kind, names) = (size(1)?, size(2)?, word(3)?, size(4)?);
    if &header[..8] != MAGIC || ![SHORT, SINGLE].contains(&kind) || columns == 0 {
        return None;
    }
    let values = rows.checked_mul(columns)?;
    let length = values.checked_mul(kind as usize)?.checked_add(rows.checked_mul(4)?)?;
    if length.checked_add(names)? != body.len() || checksum(body) != word(5)? {
        return None;
    }
    let (names, body) = body.split_at(names);
    let names: Vec<String> = str::from_utf8(names).ok()?.split('\n').map(Into::into).collect();
    let (labels, body) = body.split_at(4 * rows);
    let index: Vec<u32> = labels.as_chunks().0.iter().map(|b| u32::from_le_bytes(*b)).collect();
    if index.iter().any(|&l| l as usize >= names.len()) {
        return None;
    }
    let mut out = vec![0.0; values];
    let parts = out.par_chunks_mut(PART);
    if kind == SHORT {
        parts.zip(body.par_chunks(2 * PART)).for_each(|(out, bytes)| {
            for (o, b) in out.iter_mut().zip(bytes.as_chunks().0) {
                *o = f32::from(i16::from_le_bytes(*b));
            }
        });
    } else {
        parts.zip(body.par_chunks(4 * PART)).for_each(|(out, bytes)| {
            for (o, b) in out.iter_mut().zip(bytes.as_chunks().0) {
                *o = f32::from_le_bytes(*b);
            }
        });
    }
    Some(Table { columns, values: out, labels: Labels { index, names }, ..Table::default() })
}

/// Checksums of parts, joined; against damage, not against malice.
fn checksum(body: &[u8]) -> u64 {
    let sums: Vec<u32> = body
        .par_chunks(PART)
        .map(|part| {
            let mut crc = Crc::new();
            crc.update(part);
            crc.sum()
        })
        .collect();
    sums.iter().fold(body.len() as u64, |all, &sum| {
        all.rotate_left(7).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(sum)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn table(values: Vec<f32>) -> Table {
        let labels = Labels { index: vec![0, 1, 1], names: vec!["a".into(), "b".into()] };
        Table { columns: values.len() / 3, values, labels, ..Table::default() }
    }

    #[test]
    fn tables_come_back_as_they_went_in_and_damage_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/table.bin");
        for values in [vec![1.0, -2.0, 32767.0], vec![0.5, -0.0, 1e30], vec![-0.0; 6]] {
            let table = table(values);
            write(&path, &table).unwrap();
            let found = read(&path).unwrap();
            let bits = |t: &Table| t.values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!((bits(&found), &found.labels), (bits(&table), &table.labels));
            let file = fs::read(&path).unwrap();
            for end in 0..file.len() {
                assert!(parse(&file[..end]).is_none());
            }
            for at in 0..file.len() {
                let mut file = file.clone();
                file[at] ^= 0x11;
                assert!(parse(&file).is_none(), "byte {at}");
            }
        }
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(mut bytes: Vec<u8>, header: [u64; 5]) {
            prop_assert!(parse(&bytes).is_none());
            let mut file = MAGIC.to_vec();
            header.iter().for_each(|n| file.extend((n % 7).to_le_bytes()));
            file.append(&mut bytes);
            let _ = parse(&file);
        }
    }
}
