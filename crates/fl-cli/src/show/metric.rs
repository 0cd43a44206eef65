//! What curves can show, by name.

use fl_plot::{Axis, Point};
use fl_sim::{FullPass, Metrics};

/// Something that can be drawn against rounds or seconds.
#[derive(Debug)]
pub(crate) struct Quantity {
    /// As in `--metric`.
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) scale: Scale,
    /// Whether high values are good ones.
    pub(crate) is_better_high: bool,
    of: fn(&Metrics) -> Option<f64>,
}

/// How its axis is divided.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scale {
    /// From 0 to 1.
    Share,
    Linear,
    /// Spread over powers of ten.
    Log,
}

/// A number of a full pass.
fn full(metrics: &Metrics, of: fn(&FullPass) -> f64) -> Option<f64> {
    metrics.full.as_ref().map(of)
}

/// The accuracy in the class that is recognised worst.
fn worst_class(metrics: &Metrics) -> Option<f64> {
    metrics.class_accuracy.iter().flatten().copied().reduce(f64::min)
}

/// All that can be drawn.
pub(crate) const QUANTITIES: [Quantity; 26] = {
    use Scale::{Linear, Log, Share};
    const fn quantity(
        name: &'static str,
        label: &'static str,
        scale: Scale,
        of: fn(&Metrics) -> Option<f64>,
    ) -> Quantity {
        Quantity { name, label, scale, is_better_high: matches!(scale, Share), of }
    }
    [
        quantity("accuracy", "test accuracy", Share, |m| Some(m.accuracy)),
        quantity("balanced-accuracy", "balanced test accuracy", Share, |m| {
            Some(m.balanced_accuracy)
        }),
        quantity("worst-class-accuracy", "accuracy in the worst class", Share, worst_class),
        Quantity {
            is_better_high: true,
            ..quantity("r-squared", "R² on test rows", Linear, |m| m.r_squared)
        },
        quantity("mean-absolute-error", "mean absolute error on test rows", Linear, |m| {
            m.mean_absolute_error
        }),
        quantity("worker-accuracy", "accuracy on workers' held-out samples, mean", Share, |m| {
            m.held_out.map(|h| h.mean)
        }),
        quantity(
            "worst-worker-accuracy",
            "accuracy on held-out samples of the worst worker",
            Share,
            |m| m.held_out.map(|h| h.worst),
        ),
        quantity(
            "worker-accuracy-spread",
            "spread over workers of held-out accuracy",
            Linear,
            |m| m.held_out.map(|h| h.spread),
        ),
        quantity("train-accuracy", "training accuracy", Share, |m| full(m, |f| f.train_accuracy)),
        quantity("test-loss", "test loss", Linear, |m| Some(m.test_loss)),
        quantity("squared-distance-to-optimum", "‖x − x*‖²", Log, |m| {
            m.squared_distance_to_optimum
        }),
        quantity("honest-loss", "f(x)", Linear, |m| full(m, |f| f.honest_loss)),
        quantity("gradient-norm", "‖∇f(x)‖", Log, |m| full(m, |f| f.gradient_norm)),
        quantity("outer-variation", "outer variation", Log, |m| full(m, |f| f.outer_variation)),
        quantity("inner-variation", "inner variation of a sample", Log, |m| {
            full(m, |f| f.inner_variation)
        }),
        quantity("message-variation", "inner variation of messages", Log, |m| {
            full(m, |f| f.message_variation)
        }),
        quantity("aggregate-error", "‖aggregate − regular mean‖²", Log, |m| {
            m.aggregate_error
        }),
        quantity("regular-spread", "spread of regular messages", Log, |m| m.regular_spread),
        quantity("byzantine-weight", "weight of Byzantine messages", Linear, |m| {
            m.byzantine_weight
        }),
        quantity("contaminated", "contaminated inputs of the rule", Linear, |m| {
            m.contaminated.map(|n| n as f64)
        }),
        quantity("iterations", "iterations of the rule", Linear, |m| m.iterations.map(f64::from)),
        quantity("relative-gap", "certified relative gap", Log, |m| m.relative_gap),
        quantity("dropped", "dropped messages", Linear, |m| m.dropped.map(|n| n as f64)),
        quantity("present", "workers that took part", Linear, |m| m.present.map(|n| n as f64)),
        quantity("skipped", "skipped rounds so far", Linear, |m| m.skipped.map(|n| n as f64)),
        Quantity {
            is_better_high: false,
            ..quantity("backdoor-success", "success of the backdoor", Share, |m| m.backdoor_success)
        },
    ]
};

impl Quantity {
    /// The quantity of a name that the parser of arguments has let through.
    pub(crate) fn find(name: &str) -> &'static Self {
        QUANTITIES.iter().find(|q| q.name == name).unwrap_or(&QUANTITIES[0])
    }

    /// Whether its axis is logarithmic, unless all are to be linear.
    pub(crate) fn log(&self, linear: bool) -> bool {
        self.scale == Scale::Log && !linear
    }

    /// Its axis.
    pub(crate) fn axis(&self, linear: bool) -> Axis {
        let axis = Axis::new(self.label);
        match self.scale {
            Scale::Share => axis.range(0.0, 1.0),
            _ if self.log(linear) => axis.log(),
            _ => axis,
        }
    }

    /// Its values at the rounds of one run that have measured it.
    pub(crate) fn series(&self, metrics: &[Metrics]) -> Vec<(f64, f64)> {
        // Real targets have no accuracy.
        let known = |m: &Metrics| (self.of)(m).filter(|y| !y.is_nan() || m.r_squared.is_none());
        let of = |m: &Metrics| known(m).map(|y| (m.round as f64, y));
        metrics.iter().filter_map(of).collect()
    }

    /// Means over runs with their 95 % bands, at the rounds that all runs have measured; geometric ones on logarithmic axes.
    pub(crate) fn band(&self, series: &[Vec<(f64, f64)>], linear: bool) -> Vec<Point> {
        if self.log(linear) { fl_plot::geometric_band(series) } else { fl_plot::band(series) }
    }
}
