//! One list of a crate's parts, from which come its modules, its exports and what a registry has of it.

use crate::{
    AttackSpec, DecoratorSpec, Described, EstimatorSpec, ModelSpec, PoisonSpec, PreAggregatorSpec,
    RuleSpec,
};
use std::fmt::Debug;

/// What has a form in files: with the feature `serde` all that can be read and written, without it everything.
#[cfg(feature = "serde")]
pub trait InFiles: serde::Serialize + serde::de::DeserializeOwned {}

#[cfg(feature = "serde")]
impl<S: serde::Serialize + serde::de::DeserializeOwned> InFiles for S {}

/// What has a form in files: with the feature `serde` all that can be read and written, without it everything.
#[cfg(not(feature = "serde"))]
pub trait InFiles {}

#[cfg(not(feature = "serde"))]
impl<S> InFiles for S {}

/// A spec that can be listed and registered: documented, with defaults, and, with the feature `serde`, with a form in files.
/// Every type that [`spec!`](crate::spec) declares is one.
pub trait Registrable:
    Described + Default + Clone + Debug + Send + Sync + InFiles + 'static
{
}

impl<S: Described + Default + Clone + Debug + Send + Sync + InFiles + 'static> Registrable for S {}

/// Is shown the parts of a crate one by one, by the function `parts` that [`parts!`](crate::parts) makes.
///
/// A registry implements it to know all parts, and a test to run through them. What a visitor does not look at costs it nothing.
pub trait PartVisitor {
    /// An aggregation rule.
    fn rule<R: RuleSpec + Registrable>(&mut self) {}

    /// A pre-aggregator.
    fn pre_aggregator<P: PreAggregatorSpec + Registrable>(&mut self) {}

    /// An attack on messages.
    fn attack<A: AttackSpec<f32> + AttackSpec<f64> + Registrable>(&mut self) {}

    /// An attack on data.
    fn poison<P: PoisonSpec + Registrable>(&mut self) {}

    /// A workers' gradient estimator.
    fn estimator<E: EstimatorSpec<f32> + EstimatorSpec<f64> + Registrable>(&mut self) {}

    /// Something around an estimator.
    fn decorator<D: DecoratorSpec<f32> + DecoratorSpec<f64> + Registrable>(&mut self) {}

    /// A model.
    fn model<M: ModelSpec<f32> + ModelSpec<f64> + Registrable>(&mut self) {}
}

/// Lists the parts of a crate once: for each room a folder, what its parts are ([`PartVisitor`]'s methods; `_` for none that
/// is visited), and for each file the part in it, with the types of its settings behind it.
///
/// ```text
/// fl_core::parts! {
///     /// Rules that see distances.
///     distance: rule {
///         krum::{Krum, KrumVariant},
///         medoid::Medoid,
///     }
/// }
/// ```
///
/// This declares the modules `distance::krum` and `distance::medoid`, exports what they have, and makes a function `parts`
/// that shows `Krum` and `Medoid` to a visitor. A new part is one file and one line here.
/// (`cargo fmt` does not look into macros for modules; `cargo xtask fmt` formats all files.)
#[macro_export]
macro_rules! parts {
    ($(
        $(#[$meta:meta])*
        $room:ident : $kind:tt { $( $file:ident :: $part:tt ),* $(,)? }
    )*) => {
        $(
            $(#[$meta])*
            mod $room {
                $( pub(crate) mod $file; )*
            }
            $( pub use $room::$file::$part; )*
        )*

        /// Shows every part of this crate to a visitor, in the order of its list.
        pub fn parts(visitor: &mut impl $crate::PartVisitor) {
            $($( $crate::parts!(@visit visitor, $kind, $part); )*)*
        }
    };
    (@visit $visitor:ident, _, $part:tt) => {};
    (@visit $visitor:ident, $kind:ident, { $part:ident $(, $more:ident)* $(,)? }) => {
        $visitor.$kind::<$part>();
    };
    (@visit $visitor:ident, $kind:ident, $part:ident) => {
        $visitor.$kind::<$part>();
    };
}
