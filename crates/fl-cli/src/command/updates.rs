//! `fl-cli aggregate` on files: one for each client, larger than memory if need be.

use super::aggregate_args::AggregateArgs;
use crate::host::choice::{chain, choice};
use crate::host::failure::Failure;
use crate::host::given;
use crate::host::say;
use crate::host::signals::Signals;
use crate::show::cost;
use crate::show::transfer::{self, bytes};
use anyhow::{Context, anyhow};
use clap::Parser;
use fl_core::{NonFinite, PreAggregatorSpec, RuleSpec, Shape};
use fl_lab::Registry;
use fl_updates::{
    AdapterReport, OpenOptions, Options, Per, Plan, Progress, Summary, Updates, UpdatesError,
};
use regex::Regex;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// The one matrix that is meant; `None` where files of one client each are.
///
/// A single file is a matrix of messages if it is a `.npy` file, a text or standard input.
pub(crate) fn matrix(args: &AggregateArgs) -> Result<Option<&Path>, Failure> {
    let [input] = &args.input[..] else { return Ok(None) };
    let name = input.to_string_lossy();
    let pattern = !input.exists() && name.contains(['*', '?', '[']);
    if args.update.list.is_some() || input.is_dir() || pattern || fl_updates::is_of_a_client(input)
    {
        return Ok(None);
    }
    match args.update.flag() {
        Some(flag) => Err(Failure::Usage(anyhow!(
            "{flag} is about files of one client each; {name} alone is a matrix of messages"
        ))),
        None => Ok(Some(input)),
    }
}

fn failure(e: UpdatesError) -> Failure {
    match e {
        UpdatesError::Choice(_) | UpdatesError::Spec(_) => Failure::Usage(e.into()),
        UpdatesError::Stopped => Failure::Failed(e.into()),
        _ => Failure::Data(e.into()),
    }
}

/// The same for a program, whose own progress is told and which ends the work by it.
///
/// # Errors
/// As [`aggregate`], and for one matrix of messages.
pub(crate) fn aggregate_for(
    program: &Progress,
    args: &[OsString],
    registry: &Registry,
) -> Result<(), Failure> {
    let name = std::iter::once(OsString::from("fl-cli aggregate"));
    let args = AggregateArgs::try_parse_from(name.chain(args.iter().cloned()));
    let args = args.map_err(|e| Failure::Usage(anyhow!("{}", e.to_string().trim_end())))?;
    match matrix(&args)? {
        None => aggregate(&args, registry, Some(program)),
        Some(input) => Err(Failure::Usage(anyhow!(
            "{} is one matrix of messages; expected a file for each client",
            input.display()
        ))),
    }
}

/// Aggregates the clients' files, or says what that would cost. A program has lent its progress; without it, progress is shown,
/// and signals end the work.
pub(crate) fn aggregate(
    args: &AggregateArgs,
    registry: &Registry,
    program: Option<&Progress>,
) -> Result<(), Failure> {
    let given = &args.update;
    if args.header.is_some() {
        return Err(Failure::Usage(anyhow!(
            "--header is about a text with a matrix of messages; these are files of one client each"
        )));
    }
    // The names are looked at first: headers need not be read for a misspelt one.
    registry.rules().make(&choice(&args.rule)?).map(drop).or_else(|e| match given.weights {
        // A rule that has no weights yet is one with a file of them.
        Some(_) => Ok(()),
        None => Err(e),
    })?;
    let open = OpenOptions {
        base: given.base.clone(),
        skip: given.skip.clone(),
        adapters: given.adapters,
    };
    let mut paths = Vec::new();
    for input in &args.input {
        paths.extend(fl_updates::expand(input).map_err(failure)?);
    }
    if let Some(list) = &given.list {
        paths.extend(fl_updates::list(list).map_err(failure)?);
    }
    let updates = Updates::open(&paths, &open).map_err(failure)?;
    let options = options(args, registry, &updates)?;
    for tensor in updates.left_out() {
        say::remark(format_args!("tensor {tensor:?} is skipped and will not be in the output"));
    }
    if given.plan {
        return plan(args, &updates, &options);
    }
    if args.output.as_os_str() == "-" {
        return Err(Failure::Usage(anyhow!(
            "--output FILE is needed: a model is nothing for standard output"
        )));
    }
    run(args, &updates, &options, program)
}

