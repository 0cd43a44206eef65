//! `fl-cli list` and `fl-cli explain`: what an experiment file can name, from the registry alone.

use crate::host::choice::{chain, choice};
use crate::host::failure::Failure;
use crate::host::say;
use anyhow::anyhow;
use clap::{Args as ClapArgs, ValueEnum};
use comfy_table::{ContentArrangement, Table, presets};
use fl_core::{PreAggregatorSpec, RuleSpec, Shape, file_name};
use fl_lab::{Category, Entry, Registry};
use std::fmt::Write;

#[derive(Debug, ClapArgs)]
pub(crate) struct ListArgs {
    /// Kind to list [default: all]
    kind: Option<Listed>,
    /// Print everything as the document docs/definitions.md: formulas, requirements, variants, what others compute by
    /// these names
    #[arg(long)]
    markdown: bool,
}

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Listed {
    /// Aggregation rules
    Rules,
    /// Pre-aggregators
    PreAggregators,
    /// Attacks on messages
    Attacks,
    /// Attacks on data
    Poisons,
    /// The workers' gradient estimators
    Estimators,
    /// Models
    Models,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ExplainArgs {
    /// The name, or NAME:KEY=VALUE,… for settings of its own
    pub(crate) name: String,
    /// For a rule: a pre-aggregator before it; may be repeated, in order
    #[arg(long, value_name = "PRE")]
    pub(crate) pre: Vec<String>,
    /// W, the number of messages that is asked about
    #[arg(long, value_name = "W", default_value_t = 30)]
    pub(crate) workers: usize,
    /// f, the number of Byzantine messages that is asked about
    #[arg(long, value_name = "F", default_value_t = 6)]
    pub(crate) byzantine: usize,
}

/// Lists names and what they stand for, a line each; or everything as the document of definitions.
pub(crate) fn list(args: &ListArgs, registry: &Registry) -> Result<(), Failure> {
    let kind = args.kind;
    if args.markdown {
        say::result(definitions(kind, registry).trim_end());
        return Ok(());
    }
    let wanted = |one| kind.is_none_or(|kind| kind == one);
    if wanted(Listed::Rules) {
        say::result(listing("rules", kind.is_none(), registry.rules()));
    }
    if wanted(Listed::PreAggregators) {
        say::result(listing("pre-aggregators", kind.is_none(), registry.pre_aggregators()));
    }
    if wanted(Listed::Attacks) {
        say::result(listing("attacks", kind.is_none(), registry.attacks()));
    }
    if wanted(Listed::Poisons) {
        say::result(listing("poisons", kind.is_none(), registry.poisons()));
    }
    if wanted(Listed::Estimators) {
        say::result(listing("estimators", kind.is_none(), registry.estimators()));
    }
    if wanted(Listed::Models) {
        say::result(listing("models", kind.is_none(), registry.models()));
    }
    Ok(())
}

fn listing<S: 'static>(title: &str, titled: bool, kind: &Category<S>) -> String {
    let width = kind.iter().map(|e| e.name().len()).max().unwrap_or(0);
    let lines: Vec<String> = kind
        .iter()
        .map(|e| {
            let summary = plain(&e.doc().summary());
            let sentence = summary.split_inclusive(". ").next().unwrap_or_default().trim_end();
            format!("{:width$}  {sentence}", e.name())
        })
        .collect();
    if titled { format!("{title}\n  {}\n", lines.join("\n  ")) } else { lines.join("\n") }
}

