//! An adversary with its memory, for the federation of a program.

use crate::convert::matrix::Real;
use crate::convert::{errors, fork};
use crate::{custom, parts};
use fl_core::{
    AttackContext, AttackView, Cx, Federation, Knowledge, Messages, Part, Pipeline, Shape,
    SpecError, Streams,
};
use numpy::{PyArray1, PyArray2, PyArrayMethods, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};

/// What overwrites Byzantine rows, round after round.
#[pyclass(module = "robust_fl._native", frozen)]
#[derive(Debug)]
pub(crate) struct Adversary(Mutex<Box<dyn Corrupts>>);

#[pymethods]
impl Adversary {
    #[new]
    fn new(
        attack: &Bound<'_, PyAny>,
        rule: &Bound<'_, PyAny>,
        pre: Vec<Bound<'_, PyAny>>,
        workers: usize,
        byzantine: Vec<u32>,
        dim: usize,
        double: bool,
        seed: u64,
        own: bool,
    ) -> PyResult<Self> {
        let setting = Setting { attack, rule, pre, workers, byzantine, dim, seed, own };
        Ok(Self(Mutex::new(if double {
            setting.build::<f64>()?
        } else {
            setting.build::<f32>()?
        })))
    }

    /// Overwrites the Byzantine rows of a C-contiguous matrix; `previous` is what the server made of the round before.
    fn corrupt(
        &self,
        py: Python<'_>,
        messages: &Bound<'_, PyAny>,
        previous: &Bound<'_, PyAny>,
        round: u64,
    ) -> PyResult<()> {
        fork::check()?;
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.corrupt(messages, previous, round)?;
        custom::raise_pending(py)
    }

    /// Everything that later rounds depend on, by name.
    fn state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let state = PyDict::new(py);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).save(&state)?;
        Ok(state)
    }

    /// Takes up where an adversary with this state was.
    fn restore(&self, state: &Bound<'_, PyDict>) -> PyResult<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).load(state)
    }
}

struct Setting<'a, 'py> {
    attack: &'a Bound<'py, PyAny>,
    rule: &'a Bound<'py, PyAny>,
    pre: Vec<Bound<'py, PyAny>>,
    workers: usize,
    byzantine: Vec<u32>,
    dim: usize,
    seed: u64,
    own: bool,
}

impl Setting<'_, '_> {
    fn build<T: Real>(self) -> PyResult<Box<dyn Corrupts>> {
        let requirement = |e: SpecError| errors::requirement(&e);
        let federation = Federation::new(self.workers, &self.byzantine).map_err(requirement)?;
        let shape = Shape { workers: self.workers, byzantine: self.byzantine.len() };
        let (rule, pre) = (parts::rule(self.rule)?, parts::chain(&self.pre)?);
        let defence = Pipeline::<T>::build(pre, rule, shape, self.dim).map_err(requirement)?;
        let knowledge = if self.own { Knowledge::Own } else { Knowledge::Omniscient };
        let mut context = AttackContext::new(&federation, self.dim).with_knowledge(knowledge);
        context.defence = Some(&defence);
        let spec = T::attack(&*parts::attack(self.attack)?);
        let attack = spec.build(&context).map_err(requirement)?;
        let messages = Messages::zeros(self.workers, self.dim);
        let (streams, previous) = (Streams::new(self.seed), vec![T::ZERO; self.dim]);
        Ok(Box::new(Kept { federation, knowledge, defence, attack, messages, previous, streams }))
    }
}

/// An attack's memory in either number type.
trait Corrupts: Send + Debug {
    fn corrupt(
        &mut self,
        messages: &Bound<'_, PyAny>,
        previous: &Bound<'_, PyAny>,
        round: u64,
    ) -> PyResult<()>;
    fn save(&mut self, state: &Bound<'_, PyDict>) -> PyResult<()>;
    fn load(&mut self, state: &Bound<'_, PyDict>) -> PyResult<()>;
}

#[derive(Debug)]
struct Kept<T> {
    federation: Federation,
    knowledge: Knowledge,
    defence: Pipeline<T>,
    attack: Box<dyn fl_core::Attack<T>>,
    messages: Messages<T>,
    previous: Vec<T>,
    streams: Streams,
}

impl<T: Real> Corrupts for Kept<T> {
    fn corrupt(
        &mut self,
        messages: &Bound<'_, PyAny>,
        previous: &Bound<'_, PyAny>,
        round: u64,
    ) -> PyResult<()> {
        let py = messages.py();
        let array = messages.cast::<PyArray2<T>>()?;
        let (workers, dim) = (self.messages.workers(), self.messages.dim());
        if !array.is_c_contiguous() || array.shape() != [workers, dim] {
            return Err(errors::ShapeError::new_err(format!(
                "expected {workers} × {dim} packed numbers"
            )));
        }
        let mut array = array.try_readwrite()?;
        let numbers = array.as_slice_mut()?;
        self.previous.copy_from_slice(previous.cast::<PyArray1<T>>()?.try_readonly()?.as_slice()?);
        let whole = &mut *self;
        py.detach(move || {
            let Self { federation, knowledge, defence, attack, messages, previous, streams } =
                whole;
            for (w, row) in numbers.chunks_exact(dim).enumerate() {
                messages.row_mut(w).copy_from_slice(row);
            }
            let mut view = AttackView::new(messages, federation)
                .with_knowledge(*knowledge)
                .with_defence(Some(&*defence))
                .with_previous(Some(&*previous));
            attack.corrupt(&Cx::new(streams, round), &mut view);
            for &w in federation.byzantine() {
                let row = &mut numbers[w as usize * dim..][..dim];
                row.copy_from_slice(messages.row(w as usize));
            }
        });
        Ok(())
    }

    fn save(&mut self, state: &Bound<'_, PyDict>) -> PyResult<()> {
        let py = state.py();
        let mut result = Ok(());
        self.attack.state(&mut |name, part| {
            let saved = match part {
                Part::Vector(x) | Part::Matrix(x, _) => {
                    state.set_item(name, PyArray1::from_slice(py, x))
                }
                Part::Doubles(x) => state.set_item(name, PyArray1::from_slice(py, x)),
                Part::Count(n) => state.set_item(name, *n),
                _ => Err(errors::RunError::new_err(format!("{name} cannot be saved"))),
            };
            if result.is_ok() {
                result = saved;
            }
        });
        result
    }

    fn load(&mut self, state: &Bound<'_, PyDict>) -> PyResult<()> {
        let mut result = Ok(());
        self.attack.state(&mut |name, part| {
            let loaded = (|| -> PyResult<()> {
                let lacks = || errors::RunError::new_err(format!("the state has no {name}"));
                let kept = state.get_item(name)?.ok_or_else(lacks)?;
                match part {
                    Part::Vector(x) | Part::Matrix(x, _) => {
                        x.copy_from_slice(kept.cast::<PyArray1<T>>()?.try_readonly()?.as_slice()?);
                    }
                    Part::Doubles(x) => {
                        x.copy_from_slice(
                            kept.cast::<PyArray1<f64>>()?.try_readonly()?.as_slice()?,
                        );
                    }
                    Part::Count(n) => *n = kept.extract()?,
                    _ => return Err(lacks()),
                }
                Ok(())
            })();
            if result.is_ok() {
                result = loaded;
            }
        });
        result
    }
}
