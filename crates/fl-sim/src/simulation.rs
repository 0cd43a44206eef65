//! The round: the sentence that everything else serves.

use crate::SimError;
use crate::config::{RsaConfig, RsaDecay, RsaOrder};
use crate::participation::{Attendance, Participation};
use crate::protocol::{Gradient, Protocol, Rsa};
use crate::workers::{Lesson, Workers};
use fl_core::{
    AggregateError, AlignedVec, Attack, AttackSpec, Cx, Dataset, EstimatorSpec, Federation,
    Knowledge, Messages, Objective, Part, Pipeline, PreAggregatorSpec, Report, Role, RuleSpec,
    Scalar, Shape, Sight, Site, SpecError, Streams, Visit, Workspace, streams,
};

/// What central node and workers do with each other.
#[derive(Debug)]
pub enum ProtocolSpec {
    /// Workers send gradient estimates, which the central node aggregates and steps along (Algorithm 2).
    Gradient {
        /// The chain of pre-aggregators, in order.
        pre: Vec<Box<dyn PreAggregatorSpec>>,
        /// The rule behind it.
        rule: Box<dyn RuleSpec>,
    },
    /// Workers send models, towards and away from which everybody steps (RSA, Section V-A).
    Rsa {
        /// λ, the weight of the penalty.
        lambda: f64,
    },
    /// RSA in another order, or with a step that shrinks.
    RsaVariant(RsaConfig),
}

/// Everything that a run is made of, as trait objects: a program may bring its own.
#[derive(Debug)]
pub struct Setup<'a, T> {
    /// What workers learn from.
    pub train: &'a Dataset,
    /// The rows of `train` that each worker holds.
    pub samples: Vec<&'a [u32]>,
    /// Who is Byzantine; for a start, if there is a rotation.
    pub federation: Federation,
    /// What the adversary knows.
    pub knowledge: Knowledge,
    /// When others become Byzantine.
    pub rotation: Option<Rotation>,
    /// Who takes part in which rounds; everybody in all if left out.
    pub participation: Option<Participation>,
    /// What Byzantine workers learn, where that is something else than their rows of `train`; `samples` then has, for
    /// each of them, rows of its data.
    pub lesson: Option<Lesson<'a, T>>,
    /// The model.
    pub objective: Box<dyn Objective<T>>,
    /// The workers' gradient estimator.
    pub estimator: Box<dyn EstimatorSpec<T>>,
    /// What is sent and what is done with it.
    pub protocol: ProtocolSpec,
    /// What Byzantine workers send.
    pub attack: Box<dyn AttackSpec<T>>,
    /// γ.
    pub step: f64,
    /// The seed of all random streams.
    pub seed: u64,
}

/// A different set of Byzantine workers each epoch, as many as there were: epoch e, the rounds from `e · every` on, has
/// those that the stream of (`Byzantine`, 0, e) draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Rounds of an epoch.
    pub every: u64,
}

/// One round, as an observer sees it: after aggregation, before the step.
#[derive(Debug)]
pub struct Moment<'a, T> {
    /// k.
    pub round: u64,
    /// x^k.
    pub params: &'a [T],
    /// Whose messages arrived, and who is who among them: everybody, unless part of the workers take part.
    pub arrived: &'a Federation,
    /// What was sent; the rows of absent workers hold NaN.
    pub messages: &'a Messages<T>,
    /// The aggregated direction; `None` for RSA, which has none, and where the round is skipped.
    pub direction: Option<&'a [T]>,
    /// What the server reports; `None` for RSA, and where the round is skipped.
    pub report: Option<&'a Report>,
    /// The server; `None` for RSA, and where the round is skipped.
    pub server: Option<&'a Pipeline<T>>,
    /// Rounds so far, this one included, in which too few took part for the model to move; `None` where all take part.
    pub skipped: Option<u64>,
}