/// One row for each name: what it computes, what it needs, its variants, what others compute by that name, and the source.
fn definitions(kind: Option<Listed>, registry: &Registry) -> String {
    let mut text = "# Definitions\n\n\
        What every rule, pre-aggregator, attack, poison, estimator and model computes, by which variants, and what other projects compute by the same \
        name.\nWritten by `fl-cli list --markdown`, from the documentation in the code.\n\
        `fl-cli explain NAME` tells more of each.\n"
        .to_owned();
    let wanted = |one| kind.is_none_or(|kind| kind == one);
    if wanted(Listed::Rules) {
        text += &rows("Rules", registry.rules());
    }
    if wanted(Listed::PreAggregators) {
        text += &rows("Pre-aggregators", registry.pre_aggregators());
    }
    if wanted(Listed::Attacks) {
        text += &rows("Attacks", registry.attacks());
    }
    if wanted(Listed::Poisons) {
        text += &rows("Poisons", registry.poisons());
    }
    if wanted(Listed::Estimators) {
        text += &rows("Estimators", registry.estimators());
    }
    if wanted(Listed::Models) {
        text += &rows("Models", registry.models());
    }
    text
}

fn rows<S: 'static>(title: &str, kind: &Category<S>) -> String {
    let mut text = format!(
        "\n## {title}\n\n| name | ours | formula | requirements | settings and variants | elsewhere | source |\n\
         |---|---|---|---|---|---|---|\n"
    );
    for entry in kind.iter() {
        let doc = entry.doc();
        let section = |name| cell(&plain(&joined(doc.section(name))));
        let settings: Vec<String> = doc
            .settings
            .iter()
            .map(|setting| {
                let name = file_name(setting.name);
                let default = entry.defaults().get(&name).map_or("none".into(), |v| v.to_string());
                let mut row = format!("`{name}` = {default}");
                if let fl_core::ValueKind::Choice(choices) = setting.kind {
                    for choice in choices {
                        let told = plain(choice.doc.concat().trim());
                        let _ = write!(row, "<br>{}: {told}", file_name(choice.name));
                    }
                }
                cell(&row)
            })
            .collect();
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {} | {} | {} |",
            entry.name(),
            cell(&plain(&doc.summary())),
            cell(&formula(doc.lines)),
            section("Requirements"),
            settings.join("<br>"),
            section("Elsewhere"),
            section("Reference"),
        );
    }
    text
}

/// The first block of text in the documentation, which is the formula.
fn formula(lines: &[&str]) -> String {
    let is_fence = |line: &&&str| line.trim().starts_with("```");
    let mut lines = lines.iter();
    match lines.find(is_fence) {
        Some(fence) if fence.trim() == "```text" => {
            let block: Vec<String> = lines
                .take_while(|line| !is_fence(line))
                .map(|l| format!("`{}`", l.trim()))
                .collect();
            block.into_iter().filter(|line| line != "``").collect::<Vec<_>>().join("<br>")
        }
        _ => String::new(),
    }
}

/// Lines of documentation as one; the lines of a list are kept apart.
fn joined(lines: &[&str]) -> String {
    let mut text = String::new();
    for line in lines.iter().map(|line| line.trim()) {
        if line.starts_with("```") {
            continue;
        }
        if line.starts_with(['-', '*', '|']) && !text.is_empty() {
            text += "<br>";
        } else if !text.is_empty() && !line.is_empty() {
            text.push(' ');
        }
        text += line;
    }
    text
}

/// Text that may stand in a table.
fn cell(text: &str) -> String {
    text.trim().replace('|', "\\|")
}

