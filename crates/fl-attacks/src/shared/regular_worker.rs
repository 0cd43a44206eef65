//! What attacks share that use the message of one regular worker.

use fl_core::{AttackContext, AttackView, Federation, Knowledge, Scalar, SpecError};

/// A regular worker whose message an attack uses: the given one, or the lowest.
pub(crate) fn regular<T: Scalar>(
    attack: &str,
    worker: Option<usize>,
    context: &AttackContext<'_, T>,
) -> Result<usize, SpecError> {
    let federation = context.federation;
    if context.knowledge == Knowledge::Own {
        let allowed =
            "\"omniscient\", since the attack sends what follows from a regular worker's message";
        return Err(SpecError::new("knowledge", allowed, "\"own\"").of(attack));
    }
    // A federation has at least one regular worker.
    let worker = worker.unwrap_or(federation.regular()[0] as usize);
    if worker >= federation.workers() || federation.is_byzantine(worker) {
        let allowed = format!("a regular worker ({})", ranges(federation.regular()));
        let got = if worker < federation.workers() {
            format!("{worker}, which is Byzantine")
        } else {
            format!("{worker} of {} workers", federation.workers())
        };
        return Err(SpecError::new("worker", allowed, got).of(attack));
    }
    Ok(worker)
}

/// Rising numbers as a reader would write them: `0 to 23, 27`.
fn ranges(numbers: &[u32]) -> String {
    let runs = numbers.chunk_by(|a, b| a + 1 == *b).map(|run| match run {
        [one] => one.to_string(),
        _ => format!("{} to {}", run[0], run[run.len() - 1]),
    });
    runs.collect::<Vec<_>>().join(", ")
}

/// The given worker, or the lowest regular one; also where the given one has become Byzantine or takes no part, since who is
/// and does may change from round to round. Where no regular worker takes part, the lowest Byzantine one.
pub(crate) fn target(worker: Option<usize>, federation: &Federation) -> usize {
    let regular = federation.regular();
    let given = worker.filter(|&w| regular.binary_search(&(w as u32)).is_ok());
    given.unwrap_or_else(|| {
        let lowest = regular.first().or(federation.byzantine().first());
        lowest.map_or(0, |&w| w as usize)
    })
}

/// Lets all attackers send what `worker` sends.
pub(crate) fn copy<T: Scalar>(view: &mut AttackView<'_, T>, worker: usize) {
    for &b in view.attackers() {
        view.copy(worker, b as usize);
    }
}
