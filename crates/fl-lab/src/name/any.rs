//! Parts for either number type, and the choice between them.

use fl_core::{AttackSpec, EstimatorSpec, ModelSpec, Scalar};
use std::fmt::Debug;

/// An attack for either number type.
pub trait AnyAttack: Debug + Send + Sync {
    /// The attack on messages in `f32`.
    fn single(&self) -> Box<dyn AttackSpec<f32>>;
    /// The attack on messages in `f64`.
    fn double(&self) -> Box<dyn AttackSpec<f64>>;
}

impl<A: AttackSpec<f32> + AttackSpec<f64> + Clone + 'static> AnyAttack for A {
    fn single(&self) -> Box<dyn AttackSpec<f32>> {
        Box::new(self.clone())
    }

    fn double(&self) -> Box<dyn AttackSpec<f64>> {
        Box::new(self.clone())
    }
}

/// An estimator for either number type.
pub trait AnyEstimator: Debug + Send + Sync {
    /// The estimator in `f32`.
    fn single(&self) -> Box<dyn EstimatorSpec<f32>>;
    /// The estimator in `f64`.
    fn double(&self) -> Box<dyn EstimatorSpec<f64>>;
}

impl<E: EstimatorSpec<f32> + EstimatorSpec<f64> + Clone + 'static> AnyEstimator for E {
    fn single(&self) -> Box<dyn EstimatorSpec<f32>> {
        Box::new(self.clone())
    }

    fn double(&self) -> Box<dyn EstimatorSpec<f64>> {
        Box::new(self.clone())
    }
}

/// A model for either number type.
pub trait AnyModel: Debug + Send + Sync {
    /// The model in `f32`.
    fn single(&self) -> Box<dyn ModelSpec<f32>>;
    /// The model in `f64`.
    fn double(&self) -> Box<dyn ModelSpec<f64>>;
}

impl<M: ModelSpec<f32> + ModelSpec<f64> + Clone + 'static> AnyModel for M {
    fn single(&self) -> Box<dyn ModelSpec<f32>> {
        Box::new(self.clone())
    }

    fn double(&self) -> Box<dyn ModelSpec<f64>> {
        Box::new(self.clone())
    }
}

/// The number types, and the choice between what is registered for both.
pub trait Number: Scalar {
    /// The attack on messages of this type.
    fn attack(attack: &dyn AnyAttack) -> Box<dyn AttackSpec<Self>>;
    /// The estimator in this type.
    fn estimator(estimator: &dyn AnyEstimator) -> Box<dyn EstimatorSpec<Self>>;
    /// The model in this type.
    fn model(model: &dyn AnyModel) -> Box<dyn ModelSpec<Self>>;
}

impl Number for f32 {
    fn attack(attack: &dyn AnyAttack) -> Box<dyn AttackSpec<f32>> {
        attack.single()
    }

    fn estimator(estimator: &dyn AnyEstimator) -> Box<dyn EstimatorSpec<f32>> {
        estimator.single()
    }

    fn model(model: &dyn AnyModel) -> Box<dyn ModelSpec<f32>> {
        model.single()
    }
}

impl Number for f64 {
    fn attack(attack: &dyn AnyAttack) -> Box<dyn AttackSpec<f64>> {
        attack.double()
    }

    fn estimator(estimator: &dyn AnyEstimator) -> Box<dyn EstimatorSpec<f64>> {
        estimator.double()
    }

    fn model(model: &dyn AnyModel) -> Box<dyn ModelSpec<f64>> {
        model.double()
    }
}
