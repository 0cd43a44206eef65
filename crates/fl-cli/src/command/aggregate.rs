//! `fl-cli aggregate`: a matrix of messages, or a file for each client, in; one message out.

use super::aggregate_args::AggregateArgs;
use super::updates;
use crate::host::choice::{chain, choice};
use crate::host::failure::Failure;
use crate::host::given;
use crate::host::matrix::{self, Format, Matrix};
use crate::host::patience::Patience;
use crate::host::say;
use crate::show::cost;
use anyhow::{Context, anyhow};
use fl_core::{Cx, MessagesRef, NonFinite, Pipeline, Scalar, Shape, Streams};
use fl_lab::Registry;
use serde::Serialize;

/// What happened, for `--json`.
#[derive(Debug, Serialize)]
struct Diagnostics<'a> {
    rule: &'a str,
    pre: &'a [String],
    /// W and p.
    workers: usize,
    dim: usize,
    /// f.
    byzantine: usize,
    /// Number type.
    precision: &'static str,
    /// Messages left out because they were not finite.
    dropped: Vec<u32>,
    /// The weight of each message in the output; null for coordinate-wise rules.
    weights: Option<&'a [f64]>,
    /// What the rule's solver certifies, if it has one.
    iterations: Option<u32>,
    relative_gap: Option<f64>,
    epsilon: Option<f64>,
}

/// Reads messages, aggregates them, writes the output and what is told about it.
pub(crate) fn aggregate(args: &AggregateArgs, registry: &Registry) -> Result<(), Failure> {
    let Some(input) = updates::matrix(args)? else {
        return updates::aggregate(args, registry, None);
    };
    // The names are looked at first: a large matrix need not be read for a misspelt one.
    registry.rules().make(&choice(&args.rule)?)?;
    given::with_draws(&args.draws, &args.pre, chain(&args.pre, registry)?)?;
    let (messages, format) = matrix::read(input, args.header).map_err(Failure::Data)?;
    match messages {
        Matrix::Single { workers, numbers } => run(args, registry, workers, &numbers, format),
        Matrix::Double { workers, numbers } => run(args, registry, workers, &numbers, format),
    }
}

fn run<T: Scalar>(
    args: &AggregateArgs,
    registry: &Registry,
    workers: usize,
    numbers: &[T],
    format: Format,
) -> Result<(), Failure> {
    let dim = numbers.len() / workers;
    let messages = MessagesRef::new(numbers, workers, dim)
        .ok_or_else(|| Failure::Data(anyhow!("{} numbers are no {workers} rows", numbers.len())))?;
    let rule = registry.rules().make(&choice(&args.rule)?)?;
    let pre = given::with_draws(&args.draws, &args.pre, chain(&args.pre, registry)?)?;
    let policy = if args.refuse_non_finite { NonFinite::Error } else { NonFinite::Drop };
    let shape = Shape { workers, byzantine: args.byzantine };
    let usage = |e| Failure::Usage(anyhow!("{e}"));
    cost::tell(cost::long_parts(&pre, &*rule, shape));
    let mut server =
        Pipeline::<T>::build(pre, rule, shape, dim).map_err(usage)?.with_policy(policy);
    let mut out = vec![T::ZERO; dim];
    let streams = Streams::new(args.seed);
    let _patience = Patience::with(format!("{} on {workers} messages", args.rule));
    let report = server
        .aggregate(&Cx::new(&streams, args.round), messages, &mut out)
        .map_err(|e| Failure::Data(e.into()))?;

    let format = matrix::format_of(&args.output, format);
    matrix::write_output(&args.output, &matrix::to_bytes(&out, format), format)?;
    if args.json {
        let rows = server.rows();
        let certificate = report.certificate;
        let diagnostics = Diagnostics {
            rule: &args.rule,
            pre: &args.pre,
            workers,
            dim,
            byzantine: args.byzantine,
            precision: T::NAME,
            dropped: (0..workers as u32).filter(|w| !rows.contains(w)).collect(),
            weights: server.weights(),
            iterations: certificate.map(|c| c.iterations),
            relative_gap: certificate.map(|c| c.relative_gap),
            epsilon: certificate.map(|c| c.epsilon),
        };
        let text = serde_json::to_string_pretty(&diagnostics).context("diagnostics as JSON")?;
        // Standard output is taken where the result itself goes there.
        if matrix::is_stream(&args.output) { say::remark(text) } else { say::result(text) }
    } else if report.dropped > 0 {
        say::remark(format_args!(
            "{} of {workers} messages were not finite and were left out",
            report.dropped
        ));
    }
    Ok(())
}
