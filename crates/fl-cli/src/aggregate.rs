//! `fl-cli aggregate`: a matrix of messages in, one message out.

use crate::args::AggregateArgs;
use crate::failure::Failure;
use crate::matrix::{self, Format, Matrix};
use crate::{explain, say};
use anyhow::{Context, anyhow};
use fl_core::{Cx, MessagesRef, NonFinite, Pipeline, Scalar, Shape, Streams};
use fl_lab::Registry;
use serde::Serialize;
use std::io::{IsTerminal, Write};

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
    let name = args.input.display().to_string();
    let read = || matrix::parse(&matrix::bytes(&args.input)?, &name);
    // The names are looked at first: a large matrix need not be read for a misspelt one.
    registry.rules().make(&explain::choice(&args.rule)?)?;
    explain::chain(&args.pre, registry)?;
    let (messages, format) = read().map_err(Failure::Data)?;
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
    let rule = registry.rules().make(&explain::choice(&args.rule)?)?;
    let pre = explain::chain(&args.pre, registry)?;
    let policy = if args.refuse_non_finite { NonFinite::Error } else { NonFinite::Drop };
    let shape = Shape { workers, byzantine: args.byzantine };
    let usage = |e| Failure::Usage(anyhow!("{e}"));
    let mut server =
        Pipeline::<T>::build(pre, rule, shape, dim).map_err(usage)?.with_policy(policy);
    let mut out = vec![T::ZERO; dim];
    let streams = Streams::new(args.seed);
    let report = server
        .aggregate(&Cx::new(&streams, args.round), messages, &mut out)
        .map_err(|e| Failure::Data(e.into()))?;

    let to_stream = matrix::is_stream(&args.output);
    let format = match args.output.extension().and_then(|e| e.to_str()) {
        Some("npy") => Format::Npy,
        Some("csv" | "txt") => Format::Csv,
        _ => format,
    };
    let bytes = matrix::to_bytes(&out, format);
    if to_stream {
        let mut stdout = std::io::stdout();
        if format == Format::Npy && stdout.is_terminal() {
            let message =
                "a .npy array is nothing for a terminal: --output FILE writes it to a file";
            return Err(Failure::Usage(anyhow!(message)));
        }
        stdout.write_all(&bytes).context("cannot write to standard output")?;
    } else {
        fl_lab::write_whole(&args.output, &bytes)?;
    }
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
        if to_stream { say::remark(text) } else { say::result(text) }
    } else if report.dropped > 0 {
        say::remark(format_args!(
            "{} of {workers} messages were not finite and were left out",
            report.dropped
        ));
    }
    Ok(())
}
