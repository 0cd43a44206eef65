//! What the registry documents, as one list, and the document that is written from it.

use fl_core::{Doc, ValueKind, file_name};
use fl_lab::{Category, Entry, Registry};
use std::fmt::Write;
use toml::Table;

/// The most characters of a cell: longer texts stand in the part's own section.
const CELL: usize = 200;

/// One name that files may have.
pub(crate) struct Item<'a> {
    pub(crate) name: &'a str,
    pub(crate) doc: &'a Doc,
    pub(crate) defaults: &'a Table,
}

impl<'a> Item<'a> {
    /// Of what a registry can make.
    pub(crate) fn of<S>(entry: &'a Entry<S>) -> Self {
        Self { name: entry.name(), doc: entry.doc(), defaults: entry.defaults() }
    }
}

/// All names: the title of their kind, and the names in the order in which they were added.
pub(crate) fn groups(registry: &Registry) -> Vec<(&'static str, Vec<Item<'_>>)> {
    fn chosen<S: 'static>(kind: &Category<S>) -> Vec<Item<'_>> {
        kind.iter().map(Item::of).collect()
    }
    let named = |category: &str| -> Vec<Item<'_>> {
        let named = registry.documented().iter().filter(|named| named.category == category);
        named.map(|n| Item { name: &n.name, doc: &n.doc, defaults: &n.defaults }).collect()
    };
    vec![
        ("rules", chosen(registry.rules())),
        ("pre-aggregators", chosen(registry.pre_aggregators())),
        ("attacks", chosen(registry.attacks())),
        ("poisons", chosen(registry.poisons())),
        ("estimators", chosen(registry.estimators())),
        ("decorators", named("decorator")),
        ("protocols", named("protocol")),
        ("schedules", named("schedule")),
        ("server optimizers", named("server optimizer")),
        ("models", chosen(registry.models())),
        ("partitions", named("partition")),
        ("scalings", named("scaling")),
        ("data sets", named("data set")),
    ]
}

