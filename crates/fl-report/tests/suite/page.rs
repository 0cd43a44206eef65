//! Pages as text.

use fl_report::{Better, Curve, Matrix, Problem, Quantity, Report, Run, Scale, State, html};
use proptest::prelude::*;

fn quantities(count: usize) -> Vec<Quantity> {
    let quantity = |i: usize| Quantity {
        name: format!("quantity-{i}"),
        label: format!("quantity {i}"),
        scale: [Scale::Share, Scale::Linear, Scale::Log][i % 3],
        better: Better::High,
        is_axis: false,
    };
    (0..count).map(quantity).collect()
}

/// A run of so many points and quantities.
fn run(i: u64, points: u64, count: usize) -> Run {
    let rounds: Vec<u64> = (0..points).map(|p| 50 * p).collect();
    // Numbers without a pattern, so that nothing is small by chance.
    let noise = |k: u64| ((k * 2_654_435_761 + i * 40_503) % 1_000_003) as f64 / 1_000_003.0;
    let curve = |quantity: usize| Curve {
        quantity,
        rounds: rounds.clone(),
        values: (0..points).map(|p| noise(p + 1000 * quantity as u64)).collect(),
    };
    let columns = 10;
    Run {
        folder: format!(
            "runs/large/method-{}~attack-{}~seed{}~{i:012x}",
            i % 10,
            i / 10 % 16,
            i / 160
        ),
        seed: i / 160 % 3,
        settings: vec![
            ("method.name".to_owned(), format!("method {}", i % 10)),
            ("federation.attack".to_owned(), format!("attack {}", i / 10 % 16)),
            ("data.partition".to_owned(), format!("partition {}", i / 480)),
        ],
        finals: (0..count).map(|q| Some(noise(q as u64))).collect(),
        curves: (0..count).map(curve).collect(),
        classes: Some(Matrix {
            rounds: rounds.clone(),
            columns,
            values: (0..points * columns as u64).map(noise).collect(),
        }),
        command: format!("fl-cli run runs/large/{i:012x}/config.toml"),
        ..Run::default()
    }
}

fn report(runs: Vec<Run>, count: usize) -> Report {
    let quantities = quantities(count);
    Report { title: "A report".to_owned(), quantities, runs, ..Report::default() }
}

/// The JSON document of a page.
fn data(page: &str) -> serde_json::Value {
    let from = page.find("id=\"data\">").expect("there are data") + "id=\"data\">".len();
    let text = &page[from..from + page[from..].find("</script>").expect("they end")];
    serde_json::from_str(text).expect("they are JSON")
}

#[test]
fn the_same_report_gives_the_same_bytes() {
    let make = || html(&report((0..60).map(|i| run(i, 5, 3)).collect(), 3));
    assert_eq!(make(), make());
}

#[test]
fn a_page_of_960_runs_with_61_points_of_12_quantities_and_ten_classes_has_at_most_8_mb() {
    let page = html(&report((0..960).map(|i| run(i, 61, 12)).collect(), 12));
    assert!(page.len() <= 8_000_000, "{} bytes", page.len());
    assert_eq!(data(&page)["thinned"], 1);
}

#[test]
fn long_curves_are_thinned_and_the_page_says_so() {
    let page = html(&report(vec![run(0, 4001, 1)], 1));
    let data = data(&page);
    assert_eq!(data["most"], 500);
    assert_eq!(data["thinned"], 9);
    let grid = data["grids"][0].as_array().unwrap();
    assert!(grid.len() <= 500);
    assert_eq!((&grid[0], &grid[grid.len() - 1]), (&0.into(), &200_000.into()));
}

#[test]
fn a_report_without_runs_says_what_is_wrong() {
    let problems = vec![Problem { place: "runs/x".to_owned(), what: "is not there".to_owned() }];
    let page = html(&Report { problems, ..Report::default() });
    assert!(page.contains("runs/x") && page.contains("is not there"));
    assert_eq!(html(&Report::default()), html(&Report::default()));
}

#[test]
fn without_a_script_there_are_sentences_tables_and_curves() {
    let page = html(&report((0..960).map(|i| run(i, 5, 1)).collect(), 1));
    let plain = &page[page.find("id=\"plain\"").unwrap()..page.find("id=\"data\"").unwrap()];
    assert_eq!(plain.matches("<table").count(), 2);
    assert_eq!(plain.matches("<svg").count(), 1);
    assert_eq!(plain.matches("the best worst case over 16 attacks").count(), 2);
}

/// A report in which a text stands wherever a text can stand.
fn named(text: &str) -> Report {
    let run = |i: u64| Run {
        folder: format!("{text}{i}"),
        settings: vec![
            ("method.name".to_owned(), format!("{text}{i}")),
            ("federation.attack".to_owned(), text.to_owned()),
            (text.to_owned(), format!("{i}{text}")),
        ],
        labels: vec![(text.to_owned(), text.to_owned())],
        facts: vec![(text.to_owned(), text.to_owned())],
        state: [State::Failed(text.to_owned()), State::Diverged(text.to_owned())][i as usize]
            .clone(),
        command: text.to_owned(),
        ..run(i, 2, 1)
    };
    let problems = vec![Problem { place: text.to_owned(), what: text.to_owned() }];
    let (title, writer) = (text.to_owned(), text.to_owned());
    Report { title, writer, problems, ..report(vec![run(0), run(1)], 1) }
}

/// A page without its elements of a kind.
fn without(page: &str, kind: &str) -> String {
    let (begin, end) = (format!("<{kind}"), format!("</{kind}>"));
    page.split(&begin).map(|part| part.split_once(&end).map_or(part, |(_, rest)| rest)).collect()
}

/// Tags of a page in their order: what scripts hold is no HTML, and whether there is room for a picture depends on names.
fn tags(page: &str) -> Vec<String> {
    let page = without(&without(page, "script"), "svg");
    let ends = |c: char| c.is_whitespace() || c == '>';
    page.split('<').skip(1).map(|tag| tag.split(ends).next().unwrap_or(tag).to_owned()).collect()
}

#[test]
fn no_name_becomes_a_tag() {
    let harmless = html(&named("a name"));
    for name in [
        "</script><script>alert(1)</script>",
        "<!--<script>",
        "\"><img src=x onerror=alert(1)>",
        "'onload='alert(1)",
        "]]>\u{2028}\u{2029}\0\u{202e}",
        &"x<".repeat(5000),
    ] {
        let page = html(&named(name));
        assert_eq!(tags(&page), tags(&harmless), "{name}");
        assert_eq!(data(&page)["runs"].as_array().unwrap().len(), 2);
    }
}

proptest! {
    #[test]
    fn any_text_stays_a_text(text in "\\PC{0,40}|[<>/!\"'&a-z-]{0,40}|\\p{Cc}{1,8}") {
        let (page, harmless) = (html(&named(&text)), html(&named("a name")));
        prop_assert_eq!(tags(&page), tags(&harmless));
        prop_assert_eq!(data(&page)["runs"].as_array().unwrap().len(), 2);
    }
}