/// A federation in motion.
#[derive(Debug)]
pub struct Simulation<'a, T: Scalar> {
    workers: Workers<'a, T>,
    federation: Federation,
    knowledge: Knowledge,
    rotation: Option<Rotation>,
    attendance: Option<Attendance>,
    /// The epoch that the federation is that of, and whom the rotation has drawn for it.
    epoch: Option<u64>,
    byzantine: Vec<u32>,
    attack: Box<dyn Attack<T>>,
    protocol: Protocol<T>,
    streams: Streams,
    params: AlignedVec<T>,
    messages: Messages<T>,
    round: u64,
}

impl<'a, T: Scalar> Simulation<'a, T> {
    /// Checks everything and makes all memory; the estimators' tables are filled at x⁰.
    ///
    /// The number of threads is that of the rayon pool this is called in; it changes no result.
    ///
    /// # Errors
    /// Whatever cannot work, before round 0, in its own words.
    pub fn new(setup: Setup<'a, T>) -> Result<Self, SpecError> {
        let Setup {
            train,
            samples,
            federation,
            knowledge,
            rotation,
            participation,
            lesson,
            objective,
            estimator,
            protocol,
            attack,
            step,
            seed,
        } = setup;
        let count = federation.workers();
        if samples.len() != count {
            return Err(SpecError::new(
                "the partition",
                format!("for {count} workers"),
                samples.len(),
            ));
        }
        if !(step > 0.0 && step.is_finite()) {
            return Err(SpecError::new("step", "a positive number", step));
        }
        if rotation.is_some_and(|rotation| rotation.every == 0) {
            return Err(SpecError::new("rotation: every", "at least 1 round", 0));
        }
        if rotation.is_some() && lesson.is_some() {
            let allowed = "with the same Byzantine workers in all rounds";
            return Err(SpecError::new("a poison", allowed, "a rotation"));
        }
        if let Some(participation) = &participation {
            participation.check(count)?;
        }
        let dim = objective.dim();
        let streams = Streams::new(seed);
        let mut params = AlignedVec::zeros(dim);
        objective.initialise(&mut streams.at(Role::Initialise, 0, 0), &mut params);
        let shape = Shape { workers: count, byzantine: federation.byzantine().len() };
        let protocol = match protocol {
            ProtocolSpec::Gradient { pre, rule } => Protocol::Gradient(Gradient {
                server: Pipeline::<T>::build(pre, rule, shape, dim)?,
                direction: AlignedVec::zeros(dim),
                step,
            }),
            ProtocolSpec::Rsa { lambda } => {
                let (order, decay) = (RsaOrder::default(), RsaDecay::default());
                rsa(RsaConfig { lambda, order, decay }, &params, count, step)?
            }
            ProtocolSpec::RsaVariant(variant) => rsa(variant, &params, count, step)?,
        };
        if let (Some(participation), (Some(server), _)) = (&participation, protocol.result()) {
            server.check(smallest(participation, shape))?;
        }
        let mut site = Site::new(&federation, dim).with_knowledge(knowledge);
        site.defence = protocol.result().0;
        let attack = attack.build(&site)?;
        let threads = rayon::current_num_threads();
        let per = count.div_ceil(threads);
        let workspace = || Workspace::new(&*objective, train, estimator.capacity().max(1));
        let workspaces = (0..count.div_ceil(per)).map(|_| workspace()).collect();
        // In RSA Byzantine workers keep honest models, whatever they send.
        let needs_all = attack.needs_true_messages()
            || rotation.is_some()
            || participation.is_some_and(|p| p.may_lose_all(count, shape.byzantine))
            || matches!(protocol, Protocol::Rsa(_));
        let active = (0..count).map(|w| needs_all || !federation.is_byzantine(w)).collect();
        let misled = (0..count).map(|w| federation.is_byzantine(w)).collect();
        let estimators = Vec::new();
        let mut workers = Workers {
            train,
            samples,
            objective,
            lesson,
            misled,
            estimators,
            workspaces,
            per,
            active,
            here: vec![true; count],
        };
        workers.estimators =
            (0..count).map(|w| estimator.build(&workers.local(w))).collect::<Result<_, _>>()?;
        let mut messages = Messages::zeros(count, dim);
        workers.each(None, &mut messages, |turn| {
            turn.estimator.start(&turn.local, &params, turn.work)
        });
        let byzantine = federation.byzantine().to_vec();
        let attendance = participation.map(|p| Attendance::new(p, &federation));
        Ok(Self {
            workers,
            federation,
            knowledge,
            rotation,
            attendance,
            epoch: None,
            byzantine,
            attack,
            protocol,
            streams,
            params,
            messages,
            round: 0,
        })
    }

