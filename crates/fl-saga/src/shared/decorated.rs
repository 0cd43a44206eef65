//! A spec around another one.

use fl_core::{DecoratorSpec, Estimator, EstimatorSpec, Local, Scalar, SpecError};

/// An estimator's spec with something around it: what [`crate::Momentum::over`], [`crate::Clip::over`] and
/// [`crate::LocalSteps::over`] return. It is a spec itself, so that they nest.
#[derive(Debug)]
pub struct Decorated<T, D> {
    /// What is around.
    pub decorator: D,
    /// What is inside.
    pub inner: Box<dyn EstimatorSpec<T>>,
}

impl<T: Scalar, D: DecoratorSpec<T>> Decorated<T, D> {
    /// What is inside, built: not an estimator that corrects the server's output, which would be one of something else.
    pub(crate) fn inside(&self, local: &Local<'_, T>) -> Result<Box<dyn Estimator<T>>, SpecError> {
        if self.inner.hears() {
            let allowed = "nothing, since it corrects what the server makes of its own messages";
            return Err(SpecError::new("what stands around it", allowed, self.decorator.name())
                .of(self.inner.name()));
        }
        self.inner.build(local)
    }
}

/// What the specs of all decorators have in common, for a type whose `Decorated` is an estimator.
macro_rules! decorates {
    ($spec:ident, $name:literal) => {
        impl Copy for $spec {}

        impl $spec {
            /// An estimator with this around it.
            pub fn over<T: fl_core::Scalar>(
                self,
                inner: Box<dyn fl_core::EstimatorSpec<T>>,
            ) -> $crate::shared::decorated::Decorated<T, Self> {
                $crate::shared::decorated::Decorated { decorator: self, inner }
            }
        }

        impl<T: fl_core::Scalar> fl_core::DecoratorSpec<T> for $spec {
            fn name(&self) -> &'static str {
                $name
            }

            fn around(
                &self,
                inner: Box<dyn fl_core::EstimatorSpec<T>>,
            ) -> Box<dyn fl_core::EstimatorSpec<T>> {
                Box::new(self.over(inner))
            }
        }
    };
}
pub(crate) use decorates;

/// Of an estimator around another one: it begins as the inner one does, and keeps nothing else between rounds.
macro_rules! keeps_inner {
    () => {
        fn start(&mut self, local: &Local<'_, T>, params: &[T], work: &mut Workspace<T>) {
            self.inner.start(local, params, work);
        }

        fn state(&mut self, visit: &mut Visit<'_, T>) {
            self.inner.state(visit);
        }
    };
}
pub(crate) use keeps_inner;

/// Of an estimator around another one that draws what the inner one does, and of whose messages no variation is known.
macro_rules! without_formula {
    () => {
        fn look_ahead(&self, cx: &Cx<'_>, local: &Local<'_, T>, work: &mut Workspace<T>) {
            self.inner.look_ahead(cx, local, work);
        }

        fn variation(&self, _: &Local<'_, T>, _: &[T], _: &mut Workspace<T>) -> f64 {
            f64::NAN
        }

        fn expectation(&self, _: &Local<'_, T>, _: &[T], out: &mut [T], _: &mut Workspace<T>) {
            out.fill(T::from_f64(f64::NAN));
        }

        fn memory(&self) -> usize {
            self.inner.memory()
        }
    };
}
pub(crate) use without_formula;

/// Batch and capacity are those of what is inside, the name is the decorator's.
macro_rules! delegates {
    () => {
        fn name(&self) -> &'static str {
            fl_core::DecoratorSpec::<T>::name(&self.decorator)
        }

        fn batch(&self) -> usize {
            self.inner.batch()
        }

        fn capacity(&self) -> usize {
            self.inner.capacity()
        }

        fn keeps_nothing(&self) -> bool {
            self.inner.keeps_nothing()
        }

        fn check(
            &self,
            objective: &dyn fl_core::Objective<T>,
            samples: usize,
        ) -> Result<(), fl_core::SpecError> {
            self.inner.check(objective, samples)
        }
    };
}
pub(crate) use delegates;
