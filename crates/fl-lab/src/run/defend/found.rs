//! What a search for a defence has found.

use super::evidence::{Final, RaceRecord};
use super::search::Defence;
use super::space::Untried;
use crate::file::{ConfigError, EvaluateOn, Experiment, MethodConfig};
use crate::plan::short_digest;
use fl_core::Shape;

impl Defence<'_> {
    /// The best candidate so far, with a bound of its worst case.
    pub fn best(&self) -> Option<(&str, f64, f64)> {
        let entrant = &self.race.entrants[*self.race.leaders().first()?];
        Some((&self.pipelines[entrant.pipeline].name, entrant.step, entrant.bound()))
    }

    /// W and f.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// How many pipelines, steps and attacks of the search there are, and attacks held out.
    pub fn sizes(&self) -> [usize; 4] {
        let held_out = self.attacks.len() - self.searched;
        [self.pipelines.len(), self.config.step.len(), self.searched, held_out]
    }

    /// Seeds of the search, and the rows that candidates are judged by.
    pub fn conditions(&self) -> (&[u64], EvaluateOn) {
        (&self.config.seeds, self.evaluate_on)
    }

    /// Every rung that has ended.
    pub fn records(&self) -> &[RaceRecord] {
        &self.records
    }

    /// What was not tried, and why.
    pub fn untried(&self) -> &[Untried] {
        &self.untried
    }

    /// The finalists, best first by the search alone: the first is the winner. None before they have run.
    pub fn finals(&self) -> Option<&[Final]> {
        self.finals.as_deref()
    }

    /// The winner as an experiment file.
    ///
    /// # Errors
    /// When there is no winner yet, or the experiment cannot be written out.
    pub fn winner(&self) -> Result<String, ConfigError> {
        let no = || ConfigError::plain("the search", "there is no winner yet");
        let Final { pipeline, step, .. } = self.finals().and_then(|f| f.first()).ok_or_else(no)?;
        let name = pipeline.name.clone();
        let method = MethodConfig { name, step: Some(*step), ..pipeline.method.clone() };
        let method = vec![method];
        let one = Experiment { method, tune: None, defend: None, ..self.experiment.clone() };
        toml::to_string(&one).map_err(|e| ConfigError::plain("the winner", e))
    }

    /// Twelve hexadecimal digits that stand for all that the search depends on.
    pub fn identity(&self) -> String {
        let whole = (self.experiment, &self.config);
        short_digest(&serde_json::to_string(&whole).expect("an experiment is plain data"))
    }
}
