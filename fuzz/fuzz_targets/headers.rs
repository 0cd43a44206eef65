//! Headers of files of updates: whatever the bytes are, an answer; and what is accepted lies in the file. The first byte
//! chooses the format.
#![no_main]

use fl_data::npy;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8], u16)| {
    let (choice, bytes, data) = input;
    match choice % 3 {
        0 => safetensors(bytes, u64::from(data)),
        1 => array(bytes),
        _ => index(bytes),
    }
});

/// Tensors lie one behind the other from the header to the end.
fn safetensors(json: &[u8], data: u64) {
    let start = 8 + json.len() as u64;
    let len = start + data;
    if let Ok(parsed) = fl_updates::safetensors_header(json, start, len) {
        let mut end = start;
        for tensor in &parsed.tensors {
            assert_eq!(tensor.offset, end);
            end += tensor.bytes;
        }
        assert_eq!(end, len);
    }
}

/// The first bytes say where the numbers begin, and shape and width how many bytes they have.
fn array(bytes: &[u8]) {
    if let Ok(header) = npy::header(bytes) {
        assert_eq!(npy::start(&bytes[..npy::PREFIX.min(bytes.len())]), Ok(header.start));
        assert_eq!(header.shape.iter().product::<usize>() * header.width, header.bytes);
    }
}

/// A file that an index names lies in the index's folder.
fn index(json: &[u8]) {
    for name in fl_updates::shards_index(json).unwrap_or_default().values() {
        assert!(!name.contains('/') && name != "..");
    }
}
