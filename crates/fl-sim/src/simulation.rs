//! The round: the sentence that everything else serves.

use crate::adversary::Adversary;
use crate::error::SimError;
use crate::protocol::{Decision, Protocol};
use crate::roster::Roster;
use crate::setup::Setup;
use crate::view::{RoundView, View};
use crate::workers::{Lessons, Workers};
use fl_core::{AlignedVec, Cx, Messages, Part, Role, Scalar, Shape, SpecError, Streams, Visit};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A federation in motion.
#[derive(Debug)]
pub struct Simulation<'a, T: Scalar> {
    roster: Roster,
    workers: Workers<'a, T>,
    adversary: Adversary<T>,
    protocol: Protocol<T>,
    streams: Streams,
    params: AlignedVec<T>,
    messages: Messages<T>,
    round: u64,
    /// Rounds so far in which the model stayed as it was.
    skipped: u64,
}

impl<'a, T: Scalar> Simulation<'a, T> {
    /// Checks everything and makes all memory; the estimators' tables are filled at x⁰.
    ///
    /// The number of threads is that of the rayon pool this is called in; it changes no result.
    ///
    /// # Errors
    /// Whatever cannot work, before round 0, in its own words.
    pub fn new(setup: Setup<'a, T>) -> Result<Self, SpecError> {
        setup.check()?;
        let Setup { train, samples, federation, objective, .. } = setup;
        let dim = objective.dim();
        let streams = Streams::new(setup.seed);
        let mut params = AlignedVec::zeros(dim);
        objective.initialise(&mut streams.at(Role::Initialise, 0, 0), &mut params);
        let count = federation.workers();
        let shape = Shape { workers: count, byzantine: federation.byzantine().len() };
        let protocol =
            Protocol::new(setup.protocol, &params, shape, setup.step, setup.server_step)?;
        if let (Some(participation), Some((server, _))) = (setup.participation, protocol.server()) {
            server.check(participation.drawn_of(shape))?;
        }
        let adversary =
            Adversary::new(&*setup.attack, &federation, setup.knowledge, &protocol, dim)?;
        let needs_all = adversary.needs_true_messages()
            || protocol.needs_true_messages()
            || setup.rotation.is_some()
            || setup.participation.is_some_and(|p| p.may_lose_all_regular(shape));
        let misled = (0..count).map(|w| federation.is_byzantine(w)).collect();
        let byzantine = setup.byzantine_data;
        let lessons = Lessons { train, samples, objective, byzantine, misled };
        let mut workers = Workers::new(lessons, &*setup.estimator, &federation, needs_all)?;
        let mut messages = Messages::zeros(count, dim);
        workers.start(&params, &mut messages);
        let roster = Roster::new(federation, setup.rotation, setup.participation);
        Ok(Self {
            roster,
            workers,
            adversary,
            protocol,
            streams,
            params,
            messages,
            round: 0,
            skipped: 0,
        })
    }

    /// Lets a flag end even a round on its way, with [`SimError::Interrupted`]. What the simulation holds then is of no
    /// use: a checkpoint of an earlier round is.
    #[must_use]
    pub fn interrupted_by(self, flag: Arc<AtomicBool>) -> Self {
        Self { streams: self.streams.interrupted_by(flag), ..self }
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
        mut observer: impl FnMut(&RoundView<'_, T>, &View<'_, 'a, T>) -> Result<(), SimError>,
    ) -> Result<(), SimError> {
        while self.round < rounds {
            let cx = Cx::new(&self.streams, self.round);
            // Rotation and participation: who is Byzantine in this round, and who takes part.
            let who = self.roster.call(&cx);
            self.protocol.send(&cx, &who, &mut self.workers, &self.params, &mut self.messages);
            self.adversary.corrupt(&cx, &who, &self.protocol, &mut self.messages);
            let decision = self.protocol.decide(&cx, &who, &self.messages, &self.params)?;
            self.skipped += u64::from(matches!(decision, Decision::Skipped));
            let (sent, made) = ((&*self.params, &self.messages), (&self.protocol, &decision));
            let view = View { workers: &self.workers, federation: who.everybody };
            observer(&RoundView::new(&cx, &who, sent, made, self.skipped), &view)?;
            self.workers.hear(self.protocol.output(&decision), &self.params);
            self.protocol.step(&cx, &decision, &mut self.params, &self.messages);
            self.round += 1;
        }
        Ok(())
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
        self.roster.is_partial().then_some(self.skipped)
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
        self.protocol.state(self.adversary.looks_back(), visit);
        self.roster.state(&self.streams, visit);
        if self.roster.is_partial() {
            visit("skipped", Part::Count(&mut self.skipped));
        }
        self.adversary.state(visit);
    }

    /// The workers as an observer sees them.
    pub fn view(&self) -> View<'_, 'a, T> {
        View { workers: &self.workers, federation: self.roster.federation() }
    }

    /// Bytes that the estimators keep between rounds.
    pub fn estimator_memory(&self) -> usize {
        self.workers.estimators.iter().map(|e| e.memory()).sum()
    }
}
