//! A part is called the same everywhere: its file, its type and its name in experiment files.

use fl_core::{
    AttackSpec, DecoratorSpec, EstimatorSpec, ModelSpec, PartVisitor, PoisonSpec,
    PreAggregatorSpec, Registrable, RuleSpec, file_name,
};

/// Parts that are called otherwise: the path of the type, and the name in files.
const EXCEPTIONS: &[(&str, &str)] = &[
    // By the abbreviation that its authors use.
    ("arc::AdaptiveClipping", "arc"),
    // `None` is a word of Rust.
    ("none::NoAttack", "none"),
];

/// The module and the type of each part, with its name in files.
#[derive(Default)]
struct Names(Vec<(String, String)>);

impl Names {
    fn note<P>(&mut self, name: &str) {
        let path: Vec<&str> = std::any::type_name::<P>().rsplit("::").take(2).collect();
        self.0.push((format!("{}::{}", path[1], path[0]), name.to_owned()));
    }
}

impl PartVisitor for Names {
    fn rule<R: RuleSpec + Registrable>(&mut self) {
        self.note::<R>(R::default().name());
    }
    fn pre_aggregator<P: PreAggregatorSpec + Registrable>(&mut self) {
        self.note::<P>(P::default().name());
    }
    fn attack<A: AttackSpec<f32> + AttackSpec<f64> + Registrable>(&mut self) {
        self.note::<A>(AttackSpec::<f32>::name(&A::default()));
    }
    fn poison<P: PoisonSpec + Registrable>(&mut self) {
        self.note::<P>(P::default().name());
    }
    fn estimator<E: EstimatorSpec<f32> + EstimatorSpec<f64> + Registrable>(&mut self) {
        self.note::<E>(EstimatorSpec::<f32>::name(&E::default()));
    }
    fn decorator<D: DecoratorSpec<f32> + DecoratorSpec<f64> + Registrable>(&mut self) {
        self.note::<D>(DecoratorSpec::<f32>::name(&D::default()));
    }
    fn model<M: ModelSpec<f32> + ModelSpec<f64> + Registrable>(&mut self) {
        self.note::<M>(ModelSpec::<f32>::name(&M::default()));
    }
}

#[test]
fn file_type_and_name_of_a_part_are_the_same_but_for_a_few() {
    let mut names = Names::default();
    fl_agg::parts(&mut names);
    fl_resample::parts(&mut names);
    fl_attacks::parts(&mut names);
    fl_saga::parts(&mut names);
    fl_models::parts(&mut names);
    assert!(names.0.len() > 60, "{} parts", names.0.len());
    let others: Vec<(&str, &str)> = names
        .0
        .iter()
        .map(|(path, name)| (path.as_str(), name.as_str()))
        .filter(|(path, name)| {
            let (module, part) = path.split_once("::").expect("a module and a type");
            module != name.replace('-', "_") || file_name(part) != *name
        })
        .collect();
    assert_eq!(others, EXCEPTIONS);
}
