//! Pre-aggregators with draws that are given instead of made.

use super::choice;
use super::failure::Failure;
use anyhow::anyhow;
use clap::Args as ClapArgs;
use fl_core::{Cx, Geometry, Mixing, PreAggregator, PreAggregatorSpec, Shape, SpecError};
use fl_resample::{Bucketing, Resample, average_buckets, average_picks};

/// Draws that are given instead of made, to repeat what another program did.
#[derive(Debug, ClapArgs)]
pub(crate) struct GivenDraws {
    /// The order in which --pre bucketing takes the messages, from 0: a permutation, with commas
    #[arg(long, value_name = "W,…", value_delimiter = ',')]
    pub(crate) permutation: Option<Vec<u32>>,
    /// The messages that --pre resample averages, from 0: s for each average, one average after another, with commas
    #[arg(long, value_name = "W,…", value_delimiter = ',')]
    pub(crate) picks: Option<Vec<u32>>,
}

/// The chain in which the one pre-aggregator that a flag is about has the draws of that flag.
pub(crate) fn with_draws(
    draws: &GivenDraws,
    names: &[String],
    mut chain: Vec<Box<dyn PreAggregatorSpec>>,
) -> Result<Vec<Box<dyn PreAggregatorSpec>>, Failure> {
    let usage = |message: String| Failure::Usage(anyhow!(message));
    let only = |flag: &str, wanted: &str| {
        let mut places = (0..chain.len()).filter(|&i| chain[i].name() == wanted);
        match (places.next(), places.next()) {
            (Some(place), None) => Ok(place),
            (found, _) => {
                let many = if found.is_some() { "several" } else { "none" };
                Err(usage(format!("{flag} needs one --pre {wanted}, got {many}")))
            }
        }
    };
    let mut given = Vec::new();
    if let Some(picks) = &draws.picks {
        let place = only("--picks", "resample")?;
        let settings = choice::choice::<()>(&names[place])?.settings().clone();
        let resample: Resample = settings.try_into().map_err(|e| usage(e.to_string()))?;
        given.push((place, Given { picks: picks.clone(), draws: Draws::Picks(resample) }));
    }
    if let Some(order) = &draws.permutation {
        let place = only("--permutation", "bucketing")?;
        let settings = choice::choice::<()>(&names[place])?.settings().clone();
        let bucketing: Bucketing = settings.try_into().map_err(|e| usage(e.to_string()))?;
        given.push((place, Given { picks: order.clone(), draws: Draws::Order(bucketing) }));
    }
    for (place, spec) in given {
        chain[place] = Box::new(spec);
    }
    Ok(chain)
}

/// A pre-aggregator whose draws are known.
#[derive(Clone, Debug)]
struct Given {
    picks: Vec<u32>,
    draws: Draws,
}

#[derive(Clone, Debug)]
enum Draws {
    /// s messages for each of W averages.
    Picks(Resample),
    /// The order in which buckets are filled.
    Order(Bucketing),
}

impl Given {
    fn spec(&self) -> &dyn PreAggregatorSpec {
        match &self.draws {
            Draws::Picks(resample) => resample,
            Draws::Order(bucketing) => bucketing,
        }
    }

    /// Every message as often as the pre-aggregator takes it.
    fn check(&self, workers: usize) -> Result<(), SpecError> {
        let (what, times) = match &self.draws {
            Draws::Picks(resample) => ("--picks", resample.s),
            Draws::Order(_) => ("--permutation", 1),
        };
        let (wanted, got) = (workers.saturating_mul(times), self.picks.len());
        if got != wanted {
            let allowed = match times {
                1 => format!("{wanted} numbers, one for each message"),
                _ => format!("{wanted} numbers, {times} for each of {workers} averages"),
            };
            return Err(SpecError::new(what, allowed, format!("{got} numbers")));
        }
        let mut counts = vec![0; workers];
        for &pick in &self.picks {
            match counts.get_mut(pick as usize) {
                Some(count) => *count += 1,
                None => {
                    let allowed = format!("numbers from 0 to {}", workers.saturating_sub(1));
                    return Err(SpecError::new(what, allowed, pick));
                }
            }
        }
        match counts.iter().position(|&count| count != times) {
            None => Ok(()),
            Some(w) => {
                let allowed = format!("{times} times every message");
                let got = format!("{} times message {w}", counts[w]);
                Err(SpecError::new(what, allowed, got))
            }
        }
    }
}

impl PreAggregatorSpec for Given {
    fn name(&self) -> &'static str {
        self.spec().name()
    }

    fn output(&self, shape: Shape) -> Result<Shape, SpecError> {
        let output = self.spec().output(shape)?;
        self.check(shape.workers)?;
        Ok(output)
    }

    fn nonzeros(&self, shape: Shape) -> usize {
        self.spec().nonzeros(shape)
    }

    fn build(&self, shape: Shape) -> Result<Box<dyn PreAggregator>, SpecError> {
        self.output(shape)?;
        Ok(Box::new(Run { given: self.clone(), scratch: self.picks.clone() }))
    }

    fn needs_distances(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct Run {
    given: Given,
    scratch: Vec<u32>,
}

impl PreAggregator for Run {
    fn mixing(&mut self, _: &Cx<'_>, _: usize, _: &Geometry, shape: Shape, out: &mut Mixing) {
        self.scratch.clone_from(&self.given.picks);
        match &self.given.draws {
            Draws::Picks(resample) => {
                average_picks(shape.workers, resample.s, &mut self.scratch, out);
            }
            Draws::Order(bucketing) => {
                average_buckets(bucketing.s, bucketing.rest, &mut self.scratch, out);
            }
        }
    }
}
