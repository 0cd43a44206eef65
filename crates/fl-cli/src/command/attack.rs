//! `fl-cli attack`: true messages in, what Byzantine workers would send out.

use crate::host::choice::{chain, choice};
use crate::host::failure::Failure;
use crate::host::matrix::{self, Format, Matrix};
use anyhow::anyhow;
use clap::{Args as ClapArgs, ValueEnum};
use fl_core::{
    AttackContext, AttackView, Cx, Federation, Knowledge, Messages, Pipeline, Shape, SpecError,
    Streams,
};
use fl_lab::{Number, Registry};
use std::path::PathBuf;

/// An attack and the messages that it starts from.
#[derive(Debug, ClapArgs)]
pub(crate) struct AttackArgs {
    /// The attack, as NAME or NAME:KEY=VALUE,…; `fl-cli list attacks` lists them
    #[arg(long, value_name = "ATTACK")]
    pub(crate) name: String,
    /// The true messages of all workers: a .npy file of shape W×p in f32 or f64, or CSV with a message a line; - for
    /// standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) input: PathBuf,
    /// Whether the first line of a text holds names [default: it does if it has no number]
    #[arg(long, value_name = "true|false")]
    pub(crate) header: Option<bool>,
    /// Where the Byzantine workers' messages go, .npy or .csv by its name; - for standard output, in the format of the
    /// input
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(crate) output: PathBuf,
    /// Number of Byzantine workers, which are the last ones of the input
    #[arg(long, value_name = "F", default_value_t = 1)]
    pub(crate) byzantine: usize,
    /// The Byzantine workers by their rows, from 0, with commas
    #[arg(long, value_name = "W,…", value_delimiter = ',', conflicts_with = "byzantine")]
    pub(crate) workers: Option<Vec<u32>>,
    /// Write the messages of all workers, as the server receives them
    #[arg(long)]
    pub(crate) all: bool,
    /// What the adversary knows of the messages
    #[arg(long, value_enum, default_value_t = KnowledgeArg::Omniscient)]
    pub(crate) knowledge: KnowledgeArg,
    /// The rule of the server, for attacks that rehearse it, as NAME or NAME:KEY=VALUE,…
    #[arg(long, value_name = "RULE")]
    pub(crate) rule: Option<String>,
    /// A pre-aggregator before that rule; may be repeated, in order
    #[arg(long, value_name = "PRE", requires = "rule")]
    pub(crate) pre: Vec<String>,
    /// Seed of what is drawn at random
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// The round whose random draws are made
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) round: u64,
}

/// What an adversary knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum KnowledgeArg {
    /// The messages of all workers
    Omniscient,
    /// The Byzantine workers' own true messages
    Own,
}

/// Reads the messages that all workers would honestly send, lets the Byzantine ones attack, and writes what they send.
pub(crate) fn attack(args: &AttackArgs, registry: &Registry) -> Result<(), Failure> {
    // The names are looked at first: a large matrix need not be read for a misspelt one.
    registry.attack(&choice(&args.name)?)?;
    if let Some(rule) = &args.rule {
        registry.rules().make(&choice(rule)?)?;
        chain(&args.pre, registry)?;
    }
    let (messages, format) = matrix::read(&args.input, args.header).map_err(Failure::Data)?;
    match messages {
        Matrix::Single { workers, numbers } => run(args, registry, workers, &numbers, format),
        Matrix::Double { workers, numbers } => run(args, registry, workers, &numbers, format),
    }
}

fn run<T: Number>(
    args: &AttackArgs,
    registry: &Registry,
    workers: usize,
    numbers: &[T],
    format: Format,
) -> Result<(), Failure> {
    let usage = |e: SpecError| Failure::Usage(anyhow!("{e}"));
    let dim = numbers.len() / workers;
    if dim == 0 {
        return Err(Failure::Data(anyhow!("expected messages of at least 1 number, found 0")));
    }
    let federation = Federation::new(workers, &byzantine(args, workers)?).map_err(usage)?;
    let attackers = federation.byzantine();
    let defence = defence::<T>(args, registry, workers, attackers.len(), dim)?;
    let knowledge = match args.knowledge {
        KnowledgeArg::Omniscient => Knowledge::Omniscient,
        KnowledgeArg::Own => Knowledge::Own,
    };
    let mut context = AttackContext::new(&federation, dim).with_knowledge(knowledge);
    context.defence = defence.as_ref();
    let attack = T::attack(&*registry.attack(&choice(&args.name)?)?);
    let mut attack = attack.build(&context).map_err(usage)?;

    let rows: Vec<&[T]> = numbers.chunks_exact(dim).collect();
    let mut messages = Messages::from_rows(&rows);
    // As in the first round of a run, in which the server has made nothing yet.
    let previous = defence.is_some().then(|| vec![T::ZERO; dim]);
    let mut view = AttackView::new(&mut messages, &federation)
        .with_knowledge(knowledge)
        .with_defence(defence.as_ref())
        .with_previous(previous.as_deref());
    let streams = Streams::new(args.seed);
    attack.corrupt(&Cx::new(&streams, args.round), &mut view);

    let is_sent = |w: &usize| args.all || federation.is_byzantine(*w);
    let sent: Vec<&[T]> = (0..workers).filter(is_sent).map(|w| messages.row(w)).collect();
    let format = matrix::format_of(&args.output, format);
    matrix::write_output(&args.output, &matrix::rows_to_bytes(&sent, format), format)
}

/// The Byzantine workers: those that are named, or the last ones.
fn byzantine(args: &AttackArgs, workers: usize) -> Result<Vec<u32>, Failure> {
    let named = match &args.workers {
        Some(named) => named.clone(),
        None => (workers.saturating_sub(args.byzantine)..workers).map(|w| w as u32).collect(),
    };
    let count = args.workers.as_ref().map_or(args.byzantine, Vec::len);
    if count == 0 || count >= workers {
        let message = format!(
            "the number of Byzantine workers must be from 1 to {} (of {workers} messages), got {count}",
            workers.saturating_sub(1)
        );
        return Err(Failure::Usage(anyhow!(message)));
    }
    let mut once = named.clone();
    once.sort_unstable();
    once.dedup();
    if once.len() < named.len() {
        return Err(Failure::Usage(anyhow!("--workers must name every worker once")));
    }
    Ok(named)
}

/// The server that the attack may rehearse.
fn defence<T: Number>(
    args: &AttackArgs,
    registry: &Registry,
    workers: usize,
    byzantine: usize,
    dim: usize,
) -> Result<Option<Pipeline<T>>, Failure> {
    let Some(rule) = &args.rule else { return Ok(None) };
    let rule = registry.rules().make(&choice(rule)?)?;
    let pre = chain(&args.pre, registry)?;
    let server = Pipeline::<T>::build(pre, rule, Shape { workers, byzantine }, dim);
    server.map(Some).map_err(|e| Failure::Usage(anyhow!("{e}")))
}
