//! `fl-cli explain`: all about a part, or a key of an experiment file.

use crate::host::choice::{chain, choice};
use crate::host::failure::Failure;
use crate::host::say;
use crate::show::definitions::{Item, groups, plain};
use anyhow::anyhow;
use clap::Args as ClapArgs;
use comfy_table::{ContentArrangement, Table, presets};
use fl_core::{PreAggregatorSpec, RuleSpec, Shape, file_name};
use fl_lab::{Entry, Registry};
use std::fmt::Write;

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
        say::result(entry_text(&Item::of(entry), "rule", &in_a_file(entry, "rule")));
        say::result(rule_on(&*rule, &pre, shape));
    } else if let Some(entry) = registry.pre_aggregators().find(name) {
        let pre = registry.pre_aggregators().make(&choice(&args.name)?)?;
        say::result(entry_text(
            &Item::of(entry),
            "pre-aggregator",
            &in_a_file(entry, "pre-aggregator"),
        ));
        say::result(match pre.output(shape) {
            Ok(out) => format!("(W, f): {} → {}", pair(shape), pair(out)),
            Err(e) => format!("(W, f) = {}: cannot be computed, {e}", pair(shape)),
        });
    } else if let Some(entry) = registry.attacks().find(name) {
        registry.attack(&choice(&args.name)?)?;
        say::result(entry_text(&Item::of(entry), "attack", &in_a_file(entry, "attack")));
    } else if let Some(entry) = registry.poisons().find(name) {
        registry.poisons().make(&choice(&args.name)?)?;
        say::result(entry_text(&Item::of(entry), "poison", &in_a_file(entry, "poison")));
    } else if let Some(entry) = registry.estimators().find(name) {
        registry.estimators().make(&choice(&args.name)?)?;
        say::result(entry_text(&Item::of(entry), "estimator", &in_a_file(entry, "estimator")));
    } else if let Some(entry) = registry.models().find(name) {
        registry.models().make(&choice(&args.name)?)?;
        say::result(entry_text(&Item::of(entry), "model", &in_a_file(entry, "model")));
    } else if let Some(named) = registry.documented().iter().find(|named| named.name == name) {
        let item = Item { name: &named.name, doc: &named.doc, defaults: &named.defaults };
        say::result(entry_text(&item, named.category, &named.example));
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
    let mut text = format!("nothing is called {name:?}");
    for (title, items) in groups(registry) {
        let names: Vec<&str> = items.iter().map(|item| item.name).collect();
        let _ = write!(text, "\n  {title}: {}", names.join(", "));
    }
    let names = groups(registry).into_iter().flat_map(|(_, items)| items);
    let names: Vec<String> = names.map(|item| item.name.to_owned()).collect();
    let keys = fl_lab::all_keys();
    let all = names.iter().map(String::as_str).chain(keys.iter().map(|(path, _)| &**path));
    if let Some(nearest) = fl_lab::nearest(name, all) {
        let _ = write!(text, "\n  help: did you mean `{nearest}`?");
    }
    anyhow!(text)
}

/// The documentation without its Rust example, and the settings.
fn entry_text(item: &Item<'_>, key: &str, example: &str) -> String {
    let mut text = format!("{} ({key})\n\n", item.name);
    let mut skipping = false;
    let mut code = false;
    for line in item.doc.lines {
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
    if !text.ends_with("\n\n") {
        text.push('\n');
    }
    let settings = item.doc.settings;
    if settings.is_empty() {
        text += "Settings\nNone.\n";
    } else {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        for setting in settings {
            let name = file_name(setting.name);
            let default = item.defaults.get(&name).map_or("none".to_owned(), ToString::to_string);
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
    let _ = write!(text, "\nIn an experiment file\n    {example}\n");
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
    for stage in pre {
        match stage.output(inner) {
            Ok(out) => {
                let _ = writeln!(text, "    {}: {} → {}", stage.name(), pair(inner), pair(out));
                inner = out;
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
    let _ = match fl_lab::theory::kappa(pre, rule, shape) {
        Some(kappa) => write!(text, "    (f, κ)-robust with κ ≤ {kappa:.4}"),
        None => write!(text, "    no κ is known here"),
    };
    text
}

fn pair(shape: Shape) -> String {
    format!("({}, {})", shape.workers, shape.byzantine)
}
