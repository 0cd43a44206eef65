//! The keys of a file that a key of `[sweep]` means.

use super::axis::AxisReader;
use crate::tree::{Path, nearest, value};
use std::ops::Range;
use toml::Spanned;
use toml::de::DeValue;

impl AxisReader<'_, '_> {
    /// The keys that are meant: methods may be given by name, by place, or all at once by `*`; a member of a chain of
    /// pre-aggregators by its place or by its name.
    pub(super) fn resolve(
        &mut self,
        key: &str,
        parts: &[&str],
        place: &Range<usize>,
    ) -> Option<Vec<Path>> {
        if parts[0] != "method" {
            return Some(vec![owned(parts)]);
        }
        if parts.len() < 3 {
            let message = format!("{key} needs a method and a key of it, as in method.0.batch");
            self.wrong(place.clone(), message, None);
            return None;
        }
        let (methods, rest) = self.methods(parts, place)?;
        let rest = &parts[rest..];
        let paths: Vec<Path> =
            methods.iter().filter_map(|method| self.in_method(*method, rest)).collect();
        if paths.is_empty() {
            let message = format!("{key} is in no chain of pre-aggregators");
            self.wrong(place.clone(), message, None);
            return None;
        }
        Some(paths)
    }

    /// The methods that a key is about, and where in it the rest begins.
    fn methods(&mut self, parts: &[&str], place: &Range<usize>) -> Option<(Vec<usize>, usize)> {
        // A name may have dots in it.
        let named = (1..parts.len() - 1).rev().find_map(|end| {
            let name = parts[1..=end].join(".");
            let method = self.names.iter().position(|n| *n == name)?;
            Some((vec![method], end + 1))
        });
        let count = self.names.len();
        match (named, parts[1].parse::<usize>()) {
            (Some(named), _) => Some(named),
            (None, Ok(method)) if method < count => Some((vec![method], 2)),
            (None, _) if parts[1] == "*" => Some(((0..count).collect(), 2)),
            _ => {
                let nearest = nearest(parts[1], self.names.iter().map(String::as_str));
                let message = format!(
                    "no method is called {:?}; methods are given by name, by a number from 0 to {}, or all by *",
                    parts[1],
                    count.saturating_sub(1)
                );
                let help = nearest.map(|name| format!("did you mean method.{name}?"));
                self.wrong(place.clone(), message, help);
                None
            }
        }
    }

    /// A key of a method, if the method has the member of its chain that it is about.
    fn in_method(&self, method: usize, rest: &[&str]) -> Option<Path> {
        let front = ["method".to_owned(), method.to_string()];
        let path = |rest: &[&str]| [&front[..], &owned(rest)].concat();
        match rest {
            ["pre", stage, inner @ ..] if stage.parse::<usize>().is_err() => {
                let chain = value(self.tree, &path(&["pre"]))?.get_ref().as_array()?;
                let is = |v: &Spanned<DeValue<'_>>| match v.get_ref() {
                    DeValue::String(name) => name == stage,
                    DeValue::Table(table) => table.contains_key(*stage),
                    _ => false,
                };
                let index = chain.iter().position(is)?.to_string();
                Some(path(&[&["pre", &index, stage][..], inner].concat()))
            }
            ["pre", stage, ..] => value(self.tree, &path(&["pre", stage])).map(|_| path(rest)),
            _ => Some(path(rest)),
        }
    }
}

fn owned(parts: &[&str]) -> Path {
    parts.iter().map(|&part| part.to_owned()).collect()
}
