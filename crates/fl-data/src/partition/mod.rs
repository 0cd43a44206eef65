//! Which worker holds which samples.
//!
//! A [`PartitionSpec`] says how to divide; [`PartitionSpec::build`] turns it and the labels into a [`Partition`]: one
//! list of sample indices a worker. A partition of your own is made by [`Partition::from_lists`].
//!
//! Every kind uses every sample exactly once, but for [`LongTail`], [`EqualSizes`], [`WorkerDirichlet`]
//! and [`FromFile`], which say what they leave out.
//! [`FeatureSkew`] also changes what the samples look like.

mod error;
mod kind;
mod lists;
mod rows;
mod variates;

pub use error::PartitionError;
pub use lists::Partition;
pub use rows::{Groups, Rows};

use fl_core::{Dataset, Described, Doc};
use kind::{Kind, Seen};
use rand::Rng;

/// Lists the kinds: their modules, the enum over them, and a visitor.
macro_rules! kinds {
    ($(#[doc = $doc:literal])* $first:ident::$First:ident, $($module:ident::$Name:ident $(<$P:ident>)?),* $(,)?) => {
        mod $first;
        $(mod $module;)*
        pub use $first::$First;
        $(pub use $module::$Name;)*

        $(#[doc = $doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
        #[non_exhaustive]
        pub enum PartitionSpec {
            #[doc = concat!("[`", stringify!($First), "`].")]
            #[default]
            $First,
            $(
                #[doc = concat!("[`", stringify!($Name), "`].")]
                $Name($Name$(<$P>)?),
            )*
        }

        impl PartitionSpec {
            /// Every kind: its name in files and its documentation.
            pub const KINDS: &'static [(&'static str, Doc)] = &[
                (stringify!($first), $First::DOC),
                $((stringify!($module), <$Name$(<$P>)? as Described>::DOC)),*
            ];

            fn kind(&self) -> &dyn Kind {
                match self {
                    PartitionSpec::$First => &$First,
                    $(PartitionSpec::$Name(kind) => kind,)*
                }
            }
        }

        $(
            impl From<$Name$(<$P>)?> for PartitionSpec {
                fn from(kind: $Name$(<$P>)?) -> Self {
                    PartitionSpec::$Name(kind)
                }
            }
        )*
    };
}

kinds! {
    /// How samples are divided among workers.
    ///
    /// In an experiment file (feature `serde`) a kind is a name, or a table with one name in it:
    ///
    /// ```toml
    /// partition = "iid"
    /// partition.by-class = { workers-per-class = 3 }
    /// partition.shards = { classes-per-worker = 2 }
    /// partition.dirichlet = { alpha = 0.3 }                    # min-size = 1, tries = 100
    /// partition.gamma-similarity = { gamma = 0.5 }
    /// partition.quantity-skew = { alpha = 0.5 }                # min-size = 1
    /// partition.long-tail = { ratio = 100 }                    # of = "iid", or any other
    /// partition.equal-sizes = { of.by-class = { workers-per-class = 3 } }
    /// partition.feature-skew = { rotate = 30 }                 # noise = 0.1; of = "iid", or any other
    /// partition.worker-dirichlet = { alpha = 0.3 }             # sizes = [100, 50, …], evenly if left out
    /// partition = "by-group"                                   # the column that set.csv.group names, or qid
    /// partition.from-file = { path = "rows.txt" }
    /// ```
    iid::Iid,
    by_class::ByClass,
    shards::Shards,
    dirichlet::Dirichlet,
    gamma_similarity::GammaSimilarity,
    quantity_skew::QuantitySkew,
    long_tail::LongTail<PartitionSpec>,
    equal_sizes::EqualSizes<PartitionSpec>,
    feature_skew::FeatureSkew<PartitionSpec>,
    worker_dirichlet::WorkerDirichlet,
    by_group::ByGroup,
    from_file::FromFile,
}

impl PartitionSpec {
    /// Divides the samples with these `labels` among `workers`. Every sample is used exactly once, unless the kind says
    /// otherwise.
    ///
    /// `rng` is drawn from only where a kind says so, in a fixed order, so that a stream gives the same partition on every
    /// machine; shares of a Dirichlet distribution depend on the last bit of the machine's logarithm.
    ///
    /// Cost: O(samples + workers · classes).
    ///
    /// # Errors
    /// When there are no workers, more workers than samples, a label is not below `classes`, or the kind's own
    /// requirements are not met.
    pub fn build(
        &self,
        labels: &[u32],
        classes: usize,
        workers: usize,
        rng: &mut (impl Rng + ?Sized),
    ) -> Result<Partition, PartitionError> {
        self.build_rows(Rows { labels, classes, groups: None, places: None }, workers, rng)
    }

    /// The same for rows of which more than their labels is known.
    ///
    /// # Errors
    /// As [`PartitionSpec::build`].
    pub fn build_rows(
        &self,
        rows: Rows<'_>,
        workers: usize,
        rng: &mut (impl Rng + ?Sized),
    ) -> Result<Partition, PartitionError> {
        let (labels, classes, samples) = (rows.labels, rows.classes, rows.len());
        self.check(Some(classes), workers)?;
        if let Some(sample) = labels.iter().position(|&l| l as usize >= classes) {
            return Err(PartitionError::Label { sample, label: labels[sample], classes });
        }
        if u32::try_from(samples).is_err() {
            return Err(PartitionError::TooManySamples { samples });
        }
        let mut rng = rng;
        self.kind().divide(rows, workers, &mut rng)
    }

    /// What can be checked without the samples: the kind's own settings, and workers against classes, where their number
    /// is known.
    ///
    /// # Errors
    /// The first setting that cannot be.
    pub fn check(&self, classes: Option<usize>, workers: usize) -> Result<(), PartitionError> {
        if workers == 0 {
            return Err(PartitionError::NoWorkers);
        }
        self.kind().check(classes, workers)
    }

    /// Workers that share a class and hold nothing else, where the kind is [`ByClass`] or made of it.
    pub fn workers_per_class(&self) -> Option<usize> {
        self.kind().workers_per_class()
    }

    /// The file that lists who holds what, where the kind is [`FromFile`] or made of it.
    pub fn file(&self) -> Option<&str> {
        self.kind().file()
    }

    /// The samples as their workers see them, where that is another way than they are stored ([`FeatureSkew`]); otherwise
    /// `None`. Samples that nobody holds stay as they are.
    ///
    /// `picture` is the height and width of samples that are pictures. Features are rounded to `f32`.
    ///
    /// Cost: one pass; some draws for each worker, and with noise about one and a quarter for each value.
    ///
    /// # Errors
    /// When samples cannot be changed as asked.
    ///
    /// # Panics
    /// When `partition` is not one of `data`.
    pub fn transform(
        &self,
        data: &Dataset,
        picture: Option<(usize, usize)>,
        partition: &Partition,
        rng: &mut (impl Rng + ?Sized),
    ) -> Result<Option<Dataset>, PartitionError> {
        let mut rng = rng;
        self.kind().transform(&Seen { data, picture, partition }, &mut rng)
    }
}

impl Kind for PartitionSpec {
    fn check(&self, classes: Option<usize>, workers: usize) -> Result<(), PartitionError> {
        self.kind().check(classes, workers)
    }

    fn divide(
        &self,
        rows: Rows<'_>,
        workers: usize,
        rng: &mut dyn Rng,
    ) -> Result<Partition, PartitionError> {
        self.kind().divide(rows, workers, rng)
    }

    fn of(&self) -> Option<&dyn Kind> {
        Some(self.kind())
    }
}

#[cfg(test)]
mod tests;
