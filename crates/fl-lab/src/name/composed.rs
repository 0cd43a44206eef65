//! Attacks that are made of others, as experiment files have them.

use super::any::{AnyAttack, Number};
use super::category::Composed;
use super::choice::{AttackChoice, Lookup, PreAggregatorChoice, RuleChoice};
use crate::tree::Fault;
use fl_attacks::{Guess, LineSearchMethod};
use fl_core::{AttackSpec, Parameter, ValueKind, spec};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

impl Parameter for AttackChoice {
    const KIND: ValueKind = ValueKind::Plain("name, or table with one name in it");
}

/// Several attacks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attacks(pub Vec<AttackChoice>);

impl Parameter for Attacks {
    const KIND: ValueKind = ValueKind::Plain("list of names, or of tables with one name in each");
}

/// Several pre-aggregators.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PreAggregators(pub Vec<PreAggregatorChoice>);

impl Parameter for PreAggregators {
    const KIND: ValueKind = ValueKind::Plain("list of names, or of tables with one name in each");
}

/// A rule, or none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MaybeRule(pub Option<RuleChoice>);

impl Parameter for MaybeRule {
    const KIND: ValueKind = ValueKind::Optional("name, or table with one name in it");
}

fn named(name: &str) -> AttackChoice {
    AttackChoice::named(name)
}

spec! {
    /// A mixture: the Byzantine workers, in rising order, are cut into groups, and each group plays an attack of its own.
    ///
    /// Groups act one after the other. Means and spreads are those of the regular messages, or, for an adversary that knows only
    /// its own, of the group's true messages.
    ///
    /// # Requirements
    /// An attack, and counts that sum to the number of Byzantine workers.
    ///
    /// # Cost
    /// That of all attacks.
    ///
    /// # Reference
    /// Ours.
    ///
    /// # Example
    /// ```
    /// use fl_lab::{AttackChoice, Registry};
    ///
    /// let text = "mixture = { attacks = [\"alie\", { ipm = { epsilon = 0.1 } }], counts = [2, 1] }";
    /// let choice: AttackChoice = toml::from_str(text).expect("a choice");
    /// assert!(Registry::standard().attack(&choice).is_ok());
    /// ```
    pub struct Mixture {
        /// The attacks.
        pub attacks: Attacks = Attacks(vec![named("sign-flipping"), named("gaussian")]),
        /// How many workers play each; as equal numbers as can be if left out, the first ones with one more.
        pub counts: Option<Vec<u32>> = None,
    }
}

spec! {
    /// A random choice: one of several attacks, drawn uniformly in each round and played by all Byzantine workers.
    ///
    /// # Requirements
    /// An attack.
    ///
    /// # Cost
    /// That of the attack drawn.
    ///
    /// # Randomness
    /// The choice is drawn from the stream of (`AttackChoice`, the attack's place, round).
    ///
    /// # Reference
    /// Ours.
    ///
    /// # Example
    /// ```
    /// use fl_lab::{AttackChoice, Registry};
    ///
    /// let choice: AttackChoice = toml::from_str("random = { attacks = [\"alie\", \"zero\"] }").expect("a choice");
    /// assert!(Registry::standard().attack(&choice).is_ok());
    /// ```
    pub struct Random {
        /// The attacks.
        pub attacks: Attacks = Attacks(vec![named("sign-flipping"), named("gaussian")]),
    }
}

spec! {
    /// A schedule: an attack in the rounds `from ≤ k < until`, and another one, by default none, in the others.
    ///
    /// With `on` and `off` it is played in `on` rounds after which it rests for `off`, and so on.
    ///
    /// # Requirements
    /// `from < until`; `on` and `off` both or neither, of at least one round.
    ///
    /// # Cost
    /// That of the attack played. True messages are computed in all rounds if either attack looks at them.
    ///
    /// # Reference
    /// Ours.
    ///
    /// # Example
    /// ```
    /// use fl_lab::{AttackChoice, Registry};
    ///
    /// let choice: AttackChoice = toml::from_str("scheduled = { attack = \"alie\", from = 500 }").expect("a choice");
    /// assert!(Registry::standard().attack(&choice).is_ok());
    /// ```
    pub struct Scheduled {
        /// What is played by schedule.
        pub attack: AttackChoice = named("sign-flipping"),
        /// What is played otherwise.
        pub otherwise: AttackChoice = named("none"),
        /// The first round of the attack.
        pub from: u64 = 0,
        /// The first round after it; never if left out.
        pub until: Option<u64> = None,
        /// How many rounds it is played in turn; always if left out.
        pub on: Option<u64> = None,
        /// For how many rounds it then rests.
        pub off: Option<u64> = None,
    }
}

