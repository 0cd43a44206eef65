//! Each kind of finding is found in a crate of a few lines, and is not found where it is not.

use super::duplicates::{Run, counted, runs};
use super::finding::{Finding, judge};
use super::prose::sentences;
use super::source::Source;
use super::{effects, imports, sizes};

fn crate_of(files: &[(&str, &str)]) -> Source {
    let files: Vec<(String, String)> =
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    Source::parse("crates/x", &files).expect("valid Rust")
}

fn keys(findings: &[Finding]) -> Vec<(&str, usize)> {
    findings.iter().map(|f| (f.key.as_str(), f.size)).collect()
}

#[test]
fn a_circle_is_found_with_its_edges() {
    let source = crate_of(&[
        ("src/lib.rs", "mod a;\nmod b;\nmod c;\npub use a::A;\n"),
        ("src/a.rs", "pub struct A;\n\nuse crate::b::B;\n"),
        ("src/b.rs", "pub struct B;\nfn f() {\n    crate::c::g();\n}\n"),
        ("src/c.rs", "use super::A;\npub fn g() {}\n"),
    ]);
    let found = imports::findings(&source, Some(&["a", "b", "c"]));
    assert_eq!(found[0].size, 3);
    for edge in ["crates/x/src/a.rs:3", "crates/x/src/b.rs:3", "crates/x/src/c.rs:1"] {
        assert!(found[0].text.contains(edge), "{}", found[0].text);
    }
}

#[test]
fn a_circle_through_a_re_export_is_the_circle_of_the_files_behind_it() {
    let files = [
        ("src/lib.rs", "mod a;\npub use a::*;\n"),
        ("src/a/mod.rs", "mod p;\nmod q;\npub use p::P;\npub use self::q::{Q, helper};\n"),
        ("src/a/p.rs", "use crate::a::Q;\npub struct P(Q);\n"),
        ("src/a/q.rs", "pub struct Q;\npub fn helper() {}\n"),
    ];
    assert_eq!(keys(&imports::findings(&crate_of(&files), Some(&["a"]))), []);
    let mut closed = files;
    closed[3].1 = "pub struct Q;\npub fn helper(_: crate::P) {}\n";
    let found = imports::findings(&crate_of(&closed), Some(&["a"]));
    assert_eq!(keys(&found), [("circle crates/x/src/a/p.rs", 2)]);
}

#[test]
fn parents_and_children_that_use_each_other_are_a_circle() {
    let source = crate_of(&[
        ("src/lib.rs", "mod a;\n"),
        ("src/a/mod.rs", "mod b;\npub fn f() {\n    b::g();\n}\n"),
        ("src/a/b.rs", "pub fn g() {\n    super::f();\n}\n"),
    ]);
    let found = imports::findings(&source, Some(&["a"]));
    assert_eq!(keys(&found), [("circle crates/x/src/a/b.rs", 2)]);
}

#[test]
fn tests_may_import_what_they_like() {
    let source = crate_of(&[
        ("src/lib.rs", "mod a;\nmod b;\n"),
        ("src/a.rs", "pub fn f() {}\n\n#[cfg(test)]\nmod tests {\n    use crate::b::g;\n}\n"),
        ("src/b.rs", "use crate::a::f;\npub fn g() {}\n"),
    ]);
    assert_eq!(keys(&imports::findings(&source, Some(&["a", "b"]))), []);
    assert_eq!(source.files[0].lines.min(source.files[1].lines), 2);
}

#[test]
fn an_upward_import_is_found_and_so_is_one_of_the_root() {
    let files = [
        ("src/lib.rs", "mod low;\nmod high;\npub fn root() {}\n"),
        ("src/low/mod.rs", "mod part;\n"),
        ("src/low/part.rs", "use crate::high::H;\nfn f() {\n    crate::root();\n}\n"),
        ("src/high.rs", "pub struct H;\n"),
    ];
    let source = crate_of(&files);
    assert_eq!(
        keys(&imports::findings(&source, Some(&["high", "low"]))),
        [("upward crates/x/src/low/part.rs crates/x/src/lib.rs", 1)]
    );
    let found = imports::findings(&source, Some(&["low", "high"]));
    assert_eq!(
        keys(&found),
        [
            ("upward crates/x/src/low/part.rs crates/x/src/lib.rs", 1),
            ("upward crates/x/src/low/part.rs crates/x/src/high.rs", 1)
        ]
    );
    assert!(found[1].text.starts_with("crates/x/src/low/part.rs:1 "), "{}", found[1].text);
    let found = imports::findings(&source, Some(&["low"]));
    assert!(keys(&found).contains(&("room crates/x/src/high.rs", 1)));
    assert_eq!(keys(&imports::findings(&source, None)), [("rooms crates/x", 1)]);
}

#[test]
fn imports_in_macros_and_exported_macros_are_seen() {
    let source = crate_of(&[
        ("src/lib.rs", "mod low;\nmod high;\n"),
        ("src/low.rs", "#[macro_export]\nmacro_rules! m {\n    () => { $crate::high::f() };\n}\n"),
        ("src/high.rs", "pub fn f() {\n    crate::m!();\n}\n"),
    ]);
    let found = imports::findings(&source, Some(&["low", "high"]));
    assert_eq!(
        keys(&found),
        [
            ("circle crates/x/src/high.rs", 2),
            ("upward crates/x/src/low.rs crates/x/src/high.rs", 1)
        ]
    );
}

