//! NumPy's `.npy` arrays, and `.npz` archives of them.

use super::{Parsed, Tensor};
use crate::file::Opened;
use crate::number::Dtype;
use fl_data::npy::{self, Kind};
use std::collections::HashSet;
use std::io::Write;
use zip::write::SimpleFileOptions;

/// The longest header that is read.
const LONGEST: u64 = 1 << 17;
/// Most axes of an array in NumPy.
const MOST_AXES: usize = 64;
/// The longest name of a member of an archive.
const LONGEST_NAME: usize = 65_000;

/// The array that begins at `at` and ends at `end` or before.
fn array(file: &Opened, name: &str, at: u64, end: u64) -> Result<Tensor, String> {
    let read = |bytes: u64| -> Result<Vec<u8>, String> {
        let mut head = vec![0; bytes.min(end - at) as usize];
        file.read(at, &mut head)?;
        Ok(head)
    };
    let start = npy::start(&read(npy::PREFIX as u64)?).map_err(|e| e.to_string())? as u64;
    if start > LONGEST {
        return Err(format!("a header of {start} bytes is none; at most {LONGEST} are read"));
    }
    let header = npy::header(&read(start)?).map_err(|e| e.to_string())?;
    if header.big_endian && header.width > 1 {
        return Err(
            "its numbers are big-endian; a.astype(a.dtype.newbyteorder('<')) turns them".into()
        );
    }
    if header.fortran && header.shape.len() > 1 {
        return Err("its order is Fortran's; np.ascontiguousarray(a) turns it".into());
    }
    let code = match header.kind {
        _ if header.truth => "BOOL".to_owned(),
        Kind::Float => format!("F{}", 8 * header.width),
        Kind::Signed => format!("I{}", 8 * header.width),
        Kind::Unsigned => format!("U{}", 8 * header.width),
    };
    let dtype = Dtype::named(&code)
        .ok_or_else(|| format!("numbers of {} bytes are not known", header.width))?;
    let (offset, bytes) = (at + header.start as u64, header.bytes as u64);
    if offset + bytes != end {
        let found = end.saturating_sub(offset);
        return Err(format!("shape {:?} has {bytes} bytes, found {found}", header.shape));
    }
    Ok(Tensor { name: name.into(), dtype, shape: header.shape, offset, bytes, file: 0 })
}

/// A `.npy` file: one tensor, which is called `array`.
pub(crate) fn open_npy(file: &Opened) -> Result<Parsed, String> {
    let tensor = array(file, "array", 0, file.len)?;
    Ok(Parsed { tensors: vec![tensor], ..Parsed::default() })
}

/// How many members the directory at `at` lists. Names come once: of members with the same name `zip` keeps the last.
fn listed(file: &Opened, mut at: u64) -> Result<usize, String> {
    let mut names = HashSet::new();
    loop {
        let mut entry = [0; 46];
        if file.len.saturating_sub(at) < entry.len() as u64 {
            return Ok(names.len());
        }
        file.read(at, &mut entry)?;
        if !entry.starts_with(b"PK\x01\x02") {
            return Ok(names.len());
        }
        let length = |at: usize| u16::from_le_bytes([entry[at], entry[at + 1]]);
        let mut name = vec![0; usize::from(length(28))];
        file.read(at + entry.len() as u64, &mut name)?;
        // Behind the name are an extra field and a comment.
        at += entry.len() as u64 + [28, 30, 32].map(|at| u64::from(length(at))).iter().sum::<u64>();
        if let Some(twice) = names.replace(name) {
            let name = String::from_utf8_lossy(&twice).into_owned();
            return Err(format!("member {name:?} comes twice in the archive"));
        }
    }
}

