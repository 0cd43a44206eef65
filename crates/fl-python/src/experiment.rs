//! Experiments: read, run with progress and Ctrl-C, and all commands of `fl-cli` as calls.

use crate::convert::watched::{left, watched};
use crate::convert::{errors, fork, value};
use crate::custom::Pending;
use crate::parts;
use fl_cli::RunOptions;
use fl_data::Loaded;
use fl_lab::{DataConfig, Event, Host, Sweep};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};

/// A table as the text of an experiment file.
#[pyfunction]
fn to_toml(table: &Bound<'_, PyDict>) -> PyResult<String> {
    let table = value::table(table, "")?;
    toml::to_string(&table).map_err(|e| errors::ExperimentError::new_err(e.to_string()))
}

/// What a command of `fl-cli` prints. Ctrl-C leaves it to itself; files it writes are there whole or not at all.
#[pyfunction]
fn call(py: Python<'_>, args: Vec<OsString>) -> PyResult<(String, String)> {
    fork::check()?;
    let registry = parts::registry();
    let (said, pending) = left(py, move || {
        Pending::collecting(|pending| (fl_cli::call(&registry, &args), pending.clone()))
    })?;
    pending.raised()?;
    said.map(|said| (said.results, said.remarks)).map_err(|(code, why)| errors::exit(code, why))
}

/// The command `fl-cli` with these arguments; its exit code.
#[pyfunction]
fn main(py: Python<'_>, args: Vec<OsString>) -> u8 {
    let registry = parts::registry();
    py.detach(|| fl_cli::main_with(&registry, args))
}

/// What an experiment file says and where its runs go.
#[derive(FromPyObject)]
pub(crate) struct Asked {
    text: String,
    name: String,
    set: Vec<(String, String)>,
    out: PathBuf,
    jobs: Option<usize>,
    threads: Option<usize>,
    fresh: bool,
    offline: bool,
    data_dir: Option<PathBuf>,
}

/// What happened to a run: what, which, its round, and words or the accuracy.
type Happened = (&'static str, usize, u64, String);

/// All cells of an experiment: folder, method, attack, seed, and the labels of its place in a sweep.
#[pyfunction]
fn cells<'py>(py: Python<'py>, asked: Asked) -> PyResult<Bound<'py, PyList>> {
    let sweep = asked.read(py)?;
    let all = PyList::empty(py);
    for c in &sweep.cells {
        let cell = PyDict::new(py);
        cell.set_item("folder", asked.out.join(&sweep.base.name).join(c.cell.folder()))?;
        cell.set_item("method", &c.cell.method.name)?;
        cell.set_item("attack", &c.cell.experiment.federation.attack.name)?;
        cell.set_item("seed", c.cell.seed)?;
        cell.set_item("rounds", c.cell.experiment.rounds)?;
        let labels = PyDict::new(py);
        for (axis, label) in sweep.axes.iter().zip(sweep.labels(c.point)) {
            labels.set_item(&axis.name, label)?;
        }
        cell.set_item("labels", labels)?;
        all.append(cell)?;
    }
    Ok(all)
}

/// Runs what is not finished, and returns what was remarked. `progress` is called with lists of what happened, some twenty times a second.
#[pyfunction]
fn run(py: Python<'_>, asked: Asked, progress: Option<Bound<'_, PyAny>>) -> PyResult<String> {
    fork::check()?;
    Pending::collecting(|pending| {
        let sweep = asked.read(py)?;
        watch(py, &asked, &sweep, pending, progress.as_ref())
    })
}

fn watch(
    py: Python<'_>,
    asked: &Asked,
    sweep: &Sweep,
    pending: &Pending,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<String> {
    let (stop, abandon) = (AtomicBool::new(false), Arc::new(AtomicBool::new(false)));
    let happened = Mutex::new(Vec::<Happened>::new());
    let look = |_: Python<'_>| {
        pending.raised()?;
        let news = std::mem::take(&mut *happened.lock().unwrap_or_else(PoisonError::into_inner));
        match progress {
            Some(progress) if !news.is_empty() => progress.call1((news,)).map(drop),
            _ => Ok(()),
        }
    };
    let happen = |event: Event<'_>| {
        if let Some(news) = news(&event) {
            happened.lock().unwrap_or_else(PoisonError::into_inner).push(news);
        }
    };
    std::thread::scope(|scope| {
        // It is dropped at the end, whichever way that comes, a panic's too: then nobody is waited for.
        let (_running, ended) = channel::<()>();
        let (stop, leave) = (&stop, Arc::clone(&abandon));
        scope.spawn(move || {
            let is_over = || ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Disconnected);
            while !stop.load(Relaxed) {
                if is_over() {
                    return;
                }
            }
            // A round that takes longer than this is left: its run goes on from the checkpoint before.
            if !is_over() {
                leave.store(true, Relaxed);
            }
        });
        watched(
            py,
            || stop.store(true, Relaxed),
            look,
            || {
                let host = Host {
                    clock: fl_cli::clock,
                    peak_memory: || None,
                    stop,
                    abandon: Some(&abandon),
                };
                asked.work(sweep, host, &happen)
            },
        )
    })?
}

/// How long a round on its way is waited for.
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(30);

fn news(event: &Event<'_>) -> Option<Happened> {
    Some(match event {
        Event::Started { index, cell } => ("started", *index, 0, cell.folder()),
        Event::Preparing { index, what, .. } => ("preparing", *index, 0, (*what).to_owned()),
        Event::Resumed { index, round, .. } => ("resumed", *index, *round, String::new()),
        Event::Notice { index, message, .. } => ("notice", *index, 0, (*message).to_owned()),
        Event::Busy { index, .. } => ("busy", *index, 0, String::new()),
        Event::Progress { index, metrics, .. } => {
            ("progress", *index, metrics.round, metrics.accuracy.to_string())
        }
        Event::Finished { index, outcome } => {
            ("finished", *index, outcome.done.rounds, String::new())
        }
        Event::Failed { index, error, .. } => ("failed", *index, 0, error.to_string()),
        _ => return None,
    })
}

impl Asked {
    /// Runs what is not finished; what was remarked.
    fn work(
        &self,
        sweep: &Sweep,
        host: Host<'_>,
        tell: &(dyn Fn(Event<'_>) + Sync),
    ) -> PyResult<String> {
        let run = fl_cli::run(sweep, &self.options(), host, tell);
        run.map_err(|(code, why)| errors::exit(code, why))
    }

    /// The data that an experiment names, fetched if they are missing.
    pub(crate) fn data(&self, data: &DataConfig) -> PyResult<Loaded> {
        fl_cli::data(data, &self.options()).map_err(|(code, why)| errors::exit(code, why))
    }

    fn options(&self) -> RunOptions {
        RunOptions {
            out: self.out.clone(),
            jobs: self.jobs,
            threads: self.threads,
            fresh: self.fresh,
            offline: self.offline,
            data_dir: self.data_dir.clone(),
        }
    }

    pub(crate) fn read(&self, py: Python<'_>) -> PyResult<Sweep> {
        let registry = parts::registry();
        let sweep = py.detach(|| Sweep::parse_with(&registry, &self.text, &self.name, &self.set));
        sweep.map_err(|e| errors::configuration(&e))
    }
}

pub(crate) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(to_toml, module)?)?;
    module.add_function(wrap_pyfunction!(call, module)?)?;
    module.add_function(wrap_pyfunction!(main, module)?)?;
    module.add_function(wrap_pyfunction!(cells, module)?)?;
    module.add_function(wrap_pyfunction!(run, module)?)
}