/// What is done with the updates.
fn options(
    args: &AggregateArgs,
    registry: &Registry,
    updates: &Updates,
) -> Result<Options, Failure> {
    let mut rule = args.rule.clone();
    if let Some(file) = &args.update.weights {
        let weights = weights(file, &updates.names()).map_err(Failure::Data)?;
        let list: Vec<String> = weights.iter().map(|w| format!("{w:?}")).collect();
        rule += if rule.contains(':') { "," } else { ":" };
        rule += &format!("weights=[{}]", list.join(","));
    }
    let spec: Box<dyn RuleSpec> = registry.rules().make(&choice(&rule)?)?;
    let pre = given::with_draws(&args.draws, &args.pre, chain(&args.pre, registry)?)?;
    let shape = Shape { workers: updates.clients(), byzantine: args.byzantine };
    cost::tell(cost::long_parts(&pre, &*spec, shape));
    let per = match args.update.per.as_deref() {
        None | Some("whole") => Per::Whole,
        Some("tensor") => Per::Tensor,
        Some(pattern) => Per::Match(Regex::new(pattern).map_err(|e| {
            Failure::Usage(anyhow!(
                "--per: expected whole, tensor or a pattern, got {pattern:?}: {e}"
            ))
        })?),
    };
    let description = args.pre.iter().chain([&args.rule]).cloned().collect::<Vec<_>>().join(" | ");
    Ok(Options {
        rule: Arc::from(spec),
        pre: pre.into_iter().map(Arc::<dyn PreAggregatorSpec>::from).collect(),
        byzantine: args.byzantine,
        non_finite: if args.refuse_non_finite { NonFinite::Error } else { NonFinite::Drop },
        per,
        memory: args.update.memory.unwrap_or(1 << 30),
        seed: args.seed,
        round: args.round,
        shares: args.update.shares,
        description,
    })
}

/// A weight for each client, by path or by name of the file.
fn weights(file: &Path, clients: &[String]) -> anyhow::Result<Vec<f64>> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut found: Vec<Option<f64>> = vec![None; clients.len()];
    let name = |path: &str| Path::new(path).file_name().map(|n| n.to_string_lossy().into_owned());
    for (i, line) in text.lines().enumerate().map(|(i, line)| (i + 1, line.trim())) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let place = || format!("{}: line {i}", file.display());
        let split = line.rsplit_once([',', ' ', '\t']);
        let number = split.and_then(|(client, w)| {
            Some((client.trim().trim_end_matches(','), w.trim().parse().ok()?))
        });
        let Some((client, weight)) = number else {
            anyhow::bail!("{}: expected a file and its weight, found {line:?}", place());
        };
        let same = |c: &&String| **c == client || name(c).as_deref() == Some(client);
        let mut matching = (0..clients.len()).filter(|&k| same(&&clients[k]));
        match (matching.next(), matching.next()) {
            (Some(k), None) if found[k].is_none() => found[k] = Some(weight),
            (Some(_), None) => anyhow::bail!("{}: {client} has a weight already", place()),
            (Some(_), _) => {
                anyhow::bail!("{}: several clients are called {client}; give their paths", place())
            }
            (None, _) => anyhow::bail!("{}: no client is called {client}", place()),
        }
    }
    let missing = found.iter().position(Option::is_none);
    if let Some(k) = missing {
        anyhow::bail!("{}: {} has no weight", file.display(), clients[k]);
    }
    Ok(found.into_iter().flatten().collect())
}

fn plan(args: &AggregateArgs, updates: &Updates, options: &Options) -> Result<(), Failure> {
    let plan = Plan::of(updates, options).map_err(failure)?;
    let begun = Instant::now();
    let probed = fl_updates::probe(updates).map_err(failure)?;
    let rate = probed as f64 / begun.elapsed().as_secs_f64().max(1e-9);
    let seconds = plan.reads() as f64 / rate;
    if args.json {
        let all = json!({
            "clients": plan.clients,
            "tensors": plan.tensors,
            "numbers": plan.numbers,
            "groups": plan.groups,
            "copied": plan.copied,
            "first_pass": plan.first_pass,
            "columns_pass": plan.columns_pass,
            "second_pass": plan.second_pass,
            "shares_pass": plan.shares_pass,
            "output": plan.output,
            "least_memory": plan.least_memory,
            "bytes_per_second": rate,
            "seconds": seconds,
        });
        say::result(serde_json::to_string_pretty(&all).context("a plan as JSON")?);
        return Ok(());
    }
    say::result(format_args!(
        "{} clients, {} tensors of {} numbers in all, decided on in {}",
        plan.clients,
        plan.tensors,
        plan.numbers,
        if plan.groups == 1 { "one message".into() } else { format!("{} messages", plan.groups) }
    ));
    say::result(format_args!("first pass: {}", bytes(plan.first_pass)));
    for (pass, read) in [("columns", plan.columns_pass), ("shares", plan.shares_pass)] {
        if read > 0 {
            say::result(format_args!("pass for {pass}: {}", bytes(read)));
        }
    }
    say::result(format_args!("second pass: up to {}", bytes(plan.second_pass)));
    if plan.copied > 0 {
        say::result(format_args!("to copy tensors: {}", bytes(plan.copied)));
    }
    say::result(format_args!("output: {}", bytes(plan.output)));
    say::result(format_args!(
        "memory: at least {}, --memory allows {}",
        bytes(plan.least_memory),
        bytes(options.memory as u64)
    ));
    say::result(format_args!(
        "time: some {} at {} a second, measured on the first client's file",
        crate::show::words::duration(seconds),
        bytes(rate as u64)
    ));
    Ok(())
}

