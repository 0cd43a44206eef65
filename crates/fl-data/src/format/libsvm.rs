//! LIBSVM's text format: a pure function of bytes.
//!
//! A row a line: a label, then `index:value` for each value that is not zero, indices ascending from 1; what follows a
//! `#` is a comment, and a line may be one. A `qid:number` behind the label says which group a row belongs to; where all
//! rows have one they are [`Table::groups`].
//! C.-C. Chang and C.-J. Lin, "LIBSVM: a library for support vector machines", ACM TIST 2(3), 2011.
//!
//! Numbers are read to `f64` as the standard library reads them and rounded to `f32`.
//!
//! Cost: two passes, in parallel over parts of a megabyte. The matrix is dense; unless the number of features is
//! declared it takes at most [`MOST_DENSE`] times the bytes of the file, beside 4 bytes a row and some hundred for each
//! label that occurs.

use super::labels::{Interner, Labels};
use super::number::{number, whole};
use super::text::{Note, Part, Table, TextError, decoded, excerpt, few, fill, parts, trim, zeros};
use rayon::prelude::*;

/// How many times its bytes a file's matrix may take unless `features` says how wide it is.
pub const MOST_DENSE: usize = 256;

/// How a file is to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case", deny_unknown_fields, default))]
pub struct LibsvmOptions {
    /// Number of features; the greatest index that occurs if left out.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub features: Option<usize>,
    /// Whether indices begin at 0, against the format.
    pub zero_based: bool,
    /// Whether labels are real targets.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "std::ops::Not::not"))]
    pub targets: bool,
}

/// Reads a table.
///
/// # Errors
/// With the line: something that is no label, or several; no `index:value`; no finite number; indices that do not ascend,
/// are 0, or are beyond the declared features; when there are no rows, or few bytes stand for too large a matrix.
pub fn parse(text: &[u8], options: &LibsvmOptions) -> Result<Table, TextError> {
    let bytes = text.len();
    let parts = parts(decoded(text)?, 1, Some(b'#'))?;
    let rows = rows(&parts)?;
    let base = usize::from(!options.zero_based);
    let columns = match options.features {
        Some(0) => {
            return Err(TextError::Column {
                wanted: "of features".into(),
                found: "features = 0".into(),
            });
        }
        Some(features) => features,
        None => {
            let (column, line) = widest(&parts, base);
            if rows.saturating_mul(column).saturating_mul(4) > bytes.saturating_mul(MOST_DENSE) {
                return Err(TextError::Wide { line, column, rows, bytes, most: MOST_DENSE });
            }
            column
        }
    };
    if columns == 0 {
        let wanted = "of features".into();
        return Err(TextError::Column { wanted, found: format!("0 in {rows} rows") });
    }
    let mut values = zeros(rows, columns)?;
    let read = fill(&parts, columns, &mut values, |part, out| read_part(part, base, out, options))?;
    join(columns, values, read, &parts, options)
}

/// How many features a text has: the greatest index that occurs.
///
/// # Errors
/// When there are no rows.
pub fn width(text: &[u8], options: &LibsvmOptions) -> Result<usize, TextError> {
    let parts = parts(decoded(text)?, 1, Some(b'#'))?;
    rows(&parts)?;
    Ok(widest(&parts, usize::from(!options.zero_based)).0)
}