/// An `.npz` file: a tensor for each member.
pub(crate) fn open_npz(file: &Opened) -> Result<Parsed, String> {
    let wrong = |e: zip::result::ZipError| format!("no .npz file: {e}");
    let mut archive = zip::ZipArchive::new(file.reader()).map_err(wrong)?;
    let listed = listed(file, archive.central_directory_start())?;
    if listed != archive.len() {
        return Err(format!("its directory lists {listed} members, found {}", archive.len()));
    }
    let mut parsed = Parsed::default();
    for i in 0..archive.len() {
        let member = archive.by_index_raw(i).map_err(wrong)?;
        let inside = member.name().to_owned();
        if member.compression() != zip::CompressionMethod::Stored || member.encrypted() {
            return Err(format!(
                "member {inside:?} is compressed, so that its numbers have no place; np.savez writes them as they are"
            ));
        }
        let Some(at) = member.data_start() else {
            return Err(format!("member {inside:?} has no place in the file"));
        };
        let end = at.checked_add(member.size()).filter(|end| *end <= file.len);
        let end = end.ok_or_else(|| format!("member {inside:?} ends behind the file"))?;
        let name = inside.strip_suffix(".npy").unwrap_or(&inside);
        let tensor = array(file, name, at, end).map_err(|e| format!("array {name:?}: {e}"))?;
        parsed.tensors.push(tensor);
    }
    parsed.tensors.sort_by_key(|tensor| tensor.offset);
    let overlap =
        parsed.tensors.windows(2).find(|pair| pair[0].offset + pair[0].bytes > pair[1].offset);
    if let Some([_, tensor]) = overlap {
        return Err(format!("array {:?}: its bytes overlap with those before", tensor.name));
    }
    Ok(parsed)
}

/// The header of an array.
pub(crate) fn npy_header(tensor: &Tensor) -> Result<Vec<u8>, String> {
    let wrong = |what: String| {
        Err(format!("tensor {:?}: {what}; name the output *.safetensors", tensor.name))
    };
    let descr = match (&tensor.dtype, tensor.dtype.bits() / 8) {
        (Dtype::Bf16 | Dtype::Other(..), _) => {
            return wrong(format!("NumPy has no {}", tensor.dtype));
        }
        (Dtype::Whole("BOOL", _), _) => "|b1".to_owned(),
        (Dtype::Whole(name, _), 1) => format!("|{}1", name[..1].to_lowercase()),
        (Dtype::Whole(name, _), width) => format!("<{}{width}", name[..1].to_lowercase()),
        (_, width) => format!("<f{width}"),
    };
    if tensor.shape.len() > MOST_AXES {
        let axes = tensor.shape.len();
        return wrong(format!("NumPy's arrays have at most {MOST_AXES} axes, not {axes}"));
    }
    let mut shape: String = tensor.shape.iter().map(|axis| format!("{axis}, ")).collect();
    if tensor.shape.len() > 1 {
        shape.truncate(shape.len() - 2);
    }
    Ok(npy::head(&descr, &format!("({})", shape.trim_end())))
}

/// Whether a tensor can be a member of an archive.
pub(crate) fn check_member(tensor: &Tensor) -> Result<(), String> {
    let length = tensor.name.len();
    if length > LONGEST_NAME {
        return Err(format!("a name of {length} bytes is too long for an .npz file"));
    }
    npy_header(tensor).map(drop)
}

/// Writes an archive of arrays whose numbers `copy` gives.
pub(crate) fn write_npz<W: Write + std::io::Seek>(
    to: W,
    tensors: &[Tensor],
    mut copy: impl FnMut(&Tensor, &mut dyn Write) -> std::io::Result<()>,
) -> Result<(), String> {
    let mut archive = zip::ZipWriter::new(to);
    let options = SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Stored)
        .large_file(true);
    for tensor in tensors {
        let header = npy_header(tensor)?;
        archive.start_file(format!("{}.npy", tensor.name), options).map_err(|e| e.to_string())?;
        archive.write_all(&header).map_err(|e| e.to_string())?;
        copy(tensor, &mut archive).map_err(|e| e.to_string())?;
    }
    archive.finish().map(|_| ()).map_err(|e| e.to_string())
}