spec! {
    /// A line search chooses an attack's strength anew in each round, so that the aggregate is as far as possible from
    /// the regular messages' mean.
    ///
    /// ```text
    /// t* = argmax_t ‖ A(regular messages, base + t · direction) − μ ‖
    /// ```
    ///
    /// A is the method's own chain and rule with the round's own draws, or what the adversary guesses it to be.
    /// For sign flipping the strength is the factor, for ALIE and ROP z, for IPM ε. For min-max and min-sum it is γ,
    /// for Fang's attack on Krum λ. For noise it is the standard deviation, for same value the value.
    /// What is sent is the best of all that were evaluated. These are the attack's own strength, both ends of the
    /// range, and a scan of it for three fifths of the budget. A refinement of the best interval follows. Between the
    /// strengths that were evaluated a distance with several peaks may hide a higher one.
    ///
    /// # Requirements
    /// An attack with a strength, a server that aggregates or a guess of one, at least one evaluation, and `from < to`.
    ///
    /// # Cost
    /// Against a defence that works on distances, a pass that measures them, and `O(W²)` an evaluation; against one that sees
    /// columns, an aggregation for each evaluation.
    ///
    /// # Elsewhere
    /// ByzFL and ByzantineMomentum aggregate in full for each evaluation, and draw other random numbers than the defence will.
    ///
    /// # Reference
    /// El-Mhamdi, Guerraoui, Rouault, *Distributed momentum for Byzantine-resilient stochastic gradient descent*, ICLR 2021.
    ///
    /// # Example
    /// ```
    /// use fl_lab::{AttackChoice, Registry};
    ///
    /// let text = "line-search = { attack = \"alie\", evaluations = 20, guess = \"mean\" }";
    /// let choice: AttackChoice = toml::from_str(text).expect("a choice");
    /// assert!(Registry::standard().attack(&choice).is_ok());
    /// ```
    pub struct LineSearch {
        /// The attack whose strength is searched.
        pub attack: AttackChoice = named("alie"),
        /// How many strengths are tried in a round.
        pub evaluations: usize = 20,
        /// How intervals are narrowed.
        pub method: LineSearchMethod = LineSearchMethod::GoldenSection,
        /// The least strength; the attack's own range if left out.
        pub from: Option<f64> = None,
        /// The largest strength; the attack's own range if left out.
        pub to: Option<f64> = None,
        /// The rule that an adversary takes the defence to be; it knows the defence if this is left out.
        pub guess: MaybeRule = MaybeRule(None),
        /// The pre-aggregators before the guessed rule.
        pub guess_pre: PreAggregators = PreAggregators(Vec::new()),
    }
}

fn all(attacks: &mut Attacks, lookup: Lookup<'_>) -> Result<Vec<Arc<dyn AnyAttack>>, Fault> {
    let numbered = attacks.0.iter_mut().enumerate();
    numbered.map(|(i, choice)| lookup.attack(choice, &["attacks", &i.to_string()])).collect()
}

/// An attack for both number types, from what makes it for either.
macro_rules! any_attack {
    ($type:ty) => {
        impl AnyAttack for $type {
            fn single(&self) -> Box<dyn AttackSpec<f32>> {
                self.of()
            }

            fn double(&self) -> Box<dyn AttackSpec<f64>> {
                self.of()
            }
        }
    };
}

#[derive(Debug)]
struct MixtureOf {
    parts: Vec<Arc<dyn AnyAttack>>,
    counts: Option<Vec<usize>>,
}

impl MixtureOf {
    fn of<T: Number>(&self) -> Box<dyn AttackSpec<T>> {
        let parts = self.parts.iter().map(|part| T::attack(&**part)).collect();
        Box::new(fl_attacks::Mixture { parts, counts: self.counts.clone() })
    }
}

