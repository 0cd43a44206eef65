//! One worker of an experiment by itself: the client of a federation whose server is elsewhere.

use crate::convert::matrix::Real;
use crate::convert::{errors, fork};
use crate::custom::Pending;
use crate::experiment::Asked;
use crate::round::state;
use fl_core::{AlignedVec, Cx, Dataset, Estimator, Local, Objective, Role, Streams, Workspace};
use fl_data::Loaded;
use fl_lab::{Assignment, Cell, ExperimentText, Precision};
use fl_sim::{Evaluator, Setup};
use numpy::{PyArray1, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::PyDict;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What one worker of a cell knows and remembers.
#[pyclass(module = "robust_fl._native", frozen)]
#[derive(Debug)]
pub(crate) struct Member(Mutex<Box<dyn Works>>);

#[pymethods]
impl Member {
    /// Worker `worker` of the cell at this place of an experiment; its data are loaded, or fetched.
    #[new]
    fn new(py: Python<'_>, asked: Asked, cell: usize, worker: usize) -> PyResult<Self> {
        fork::check()?;
        Pending::collecting(|_| {
            let sweep = asked.read(py)?;
            let place = sweep.cells.get(cell).ok_or_else(|| {
                errors::ExperimentError::new_err(format!(
                    "the experiment has {} cells, and no cell {cell}",
                    sweep.cells.len()
                ))
            })?;
            let (cell, source) = (&place.cell, sweep.source(place.point));
            let dealt = py.detach(|| dealt(&asked, cell, &source))?;
            let works = match cell.experiment.precision {
                Precision::F32 => Solo::<f32>::build(cell, dealt, &source, worker)?,
                Precision::F64 => Solo::<f64>::build(cell, dealt, &source, worker)?,
            };
            Ok(Self(Mutex::new(works)))
        })
    }

    /// x⁰ of the experiment.
    fn start<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.lock(py).start(py)
    }

    /// What the worker sends in a round; with `fresh` its estimator begins at these parameters.
    fn message<'py>(
        &self,
        params: &Bound<'py, PyAny>,
        round: u64,
        fresh: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        fork::check()?;
        self.lock(params.py()).message(params, round, fresh)
    }

    /// Accuracy and mean loss on the test rows.
    fn evaluate(&self, params: &Bound<'_, PyAny>) -> PyResult<(f64, f64)> {
        fork::check()?;
        self.lock(params.py()).evaluate(params)
    }

    /// How many samples the worker has, of how many workers, and who of them is Byzantine.
    fn facts(&self, py: Python<'_>) -> (usize, usize, Vec<u32>) {
        self.lock(py).facts()
    }

    /// Everything that later messages depend on, by name.
    fn state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        state::dict(py, |state| self.lock(py).save(state))
    }

    /// Takes up where a worker with this state was.
    fn restore(&self, py: Python<'_>, state: &Bound<'_, PyDict>) -> PyResult<()> {
        self.lock(py).load(state)
    }
}

impl Member {
    fn lock(&self, py: Python<'_>) -> MutexGuard<'_, Box<dyn Works>> {
        self.0.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner)
    }
}

/// Data and who holds what, of all workers of a cell.
#[derive(Debug)]
struct Dealt {
    data: Loaded,
    assignment: Assignment,
}

/// The last one that was made: a process may play several workers of one cell.
static LAST: Mutex<Option<(String, Arc<Dealt>)>> = Mutex::new(None);

/// Loads and deals the data of a cell, or takes what is there.
fn dealt(asked: &Asked, cell: &Cell, source: &ExperimentText) -> PyResult<Arc<Dealt>> {
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((hash, dealt)) = &*last
        && *hash == cell.hash
    {
        return Ok(Arc::clone(dealt));
    }
    let configuration = |e| errors::configuration(&e);
    let data = asked.data(&cell.experiment.data)?;
    let data = fl_lab::evaluated(&cell.experiment, source, &data);
    let data = data.map_err(configuration)?.into_owned();
    let assignment = fl_lab::assign(cell, &data, source).map_err(configuration)?;
    let dealt = Arc::new(Dealt { data, assignment });
    *last = Some((cell.hash.clone(), Arc::clone(&dealt)));
    Ok(dealt)
}

