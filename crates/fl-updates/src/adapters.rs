//! Low-rank adapters: messages are the products BA, of which distances and sums need the factors alone.

use crate::error::UpdatesError;
use crate::format::Tensor;
use crate::layout::Per;
use crate::lowrank::{Product, add_inner, points};
use crate::open::Updates;
use crate::options::Options;
use crate::output::Output;
use crate::pairs::{Adapters, Pair};
use crate::progress::Progress;
use crate::report::{AdapterReport, GroupReport, LeftOut, Summary, about, weights_digest};
use fl_core::{
    AggregateError, Cx, Messages, Pipeline, Report, ServerCost, Shape, Streams, server_cost,
};
use nalgebra::DMatrix;
use std::path::Path;

/// What a round decided.
struct Decision {
    weights: Vec<f64>,
    report: Report,
}

/// Aggregates adapters: one pass over the factors for the distances, and one over those of clients with a weight.
pub(crate) fn aggregate(
    updates: &Updates,
    options: &Options,
    how: Adapters,
    path: &Path,
    progress: &Progress,
) -> Result<Summary, UpdatesError> {
    let (gram, left_out) = measure(updates, progress)?;
    let Decision { weights, report } = decide(updates, options, gram, &left_out)?;
    let chosen: Vec<(usize, f64)> =
        weights.iter().copied().enumerate().filter(|(_, weight)| *weight != 0.0).collect();
    let mut tensors = updates.layout.tensors.clone();
    let mut most = 0;
    for pair in &updates.pairs {
        let rank = match how {
            Adapters::Stacked => pair.rank * chosen.len().max(1),
            Adapters::Rank(rank) => rank,
        };
        most = most.max(rank);
        resize(&mut tensors[pair.a], 0, rank);
        resize(&mut tensors[pair.b], 1, rank);
    }
    let digest = weights_digest(weights.iter());
    let mut output = Output::begin(path, updates, tensors, &about(options, updates, &digest))?;
    progress.expect(progress.expected() + output.packed_bytes());
    output.copy(updates, progress)?;
    let mut lost = [0.0; 2];
    for pair in &updates.pairs {
        let (product, squares) = sum(updates, pair, &chosen, how, progress)?;
        lost.iter_mut().zip(squares).for_each(|(lost, more)| *lost += more);
        let (a, b) = product.into_rows();
        output
            .put(pair.a, 0, &a)
            .and_then(|()| output.put(pair.b, 0, &b))
            .map_err(UpdatesError::File)?;
    }
    updates.verify()?;
    let (bytes_read, bytes_written) = (progress.read(), output.bytes());
    let metadata_left_out = std::mem::take(&mut output.lost);
    output.finish(progress)?;
    let group = GroupReport {
        name: "all adapters".into(),
        tensors: 2 * updates.pairs.len(),
        numbers: updates.pairs.iter().map(|pair| pair.width * pair.height).sum(),
        weights: Some(weights),
        left_out,
        certificate: report.certificate,
        equal: Vec::new(),
    };
    let relative_error = if lost[1] > 0.0 { (lost[0] / lost[1]).sqrt() } else { 0.0 };
    Ok(Summary {
        clients: updates.names(),
        groups: vec![group],
        shares: Vec::new(),
        adapter: Some(AdapterReport { rank: most, relative_error }),
        metadata_left_out,
        bytes_read,
        bytes_written,
    })
}

/// What a choice makes impossible where files are adapters; and what the server of their distances costs.
pub(crate) fn check(updates: &Updates, options: &Options) -> Result<ServerCost, UpdatesError> {
    let refused = |what: &str| Err(UpdatesError::Choice(what.into()));
    if !matches!(options.per, Per::Whole) {
        return refused("per: adapters are decided on together");
    }
    if options.shares {
        return refused("shares: the distances of adapters are not measured by tensor");
    }
    let workers = updates.clients();
    let shape = Shape { workers, byzantine: options.byzantine };
    let cost = server_cost::<f64>(&options.pre, &*options.rule, shape, workers)?;
    match cost.geometric {
        true => Ok(cost),
        false => refused(
            "adapters: the rule looks at columns of the products BA, which are never formed; choose a rule on distances, or \
             merge each adapter into its model and aggregate the models with a base",
        ),
    }
}

/// Bytes at most beside the distances: the factors of one product of all clients, their stack, and its decomposition.
pub(crate) fn bytes(updates: &Updates) -> usize {
    let one = |pair: &Pair| {
        let rank = pair.rank.saturating_mul(updates.clients());
        let factors = rank.saturating_mul(pair.width.saturating_add(pair.height));
        factors.saturating_mul(4).saturating_add(rank.saturating_mul(rank).saturating_mul(6))
    };
    updates.pairs.iter().map(one).max().unwrap_or(0).saturating_mul(size_of::<f64>())
}

/// Bytes of the output where all clients have a weight.
pub(crate) fn most_written(updates: &Updates, how: Adapters) -> u64 {
    let tensors = &updates.layout.tensors;
    let all: u64 = tensors.iter().map(|tensor| tensor.bytes).sum();
    updates.pairs.iter().fold(all, |all, pair| {
        let rank = match how {
            Adapters::Stacked => pair.rank * updates.clients(),
            Adapters::Rank(rank) => rank,
        };
        let factors = tensors[pair.a].bytes + tensors[pair.b].bytes;
        all - factors + factors / pair.rank as u64 * rank as u64
    })
}

