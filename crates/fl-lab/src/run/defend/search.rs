//! The search: which runs are asked for next, and who goes on.

use super::evidence::{Final, Met, RaceRecord};
use super::race::{Entrant, Race};
use super::space::{self, Attack, Pipeline, Untried};
use crate::check::{check_defending, check_federation, check_search};
use crate::file::{
    ConfigError, DefendConfig, EvaluateOn, Experiment, ExperimentText, Keep, MethodConfig,
};
use crate::name::Registry;
use crate::run::judge::{Ladder, Verdict, judging, rows, text, window};
use crate::store::Outcome;
use fl_core::Shape;
use fl_data::Loaded;

/// What a search asks to be run at a time.
#[derive(Debug)]
pub struct Batch {
    /// The folder that its cells belong to.
    pub folder: String,
    /// One for each attack; each is checked.
    pub experiments: Vec<(Experiment, ExperimentText)>,
}

/// A candidate that goes on: its pipeline, its step, and its worst case as far as it is known.
type Leader = (usize, f64, Option<f64>);

/// A search for a defence: asks for experiments, is told their outcomes.
///
/// ```text
/// while let Some(batch) = defence.ask()? { defence.tell(&run_all(…)?) }
/// ```
///
/// What it asks for depends on outcomes alone, so that a search that was killed asks for the same again, and finds it done.
#[derive(Debug)]
pub struct Defence<'a> {
    pub(super) experiment: &'a Experiment,
    pub(super) config: DefendConfig,
    pub(super) shape: Shape,
    pub(super) evaluate_on: EvaluateOn,
    pub(super) pipelines: Vec<Pipeline>,
    /// Those of the search first.
    pub(super) attacks: Vec<Attack>,
    pub(super) searched: usize,
    pub(super) untried: Vec<Untried>,
    pub(super) rung: u32,
    pub(super) race: Race,
    /// What was asked for last.
    pub(super) asked: Vec<(usize, usize)>,
    pub(super) batches: u64,
    /// After how many batches the search ends early.
    pub(super) cut: Option<u64>,
    /// Most finalists.
    pub(super) finalists: usize,
    pub(super) leaders: Vec<Leader>,
    pub(super) records: Vec<RaceRecord>,
    pub(super) finals: Option<Vec<Final>>,
}

impl<'a> Defence<'a> {
    /// A search by the table `[defend]`.
    ///
    /// # Errors
    /// What is wrong with that table; a federation without Byzantine workers, or with a poison, which leaves no choice of
    /// attacks; and where no pipeline or no attack of the search works in this federation.
    pub fn new(
        experiment: &'a Experiment,
        source: &ExperimentText,
        registry: &Registry,
        data: &Loaded,
    ) -> Result<Self, ConfigError> {
        let config = experiment.defend.clone().unwrap_or_default();
        check_defending(&config, source)?;
        check_search(experiment, &config, source)?;
        let (all, mut untried) = space::pipelines(experiment, &config, registry);
        let pipelines = space::that_work(experiment, all, registry, &mut untried);
        let refused = |key: &str, what: &str, untried: &[Untried]| {
            let first =
                untried.last().map_or(String::new(), |u| format!("; {}: {}", u.what, u.why));
            source.error_at(&["defend", key], format!("no {what} is left to search{first}"))
        };
        if pipelines.is_empty() {
            return Err(refused("pipelines", "pipeline", &untried));
        }
        let seeds = [&*experiment.seeds, &*config.seeds].concat();
        let [mut attacks, held_out] = [&config.attacks, &config.held_out].map(|list| {
            space::attacks((experiment, &seeds), list, &pipelines, registry, &mut untried)
        });
        if attacks.is_empty() {
            return Err(refused("attacks", "attack", &untried));
        }
        let searched = attacks.len();
        for attack in held_out {
            if attacks.contains(&attack) {
                let why = "held out, although the search has it".to_owned();
                untried.push(Untried { what: attack.name, why });
            } else {
                attacks.push(attack);
            }
        }
        untried.extend(space::not_named(&config, registry));
        let steps = |p: usize| config.step.iter().map(move |&s| Entrant::new(p, s, searched));
        let entrants = (0..pipelines.len()).flat_map(steps).collect();
        let mut defence = Self {
            experiment,
            shape: check_federation(experiment, source)?,
            evaluate_on: rows(config.evaluate_on, experiment, data)?,
            pipelines,
            attacks,
            searched,
            untried,
            rung: 0,
            race: Race::new(Vec::new(), 0, false, Vec::new()),
            asked: Vec::new(),
            batches: 0,
            cut: None,
            finalists: config.finalists,
            leaders: Vec::new(),
            records: Vec::new(),
            finals: None,
            config,
        };
        defence.begin_rung(entrants, (0..searched).collect());
        Ok(defence)
    }

