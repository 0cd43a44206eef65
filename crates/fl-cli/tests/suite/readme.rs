//! What the README says of commands and flags is what `--help` says.

use crate::common::Room;
use std::collections::BTreeSet;

const README: &str = include_str!("../../README.md");

/// The code spans of the README that begin with the program's name.
fn commands() -> Vec<&'static str> {
    let spans = README.split('`').skip(1).step_by(2);
    spans.filter_map(|span| span.strip_prefix("fl-cli ")).collect()
}

/// The words of a command before its arguments.
fn path(command: &str) -> Vec<&str> {
    let is_name = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    let words = command.split_whitespace();
    words.take_while(|word| is_name(word) && !word.starts_with('-')).collect()
}

#[test]
fn commands_and_flags_of_the_readme_are_there() {
    let room = Room::new();
    for command in commands() {
        let mut words = path(command);
        if words[0] == "help" {
            continue;
        }
        // What follows the command's name may be the name of something: `data fetch mnist`.
        let most = if ["data", "sweep"].contains(&words[0]) { 2 } else { 1 };
        words.truncate(most);
        words.push("--help");
        let help = room.run(&words).expect(0, &[]).out;
        for flag in command.split([' ', '[', ']']).filter(|word| word.starts_with("--")) {
            assert!(help.contains(flag), "{command}: no {flag} in\n{help}");
        }
    }
}

#[test]
fn every_command_is_in_the_readme() {
    let room = Room::new();
    let listed = |arguments: &[&str]| -> Vec<String> {
        let help = room.run(&[arguments, &["--help"]].concat()).expect(0, &[]).out;
        let (_, commands) = help.split_once("Commands:\n").expect("a list of commands");
        let lines = commands.lines().take_while(|line| !line.trim().is_empty());
        let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        names.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
    };
    let known: BTreeSet<String> = commands().iter().map(|c| path(c).join(" ")).collect();
    for name in listed(&[]).into_iter().filter(|name| name != "help") {
        let inner = if ["data", "sweep"].contains(&&*name) { listed(&[&name]) } else { Vec::new() };
        let full: Vec<String> = match &*inner {
            [] => vec![name],
            inner => inner.iter().map(|i| format!("{name} {i}")).collect(),
        };
        for command in full.iter().filter(|command| !command.ends_with(" help")) {
            assert!(known.contains(command), "the README does not have `fl-cli {command}`");
        }
    }
}

/// The numbers of parts in the README of the project are those of the registry.
#[test]
fn the_projects_readme_counts_its_parts() {
    let text = include_str!("../../../../README.md");
    let registry = fl_lab::Registry::standard();
    let counts = format!(
        "It has {} aggregation rules, {} pre-aggregators, {} gradient estimators, {} attacks and {} attacks on data.",
        registry.rules().iter().count(),
        registry.pre_aggregators().iter().count(),
        registry.estimators().iter().count(),
        registry.attacks().iter().count(),
        registry.poisons().iter().count(),
    );
    assert!(text.contains(&counts), "the README should say: {counts}");
}
