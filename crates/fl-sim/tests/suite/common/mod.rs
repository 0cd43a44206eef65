//! A federation on the embedded digits, small enough to run many times.

pub(crate) mod whole;

use fl_core::{AttackSpec, EstimatorSpec, Federation, Knowledge, Scalar, Streams};
use fl_data::partition::ByClass;
use fl_data::{Loaded, Partition, PartitionSpec};
use fl_models::Softmax;
use fl_sim::{ProtocolSpec, Rsa, RsaDecay, RsaOrder, Setup};

/// Digits and who holds which.
pub(crate) struct World {
    pub(crate) data: Loaded,
    pub(crate) partition: Partition,
    pub(crate) workers: usize,
}

impl World {
    /// As many workers as asked for, an equal number to each of the ten classes.
    pub(crate) fn by_class(workers: usize) -> Self {
        let data = fl_data::digits::load();
        let train = &data.split.train;
        let mut rng = Streams::new(0).at(fl_core::Role::Partition, 0, 0);
        let spec = PartitionSpec::ByClass(ByClass { workers_per_class: workers / 10 });
        let partition = spec.build(train.labels(), 10, workers, &mut rng).expect("a partition");
        Self { data, partition, workers }
    }

    /// Softmax regression with bias and λ = 0.01 in this world.
    pub(crate) fn setup<T: Scalar>(
        &self,
        estimator: Box<dyn EstimatorSpec<T>>,
        protocol: ProtocolSpec,
        attack: Box<dyn AttackSpec<T>>,
        byzantine: &[u32],
        step: f64,
        seed: u64,
    ) -> Setup<'_, T> {
        let train = &self.data.split.train;
        Setup {
            train,
            samples: (0..self.workers).map(|w| self.partition.worker(w)).collect(),
            federation: Federation::new(self.workers, byzantine).expect("a federation"),
            knowledge: Knowledge::Omniscient,
            rotation: None,
            participation: None,
            byzantine_data: None,
            objective: Softmax { l2: 0.01, ..Softmax::default() }
                .build(train.columns(), 10)
                .expect("a model"),
            estimator,
            protocol,
            attack,
            step,
            server_step: Default::default(),
            seed,
        }
    }
}

/// A rule without pre-aggregators.
pub(crate) fn gradient(rule: impl fl_core::RuleSpec + 'static) -> ProtocolSpec {
    ProtocolSpec::Gradient { pre: vec![], rule: Box::new(rule) }
}

/// A rule behind resampling with s = 2.
pub(crate) fn resampled(rule: impl fl_core::RuleSpec + 'static) -> ProtocolSpec {
    ProtocolSpec::Gradient {
        pre: vec![Box::new(fl_resample::Resample::default())],
        rule: Box::new(rule),
    }
}

/// RSA as the paper's formulas have it.
pub(crate) fn rsa(lambda: f64) -> ProtocolSpec {
    ProtocolSpec::Rsa(Rsa { lambda, order: RsaOrder::Simultaneous, decay: RsaDecay::None })
}
