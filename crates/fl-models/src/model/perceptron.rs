//! The multilayer perceptron.

mod folding;
mod network;
mod pass;

use crate::shared::activation::Activation;
use crate::shared::check::{check_shape, check_size};
use crate::shared::initialise::Initialise;
use crate::shared::layers::{Layer, Layers};
use crate::shared::loss::Loss;
use crate::shared::network::Network;
use fl_core::{ModelSpec, Objective, Scalar, SpecError, spec};
use network::Dense;

spec! {
    /// A multilayer perceptron. With activation φ, loss ℓ, `h_0 = x` and layers 1 … L,
    ///
    /// ```text
    /// h_l = φ(W_l h_{l−1} + b_l)   (l < L)            z = W_L h_{L−1} + b_L
    /// f_j = ℓ(z) + (λ/2) Σ_l (‖W_l‖² + ‖b_l‖²)
    /// δ_L = ∂ℓ/∂z                                     δ_{l−1} = (W_lᵀ δ_l) ∘ φ'
    /// ∇_{W_l} f_j = δ_l h_{l−1}ᵀ + λ W_l              ∇_{b_l} f_j = δ_l + λ b_l
    /// ```
    ///
    /// # Requirements
    /// At least one feature, hidden layers of at least one unit, and a finite λ of at least 0; parameters that fit into memory.
    /// Cross-entropy takes at least two classes; the squared loss takes one too, which stands for real targets.
    ///
    /// # Effect
    /// Parameters: for each layer W (outputs × inputs, row-major), then b; the first layer's columns as [`fl_core::Dataset::order`]
    /// has them. 784-50-50-10 has p = 42 310.
    /// Record: `[δ_1 … δ_L | h_1 … h_{L−1}]`, 210 numbers for 784-50-50-10.
    /// Output: z, one number a class; with the squared loss and one class, one number that stands for the target.
    /// The label of the largest output is predicted, of equal ones the first.
    /// With a hidden layer the loss is not convex, whatever the activation.
    /// Without one it has the constants of [`crate::Softmax`] or [`crate::LeastSquares`].
    ///
    /// # Cost
    /// `4 b n_1 D'` operations in the first layer for b samples, where D' ≤ D counts the columns of tiles that are not
    /// empty. Some `8 b n_l n_{l−1}` in each other layer. `fold` writes p numbers once.
    ///
    /// # Non-finite
    /// Finite logits of any size neither overflow nor give NaN; tanh in `f32` is within 3 ulp; losses are added up in `f64`.
    ///
    /// # Reference
    /// Rumelhart, Hinton, Williams, *Learning representations by back-propagating errors*, 1986; the paper's Figures 10 and 11.
    ///
    /// # Example
    /// ```
    /// use fl_models::Perceptron;
    /// let model = Perceptron { hidden: vec![50, 50], ..Perceptron::default() }.build::<f32>(784, 10)?;
    /// assert_eq!((model.dim(), model.record_len()), (42_310, 210));
    /// # Ok::<(), fl_core::SpecError>(())
    /// ```
    pub struct Perceptron {
        /// Widths of the hidden layers, first to last; none leaves a linear model.
        pub hidden: Vec<usize> = vec![50, 50],
        /// φ.
        pub activation: Activation = Activation::Tanh,
        /// ℓ.
        pub loss: Loss = Loss::CrossEntropy,
        /// λ of the ℓ₂ term, which covers weights and biases.
        pub l2: f64 = 0.0,
        /// How the first parameters are drawn.
        pub initialise: Initialise = Initialise::FanIn,
    }
}

impl Perceptron {
    /// The model for `columns` features and `classes` classes; one class stands for real targets.
    ///
    /// # Errors
    /// When there is no feature, fewer than two classes (no class, for the squared loss), a hidden layer of width 0, λ is
    /// negative or not finite, or the parameters do not fit into memory.
    pub fn build<T: Scalar>(
        &self,
        columns: usize,
        classes: usize,
    ) -> Result<Box<dyn Objective<T>>, SpecError> {
        Ok(self.layers::<T>(columns, classes)?.boxed())
    }

