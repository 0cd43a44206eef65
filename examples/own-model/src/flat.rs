//! A burn module's parameters and gradients as one row of numbers, which is what a federation sends.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::backend::{AutodiffBackend, Backend};
use burn::tensor::{Tensor, TensorData};

/// Numbers of a module.
pub fn count<B: Backend>(module: &impl Module<B>) -> usize {
    module.num_params()
}

/// The module with these parameters, in burn's order of them.
pub fn set<B: Backend, M: Module<B>>(module: M, params: &[f32]) -> M {
    let mut set = Set { rest: params };
    let module = module.map(&mut set);
    assert!(set.rest.is_empty(), "{} numbers are left over", set.rest.len());
    module
}

struct Set<'a> {
    rest: &'a [f32],
}

impl<B: Backend> ModuleMapper<B> for Set<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
        param.map(|tensor| {
            let (shape, device) = (tensor.shape(), tensor.device());
            let (own, rest) = self.rest.split_at(shape.num_elements());
            self.rest = rest;
            Tensor::from_data(TensorData::new(own.to_vec(), shape), &device).require_grad()
        })
    }
}

/// The gradient of a loss with respect to the module's parameters, in their order.
pub fn gradient<B: AutodiffBackend>(module: &impl Module<B>, loss: Tensor<B, 1>) -> Vec<f32> {
    let gradients = loss.backward();
    let mut found = Found::<B> { gradients, numbers: Vec::new() };
    module.visit(&mut found);
    found.numbers
}

struct Found<B: AutodiffBackend> {
    gradients: B::Gradients,
    numbers: Vec<f32>,
}

impl<B: AutodiffBackend> ModuleVisitor<B> for Found<B> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        let tensor = param.val();
        match tensor.grad(&self.gradients) {
            Some(gradient) => {
                let data = gradient.into_data().convert::<f32>();
                let numbers = data.as_slice().expect("numbers of single precision");
                self.numbers.extend_from_slice(numbers);
            }
            // The loss does not depend on it.
            None => self.numbers.resize(self.numbers.len() + tensor.shape().num_elements(), 0.0),
        }
    }
}
