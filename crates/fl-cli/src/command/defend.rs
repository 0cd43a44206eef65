//! `fl-cli defend`.

use crate::host::budget::{Budget, Journal, time};
use crate::host::choice::choice;
use crate::host::failure::Failure;
use crate::host::flags::{ExperimentArgs, Work};
use crate::host::say::on_one_line;
use crate::host::signals::Signals;
use crate::host::{self, experiment, limits, say, sets};
use crate::show::leaderboard::{Row, document, rows, table};
use crate::show::progress::Display;
use crate::show::words::{duration, judged_on, seeds};
use anyhow::anyhow;
use clap::Args as ClapArgs;
use fl_data::Loaded;
use fl_lab::{
    AttackChoice, Batch, Cell, Defence, Experiment, ExperimentText, Options, Outcome, RaceRecord,
    Registry, Task, Untried,
};
use serde::Serialize;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

#[derive(Debug, ClapArgs)]
pub(crate) struct DefendArgs {
    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,
    /// Time after which no new batch of runs begins, all calls together: 90s, 10m, 2h, or none; the first batch and one
    /// finalist run in any case, and an earlier call's longer time stays
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = time)]
    pub(crate) budget: Budget,
    /// An attack that the search is about, NAME or NAME:KEY=VALUE,…; may be repeated [default: those of [defend] attacks]
    #[arg(long, value_name = "ATTACK")]
    pub(crate) attacks: Vec<String>,
    /// Only pipelines whose names contain this text; may be repeated
    #[arg(long, value_name = "TEXT")]
    pub(crate) pipelines: Vec<String>,
    /// Where the winner goes, with its evidence beside it as .json, .md and .times.json [default: CONFIG.defended.toml]
    #[arg(long, value_name = "FILE")]
    pub(crate) defended: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) work: Work,
    /// Print nothing but errors
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// The share of a budget that the search may take in any case, however long the finals are.
const SEARCH: f64 = 0.6;

/// All that led to the choice; the same for the same experiment, data, program and end of the search.
#[derive(Debug, Serialize)]
struct Evidence<'a> {
    experiment: &'a str,
    winner: &'a str,
    /// Whether a budget ended the search early, and after how many batches.
    ended_after_batches: Option<u64>,
    /// Finalists that there was time for, where a budget was looked at.
    finalists: Option<usize>,
    search_seeds: &'a [u64],
    search_rows: String,
    final_seeds: &'a [u64],
    data: &'a str,
    data_digest: String,
    instruction_set: &'static str,
    version: &'static str,
    leaderboard: &'a [Row],
    untried: &'a [Untried],
    rungs: &'a [RaceRecord],
}

