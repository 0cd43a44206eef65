//! Whatever the bytes, no parser of `fl-data` panics or takes more memory than it says. The first byte chooses the parser.

#![no_main]

use fl_data::csv::{self, Column, CsvOptions};
use fl_data::libsvm::{self, LibsvmOptions};
use fl_data::{idx, npy, zip};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&choice, bytes)) = data.split_first() else { return };
    match choice % 5 {
        0 => {
            if let Ok(array) = idx::parse(bytes) {
                assert_eq!(array.to_f32().len(), array.rows() * array.columns());
            }
            let _ = (idx::images(bytes), idx::labels(bytes, 10));
        }
        1 => {
            let options = CsvOptions {
                label: Column::Index(i64::from(choice / 5 % 3) - 1),
                header: [None, Some(true), Some(false)][usize::from(choice / 15 % 3)],
                ..CsvOptions::default()
            };
            let _ = csv::parse(bytes, &options);
        }
        2 => {
            let options = LibsvmOptions { zero_based: choice / 5 % 2 == 0, ..LibsvmOptions::default() };
            let _ = libsvm::parse(bytes, &options);
        }
        3 => {
            if let Ok(array) = npy::parse(bytes) {
                assert_eq!(array.to_f32().len(), array.rows() * array.columns());
            }
        }
        _ => {
            for member in zip::members(bytes).unwrap_or_default() {
                let _ = member.unpack();
            }
        }
    }
});
