//! RSA: workers send models, towards and away from which everybody steps.

use crate::roster::Present;
use crate::workers::Workers;
use fl_core::{
    AlignedVec, Cx, Described, Doc, Messages, Part, Scalar, Setting, SpecError, ValueKind, Variant,
    Visit,
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Declares the settings with their documentation, for readers of Rust and for `explain`.
macro_rules! documented {
    ($(#[doc = $doc:literal])* => $item:item) => {
        $(#[doc = $doc])*
        $item

        impl Described for Rsa {
            const DOC: Doc = Doc { lines: &[$($doc),*], settings: SETTINGS };
        }
    };
}

documented! {
    /// RSA: every worker, Byzantine or not, keeps a model, starting at x⁰, and sends it. Central node and workers update at
    /// the same time from the old values.
    ///
    /// ```text
    /// x_0 ← x_0 − γ λ Σ_w sign(x_0 − x_w)
    /// x_w ← x_w − γ (∇f_{w,i}(x_w) + λ sign(x_w − x_0))
    /// ```
    ///
    /// RSA's own code differs, by name: [`RsaOrder`] and [`RsaDecay`].
    ///
    /// # Requirements
    /// A positive λ; neither a rule nor pre-aggregators.
    ///
    /// # Cost
    /// Two passes over the workers' models a round.
    ///
    /// # Memory
    /// A model a worker, as much again as the messages.
    ///
    /// # Reference
    /// Li, Xu, Chen, Giannakis, Ling, *RSA*, AAAI 2019; the paper's Section V-A.
    =>
    #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case", deny_unknown_fields)]
    pub struct Rsa {
        /// λ, the weight of the penalty.
        pub lambda: f64,
        /// When the central node looks at the workers' models.
        #[serde(default, skip_serializing_if = "RsaOrder::is_default")]
        pub order: RsaOrder,
        /// Whether the step shrinks.
        #[serde(default, skip_serializing_if = "RsaDecay::is_default")]
        pub decay: RsaDecay,
    }
}

const SETTINGS: &[Setting] = &[
    Setting {
        name: "lambda",
        doc: &["λ, the weight of the penalty; to be given."],
        kind: ValueKind::Plain("number"),
    },
    Setting {
        name: "order",
        doc: &["When the central node looks at the workers' models."],
        kind: ValueKind::Choice(&[
            Variant {
                name: "Simultaneous",
                doc: &["The old ones, as the paper's formulas say (default)."],
            },
            Variant { name: "WorkersFirst", doc: &["The new ones, as in RSA's own code."] },
        ]),
    },
    Setting {
        name: "decay",
        doc: &["Whether the step shrinks."],
        kind: ValueKind::Choice(&[
            Variant { name: "None", doc: &["γ, as in the paper's formulas (default)."] },
            Variant {
                name: "InverseRoot", doc: &["γ/√(k + 1) in round k, as in RSA's own code."]
            },
        ]),
    },
];

/// Which models of the workers RSA's central node steps from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RsaOrder {
    /// The old ones, as the paper's formulas say: all step at the same time.
    #[default]
    Simultaneous,
    /// The new ones, as in RSA's own code: workers step, and send what they have then.
    WorkersFirst,
}

/// RSA's step γ_k in round k, from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RsaDecay {
    /// γ, as in the paper's formulas.
    #[default]
    None,
    /// γ/√(k + 1), as in RSA's own code.
    InverseRoot,
}

impl RsaOrder {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl RsaDecay {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Rsa {
    /// Whether λ can work.
    ///
    /// # Errors
    /// When λ is not a positive number.
    pub fn check(&self) -> Result<(), SpecError> {
        if self.lambda > 0.0 && self.lambda.is_finite() {
            return Ok(());
        }
        Err(SpecError::new("protocol.rsa.lambda", "a positive number", self.lambda))
    }
}

/// RSA with the workers' models.
#[derive(Debug)]
pub(super) struct Models<T: Scalar> {
    models: Messages<T>,
    /// γ, before it shrinks.
    step: f64,
    spec: Rsa,
}

impl<T: Scalar> Models<T> {
    pub(super) fn new(params: &[T], workers: usize, step: f64, spec: Rsa) -> Self {
        let mut models = Messages::zeros(workers, params.len());
        models.rows_mut().for_each(|model| model.copy_from_slice(params));
        Self { models, step, spec }
    }

    /// γ_k.
    fn step_in(&self, cx: &Cx<'_>) -> f64 {
        match self.spec.decay {
            RsaDecay::None => self.step,
            RsaDecay::InverseRoot => self.step / (cx.round() as f64 + 1.0).sqrt(),
        }
    }

    /// Those who are there send their models, and step.
    pub(super) fn send(
        &mut self,
        (cx, who): (&Cx<'_>, &Present<'_>),
        workers: &mut Workers<'_, T>,
        params: &[T],
        messages: &mut Messages<T>,
    ) {
        let (gamma, lambda, group) = (self.step_in(cx), self.spec.lambda, workers.group());
        if self.spec.order == RsaOrder::Simultaneous {
            self.copy_to(messages, group);
        }
        workers.each(Some((cx, who)), &mut self.models, |turn| {
            // The workspace's vector is free during a message; taking it leaves an empty one behind.
            let mut gradient = std::mem::replace(&mut turn.work.vector, AlignedVec::zeros(0));
            turn.estimator.message(cx, &turn.local, turn.row, &mut gradient, turn.work);
            fl_agg::rsa::worker_step(turn.row, &gradient, params, gamma, lambda);
            turn.work.vector = gradient;
        });
        if self.spec.order == RsaOrder::WorkersFirst {
            self.copy_to(messages, group);
        }
    }

    /// The models as they are.
    fn copy_to(&self, messages: &mut Messages<T>, group: usize) {
        messages.par_groups_mut(group).enumerate().for_each(|(at, rows)| {
            for (i, row) in rows.enumerate() {
                row.copy_from_slice(self.models.row(at * group + i));
            }
        });
    }

    /// The central node's step.
    pub(super) fn step(&self, cx: &Cx<'_>, params: &mut [T], messages: &Messages<T>) {
        fl_agg::rsa::server_step(params, messages.view(), self.step_in(cx), self.spec.lambda);
    }

    pub(super) fn state(&mut self, visit: &mut Visit<'_, T>) {
        for (w, model) in self.models.rows_mut().enumerate() {
            visit(&format!("worker.{w}.model"), Part::Vector(model));
        }
    }
}
