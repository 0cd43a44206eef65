//! What a report is made of: plain data, without a disk or a clock.

/// Everything that one page shows.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The page's title.
    pub title: String,
    /// Who wrote it, with a version: `fl-cli 0.1.0`.
    pub writer: String,
    /// What runs can have measured. [`Run::finals`] and [`Curve::quantity`] refer to places in this list.
    pub quantities: Vec<Quantity>,
    /// The runs, in the order in which their methods and attacks are to be listed.
    pub runs: Vec<Run>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// Seconds after which the page loads itself again; `None` for a page that stays as it is.
    pub reload: Option<u64>,
}

/// Something that runs measure.
#[derive(Clone, Debug)]
pub struct Quantity {
    /// Its key: lower-case words with hyphens.
    pub name: String,
    /// As axes and tables show it.
    pub label: String,
    /// How its axis is divided.
    pub scale: Scale,
    /// Which values are good ones.
    pub better: Better,
    /// Whether curves can be drawn against it, as against rounds.
    pub is_axis: bool,
}

/// How an axis is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// From 0 to 1.
    Share,
    /// Evenly.
    Linear,
    /// By powers of ten.
    Log,
}

/// Which values of a quantity are good ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// High ones, as of an accuracy.
    High,
    /// Low ones, as of a loss.
    Low,
}

/// One run: one method, one attack, one seed.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Its folder; no two runs have the same.
    pub folder: String,
    /// Its seed. Runs that differ in nothing else are repetitions of each other.
    pub seed: u64,
    /// Its configuration: dotted keys (`federation.attack.alie.std`, `method.name`) with values as in a file,
    /// texts without quotes.
    pub settings: Vec<(String, String)>,
    /// Its place in a sweep: names of axes with the labels of their values.
    pub labels: Vec<(String, String)>,
    /// How far it is.
    pub state: State,
    /// What else is known of it, by name: versions, digests, times.
    pub facts: Vec<(String, String)>,
    /// The command that repeats it.
    pub command: String,
    /// What it came to: a value for each of [`Report::quantities`].
    pub finals: Vec<Option<f64>>,
    /// What it measured on its way.
    pub curves: Vec<Curve>,
    /// The accuracy in each class over rounds.
    pub classes: Option<Matrix>,
    /// The weight of each worker's message over rounds.
    pub weights: Option<Matrix>,
    /// The Byzantine workers, where they are known.
    pub byzantine: Option<Vec<u32>>,
}

/// How far a run is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// All rounds were done.
    #[default]
    Finished,
    /// It ended early, and why.
    Stopped(String),
    /// It diverged, in its own words.
    Diverged(String),
    /// A process is at it.
    Running,
    /// It has begun, and nobody is at it.
    Interrupted,
    /// It has not begun.
    Waiting,
    /// It failed, or its files are damaged, in words.
    Failed(String),
}

/// A quantity of one run over rounds.
#[derive(Clone, Debug, Default)]
pub struct Curve {
    /// Its place in [`Report::quantities`].
    pub quantity: usize,
    /// Rounds, ascending.
    pub rounds: Vec<u64>,
    /// A value for each; NaN for none.
    pub values: Vec<f64>,
}

/// Several numbers a round.
#[derive(Clone, Debug, Default)]
pub struct Matrix {
    /// Rounds, ascending.
    pub rounds: Vec<u64>,
    /// Numbers a round.
    pub columns: usize,
    /// Round by round; NaN for none.
    pub values: Vec<f64>,
}

/// Something that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which file or folder.
    pub place: String,
    /// What is wrong with it, and what to do.
    pub what: String,
}