/// Prints all that is known about a name.
pub(crate) fn explain(args: &ExplainArgs, registry: &Registry) -> Result<(), Failure> {
    let name = &*choice::<()>(&args.name)?.name;
    let shape = Shape { workers: args.workers, byzantine: args.byzantine };
    let rule = registry.rules().find(name);
    if !args.pre.is_empty() && rule.is_none() {
        return Err(Failure::Usage(anyhow!("--pre goes with a rule, and {name} is none")));
    }
    if let Some(entry) = rule {
        let rule = registry.rules().make(&choice(&args.name)?)?;
        let pre = chain(&args.pre, registry)?;
        say::result(entry_text(entry, "rule"));
        say::result(rule_on(&*rule, &pre, shape));
    } else if let Some(entry) = registry.pre_aggregators().find(name) {
        let pre = registry.pre_aggregators().make(&choice(&args.name)?)?;
        say::result(entry_text(entry, "pre-aggregator"));
        say::result(match pre.output(shape) {
            Ok(out) => format!("(W, f): {} → {}", pair(shape), pair(out)),
            Err(e) => format!("(W, f) = {}: cannot be computed, {e}", pair(shape)),
        });
    } else if let Some(entry) = registry.attacks().find(name) {
        registry.attack(&choice(&args.name)?)?;
        say::result(entry_text(entry, "attack"));
    } else if let Some(entry) = registry.poisons().find(name) {
        registry.poisons().make(&choice(&args.name)?)?;
        say::result(entry_text(entry, "poison"));
    } else if let Some(entry) = registry.estimators().find(name) {
        registry.estimators().make(&choice(&args.name)?)?;
        say::result(entry_text(entry, "estimator"));
    } else if let Some(entry) = registry.models().find(name) {
        registry.models().make(&choice(&args.name)?)?;
        say::result(entry_text(entry, "model"));
    } else {
        let keys = keys(name);
        if keys.is_empty() {
            return Err(Failure::Usage(unknown(name, registry)));
        }
        say::result(keys.join("\n"));
    }
    Ok(())
}

/// What is known of the keys of experiment files that are meant: by their whole paths, or the ends of them.
fn keys(name: &str) -> Vec<String> {
    let all = fl_lab::all_keys();
    let whole: Vec<_> = all.iter().filter(|(path, _)| path == name).collect();
    let ending = format!(".{name}");
    let meant = match whole.is_empty() {
        true => all.iter().filter(|(path, _)| path.ends_with(&ending)).collect(),
        false => whole,
    };
    meant.into_iter().map(|(path, key)| key_text(path, key, &all)).collect()
}

fn key_text(path: &str, key: &fl_lab::Key, all: &[(String, &fl_lab::Key)]) -> String {
    let mut text = format!("{path} (key of experiment files)\n\n");
    for line in key.doc() {
        text += &format!("{}\n", line.trim());
    }
    text += &format!("\nvalue: {}\n", key.kind());
    text += &match key.otherwise() {
        Some(otherwise) => format!("if left out: {otherwise}\n"),
        None => "must be there\n".to_owned(),
    };
    text += &match key.fixed() {
        Some(why) => format!("cannot be swept over: {why}\n"),
        None => "can be swept over\n".to_owned(),
    };
    let inside = format!("{path}.");
    for (path, key) in all.iter().filter(|(p, _)| p.starts_with(&inside)) {
        text += &format!("\n  {path}: {}\n", key.summary());
    }
    for setting in key.settings().iter().flat_map(|doc| doc.settings) {
        let doc: Vec<&str> = setting.doc.iter().map(|line| line.trim()).collect();
        let name = fl_core::file_name(setting.name);
        text += &format!("\n  {path}.{name} ({}): {}\n", setting.kind, doc.join(" "));
    }
    text
}

fn unknown(name: &str, registry: &Registry) -> anyhow::Error {
    let names = |kind: Vec<&str>| kind.join(", ");
    anyhow!(
        "nothing is called {name:?}\n  rules: {}\n  pre-aggregators: {}\n  attacks: {}\n  poisons: {}\n  estimators: {}\n  models: {}",
        names(registry.rules().iter().map(Entry::name).collect()),
        names(registry.pre_aggregators().iter().map(Entry::name).collect()),
        names(registry.attacks().iter().map(Entry::name).collect()),
        names(registry.poisons().iter().map(Entry::name).collect()),
        names(registry.estimators().iter().map(Entry::name).collect()),
        names(registry.models().iter().map(Entry::name).collect()),
    )
}

