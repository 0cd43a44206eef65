//! What tables and pictures call values.

use crate::tree::Reader;
use serde::Deserialize;
use toml::Spanned;
use toml::de::DeValue;

/// A value without its place.
pub(super) fn plain(value: &Spanned<DeValue<'_>>) -> Option<toml::Value> {
    toml::Value::deserialize(Reader::File(value.get_ref())).ok()
}

/// A value as tables and legends show it.
pub(super) fn label(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Table(table) if table.len() == 1 => {
            let (name, settings) = table.iter().next().map_or(("", value), |(k, v)| (k, v));
            match settings {
                toml::Value::Table(settings) if settings.is_empty() => name.to_owned(),
                toml::Value::Table(settings) => {
                    let settings: Vec<String> =
                        settings.iter().map(|(k, v)| format!("{k} = {}", label(v))).collect();
                    format!("{name} ({})", settings.join(", "))
                }
                other => format!("{name} = {}", label(other)),
            }
        }
        toml::Value::Array(list) => {
            let list: Vec<String> = list.iter().map(label).collect();
            format!("[{}]", list.join(", "))
        }
        toml::Value::Float(number) => format!("{number}"),
        other => other.to_string(),
    }
}