/// Searches a defence, and writes it as an experiment file with the evidence beside it.
pub(crate) fn defend(args: &DefendArgs, registry: &Registry) -> Result<(), Failure> {
    let given = with_flags(args)?;
    let sweep = experiment::read(&given, registry)?;
    if !sweep.is_one() {
        return Err(Failure::Usage(anyhow!(
            "a defence is searched for one federation, and the file has a [sweep]; leave it out, or copy the file without it"
        )));
    }
    let (experiment, source) = (&sweep.base, sweep.source(0));
    let config = &args.experiment.config;
    let winner = host::found_file(args.defended.as_deref(), config, "defended.toml")?;
    let (jobs, threads) = limits::jobs_and_threads(&args.work.threads, args.quiet)?;
    let locations = args.work.data.locations();
    let (set, scale) = (&experiment.data.set, experiment.data.scale);
    let data = sets::obtain(set, scale, &locations, args.work.offline, args.quiet)?;
    let mut defence = Defence::new(experiment, &source, registry, &data)?;
    let folder = args.work.results.out.join(format!("{}-defend", experiment.name));
    let path = folder.join(format!("search-{}.json", defence.identity()));
    let mut search =
        Search { args, data: &data, folder, jobs, threads, journal: Journal::read(&path)? };
    search.begin(&mut defence);
    let signals = Signals::catch()?;
    let mut finals = Vec::new();
    while let Some(mut batch) = defence.ask()? {
        if defence.is_final() && search.journal.finalists.is_none() {
            search.choose_finalists(&mut defence);
            let Some(fewer) = defence.ask()? else { break };
            batch = fewer;
        }
        let begin = host::clock();
        let outcomes = search.run(&batch, &signals, &defence);
        if outcomes.is_err() {
            // What was run before a stop was run in this time, and will not be run again.
            search.journal.seconds += host::clock() - begin;
            search.journal.save(&path)?;
        }
        let outcomes = outcomes?;
        let run = outcomes.iter().filter(|outcome| !outcome.reused);
        let rounds: u64 = run.map(|outcome| outcome.done.rounds).sum();
        // Reading what is there is no part of the search.
        defence.tell(&outcomes);
        if rounds > 0 {
            search.journal.seconds += host::clock() - begin;
            search.journal.rounds += rounds;
            search.look_at_the_clock(&mut defence);
        }
        search.journal.save(&path)?;
        finals = outcomes;
    }
    write((args, &winner), (experiment, &data), &defence, &search.journal, &finals)
}

/// The arguments with those flags that stand for keys of the file.
fn with_flags(args: &DefendArgs) -> Result<ExperimentArgs, Failure> {
    let mut set = args.experiment.set.clone();
    let value = |value: toml::Value| value.to_string();
    if !args.pipelines.is_empty() {
        set.push(("defend.pipelines".to_owned(), value(args.pipelines.clone().into())));
    }
    if !args.attacks.is_empty() {
        let choices = args.attacks.iter().map(|text| {
            let attack: AttackChoice = choice(text)?;
            let settings = attack.settings().clone();
            let table = toml::Table::from_iter([(attack.name, toml::Value::Table(settings))]);
            Ok(toml::Value::Table(table))
        });
        let choices: Vec<toml::Value> = choices.collect::<Result<_, Failure>>()?;
        set.push(("defend.attacks".to_owned(), value(choices.into())));
    }
    Ok(ExperimentArgs { config: args.experiment.config.clone(), set })
}

/// A search on this machine.
struct Search<'a> {
    args: &'a DefendArgs,
    data: &'a Loaded,
    folder: PathBuf,
    jobs: usize,
    threads: usize,
    journal: Journal,
}

