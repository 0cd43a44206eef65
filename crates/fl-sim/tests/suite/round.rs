//! The round is one screen, and ARCHITECTURE.md shows it as it is.

use std::fs;
use std::path::Path;

const BEGIN: &str = "while self.round < rounds {";

/// The loop in a text, from its head to the brace that closes it, without the indentation of its head.
fn the_round(text: &str) -> String {
    let head = text.lines().position(|line| line.trim() == BEGIN).expect("the loop");
    let lines: Vec<&str> = text.lines().skip(head).collect();
    let indent = lines[0].len() - lines[0].trim_start().len();
    let close = format!("{}}}", &lines[0][..indent]);
    let end = lines.iter().position(|line| **line == close).expect("its end");
    let dedented = lines[..=end].iter().map(|line| line.get(indent..).unwrap_or_default());
    dedented.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_round_is_one_screen_and_the_paper_shows_it_as_it_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = fs::read_to_string(root.join("src/simulation.rs")).expect("the source");
    let round = the_round(&source);
    assert!(round.lines().count() <= 25, "{round}");
    // The packed crate stands alone.
    let Ok(paper) = fs::read_to_string(root.join("../../ARCHITECTURE.md")) else { return };
    assert_eq!(the_round(&paper), round);
}
