use super::*;
use proptest::prelude::*;

fn read(text: &str) -> Result<Table, String> {
    parse(text.as_bytes(), &CsvOptions::default()).map_err(|e| e.to_string())
}

#[track_caller]
fn refused(text: &str, options: &CsvOptions, expected: &str) {
    assert_eq!(parse(text.as_bytes(), options).unwrap_err().to_string(), expected);
}

#[test]
fn a_table_with_names_quotes_and_blank_lines() {
    let text = "\u{feff}a, \"b \"\"x\"\"\",kind\r\n1,-2.5,\"it, is\"\r\n\r\n\"3\", 4e-1 ,other\n";
    let table = read(text).unwrap();
    assert_eq!(table.names, ["a", "b \"x\""]);
    assert_eq!((table.columns, &table.values[..]), (2, &[1.0, -2.5, 3.0, 0.4][..]));
    assert_eq!(table.labels.names, ["it, is", "other"]);
    assert_eq!(table.labels.index, [0, 1]);
}

#[test]
fn columns_are_chosen_by_name_or_place() {
    let text = "id;y;a;b\n7;1;2;3\n8;0;5;6\n";
    let by_name = CsvOptions {
        label: Column::Name("y".into()),
        drop: vec![Column::Name("id".into())],
        delimiter: ';',
        ..CsvOptions::default()
    };
    let table = parse(text.as_bytes(), &by_name).unwrap();
    assert_eq!(
        (&table.values[..], &table.labels.index[..]),
        (&[2.0, 3.0, 5.0, 6.0][..], &[1, 0][..])
    );
    let by_place = CsvOptions { label: Column::Index(1), drop: vec![Column::Index(-4)], ..by_name };
    assert_eq!(parse(text.as_bytes(), &by_place).unwrap(), table);
}

#[test]
fn failures_name_line_and_field() {
    let plain = CsvOptions::default();
    refused("", &plain, "expected at least one row, found none");
    refused("a,b\n", &plain, "expected at least one row, found none");
    refused(
        "a,b,c\n1,2,3\n1,?,3\n",
        &plain,
        "line 3, field 2 (\"b\"): expected a finite number (`missing` says what becomes of rows that lack one), found \"?\"",
    );
    refused(
        "1,2,3\n1,nan,3",
        &plain,
        "line 2, field 2: expected a finite number (`missing` says what becomes of rows that lack one), found \"nan\"",
    );
    refused("1,2,3\n1,1e40,3", &plain, "line 2, field 2: expected a finite number, found \"1e40\"");
    refused(
        "1,2,3\n1,,3",
        &plain,
        "line 2, field 2: expected a finite number (`missing` says what becomes of rows that lack one), found nothing",
    );
    refused("1,2,3\n1,2,", &plain, "line 2, field 3: expected a label, found nothing");
    let fields = "line 2: expected 3 fields, as in the first row, separated by ',', found ";
    refused("1,2,3\n1,2\n", &plain, &format!("{fields}2"));
    refused("1,2,3\n1\n", &plain, &format!("{fields}1"));
    refused("1,2,3\n1,2,3,4", &plain, &format!("{fields}4"));
    refused(
        "1,2,3\n1,\"2,3\n",
        &plain,
        "line 2: expected a quote to close before the end of the line, found \"\\\"2,3\"",
    );
    let named = CsvOptions { label: Column::Name("y".into()), ..CsvOptions::default() };
    refused("a,b\n1,2\n", &named, "expected a column \"y\", found \"a\", \"b\"");
    let placed =
        CsvOptions { label: Column::Index(5), header: Some(false), ..CsvOptions::default() };
    refused("1,2\n", &placed, "expected a column 5, found 2 columns without names");
    refused(
        "1\n",
        &plain,
        "expected a column of features besides the label, found 1 field in the first row separated by ','",
    );
    // Where there is no comma, what else the first line shows separates.
    for text in ["1;2\n", "1\t2\n", " 1 2 \n"] {
        assert_eq!(read(text).unwrap().values, [1.0], "{text:?}");
    }
    let open = "line 1: expected fields separated by commas, or by the `delimiter` that is set, found what may be separated by ";
    refused("1 2;3\n", &plain, &format!("{open}';' or blanks"));
}

#[test]
fn more_rows_than_the_text_has_room_for_take_no_memory() {
    // Ten thousand names, then a million lines of one number: the matrix would take 40 GB.
    let mut text = vec!["1"; 10_000].join(",") + "\n";
    text += &"1\n".repeat(1_000_000);
    assert!(read(&text).unwrap_err().starts_with("line 2: expected 10000 fields"));
}

#[test]
fn a_measured_number_is_no_label() {
    let text: String = (0..70_000).map(|i| format!("1,{i}.5\n")).collect();
    assert!(read(&text).unwrap_err().contains("is the label a measured number?"));
}

#[test]
fn rows_keep_their_order_over_many_parts() {
    let rows = 200_000;
    let text: String = (0..rows).map(|i| format!("{i},{}.5,{}\n", i * 3, i % 7 + 1)).collect();
    let table = read(&text).unwrap();
    assert_eq!(table.labels.names, ["1", "2", "3", "4", "5", "6", "7"]);
    for i in 0..rows {
        assert_eq!(table.values[2 * i..2 * i + 2], [i as f32, (i * 3) as f32 + 0.5]);
        assert_eq!(table.labels.index[i], (i % 7) as u32);
    }
}

#[test]
fn a_text_cut_at_any_byte_never_panics() {
    let text = b"a,\"b\",c\r\n1.5,-2e3,\"x\"\r\n3,4,y\r\n";
    for end in 0..text.len() {
        let _ = parse(&text[..end], &CsvOptions::default());
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        rows in prop::collection::vec((prop::array::uniform3(-1e30f32..1e30), 0..5u32), 1..40)
    ) {
        let text: String =
            rows.iter().map(|([a, b, c], l)| format!("{a:e},{b},{c},{l}\n")).collect();
        let table = read(&text).unwrap();
        for (i, (row, label)) in rows.iter().enumerate() {
            prop_assert_eq!(&table.values[3 * i..3 * i + 3], row);
            prop_assert_eq!(&table.labels.names[table.labels.index[i] as usize], &label.to_string());
        }
    }

    #[test]
    fn hostile_texts_never_panic(text in "[0-9a,;\"\r\n .eE+-]{0,60}", header: Option<bool>, label in -3..3i64) {
        let options = CsvOptions { header, label: Column::Index(label), ..CsvOptions::default() };
        let _ = parse(text.as_bytes(), &options);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        let _ = parse(&bytes, &CsvOptions::default());
    }
}