    fn layers<T: Scalar>(&self, columns: usize, classes: usize) -> Result<Dense, SpecError> {
        let head = self.loss.head(classes)?;
        check_shape(columns, self.l2)?;
        self.initialise.check()?;
        Layers::check_hidden(&self.hidden)?;
        let sizes = || [columns].into_iter().chain(self.hidden.iter().copied()).chain([classes]);
        let p = sizes().zip(sizes().skip(1)).fold(0u128, |p, (inputs, outputs)| {
            p.saturating_add((inputs as u128 + 1).saturating_mul(outputs as u128))
        });
        check_size::<T>(p, || sizes().map(|n| n.to_string()).collect::<Vec<_>>().join("-"))?;
        let mut layers = Vec::with_capacity(self.hidden.len() + 1);
        let (mut at, mut delta) = (0, 0);
        for (inputs, outputs) in sizes().zip(sizes().skip(1)) {
            layers.push(Layer { inputs, outputs, at, delta, hidden: 0 });
            at += (inputs + 1) * outputs;
            delta += outputs;
        }
        let mut record_len = delta;
        for layer in &mut layers[..self.hidden.len()] {
            layer.hidden = record_len;
            record_len += layer.outputs;
        }
        let Self { activation, l2, initialise, .. } = *self;
        let (dim, given) = (at, false);
        Ok(Dense(Layers { layers, given, dim, record_len, activation, head, l2, initialise }))
    }
}

impl<T: Scalar> ModelSpec<T> for Perceptron {
    fn name(&self) -> &'static str {
        "perceptron"
    }

    fn build(&self, columns: usize, classes: usize) -> Result<Box<dyn Objective<T>>, SpecError> {
        Perceptron::build(self, columns, classes)
    }
}

#[cfg(test)]
mod tests {
    use super::pass::Pass;
    use super::*;
    use crate::shared::layers::{Folding, Part};
    use crate::shared::network::Goal;
    use fl_core::data::{Layout, Values};
    use fl_core::{Batch, Dataset, Fold, Role, Streams};
    use pulp::{Arch, Simd, WithSimd};

    /// What instruction sets differ in: everything below `dispatch`.
    #[derive(Clone, Copy, Debug)]
    enum Set {
        Best,
        Plain,
        #[cfg(target_arch = "x86_64")]
        Avx2(pulp::x86::V3),
    }

    impl Set {
        fn run<O: WithSimd>(self, op: O) -> O::Output {
            match self {
                Set::Best => Arch::new().dispatch(op),
                Set::Plain => op.with_simd(pulp::Scalar),
                #[cfg(target_arch = "x86_64")]
                Set::Avx2(simd) => Simd::vectorize(simd, op),
            }
        }
    }

    fn message<T: Scalar>(set: Set, data: &Dataset) -> Vec<f64> {
        let spec = Perceptron { hidden: vec![23, 50], ..Perceptron::default() };
        let model = spec.layers::<T>(data.columns(), data.classes()).unwrap();
        let samples = data.rows();
        let mut batch = Batch::new(data, samples);
        batch.gather(data, &(0..samples as u32).collect::<Vec<_>>());
        let mut scratch = vec![T::ZERO; model.scratch_len::<T>(samples)];
        let mut records = [(); 2].map(|()| vec![T::ZERO; samples * model.0.record_len]);
        for (i, records) in records.iter_mut().enumerate() {
            let mut params = vec![T::ZERO; model.0.dim];
            model.initialise(&mut Streams::new(1).at(Role::Initialise, i, 0), &mut params);
            let (params, batch) = (&params[..], &batch);
            let goal = Goal::Records(records);
            set.run(Pass { model: &model.0, params, batch, scratch: &mut scratch, goal });
        }
        let mut message = vec![T::ZERO; model.0.dim];
        let fold =
            Fold { message: &mut message, add: false, scale: T::ONE, ridge: None, mean: None };
        let [new, old] = &records;
        set.run(Folding {
            model: &model.0,
            batch: &batch,
            records: Part { new, old: Some(old) },
            fold,
            scratch: &mut scratch,
        });
        message.iter().map(|m| m.to_f64()).collect()
    }

    #[test]
    fn every_instruction_set_gives_the_same_message_to_rounding() {
        let (rows, columns) = (41, 53);
        let values: Vec<f32> = (0..rows * columns)
            .map(|i| if i / 11 % 3 == 0 { 0.0 } else { (i as f32 * 0.7).sin() })
            .collect();
        let labels = (0..rows as u32).map(|i| i % 4).collect();
        let data = Dataset::new(Values::F32(&values), columns, labels, 4, Layout::Flat).unwrap();
        let right = message::<f64>(Set::Plain, &data);
        let mut sets = vec![Set::Best, Set::Plain];
        #[cfg(target_arch = "x86_64")]
        sets.extend(pulp::x86::V3::try_new().map(Set::Avx2));
        for set in sets {
            for (tolerance, found) in
                [(1e-12, message::<f64>(set, &data)), (3e-5, message::<f32>(set, &data))]
            {
                for (f, r) in found.iter().zip(&right) {
                    assert!((f - r).abs() <= tolerance, "{set:?}: {f} instead of {r}");
                }
            }
        }
    }
}
