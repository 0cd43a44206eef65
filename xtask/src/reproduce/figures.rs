//! The figures that are experiments: what is run, and over which numbers.

/// One figure of the paper.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure {
    /// `fig7`; also the name of its experiment file.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// The federations that it varies; one without a name for most.
    pub(crate) cases: &'static [Case],
    /// What the cases differ by, as the label of an axis.
    pub(crate) varies: &'static str,
    /// Accuracies that lie close together, drawn once more.
    pub(crate) zoom: Option<(f64, f64)>,
    /// Whether ‖x − x*‖² means something: a convex problem.
    pub(crate) convex: bool,
    /// Seconds that a seed takes on two cores, to tell how much time is left.
    pub(crate) seconds: f64,
}

/// One federation of a figure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) x: f64,
    /// Settings that differ from the figure's file.
    pub(crate) set: &'static [&'static str],
}

const ONE: &[Case] = &[Case { name: "", x: 0.0, set: &[] }];

/// Figures 4 to 11.
pub(crate) const FIGURES: &[Figure] = &[
    Figure {
        name: "fig4",
        title: "Fig. 4: softmax regression, i.i.d. MNIST, no attack",
        cases: ONE,
        varies: "",
        zoom: Some((0.82, 0.92)),
        convex: true,
        seconds: 3.0,
    },
    Figure {
        name: "fig5",
        title: "Fig. 5: softmax regression, i.i.d. MNIST, sign flipping",
        cases: ONE,
        varies: "",
        zoom: Some((0.82, 0.92)),
        convex: true,
        seconds: 3.0,
    },
    Figure {
        name: "fig6",
        title: "Fig. 6: softmax regression, i.i.d. MNIST, Gaussian attack",
        cases: ONE,
        varies: "",
        zoom: Some((0.82, 0.92)),
        convex: true,
        seconds: 3.0,
    },
    Figure {
        name: "fig7",
        title: "Fig. 7: softmax regression, non-i.i.d. MNIST, sample duplicating",
        cases: ONE,
        varies: "",
        zoom: Some((0.62, 0.78)),
        convex: true,
        seconds: 5.0,
    },
    Figure {
        name: "fig8",
        title: "Fig. 8: impact of the fraction of Byzantine workers, sample duplicating",
        cases: &[
            Case {
                name: "B = 0",
                x: 0.0,
                set: &["federation.byzantine={count=0}", "federation.attack=none"],
            },
            Case { name: "B = 3", x: 0.1, set: &["federation.byzantine.classes=[9]"] },
            Case { name: "B = 6", x: 0.2, set: &["federation.byzantine.classes=[8,9]"] },
            Case { name: "B = 9", x: 0.3, set: &["federation.byzantine.classes=[7,8,9]"] },
            Case { name: "B = 12", x: 0.4, set: &["federation.byzantine.classes=[6,7,8,9]"] },
        ],
        varies: "fraction of Byzantine workers α",
        zoom: None,
        convex: true,
        seconds: 25.0,
    },
    Figure {
        name: "fig9",
        title: "Fig. 9: impact of the resampling size s, sample duplicating",
        cases: ONE,
        varies: "",
        zoom: Some((0.68, 0.78)),
        convex: true,
        seconds: 3.0,
    },
    Figure {
        name: "fig10",
        title: "Fig. 10: perceptron, non-i.i.d. MNIST, sample duplicating",
        cases: ONE,
        varies: "",
        zoom: Some((0.78, 0.88)),
        convex: false,
        seconds: 12.0,
    },
    Figure {
        name: "fig11",
        title: "Fig. 11: perceptron, non-i.i.d. COVTYPE, sample duplicating",
        cases: ONE,
        varies: "",
        zoom: None,
        convex: false,
        seconds: 4.0,
    },
];

pub(crate) fn find(name: &str) -> Option<&'static Figure> {
    FIGURES.iter().find(|f| f.name == name)
}
