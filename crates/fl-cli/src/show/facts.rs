//! What a set holds, in tables.

use crate::host::say;
use crate::show::words::right;
use comfy_table::{Table, presets};
use fl_data::Loaded;

/// What a set holds, and how its files were understood: classes by name with their rows in each part.
pub(crate) fn facts(loaded: &Loaded) {
    let split = &loaded.split;
    let columns = match loaded.picture {
        Some((height, width)) => format!("{height}×{width} pixels"),
        None => format!("{} features", split.train.columns()),
    };
    say::result(format_args!("{}: {columns}, SHA-256 {}", loaded.name, loaded.digest()));
    for note in loaded.notes.iter().filter(|note| !note.note.warning) {
        say::result(format_args!("{note}"));
    }
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    let parts = [
        ("train", Some(&split.train)),
        ("validation", split.validation.as_ref()),
        ("test", Some(&split.test)),
    ];
    let parts = parts.into_iter().filter_map(|(n, p)| Some((n, p?)));
    if loaded.has_targets() {
        table.set_header(["part", "rows", "smallest target", "mean", "largest target"]);
        for (name, part) in parts {
            let targets = part.targets().unwrap_or_default();
            let mean = targets.iter().sum::<f64>() / targets.len().max(1) as f64;
            let [low, high] = [f64::min, f64::max]
                .map(|of| targets.iter().copied().reduce(of).unwrap_or(f64::NAN));
            let numbers = [low, mean, high].map(|x| format!("{x:.6}"));
            table.add_row([name.to_owned(), part.rows().to_string()].into_iter().chain(numbers));
        }
    } else {
        table.set_header(header("part", loaded));
        for (name, part) in parts {
            let mut counts = vec![0usize; part.classes()];
            part.labels().iter().for_each(|&l| counts[l as usize] += 1);
            let first = [name.to_owned(), part.rows().to_string()].into_iter();
            table.add_row(first.chain(numbers(&counts)));
        }
    }
    let columns = table.column_count();
    right(&mut table, 1..columns);
    say::result(table);
}

/// Classes that have a column.
const CLASSES: usize = 40;

/// The header of a table of classes: nothing in a label reaches the terminal raw, or is longer than a column.
pub(crate) fn header(first: &str, loaded: &Loaded) -> Vec<String> {
    let class = |label: &String| {
        let short: String = label.chars().take(24).collect();
        let more = if short.len() < label.len() { "…" } else { "" };
        format!("class {}{more}", say::on_one_line(&short))
    };
    let mut header = vec![first.to_owned(), "rows".to_owned()];
    header.extend(loaded.classes.iter().take(CLASSES).map(class));
    if loaded.classes.len() > CLASSES {
        header.push(format!("{} more", loaded.classes.len() - CLASSES));
    }
    header
}

/// The cells below that.
pub(crate) fn numbers(counts: &[usize]) -> Vec<String> {
    let (shown, rest) = counts.split_at(counts.len().min(CLASSES));
    let mut cells: Vec<String> = shown.iter().map(ToString::to_string).collect();
    if !rest.is_empty() {
        cells.push(rest.iter().sum::<usize>().to_string());
    }
    cells
}
