//! An adversary with its memory, for the federation of a program.

use super::state;
use super::work::{LONG, operations};
use crate::convert::matrix::Real;
use crate::convert::watched::watched;
use crate::convert::{errors, fork};
use crate::custom::Pending;
use crate::parts;
use fl_core::{
    AttackContext, AttackView, Cx, Federation, Knowledge, Messages, Pipeline, Shape, SpecError,
    Streams,
};
use numpy::{PyArray1, PyArray2, PyArrayMethods, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::PyDict;
use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Aggregations that an attack may rehearse in a round, in order of magnitude.
const REHEARSALS: f64 = 50.0;

/// What overwrites Byzantine rows, round after round.
#[pyclass(module = "robust_fl._native", frozen)]
#[derive(Debug)]
pub(crate) struct Adversary(Mutex<Box<dyn Corrupts>>);

#[pymethods]
impl Adversary {
    /// Against a server with this rule, or against one of which nothing is known.
    #[new]
    fn new(
        attack: &Bound<'_, PyAny>,
        rule: Option<&Bound<'_, PyAny>>,
        pre: Vec<Bound<'_, PyAny>>,
        workers: usize,
        byzantine: Vec<u32>,
        dim: usize,
        double: bool,
        seed: u64,
        own: bool,
    ) -> PyResult<Self> {
        fork::check()?;
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
        self.lock(py).corrupt(messages, previous, round)
    }

    /// Everything that later rounds depend on, by name.
    fn state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        state::dict(py, |state| self.lock(py).save(state))
    }

    /// Takes up where an adversary with this state was.
    fn restore(&self, py: Python<'_>, state: &Bound<'_, PyDict>) -> PyResult<()> {
        self.lock(py).load(state)
    }
}

impl Adversary {
    /// Whoever waits for another thread's round lets go of the interpreter, which that round needs at its end.
    fn lock(&self, py: Python<'_>) -> MutexGuard<'_, Box<dyn Corrupts>> {
        self.0.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner)
    }
}

struct Setting<'a, 'py> {
    attack: &'a Bound<'py, PyAny>,
    rule: Option<&'a Bound<'py, PyAny>>,
    pre: Vec<Bound<'py, PyAny>>,
    workers: usize,
    byzantine: Vec<u32>,
    dim: usize,
    seed: u64,
    own: bool,
}

impl Setting<'_, '_> {
    fn build<T: Real>(self) -> PyResult<Box<dyn Corrupts>> {
        Pending::collecting(|pending| {
            let requirement = |e: SpecError| errors::requirement(&e);
            let federation = Federation::new(self.workers, &self.byzantine).map_err(requirement)?;
            let shape = Shape { workers: self.workers, byzantine: self.byzantine.len() };
            let mut work = self.workers as f64 * self.dim as f64;
            let defence = match self.rule {
                Some(rule) => {
                    let (rule, pre) = (parts::rule(rule)?, parts::chain(&self.pre)?);
                    work += operations(&*rule, &pre, shape, self.dim)?;
                    let server = Pipeline::<T>::build(pre, rule, shape, self.dim);
                    Some(server.map_err(requirement)?)
                }
                None => None,
            };
            let knowledge = if self.own { Knowledge::Own } else { Knowledge::Omniscient };
            let mut context = AttackContext::new(&federation, self.dim).with_knowledge(knowledge);
            context.defence = defence.as_ref();
            let spec = T::attack(&*parts::attack(self.attack)?);
            let attack = spec.build(&context).map_err(requirement)?;
            Ok(Box::new(Kept {
                federation,
                knowledge,
                defence,
                attack,
                messages: Messages::zeros(self.workers, self.dim),
                previous: vec![T::ZERO; self.dim],
                streams: Streams::new(self.seed),
                pending: pending.clone(),
                work: REHEARSALS * work,
            }) as Box<dyn Corrupts>)
        })
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

impl<T: Real> Kept<T> {
    /// A round on W × p numbers.
    fn attack(&mut self, numbers: &mut [T], round: u64, stop: Arc<AtomicBool>) {
        let Self { federation, knowledge, defence, attack, messages, previous, streams, .. } = self;
        let dim = previous.len();
        for (w, row) in numbers.chunks_exact(dim).enumerate() {
            messages.row_mut(w).copy_from_slice(row);
        }
        // A server of which nothing is known has made nothing that is known.
        let previous = defence.is_some().then_some(&**previous);
        let mut view = AttackView::new(messages, federation)
            .with_knowledge(*knowledge)
            .with_defence(defence.as_ref())
            .with_previous(previous);
        let streams = streams.clone().interrupted_by(stop);
        attack.corrupt(&Cx::new(&streams, round), &mut view);
        for &w in federation.byzantine() {
            let row = &mut numbers[w as usize * dim..][..dim];
            row.copy_from_slice(messages.row(w as usize));
        }
    }
}

#[derive(Debug)]
struct Kept<T> {
    federation: Federation,
    knowledge: Knowledge,
    defence: Option<Pipeline<T>>,
    attack: Box<dyn fl_core::Attack<T>>,
    messages: Messages<T>,
    previous: Vec<T>,
    streams: Streams,
    pending: Pending,
    /// Operations of a round, in order of magnitude.
    work: f64,
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
        let stop = Arc::new(AtomicBool::new(false));
        let whole = &mut *self;
        let long = whole.work >= LONG;
        let flag = Arc::clone(&stop);
        let work = || whole.attack(numbers, round, flag);
        let done = if long {
            watched(py, || stop.store(true, Relaxed), |_| Ok(()), work)
        } else {
            py.detach(work);
            Ok(())
        };
        let raised = self.pending.raised();
        done.and(raised)
    }

    fn save(&mut self, state: &Bound<'_, PyDict>) -> PyResult<()> {
        state::save(state, |visit| self.attack.state(visit))
    }

    fn load(&mut self, state: &Bound<'_, PyDict>) -> PyResult<()> {
        state::load(state, |visit| self.attack.state(visit))
    }
}
