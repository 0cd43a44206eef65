//! A server with all its memory, for one shape and one number type.

use super::pieces::{Given, Pieces};
use super::work::{LONG, operations};
use crate::convert::matrix::{self, OnMatrix, Real};
use crate::convert::watched::watched;
use crate::convert::{errors, fork};
use crate::custom::{self, Pending};
use crate::parts;
use fl_core::{AggregateError, Cx, NonFinite, Pipeline, Shape, Streams};
use numpy::{PyArray1, PyArrayMethods, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

/// Numbers below which letting go of the interpreter costs more than it gives: some ten microseconds.
const SHORT: f64 = 1e5;
/// How often somebody who waits for another thread's long round looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(5);

/// A pipeline of either number type.
#[derive(Debug)]
pub(crate) enum Pipe {
    Single(Pipeline<f32>),
    Double(Pipeline<f64>),
}

/// A number type that pipelines have.
trait Piped: Real {
    /// The pipeline, if it is one for this type.
    fn of(pipe: &mut Pipe) -> Option<&mut Pipeline<Self>>;
}

impl Piped for f32 {
    fn of(pipe: &mut Pipe) -> Option<&mut Pipeline<f32>> {
        if let Pipe::Single(pipe) = pipe { Some(pipe) } else { None }
    }
}

impl Piped for f64 {
    fn of(pipe: &mut Pipe) -> Option<&mut Pipeline<f64>> {
        if let Pipe::Double(pipe) = pipe { Some(pipe) } else { None }
    }
}

#[derive(Debug)]
struct Memory {
    pipe: Pipe,
    streams: Streams,
    /// The round of the next call.
    round: u64,
    /// What parts in Python have raised.
    pending: Pending,
}

/// A rule, behind pre-aggregators, for W messages of p numbers of one type, with the memory of all rounds.
#[pyclass(module = "robust_fl._native", frozen)]
#[derive(Debug)]
pub(crate) struct Server {
    shape: Shape,
    dim: usize,
    double: bool,
    /// Operations of a round, in order of magnitude.
    work: f64,
    memory: Mutex<Memory>,
}

/// What the last call told: workers left out, weights, (iterations, relative gap, ε), the round, and the (W, f) that was used.
type Told = (Vec<u32>, Option<Vec<f64>>, Option<(u32, f64, f64)>, u64, (usize, usize));

#[pymethods]
impl Server {
    #[new]
    #[pyo3(signature = (rule, pre, workers, byzantine, dim, double, seed, round, refuse))]
    fn new(
        rule: &Bound<'_, PyAny>,
        pre: Vec<Bound<'_, PyAny>>,
        workers: usize,
        byzantine: usize,
        dim: usize,
        double: bool,
        seed: u64,
        round: u64,
        refuse: bool,
    ) -> PyResult<Self> {
        fork::check()?;
        let shape = Shape { workers, byzantine };
        let policy = if refuse { NonFinite::Error } else { NonFinite::Drop };
        Pending::collecting(|pending| {
            let (rule, pre) = (parts::rule(rule)?, parts::chain(&pre)?);
            let work = operations(&*rule, &pre, shape, dim)?;
            let pipe = if double {
                Pipeline::build(pre, rule, shape, dim).map(|p| Pipe::Double(p.with_policy(policy)))
            } else {
                Pipeline::build(pre, rule, shape, dim).map(|p| Pipe::Single(p.with_policy(policy)))
            };
            let pipe = pipe.map_err(|e| errors::requirement(&e))?;
            let (streams, pending) = (Streams::new(seed), pending.clone());
            let memory = Mutex::new(Memory { pipe, streams, round, pending });
            Ok(Self { shape, dim, double, work, memory })
        })
    }

    /// The aggregate of a matrix that can be read where it lies; None for anything else, which has to be made so first.
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        messages: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        if let Some(matrix) = matrix::direct::<f32>(messages) {
            return self.fresh(py, &matrix);
        }
        match matrix::direct::<f64>(messages) {
            Some(matrix) => self.fresh(py, &matrix),
            None => Ok(None),
        }
    }

    /// The same into `out`, for the workers that are `present` alone, and for another round if one is given; with `told`,
    /// what the call tells.
    #[pyo3(signature = (messages, out, round=None, present=None, told=false))]
    fn into<'py>(
        &self,
        messages: &Bound<'py, PyAny>,
        out: &Bound<'py, PyAny>,
        round: Option<u64>,
        present: Option<Vec<u32>>,
        told: bool,
    ) -> PyResult<Option<Told>> {
        if let Some(present) = &present
            && !(present.is_sorted_by(|a, b| a < b)
                && present.last().is_none_or(|&w| (w as usize) < self.shape.workers))
        {
            return Err(errors::ShapeError::new_err(format!(
                "present must list workers from 0 to {} in rising order, got {present:?}",
                self.shape.workers - 1
            )));
        }
        let asked = Asked { round, present, told };
        matrix::with(messages, Into { server: self, out, asked })
    }

    /// The same of messages in pieces, each a list of packed vectors one after another, read where they lie.
    #[pyo3(signature = (messages, out, told=false))]
    fn pieces<'py>(
        &self,
        py: Python<'py>,
        messages: Vec<Vec<Bound<'py, PyAny>>>,
        out: &Bound<'py, PyAny>,
        told: bool,
    ) -> PyResult<Option<Told>> {
        // What the server is for never changes; no round is waited for to look at it.
        if self.double {
            self.of_pieces::<f64>(py, &messages, out, told)
        } else {
            self.of_pieces::<f32>(py, &messages, out, told)
        }
    }

    /// The weights of the last call, or None for a coordinate-wise rule.
    #[getter]
    fn weights<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyArray1<f64>>> {
        let memory = self.lock(py);
        let weights = match &memory.pipe {
            Pipe::Single(pipe) => pipe.weights(),
            Pipe::Double(pipe) => pipe.weights(),
        };
        weights.map(|weights| PyArray1::from_slice(py, weights))
    }

    /// The round of the next call.
    #[getter]
    fn round(&self, py: Python<'_>) -> u64 {
        self.lock(py).round
    }

    /// What a rule with memory keeps, or None.
    #[getter]
    fn state<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        match &self.lock(py).pipe {
            Pipe::Single(pipe) => pipe.memory().map(|m| PyArray1::from_slice(py, m).into_any()),
            Pipe::Double(pipe) => pipe.memory().map(|m| PyArray1::from_slice(py, m).into_any()),
        }
    }

    /// Takes up where a server with this memory was.
    fn restore(&self, py: Python<'_>, state: &Bound<'_, PyAny>) -> PyResult<()> {
        match &mut self.lock(py).pipe {
            Pipe::Single(pipe) => {
                pipe.restore(matrix::output::<f32>(state, self.dim)?.as_slice()?);
            }
            Pipe::Double(pipe) => {
                pipe.restore(matrix::output::<f64>(state, self.dim)?.as_slice()?);
            }
        }
        Ok(())
    }
}

