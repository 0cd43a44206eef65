//! Min-max: as far from the mean as no farther from any honest message than these are from each other.

use crate::shared::fixed_strength::fixed_strength;
use crate::shared::perturbation::{Measure, Perturbation};
use fl_core::{
    Affine, AffineMessages, AttackContext, AttackView, Cx, Geometry, Knowledge, Scalar, SpecError,
    room, spec,
};

spec! {
    /// Min-max: every Byzantine worker sends the mean μ of the known honest messages, moved in one direction.
    /// It goes so far that its largest distance to one of them is the largest between two of them.
    ///
    /// ```text
    /// v_w = μ + γ d,   γ = max { γ : max_i ‖v_w − x_i‖ ≤ max_{i,j} ‖x_i − x_j‖ }
    /// ```
    ///
    /// γ is the least of the positive solutions of one quadratic equation for each honest message, exactly and without a
    /// search.
    ///
    /// # Requirements
    /// None. With one known message γ is 0.
    ///
    /// # Cost
    /// A pass over the known messages, and one that measures all their pairs, as rules based on distances make.
    ///
    /// # Elsewhere
    /// Others search for γ: its authors by halving steps from 10 to 10⁻⁵, Blades by bisection on [0, 5] to 0.01, so that it
    /// finds at most 5. Their attacks that are tailored to a known rule take the γ that moves its output most: a line search
    /// over this attack.
    ///
    /// # Reference
    /// Shejwalkar, Houmansadr, *Manipulating the Byzantine: optimizing model poisoning attacks and defenses for federated
    /// learning*, NDSS 2021.
    ///
    /// # Example
    /// ```
    /// use fl_attacks::{Attack, AttackSpec, Federation, MinMax, AttackView, AttackContext};
    /// use fl_core::{Cx, Messages, Streams};
    ///
    /// let mut messages = Messages::from_rows(&[[1.0f32], [3.0], [0.0]]);
    /// let federation = Federation::new(3, &[2])?;
    /// let mut attack = MinMax::default().build(&AttackContext::new(&federation, 1))?;
    /// let streams = Streams::new(0);
    /// attack.corrupt(&Cx::new(&streams, 0), &mut AttackView::new(&mut messages, &federation));
    /// // As far from 3 as 1 is.
    /// assert_eq!(messages.row(2), [1.0]);
    /// # Ok::<(), fl_attacks::SpecError>(())
    /// ```
    pub struct MinMax {
        /// The direction d.
        pub deviation: Perturbation = Perturbation::Std,
    }
}

impl MinMax {
    fn aim<T: Scalar>(&self, context: &AttackContext<'_, T>) -> Result<Aim, SpecError> {
        let workers = context.federation.workers();
        room("min-max's distances between messages", Geometry::bytes::<T>(workers, context.dim))?;
        Ok(Aim {
            deviation: self.deviation,
            own: context.knowledge == Knowledge::Own,
            along: Measure::new(workers, context.dim),
            geometry: Geometry::with_capacity::<T>(workers, context.dim),
            rows: Vec::with_capacity(workers),
        })
    }
}

fixed_strength!(MinMax, "min-max");

#[derive(Debug)]
struct Aim {
    deviation: Perturbation,
    own: bool,
    along: Measure,
    geometry: Geometry,
    rows: Vec<u32>,
}

impl<T: Scalar> Affine<T> for Aim {
    fn aim(&mut self, _: &Cx<'_>, view: &AttackView<'_, T>, affine: &mut AffineMessages<T>) -> f64 {
        let known = view.known();
        self.rows.clear();
        self.rows.extend_from_slice(known.workers());
        self.geometry.measure(known.messages(), &mut self.rows);
        let unit = self.geometry.unit();
        let widest = (0..self.geometry.workers())
            .flat_map(|i| self.geometry.row(i))
            .fold(0.0f64, |a, &b| a.max(b))
            * unit
            * unit;
        let seen = self.along.measure(self.deviation, view, affine);
        if !(seen.norm > 0.0 && widest.is_finite()) {
            return 0.0;
        }
        let mut gamma = f64::INFINITY;
        for (&square, &product) in seen.squares.iter().zip(seen.products) {
            // ‖d‖² γ² + 2 ⟨d, μ − x⟩ γ + ‖μ − x‖² = widest; the mean is no farther from x than all messages are.
            let room = (widest - square).max(0.0);
            let root = (product * product + seen.norm * room).sqrt();
            let solution = match product > 0.0 {
                true => room / (product + root),
                false => (root - product) / seen.norm,
            };
            gamma = gamma.min(solution);
        }
        gamma
    }

    fn needs_true_messages(&self) -> bool {
        self.own
    }
}