/// Gives an axis another length.
fn resize(tensor: &mut Tensor, axis: usize, length: usize) {
    tensor.shape[axis] = length;
    tensor.bytes = (tensor.numbers() * tensor.dtype.bits() / 8) as u64;
}

/// The factors of a client's product. `Err` has the tensor and the number of one that is not finite.
fn read(
    updates: &Updates,
    client: usize,
    pair: &Pair,
    progress: &Progress,
) -> Result<Result<Product, (usize, usize)>, UpdatesError> {
    let mut factors = [Vec::new(), Vec::new()];
    for (place, numbers) in [pair.a, pair.b].into_iter().zip(&mut factors) {
        numbers.resize(updates.layout.tensors[place].numbers(), 0.0);
        let tensor = updates.layout.places[client][place];
        updates.clients[client]
            .numbers(tensor, 0, numbers, progress)
            .map_err(UpdatesError::File)?;
        if let Some(number) = numbers.iter().position(|x: &f64| !x.is_finite()) {
            return Ok(Err((place, number)));
        }
    }
    let [a, b] = factors;
    Ok(Ok(Product::of_rows(a, &b, pair.rank)))
}

/// The inner products of all clients' products, summed over all pairs of factors; and who is left out.
fn measure(
    updates: &Updates,
    progress: &Progress,
) -> Result<(DMatrix<f64>, Vec<LeftOut>), UpdatesError> {
    let workers = updates.clients();
    let (mut gram, mut left_out) = (DMatrix::zeros(workers, workers), Vec::<LeftOut>::new());
    for pair in &updates.pairs {
        let mut products = Vec::with_capacity(workers);
        for client in 0..workers {
            match read(updates, client, pair, progress)? {
                Ok(product) => products.push(product),
                Err((place, number)) => {
                    products.push(Product::zeros(pair.height, pair.width, pair.rank));
                    let name = updates.clients[client].name();
                    if left_out.iter().all(|out| out.client != name) {
                        let tensor = updates.layout.tensors[place].name.clone();
                        left_out.push(LeftOut { client: name, tensor, number });
                    }
                }
            }
        }
        add_inner(&products, &mut gram);
    }
    Ok((gram, left_out))
}

/// The rule's weights on points that have the products' distances and norms.
fn decide(
    updates: &Updates,
    options: &Options,
    mut gram: DMatrix<f64>,
    left_out: &[LeftOut],
) -> Result<Decision, UpdatesError> {
    let workers = updates.clients();
    let lost = |w: usize| left_out.iter().any(|out| out.client == updates.clients[w].name());
    for w in (0..workers).filter(|&w| lost(w)) {
        gram.row_mut(w).fill(0.0);
        gram.column_mut(w).fill(0.0);
    }
    if !gram.iter().all(|x| x.is_finite()) {
        let what = "the products BA are too long: their squares are beyond the largest number";
        return Err(UpdatesError::File(what.into()));
    }
    let points = points(gram);
    let mut messages = Messages::<f64>::zeros(workers, workers);
    for (w, row) in messages.rows_mut().enumerate() {
        row.iter_mut().zip(points.row(w).iter()).for_each(|(to, x)| *to = *x);
        if lost(w) {
            row.fill(f64::NAN);
        }
    }
    let shape = Shape { workers, byzantine: options.byzantine };
    let mut pipeline =
        Pipeline::<f64>::without_memory(&options.pre, &options.rule, shape, workers)?
            .with_policy(options.non_finite);
    let (streams, mut out) = (Streams::new(options.seed), vec![0.0; workers]);
    let report = pipeline
        .aggregate(&Cx::new(&streams, options.round), messages.view(), &mut out)
        .map_err(|e| told(e, left_out))?;
    let weights = pipeline.weights().expect("a rule on distances").to_vec();
    Ok(Decision { weights, report })
}

fn told(e: AggregateError, left_out: &[LeftOut]) -> UpdatesError {
    match left_out.is_empty() {
        true => UpdatesError::Aggregate(e),
        false => {
            let lines = left_out.iter().map(ToString::to_string);
            UpdatesError::File(
                std::iter::once(e.to_string()).chain(lines).collect::<Vec<_>>().join("\n"),
            )
        }
    }
}

/// The weighted sum of one pair's products, of the rank that is asked for; and the squares of what is lost and of all.
fn sum(
    updates: &Updates,
    pair: &Pair,
    chosen: &[(usize, f64)],
    how: Adapters,
    progress: &Progress,
) -> Result<(Product, [f64; 2]), UpdatesError> {
    let mut terms = Vec::with_capacity(chosen.len());
    for &(client, weight) in chosen {
        match read(updates, client, pair, progress)? {
            Ok(product) => terms.push((weight, product)),
            // It was finite before.
            Err(_) => {
                updates.verify()?;
                let name = updates.clients[client].name();
                return Err(UpdatesError::File(format!("{name}: was changed while it was read")));
            }
        }
    }
    if terms.is_empty() {
        terms.push((0.0, Product::zeros(pair.height, pair.width, pair.rank)));
    }
    let stack = Product::stack(&terms);
    match how {
        Adapters::Stacked => Ok((stack, [0.0; 2])),
        Adapters::Rank(rank) => Ok(stack.nearest(rank)),
    }
}
