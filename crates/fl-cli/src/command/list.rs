//! `fl-cli list`: what an experiment file can name, from the registry alone.

use crate::host::failure::Failure;
use crate::host::say;
use crate::show::definitions::{Item, document, groups, plain};
use clap::{Args as ClapArgs, ValueEnum};
use fl_lab::Registry;

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
    /// What stands around an estimator
    Decorators,
    /// Protocols, next to gradients to a server
    Protocols,
    /// How the server's step size changes from round to round
    Schedules,
    /// What the server makes of its direction
    ServerOptimizers,
    /// Models
    Models,
    /// Partitions
    Partitions,
    /// Scalings of features
    Scalings,
    /// Data sets
    DataSets,
}

impl Listed {
    /// The title of its names, with hyphens.
    fn name(self) -> String {
        self.to_possible_value().expect("no kind is skipped").get_name().to_owned()
    }
}

/// Lists names and what they stand for, a line each; or everything as the document of definitions.
pub(crate) fn list(args: &ListArgs, registry: &Registry) -> Result<(), Failure> {
    let mut groups = groups(registry);
    if let Some(kind) = args.kind {
        groups.retain(|(title, _)| title.replace(' ', "-") == kind.name());
    }
    if args.markdown {
        say::result(document(&groups).trim_end());
        return Ok(());
    }
    for (title, items) in &groups {
        say::result(listing(title, args.kind.is_none(), items));
    }
    Ok(())
}

fn listing(title: &str, titled: bool, items: &[Item<'_>]) -> String {
    let width = items.iter().map(|item| item.name.len()).max().unwrap_or(0);
    let line = |item: &Item<'_>| {
        let summary = plain(&item.doc.summary());
        let sentence = summary.split_inclusive(". ").next().unwrap_or_default().trim_end();
        format!("{:width$}  {sentence}", item.name)
    };
    let lines: Vec<String> = items.iter().map(line).collect();
    if titled { format!("{title}\n  {}\n", lines.join("\n  ")) } else { lines.join("\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_listed_by_its_title() {
        let registry = Registry::standard();
        let titles: Vec<String> =
            groups(&registry).iter().map(|(title, _)| title.replace(' ', "-")).collect();
        let kinds: Vec<String> = Listed::value_variants().iter().map(|kind| kind.name()).collect();
        assert_eq!(kinds, titles);
    }
}
