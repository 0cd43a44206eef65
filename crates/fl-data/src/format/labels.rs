//! Labels: texts or numbers, each of which names a class.

use super::text_error::{MOST_CLASSES, TextError, excerpt};
use std::cmp::Ordering;
use std::collections::HashMap;

/// One label a row, as an index into names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// Below `names.len()`, one for each row.
    pub index: Vec<u32>,
    /// The labels that occur, sorted: by value if all are decimal numbers, otherwise as texts.
    pub names: Vec<String>,
}

impl Labels {
    /// Labels that are numbers already.
    ///
    /// # Errors
    /// When there are too many different ones.
    pub fn from_numbers(numbers: impl Iterator<Item = f64>) -> Result<Self, TextError> {
        // Minus nought is nought.
        Self::from_names(numbers.map(|number| (number + 0.0).to_string()))
    }

    /// Labels that are integers already, none of them rounded.
    ///
    /// # Errors
    /// When there are too many different ones.
    pub fn from_integers(numbers: impl Iterator<Item = i128>) -> Result<Self, TextError> {
        Self::from_names(numbers.map(|number| number.to_string()))
    }

    fn from_names(names: impl Iterator<Item = String>) -> Result<Self, TextError> {
        let mut interner = Interner::default();
        let mut index = Vec::new();
        for (row, name) in names.enumerate() {
            let class = interner.intern(name);
            index.push(class.ok_or(TextError::Classes { line: row as u64 + 1 })?);
        }
        Ok(Self::merge(vec![(index, interner)]))
    }

    /// The numbers that the names are; `None` unless all are decimal numbers.
    pub fn numbers(&self) -> Option<Vec<f64>> {
        numbers(&self.names)
    }

    /// Says both lists in the same names, which are all of either's.
    pub fn unite(&mut self, other: &mut Labels) {
        let mut names = [self.names.clone(), other.names.clone()].concat();
        sort(&mut names);
        for labels in [self, other] {
            let map = places(&labels.names, &names);
            labels.index.iter_mut().for_each(|i| *i = map[*i as usize]);
            labels.names.clone_from(&names);
        }
    }

    /// Joins the labels of consecutive parts of a file.
    pub(crate) fn merge(parts: Vec<(Vec<u32>, Interner)>) -> Self {
        let mut names: Vec<String> = parts.iter().flat_map(|(_, i)| i.names.clone()).collect();
        sort(&mut names);
        let mut index = Vec::with_capacity(parts.iter().map(|(i, _)| i.len()).sum());
        for (part, interner) in parts {
            let map = places(&interner.names, &names);
            index.extend(part.iter().map(|&i| map[i as usize]));
        }
        Self { index, names }
    }

    /// Rows of each name.
    pub(crate) fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.names.len()];
        self.index.iter().for_each(|&i| counts[i as usize] += 1);
        counts
    }
}

/// The numbers that names are; `None` unless all are decimal numbers.
pub(crate) fn numbers(names: &[String]) -> Option<Vec<f64>> {
    names.iter().map(|n| decimal(n).and_then(|n| n.parse().ok())).collect()
}

/// Sorts names and removes repetitions.
pub(crate) fn sort(names: &mut Vec<String>) {
    if names.iter().all(|n| decimal(n).as_ref() == Some(n)) {
        names.sort_by(|a, b| by_value(a, b));
    } else {
        names.sort();
    }
    names.dedup();
}

/// Where each of `names` is in `all`.
pub(crate) fn places(names: &[String], all: &[String]) -> Vec<u32> {
    let map: HashMap<&str, u32> = all.iter().map(String::as_str).zip(0..).collect();
    names.iter().map(|n| map.get(n.as_str()).copied().unwrap_or(0)).collect()
}

/// The most digits with which a label is written out.
const MOST_DIGITS: i64 = 400;

/// A decimal number, however it is written, in the one way without exponent, plus sign or needless zeros; exact, so that
/// no two numbers become one. `None` for what is none, or too far from 1 to be written out.
pub(crate) fn decimal(text: &str) -> Option<String> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (number, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((number, exponent)) => {
            let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
            if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            (number, exponent.parse::<i64>().ok()?)
        }
        None => (unsigned, 0),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let all = || whole.bytes().chain(fraction.bytes());
    if whole.len() + fraction.len() == 0 || !all().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits: String = all().map(char::from).collect();
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return Some("0".into());
    }
    // Digits before the point.
    let leading = digits.len() - digits.trim_start_matches('0').len();
    let point = (whole.len() as i64 - leading as i64).checked_add(exponent)?;
    let length = significant.len() as i64;
    if point.abs() > MOST_DIGITS || length > MOST_DIGITS {
        return None;
    }
    let sign = if text.starts_with('-') { "-" } else { "" };
    Some(if point <= 0 {
        format!("{sign}0.{}{significant}", "0".repeat(point.unsigned_abs() as usize))
    } else if point >= length {
        format!("{sign}{significant}{}", "0".repeat((point - length) as usize))
    } else {
        let (whole, fraction) = significant.split_at(point as usize);
        format!("{sign}{whole}.{fraction}")
    })
}