any_attack!(MixtureOf);

impl Composed for Mixture {
    const NAME: &'static str = "mixture";

    fn compose(&mut self, lookup: Lookup<'_>) -> Result<Arc<dyn AnyAttack>, Fault> {
        let parts = all(&mut self.attacks, lookup)?;
        let counts = self.counts.as_ref().map(|c| c.iter().map(|&c| c as usize).collect());
        Ok(Arc::new(MixtureOf { parts, counts }))
    }
}

#[derive(Debug)]
struct RandomOf {
    parts: Vec<Arc<dyn AnyAttack>>,
}

impl RandomOf {
    fn of<T: Number>(&self) -> Box<dyn AttackSpec<T>> {
        let parts = self.parts.iter().map(|part| T::attack(&**part)).collect();
        Box::new(fl_attacks::Random { parts })
    }
}

any_attack!(RandomOf);

impl Composed for Random {
    const NAME: &'static str = "random";

    fn compose(&mut self, lookup: Lookup<'_>) -> Result<Arc<dyn AnyAttack>, Fault> {
        Ok(Arc::new(RandomOf { parts: all(&mut self.attacks, lookup)? }))
    }
}

#[derive(Debug)]
struct ScheduledOf {
    attack: Arc<dyn AnyAttack>,
    otherwise: Arc<dyn AnyAttack>,
    from: u64,
    until: Option<u64>,
    /// Where only one of the two is given the other is 0, which is refused in its own name.
    alternate: Option<(u64, u64)>,
}

impl ScheduledOf {
    fn of<T: Number>(&self) -> Box<dyn AttackSpec<T>> {
        let Self { from, until, alternate, .. } = *self;
        let (attack, otherwise) = (T::attack(&*self.attack), T::attack(&*self.otherwise));
        Box::new(fl_attacks::Scheduled { attack, otherwise, from, until, alternate })
    }
}

any_attack!(ScheduledOf);

impl Composed for Scheduled {
    const NAME: &'static str = "scheduled";

    fn compose(&mut self, lookup: Lookup<'_>) -> Result<Arc<dyn AnyAttack>, Fault> {
        let attack = lookup.attack(&mut self.attack, &["attack"])?;
        let otherwise = lookup.attack(&mut self.otherwise, &["otherwise"])?;
        let alternate = match (self.on, self.off) {
            (None, None) => None,
            (on, off) => Some((on.unwrap_or(0), off.unwrap_or(0))),
        };
        let Self { from, until, .. } = *self;
        Ok(Arc::new(ScheduledOf { attack, otherwise, from, until, alternate }))
    }
}

#[derive(Debug)]
struct LineSearchOf {
    attack: Arc<dyn AnyAttack>,
    spec: LineSearch,
    guess: Option<Guess>,
}

impl LineSearchOf {
    fn of<T: Number>(&self) -> Box<dyn AttackSpec<T>> {
        let LineSearch { evaluations, method, from, to, .. } = self.spec;
        let (attack, guess) = (T::attack(&*self.attack), self.guess.clone());
        Box::new(fl_attacks::LineSearch { attack, evaluations, method, from, to, guess })
    }
}

any_attack!(LineSearchOf);

impl Composed for LineSearch {
    const NAME: &'static str = "line-search";

    fn compose(&mut self, lookup: Lookup<'_>) -> Result<Arc<dyn AnyAttack>, Fault> {
        let attack = lookup.attack(&mut self.attack, &["attack"])?;
        let mut pre = Vec::new();
        for (i, choice) in self.guess_pre.0.iter_mut().enumerate() {
            let key = ["guess-pre", &i.to_string()];
            pre.push(Arc::from(lookup.pre_aggregator(choice, &key)?));
        }
        let guess = match &mut self.guess.0 {
            Some(rule) => Some(Guess { pre, rule: Arc::from(lookup.rule(rule, &["guess"])?) }),
            None if !pre.is_empty() => {
                let message = "guess-pre stands before a guessed rule, and guess is left out";
                let error = lookup.error(&["guess-pre"], message);
                return Err(error.with_help("for example guess = \"geometric-median\""));
            }
            None => None,
        };
        Ok(Arc::new(LineSearchOf { attack, spec: self.clone(), guess }))
    }
}
