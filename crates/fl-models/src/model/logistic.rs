//! Logistic regression.

use crate::kernel::head::Head;
use crate::shared::initialise::Initialise;
use crate::shared::linear::Linear;
use fl_core::{ModelSpec, Objective, Scalar, SpecError, spec};

spec! {
    /// Logistic regression for two classes: `z = ⟨w, x⟩ + b`, and with y = −1 for label 0 and y = +1 for label 1
    ///
    /// ```text
    /// f_j(w, b) = ln(1 + e^{−y_j z_j}) + (λ/2) (‖w‖² + b²)
    /// ∇_w f_j   = r_j x_j + λ w,   ∂_b f_j = r_j + λ b          r_j = −y_j σ(−y_j z_j) = σ(z_j) − label_j
    /// ```
    ///
    /// for D features, with σ(z) = 1/(1 + e^{−z}).
    ///
    /// # Requirements
    /// At least one feature, two classes, and a finite λ of at least 0; parameters that fit into memory.
    ///
    /// # Effect
    /// Parameters: w (D, columns as [`fl_core::Dataset::order`] has them), then b: `p = D + 1`, or D without bias.
    /// Record: r, one number. Output: z, the logarithm of the odds of label 1, which is predicted where z > 0.
    /// `f_j` is λ-strongly convex and `(¼‖x_j‖² + ¼ + λ)`-smooth (without the second ¼ when there is no bias).
    /// The mean is `(¼ λ_max(G) + λ)`-smooth, with the second moments G of the features and the 1 of the bias.
    /// None of these constants can be improved for all x.
    ///
    /// # Cost
    /// `4 b D'` operations for records and fold of b samples, where D' ≤ D counts the columns of tiles that are not empty.
    ///
    /// # Non-finite
    /// Finite z of any size neither overflow nor give NaN; small residuals and losses keep their digits.
    ///
    /// # Reference
    /// Cox, *The regression analysis of binary sequences*, 1958; the constants follow from `0 < σ'(z) ≤ σ'(0) = ¼`.
    ///
    /// # Example
    /// ```
    /// use fl_models::Logistic;
    /// let model = Logistic::default().build::<f32>(54, 2)?;
    /// assert_eq!((model.dim(), model.record_len()), (55, 1));
    /// # Ok::<(), fl_core::SpecError>(())
    /// ```
    pub struct Logistic {
        /// Whether there is a b.
        pub bias: bool = true,
        /// λ of the ℓ₂ term, which covers weights and bias.
        pub l2: f64 = 0.0,
        /// How the first parameters are drawn.
        pub initialise: Initialise = Initialise::Zeros,
    }
}

impl Copy for Logistic {}

impl Logistic {
    /// The model for `columns` features and two classes.
    ///
    /// # Errors
    /// When there is no feature, the classes are not two, λ is negative or not finite, or the parameters do not fit into
    /// memory.
    pub fn build<T: Scalar>(
        &self,
        columns: usize,
        classes: usize,
    ) -> Result<Box<dyn Objective<T>>, SpecError> {
        if classes != 2 {
            let allowed = "2 for logistic regression (softmax regression takes more)";
            return Err(SpecError::new("classes", allowed, classes));
        }
        let Self { bias, l2, initialise } = *self;
        Linear { columns, outputs: 1, bias, l2, initialise, head: Head::Logistic }.build()
    }
}

impl<T: Scalar> ModelSpec<T> for Logistic {
    fn name(&self) -> &'static str {
        "logistic"
    }

    fn build(&self, columns: usize, classes: usize) -> Result<Box<dyn Objective<T>>, SpecError> {
        Logistic::build(self, columns, classes)
    }
}
