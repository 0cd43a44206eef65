//! Softmax regression.

use crate::kernel::head::Head;
use crate::shared::check::check_classes;
use crate::shared::initialise::Initialise;
use crate::shared::linear::Linear;
use fl_core::{ModelSpec, Objective, Scalar, SpecError, spec};

spec! {
    /// Softmax regression (multinomial logistic regression): `z = W x + b`, `p = softmax(z)`,
    ///
    /// ```text
    /// f_j(W, b) = −ln p_{y_j} + (λ/2) (‖W‖² + ‖b‖²)
    /// ∇_W f_j   = (p − onehot(y_j)) x_jᵀ + λ W          ∇_b f_j = p − onehot(y_j) + λ b
    /// ```
    ///
    /// for D features and K classes.
    ///
    /// # Requirements
    /// At least one feature, two classes, and a finite λ of at least 0; parameters that fit into memory.
    ///
    /// # Effect
    /// Parameters: W (K×D, row-major, columns as [`fl_core::Dataset::order`] has them), then b (K): `p = K·D + K`, or `K·D` without bias.
    /// x⁰ = 0 unless `initialise` says otherwise.
    /// Record: the residual `p − onehot(y)`, K numbers.
    /// `f_j` is λ-strongly convex and `(½‖x_j‖² + ½ + λ)`-smooth (without ½ when there is no bias).
    /// The mean is `(½ λ_max(G) + λ)`-smooth, with the second moments G of the features and the 1 of the bias.
    ///
    /// # Cost
    /// `4 b K D'` operations for records and fold of b samples, where D' ≤ D counts the columns of tiles that are not empty.
    /// `records` reads W once, `fold` writes p numbers once.
    ///
    /// # Non-finite
    /// The largest logit is subtracted first, so finite logits of any size neither overflow nor give NaN.
    /// Losses are added up in `f64`.
    ///
    /// # Reference
    /// The paper's Section V, where it is the convex problem; the ½ bounds the eigenvalues of `diag(p) − p pᵀ`: by Gershgorin each is at most `max_i 2 p_i (1 − p_i) ≤ ½`.
    ///
    /// # Example
    /// ```
    /// use fl_models::Softmax;
    /// let model = Softmax { l2: 0.01, ..Softmax::default() }.build::<f32>(784, 10)?;
    /// assert_eq!((model.dim(), model.record_len()), (7850, 10));
    /// # Ok::<(), fl_core::SpecError>(())
    /// ```
    pub struct Softmax {
        /// Whether there is a b.
        pub bias: bool = true,
        /// λ of the ℓ₂ term, which covers weights and bias.
        pub l2: f64 = 0.0,
        /// How the first parameters are drawn.
        pub initialise: Initialise = Initialise::Zeros,
    }
}

impl Copy for Softmax {}

impl Softmax {
    /// The model for `columns` features and `classes` classes.
    ///
    /// # Errors
    /// When there is no feature, fewer than two classes, λ is negative or not finite, or the parameters do not fit into
    /// memory.
    pub fn build<T: Scalar>(
        &self,
        columns: usize,
        classes: usize,
    ) -> Result<Box<dyn Objective<T>>, SpecError> {
        check_classes(classes)?;
        let Self { bias, l2, initialise } = *self;
        let head = Head::CrossEntropy;
        Linear { columns, outputs: classes, bias, l2, initialise, head }.build()
    }
}

impl<T: Scalar> ModelSpec<T> for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn build(&self, columns: usize, classes: usize) -> Result<Box<dyn Objective<T>>, SpecError> {
        Softmax::build(self, columns, classes)
    }
}