    fn begin_rung(&mut self, entrants: Vec<Entrant>, order: Vec<usize>) {
        let last = self.rung + 1 >= self.config.rungs;
        let keep = (self.config.finalists as u64).saturating_mul(self.ladder().parts(self.rung));
        let keep = usize::try_from(keep).unwrap_or(usize::MAX);
        self.race = Race::new(entrants, keep, last, order);
    }

    fn ladder(&self) -> Ladder {
        let DefendConfig { rungs, keep_one_in, .. } = self.config;
        Ladder { rungs, keep_one_in }
    }

    fn rounds(&self) -> u64 {
        self.ladder().rounds(self.experiment, self.rung)
    }

    /// Seeds of this rung: each has one more.
    fn seeds(&self) -> &[u64] {
        let count = (self.rung as usize + 1).min(self.config.seeds.len());
        &self.config.seeds[..count]
    }

    /// What to run next; none when all is known.
    ///
    /// # Errors
    /// When every candidate diverged, or an experiment cannot be written out.
    pub fn ask(&mut self) -> Result<Option<Batch>, ConfigError> {
        while !self.is_final() {
            let is_cut = self.cut.is_some_and(|cut| self.batches >= cut);
            self.asked = if is_cut { Vec::new() } else { self.race.next() };
            if !self.asked.is_empty() {
                return self.batch().map(Some);
            }
            self.end_rung(is_cut)?;
        }
        match self.finals {
            Some(_) => Ok(None),
            None => {
                self.leaders.truncate(self.finalists);
                let (all, leaders) = (0..self.attacks.len(), 0..self.leaders.len());
                self.asked = leaders.flat_map(|l| all.clone().map(move |a| (l, a))).collect();
                self.batch().map(Some)
            }
        }
    }

    /// Whether the search is over, and the finalists run.
    pub fn is_final(&self) -> bool {
        self.rung >= self.config.rungs
    }

    /// Writes a rung down, and begins the next one or the finals.
    fn end_rung(&mut self, is_cut: bool) -> Result<(), ConfigError> {
        let kept = self.race.leaders();
        let (rounds, seeds) = (self.rounds(), self.seeds().to_vec());
        let names = (&*self.pipelines, &*self.attacks);
        self.records.push(RaceRecord::of(&self.race, names, (rounds, seeds), &kept));
        let leader = |&i: &usize| {
            let entrant = &self.race.entrants[i];
            let score = entrant.is_complete().then(|| entrant.bound());
            ((entrant.pipeline, entrant.step, score), entrant.is_complete())
        };
        let (whole, part): (Vec<_>, Vec<_>) =
            kept.iter().map(leader).partition(|(_, whole)| *whole);
        let before = std::mem::take(&mut self.leaders);
        self.leaders = whole.into_iter().map(|(leader, _)| leader).collect();
        if is_cut {
            // Whom the last rung could not tell apart stand as the rung before left them; who diverged in it does not.
            let fell = |(pipeline, step, _): &Leader| {
                let same = |e: &&Entrant| (e.pipeline, e.step) == (*pipeline, *step);
                self.race.entrants.iter().find(same).is_some_and(|e| e.bound() == f64::NEG_INFINITY)
            };
            self.leaders.extend(before.into_iter().filter(|leader| !fell(leader)));
            self.leaders.extend(part.into_iter().map(|(leader, _)| leader));
        }
        if self.leaders.is_empty() {
            let why = "every candidate that ran diverged; smaller steps belong into [defend] step";
            return Err(ConfigError::plain("the search", why));
        }
        self.rung = if is_cut { self.config.rungs } else { self.rung + 1 };
        if self.is_final() {
            let mut seen = std::collections::HashSet::new();
            self.leaders.retain(|(pipeline, ..)| seen.insert(*pipeline));
            return Ok(());
        }
        let mut going: Vec<(usize, f64)> = self.leaders.iter().map(|&(p, s, _)| (p, s)).collect();
        // In the order of the list, which decides ties.
        going.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let entrants = going.into_iter().map(|(p, s)| Entrant::new(p, s, self.searched)).collect();
        let order = self.race.order().to_vec();
        self.begin_rung(entrants, order);
        Ok(())
    }

