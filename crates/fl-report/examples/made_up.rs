//! Pages of made-up runs: `made_up FOLDER` writes `large.html`, with 960 runs of 61 points and 12 quantities, and
//! `hostile.html`, in which all names are those of somebody who means harm.

use fl_report::{Better, Curve, Matrix, Problem, Quantity, Report, Run, Scale, State};
use std::path::Path;

fn main() -> std::io::Result<()> {
    let Some(folder) = std::env::args().nth(1) else {
        eprintln!("usage: made_up FOLDER");
        std::process::exit(2);
    };
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("large.html"), fl_report::html(&large()))?;
    std::fs::write(folder.join("hostile.html"), fl_report::html(&hostile()))
}

fn quantities(count: usize) -> Vec<Quantity> {
    let quantity = |i: usize| Quantity {
        name: if i == 0 { "accuracy".to_owned() } else { format!("quantity-{i}") },
        label: if i == 0 { "test accuracy".to_owned() } else { format!("quantity {i}") },
        scale: [Scale::Share, Scale::Linear, Scale::Log][i % 3],
        better: if i.is_multiple_of(3) { Better::High } else { Better::Low },
        is_axis: false,
    };
    (0..count).map(quantity).collect()
}

fn setting(key: &str, value: impl Into<String>) -> (String, String) {
    (key.to_owned(), value.into())
}

/// Ten methods, sixteen attacks, two partitions, three seeds; of curves that end at different heights and waver.
fn large() -> Report {
    let mut runs = Vec::new();
    for (partition, method, attack, seed) in
        (0..960u64).map(|i| (i / 480, i / 48 % 10, i / 3 % 16, i % 3))
    {
        let height = 0.95 - 0.05 * method as f64 - 0.03 * attack as f64 - 0.1 * partition as f64;
        let rounds: Vec<u64> = (0..=60).map(|i| 50 * i).collect();
        let at = |quantity: usize, round: u64| {
            let x = round as f64 / 400.0;
            let waver = 0.01 * (x * (1.0 + seed as f64) + quantity as f64 + attack as f64).sin();
            match quantity % 3 {
                2 => (1.0 - height) * (-x / 3.0 - waver).exp() + 1e-9,
                _ => height.max(0.05) * (1.0 - (-x).exp()) + waver + 0.02,
            }
        };
        let curve = |quantity: usize| Curve {
            quantity,
            rounds: rounds.clone(),
            values: rounds.iter().map(|&round| at(quantity, round)).collect(),
        };
        let curves: Vec<Curve> = (0..12).map(curve).collect();
        let classes = rounds
            .iter()
            .flat_map(|&r| (0..10).map(move |c| (at(0, r) + 0.01 * c as f64).clamp(0.0, 1.0)));
        runs.push(Run {
            folder: format!("runs/large/{method}~{attack}~seed{seed}~{partition}"),
            seed,
            settings: vec![
                setting("name", "large"),
                setting("method.name", format!("method {method}")),
                setting("federation.attack", format!("attack {attack}")),
                setting("data.partition", format!("partition {partition}")),
            ],
            finals: curves.iter().map(|c| c.values.last().copied()).collect(),
            classes: Some(Matrix {
                rounds: rounds.clone(),
                columns: 10,
                values: classes.collect(),
            }),
            curves,
            command: "fl-cli run config.toml".to_owned(),
            ..Run::default()
        });
    }
    Report {
        title: "960 runs".to_owned(),
        writer: "made_up".to_owned(),
        quantities: quantities(12),
        runs,
        ..Report::default()
    }
}

fn hostile() -> Report {
    let names = [
        "</script><script>pwned = 1</script>".to_owned(),
        "\"><img src=x onerror=pwned=1>".to_owned(),
        "'; pwned = 1; //".to_owned(),
        "=HYPERLINK(\"x\")".to_owned(),
        "\u{202e}gnissap\u{2066}".to_owned(),
        "\0\u{1b}[31m\r\n\u{2028}".to_owned(),
        "قيمة عربية".to_owned(),
        "x".repeat(10_000),
        "<!--<script>".to_owned(),
        "__proto__".to_owned(),
        "constructor".to_owned(),
        "${pwned = 1}`".to_owned(),
    ];
    let runs = names.iter().enumerate().map(|(i, name)| Run {
        folder: name.clone(),
        seed: u64::MAX - i as u64 % 2,
        settings: vec![
            setting("method.name", name.clone()),
            setting("federation.attack", names[i / 2].clone()),
            (name.clone(), name.clone()),
        ],
        labels: vec![setting("attack", names[i / 2].clone())],
        state: if i % 2 == 0 { State::Finished } else { State::Failed(name.clone()) },
        facts: vec![(name.clone(), name.clone())],
        command: name.clone(),
        finals: vec![Some(0.1 * i as f64)],
        curves: vec![Curve { quantity: 0, rounds: vec![0, 5], values: vec![0.0, 0.05 * i as f64] }],
        ..Run::default()
    });
    Report {
        title: names[0].clone(),
        writer: names[1].clone(),
        quantities: quantities(1),
        runs: runs.collect(),
        problems: names.iter().map(|n| Problem { place: n.clone(), what: n.clone() }).collect(),
        reload: None,
    }
}
