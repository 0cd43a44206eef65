//! ROP: perturb at a right angle, from where the server was.

use crate::shared::columns::{self, tiles, total};
use crate::shared::fixed_strength::{finite, fixed_strength};
use crate::shared::majority::formula;
use fl_core::{
    Affine, AffineMessages, AttackContext, AttackView, Cx, Knowledge, Scalar, SpecError, spec,
};

spec! {
    /// ROP, relocated orthogonal perturbation: every Byzantine worker sends a point between the server's last output m
    /// and the honest mean μ. The point is moved by z at an angle θ to the direction of both.
    ///
    /// ```text
    /// v_w = π m + (1 − π) μ + z (sin θ · a/‖a‖ + cos θ · u/‖u‖)
    /// u = λ m + (1 − λ) μ,   a = 1 − (⟨1, u⟩/‖u‖²) u
    /// ```
    ///
    /// with 1 the message of ones. Centered clipping, which trusts what is near its last output, cannot tell it from a regular
    /// message. In the first round, and without a server, m is zero.
    ///
    /// # Requirements
    /// Finite numbers; z by ALIE's formula if left out, in the units of the messages.
    ///
    /// # Cost
    /// A pass over the known messages.
    ///
    /// # Elsewhere
    /// Its authors have π = 1 or 0, λ = 0.9 and angles of 90° or 180°, with messages of momentum clipped at 1.
    ///
    /// # Reference
    /// Özfatura, Özfatura, Küpçü, Gündüz, *Byzantines can also learn from history: fall of centered clipping in federated
    /// learning*, IEEE TIFS 2024.
    ///
    /// # Example
    /// ```
    /// use fl_attacks::{Attack, AttackSpec, Federation, Rop, AttackView, AttackContext};
    /// use fl_core::{Cx, Messages, Streams};
    ///
    /// let mut messages = Messages::from_rows(&[[0.0f32, 2.0], [0.0, 2.0], [0.0, 0.0]]);
    /// let federation = Federation::new(3, &[2])?;
    /// let spec = Rop { z: Some(0.5), location: 0.0, ..Rop::default() };
    /// let mut attack = spec.build(&AttackContext::new(&federation, 2))?;
    /// let streams = Streams::new(0);
    /// attack.corrupt(&Cx::new(&streams, 0), &mut AttackView::new(&mut messages, &federation));
    /// assert_eq!(messages.row(2), [0.5, 2.0]);
    /// # Ok::<(), fl_attacks::SpecError>(())
    /// ```
    pub struct Rop {
        /// z: how far; by ALIE's formula if left out.
        pub z: Option<f64> = None,
        /// π: 1 for the last output, 0 for the honest mean.
        pub location: f64 = 1.0,
        /// λ: to which direction the angle is, 1 for the last output's, 0 for the honest mean's.
        pub reference: f64 = 0.9,
        /// θ, in degrees.
        pub angle: f64 = 90.0,
    }
}

impl Rop {
    fn aim<T: Scalar>(&self, context: &AttackContext<'_, T>) -> Result<Aim, SpecError> {
        let z = match self.z {
            Some(z) => finite("rop", "z", z)?,
            None => formula("rop", context.federation)?,
        };
        let angle = finite("rop", "angle", self.angle)?;
        // Right angles exactly.
        let (sin, cos) = match angle.rem_euclid(360.0) {
            0.0 => (0.0, 1.0),
            90.0 => (1.0, 0.0),
            180.0 => (0.0, -1.0),
            270.0 => (-1.0, 0.0),
            other => other.to_radians().sin_cos(),
        };
        Ok(Aim {
            z,
            location: finite("rop", "location", self.location)?,
            reference: finite("rop", "reference", self.reference)?,
            sin,
            cos,
            own: context.knowledge == Knowledge::Own,
            sums: vec![0.0; 2 * tiles(context.dim)],
        })
    }
}

fixed_strength!(Rop, "rop");

#[derive(Debug)]
struct Aim {
    z: f64,
    location: f64,
    reference: f64,
    sin: f64,
    cos: f64,
    own: bool,
    sums: Vec<f64>,
}

impl<T: Scalar> Affine<T> for Aim {
    fn aim(&mut self, _: &Cx<'_>, view: &AttackView<'_, T>, affine: &mut AffineMessages<T>) -> f64 {
        let Self { location, reference, sin, cos, .. } = *self;
        let (base, direction) = affine.shared();
        let previous = view.previous();
        columns::each(view.known(), base, direction, &mut self.sums, |columns, base, u, sums| {
            let mean = columns.mean();
            for (k, (b, u)) in base.iter_mut().zip(&mut *u).enumerate() {
                let last =
                    previous.map_or(0.0, |previous| previous[columns.range.start + k].to_f64());
                *b = T::from_f64(location * last + (1.0 - location) * mean[k]);
                *u = T::from_f64(reference * last + (1.0 - reference) * mean[k]);
            }
            sums[0] = u.iter().map(|u| u.to_f64()).sum();
            sums[1] = u.iter().map(|u| u.to_f64() * u.to_f64()).sum();
        });
        let (sum, square) = match total(&mut self.sums, 2) {
            [sum, square] => (*sum, *square),
            _ => (0.0, 0.0),
        };
        let dim = direction.len() as f64;
        let share = if square > 0.0 { sum / square } else { 0.0 };
        // ‖a‖², which is zero where u is a multiple of the ones; what rounding leaves of it is no direction.
        let across = dim - share * sum;
        let across = if across > 1e-9 * dim { sin / across.sqrt() } else { 0.0 };
        let forth = if square > 0.0 { cos / square.sqrt() } else { 0.0 };
        for u in direction.iter_mut() {
            let x = u.to_f64();
            *u = T::from_f64(across * (1.0 - share * x) + forth * x);
        }
        self.z
    }

    fn range(&self, _: f64) -> (f64, f64) {
        (0.0, 10.0)
    }

    fn needs_true_messages(&self) -> bool {
        self.own
    }

    fn looks_back(&self) -> bool {
        true
    }
}
