//! `fl-cli data info`: what a set holds, and how a partition assignments it.

use crate::host::failure::Failure;
use crate::host::flags::DataDir;
use crate::host::{say, sets};
use crate::show::facts::{facts, header, numbers};
use crate::show::words::right;
use clap::Args as ClapArgs;
use comfy_table::{Table, presets};
use fl_core::Dataset;
use fl_data::{Loaded, Partition};
use fl_lab::Experiment;
use fl_plot::HeatMap;
use fl_sim::{FullPass, Simulation, full_pass};
use std::path::PathBuf;

#[derive(Debug, ClapArgs)]
pub(crate) struct InfoArgs {
    /// A name, or files of one's own as in an experiment file: 'csv = { train = "rows.csv" }'
    pub(crate) set: String,
    /// Who holds what, as in an experiment file: iid, or 'by-class = { workers-per-class = 3 }'
    #[arg(long, value_name = "PARTITION")]
    pub(crate) partition: Option<String>,
    /// Number of workers
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub(crate) workers: usize,
    /// Seed of the partition
    #[arg(long, value_name = "K", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Scaling of features: raw, standardise, min-max or normalise; the set's own if left out
    #[arg(long, value_name = "NAME")]
    pub(crate) scale: Option<String>,
    /// Model whose gradients are measured, as in an experiment file: softmax, or 'perceptron = { hidden = [50, 50] }'
    #[arg(long, value_name = "MODEL", default_value = "softmax")]
    pub(crate) model: String,
    /// Also draw the partition, as STEM.svg and STEM.png
    #[arg(long, value_name = "STEM")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataDir,
    /// Do not fetch data that are missing
    #[arg(long)]
    pub(crate) offline: bool,
}

/// Workers whose rows are printed; a picture shows all.
const PRINTED: usize = 100;

pub(crate) fn info(args: &InfoArgs) -> Result<(), Failure> {
    let text = experiment(args);
    let (experiment, source) = Experiment::parse(&text, "data info", &[])?;
    // Without a partition asked for, whether one would fit is nobody's question.
    if args.partition.is_some() {
        fl_lab::check(&experiment, &source)?;
    }
    let locations = args.data.locations();
    let (set, scale) = (&experiment.data.set, experiment.data.scale);
    set.known()?;
    let loaded = sets::obtain(set, scale, &locations, args.offline, false)?;
    facts(&loaded);
    if args.partition.is_none() {
        if args.out.is_some() {
            return Err(Failure::Usage(anyhow::anyhow!(
                "--out draws a partition; name one by --partition"
            )));
        }
        return Ok(());
    }
    fl_lab::check_with_data(&experiment, &source, &loaded)?;
    let cells = fl_lab::cells(&experiment);
    let Some(cell) = cells.first() else { return Ok(()) };
    let assignment = fl_lab::assign(cell, &loaded, &source)?;
    let setup = fl_lab::setup::<f32>(cell, &loaded, &assignment, &source)?;
    let simulation = Simulation::new(setup).map_err(|e| Failure::Usage(e.into()))?;
    let start = simulation.params().to_vec();
    let measured = full_pass(&simulation.view(), &start);
    let train = assignment.train.as_deref().unwrap_or(&loaded.split.train);
    print(&loaded, train, &assignment.partition);
    let variation = variation(args, &measured);
    say::result(&variation);
    if let Some(stem) = &args.out {
        let title = format!(
            "{}: {} on {} workers",
            loaded.name,
            args.partition.as_deref().unwrap_or_default(),
            args.workers
        );
        let map = picture(&loaded, train, &assignment.partition, title, variation);
        for path in map.save(stem)? {
            say::result(path.display());
        }
    }
    Ok(())
}

/// The experiment that assignments the set so and measures gradients. Values are passed on as typed, so that they may be
/// whatever an experiment file may hold there.
fn experiment(args: &InfoArgs) -> String {
    // A name stands alone; anything else says which key it is.
    let choice = |key: &str, typed: &str| {
        let typed = typed.trim();
        let table =
            typed.strip_prefix('{').and_then(|t| t.strip_suffix('}')).unwrap_or(typed).trim();
        if table.contains('=') { format!("{key}.{table}") } else { format!("{key} = {table:?}") }
    };
    let scale = args.scale.as_ref().map(|s| format!("scale = {s:?}\n")).unwrap_or_default();
    format!(
        "name = \"info\"\nrounds = 1\nseeds = [{}]\n{}\n\n[data]\n{}\n{scale}{}\n\n[federation]\nworkers = {}\n\n\
         [train]\nbatch = 1\nstep = 1.0\n\n[[method]]\nname = \"info\"\nrule = \"mean\"\n",
        args.seed,
        choice("model", &args.model),
        choice("set", &args.set),
        choice("partition", args.partition.as_deref().unwrap_or("iid")),
        args.workers,
    )
}

fn print(loaded: &Loaded, train: &Dataset, partition: &Partition) {
    let (workers, classes) = (partition.workers(), train.classes());
    let counts = partition.class_counts(train.labels(), classes);
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(header("worker", loaded));
    for (w, row) in counts.chunks(classes).enumerate().take(PRINTED) {
        let cells = [w.to_string(), partition.worker(w).len().to_string()].into_iter();
        table.add_row(cells.chain(numbers(row)));
    }
    let columns = table.column_count();
    right(&mut table, 1..columns);
    say::result(table);
    if workers > PRINTED {
        say::result(format_args!("and {} workers more; --out draws all", workers - PRINTED));
    }
    let sizes = || (0..workers).map(|w| partition.worker(w).len());
    say::result(format_args!(
        "{} of {} rows at {workers} workers, {} to {} each",
        partition.len(),
        train.rows(),
        sizes().min().unwrap_or(0),
        sizes().max().unwrap_or(0)
    ));
}

/// What (15) and (16) are where every run begins.
fn variation(args: &InfoArgs, measured: &FullPass) -> String {
    let number = |x: f64| {
        let plain = x == 0.0 || (1e-2..1e5).contains(&x.abs());
        if plain { format!("{x:.4}") } else { format!("{x:.3e}") }
    };
    format!(
        "gradients at x⁰ ({}): outer variation {}, inner variation {}, ‖∇f‖ {}",
        args.model,
        number(measured.outer_variation),
        number(measured.inner_variation),
        number(measured.gradient_norm)
    )
}

fn picture(
    loaded: &Loaded,
    train: &Dataset,
    partition: &Partition,
    title: String,
    footer: String,
) -> HeatMap {
    let counts = partition.class_counts(train.labels(), train.classes());
    let values = counts.iter().map(|&n| n as f64).collect();
    let rows = (0..partition.workers()).map(|w| w.to_string());
    let mut map = HeatMap::new(rows, loaded.classes.clone(), values);
    map.row_label = "worker".into();
    map.column_label = "class".into();
    map.value_label = "samples".into();
    map.digits = Some(0);
    map.title = Some(title);
    map.footer = Some(footer);
    map
}