fn run(
    args: &AggregateArgs,
    updates: &Updates,
    options: &Options,
    program: Option<&Progress>,
) -> Result<(), Failure> {
    let begun = Instant::now();
    let work = |progress: &Progress| {
        let summary = fl_updates::aggregate(updates, options, &args.output, progress);
        (summary, begun.elapsed().as_secs_f64())
    };
    let (summary, seconds) = if let Some(progress) = program {
        let (summary, seconds) = work(progress);
        (summary.map_err(failure)?, seconds)
    } else {
        let (signals, progress) = (Signals::catch()?, Progress::default());
        let is_stopped = || signals.is_stopped();
        let (summary, seconds) = transfer::watched(&progress, is_stopped, || work(&progress));
        let summary = summary.map_err(|e| match e {
            UpdatesError::Stopped => signals.stopped("nothing was written"),
            e => failure(e),
        })?;
        (summary, seconds)
    };
    tell(&summary);
    if program.is_none() {
        tell_rates(&summary, seconds);
    }
    if args.json {
        let text = serde_json::to_string_pretty(&diagnostics(options, &summary, seconds));
        say::result(text.context("diagnostics as JSON")?);
    }
    Ok(())
}

fn tell(summary: &Summary) {
    for group in &summary.groups {
        for out in &group.left_out {
            say::remark(format_args!(
                "{} was left out of {}: number {} of tensor {:?} is not finite",
                out.client, group.name, out.number, out.tensor
            ));
        }
        for (a, b) in &group.equal {
            say::remark(format_args!(
                "warning: {a} and {b} hold the same numbers in {}",
                group.name
            ));
        }
    }
    if let Some(AdapterReport { rank, relative_error }) = summary.adapter {
        say::remark(format_args!(
            "the adapter is of rank {rank}, and {:.3} % of the products' length is lost; its configuration needs this rank, and \
             an alpha that keeps the scale",
            100.0 * relative_error
        ));
    }
    if !summary.metadata_left_out.is_empty() {
        say::remark(format_args!(
            "metadata that are not in the output, since clients differ in them or a NumPy file has none: {}",
            summary.metadata_left_out.join(", ")
        ));
    }
}

fn tell_rates(summary: &Summary, seconds: f64) {
    let disk = match crate::host::disk_bytes() {
        Some(disk) if disk > 1 << 20 => {
            format!(
                ", of which the disk gave {} at {} a second",
                bytes(disk),
                bytes((disk as f64 / seconds) as u64)
            )
        }
        _ => String::new(),
    };
    say::remark(format_args!(
        "read {} in {}, {} a second{disk}; wrote {}",
        bytes(summary.bytes_read),
        crate::show::words::duration(seconds),
        bytes((summary.bytes_read as f64 / seconds) as u64),
        bytes(summary.bytes_written)
    ));
}

fn diagnostics(options: &Options, summary: &Summary, seconds: f64) -> Value {
    let groups: Vec<Value> = summary
        .groups
        .iter()
        .map(|group| {
            let certificate = group.certificate;
            json!({
                "name": group.name,
                "tensors": group.tensors,
                "numbers": group.numbers,
                "weights": group.weights,
                "left_out": group.left_out,
                "equal": group.equal,
                "iterations": certificate.map(|c| c.iterations),
                "relative_gap": certificate.map(|c| c.relative_gap),
                "epsilon": certificate.map(|c| c.epsilon),
            })
        })
        .collect();
    json!({
        "rule": options.description,
        "byzantine": options.byzantine,
        "clients": summary.clients,
        "groups": groups,
        "shares": summary.shares,
        "adapter": summary.adapter,
        "metadata_left_out": summary.metadata_left_out,
        "bytes_read": summary.bytes_read,
        "bytes_written": summary.bytes_written,
        "seconds": seconds,
    })
}