/// A worker in either number type.
trait Works: Send + Debug {
    fn start<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny>;
    fn message<'py>(
        &mut self,
        params: &Bound<'py, PyAny>,
        round: u64,
        fresh: bool,
    ) -> PyResult<Bound<'py, PyAny>>;
    fn evaluate(&self, params: &Bound<'_, PyAny>) -> PyResult<(f64, f64)>;
    fn facts(&self) -> (usize, usize, Vec<u32>);
    fn save(&mut self, state: &Bound<'_, PyDict>) -> PyResult<()>;
    fn load(&mut self, state: &Bound<'_, PyDict>) -> PyResult<()>;
}

#[derive(Debug)]
struct Solo<T: Real> {
    dealt: Arc<Dealt>,
    worker: usize,
    objective: Box<dyn Objective<T>>,
    estimator: Box<dyn Estimator<T>>,
    work: Workspace<T>,
    streams: Streams,
    start: AlignedVec<T>,
}

impl<T: Real> Solo<T> {
    fn build(
        cell: &Cell,
        dealt: Arc<Dealt>,
        source: &ExperimentText,
        worker: usize,
    ) -> PyResult<Box<dyn Works>> {
        let Dealt { data, assignment } = &*dealt;
        let workers = assignment.partition.workers();
        if worker >= workers {
            return Err(errors::ExperimentError::new_err(format!(
                "the experiment has workers 0 to {}, and no worker {worker}",
                workers - 1
            )));
        }
        if assignment.byzantine_data.is_some() && assignment.federation.is_byzantine(worker) {
            return Err(errors::ExperimentError::new_err(format!(
                "worker {worker} learns from poisoned data, which only the simulator has; leave federation.poison out"
            )));
        }
        let setup = fl_lab::setup::<T>(cell, data, assignment, source);
        let Setup { objective, estimator, train, .. } =
            setup.map_err(|e| errors::configuration(&e))?;
        if estimator.hears() {
            return Err(errors::ExperimentError::new_err(
                "the estimator corrects what the server made of the round before, which a client is not told; take another",
            ));
        }
        let work = Workspace::new(&*objective, train, estimator.capacity().max(1));
        let samples = assignment.partition.worker(worker);
        let local = Local { worker, workers, objective: &*objective, data: train, samples };
        let estimator = estimator.build(&local).map_err(|e| errors::requirement(&e))?;
        let streams = Streams::new(cell.seed);
        let mut start = AlignedVec::zeros(objective.dim());
        objective.initialise(&mut streams.at(Role::Initialise, 0, 0), &mut start);
        Ok(Box::new(Self { dealt, worker, objective, estimator, work, streams, start }))
    }

    /// Parameters as they came.
    fn params<R>(&self, params: &Bound<'_, PyAny>, act: impl FnOnce(&[T]) -> R) -> PyResult<R> {
        let array = params.cast::<PyArray1<T>>()?.try_readonly()?;
        let numbers = array.as_slice()?;
        if numbers.len() != self.start.len() {
            return Err(errors::ShapeError::new_err(format!(
                "the model has {} parameters, got {}",
                self.start.len(),
                numbers.len()
            )));
        }
        Ok(act(numbers))
    }
}

impl<T: Real> Works for Solo<T> {
    fn start<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        PyArray1::from_slice(py, &self.start).into_any()
    }

    fn message<'py>(
        &mut self,
        params: &Bound<'py, PyAny>,
        round: u64,
        fresh: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = params.py();
        let now = self.params(params, <[T]>::to_vec)?;
        let mut sent = vec![T::ZERO; now.len()];
        let Self { dealt, worker, objective, estimator, work, streams, .. } = self;
        let Dealt { data, assignment } = &**dealt;
        let train: &Dataset = assignment.train.as_deref().unwrap_or(&data.split.train);
        let local = Local {
            worker: *worker,
            workers: assignment.partition.workers(),
            objective: &**objective,
            data: train,
            samples: assignment.partition.worker(*worker),
        };
        py.detach(|| {
            if fresh {
                estimator.start(&local, &now, work);
            }
            estimator.message(&Cx::new(streams, round), &local, &now, &mut sent, work);
        });
        Ok(PyArray1::from_vec(py, sent).into_any())
    }

    fn evaluate(&self, params: &Bound<'_, PyAny>) -> PyResult<(f64, f64)> {
        let now = self.params(params, <[T]>::to_vec)?;
        let measured = params.py().detach(|| {
            let mut evaluator = Evaluator::new(&*self.objective, &self.dealt.data.split.test);
            evaluator.evaluate_all(&*self.objective, &now, 0)
        });
        Ok((measured.accuracy, measured.test_loss))
    }

    fn facts(&self) -> (usize, usize, Vec<u32>) {
        let Assignment { partition, federation, .. } = &self.dealt.assignment;
        let samples = partition.worker(self.worker).len();
        (samples, partition.workers(), federation.byzantine().to_vec())
    }

    fn save(&mut self, state: &Bound<'_, PyDict>) -> PyResult<()> {
        state::save(state, |visit| self.estimator.state(visit))
    }

    fn load(&mut self, state: &Bound<'_, PyDict>) -> PyResult<()> {
        state::load(state, |visit| self.estimator.state(visit))
    }
}

pub(crate) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Member>()
}
