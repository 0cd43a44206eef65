//! SAG: the mean of a table of gradients, some of them fresh.

use crate::shared::sampling::Sampling;
use crate::shared::tabled::{Share, Tabled, tabled};
use fl_core::{Local, Scalar, SpecError, spec};

spec! {
    /// The stochastic average gradient: the table's mean, after the batch has entered it.
    ///
    /// ```text
    /// φ_j     ← x for j ∈ I
    /// message = ḡ = (1/J) Σ_j ∇f_{w,j}(φ_j)
    /// ```
    ///
    /// [`crate::Saga`] with 1/J instead of 1/b before the correction: a smaller variance and a bias,
    /// `E message = ḡ_old + (b/J) (∇f_w(x) − ḡ_old)`, that vanishes as the parameters settle.
    /// The ℓ₂ term is outside the table and exact.
    ///
    /// # Requirements
    /// A batch of at least 1 and at most J samples, for each worker.
    ///
    /// # Effect
    /// The inner variation is `E‖message − ∇f_w‖²`, bias included.
    /// A sample that is drawn twice counts once, since the message is the table's mean.
    /// ḡ is summed anew as SAGA's is.
    ///
    /// # Cost
    /// That of [`crate::Saga`].
    ///
    /// # Memory
    /// J records and p numbers, as [`crate::Saga`].
    ///
    /// # Non-finite
    /// NaN and infinity in a gradient are sent as they are, and stay in what is kept until they are replaced.
    ///
    /// # Randomness
    /// Worker w draws its batch from the stream of (`Batch`, w, round).
    ///
    /// # Bias
    /// Biased given the table, unless b = J.
    ///
    /// # Elsewhere
    /// Its authors begin with an empty table; here it is full from the start, as SAGA's.
    ///
    /// # Reference
    /// Le Roux, Schmidt, Bach, *A stochastic gradient method with an exponential convergence rate for finite training sets*, 2012.
    pub struct Sag {
        /// b, samples a round.
        pub batch: usize = 1,
        /// How they are drawn.
        pub sampling: Sampling = Sampling::Distinct,
    }
}

tabled!(Sag, "sag");

impl Sag {
    fn estimator<T: Scalar>(&self, local: &Local<'_, T>) -> Result<Tabled<T>, SpecError> {
        Tabled::new(local, self.draw(), Share::Samples)
    }
}
