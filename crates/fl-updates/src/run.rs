//! From updates to one output.

use crate::adapters;
use crate::columns::Columns;
use crate::error::UpdatesError;
use crate::layout::{Group, Per, groups};
use crate::open::Updates;
use crate::options::Options;
use crate::output::{Output, Pieces, check};
use crate::plan::{Plan, for_tiles, group_cost, shares_bytes};
use crate::progress::Progress;
use crate::report::{GroupReport, LeftOut, Share, Summary, about, weights_digest};
use fl_core::{AggregateError, Cx, Geometry, Pipeline, Scalar, Shape, Streams, in_units};
use std::path::Path;

/// Aggregates updates into a file, which appears when all of it is written.
///
/// Cost: a pass over all files that measures distances, and one over those of clients with a weight that forms the output;
/// one pass for rules that look at columns. Memory: `options.memory`, and what the program itself takes.
///
/// # Errors
/// All that is wrong with rule, output and memory before a number is read; later what went wrong with which file.
pub fn aggregate(
    updates: &Updates,
    options: &Options,
    output: &Path,
    progress: &Progress,
) -> Result<Summary, UpdatesError> {
    check(output, updates)?;
    let plan = Plan::of(updates, options)?;
    if plan.least_memory > options.memory as u64 {
        return Err(UpdatesError::Choice(format!(
            "memory: at least {} are needed for {} clients, {} are allowed",
            in_units(plan.least_memory as usize),
            plan.clients,
            in_units(options.memory)
        )));
    }
    progress.expect(plan.reads());
    let done = match updates.adapters {
        Some(how) => adapters::aggregate(updates, options, how, output, progress),
        None if updates.in_double() => run::<f64>(updates, options, output, progress),
        None => run::<f32>(updates, options, output, progress),
    };
    done.map_err(|e| match e {
        // Whoever read or wrote has ended because an end was asked for.
        UpdatesError::File(_) if progress.is_stopped() => UpdatesError::Stopped,
        e => e,
    })
}

fn run<T: Scalar>(
    updates: &Updates,
    options: &Options,
    path: &Path,
    progress: &Progress,
) -> Result<Summary, UpdatesError> {
    let groups = groups(&updates.layout, &options.per)?;
    // Weights are known at the end only; a place for their digest is kept.
    let digest = "0".repeat(64);
    let tensors = updates.layout.tensors.clone();
    let mut output = Output::begin(path, updates, tensors, &about(options, updates, &digest))?;
    progress.expect(progress.expected() + output.packed_bytes());
    output.copy(updates, progress)?;
    let mut reports = Vec::with_capacity(groups.len());
    for group in &groups {
        let columns = Columns::<T>::new(updates, group, progress);
        reports.push(run_group(&columns, updates, options, &output)?);
    }
    let shares = match options.shares {
        true => shares::<T>(updates, options, progress)?,
        false => Vec::new(),
    };
    updates.verify()?;
    let digest = weights_digest(reports.iter().flat_map(|group| group.weights.iter().flatten()));
    output.describe(&about(options, updates, &digest))?;
    let (bytes_read, bytes_written) = (progress.read(), output.bytes());
    let metadata_left_out = std::mem::take(&mut output.lost);
    output.finish(progress)?;
    Ok(Summary {
        clients: updates.names(),
        groups: reports,
        shares,
        adapter: None,
        metadata_left_out,
        bytes_read,
        bytes_written,
    })
}

