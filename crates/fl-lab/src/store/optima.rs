//! Where x* is kept.

use super::files::write_whole;
use crate::LabError;
use crate::file::ExperimentText;
use crate::plan::{Assignment, Cell, setup};
use fl_data::{Loaded, npy};
use fl_sim::{Optimum, Problem, TOLERANCE, minimise};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The optima of an experiment's cells. Each is searched once, and kept as `KEY.npy` in a folder that experiments can
/// share; the key stands for data, model, and who counts how much.
#[derive(Debug)]
pub(crate) struct Optima {
    folder: PathBuf,
    threads: usize,
    known: Mutex<BTreeMap<String, Slot>>,
}

/// Held while x* is searched, so that cells with the same problem wait for one of them.
type Slot = Arc<Mutex<Option<Arc<[f64]>>>>;

impl Optima {
    pub(crate) fn new(folder: &Path, threads: usize) -> Self {
        Self { folder: folder.to_owned(), threads, known: Mutex::default() }
    }

    /// A cell's x*, searched with all threads where neither this process nor the folder has it. `say` is told what is
    /// being done; what is `lasting` is worth a line of its own.
    pub(crate) fn of(
        &self,
        cell: &Cell,
        data: &Loaded,
        assignment: &Assignment,
        source: &ExperimentText,
        stop: &AtomicBool,
        say: &(dyn Fn(&str, bool) + Sync),
    ) -> Result<Arc<[f64]>, LabError> {
        let setup = setup::<f64>(cell, data, assignment, source)?;
        let regular = setup.federation.regular();
        let samples = regular.iter().map(|&w| setup.samples[w as usize]);
        let problem = Problem::new(&*setup.objective, setup.train, samples);
        let key = key(cell, data, assignment, &problem).expect("plain data");
        let slot = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.entry(key.clone()).or_default())
        };
        // A search that panicked has left nothing, and its slot empty.
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(optimum) = &*slot {
            return Ok(Arc::clone(optimum));
        }
        let search = || self.read_or_search(&problem, &key, stop, say);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.threads).build();
        let optimum: Arc<[f64]> = match pool {
            Ok(pool) => pool.install(search),
            Err(_) => search(),
        }?
        .into();
        *slot = Some(Arc::clone(&optimum));
        Ok(optimum)
    }

    fn read_or_search(
        &self,
        problem: &Problem<'_>,
        key: &str,
        stop: &AtomicBool,
        say: &(dyn Fn(&str, bool) + Sync),
    ) -> Result<Vec<f64>, LabError> {
        let dim = problem.dim();
        let path = self.folder.join(format!("{key}.npy"));
        match std::fs::read(&path) {
            Ok(bytes) => match checked(problem, &bytes) {
                Ok(x) => return Ok(x),
                Err(why) => {
                    say(&format!("{} is no x* ({why}); searching it anew", path.display()), true);
                }
            },
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(LabError::io("read", path)(e)),
        }
        let watch = |step: u32, norm: f64| {
            if step.is_multiple_of(10) {
                say(&format!("searching x*: step {step}, gradient norm {norm:.1e}"), false);
            }
        };
        // A search ends where a gradient is none.
        let is_stopped = || stop.load(Ordering::Relaxed);
        let gradient = |x: &[f64]| match is_stopped() {
            true => vec![f64::NAN; dim],
            false => problem.gradient(x),
        };
        let found = match minimise(dim, gradient, TOLERANCE, watch) {
            Err(_) if is_stopped() => return Err(LabError::Stopped { round: 0 }),
            found => found?,
        };
        let Optimum { params, gradient_norm, steps } = found;
        say(&format!("found x*: gradient norm {gradient_norm:.1e} after {steps} steps"), true);
        std::fs::create_dir_all(&self.folder)
            .map_err(LabError::io("make the folder", &self.folder))?;
        write_whole(&path, &npy::write(&params))?;
        Ok(params)
    }
}

/// What a file holds is x* where the gradient says so, whatever else may be said about the file.
fn checked(problem: &Problem<'_>, bytes: &[u8]) -> Result<Vec<f64>, String> {
    let array = npy::parse(bytes).map_err(|e| e.to_string())?;
    let dim = problem.dim();
    if array.shape != [dim] {
        return Err(format!("expected {dim} numbers, found shape {:?}", array.shape));
    }
    let x = array.to_f64();
    let norm = problem.gradient_norm(&x);
    // Another instruction set adds up in another order.
    if norm <= 1.1 * TOLERANCE { Ok(x) } else { Err(format!("gradient norm {norm:.1e}")) }
}

/// Twelve hexadecimal digits that stand for a problem.
fn key(
    cell: &Cell,
    data: &Loaded,
    assignment: &Assignment,
    problem: &Problem<'_>,
) -> Result<String, serde_json::Error> {
    let experiment = &cell.experiment;
    let mut parts = vec![
        data.digest(),
        // Which column of a file is the label, for example.
        serde_json::to_string(&experiment.data.set)?,
        serde_json::to_string(&experiment.data.scale)?,
        serde_json::to_string(&experiment.data.evaluate_on)?,
        serde_json::to_string(&experiment.model)?,
    ];
    if assignment.train.is_some() {
        // Samples that their workers see in their own way depend on how they were dealt.
        parts.push(serde_json::to_string(&experiment.data.partition)?);
        parts.push(cell.seed.to_string());
    }
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    for (row, share) in problem.shares() {
        hasher.update(row.to_le_bytes());
        hasher.update(share.to_le_bytes());
    }
    Ok(hasher.finalize()[..6].iter().map(|b| format!("{b:02x}")).collect())
}
