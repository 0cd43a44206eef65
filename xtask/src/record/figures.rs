//! The figures that are experiments: what is run, and over which numbers.

/// One figure of the paper.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure {
    /// `fig7`; also the name of its experiment file.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// What its `[sweep]` varies; `None` for most, which have one federation.
    pub(crate) varies: Option<Varies>,
    /// Accuracies that lie close together, drawn once more.
    pub(crate) zoom: Option<(f64, f64)>,
    /// Whether ‖x − x*‖² means something: a convex problem.
    pub(crate) convex: bool,
    /// Seconds that a seed takes on two cores, to tell how much time is left.
    pub(crate) seconds: f64,
}

/// The number that a figure's federations differ by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Varies {
    /// As the experiment file names it: `B`.
    pub(crate) name: &'static str,
    /// The label of an axis.
    pub(crate) label: &'static str,
    /// What a value is divided by to be that.
    pub(crate) by: f64,
}

/// Figures 4 to 11.
pub(crate) const FIGURES: &[Figure] = &[
    Figure {
        name: "fig4",
        title: "Fig. 4: softmax regression, i.i.d. MNIST, no attack",
        varies: None,
        zoom: Some((0.82, 0.92)),
        convex: true,
        seconds: 3.0,
    },
    Figure {
        name: "fig5",
        title: "Fig. 5: softmax regression, i.i.d. MNIST, sign flipping",
        varies: None,
        zoom: Some((0.82, 0.92)),
        convex: true,
        seconds: 3.0,
    },
    Figure {
        name: "fig6",
        title: "Fig. 6: softmax regression, i.i.d. MNIST, Gaussian attack",
        varies: None,
        zoom: Some((0.82, 0.92)),
        convex: true,
        seconds: 3.0,
    },
    Figure {
        name: "fig7",
        title: "Fig. 7: softmax regression, non-i.i.d. MNIST, sample duplicating",
        varies: None,
        zoom: Some((0.62, 0.78)),
        convex: true,
        seconds: 5.0,
    },
    Figure {
        name: "fig8",
        title: "Fig. 8: impact of the fraction of Byzantine workers, sample duplicating",
        varies: Some(Varies { name: "B", label: "fraction of Byzantine workers α", by: 30.0 }),
        zoom: None,
        convex: true,
        seconds: 25.0,
    },
    Figure {
        name: "fig9",
        title: "Fig. 9: impact of the resampling size s, sample duplicating",
        varies: None,
        zoom: Some((0.68, 0.78)),
        convex: true,
        seconds: 3.0,
    },
    Figure {
        name: "fig10",
        title: "Fig. 10: perceptron, non-i.i.d. MNIST, sample duplicating",
        varies: None,
        zoom: Some((0.78, 0.88)),
        convex: false,
        seconds: 12.0,
    },
    Figure {
        name: "fig11",
        title: "Fig. 11: perceptron, non-i.i.d. COVTYPE, sample duplicating",
        varies: None,
        zoom: None,
        convex: false,
        seconds: 4.0,
    },
];

pub(crate) fn find(name: &str) -> Option<&'static Figure> {
    FIGURES.iter().find(|f| f.name == name)
}
