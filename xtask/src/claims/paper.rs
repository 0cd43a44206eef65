//! The paper's claims about its figures.

use super::statement::Claim::*;
use super::statement::{Statement, m, says};
use crate::record::Measure;

const BETTER: Measure = Measure::Accuracy;

const FIGURE_4: &[Statement] = &[
    says("all methods achieve satisfactory accuracies: SGD", PerformsWell(m("SGD"))),
    says("… Byrd-SGD", PerformsWell(m("Byrd-SGD"))),
    says("… RS-Byrd-SGD", PerformsWell(m("RS-Byrd-SGD"))),
    says("… Krum", PerformsWell(m("Krum"))),
    says("… Byrd-SAGA", PerformsWell(m("Byrd-SAGA"))),
    says("… RSA", PerformsWell(m("RSA"))),
    says("… the proposed method", PerformsWell(m("Proposed"))),
];

const FIGURE_5_6: &[Statement] = &[
    says("the distributed SGD fails", Fails(m("SGD"))),
    says("the other methods perform well: Byrd-SGD", PerformsWell(m("Byrd-SGD"))),
    says("… RS-Byrd-SGD", PerformsWell(m("RS-Byrd-SGD"))),
    says("… Krum", PerformsWell(m("Krum"))),
    says("… Byrd-SAGA", PerformsWell(m("Byrd-SAGA"))),
    says("… RSA", PerformsWell(m("RSA"))),
    says("… the proposed method", PerformsWell(m("Proposed"))),
];

const FIGURE_7: &[Statement] = &[
    says(
        "two classes essentially disappear, so that the best possible accuracy is 0.8",
        Best(0.8017, Measure::Accuracy, m("Proposed"), &[8, 9]),
    ),
    says(
        "the duplicated worker's class now has 9 workers out of 30",
        Arithmetic("3 of the class and 6 Byzantine ones", true),
    ),
    says("the proposed method achieves around 0.73", Near(m("Proposed"), 0.73)),
    says("RS-Byrd-SGD also demonstrates robustness", PerformsWell(m("RS-Byrd-SGD"))),
    says(
        "… since resampling helps: RS-Byrd-SGD against Byrd-SGD",
        Outperforms(m("RS-Byrd-SGD"), m("Byrd-SGD"), BETTER),
    ),
    says(
        "solely using resampling is unable to fully eliminate the inner variation; SAGA does",
        Eliminates(m("Proposed"), m("RS-Byrd-SGD")),
    ),
    says(
        "… yielding enhanced accuracy: the proposed method against RS-Byrd-SGD",
        Outperforms(m("Proposed"), m("RS-Byrd-SGD"), BETTER),
    ),
    says("RSA works well", PerformsWell(m("RSA"))),
    says("Byrd-SGD shows degraded performance", Outperforms(m("Proposed"), m("Byrd-SGD"), BETTER)),
    says("Krum shows degraded performance", Outperforms(m("Proposed"), m("Krum"), BETTER)),
    says(
        "Byrd-SAGA shows degraded performance",
        Outperforms(m("Proposed"), m("Byrd-SAGA"), BETTER),
    ),
    says(
        "the proposed method outperforms the state of the art in the non-i.i.d. setting (abstract; SGD is no \
                     robust method)",
        OutperformsAll(m("Proposed"), &["SGD"]),
    ),
];

const FIGURE_8: &[Statement] = &[
    says(
        "the learning error of the proposed method is monotonically increasing in α, which is validated by Fig. 8",
        Monotone("Proposed"),
    ),
    says("the accuracies of all methods degrade when α increases", AllDegrade),
    says("the proposed method is comparatively insensitive to α", Insensitive("Proposed")),
];