    /// Runs rounds until `rounds` have been done, showing each to `observer` between aggregation and step.
    ///
    /// After `new` a round allocates nothing (what the observer does is its own affair).
    ///
    /// # Errors
    /// When a message of a regular worker is not finite (the run has diverged), when the server cannot aggregate, or
    /// when the observer fails.
    pub fn run(
        &mut self,
        rounds: u64,
        mut observer: impl FnMut(&Moment<'_, T>, &mut View<'_, 'a, T>) -> Result<(), SimError>,
    ) -> Result<(), SimError> {
        while self.round < rounds {
            self.rotate();
            let cx = Cx::new(&self.streams, self.round);
            if let Some(attendance) = &mut self.attendance {
                attendance.call(&cx, &self.federation, &mut self.workers.here);
            }
            self.protocol.messages(&cx, &mut self.workers, &self.params, &mut self.messages);
            let (arrived, present) = match &self.attendance {
                Some(attendance) => (&attendance.arrived, Some(&*attendance.present)),
                None => (&self.federation, None),
            };
            // What did not arrive must not be taken for a message; for RSA's server a NaN has no sign.
            for w in (0..self.workers.here.len()).filter(|&w| !self.workers.here[w]) {
                self.messages.row_mut(w).fill(T::from_f64(f64::NAN));
            }
            let (server, previous) = self.protocol.result();
            let mut sight = Sight::new(&mut self.messages, arrived)
                .with_knowledge(self.knowledge)
                .with_defence(server)
                .with_previous(previous);
            // An attack is in no round to which none of its own comes.
            if present.is_none() || !arrived.byzantine().is_empty() {
                self.attack.corrupt(&cx, &mut sight);
            }
            let all = self.federation.workers();
            let aggregated =
                self.protocol.aggregate(&cx, &self.messages, (arrived, present), &self.params);
            let (report, skips) = match aggregated {
                Err(SimError::Aggregate(
                    AggregateError::TooFew { .. } | AggregateError::Missing { .. },
                )) if present.is_some_and(|present| present.len() < all) => (None, true),
                aggregated => (aggregated?, present.is_some_and(<[u32]>::is_empty)),
            };
            if skips {
                self.protocol.skip();
            }
            if let Some(attendance) = &mut self.attendance {
                attendance.skipped += u64::from(skips);
            }
            let (server, direction) = if skips { (None, None) } else { self.protocol.result() };
            let moment = Moment {
                round: self.round,
                params: &self.params,
                arrived: self.attendance.as_ref().map_or(&self.federation, |a| &a.arrived),
                messages: &self.messages,
                direction,
                report: report.as_ref(),
                server,
                skipped: self.attendance.as_ref().map(|a| a.skipped),
            };
            let mut view = View { workers: &mut self.workers, federation: &self.federation };
            observer(&moment, &mut view)?;
            if !skips {
                self.protocol.step(&mut self.params, &self.messages);
            }
            self.round += 1;
        }
        Ok(())
    }

    /// Makes others Byzantine where an epoch begins.
    fn rotate(&mut self) {
        let Some(rotation) = self.rotation else { return };
        let epoch = self.round / rotation.every;
        // Not only at an epoch's first round: a run may begin in the middle of one.
        if self.epoch != Some(epoch) {
            self.rotate_to(epoch);
        }
    }

    fn rotate_to(&mut self, epoch: u64) {
        self.epoch = Some(epoch);
        let mut rng = self.streams.at(Role::Byzantine, 0, epoch);
        streams::distinct(&mut rng, self.federation.workers() as u32, &mut self.byzantine);
        self.federation.replace(&self.byzantine);
    }

    /// x^k.
    pub fn params(&self) -> &[T] {
        &self.params
    }

    /// k, the rounds done.
    pub fn round(&self) -> u64 {
        self.round
    }

    /// Rounds so far in which too few took part for the model to move; `None` where all take part.
    pub fn skipped(&self) -> Option<u64> {
        self.attendance.as_ref().map(|attendance| attendance.skipped)
    }

    /// Shows everything that later rounds depend on, part by part and in a fixed order: the round, the parameters, each
    /// worker's estimator, and what protocol and attack keep. A checkpoint is a copy of these parts; written over those of a
    /// simulation from the same setup, they let it go on where this one was, to the same bits.
    ///
    /// Draws have addresses, so there is no random state among them.
    pub fn state(&mut self, visit: &mut Visit<'_, T>) {
        visit("round", Part::Count(&mut self.round));
        visit("params", Part::Vector(&mut self.params));
        for (w, estimator) in self.workers.estimators.iter_mut().enumerate() {
            estimator.state(&mut |name, part| visit(&format!("worker.{w}.{name}"), part));
        }
        self.protocol.state(visit);
        if self.attack.looks_back() {
            self.protocol.direction(visit);
        }
        if self.rotation.is_some() {
            // What is measured after the last round is about those who were regular in it.
            let mut begun = self.epoch.map_or(0, |epoch| epoch + 1);
            visit("epochs", Part::Count(&mut begun));
            if begun > 0 {
                self.rotate_to(begun - 1);
            }
        }
        if let Some(attendance) = &mut self.attendance {
            visit("skipped", Part::Count(&mut attendance.skipped));
        }
        self.attack.state(&mut |name, part| visit(&format!("attack.{name}"), part));
    }

    /// The workers as an observer sees them.
    pub fn view(&mut self) -> View<'_, 'a, T> {
        View { workers: &mut self.workers, federation: &self.federation }
    }

    /// Bytes that the estimators keep between rounds.
    pub fn estimator_memory(&self) -> usize {
        self.workers.estimators.iter().map(|e| e.memory()).sum()
    }
}

/// The workers, for observers that measure them.
#[derive(Debug)]
pub struct View<'v, 'a, T: Scalar> {
    pub(crate) workers: &'v mut Workers<'a, T>,
    /// Who is Byzantine.
    pub federation: &'v Federation,
}

impl<T: Scalar> View<'_, '_, T> {
    /// The model.
    pub fn objective(&self) -> &dyn Objective<T> {
        &*self.workers.objective
    }

    /// What workers learn from.
    pub fn train(&self) -> &Dataset {
        self.workers.train
    }

    /// The rows that worker `w` holds.
    pub fn samples(&self, w: usize) -> &[u32] {
        self.workers.samples[w]
    }
}

/// What a round has at least, if nobody drops out.
pub(crate) fn smallest(participation: &Participation, shape: Shape) -> Shape {
    let workers = participation.drawn(shape.workers);
    match workers < shape.workers {
        true => Shape { workers, byzantine: shape.byzantine.min(workers.saturating_sub(1)) },
        false => shape,
    }
}

fn rsa<T: Scalar>(
    variant: RsaConfig,
    params: &[T],
    workers: usize,
    step: f64,
) -> Result<Protocol<T>, SpecError> {
    let lambda = variant.lambda;
    if !(lambda > 0.0 && lambda.is_finite()) {
        return Err(SpecError::new("protocol.rsa.lambda", "a positive number", lambda));
    }
    Ok(Protocol::Rsa(Rsa::new(params, workers, step, variant)))
}
