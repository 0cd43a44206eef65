//! What a sweep leaves out.

use super::axis::{Axis, AxisReader};
use super::label::{label, plain};
use crate::tree::nearest;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What is left out: cells at these values, of these methods, with these seeds.
#[derive(Clone, Debug)]
pub(super) struct Exclusion {
    /// Places of values, for the axes that are named.
    values: Vec<(usize, Vec<usize>)>,
    methods: Option<Vec<usize>>,
    seeds: Option<Vec<u64>>,
    /// It names a key whose list is wrong, which is told already.
    refused: bool,
    pub(super) span: Range<usize>,
}

impl Exclusion {
    pub(super) fn holds(&self, places: &[usize]) -> bool {
        self.values.iter().all(|(axis, values)| values.contains(&places[*axis]))
    }

    pub(super) fn has_method(&self, method: usize) -> bool {
        self.methods.as_ref().is_none_or(|methods| methods.contains(&method))
    }

    pub(super) fn has_seed(&self, seed: u64) -> bool {
        self.seeds.as_ref().is_none_or(|seeds| seeds.contains(&seed))
    }
}

impl AxisReader<'_, '_> {
    pub(super) fn exclusions(
        &mut self,
        value: &Spanned<DeValue<'_>>,
        axes: &[Axis],
        seeds: &[u64],
    ) -> Vec<Exclusion> {
        let help = "for example exclude = [{ \"federation.byzantine.count\" = 0, \"federation.attack\" = \"gaussian\" }]";
        let DeValue::Array(list) = value.get_ref() else {
            let message = "exclude must be a list of tables".to_owned();
            self.wrong(value.span(), message, Some(help.to_owned()));
            return Vec::new();
        };
        let mut exclusions = Vec::new();
        for element in list {
            let DeValue::Table(table) = element.get_ref() else {
                let message = "an exclusion must be a table of keys and values".to_owned();
                self.wrong(element.span(), message, Some(help.to_owned()));
                continue;
            };
            let span = element.span();
            let mut one =
                Exclusion { values: Vec::new(), methods: None, seeds: None, refused: false, span };
            let before = self.mistakes.len();
            self.criteria(table, "", axes, seeds, &mut one);
            if one.refused {
                continue;
            }
            if one.values.is_empty() && one.methods.is_none() && one.seeds.is_none() {
                if self.mistakes.len() == before {
                    let message = "an exclusion without keys would exclude everything".to_owned();
                    self.wrong(element.span(), message, Some(help.to_owned()));
                }
            } else if self.mistakes.len() == before {
                exclusions.push(one);
            }
        }
        exclusions
    }

    fn criteria(
        &mut self,
        table: &DeTable<'_>,
        front: &str,
        axes: &[Axis],
        seeds: &[u64],
        one: &mut Exclusion,
    ) {
        for (part, value) in table {
            let key = format!("{front}{}", part.get_ref());
            let wanted: Vec<(toml::Value, Range<usize>)> = match value.get_ref() {
                DeValue::Array(list) => {
                    list.iter().filter_map(|v| Some((plain(v)?, v.span()))).collect()
                }
                _ => plain(value).map(|v| (v, value.span())).into_iter().collect(),
            };
            if let Some(place) = axes.iter().position(|axis| axis.is(&key)) {
                let axis = &axes[place];
                // A list may be one value of the axis, or several.
                let places = match plain(value).and_then(|v| axis.position(&v)) {
                    Some(whole) => vec![whole],
                    None => {
                        let known = || axis.values.iter().map(|v| v.label.clone()).collect();
                        self.chosen(&key, wanted, |v| axis.position(v), known)
                    }
                };
                one.values.push((place, places));
            } else if key == "method" {
                let names = self.names;
                let method = |v: &toml::Value| {
                    let by_name = v.as_str().and_then(|v| names.iter().position(|name| name == v));
                    let by_place = v.as_integer().and_then(|i| usize::try_from(i).ok());
                    by_name.or(by_place.filter(|i| *i < names.len()))
                };
                one.methods = Some(self.chosen(&key, wanted, method, || names.to_vec()));
            } else if key == "seed" || key == "seeds" {
                let seed = |v: &toml::Value| {
                    let seed = v.as_integer().and_then(|i| u64::try_from(i).ok());
                    seed.filter(|seed| seeds.contains(seed))
                };
                let known = || seeds.iter().map(u64::to_string).collect();
                one.seeds = Some(self.chosen(&key, wanted, seed, known));
            } else if let DeValue::Table(inner) = value.get_ref() {
                self.criteria(inner, &format!("{key}."), axes, seeds, one);
            } else if self.tried.iter().any(|t| *t == key || t.ends_with(&format!(".{key}"))) {
                one.refused = true;
            } else {
                self.not_swept(&key, part.span(), axes);
            }
        }
    }

    /// What is meant by values, those that mean nothing left out.
    fn chosen<T>(
        &mut self,
        key: &str,
        wanted: Vec<(toml::Value, Range<usize>)>,
        meant: impl Fn(&toml::Value) -> Option<T>,
        known: impl Fn() -> Vec<String>,
    ) -> Vec<T> {
        let mut chosen = Vec::new();
        for (value, span) in wanted {
            match meant(&value) {
                Some(one) => chosen.push(one),
                None => self.no_value(key, &value, span, &known()),
            }
        }
        chosen
    }

    fn not_swept(&mut self, key: &str, span: Range<usize>, axes: &[Axis]) {
        let mut names: Vec<String> = axes.iter().map(|axis| axis.key.clone()).collect();
        names.extend(["method".to_owned(), "seed".to_owned()]);
        let listed: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let nearest = nearest(key, names.iter().map(String::as_str));
        let message = format!(
            "`{key}` is not swept over: this excludes nothing; expected one of {}",
            listed.join(", ")
        );
        let help = nearest.map(|name| format!("did you mean `{name}`?"));
        self.wrong(span, message, help);
    }

    fn no_value(&mut self, key: &str, value: &toml::Value, span: Range<usize>, known: &[String]) {
        let found = label(value);
        let nearest = nearest(&found, known.iter().map(String::as_str));
        let help = nearest.map(|name| format!("did you mean {name}?"));
        let message = format!(
            "{key} is never {found}, so that this excludes nothing; its values are {}",
            known.join(", ")
        );
        self.wrong(span, message, help);
    }
}
