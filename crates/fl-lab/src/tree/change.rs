//! Changes of a tree: values of a sweep, and what reading on past a mistake assumes.

use super::walk::{Path, Tree, find, graft, table_mut, value};
use toml::Spanned;
use toml::de::{DeArray, DeValue};

/// A change of a file's tree. What is put in stands, for errors, where it came from.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// A value of a sweep, at `from`, becomes the value of the key `to`.
    Graft { from: Path, to: Path },
    /// A key gets another name.
    Rename { path: Path, name: String },
    /// A key is left out.
    Remove { path: Path },
    /// An element of a list is left out.
    Take { path: Path },
    /// A key is assumed.
    Insert { path: Path, value: &'static str },
}

impl Change {
    /// Does it, where it can be done.
    pub(crate) fn apply(&self, tree: &mut Tree<'_>) -> bool {
        match self {
            Change::Graft { from, to } => {
                let Some(value) = value(tree, from).cloned() else { return false };
                let span = value.span();
                graft(tree, to, value, span)
            }
            Change::Rename { path, name } => {
                let Some((last, front)) = path.split_last() else { return false };
                let Some(table) = table_mut(tree, front) else { return false };
                let Some((key, value)) = table.remove_entry(last.as_str()) else { return false };
                table.insert(Spanned::new(key.span(), name.clone().into()), value);
                true
            }
            Change::Remove { path } => {
                let Some((last, front)) = path.split_last() else { return false };
                table_mut(tree, front).is_some_and(|table| table.remove(last.as_str()).is_some())
            }
            Change::Take { path } => {
                let Some((last, front)) = path.split_last() else { return false };
                let Some((list, front)) = front.split_last() else { return false };
                let index = last.parse::<usize>();
                let list = table_mut(tree, front).and_then(|table| table.get_mut(list.as_str()));
                let (Some(list), Ok(index)) = (list, index) else { return false };
                let DeValue::Array(old) =
                    std::mem::replace(list.get_mut(), DeValue::Boolean(false))
                else {
                    return false;
                };
                let mut array = DeArray::new();
                for (i, element) in old.into_iter().enumerate() {
                    if i != index {
                        array.push(element);
                    }
                }
                *list.get_mut() = DeValue::Array(array);
                true
            }
            Change::Insert { path, value } => {
                let Ok(value) = DeValue::parse(value) else { return false };
                let front = path.split_last().map_or(&[][..], |(_, front)| front);
                // Whatever is said about it is said about the table that lacks it.
                let span = find(tree, front).unwrap_or(0..0);
                graft(tree, path, Spanned::new(span.clone(), value.into_inner()), span)
            }
        }
    }
}
