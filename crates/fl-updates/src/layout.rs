//! How clients' tensors become messages: which are averaged, in which groups, and which are copied.

use crate::client::Client;
use crate::error::{Problem, UpdatesError};
use crate::format::Tensor;
use crate::number::Dtype;
use crate::pairs::is_factor;
use regex::Regex;
use std::collections::{HashMap, HashSet};

/// Which tensors are one message: a rule decides once for each.
#[derive(Clone, Debug, Default)]
pub enum Per {
    /// All of them: what κ is proven for.
    #[default]
    Whole,
    /// Each one.
    Tensor,
    /// Those with the same match of a pattern, of its first group if it has one; those without a match together.
    Match(Regex),
}

/// Tensors that are one message.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    /// The first column of each tensor, and its place among the reference's tensors.
    pub(crate) pieces: Vec<(usize, usize)>,
    /// Number of all columns.
    pub(crate) dim: usize,
}

/// What becomes of the tensors of the reference.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// The tensors of the output, in its order.
    pub(crate) tensors: Vec<Tensor>,
    pub(crate) averaged: Vec<usize>,
    /// Copied: from the model before, or equal in all clients.
    pub(crate) copied: Vec<usize>,
    /// Left out of the output.
    pub(crate) left_out: Vec<String>,
    /// For each client the place of each of `tensors`; then those of the model before.
    pub(crate) places: Vec<Vec<usize>>,
}

/// All differences between clients, by file and tensor; skipped tensors may differ or be absent.
pub(crate) fn layout(
    clients: &[Client],
    base: Option<&Client>,
    skip: Option<&Regex>,
    adapters: bool,
) -> Result<Layout, UpdatesError> {
    let skipped = skipped(clients, base, skip)?;
    let reference = base.unwrap_or_else(|| most_common(clients, &skipped));
    let mut problems = Vec::new();
    for client in clients.iter().chain(base).filter(|c| !std::ptr::eq(*c, reference)) {
        differences(client, reference, &skipped, &mut problems);
    }
    let (mut tensors, mut averaged, mut copied) = (Vec::new(), Vec::new(), Vec::new());
    for tensor in &reference.tensors {
        let skipped = skipped.contains(tensor.name.as_str());
        if skipped && base.is_none() {
            continue;
        }
        if !skipped {
            problems.extend(refused(reference, tensor, adapters));
        }
        match !skipped && tensor.dtype.is_averaged() && tensor.numbers() > 0 {
            true => averaged.push(tensors.len()),
            false => copied.push(tensors.len()),
        }
        tensors.push(tensor.clone());
    }
    if problems.is_empty() && averaged.is_empty() {
        problems.push(Problem::new(&reference.path, "no tensor of floating-point numbers is left"));
    }
    if !problems.is_empty() {
        return Err(UpdatesError::Problems(problems));
    }
    let mut left_out: Vec<String> = skipped
        .into_iter()
        .filter(|name| base.is_none_or(|base| base.tensor(name).is_none()))
        .map(str::to_owned)
        .collect();
    left_out.sort();
    // Nobody reads a tensor that a client has not: it is a skipped one.
    let place = |client: &Client| {
        let places = tensors.iter().map(|t| client.place(&t.name).unwrap_or(usize::MAX));
        places.collect::<Vec<_>>()
    };
    let places = clients.iter().chain(base).map(place).collect();
    Ok(Layout { tensors, averaged, copied, left_out, places })
}

/// The names of all tensors that are no part of messages.
fn skipped<'a>(
    clients: &'a [Client],
    base: Option<&'a Client>,
    skip: Option<&Regex>,
) -> Result<HashSet<&'a str>, UpdatesError> {
    let Some(skip) = skip else { return Ok(HashSet::new()) };
    let all = || clients.iter().chain(base).flat_map(|client| &client.tensors);
    let names: HashSet<&str> = all().map(|tensor| tensor.name.as_str()).collect();
    let found: HashSet<&str> = names.into_iter().filter(|name| skip.is_match(name)).collect();
    match found.is_empty() {
        true => Err(unmatched("skip", skip, all().next())),
        false => Ok(found),
    }
}

fn unmatched(option: &str, pattern: &Regex, first: Option<&Tensor>) -> UpdatesError {
    let called = first.map_or(String::new(), |t| format!("; the first one is called {:?}", t.name));
    UpdatesError::Choice(format!(
        "{option}: no tensor's name matches {:?}{called}",
        pattern.as_str()
    ))
}

