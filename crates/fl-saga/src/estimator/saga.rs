//! SAGA on compact records.

use crate::shared::sampling::Sampling;
use crate::shared::tabled::{Share, Tabled, tabled};
use fl_core::{Local, Scalar, SpecError, spec};

spec! {
    /// The corrected stochastic gradient (8)–(10), with one slot a sample and a batch of `batch` samples.
    ///
    /// ```text
    /// message = (1/b) Σ_{j∈I} (∇f_{w,j}(x) − ∇f_{w,j}(φ_j)) + ḡ        (8), the paper's at b = 1
    /// ḡ       = (1/J) Σ_j ∇f_{w,j}(φ_j)
    /// φ_j     ← x for j ∈ I                                             (9)
    /// ```
    ///
    /// A slot holds a record ([`fl_core::Objective`]), not a gradient: ten numbers for softmax regression on MNIST instead of
    /// 7 850. The input of old and new gradient is the same, so their difference is one outer product.
    /// The ℓ₂ term is outside the table and exact: `message` carries `λ x`, `ḡ` does not. For a table of gradients see
    /// [`crate::DenseSaga`].
    ///
    /// # Requirements
    /// A batch of at least 1 and at most J samples, for each worker.
    ///
    /// # Effect
    /// The inner variation vanishes as the parameters settle, which makes the geometric median sharp.
    /// With [`Sampling::Repeated`] a sample that is drawn twice counts twice in the message and once in ḡ, since it has one slot.
    /// Rounding lets ḡ leave the mean of its table by about 5·10⁻⁶ relative in `f32` after 10⁶ draws.
    /// So ḡ is summed anew every `100 J` draws, at rounds that depend on the worker and on nothing else.
    ///
    /// # Cost
    /// That of [`crate::Sgd`], and one pass over ḡ more.
    ///
    /// # Memory
    /// J records and p numbers.
    ///
    /// # Non-finite
    /// NaN and infinity in a gradient are sent as they are, and stay in what is kept until they are replaced.
    ///
    /// # Randomness
    /// Worker w draws its batch from the stream of (`Batch`, w, round).
    ///
    /// # Bias
    /// Unbiased given the table for every b, unless the sampling is not ([`Sampling::WindowCut`]).
    ///
    /// # Elsewhere
    /// The authors' later public code keeps one slot a window of b samples: [`crate::WindowSaga`].
    /// The ℓ₂ term is usually inside the table: [`crate::Ridge::Inside`].
    ///
    /// # Reference
    /// The paper's (8)–(10) and Algorithm 2; Defazio, Bach, Lacoste-Julien, *SAGA: a fast incremental gradient method with support for non-strongly convex composite
    /// objectives*, 2014.
    pub struct Saga {
        /// b, samples a round.
        pub batch: usize = 1,
        /// How they are drawn.
        pub sampling: Sampling = Sampling::Distinct,
    }
}

tabled!(Saga, "saga");

impl Saga {
    fn estimator<T: Scalar>(&self, local: &Local<'_, T>) -> Result<Tabled<T>, SpecError> {
        Tabled::new(local, self.draw(), Share::Batch)
    }
}
