//! Why samples cannot be divided as asked.

/// Why samples cannot be divided as asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PartitionError {
    /// Nobody to hold anything.
    #[error("a partition needs at least 1 worker, got 0")]
    NoWorkers,
    /// Somebody would hold nothing.
    #[error(
        "{workers} workers cannot share {samples} samples; each needs at least one, so use at most {samples} workers"
    )]
    MoreWorkersThanSamples {
        /// Workers asked for.
        workers: usize,
        /// Samples there are.
        samples: usize,
    },
    /// The workers do not match the classes.
    #[error(
        "{workers} workers are not {classes} classes × {workers_per_class} workers a class; use {} workers{}",
        classes.saturating_mul(*workers_per_class),
        match workers.checked_rem(*classes) {
            Some(0) => format!(" or {} workers a class", workers / classes),
            _ => String::new(),
        }
    )]
    WorkersPerClass {
        /// Workers asked for.
        workers: usize,
        /// Classes of the set.
        classes: usize,
        /// Workers asked for in a class.
        workers_per_class: usize,
    },
    /// Nobody would hold a class.
    #[error("workers per class must be at least 1, got 0")]
    NoWorkersPerClass,
    /// A class with too few samples.
    #[error(
        "class {class} has {samples} samples for {workers_per_class} workers; each needs at least one"
    )]
    SmallClass {
        /// The class.
        class: usize,
        /// Samples it has.
        samples: usize,
        /// Workers that should share it.
        workers_per_class: usize,
    },
    /// A setting that no partition can have.
    #[error("{setting} must be {allowed}, got {found}")]
    Setting {
        /// The setting, with its kind.
        setting: &'static str,
        /// What would do.
        allowed: &'static str,
        /// What was asked for.
        found: f64,
    },
    /// Fewer shards than classes: some class would be nobody's.
    #[error(
        "{workers} workers with {classes_per_worker} classes each make {} shards, fewer than the {classes} classes that occur; use more workers or classes-per-worker = {}",
        workers.saturating_mul(*classes_per_worker), classes.div_ceil((*workers).max(1))
    )]
    FewShards {
        /// Workers asked for.
        workers: usize,
        /// Shards of a worker.
        classes_per_worker: usize,
        /// Classes that have samples.
        classes: usize,
    },
    /// More must be given than there is.
    #[error(
        "{workers} workers with at least {each} samples each need {} samples, there are {samples}",
        workers.saturating_mul(*each)
    )]
    TooFewSamples {
        /// Workers asked for.
        workers: usize,
        /// The least that each should get.
        each: usize,
        /// Samples there are.
        samples: usize,
    },
    /// No draw gave everybody enough.
    #[error(
        "none of {tries} draws with alpha = {alpha:?} gave every worker at least {min_size} samples; in the best of them the smallest worker had {best}: use a larger alpha, fewer workers, a smaller min-size or more tries"
    )]
    Tries {
        /// Draws made.
        tries: usize,
        /// The concentration.
        alpha: f64,
        /// The least size asked for.
        min_size: usize,
        /// Size of the smallest worker in the best draw.
        best: usize,
    },
    /// Only pictures can be turned.
    #[error("feature-skew can rotate pictures only, and this set has none; use noise")]
    NoPictures,
    /// Changed features that are no data any more.
    #[error("feature-skew: {why}; use less noise")]
    Skew {
        /// What is wrong with them.
        why: String,
    },
    /// A label beyond the classes.
    #[error("label {label} of sample {sample} is outside the {classes} classes")]
    Label {
        /// The sample.
        sample: usize,
        /// Its label.
        label: u32,
        /// Number of classes.
        classes: usize,
    },
    /// More samples than an index can name.
    #[error("{samples} samples are more than 32-bit indices can name")]
    TooManySamples {
        /// Samples there are.
        samples: usize,
    },
    /// Nobody knows which group a row belongs to.
    #[error(
        "by-group needs the group of each row: `group` names its column in a file of comma-separated values, and `qid` says it in LIBSVM's text"
    )]
    NoGroups,
    /// Somebody would have no group.
    #[error(
        "{workers} workers need at least as many groups, there are {groups}; use at most {groups} workers"
    )]
    FewGroups {
        /// Workers asked for.
        workers: usize,
        /// Groups there are.
        groups: usize,
    },
    /// A file of lists that cannot be used.
    #[error("{path}: {why}")]
    File {
        /// The file.
        path: String,
        /// What is wrong, and in which line.
        why: String,
    },
    /// Not a size for each worker.
    #[error("worker-dirichlet needs a size for each of {workers} workers, got {sizes}")]
    Sizes {
        /// Workers asked for.
        workers: usize,
        /// Sizes given.
        sizes: usize,
    },
    /// More is asked for than there is.
    #[error("the sizes of worker-dirichlet sum to {wanted} samples, there are {samples}")]
    TooMuch {
        /// Samples asked for.
        wanted: usize,
        /// Samples there are.
        samples: usize,
    },
    /// A worker with nothing.
    #[error("worker {worker} has no samples")]
    EmptyWorker {
        /// The worker.
        worker: usize,
    },
    /// An index that names no sample.
    #[error("worker {worker} has index {index}, but there are {samples} samples")]
    Index {
        /// The worker.
        worker: usize,
        /// The index.
        index: u32,
        /// Samples there are.
        samples: usize,
    },
}
