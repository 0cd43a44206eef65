//! Headers of safetensors files: whatever the bytes are, an answer; and what is accepted lies in the file.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&[u8], u16)| {
    let (json, data) = input;
    let start = 8 + json.len() as u64;
    let len = start + u64::from(data);
    if let Ok(parsed) = fl_updates::safetensors_header(json, start, len) {
        let mut end = start;
        for tensor in &parsed.tensors {
            assert_eq!(tensor.offset, end);
            end += tensor.bytes;
        }
        assert_eq!(end, len);
    }
});
