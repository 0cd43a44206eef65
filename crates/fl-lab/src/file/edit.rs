//! Settings of a file that a caller gives, over what its text says.

use super::mistake::{ConfigError, Mistake, Place};

/// Sets keys of the text.
pub(super) fn edit(
    text: &str,
    file: &str,
    set: &[(String, String)],
) -> Result<String, ConfigError> {
    let mut document: toml_edit::DocumentMut =
        text.parse().map_err(|e: toml_edit::TomlError| {
            ConfigError::new(Mistake {
                file: file.to_owned(),
                place: e.span().map(|span| Place::new(text, span)),
                message: e.message().to_owned(),
                help: None,
                path: Vec::new(),
                is_unknown_key: false,
                when: None,
            })
        })?;
    for (key, value) in set {
        let fail = |why: String| {
            let help = "keys are written as in train.step=0.1 or method.0.batch=8";
            ConfigError::plain("setting", format!("{key}={value}: {why}")).with_help(help)
        };
        // What is no TOML value is meant as a string: data.set=mnist.
        let parsed: toml_edit::Value = value.parse().unwrap_or_else(|_| value.as_str().into());
        let parts: Vec<&str> = key.split('.').collect();
        if parts.iter().any(|part| part.is_empty()) {
            return Err(fail("the key must be names with dots between them".into()));
        }
        let Some((last, front)) = parts.split_last() else { continue };
        let mut table: &mut dyn toml_edit::TableLike = document.as_table_mut();
        let mut front = front.iter().peekable();
        while let Some(part) = front.next() {
            let item = table.entry(part).or_insert(toml_edit::table());
            table = match item {
                toml_edit::Item::ArrayOfTables(tables) => {
                    let count = tables.len();
                    let index = front.next().and_then(|i| i.parse::<usize>().ok());
                    index.and_then(|i| tables.get_mut(i)).ok_or_else(|| {
                        fail(format!(
                            "{part} needs a number from 0 to {} and a key after it",
                            count.saturating_sub(1)
                        ))
                    })?
                }
                item => item
                    .as_table_like_mut()
                    .ok_or_else(|| fail(format!("{part} has no keys of its own")))?,
            };
        }
        if table.get(last).is_some_and(toml_edit::Item::is_array_of_tables) {
            return Err(fail(format!("{last} is a list of tables; set a key of one of them")));
        }
        table.insert(last, toml_edit::value(parsed));
    }
    Ok(document.to_string())
}