impl Search<'_> {
    /// Says what is searched; a search that a budget has ended, ends there again unless there is more time now.
    fn begin(&mut self, defence: &mut Defence<'_>) {
        let Budget(budget) = self.args.budget;
        if budget > self.journal.budget {
            // JSON has no infinity.
            self.journal.budget = budget.min(f64::MAX);
            (self.journal.cut, self.journal.finalists) = (None, None);
        } else if budget < self.journal.budget && !self.args.quiet {
            let longer = duration(self.journal.budget);
            say::remark(format_args!("an earlier call gave this search {longer}, which stays"));
        }
        if let Some(batches) = self.journal.cut {
            defence.cut_after(batches);
        }
        if let Some(finalists) = self.journal.finalists {
            defence.limit_finalists(finalists);
        }
        let [pipelines, steps, attacks, held_out] = defence.sizes();
        if !self.args.quiet {
            say::remark(format_args!(
                "{pipelines} pipelines with {steps} steps under {attacks} attacks, {held_out} attacks held out"
            ));
        }
    }

    /// Seconds that a finalist takes, by the mean speed so far and a fifth more, and how many finalists there may be.
    fn finals_ahead(&self, defence: &Defence<'_>) -> (f64, usize) {
        let Journal { seconds, rounds, .. } = self.journal;
        let (each, most) = defence.finals_ahead();
        (1.2 * each as f64 * seconds / rounds.max(1) as f64, most)
    }

    /// Ends the search when the finals need what is left of the budget, or the search has had its share.
    fn look_at_the_clock(&mut self, defence: &mut Defence<'_>) {
        if self.journal.cut.is_some() || defence.is_final() {
            return;
        }
        let (each, most) = self.finals_ahead(defence);
        let Journal { seconds, budget, .. } = self.journal;
        if seconds > (budget - each * most as f64).max(SEARCH * budget) {
            let (batches, ..) = defence.progress();
            self.journal.cut = Some(batches);
            defence.cut_after(batches);
        }
    }

    /// As many finalists as there is time for.
    fn choose_finalists(&mut self, defence: &mut Defence<'_>) {
        let (each, most) = self.finals_ahead(defence);
        let Journal { seconds, budget, .. } = self.journal;
        let fit = ((budget - seconds) / each).clamp(1.0, most as f64) as usize;
        self.journal.finalists = Some(fit);
        defence.limit_finalists(fit);
    }

    fn run(
        &self,
        batch: &Batch,
        signals: &Signals,
        defence: &Defence<'_>,
    ) -> Result<Vec<Outcome>, Failure> {
        let mut cells: Vec<(Cell, &ExperimentText)> = Vec::new();
        for (experiment, source) in &batch.experiments {
            cells.extend(fl_lab::cells(experiment).into_iter().map(|cell| (cell, source)));
        }
        let mut tasks: Vec<Task<'_>> = Vec::new();
        for (cell, source) in &cells {
            tasks.push(Task { cell, source: (*source).clone(), data: self.data });
        }
        if !self.args.quiet {
            say::remark(self.progress(batch, tasks.len(), defence));
        }
        let name = |(cell, _): &(Cell, &ExperimentText)| {
            let attack = &cell.experiment.federation.attack.name;
            format!("{} under {attack} seed {}", on_one_line(&cell.method.name), cell.seed)
        };
        // Thousands of lines would tell nobody anything.
        let quiet = self.args.quiet || !std::io::stderr().is_terminal();
        let display = Display::new(cells.iter().map(name).collect(), &tasks, quiet, false);
        let out = self.folder.join(&batch.folder);
        let options = Options { jobs: self.jobs, ..Options::new(&out, self.threads) };
        let outcomes =
            fl_lab::run_all(&tasks, options, signals.host(), &|event| display.show(&event));
        display.finish();
        outcomes.map_err(|e| signals.explain(e))
    }

    fn progress(&self, batch: &Batch, runs: usize, defence: &Defence<'_>) -> String {
        let (batches, rung, rungs) = defence.progress();
        let stage = match defence.is_final() {
            true => "finals".to_owned(),
            false => format!("rung {} of {rungs}, batch {}", rung + 1, batches + 1),
        };
        let rounds = batch.experiments.first().map_or(0, |(e, _)| e.rounds);
        let spent = duration(self.journal.seconds);
        let best = defence.best().map_or(String::new(), |(name, step, bound)| {
            format!("; best so far {} step {step} ≤ {bound:.3}", on_one_line(name))
        });
        format!("{stage}: {runs} runs of {rounds} rounds after {spent}{best}")
    }
}

/// Seconds of a round of each pipeline of the leaderboard, of its runs in the finals.
fn times(rows: &[Row], finals: &[Outcome]) -> Vec<f64> {
    let of = |row: &Row| {
        let name = format!("{} step {}", row.pipeline, row.step);
        let runs = finals.iter().filter(|o| o.cell.method.name == name);
        let speeds: Vec<f64> = runs.map(|o| 1.0 / o.done.resources.rounds_per_second).collect();
        speeds.iter().sum::<f64>() / speeds.len().max(1) as f64
    };
    rows.iter().map(of).collect()
}

