//! Finding one's way in a file's tree.

use std::ops::Range;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// A file's tables and values, each with its place in the text.
pub(crate) type Tree<'t> = Spanned<DeTable<'t>>;

/// The keys that lead to a value; places in lists are numbers.
pub(crate) type Path = Vec<String>;

/// Puts a value at a path; tables that are missing on the way are made, and a bare name becomes one.
pub(crate) fn graft<'t>(
    tree: &mut Tree<'t>,
    path: &[String],
    value: Spanned<DeValue<'t>>,
    span: Range<usize>,
) -> bool {
    let Some((last, front)) = path.split_last() else { return false };
    let mut at: &mut DeTable<'t> = tree.get_mut();
    let mut front = front.iter().peekable();
    while let Some(part) = front.next() {
        let key = Spanned::new(span.clone(), part.clone().into());
        let next = at
            .entry(key)
            .or_insert_with(|| Spanned::new(span.clone(), DeValue::Table(DeTable::new())));
        let mut next = next;
        while let DeValue::Array(_) = next.get_ref() {
            let index = front.next().and_then(|i| i.parse::<usize>().ok());
            let DeValue::Array(array) = next.get_mut() else { return false };
            let Some(element) = index.and_then(|i| array.get_mut(i)) else { return false };
            next = element;
        }
        if let DeValue::String(name) = next.get_ref()
            && front.peek().map_or(last, |part| part) == name
        {
            let place = next.span();
            let key = Spanned::new(place.clone(), name.clone());
            let mut table = DeTable::new();
            table.insert(key, Spanned::new(place.clone(), DeValue::Table(DeTable::new())));
            *next = Spanned::new(place, DeValue::Table(table));
        }
        let DeValue::Table(table) = next.get_mut() else { return false };
        at = table;
    }
    // The key's place changes with its value's.
    at.remove(last.as_str());
    at.insert(Spanned::new(span, last.clone().into()), value);
    true
}

/// The table at a path.
pub(super) fn table_mut<'a, 't>(
    tree: &'a mut Tree<'t>,
    path: &[String],
) -> Option<&'a mut DeTable<'t>> {
    let Some((first, rest)) = path.split_first() else { return Some(tree.get_mut()) };
    let mut at = tree.get_mut().get_mut(first.as_str())?;
    for part in rest {
        at = match at.get_mut() {
            DeValue::Table(table) => table.get_mut(part.as_str())?,
            DeValue::Array(array) => array.get_mut(part.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    match at.get_mut() {
        DeValue::Table(table) => Some(table),
        _ => None,
    }
}

/// The value at a path, if it is there.
pub(crate) fn value<'a, 't>(
    tree: &'a Tree<'t>,
    path: &[impl AsRef<str>],
) -> Option<&'a Spanned<DeValue<'t>>> {
    let (first, rest) = path.split_first()?;
    let mut at = tree.get_ref().get(first.as_ref())?;
    for part in rest {
        at = match at.get_ref() {
            DeValue::Table(table) => table.get(part.as_ref())?,
            DeValue::Array(array) => array.get(part.as_ref().parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some(at)
}

/// The place of a key, or of the nearest part of its path that exists.
pub(crate) fn find(tree: &Tree<'_>, path: &[impl AsRef<str>]) -> Option<Range<usize>> {
    let mut span = None;
    let mut table = Some(tree.get_ref());
    let mut array: Option<&DeArray<'_>> = None;
    for part in path {
        let part = part.as_ref();
        let value = if let Some(t) = table {
            let Some((key, value)) = t.get_key_value(part) else { break };
            span = Some(key.span());
            value
        } else if let Some(a) = array {
            let Some(value) = part.parse::<usize>().ok().and_then(|i| a.get(i)) else { break };
            span = Some(value.span());
            value
        } else {
            break;
        };
        table = value.get_ref().as_table();
        array = value.get_ref().as_array();
    }
    span
}
