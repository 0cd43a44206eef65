//! Least squares, and ridge regression.

use crate::kernel::head::Head;
use crate::shared::initialise::Initialise;
use crate::shared::linear::Linear;
use fl_core::{ModelSpec, Objective, Scalar, SpecError, spec};

spec! {
    /// Least squares, with λ > 0 ridge regression: `z = ⟨w, x⟩ + b`,
    ///
    /// ```text
    /// f_j(w, b) = ½ (z_j − t_j)² + (λ/2) (‖w‖² + b²)
    /// ∇_w f_j   = r_j x_j + λ w,   ∂_b f_j = r_j + λ b          r_j = z_j − t_j
    /// ```
    ///
    /// for D features. The target t is the sample's real one ([`fl_core::Dataset::with_targets`]), or what its class is
    /// as a number ([`fl_core::data::ClassValues`]); classes that are names have none, and are refused.
    ///
    /// # Requirements
    /// At least one feature and a finite λ of at least 0; parameters that fit into memory.
    ///
    /// # Effect
    /// Parameters: w (D, columns as [`fl_core::Dataset::order`] has them), then b: `p = D + 1`, or D without bias.
    /// Record: r, one number. Output: z.
    /// The predicted label is that of the nearest number; with real targets it means nothing.
    /// Let G be the second moments of the features and the 1 of the bias. The mean is then `(λ_min(G) + λ)`-strongly
    /// convex and `(λ_max(G) + λ)`-smooth. `f_j` is `(‖x_j‖² + 1 + λ)`-smooth (without 1 when there is no bias).
    ///
    /// # Cost
    /// `4 b D'` operations for records and fold of b samples, where D' ≤ D counts the columns of tiles that are not empty.
    ///
    /// # Non-finite
    /// NaN and infinity in the parameters come out in losses and gradients.
    ///
    /// # Reference
    /// Hoerl, Kennard, *Ridge regression: biased estimation for nonorthogonal problems*, 1970; the constants are the eigenvalues of
    /// the Hessian `G + λI`.
    ///
    /// # Example
    /// ```
    /// use fl_core::data::{Dataset, Layout, Values};
    /// use fl_core::ModelSpec;
    /// use fl_models::LeastSquares;
    /// let values = [1.0, 0.0, 0.0, 2.0];
    /// let data = Dataset::with_targets(Values::F64(&values), 2, vec![0.5, -1.5], Layout::Flat)?;
    /// let spec = LeastSquares { bias: false, l2: 0.1, ..LeastSquares::default() };
    /// let model = ModelSpec::<f64>::build_for(&spec, &data)?;
    /// // G = ½ diag(1, 4).
    /// let constants = model.curvature(&data, &[0, 1]).expect("least squares has them");
    /// assert!((constants.mu - 0.6).abs() < 1e-12 && (constants.smooth - 2.1).abs() < 1e-12);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub struct LeastSquares {
        /// Whether there is a b.
        pub bias: bool = true,
        /// λ of the ℓ₂ term, which covers weights and bias.
        pub l2: f64 = 0.0,
        /// How the first parameters are drawn.
        pub initialise: Initialise = Initialise::Zeros,
    }
}

impl Copy for LeastSquares {}

impl LeastSquares {
    /// The model for `columns` features; `classes` is 1 for real targets, and bounds the predicted labels.
    ///
    /// # Errors
    /// When there is no feature or no class, λ is negative or not finite, or the parameters do not fit into memory.
    pub fn build<T: Scalar>(
        &self,
        columns: usize,
        classes: usize,
    ) -> Result<Box<dyn Objective<T>>, SpecError> {
        if classes == 0 {
            return Err(SpecError::new("classes", "at least 1", 0));
        }
        let Self { bias, l2, initialise } = *self;
        let head = Head::Number { classes };
        Linear { columns, outputs: 1, bias, l2, initialise, head }.build()
    }
}

impl<T: Scalar> ModelSpec<T> for LeastSquares {
    fn name(&self) -> &'static str {
        "least-squares"
    }

    fn build(&self, columns: usize, classes: usize) -> Result<Box<dyn Objective<T>>, SpecError> {
        LeastSquares::build(self, columns, classes)
    }
}
