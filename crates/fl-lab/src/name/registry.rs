//! What an experiment file can name: rules, pre-aggregators, attacks, estimators and models, each with its documentation.
//!
//! The command line's help, the names in experiment files and the checks of settings all come from here, and a program of
//! your own can add to it.

use super::any::{AnyAttack, AnyEstimator, AnyModel};
use super::category::{Category, Composed, Foreign};
use super::choice::{AttackChoice, ChoiceError, LookUp, Lookup, PreAggregatorChoice, RuleChoice};
use super::documented::Documented;
use crate::tree::Fault;
use fl_core::{
    AttackSpec, DecoratorSpec, EstimatorSpec, ModelSpec, PartVisitor, PoisonSpec,
    PreAggregatorSpec, Registrable, RuleSpec,
};
use std::sync::Arc;

/// Everything that an experiment file can name.
///
/// ```
/// use fl_lab::Registry;
///
/// let registry = Registry::standard();
/// let krum = registry.rules().find("krum").expect("a rule that everybody knows");
/// assert!(krum.doc().summary().starts_with("Krum"));
/// ```
///
/// Your own rules are added by their type, which `fl_core::spec!` declares:
///
/// ```
/// let registry = fl_lab::Registry::empty().with_rule::<fl_agg::Krum>();
/// assert!(registry.rules().find("krum").is_some());
/// ```
#[derive(Clone, Debug)]
pub struct Registry {
    rules: Category<Box<dyn RuleSpec>>,
    pre: Category<Box<dyn PreAggregatorSpec>>,
    attacks: Category<Arc<dyn AnyAttack>>,
    poisons: Category<Box<dyn PoisonSpec>>,
    estimators: Category<Box<dyn AnyEstimator>>,
    models: Category<Box<dyn AnyModel>>,
    documented: Vec<Documented>,
}

impl Registry {
    /// Nothing at all.
    pub fn empty() -> Self {
        Self {
            rules: Category::new("rule"),
            pre: Category::new("pre-aggregator"),
            attacks: Category::new("attack"),
            poisons: Category::new("poison"),
            estimators: Category::new("estimator"),
            models: Category::new("model"),
            documented: Vec::new(),
        }
    }

    /// Adds a rule, or replaces the one of the same name.
    #[must_use]
    pub fn with_rule<R: RuleSpec + Registrable>(mut self) -> Self {
        PartVisitor::rule::<R>(&mut self);
        self
    }

    /// Adds a rule that has no Rust type, as one in another language, or replaces the one of the same name.
    #[must_use]
    pub fn with_foreign_rule(mut self, rule: Foreign<Box<dyn RuleSpec>>) -> Self {
        self.rules.add_foreign(rule);
        self
    }

    /// Adds an attack that has no Rust type, or replaces the one of the same name.
    #[must_use]
    pub fn with_foreign_attack(mut self, attack: Foreign<Arc<dyn AnyAttack>>) -> Self {
        self.attacks.add_foreign(attack);
        self
    }

    /// Adds a pre-aggregator, or replaces the one of the same name.
    #[must_use]
    pub fn with_pre_aggregator<P: PreAggregatorSpec + Registrable>(mut self) -> Self {
        PartVisitor::pre_aggregator::<P>(&mut self);
        self
    }

    /// Adds an attack, or replaces the one of the same name.
    #[must_use]
    pub fn with_attack<A: AttackSpec<f32> + AttackSpec<f64> + Registrable>(mut self) -> Self {
        PartVisitor::attack::<A>(&mut self);
        self
    }

    /// Adds an attack on data, or replaces the one of the same name.
    #[must_use]
    pub fn with_poison<P: PoisonSpec + Registrable>(mut self) -> Self {
        PartVisitor::poison::<P>(&mut self);
        self
    }

    /// Adds an attack that is made of others, or replaces the one of the same name.
    #[must_use]
    pub fn with_composed<C: Composed>(mut self) -> Self {
        self.attacks.add_composed::<C>();
        self
    }

    /// Adds what is documented and no choice.
    pub(super) fn with_documented(mut self, documented: Vec<Documented>) -> Self {
        self.documented.extend(documented);
        self
    }

    /// What a choice of an attack stands for, also where it is made of others.
    ///
    /// # Errors
    /// As [`Category::make`].
    pub fn attack(&self, choice: &AttackChoice) -> Result<Arc<dyn AnyAttack>, ChoiceError> {
        self.attacks.make_with(choice, Lookup::of(self))
    }

    /// Adds a workers' gradient estimator, or replaces the one of the same name. A setting `batch` is filled from the
    /// experiment's batch size.
    #[must_use]
    pub fn with_estimator<E: EstimatorSpec<f32> + EstimatorSpec<f64> + Registrable>(
        mut self,
    ) -> Self {
        PartVisitor::estimator::<E>(&mut self);
        self
    }

    /// Adds a model, or replaces the one of the same name.
    #[must_use]
    pub fn with_model<M: ModelSpec<f32> + ModelSpec<f64> + Registrable>(mut self) -> Self {
        PartVisitor::model::<M>(&mut self);
        self
    }

