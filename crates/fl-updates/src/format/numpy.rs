//! NumPy's `.npy` arrays, and `.npz` archives of them.

use super::{Parsed, Tensor};
use crate::file::Opened;
use crate::number::Dtype;
use fl_data::npy::{self, Kind};
use std::io::Write;
use zip::write::SimpleFileOptions;

/// The longest header that is read.
const LONGEST: u64 = 1 << 16;

/// The array that begins at `at` and ends at `end` or before.
fn array(file: &Opened, name: &str, at: u64, end: u64) -> Result<Tensor, String> {
    let mut head = vec![0; LONGEST.min(end - at) as usize];
    file.read(at, &mut head)?;
    let header = npy::header(&head).map_err(|e| e.to_string())?;
    if header.big_endian && header.width > 1 {
        return Err(
            "its numbers are big-endian; a.astype(a.dtype.newbyteorder('<')) turns them".into()
        );
    }
    if header.fortran && header.shape.len() > 1 {
        return Err("its order is Fortran's; np.ascontiguousarray(a) turns it".into());
    }
    let code = match header.kind {
        Kind::Float => "F",
        Kind::Signed => "I",
        Kind::Unsigned => "U",
    };
    let dtype = Dtype::named(&format!("{code}{}", 8 * header.width))
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

/// An `.npz` file: a tensor for each member.
pub(crate) fn open_npz(file: &Opened) -> Result<Parsed, String> {
    let wrong = |e: zip::result::ZipError| format!("no .npz file: {e}");
    let mut archive = zip::ZipArchive::new(file.reader()).map_err(wrong)?;
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
    let descr = match (&tensor.dtype, tensor.dtype.bits() / 8) {
        (Dtype::Bf16 | Dtype::Other(..), _) => {
            return Err(format!(
                "tensor {:?}: NumPy has no {}; name the output *.safetensors",
                tensor.name, tensor.dtype
            ));
        }
        (Dtype::Whole("BOOL", _), _) => "|b1".to_owned(),
        (Dtype::Whole(name, _), 1) => format!("|{}1", name[..1].to_lowercase()),
        (Dtype::Whole(name, _), width) => format!("<{}{width}", name[..1].to_lowercase()),
        (_, width) => format!("<f{width}"),
    };
    let mut shape: String = tensor.shape.iter().map(|axis| format!("{axis}, ")).collect();
    if tensor.shape.len() > 1 {
        shape.truncate(shape.len() - 2);
    }
    Ok(npy::head(&descr, &format!("({})", shape.trim_end())))
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