fn run_group<T: Scalar>(
    columns: &Columns<'_, T>,
    updates: &Updates,
    options: &Options,
    output: &Output,
) -> Result<GroupReport, UpdatesError> {
    let group = columns.group;
    let shape = Shape { workers: updates.clients(), byzantine: options.byzantine };
    let (pre, rule) = (&options.pre, &options.rule);
    let cost = group_cost::<T>(updates, options, group.dim)?;
    let mut pipeline =
        Pipeline::<T>::without_memory(pre, rule, shape, group.dim)?.with_policy(options.non_finite);
    let streams = Streams::new(options.seed);
    let sink = Pieces { output, columns };
    let memory = for_tiles(updates, options, cost.bytes.saturating_add(cost.streaming));
    let report = pipeline
        .aggregate_from(&Cx::new(&streams, options.round), columns, &sink, memory)
        .map_err(|e| told(e, updates, group, pipeline.dropped()))?;
    let names = updates.names();
    let left_out =
        pipeline.dropped().iter().map(|&(w, column)| left_out(updates, group, w, column));
    Ok(GroupReport {
        name: group.name.clone(),
        tensors: group.pieces.len(),
        numbers: group.dim,
        weights: pipeline.weights().map(<[f64]>::to_vec),
        left_out: left_out.collect(),
        certificate: report.certificate,
        equal: equal(pipeline.geometry(), pipeline.rows(), &names),
    })
}

/// The tensor and the number behind a column.
fn left_out(updates: &Updates, group: &Group, worker: u32, column: usize) -> LeftOut {
    let at = group.pieces.partition_point(|piece| piece.0 <= column) - 1;
    let (start, place) = group.pieces[at];
    LeftOut {
        client: updates.clients[worker as usize].name(),
        tensor: updates.layout.tensors[place].name.clone(),
        number: column - start,
    }
}

/// An error in terms of files.
fn told(
    e: AggregateError,
    updates: &Updates,
    group: &Group,
    dropped: &[(u32, usize)],
) -> UpdatesError {
    match e {
        AggregateError::Source(what) => UpdatesError::File(what),
        e if dropped.is_empty() => UpdatesError::Aggregate(e),
        e => {
            let mut lines = vec![e.to_string()];
            let who = dropped.iter().map(|&(w, column)| left_out(updates, group, w, column));
            lines.extend(who.map(|out| out.to_string()));
            UpdatesError::File(lines.join("\n"))
        }
    }
}

/// Clients whose messages are equal: a client that was copied counts twice.
fn equal(geometry: Option<&Geometry>, rows: &[u32], names: &[String]) -> Vec<(String, String)> {
    let Some(geometry) = geometry else { return Vec::new() };
    let mut pairs = Vec::new();
    for (i, &a) in rows.iter().enumerate() {
        let later = rows.iter().enumerate().skip(i + 1);
        let twin =
            later.filter(|(j, _)| geometry.squared_distance(i, *j) == 0.0).map(|(_, b)| *b).next();
        if let Some(b) = twin {
            pairs.push((names[a as usize].clone(), names[b as usize].clone()));
        }
    }
    pairs
}

/// Each tensor's share of the distances, the largest first.
fn shares<T: Scalar>(
    updates: &Updates,
    options: &Options,
    progress: &Progress,
) -> Result<Vec<Share>, UpdatesError> {
    let each = groups(&updates.layout, &Per::Tensor)?;
    let (mut sums, all) = (Vec::with_capacity(each.len()), updates.dim() as f64);
    let memory = for_tiles(updates, options, shares_bytes::<T>(updates)?);
    for group in &each {
        let columns = Columns::<T>::new(updates, group, progress);
        let mut rows: Vec<u32> = (0..updates.clients() as u32).collect();
        let mut geometry = Geometry::with_capacity::<T>(rows.len(), group.dim);
        geometry
            .measure_from(&columns, &mut rows, memory)
            .map_err(|e| UpdatesError::File(e.to_string()))?;
        let pairs = (0..rows.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
        let sum: f64 =
            pairs.map(|(i, j)| geometry.distance(i, j) * geometry.unit()).map(|d| d * d).sum();
        sums.push((group, sum));
    }
    let total: f64 = sums.iter().map(|(_, sum)| sum).sum();
    let mut shares: Vec<Share> = sums
        .into_iter()
        .map(|(group, sum)| Share {
            tensor: group.name.clone(),
            numbers: group.dim as f64 / all,
            distances: if total > 0.0 { sum / total } else { 0.0 },
        })
        .collect();
    shares.sort_by(|a, b| b.distances.total_cmp(&a.distances));
    Ok(shares)
}