/// The winner as a file, and the evidence beside it.
fn write(
    (args, path): (&DefendArgs, &Path),
    (experiment, data): (&Experiment, &Loaded),
    defence: &Defence<'_>,
    journal: &Journal,
    finals: &[Outcome],
) -> Result<(), Failure> {
    let shape = defence.shape();
    let found = defence.finals().unwrap_or_default();
    let leaderboard = rows(found, shape);
    let winner = found.first().map_or("", |f| &*f.pipeline.name);
    let (search_seeds, on) = defence.conditions();
    let evidence = Evidence {
        experiment: &experiment.name,
        winner,
        ended_after_batches: journal.cut,
        finalists: journal.finalists,
        search_seeds,
        search_rows: judged_on(on),
        final_seeds: &experiment.seeds,
        data: &data.name,
        data_digest: data.digest(),
        instruction_set: fl_core::instruction_set(),
        version: env!("CARGO_PKG_VERSION"),
        leaderboard: &leaderboard,
        untried: defence.untried(),
        rungs: defence.records(),
    };
    let times = times(&leaderboard, finals);
    let json = |value: serde_json::Result<String>| value.map_err(anyhow::Error::from);
    let board = table(&leaderboard, winner, shape, None);
    let seconds = serde_json::json!({
        "search_seconds": journal.seconds,
        "seconds_a_round": leaderboard.iter().zip(&times).map(|(r, t)| (&*r.pipeline, t)).collect::<Vec<_>>(),
    });
    let files = [
        (path.to_owned(), defence.winner()?),
        (path.with_extension("json"), json(serde_json::to_string_pretty(&evidence))?),
        (path.with_extension("md"), document(&head(&evidence), &board, defence)),
        (path.with_extension("times.json"), json(serde_json::to_string_pretty(&seconds))?),
    ];
    for (path, text) in &files {
        host::write(path, text.as_bytes())?;
    }
    if !args.quiet {
        say::result(table(&leaderboard, winner, shape, Some(&times)));
        files.iter().for_each(|(path, _)| say::result(path.display()));
        remarks(
            &leaderboard,
            winner,
            journal,
            experiment.defend.clone().unwrap_or_default().finalists,
        );
    }
    Ok(())
}

/// What the document begins with.
fn head(evidence: &Evidence<'_>) -> String {
    let end = match evidence.ended_after_batches {
        Some(batches) => format!("The budget ended the search after {batches} batches of runs."),
        None => "The search came to its end.".to_owned(),
    };
    format!(
        "# A defence for {}\n\nSearched by `fl-cli defend` (version {}, {}).\nThe winner is {}.\n{end}\nCandidates were judged on {}, with seeds {}.\nThe finalists below ran with seeds {}, on the rows of the experiment file.\nData {}, SHA-256 {}.",
        evidence.experiment,
        evidence.version,
        evidence.instruction_set,
        evidence.winner,
        evidence.search_rows,
        seeds(evidence.search_seeds),
        seeds(evidence.final_seeds),
        evidence.data,
        evidence.data_digest,
    )
}

/// What should be looked at again.
fn remarks(rows: &[Row], winner: &str, journal: &Journal, most: usize) {
    if let Some(batches) = journal.cut {
        let (budget, finalists) = (duration(journal.budget), rows.len());
        say::remark(format_args!(
            "the budget of {budget} ended the search after {batches} batches, with time for {finalists} finalists; a larger --budget goes on"
        ));
    }
    let possible = journal.finalists.filter(|_| journal.cut.is_none());
    if let Some(finalists) = possible.filter(|&finalists| finalists < most) {
        let budget = duration(journal.budget);
        say::remark(format_args!(
            "the budget of {budget} had time for {finalists} of {most} finalists; a larger --budget runs the others"
        ));
    }
    let Some(first) = rows.first().filter(|first| first.pipeline != winner) else { return };
    say::remark(format_args!(
        "{} has a better worst case than the winner here, but was not the best of the search; \
         a choice by this table needs seeds of its own",
        on_one_line(&first.pipeline)
    ));
}
