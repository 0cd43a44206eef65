//! Names with settings on the command line: `NAME` or `NAME:KEY=VALUE,…`.

use super::failure::Failure;
use anyhow::anyhow;
use fl_core::PreAggregatorSpec;
use fl_lab::{Choice, Registry};

/// `name` or `name:key=value,key=value` on the command line.
pub(crate) fn choice<S>(text: &str) -> Result<Choice<S>, Failure> {
    let (name, settings) = text.split_once(':').unwrap_or((text, ""));
    let mut table = toml::Table::new();
    for setting in split(settings) {
        let Some((key, value)) = setting.split_once('=') else {
            return Err(Failure::Usage(anyhow!(
                "{text}: expected KEY=VALUE after the colon, got {setting:?}"
            )));
        };
        let (key, value) = (key.trim(), value.trim());
        // What is no TOML value is meant as a name: krum:variant=paper.
        let value = toml::from_str::<toml::Table>(&format!("value = {value}"))
            .ok()
            .and_then(|mut table| table.remove("value"))
            .unwrap_or_else(|| value.into());
        table.insert(key.to_owned(), value);
    }
    Ok(Choice::new(name.trim(), table))
}

/// Splits at the commas that are not in brackets.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    let parts = text.split(move |c| {
        match c {
            '[' | '{' => depth += 1,
            ']' | '}' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    });
    parts.filter(|part| !part.trim().is_empty())
}

/// The pre-aggregators that a command line names.
pub(crate) fn chain(
    names: &[String],
    registry: &Registry,
) -> Result<Vec<Box<dyn PreAggregatorSpec>>, Failure> {
    names.iter().map(|pre| Ok(registry.pre_aggregators().make(&choice(pre)?)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_may_hold_lists_and_names() {
        let choice: Choice<()> = choice("rule:a=1,b=[1, 2],c=upper,d={ x = 1, y = 2 }").unwrap();
        assert_eq!(choice.name, "rule");
        assert_eq!(choice.settings().len(), 4);
        assert_eq!(choice.settings()["b"].as_array().unwrap().len(), 2);
        assert_eq!(choice.settings()["c"].as_str(), Some("upper"));
        assert!(super::choice::<()>("rule:a").is_err());
    }
}