/// Why a tensor cannot be aggregated.
fn refused(client: &Client, tensor: &Tensor, adapters: bool) -> Option<Problem> {
    let what = if !adapters && is_factor(&tensor.name) {
        "a factor of a low-rank adapter: the mean of A and the mean of B apart are not the mean of the products BA; \
         the option `adapters` aggregates the products"
            .to_owned()
    } else if matches!(tensor.dtype, Dtype::Other(..)) {
        format!(
            "numbers of type {} are not averaged; convert them to BF16, or skip the tensor",
            tensor.dtype
        )
    } else {
        return None;
    };
    Some(Problem::new(&client.path, format!("tensor {:?}: {what}", tensor.name)))
}

/// The client that most others are like: differences are told from it.
fn most_common<'a>(clients: &'a [Client], skipped: &HashSet<&str>) -> &'a Client {
    let signature = |client: &'a Client| {
        let mut all: Vec<_> = client
            .tensors
            .iter()
            .filter(|t| !skipped.contains(t.name.as_str()))
            .map(|t| (&t.name, &t.dtype, &t.shape))
            .collect();
        all.sort_by_key(|tensor| tensor.0);
        all
    };
    let mut counts: HashMap<_, (usize, usize)> = HashMap::new();
    for (i, client) in clients.iter().enumerate() {
        counts.entry(signature(client)).or_insert((0, i)).0 += 1;
    }
    let best = counts.values().max_by_key(|(count, first)| (*count, usize::MAX - first));
    &clients[best.map_or(0, |(_, first)| *first)]
}

fn differences(
    client: &Client,
    reference: &Client,
    skipped: &HashSet<&str>,
    problems: &mut Vec<Problem>,
) {
    let compared = |tensor: &&Tensor| !skipped.contains(tensor.name.as_str());
    let than = reference.name();
    let mut tell = |tensor: &str, what: String| {
        problems.push(Problem::new(&client.path, format!("tensor {tensor:?}: {what}")));
    };
    for expected in reference.tensors.iter().filter(compared) {
        let Some(found) = client.tensor(&expected.name) else {
            tell(&expected.name, format!("expected it as in {than}, found no such tensor"));
            continue;
        };
        if found.shape != expected.shape {
            let (found, wanted) = (&found.shape, &expected.shape);
            tell(
                &expected.name,
                format!("expected shape {wanted:?} as in {than}, found {found:?}"),
            );
        }
        if found.dtype != expected.dtype {
            let (found, wanted) = (&found.dtype, &expected.dtype);
            tell(&expected.name, format!("expected type {wanted} as in {than}, found {found}"));
        }
    }
    let found = client.tensors.iter().filter(compared);
    for found in found.filter(|t| reference.tensor(&t.name).is_none()) {
        tell(&found.name, format!("it is not in {than}"));
    }
}

/// Divides the averaged tensors into messages.
///
/// # Errors
/// When a pattern matches none of them.
pub(crate) fn groups(layout: &Layout, per: &Per) -> Result<Vec<Group>, UpdatesError> {
    let mut averaged = layout.averaged.iter().map(|&place| &layout.tensors[place]);
    if let Per::Match(pattern) = per {
        let first = averaged.clone().next();
        if !averaged.any(|tensor| pattern.is_match(&tensor.name)) {
            return Err(unmatched("per", pattern, first));
        }
    }
    let name_of = |tensor: &Tensor| match per {
        Per::Whole => "all tensors".to_owned(),
        Per::Tensor => tensor.name.clone(),
        Per::Match(pattern) => match pattern.captures(&tensor.name) {
            Some(found) => found.get(1).or(found.get(0)).map_or("", |m| m.as_str()).to_owned(),
            None => "tensors without a match".to_owned(),
        },
    };
    let mut groups: Vec<Group> = Vec::new();
    let mut by_name: HashMap<String, usize> = HashMap::new();
    for &place in &layout.averaged {
        let tensor = &layout.tensors[place];
        let at = *by_name.entry(name_of(tensor)).or_insert_with_key(|name| {
            groups.push(Group { name: name.clone(), pieces: Vec::new(), dim: 0 });
            groups.len() - 1
        });
        let group = &mut groups[at];
        group.pieces.push((group.dim, place));
        group.dim += tensor.numbers();
    }
    Ok(groups)
}