impl Server {
    /// The memory. Whoever waits for it lets go of the interpreter, which its holder may need.
    fn lock(&self, py: Python<'_>) -> MutexGuard<'_, Memory> {
        self.memory.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner)
    }

    /// The same without the interpreter, as long as the round is wanted.
    fn lock_unless(&self, stop: &AtomicBool) -> Option<MutexGuard<'_, Memory>> {
        loop {
            match self.memory.try_lock() {
                Ok(memory) => return Some(memory),
                Err(TryLockError::Poisoned(memory)) => return Some(memory.into_inner()),
                Err(TryLockError::WouldBlock) if stop.load(Relaxed) => return None,
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOOK),
            }
        }
    }

    fn fresh<'py, T: Piped>(
        &self,
        py: Python<'py>,
        matrix: &PyReadonlyArray2<'py, T>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        if matrix::shape(matrix) != (self.shape.workers, self.dim)
            || T::of(&mut self.lock(py).pipe).is_none()
        {
            return Ok(None);
        }
        let out = PyArray1::<T>::zeros(py, self.dim, false);
        let given = Given::whole(matrix)?;
        self.run(py, given, out.try_readwrite()?.as_slice_mut()?, &Asked::default())?;
        Ok(Some(out.into_any()))
    }

    fn of_pieces<'py, T: Piped>(
        &self,
        py: Python<'py>,
        messages: &[Vec<Bound<'py, PyAny>>],
        out: &Bound<'py, PyAny>,
        told: bool,
    ) -> PyResult<Option<Told>> {
        let arrays = messages.iter().map(|message| message.iter().map(matrix::vector).collect());
        let arrays = arrays.collect::<PyResult<Vec<Vec<_>>>>()?;
        let pieces = Pieces::<T>::new(&arrays)?;
        let mut out = matrix::output::<T>(out, self.dim)?;
        let asked = Asked { told, ..Asked::default() };
        self.run(py, Given::Pieces(&pieces), out.as_slice_mut()?, &asked)
    }

    /// One round.
    fn run<T: Piped>(
        &self,
        py: Python<'_>,
        messages: Given<'_, T>,
        out: &mut [T],
        asked: &Asked,
    ) -> PyResult<Option<Told>> {
        fork::check()?;
        if self.work < SHORT && !custom::any() {
            return self.lock(py).round(messages, out, asked);
        }
        if self.work < LONG {
            return py.detach(|| {
                let memory = self.memory.lock();
                memory.unwrap_or_else(PoisonError::into_inner).round(messages, out, asked)
            });
        }
        // Of this call alone: threads that share a server do not stop each other's rounds.
        let stop = Arc::new(AtomicBool::new(false));
        watched(
            py,
            || stop.store(true, Relaxed),
            |_| Ok(()),
            || {
                let Some(mut memory) = self.lock_unless(&stop) else {
                    return Err(errors::aggregation(&AggregateError::Interrupted));
                };
                let streams = memory.streams.clone();
                memory.streams = streams.clone().interrupted_by(Arc::clone(&stop));
                let result = memory.round(messages, out, asked);
                memory.streams = streams;
                result
            },
        )?
    }
}