const FIGURE_9: &[Statement] = &[
    says(
        "with s = 1 the proposed method degenerates to Byrd-SAGA",
        Comparable(m("s = 1"), m("Byrd-SAGA")),
    ),
    says("… which is not Byzantine-robust in the non-i.i.d. case", NotRobust(m("s = 1"))),
    says("with s = 3 it still performs well", PerformsWell(m("s = 3"))),
    says("with s = 4 it still performs well", PerformsWell(m("s = 4"))),
    says(
        "… although α = 1/5 exceeds the tolerable bound 1/(2s)",
        Arithmetic("1/5 > 1/6 and 1/5 > 1/8", true),
    ),
    says(
        "s = 2 is a satisfactory tradeoff (Section IV): against s = 1",
        Outperforms(m("s = 2"), m("s = 1"), BETTER),
    ),
];

const FIGURE_10: &[Statement] = &[
    says("the best possible accuracy is 0.9", Best(0.8991, Measure::Accuracy, m("Proposed"), &[9])),
    says("Byrd-SGD fails", Fails(m("Byrd-SGD"))),
    says("Byrd-SAGA attains favourable accuracy", PerformsWell(m("Byrd-SAGA"))),
    says(
        "the proposed method outperforms RS-Byrd-SGD",
        Outperforms(m("Proposed"), m("RS-Byrd-SGD"), BETTER),
    ),
    says("Byrd-SAGA gains over Byrd-SGD", Outperforms(m("Byrd-SAGA"), m("Byrd-SGD"), BETTER)),
    says("… due to the elimination of inner variation", Eliminates(m("Byrd-SAGA"), m("Byrd-SGD"))),
    says(
        "the proposed method's gain over RS-Byrd-SGD is due to the same",
        Eliminates(m("Proposed"), m("RS-Byrd-SGD")),
    ),
];

const FIGURE_11: &[Statement] = &[
    says(
        "the best possible accuracy is 0.86, read as balanced accuracy",
        Best(6.0 / 7.0, Measure::Balanced, m("Proposed"), &[6]),
    ),
    says(
        "Byrd-SGD is still the worst: against RS-Byrd-SGD",
        Outperforms(m("RS-Byrd-SGD"), m("Byrd-SGD"), BETTER),
    ),
    says("… against Byrd-SAGA", Outperforms(m("Byrd-SAGA"), m("Byrd-SGD"), BETTER)),
    says("… against the proposed method", Outperforms(m("Proposed"), m("Byrd-SGD"), BETTER)),
    says(
        "Byrd-SAGA is remarkably outperformed by the proposed method",
        Remarkably(m("Proposed"), m("Byrd-SAGA"), BETTER),
    ),
    says(
        "RS-Byrd-SGD is remarkably outperformed by the proposed method",
        Remarkably(m("Proposed"), m("RS-Byrd-SGD"), BETTER),
    ),
    says(
        "Byrd-SAGA is remarkably outperformed, in balanced accuracy",
        Remarkably(m("Proposed"), m("Byrd-SAGA"), Measure::Balanced),
    ),
    says(
        "RS-Byrd-SGD is remarkably outperformed, in balanced accuracy",
        Remarkably(m("Proposed"), m("RS-Byrd-SGD"), Measure::Balanced),
    ),
    says("the ratio of Byzantine workers is now 14 %", Arithmetic("3 of 21 are 14.3 %", true)),
];

/// The paper's claims about a figure, in its own order.
pub(crate) fn statements(figure: &str) -> &'static [Statement] {
    match figure {
        "fig4" => FIGURE_4,
        "fig5" | "fig6" => FIGURE_5_6,
        "fig7" => FIGURE_7,
        "fig8" => FIGURE_8,
        "fig9" => FIGURE_9,
        "fig10" => FIGURE_10,
        "fig11" => FIGURE_11,
        _ => &[],
    }
}

/// The accuracy that a method can reach in a figure when it knows nothing of the Byzantine workers' classes.
pub(super) fn possible(figure: &str) -> f64 {
    match figure {
        "fig7" | "fig9" => 0.8,
        "fig10" => 0.9,
        "fig11" => 6.0 / 7.0,
        _ => 1.0,
    }
}
