//! Headers that lie: each fault has its own words, and none takes memory or time.

use crate::common::{Room, npy, raw};
use fl_data::npy as arrays;
use fl_updates::{OpenOptions, Updates, safetensors_header, shards_index};
use proptest::prelude::*;

fn refused(header: &str, data: usize) -> String {
    let room = Room::new();
    let path = room.write("a.safetensors", &raw(header, &vec![0; data]));
    Updates::open(&[path], &OpenOptions::default()).expect_err(header).to_string()
}

#[test]
fn every_lie_of_a_header_is_told() {
    let one = |shape: &str, offsets: &str| {
        format!(r#"{{"a":{{"dtype":"F32","shape":{shape},"data_offsets":{offsets}}}}}"#)
    };
    for (header, data, told) in [
        (one("[2]", "[0,8]"), 4, "bytes 0 to 8 are not within the 4 bytes of data"),
        (one("[2]", "[8,0]"), 8, "bytes 8 to 0 are not within"),
        (one("[2]", "[0,4]"), 4, "shape [2] of F32 has 8 bytes, the header says 4"),
        (one("[4294967296,4294967296]", "[0,8]"), 8, "no memory holds shape"),
        (one("[1]", "[4,8]"), 8, "leave a gap behind those before"),
        (one("[1]", "[0,4]"), 8, "4 bytes behind the last tensor belong to none"),
        (one("[1]", "[0,4]").replace("F32", "F33"), 4, "unknown type \"F33\""),
        (one("[-1]", "[0,4]"), 4, "no safetensors header"),
        ("[]".into(), 0, "an object with an entry for each tensor"),
        ("{}".into(), 0, "no tensor of floating-point numbers is left"),
        ("{".into(), 0, "no safetensors header"),
        (
            r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#
                .into(),
            12,
            "tensor \"b\": its bytes overlap with those before",
        ),
        (
            r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#
                .into(),
            8,
            "tensor \"a\": the name comes twice",
        ),
        (one("[1]", "[0,1]").replace("F32", "F8_E4M3"), 1, "numbers of type F8_E4M3 are not averaged"),
        (
            one("[1]", "[0,4]").replace("\"a\"", "\"model.q_proj.lora_A.weight\""),
            4,
            "low-rank adapter",
        ),
    ] {
        let said = refused(&header, data);
        assert!(said.contains(told), "{header}: {said}");
        assert!(said.contains("a.safetensors"), "{said}");
    }
}

#[test]
fn a_length_that_lies_takes_no_memory() {
    let room = Room::new();
    for (bytes, told) in [
        (u64::MAX.to_le_bytes().to_vec(), "the format allows 100000000"),
        (1_000_000_000u64.to_le_bytes().to_vec(), "the format allows 100000000"),
        (90_000_000u64.to_le_bytes().to_vec(), "the file has 0 behind its length"),
        (vec![1, 0, 0], "found 3 bytes"),
        // The length in the other byte order.
        (64u64.to_be_bytes().to_vec(), "the format allows 100000000"),
    ] {
        let path = room.write("a.safetensors", &bytes);
        let said = Updates::open(&[path], &OpenOptions::default()).expect_err(told).to_string();
        assert!(said.contains(told), "{said}");
    }
}

proptest! {
    #[test]
    fn no_header_is_too_much(json in prop::collection::vec(any::<u8>(), 0..200), len in any::<u64>()) {
        let _ = safetensors_header(&json, 8 + json.len() as u64, len);
    }

    #[test]
    fn no_array_header_is_too_much(
        descr in "[<>|=]?[bfiuUc][0-9]{1,2}", shape in "\\([0-9, ]{0,12}\\)", rest in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let _ = arrays::header(&rest);
        let bytes = [npy(&descr, &shape, &[]), rest].concat();
        if let Ok(header) = arrays::header(&bytes) {
            prop_assert_eq!(arrays::start(&bytes[..arrays::PREFIX]), Ok(header.start));
            prop_assert_eq!(header.shape.iter().product::<usize>() * header.width, header.bytes);
        }
    }

    #[test]
    fn an_index_names_files_of_its_folder(name in "[a./\\\\]{0,5}", json in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = shards_index(&json);
        let json = serde_json::json!({ "weight_map": { "w": name } }).to_string();
        match shards_index(json.as_bytes()) {
            Ok(_) => prop_assert!(!name.contains('/') && !name.is_empty() && name != "." && name != ".."),
            Err(e) => prop_assert!(e.contains("is no name of a file in the index's folder"), "{}", e),
        }
    }

    #[test]
    fn what_a_header_promises_lies_in_the_file(
        shape in prop::collection::vec(0usize..5, 0..4), from in 0u64..40, to in 0u64..400, data in 0u64..400,
    ) {
        let json = format!(r#"{{"a":{{"dtype":"F16","shape":{shape:?},"data_offsets":[{from},{to}]}}}}"#);
        let start = 8 + json.len() as u64;
        if let Ok(parsed) = safetensors_header(json.as_bytes(), start, start + data) {
            let tensor = &parsed.tensors[0];
            prop_assert_eq!(tensor.bytes, 2 * tensor.numbers() as u64);
            prop_assert_eq!(tensor.offset + tensor.bytes, start + data);
        }
    }
}