fn rows(parts: &[Part<'_>]) -> Result<usize, TextError> {
    match parts.iter().map(|p| p.rows).sum() {
        0 => Err(TextError::Empty),
        rows => Ok(rows),
    }
}

/// The number of features that the greatest index makes, and the first line with it.
fn widest(parts: &[Part<'_>], base: usize) -> (usize, u64) {
    // Indices ascend, so that the last of a line is its greatest.
    let greatest = |line: &[u8]| -> usize {
        let line = uncommented(line);
        let colon = line.iter().rposition(|&b| b == b':').unwrap_or(0);
        let digits = line[..colon].iter().rev().take_while(|b| b.is_ascii_digit()).count();
        let text = std::str::from_utf8(&line[colon - digits..colon]).unwrap_or_default();
        // More digits than a number has are more than any file has room for.
        let index: usize = text.parse().unwrap_or(if digits > 0 { usize::MAX } else { 0 });
        index.saturating_add(1 - base)
    };
    let order = |(i, n): &(usize, u64)| (*i, std::cmp::Reverse(*n));
    let widest = parts.par_iter().map(|part| {
        part.lines().map(|(n, l)| (greatest(l), n)).max_by_key(order).unwrap_or_default()
    });
    widest.max_by_key(order).unwrap_or_default()
}

/// What was read of some rows beside their features.
#[derive(Debug, Default)]
struct Read {
    index: Vec<u32>,
    labels: Interner,
    targets: Vec<f64>,
    group: Vec<u32>,
    groups: Interner,
}

fn read_part(
    part: &Part<'_>,
    base: usize,
    mut out: &mut [f32],
    options: &LibsvmOptions,
) -> Result<Read, TextError> {
    let mut read = Read::default();
    let columns = out.len() / part.rows.max(1);
    for (line, row) in part.lines() {
        let (own, rest) = out.split_at_mut(columns);
        let (label, group) = read_row(line, uncommented(trim(row)), base, own)?;
        let wrong = |expected: &str| TextError::Line {
            line,
            field: None,
            expected: expected.into(),
            found: excerpt(label),
        };
        if label.contains(&b',') {
            return Err(wrong("one label a row, at the start of the line"));
        }
        if options.targets {
            let target = str::from_utf8(label).ok().and_then(|l| l.parse().ok());
            let target = target.filter(|t: &f64| t.is_finite());
            read.targets.push(target.ok_or_else(|| wrong("a finite number as target"))?);
        } else {
            read.index.push(read.labels.label(label).map_err(|e| e.at(line))?);
        }
        if let Some(group) = group {
            read.group.push(read.groups.label(group).map_err(|e| e.at(line))?);
        }
        out = rest;
    }
    Ok(read)
}

/// Joins what was read of parts.
fn join(
    columns: usize,
    values: Vec<f32>,
    read: Vec<Read>,
    parts: &[Part<'_>],
    options: &LibsvmOptions,
) -> Result<Table, TextError> {
    let rows = values.len() / columns;
    let (mut labels, mut groups, mut targets) = (Vec::new(), Vec::new(), Vec::new());
    for read in read {
        labels.push((read.index, read.labels));
        groups.push((read.group, read.groups));
        targets.extend(read.targets);
    }
    let mut labels = Labels::merge(labels);
    few(&labels, parts)?;
    let groups = Labels::merge(groups);
    let what = if options.targets { "target" } else { "label" };
    let groups = match groups.index.len() {
        0 => None,
        all if all == rows => Some(groups),
        _ => {
            return Err(TextError::Column {
                wanted: "qid in all rows or in none".into(),
                found: "it in some".into(),
            });
        }
    };
    let qid = if groups.is_some() { ", then the group as qid" } else { "" };
    let text = format!(
        "{columns} features, numbered from {}; the {what} comes first{qid}",
        1 - usize::from(options.zero_based)
    );
    if options.targets {
        labels = Labels { index: vec![0; rows], names: vec!["target".into()] };
    }
    Ok(Table {
        columns,
        values,
        labels,
        targets: options.targets.then_some(targets),
        groups,
        notes: vec![Note { text, warning: false }],
        ..Table::default()
    })
}

fn uncommented(line: &[u8]) -> &[u8] {
    line.iter().position(|&b| b == b'#').map_or(line, |end| &line[..end])
}

fn space(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}

/// A row's label, and its group if it has a `qid`.
type Heading<'l> = (&'l [u8], Option<&'l [u8]>);

/// The bytes before the next space.
fn token(row: &[u8]) -> &[u8] {
    &row[..row.iter().position(space).unwrap_or(row.len())]
}

/// The finite number at the beginning, and its length.
fn value(row: &[u8]) -> Option<(f64, usize)> {
    match number(row) {
        Some((value, length)) if row.get(length).is_none_or(space) && value.abs() < 1e38 => {
            Some((value, length))
        }
        _ => whole(token(row)).map(|value| (value, token(row).len())),
    }
}

/// The number that the digits from here on make, or the largest one.
fn digits(row: &[u8], at: &mut usize) -> usize {
    let mut number = 0usize;
    while let Some(d) = row.get(*at).map(|b| b.wrapping_sub(b'0')).filter(|d| *d < 10) {
        number = number.saturating_mul(10).saturating_add(usize::from(d));
        *at += 1;
    }
    number
}

/// Writes a row's features and returns what stands before them.
fn read_row<'l>(
    line: u64,
    row: &'l [u8],
    base: usize,
    out: &mut [f32],
) -> Result<Heading<'l>, TextError> {
    let wrong = |expected: String, found: &[u8]| {
        let found = excerpt(found);
        TextError::Line { line, field: None, expected, found }
    };
    let skip = |at: usize| at + row[at..].iter().take_while(|b| space(b)).count();
    let token = |at: usize| token(&row[at..]);
    let mut at = skip(0);
    let label = token(at);
    if label.is_empty() || label.contains(&b':') {
        return Err(wrong("a label at the start of the line".into(), label));
    }
    at = skip(at + label.len());
    let group = token(at).strip_prefix(b"qid:").filter(|group| !group.is_empty());
    if let Some(group) = group {
        at = skip(at + 4 + group.len());
    }
    // The place after the last one written.
    let mut next = 0;
    while at < row.len() {
        let start = at;
        let index = digits(row, &mut at);
        if at == start || row.get(at) != Some(&b':') {
            return Err(wrong("index:value".into(), token(start)));
        }
        at += 1;
        let (value, length) = value(&row[at..])
            .ok_or_else(|| wrong("a finite number after the colon".into(), token(start)))?;
        at += length;
        let Some(place) = index.checked_sub(base) else {
            let expected = "indices from 1 (zero-based = true takes them from 0)".into();
            return Err(wrong(expected, token(start)));
        };
        if place < next {
            return Err(wrong(format!("an index above {}", next - 1 + base), token(start)));
        }
        let features = out.len();
        let Some(out) = out.get_mut(place) else {
            let last = features - 1 + base;
            return Err(wrong(format!("an index of at most {last}"), token(start)));
        };
        *out = value as f32;
        next = place + 1;
        at = skip(at);
    }
    Ok((label, group))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Table, String> {
        parse(text.as_bytes(), &LibsvmOptions::default()).map_err(|e| e.to_string())
    }

    #[test]
    fn what_is_left_out_is_zero() {
        let table = read("+1 1:0.5 3:-2 # first\n-1\n\n+1  2:1e3\t\r\n").unwrap();
        assert_eq!((table.columns, table.labels.index), (3, vec![1, 0, 1]));
        assert_eq!(table.labels.names, ["-1", "1"]);
        assert_eq!(table.values, [0.5, 0.0, -2.0, 0.0, 0.0, 0.0, 0.0, 1000.0, 0.0]);
        let wide = LibsvmOptions { features: Some(4), zero_based: true, targets: false };
        let table = parse(b"a 0:1 3:2\nb", &wide).unwrap();
        assert_eq!(table.values, [1.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn failures_name_the_line() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(read(text).unwrap_err(), expected);
        }
        check("\n\n", "expected at least one row, found none");
        check("1:2 2:3", "line 1: expected a label at the start of the line, found \"1:2\"");
        check("1 1:2\n1 5", "line 2: expected index:value, found \"5\"");
        check("1 1:2\n\n1 1:2 qid:3", "line 3: expected index:value, found \"qid:3\"");
        check(
            "1 1:2\n1 qid:3 1:2",
            "expected a column qid in all rows or in none, found it in some",
        );
        check("1 1:x 2:3", "line 1: expected a finite number after the colon, found \"1:x\"");
        check("1 1:nan", "line 1: expected a finite number after the colon, found \"1:nan\"");
        check("1 2:1 2:3", "line 1: expected an index above 2, found \"2:3\"");
        check("1 2:1\n1 5:1 1:3", "line 2: expected an index of at most 2, found \"5:1\"");
        check(
            "1 0:1 1:2",
            "line 1: expected indices from 1 (zero-based = true takes them from 0), found \"0:1\"",
        );
        check("1\n2\n", "expected a column of features, found 0 in 2 rows");
        let narrow = LibsvmOptions { features: Some(2), ..LibsvmOptions::default() };
        let error = parse(b"1 1:2\n0 3:1", &narrow).unwrap_err().to_string();
        assert_eq!(error, "line 2: expected an index of at most 2, found \"3:1\"");
    }

    #[test]
    fn a_huge_index_takes_no_memory_unless_it_is_declared() {
        let error = read("1 1:1\n0 4294967295:1\n1 1:1\n").unwrap_err();
        let expected = "line 2: feature 4294967295 makes 3 rows of as many columns, 51539 MB, more than 256 times";
        assert!(error.starts_with(expected), "{error}");
        assert!(read("1 99999999999999999999999:1").unwrap_err().contains("more than"));
        let declared = LibsvmOptions { features: Some(usize::MAX), ..LibsvmOptions::default() };
        assert!(parse(b"1 1:1\n0 2:1", &declared).is_err());
        let declared = LibsvmOptions { features: Some(50_000), ..LibsvmOptions::default() };
        assert_eq!(parse(b"1 1:1\n0 2:1", &declared).unwrap().values.len(), 100_000);
    }

    #[test]
    fn a_text_cut_at_any_byte_never_panics() {
        let text = b"+1 1:0.5 3:-2 # c\r\n-1 2:1e-3\n";
        for end in 0..text.len() {
            let _ = parse(&text[..end], &LibsvmOptions::default());
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            rows in prop::collection::vec((prop::array::uniform4(-9i8..9), 0..5u32), 1..40)
        ) {
            let mut text = String::new();
            for (row, label) in &rows {
                text += &label.to_string();
                for (i, value) in (1..).zip(row).filter(|(i, v)| **v != 0 || *i == 4) {
                    text += &format!(" {i}:{}", f32::from(*value) / 8.0);
                }
                text += "\n";
            }
            let table = read(&text).unwrap();
            let expected: Vec<f32> = rows.iter().flat_map(|(r, _)| r.map(|v| f32::from(v) / 8.0)).collect();
            prop_assert_eq!(table.values, expected);
        }

        #[test]
        fn hostile_texts_never_panic(text in "[0-9a:# \\r\\n.eE+-]{0,60}", features: Option<u8>, zero_based: bool) {
            let options = LibsvmOptions { features: features.map(usize::from), zero_based, targets: false };
            let _ = parse(text.as_bytes(), &options);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes, &LibsvmOptions::default());
        }
    }
}