#[test]
fn parts_are_modules_and_re_exports() {
    let mut files = [
        (
            "src/lib.rs",
            "fl_core::parts! {\n    /// Rules.\n    rule: rule {\n        krum::Krum,\n        mean::{Mean, Weights},\n    }\n}\nmod shared;\n",
        ),
        ("src/rule/krum.rs", "use crate::shared::O;\npub struct Krum;\n"),
        ("src/rule/mean.rs", "pub struct Mean;\npub struct Weights;\n"),
        ("src/shared.rs", "pub struct O;\n"),
    ];
    let rooms: &[&str] = &["shared", "rule"];
    assert_eq!(keys(&imports::findings(&crate_of(&files), Some(rooms))), []);
    files[3].1 = "pub struct O(crate::Krum);\n";
    let found = imports::findings(&crate_of(&files), Some(rooms));
    assert_eq!(
        keys(&found),
        [
            ("circle crates/x/src/rule/krum.rs", 2),
            ("upward crates/x/src/shared.rs crates/x/src/rule/krum.rs", 1)
        ]
    );
    files[3].1 = "pub struct O;\n";
    files[1].1 = "use crate::rule::mean::Weights;\npub struct Krum;\n";
    files[2].1 = "use crate::Krum;\npub struct Mean;\npub struct Weights;\n";
    let found = imports::findings(&crate_of(&files), Some(rooms));
    assert_eq!(keys(&found), [("circle crates/x/src/rule/krum.rs", 2)]);
}

#[test]
fn long_files_and_long_functions_are_found_without_their_tests() {
    let function = |lines: usize| format!("fn f() {{\n{}}}\n", "    g();\n".repeat(lines - 2));
    let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", function(400));
    let short = format!("{}{tests}", function(60));
    assert_eq!(keys(&sizes::findings(&crate_of(&[("src/lib.rs", &short)]))), []);
    let long = format!("{}{tests}", function(61));
    let found = sizes::findings(&crate_of(&[("src/lib.rs", &long)]));
    assert_eq!(keys(&found), [("function crates/x/src/lib.rs f", 61)]);
    let long = format!("{}{tests}", "const A: u8 = 0;\n".repeat(401));
    let found = sizes::findings(&crate_of(&[("src/lib.rs", &long)]));
    assert_eq!(keys(&found), [("file crates/x/src/lib.rs", 401)]);
}

#[test]
fn six_equal_lines_are_found_whatever_stands_around_them() {
    let lines = |n: usize| (0..n).map(|i| format!("    call({i});\n")).collect::<String>();
    let a = format!("// one\nuse x::{{\n    y,\n}};\nfn a() {{\n{}}}\n", lines(6));
    let b = format!("fn b() {{\n  // another\n\n{}  last();\n}}\n", lines(7));
    let found = runs(&[counted(&a), counted(&b)]);
    assert_eq!(found, [Run { files: (0, 1), begin: (6, 4), lines: 6 }]);
    let five = format!("fn c() {{\n{}}}\n", lines(5));
    assert_eq!(runs(&[counted(&five), counted(&b)]), []);
    let twice = format!("fn a() {{\n{}}}\nfn b() {{\n{}}}\n", lines(6), lines(6));
    assert_eq!(runs(&[counted(&twice)]).len(), 1);
}

#[test]
fn an_exception_must_be_needed_large_enough_and_explained() {
    let finding =
        |size| Finding { key: "file a.rs".into(), size, text: format!("a.rs has {size} lines") };
    let faults = |findings: &[Finding], exceptions: &[(&str, usize, &str)]| {
        let mut faults = Vec::new();
        judge(findings, exceptions, &mut faults);
        faults
    };
    assert_eq!(faults(&[finding(450)], &[]), ["a.rs has 450 lines"]);
    assert!(faults(&[finding(450)], &[("file a.rs", 450, "why")]).is_empty());
    assert_eq!(faults(&[finding(451)], &[("file a.rs", 450, "why")]).len(), 1);
    assert_eq!(faults(&[finding(450)], &[("file a.rs", 450, "")]).len(), 1);
    assert_eq!(faults(&[], &[("file a.rs", 450, "why")]).len(), 1);
}

#[test]
fn sentences_end_at_stops_and_code_does_not_count() {
    let text = "# One\n\nA `span of code` counts\nas one. Another: a [link](far/away.md).\n\n```sh\nnothing here\n```\n| cell | two words |\n## Licence\nNot this.\n";
    let expected = [
        (1, "# One "),
        (3, "A x counts as one. "),
        (3, "Another: "),
        (3, "a link. "),
        (9, "cell "),
        (9, "two words "),
    ];
    let found = sentences(text);
    let found: Vec<(usize, &str)> = found.iter().map(|(line, s)| (*line, s.as_str())).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_header_is_one_line_however_it_is_broken() {
    let broken = "fn f(\n    a: u32,\n    b: u32,\n) -> u32 {\n    a\n}\n";
    let lines = counted(broken);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[0], (1, "fn f( a: u32, b: u32, ) -> u32 {".to_owned()));
}

#[test]
fn a_library_that_reads_a_clock_or_prints_is_found() {
    let text = "use std::time::{Duration, Instant};\nfn f() {\n    println!(\"{}\", std::process::id());\n}\n#[cfg(test)]\nmod tests {\n    use std::env;\n}\n";
    let found = effects::findings(&crate_of(&[("src/lib.rs", text)]));
    let keys: Vec<&str> = found.iter().map(|finding| finding.key.as_str()).collect();
    let expected =
        ["effect crates/x/src/lib.rs std::time::Instant", "effect crates/x/src/lib.rs println"];
    assert_eq!(keys, expected);
}