/// The order of two decimal numbers in the form of [`decimal`].
fn by_value(a: &str, b: &str) -> Ordering {
    let split = |text: &str| {
        let size = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = size.split_once('.').unwrap_or((size, ""));
        (whole.to_owned(), fraction.to_owned())
    };
    let size = |(whole, fraction): (String, String)| (whole.len(), whole, fraction);
    match (a.starts_with('-'), b.starts_with('-')) {
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => size(split(a)).cmp(&size(split(b))),
        (true, true) => size(split(b)).cmp(&size(split(a))),
    }
}

/// Why a token is no label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoLabel {
    /// More labels than a classification has.
    TooMany,
    /// Something else than one label: what was expected, and what is there.
    Other(&'static str, String),
}

impl NoLabel {
    pub(crate) fn at(self, line: u64) -> TextError {
        match self {
            NoLabel::TooMany => TextError::Classes { line },
            NoLabel::Other(expected, found) => {
                TextError::Line { line, field: None, expected: expected.into(), found }
            }
        }
    }
}

/// Labels met so far.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    tokens: HashMap<Vec<u8>, u32>,
    classes: HashMap<String, u32>,
    names: Vec<String>,
    /// The last token and its class; empty at first.
    last: (Vec<u8>, u32),
}

impl Interner {
    /// The number of a label. `1`, `+1` and `1.0` are one label.
    pub(crate) fn label(&mut self, token: &[u8]) -> Result<u32, NoLabel> {
        // Neighbouring rows often agree, and looking is cheaper than hashing.
        if self.last.0 == token && !token.is_empty() {
            return Ok(self.last.1);
        }
        let class = match self.tokens.get(token) {
            Some(&class) => class,
            None => {
                let name = name(token)?;
                let class = self.intern(name).ok_or(NoLabel::TooMany)?;
                // As many ways to write labels as labels are remembered.
                if self.tokens.len() < MOST_CLASSES {
                    self.tokens.insert(token.to_vec(), class);
                }
                class
            }
        };
        self.last.0.clear();
        self.last.0.extend_from_slice(token);
        self.last.1 = class;
        Ok(class)
    }

    /// The number of a text, whatever it looks like.
    pub(crate) fn text(&mut self, token: &[u8]) -> Result<u32, NoLabel> {
        match self.tokens.get(token) {
            Some(&class) => Ok(class),
            None => {
                let class = self.intern(utf8(token)?.to_owned()).ok_or(NoLabel::TooMany)?;
                self.tokens.insert(token.to_vec(), class);
                Ok(class)
            }
        }
    }

    /// The labels, in the order in which they were met.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    fn intern(&mut self, name: String) -> Option<u32> {
        if let Some(&class) = self.classes.get(&name) {
            return Some(class);
        }
        let class = self.names.len();
        if class == MOST_CLASSES {
            return None;
        }
        self.names.push(name.clone());
        self.classes.insert(name, class as u32);
        Some(class as u32)
    }
}

/// What a token names.
fn name(token: &[u8]) -> Result<String, NoLabel> {
    let text = utf8(token)?;
    if text.contains('\u{feff}') {
        let expected =
            "a label without a byte order mark (U+FEFF), which belongs at the start of a file";
        return Err(NoLabel::Other(expected, format!("{text:?}")));
    }
    if let Some(number) = decimal(text) {
        return Ok(number);
    }
    let mut parts = text.split([',', ';', '|', ' ', '\t']).filter(|part| !part.is_empty());
    if parts.clone().count() > 1 && parts.all(|part| decimal(part).is_some()) {
        let expected = "one label a row (several in one field, or a decimal comma, are not read)";
        return Err(NoLabel::Other(expected, excerpt(token)));
    }
    Ok(text.to_owned())
}