/// Some kinds as a document: a table of each with what its names compute, need and are from, and a section for each name.
pub(crate) fn document(groups: &[(&str, Vec<Item<'_>>)]) -> String {
    let mut text = "# Definitions\n\n\
        What every name in experiment files computes, by which variants, and what other projects compute by the same name.\n\
        Written by `fl-cli list --markdown`, from the documentation in the code; `fl-cli explain NAME` shows one of them.\n"
        .to_owned();
    for (title, items) in groups {
        let _ = write!(
            text,
            "\n## {}\n\n| name | what it is | requirements | reference |\n|---|---|---|---|\n",
            capital(title)
        );
        for Item { name, doc, .. } in items {
            let section = |heading| cell(&joined(doc.section(heading)));
            let _ = writeln!(
                text,
                "| [`{name}`](#{}) | {} | {} | {} |",
                name.replace(' ', "-"),
                cell(&doc.summary()),
                section("Requirements"),
                section("Reference"),
            );
        }
        for item in items {
            text += &section(item);
        }
    }
    text
}

/// All that is known of a name, but for its example in Rust.
fn section(item: &Item<'_>) -> String {
    let mut text = format!("\n### {}\n\n", item.name);
    let (mut skipping, mut code) = (false, false);
    for line in item.doc.lines {
        let line = line.strip_prefix(' ').unwrap_or(line);
        if !code && let Some(heading) = line.strip_prefix("# ") {
            skipping = heading.trim() == "Example";
            if !skipping {
                let _ = write!(text, "**{}.** ", heading.trim());
            }
            continue;
        }
        code ^= line.trim_start().starts_with("```");
        if !skipping {
            text += &if code { line.to_owned() } else { plain(line) };
            text.truncate(text.trim_end().len());
            text.push('\n');
        }
    }
    if !item.doc.settings.is_empty() {
        text.truncate(text.trim_end().len());
        text += "\n\n**Settings.**\n\n";
        for setting in item.doc.settings {
            let name = file_name(setting.name);
            let default = item.defaults.get(&name);
            let default = default.map_or("no default".to_owned(), |v| format!("default `{v}`"));
            let _ = writeln!(text, "- `{name}`, {default}: {}", plain(&joined(setting.doc)));
            if let ValueKind::Choice(choices) = setting.kind {
                for choice in choices {
                    let told = plain(&joined(choice.doc));
                    let _ = writeln!(text, "  - `{}`: {told}", file_name(choice.name));
                }
            }
        }
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// Text that may stand in a table, in whole sentences as far as they fit.
fn cell(text: &str) -> String {
    let text = plain(text).trim().replace('|', "\\|");
    if text.chars().count() <= CELL {
        return text;
    }
    let mut fits = String::new();
    for sentence in text.split_inclusive(". ") {
        if (fits.chars().count() + sentence.trim_end().chars().count()) > CELL {
            break;
        }
        fits += sentence;
    }
    if fits.trim_end().is_empty() {
        let cut: String = text.chars().take(CELL - 4).collect();
        let whole = cut.rsplit_once(' ').map_or(&*cut, |(whole, _)| whole);
        // No open code or emphasis is left behind.
        let even = |mark: char| whole.matches(mark).count().is_multiple_of(2);
        let close = if even('`') { "" } else { "`" };
        let star = if even('*') { "" } else { "*" };
        return format!("{whole}{close}{star}…");
    }
    fits.trim_end().to_owned()
}

/// Lines of documentation as one; the lines of a list are kept apart.
pub(crate) fn joined(lines: &[&str]) -> String {
    let mut text = String::new();
    for line in lines.iter().map(|line| line.trim()) {
        if line.starts_with("```") {
            continue;
        }
        if line.starts_with(['-', '|']) && !text.is_empty() {
            text += "<br>";
        } else if !text.is_empty() && !line.is_empty() {
            text.push(' ');
        }
        text += line;
    }
    text
}

fn capital(title: &str) -> String {
    let mut letters = title.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// Documentation without the marks that make links of it, and without paths of Rust.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        let Some(close) = rest[open..].find(']').map(|i| open + i) else { break };
        let inside = &rest[open + 1..close];
        let after = &rest[close + 1..];
        let target = after.strip_prefix('(').and_then(|after| after.split_once(')'));
        if !inside.starts_with('`') && target.is_none() {
            out.push_str(&rest[..=close]);
            rest = after;
            continue;
        }
        out.push_str(&rest[..open]);
        out.push_str(inside);
        rest = target.map_or(after, |(_, after)| after);
    }
    (out + rest).replace("`crate::", "`").replace("`fl_core::", "`").replace("`super::", "`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_told_by_their_text() {
        assert_eq!(
            plain("see [`Krum`] and [there](https://x.y), not (W, f) [0, 1]."),
            "see `Krum` and there, not (W, f) [0, 1]."
        );
        assert_eq!(plain("as [`crate::Saga`]"), "as `Saga`");
        assert_eq!(plain("an [open bracket"), "an [open bracket");
    }

    #[test]
    fn long_texts_are_cut_at_a_sentence_or_a_word() {
        let long = format!("One. {}.", "word ".repeat(80).trim_end());
        assert_eq!(cell(&long), "One.");
        let cut = cell(&"word ".repeat(80));
        assert!(cut.chars().count() <= CELL && cut.ends_with("word…"), "{cut}");
    }

    #[test]
    fn no_cell_is_empty_or_long_and_none_shows_a_path_of_rust() {
        let registry = Registry::standard();
        let text = document(&groups(&registry));
        assert!(!text.contains("crate::"));
        let rows = text.lines().filter(|line| line.starts_with("| ["));
        let mut count = 0;
        for row in rows {
            count += 1;
            let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
            assert_eq!(cells.len(), 4, "{row}");
            for cell in cells {
                assert!(!cell.is_empty(), "{row}");
                assert!(cell.chars().count() <= CELL, "{row}");
            }
        }
        assert!(count > 80, "{count} names");
    }
}
