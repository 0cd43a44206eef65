//! How the paper can be read where it is silent.

use crate::claims::{Claim, m};
use crate::record::{Options, Profile};

/// Seeds of every reading.
pub(super) const SEEDS: usize = 3;

/// A figure, the proposed method and its nearest rival, and what the paper says of them.
pub(super) struct Question {
    pub(super) figure: &'static str,
    pub(super) proposed: &'static str,
    pub(super) rival: &'static str,
    /// Settings that all readings share.
    pub(super) set: &'static [&'static str],
    pub(super) says: &'static str,
    pub(super) claim: Claim,
    /// Whether the paper says that the proposed method outperforms the rival.
    pub(super) outperforms: bool,
}

/// Under an attack on i.i.d. data.
const fn robust(figure: &'static str) -> Question {
    Question {
        figure,
        proposed: "Proposed",
        rival: "Byrd-SAGA",
        set: &[],
        says: "the proposed method performs well",
        claim: Claim::PerformsWell(m("Proposed")),
        outperforms: false,
    }
}

pub(super) const QUESTIONS: &[Question] = &[
    Question {
        figure: "fig4",
        proposed: "Proposed",
        rival: "Byrd-SAGA",
        set: &[],
        says: "the proposed method is satisfactory",
        claim: Claim::PerformsWell(m("Proposed")),
        outperforms: false,
    },
    robust("fig5"),
    robust("fig6"),
    Question {
        figure: "fig7",
        proposed: "Proposed",
        rival: "RS-Byrd-SGD",
        set: &[],
        says: "the proposed method achieves around 0.73",
        claim: Claim::Near(m("Proposed"), 0.73),
        outperforms: true,
    },
    Question {
        figure: "fig8",
        proposed: "Proposed",
        rival: "RS-Byrd-SGD",
        set: &["federation.byzantine={classes=[6,7,8,9]}"],
        says: "at B = 12 the proposed method does not fail",
        claim: Claim::Fails(m("Proposed")),
        outperforms: true,
    },
    Question {
        figure: "fig9",
        proposed: "s = 2",
        rival: "s = 4",
        set: &[],
        says: "with s = 4 it still performs well",
        claim: Claim::PerformsWell(m("s = 4")),
        outperforms: false,
    },
    Question {
        figure: "fig10",
        proposed: "Proposed",
        rival: "RS-Byrd-SGD",
        set: &[],
        says: "the proposed method performs well",
        claim: Claim::PerformsWell(m("Proposed")),
        outperforms: true,
    },
    Question {
        figure: "fig11",
        proposed: "Proposed",
        rival: "RS-Byrd-SGD",
        set: &["telemetry.evaluate-rows=20000"],
        says: "the proposed method performs well",
        claim: Claim::PerformsWell(m("Proposed")),
        outperforms: true,
    },
];

/// One way to read the paper where it is silent.
pub(super) struct Reading {
    /// What is read differently.
    pub(super) what: &'static str,
    /// How; also the name of its folder.
    pub(super) how: &'static str,
    /// Figures by name, or all that have such a thing.
    pub(super) figures: &'static [&'static str],
    /// Settings; `{0}` and `{1}` are the estimators of the rival and the proposed method.
    pub(super) set: &'static [&'static str],
    /// Another rival.
    pub(super) rival: Option<&'static str>,
}

const ALL: &[&str] = &["fig4", "fig5", "fig6", "fig7", "fig8", "fig9", "fig10", "fig11"];
const SOFTMAX: &[&str] = &["fig4", "fig5", "fig6", "fig7", "fig8", "fig9"];
const DUPLICATING: &[&str] = &["fig7", "fig8", "fig9", "fig10", "fig11"];
const TEN: &[&str] = &["fig7", "fig9"];
const PERCEPTRONS: &[&str] = &["fig10", "fig11"];

const fn reading(
    what: &'static str,
    how: &'static str,
    figures: &'static [&'static str],
    set: &'static [&'static str],
) -> Reading {
    Reading { what, how, figures, set, rival: None }
}