/// The documentation without its Rust example, and the settings.
fn entry_text<S>(entry: &Entry<S>, key: &str) -> String {
    let mut text = format!("{} ({key})\n\n", entry.name());
    let mut skipping = false;
    let mut code = false;
    for line in entry.doc().lines {
        let line = line.strip_prefix(' ').unwrap_or(line);
        if !code && let Some(heading) = line.strip_prefix("# ") {
            skipping = heading.trim() == "Example";
        }
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        if fence || skipping {
            continue;
        }
        if code {
            let _ = writeln!(text, "    {line}");
        } else {
            let _ = writeln!(text, "{}", plain(line.strip_prefix("# ").unwrap_or(line)));
        }
    }
    let settings = entry.doc().settings;
    if settings.is_empty() {
        text += "Settings\nNone.\n";
    } else {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        for setting in settings {
            let name = file_name(setting.name);
            let default =
                entry.defaults().get(&name).map_or("none".to_owned(), ToString::to_string);
            let mut doc = plain(&setting.doc.concat());
            if let fl_core::ValueKind::Choice(choices) = setting.kind {
                for choice in choices {
                    let _ = write!(
                        doc,
                        "\n{}: {}",
                        file_name(choice.name),
                        plain(choice.doc.concat().trim())
                    );
                }
            }
            table.add_row([
                format!("  {name}"),
                format!("{}\ndefault {default}", setting.kind),
                doc.trim().to_owned(),
            ]);
        }
        let _ = writeln!(text, "Settings\n{}", table.trim_fmt());
    }
    let _ = write!(text, "\nIn an experiment file\n    {}\n", in_a_file(entry, key));
    text
}

fn in_a_file<S>(entry: &Entry<S>, key: &str) -> String {
    let settings: Vec<String> =
        entry.defaults().iter().map(|(key, value)| format!("{key} = {value}")).collect();
    let name = entry.name();
    let table = match &*settings {
        [] => format!("\"{name}\""),
        _ => format!("{{ {name} = {{ {} }} }}", settings.join(", ")),
    };
    match key {
        "pre-aggregator" => format!("pre = [{table}]"),
        _ => format!("{key} = {table}"),
    }
}

/// What a rule, behind what stands before it, is for a shape.
fn rule_on(rule: &dyn RuleSpec, pre: &[Box<dyn PreAggregatorSpec>], shape: Shape) -> String {
    let mut text = format!("For W = {}, f = {}\n", shape.workers, shape.byzantine);
    let mut inner = shape;
    // κ of a chain is told from the rule back to the messages.
    let mut shapes = vec![shape];
    for stage in pre {
        match stage.output(inner) {
            Ok(out) => {
                let _ = writeln!(text, "    {}: {} → {}", stage.name(), pair(inner), pair(out));
                inner = out;
                shapes.push(out);
            }
            Err(e) => return text + &format!("    cannot be computed: {e}"),
        }
    }
    if let Err(e) = rule.check(inner) {
        return text + &format!("    cannot be computed: {e}");
    }
    let tolerated = rule.tolerates(inner.workers);
    let _ = match tolerated {
        0 => writeln!(text, "    withstands no Byzantine message"),
        most if most < inner.byzantine => writeln!(
            text,
            "    is proven to withstand f ≤ {most} of {}; with f = {} it is computed all the same",
            inner.workers, inner.byzantine
        ),
        most => writeln!(text, "    withstands f ≤ {most} of {}", inner.workers),
    };
    let kappa = rule.kappa(inner).and_then(|kappa| {
        let mut stages = pre.iter().zip(&shapes).rev();
        stages.try_fold(kappa, |inner, (stage, shape)| stage.kappa(*shape, inner))
    });
    let _ = match kappa {
        Some(kappa) => write!(text, "    (f, κ)-robust with κ ≤ {kappa:.4}"),
        None => write!(text, "    no κ is known here"),
    };
    text
}

fn pair(shape: Shape) -> String {
    format!("({}, {})", shape.workers, shape.byzantine)
}

/// Documentation without the marks that make links of it.
fn plain(text: &str) -> String {
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
    out + rest
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
        assert_eq!(plain("an [open bracket"), "an [open bracket");
    }
}