/// A token as text.
fn utf8(token: &[u8]) -> Result<&str, NoLabel> {
    str::from_utf8(token).map_err(|e| {
        let byte = token[e.valid_up_to()];
        let found = format!("{} with byte {byte:#04x}, which is not UTF-8", excerpt(token));
        NoLabel::Other("text in UTF-8 (`iconv -f LATIN1 -t UTF-8` converts from Latin-1)", found)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(tokens: &[&str]) -> Labels {
        let mut interner = Interner::default();
        let index = tokens.iter().map(|t| interner.label(t.as_bytes()).unwrap()).collect();
        Labels::merge(vec![(index, interner)])
    }

    #[test]
    fn labels_are_sorted_by_value_or_by_name_and_written_in_one_way() {
        let labels = read(&["10", "+1", "9", "1.0", "-1"]);
        assert_eq!(labels.names, ["-1", "1", "9", "10"]);
        assert_eq!(labels.index, [3, 1, 2, 1, 0]);
        let labels = read(&["versicolor", "10", "9", "setosa"]);
        assert_eq!(labels.names, ["10", "9", "setosa", "versicolor"]);
        let (mut a, mut b) = (read(&["2", "4"]), read(&["3", "4"]));
        a.unite(&mut b);
        assert_eq!((a.index, b.index), (vec![0, 2], vec![1, 2]));
        assert_eq!((a.names.clone(), a.names.len()), (b.names, 3));
    }

    #[test]
    fn different_numbers_are_different_labels_however_close() {
        for names in [
            ["9007199254740992", "9007199254740993", "9007199254740995"],
            ["0.1", "0.10000000000000000555", "0.1000000000000000056"],
            ["-18446744073709551617", "-18446744073709551616", "1e30"],
        ] {
            let labels = read(&[names[2], names[0], names[1], names[0]]);
            assert_eq!(labels.index, [2, 0, 1, 0], "{names:?}");
            assert_eq!(labels.names.len(), 3);
        }
        let integers = [i128::from(u64::MAX), i128::from(u64::MAX) - 1, -3];
        assert_eq!(Labels::from_integers(integers.into_iter()).unwrap().index, [2, 1, 0]);
    }

    #[test]
    fn words_that_the_standard_library_reads_as_numbers_are_names() {
        let labels = read(&["inf", "infinity", "INF", "nan", "NaN", "inf", "nan"]);
        assert_eq!(labels.names, ["INF", "NaN", "inf", "infinity", "nan"]);
        assert_eq!(labels.index, [2, 3, 0, 4, 1, 2, 4]);
        let labels = read(&["1e999", "2e999", "1e-999", "0x10", "1_0"]);
        assert_eq!(labels.names, ["0x10", "1_0", "1e-999", "1e999", "2e999"]);
        assert_eq!(labels.numbers(), None);
    }

    #[test]
    fn what_is_not_one_label_is_refused() {
        let refused =
            |token: &[u8]| Interner::default().label(token).unwrap_err().at(7).to_string();
        for several in ["0,2", "1;2;3", "1|2", "0 2", "1.5,2"] {
            let expected = format!(
                "line 7: expected one label a row (several in one field, or a decimal comma, are not read), found {several:?}"
            );
            assert_eq!(refused(several.as_bytes()), expected);
        }
        assert!(refused(b"n\xe9").contains("UTF-8"), "{}", refused(b"n\xe9"));
        assert!(refused("\u{feff}1".as_bytes()).contains("byte order mark"));
        let names = ["it, is", "a|b", "1,x", "2020-01-02", "3.5\" disk"];
        assert_eq!(read(&names).names.len(), names.len());
    }

    proptest! {
        #[test]
        fn a_number_is_one_label_in_any_notation(
            digits in "[1-9][0-9]{0,20}", point in 0..20usize, zeros in 0..4usize, shift in -30i64..30, negative: bool
        ) {
            let sign = if negative { "-" } else { "" };
            let plain = decimal(&format!("{sign}{digits}e{shift}")).unwrap();
            let split = point.min(digits.len());
            let (whole, fraction) = digits.split_at(split);
            let exponent = shift + fraction.len() as i64;
            let zeros = "0".repeat(zeros);
            let other = format!("{sign}{zeros}{whole}.{fraction}{zeros}E{exponent}");
            prop_assert_eq!(decimal(&other), Some(plain.clone()), "{}", other);
            // The standard library reads both as the same number.
            prop_assert_eq!(plain.parse::<f64>().unwrap(), other.parse::<f64>().unwrap());
        }

        #[test]
        fn names_of_numbers_are_in_the_order_of_their_values(
            numbers in prop::collection::vec(any::<f64>().prop_filter("in range", |x| x.abs() < 1e100 && (x.abs() > 1e-100 || *x == 0.0)), 1..20)
        ) {
            let mut names: Vec<String> = numbers.iter().map(|x| (x + 0.0).to_string()).collect();
            sort(&mut names);
            let values: Vec<f64> = names.iter().map(|n| n.parse().unwrap()).collect();
            prop_assert!(values.windows(2).all(|w| w[0] < w[1]), "{:?}", names);
        }
    }
}