    /// The aggregation rules.
    pub fn rules(&self) -> &Category<Box<dyn RuleSpec>> {
        &self.rules
    }

    /// The pre-aggregators.
    pub fn pre_aggregators(&self) -> &Category<Box<dyn PreAggregatorSpec>> {
        &self.pre
    }

    /// The attacks.
    pub fn attacks(&self) -> &Category<Arc<dyn AnyAttack>> {
        &self.attacks
    }

    /// The attacks on data.
    pub fn poisons(&self) -> &Category<Box<dyn PoisonSpec>> {
        &self.poisons
    }

    /// The workers' gradient estimators.
    pub fn estimators(&self) -> &Category<Box<dyn AnyEstimator>> {
        &self.estimators
    }

    /// What files name by keys of their own: protocols, partitions, decorators, scalings and data sets.
    pub fn documented(&self) -> &[Documented] {
        &self.documented
    }

    /// The models.
    pub fn models(&self) -> &Category<Box<dyn AnyModel>> {
        &self.models
    }
}

impl PartVisitor for Registry {
    fn rule<R: RuleSpec + Registrable>(&mut self) {
        self.rules.add::<R>(R::default().name(), |spec| Box::new(spec));
    }

    fn pre_aggregator<P: PreAggregatorSpec + Registrable>(&mut self) {
        self.pre.add::<P>(P::default().name(), |spec| Box::new(spec));
    }

    fn attack<A: AttackSpec<f32> + AttackSpec<f64> + Registrable>(&mut self) {
        let name = AttackSpec::<f32>::name(&A::default());
        self.attacks.add::<A>(name, |spec| Arc::new(spec));
    }

    fn poison<P: PoisonSpec + Registrable>(&mut self) {
        self.poisons.add::<P>(P::default().name(), |spec| Box::new(spec));
    }

    fn estimator<E: EstimatorSpec<f32> + EstimatorSpec<f64> + Registrable>(&mut self) {
        let name = EstimatorSpec::<f32>::name(&E::default());
        self.estimators.add::<E>(name, |spec| Box::new(spec));
    }

    fn decorator<D: DecoratorSpec<f32> + DecoratorSpec<f64> + Registrable>(&mut self) {
        self.documented.push(Documented::decorator::<D>());
    }

    fn model<M: ModelSpec<f32> + ModelSpec<f64> + Registrable>(&mut self) {
        let name = ModelSpec::<f32>::name(&M::default());
        self.models.add::<M>(name, |spec| Box::new(spec));
    }
}

impl<'a> Lookup<'a> {
    /// In this registry.
    pub fn of(registry: &'a Registry) -> Self {
        Self { names: Some(registry) }
    }
}

impl LookUp for Registry {
    fn attack(&self, choice: &mut AttackChoice) -> Result<Arc<dyn AnyAttack>, Fault> {
        self.attacks.take(choice, Lookup::of(self))
    }

    fn rule(&self, choice: &mut RuleChoice) -> Result<Box<dyn RuleSpec>, Fault> {
        self.rules.take(choice, Lookup::of(self))
    }

    fn pre_aggregator(
        &self,
        choice: &mut PreAggregatorChoice,
    ) -> Result<Box<dyn PreAggregatorSpec>, Fault> {
        self.pre.take(choice, Lookup::of(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fl_core::file_name;
    use toml::Table;

    /// Documentation and files must not drift apart: what `spec!` lists is what serde writes.
    #[test]
    fn every_setting_with_a_default_is_documented_by_the_name_that_files_use() {
        fn check<S: 'static>(kind: &Category<S>) {
            for entry in kind.iter() {
                let documented: Vec<String> =
                    entry.doc().settings.iter().map(|s| file_name(s.name)).collect();
                for name in entry.defaults().keys() {
                    assert!(
                        documented.contains(name),
                        "{}: {name} of {documented:?}",
                        entry.name()
                    );
                }
                for setting in entry.doc().settings {
                    assert!(!setting.doc.is_empty(), "{}: {}", entry.name(), setting.name);
                }
                assert!(!entry.doc().summary().is_empty(), "{}", entry.name());
                let registry = Registry::standard();
                let lookup = Lookup::of(&registry);
                assert!(kind.make_with(&entry.choice(), lookup).is_ok(), "{}", entry.name());
            }
        }
        let registry = Registry::standard();
        check(registry.rules());
        check(registry.pre_aggregators());
        check(registry.attacks());
        check(registry.poisons());
        check(registry.estimators());
        check(registry.models());
    }

    #[test]
    fn a_choice_that_is_none_is_refused_with_the_nearest_name() {
        let registry = Registry::standard();
        let refused = |choice: RuleChoice| registry.rules().make(&choice).unwrap_err().to_string();
        let unknown = RuleChoice::named("krumm");
        assert!(refused(unknown).contains("did you mean `krum`?"));
        let mut settings = Table::new();
        settings.insert("varient".into(), "paper".into());
        let setting = RuleChoice::new("krum", settings);
        assert!(refused(setting).contains("did you mean `variant`?"));
    }
}
