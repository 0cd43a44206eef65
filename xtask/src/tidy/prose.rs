//! Sentences that are too long, and documents that are.

use super::finding::Finding;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

const WORDS_OF_A_SENTENCE: usize = 25;
const WORDS_OF_A_CRATE: usize = 800;
/// Documents of their own, with the words that each may have.
const DOCUMENTS: &[(&str, usize)] = &[
    ("README.md", 900),
    ("ARCHITECTURE.md", 2000),
    ("CONTRIBUTING.md", 1000),
    ("CHANGELOG.md", usize::MAX),
];

/// Documents and sentences beyond their limits. Code and what comes after the licences does not count.
pub(super) fn findings(root: &Path) -> Result<Vec<Finding>> {
    let mut documents: Vec<(String, usize)> =
        DOCUMENTS.iter().map(|&(name, most)| (name.to_owned(), most)).collect();
    for folder in super::manifests::crates(root)? {
        let name = format!("{folder}/README.md");
        if root.join(&name).exists() {
            documents.push((name, WORDS_OF_A_CRATE));
        }
    }
    for name in super::manifests::papers(root)? {
        documents.push((name, usize::MAX));
    }
    let mut found = Vec::new();
    for (name, most) in documents {
        let text =
            fs::read_to_string(root.join(&name)).with_context(|| format!("cannot read {name}"))?;
        let sentences = sentences(&text);
        let size = sentences.iter().map(|(_, sentence)| words(sentence)).sum();
        if size > most {
            let text = format!("{name} has {size} words, at most {most} are allowed");
            found.push(Finding { key: format!("words {name}"), size, text });
        }
        let long: Vec<_> =
            sentences.iter().filter(|(_, s)| words(s) > WORDS_OF_A_SENTENCE).collect();
        if let [(line, first), ..] = long[..] {
            let text = format!(
                "{name}:{line}: a sentence of {} words, at most {WORDS_OF_A_SENTENCE} are allowed: {first} ({} in all in this file)",
                words(first),
                long.len()
            );
            found.push(Finding { key: format!("sentences {name}"), size: long.len(), text });
        }
    }
    Ok(found)
}

fn words(sentence: &str) -> usize {
    sentence.split_whitespace().filter(|word| word.contains(char::is_alphanumeric)).count()
}

/// The sentences of a document in Markdown, headings among them, each with the line where its paragraph begins.
/// A code span is one word; a cell of a table and an item of a list are paragraphs.
pub(super) fn sentences(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut paragraph = (0, String::new());
    let mut code = false;
    let mut end = |paragraph: &mut (usize, String)| {
        let (line, text) = std::mem::take(paragraph);
        let text = plain(&text);
        let mut sentence = String::new();
        for word in text.split_whitespace() {
            sentence += word;
            sentence.push(' ');
            if word.trim_end_matches([')', '"']).ends_with(['.', '!', '?', ':', ';']) {
                found.push((line, std::mem::take(&mut sentence)));
            }
        }
        found.push((line, sentence));
    };
    for (i, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.starts_with("## Licen") {
            break;
        }
        let fence = line.starts_with("```");
        let item = ["- ", "* "].iter().any(|mark| line.starts_with(mark))
            || line.split_once(". ").is_some_and(|(n, _)| n.parse::<u32>().is_ok());
        if fence || code || line.is_empty() || item || line.starts_with(['#', '|', '<']) {
            end(&mut paragraph);
        }
        code ^= fence;
        if fence || code || line.is_empty() || line.starts_with('<') {
            continue;
        }
        if line.starts_with('|') {
            line.split('|').for_each(|cell| end(&mut (i, cell.to_owned())));
            continue;
        }
        if paragraph.1.is_empty() {
            paragraph.0 = i;
        }
        paragraph.1 += line;
        paragraph.1.push(' ');
    }
    end(&mut paragraph);
    found.retain(|(_, sentence)| words(sentence) > 0);
    found
}

/// The text without what marks it up: a code span becomes one word, a link its text.
fn plain(text: &str) -> String {
    let spans = text.split('`').enumerate();
    let text: String = spans.map(|(i, part)| if i % 2 == 0 { part } else { "x" }).collect();
    let mut plain = String::new();
    let mut rest = text.as_str();
    while let Some((before, target)) = rest.split_once("](") {
        plain += before;
        rest = target.split_once(')').map_or("", |(_, after)| after);
    }
    plain += rest;
    plain.replace(['*', '[', ']'], "")
}