/// What a call asks for beside the aggregate.
#[derive(Debug, Default)]
struct Asked {
    round: Option<u64>,
    present: Option<Vec<u32>>,
    told: bool,
}

impl Memory {
    /// A round, whose exceptions are raised before another one's can take their place.
    fn round<T: Piped>(
        &mut self,
        messages: Given<'_, T>,
        out: &mut [T],
        asked: &Asked,
    ) -> PyResult<Option<Told>> {
        let result = self.aggregate(messages, out, asked);
        // A rule in Python that raised says more than what the engine made of it.
        self.pending.raised()?;
        result.map_err(|e| errors::aggregation(&e))
    }

    fn aggregate<T: Piped>(
        &mut self,
        messages: Given<'_, T>,
        out: &mut [T],
        asked: &Asked,
    ) -> Result<Option<Told>, AggregateError> {
        let round = asked.round.unwrap_or(self.round);
        let cx = Cx::new(&self.streams, round);
        let pipe = T::of(&mut self.pipe).ok_or_else(|| AggregateError::Shape {
            expected: "messages of the other number type".to_owned(),
            got: T::NAME.to_owned(),
        })?;
        let report = messages.aggregate(&cx, pipe, asked.present.as_deref(), out)?;
        self.round = round + 1;
        Ok(asked.told.then(|| {
            let rows = pipe.rows();
            let arrived =
                |w: &u32| asked.present.as_ref().is_none_or(|present| present.contains(w));
            let left = (0..messages.workers() as u32).filter(|w| arrived(w) && !rows.contains(w));
            let certificate = report.certificate;
            let certificate = certificate.map(|c| (c.iterations, c.relative_gap, c.epsilon));
            let weights = pipe.weights().map(<[f64]>::to_vec);
            let Shape { workers, byzantine } = report.used;
            (left.collect(), weights, certificate, round, (workers, byzantine))
        }))
    }
}

/// A call of [`Server::into`].
struct Into<'a, 'py> {
    server: &'a Server,
    out: &'a Bound<'py, PyAny>,
    asked: Asked,
}

impl<'py> OnMatrix<'py> for Into<'_, 'py> {
    type Output = Option<Told>;

    fn single(self, matrix: &PyReadonlyArray2<'py, f32>) -> PyResult<Option<Told>> {
        self.call(matrix)
    }

    fn double(self, matrix: &PyReadonlyArray2<'py, f64>) -> PyResult<Option<Told>> {
        self.call(matrix)
    }
}

impl<'py> Into<'_, 'py> {
    fn call<T: Piped>(self, matrix: &PyReadonlyArray2<'py, T>) -> PyResult<Option<Told>> {
        let mut out = matrix::output::<T>(self.out, self.server.dim)?;
        self.server.run(matrix.py(), Given::whole(matrix)?, out.as_slice_mut()?, &self.asked)
    }
}