    /// Who a pair's first number is: a pipeline with a step.
    fn who(&self, index: usize) -> (usize, f64) {
        match self.is_final() {
            true => (self.leaders[index].0, self.leaders[index].1),
            false => (self.race.entrants[index].pipeline, self.race.entrants[index].step),
        }
    }

    /// The experiments of what is asked for.
    fn batch(&self) -> Result<Batch, ConfigError> {
        let (folder, rounds, seeds, on) = match self.is_final() {
            true => {
                let Experiment { rounds, seeds, data, .. } = self.experiment;
                ("finals".to_owned(), *rounds, &**seeds, data.evaluate_on)
            }
            false => {
                (format!("rung-{}", self.rung + 1), self.rounds(), self.seeds(), self.evaluate_on)
            }
        };
        let mut experiments = Vec::new();
        for (index, attack) in self.attacks.iter().enumerate() {
            let here = self.asked.iter().filter(|(_, attack)| *attack == index);
            let method: Vec<MethodConfig> =
                here.map(|(who, _)| self.method(self.who(*who), rounds)).collect();
            if method.is_empty() {
                continue;
            }
            let mut one = judging(self.experiment, folder.clone(), rounds, seeds, on, method);
            if self.is_final() {
                one.evaluate_every = self.experiment.evaluate_every;
            }
            one.federation.attack = attack.choice.clone();
            // Thousands of runs, of which nobody asks for more rounds.
            one.checkpoint.keep = Keep::Nothing;
            let source = text(&one, &format!("{folder} of the search"))?;
            experiments.push((one, source));
        }
        Ok(Batch { folder, experiments })
    }

    fn method(&self, (pipeline, step): (usize, f64), rounds: u64) -> MethodConfig {
        let Pipeline { name, method } = &self.pipelines[pipeline];
        MethodConfig {
            name: format!("{name} step {step}"),
            step: Some(step),
            final_window: Some(window(self.experiment, method, rounds)),
            ..method.clone()
        }
    }

    /// What came of the batch that [`Defence::ask`] asked for.
    pub fn tell(&mut self, outcomes: &[Outcome]) {
        let verdict = |(who, attack): (usize, usize)| {
            let name = self.method(self.who(who), 1).name;
            let choice = &self.attacks[attack].choice;
            Verdict::of(outcomes.iter().filter(|o| {
                o.cell.method.name == name && o.cell.experiment.federation.attack == *choice
            }))
        };
        let verdicts: Vec<Verdict> = self.asked.iter().map(|&pair| verdict(pair)).collect();
        self.batches += 1;
        if !self.is_final() {
            for (&pair, verdict) in self.asked.iter().zip(verdicts) {
                self.race.tell(pair, verdict.score);
            }
            self.race.sort_attacks();
            return;
        }
        let mut verdicts = verdicts.into_iter();
        let finals = self.leaders.iter().map(|&(pipeline, step, score)| Final {
            pipeline: self.pipelines[pipeline].clone(),
            step,
            searched_worst: score,
            met: self
                .attacks
                .iter()
                .zip(verdicts.by_ref())
                .enumerate()
                .map(|(index, (attack, verdict))| Met {
                    attack: attack.name.clone(),
                    held_out: index >= self.searched,
                    accuracies: verdict.accuracies,
                })
                .collect(),
        });
        self.finals = Some(finals.collect());
    }

    /// Ends the search after so many batches, whatever is known then; the finalists come next.
    pub fn cut_after(&mut self, batches: u64) {
        self.cut = Some(batches);
    }

    /// Lets at most so many finalists run; at least one does.
    pub fn limit_finalists(&mut self, most: usize) {
        self.finalists = self.config.finalists.min(most.max(1));
    }

    /// Batches that were told, and the rung: from 0, and of all.
    pub fn progress(&self) -> (u64, u32, u32) {
        (self.batches, self.rung.min(self.config.rungs - 1), self.config.rungs)
    }

    /// Rounds that a finalist takes, all cells together, and how many finalists there may be.
    pub fn finals_ahead(&self) -> (u64, usize) {
        let cells = self.attacks.len() as u64 * self.experiment.seeds.len() as u64;
        (cells.saturating_mul(self.experiment.rounds), self.config.finalists)
    }
}