pub(super) const READINGS: &[Reading] = &[
    reading("as drawn", "as drawn", ALL, &[]),
    reading("rounds", "half as many", ALL, &["rounds=0.5"]),
    reading("rounds", "twice as many", ALL, &["rounds=2"]),
    reading("ℓ₂", "0", SOFTMAX, &["model.softmax.l2=0.0"]),
    reading("ℓ₂", "0.001", SOFTMAX, &["model.softmax.l2=0.001"]),
    reading("ℓ₂", "0.01", PERCEPTRONS, &["model.perceptron.l2=0.01"]),
    reading("bias", "none", SOFTMAX, &["model.softmax.bias=false"]),
    reading(
        "scaling",
        "mean 0.1307, std 0.3081",
        &["fig4", "fig7", "fig10"],
        &["data.scale=normalise"],
    ),
    reading("scaling", "min-max", &["fig11"], &["data.scale=min-max"]),
    reading(
        "batch",
        "a contiguous window",
        ALL,
        &[
            "method.0.estimator={ {0} = { sampling = \"window\" } }",
            "method.1.estimator={ {1} = { sampling = \"window\" } }",
        ],
    ),
    reading(
        "batch",
        "a window cut off at the end",
        &["fig7", "fig10", "fig11"],
        &[
            "method.0.estimator={ {0} = { sampling = \"window-cut\" } }",
            "method.1.estimator={ {1} = { sampling = \"window-cut\" } }",
        ],
    ),
    reading("batch", "1", ALL, &["train.batch=1"]),
    reading(
        "batch and step",
        "1 and 0.1",
        SOFTMAX,
        &["train.batch=1", "method.0.step=0.1", "method.1.step=0.1"],
    ),
    reading(
        "batch and step",
        "1 and 0.01",
        PERCEPTRONS,
        &["train.batch=1", "method.0.step=0.01", "method.1.step=0.01"],
    ),
    reading(
        "SAGA slots",
        "windows by their start",
        &["fig4", "fig7", "fig8", "fig11"],
        &["method.1.estimator={ window-saga = {} }"],
    ),
    reading("step of both", "0.1", SOFTMAX, &["method.0.step=0.1", "method.1.step=0.1"]),
    reading("step of both", "1", SOFTMAX, &["method.0.step=1.0", "method.1.step=1.0"]),
    reading("step of both", "0.05", PERCEPTRONS, &["method.0.step=0.05", "method.1.step=0.05"]),
    reading("step of both", "0.5", PERCEPTRONS, &["method.0.step=0.5", "method.1.step=0.5"]),
    reading(
        "Byzantine classes",
        "0 and 1, worker 6 duplicated",
        TEN,
        &["federation.byzantine={classes=[0,1]}", "federation.attack.sample-duplicating.worker=6"],
    ),
    reading("Byzantine classes", "3 and 5", TEN, &["federation.byzantine={classes=[3,5]}"]),
    reading("Byzantine classes", "4 and 7", TEN, &["federation.byzantine={classes=[4,7]}"]),
    reading("Byzantine classes", "1", &["fig10"], &["federation.byzantine={classes=[1]}"]),
    reading("Byzantine classes", "5", &["fig10"], &["federation.byzantine={classes=[5]}"]),
    reading("Byzantine classes", "3", &["fig11"], &["federation.byzantine={classes=[3]}"]),
    reading("Byzantine classes", "1", &["fig11"], &["federation.byzantine={classes=[1]}"]),
    reading(
        "duplicated worker",
        "3 (class 1)",
        DUPLICATING,
        &["federation.attack.sample-duplicating.worker=3"],
    ),
    reading(
        "duplicated worker",
        "9 (class 3)",
        DUPLICATING,
        &["federation.attack.sample-duplicating.worker=9"],
    ),
    reading(
        "duplicated worker",
        "15 (class 5)",
        DUPLICATING,
        &["federation.attack.sample-duplicating.worker=15"],
    ),
    reading("resampling", "a permutation of the copies", ALL, &["resample-law=permutation"]),
    reading(
        "geometric median",
        "Weiszfeld as the authors run it",
        ALL,
        &["method.0.rule=weiszfeld", "method.1.rule=weiszfeld"],
    ),
    reading(
        "sign flipping",
        "of the honest mean",
        &["fig5"],
        &["federation.attack.sign-flipping.target=honest-mean"],
    ),
    reading(
        "Gaussian",
        "standard deviation 10000",
        &["fig6"],
        &["federation.attack.gaussian.spread={std=10000.0}"],
    ),
    Reading {
        what: "rival",
        how: "RSA as the paper writes it",
        figures: &["fig4", "fig5", "fig6", "fig7", "fig8"],
        set: &[],
        rival: Some("RSA"),
    },
    Reading {
        what: "rival",
        how: "RSA, step 1, λ 0.005",
        figures: &["fig7"],
        set: &["method.0.step=1.0", "method.0.protocol={rsa={lambda=0.005}}"],
        rival: Some("RSA"),
    },
    Reading {
        what: "rival",
        how: "RSA, central node after the workers",
        figures: &["fig7"],
        set: &["method.0.protocol.rsa.order=workers-first"],
        rival: Some("RSA"),
    },
    Reading {
        what: "rival",
        how: "RSA, central node after the workers, step 1 over root of k plus 1",
        figures: &["fig7"],
        set: &[
            "method.0.protocol.rsa.order=workers-first",
            "method.0.protocol.rsa.decay=inverse-root",
            "method.0.step=1.0",
        ],
        rival: Some("RSA"),
    },
    Reading {
        what: "rival",
        how: "the plain mean",
        figures: &["fig4", "fig7", "fig8"],
        set: &[],
        rival: Some("SGD"),
    },
    reading("profile", "authors", ALL, &["profile=authors"]),
];

pub(super) fn readings(question: &Question) -> impl Iterator<Item = &'static Reading> {
    let figure = question.figure;
    READINGS.iter().filter(move |r| r.figures.contains(&figure))
}

/// A name for folders.
pub(super) fn slug(question: &Question, reading: &Reading) -> String {
    let text = format!("{}-{}-{}", question.figure, reading.what, reading.how).replace('ℓ', "l");
    let text: String = text
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .collect();
    text.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

/// The folder of runs.
pub(super) fn runs(options: &Options) -> String {
    let profile = match options.profile {
        Profile::Paper => String::new(),
        other => format!("-{}", other.name()),
    };
    format!("runs/sensitivity{profile}{}", if options.quick { "-quick" } else { "" })
}
