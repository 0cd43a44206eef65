//! The guide does what it says: its file and its commands are taken out of it and run, in order, in one room.

use crate::common::Room;
use std::fs;
use std::path::Path;

/// The fenced blocks of a language.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let begin = format!("```{language}\n");
    text.split(&begin).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

/// A command line of the guide, as a shell would take it apart: words, some of them in single quotes.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut any) = (Vec::new(), String::new(), false, false);
    for c in line.chars() {
        match c {
            '\'' => (quoted, any) = (!quoted, true),
            ' ' if !quoted => {
                if any {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            c => {
                word.push(c);
                any = true;
            }
        }
    }
    words.extend(any.then_some(word));
    words
}

#[test]
fn every_command_of_the_guide_does_what_the_guide_says() {
    // The packed crate stands alone.
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide.md");
    let Ok(guide) = fs::read_to_string(path) else { return };
    assert_eq!((1..=10).filter(|n| guide.contains(&format!("\n## {n}. "))).count(), 10);
    let room = Room::new();
    let [file] = blocks(&guide, "toml")[..] else { panic!("not one file") };
    // As in the guide, but for fewer rounds and seeds.
    let quick = file.replace("rounds = 150", "rounds = 30").replace("[0, 1, 2]", "[0, 1]");
    assert!(quick.contains("rounds = 30") && quick.contains("[0, 1]"));
    room.write("question.toml", quick);
    let mut commands = Vec::new();
    for line in blocks(&guide, "sh").iter().flat_map(|block| block.lines()) {
        let words = words(line);
        assert_eq!(words[0], "fl-cli", "{line}");
        let arguments: Vec<&str> = words[1..].iter().map(String::as_str).collect();
        let said = room.run(&arguments).expect(0, &[]);
        assert!(!said.out.is_empty(), "{line}");
        commands.push((line, said));
    }
    let out = |beginning: &str| -> &str {
        let found = commands.iter().find(|(line, _)| line.starts_with(beginning));
        &found.unwrap_or_else(|| panic!("{beginning} is not in the guide")).1.out
    };
    assert!(out("fl-cli check").contains("3 attack × 3 methods × 2 seeds = 18 runs of 30 rounds"));
    assert!(out("fl-cli sweep plan").contains("0 done, 18 waiting"));
    assert!(out("fl-cli sweep status").contains("18 done"));
    assert!(out("fl-cli watch").contains("18 done"));
    let answer = out("fl-cli results question.toml --by method\n".trim_end());
    assert!(answer.contains("worst attack") && answer.contains("resampled median"), "{answer}");
    assert!(out("fl-cli plot question.toml --columns").contains("accuracy.svg"));
    assert!(out("fl-cli plot question.toml --heat").contains("heat.png"));
    // The last question runs what is new, and nothing else.
    let again = commands.iter().find(|(line, _)| line.contains("run question.toml --set"));
    let again = &again.expect("the tenth step").1.err;
    assert_eq!(again.matches("finished before").count(), 18, "{again}");
    assert_eq!(again.matches("rounds/s").count(), 18, "{again}");
}
