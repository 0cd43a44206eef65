//! What the solver answers: weights on the messages, and what is certified of them.

use super::solver::Solver;
use crate::shared::select::weights;
use fl_core::{AggregateError, Certificate, GeometricRule, Geometry, Inputs, Probe};
use pulp::{Arch, Simd, WithSimd};

struct Solve<'a>(&'a mut Solver, &'a Geometry, &'a mut dyn Probe);

impl WithSimd for Solve<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.0.solve(self.1, self.2);
    }
}

impl GeometricRule for Solver {
    fn weights(&mut self, inputs: Inputs<'_>, weights: &mut [f64]) -> Result<(), AggregateError> {
        let Inputs { geometry, senders, probe, .. } = inputs;
        let workers = geometry.workers();
        if let Some(given) = &self.given {
            weights::of_senders(given, senders, workers as f64, &mut self.present[..workers]);
        }
        Arch::new().dispatch(Solve(self, geometry, probe));
        self.far_gap = match self.far_weight > 0.0 {
            true => self.unknown_pull() * self.reach(self.total()),
            false => 0.0,
        };
        // A merged message's weight goes to its lowest worker: the others differ from it by less than rounding.
        for (&id, &c) in self.ids.iter().zip(&self.here.c) {
            weights[id as usize] = c;
        }
        if self.points > self.n {
            let c = self.here.c[self.n];
            let size = self.far_weight / self.pull;
            for (i, &share) in self.stand_in[..workers].iter().enumerate() {
                weights[i] += c * share;
                if self.far[i] && weights[i] == 0.0 {
                    // Too little for a number: the output stays behind by that much.
                    self.far_gap += self.total() * c * size;
                }
            }
        }
        Ok(())
    }

    fn certificate(&self, displacement: f64) -> Option<Certificate> {
        let f = self.here.f;
        // The geometry's unit scales every length.
        let displacement = displacement / self.unit;
        let moved: f64 = self.a[..self.n]
            .iter()
            .zip(&self.here.d)
            .map(|(a, d)| a * displacement.min(0.5 * displacement * displacement / d))
            .sum();
        let slope = self.slope
            + if self.far_weight > 0.0 {
                self.unknown_pull() + self.far_bend * displacement
            } else {
                0.0
            };
        let epsilon = self.gap + self.far_gap + slope * displacement + moved + 2.0 * self.merged;
        let f = f + self.far_f;
        let relative_gap = if f > 0.0 { epsilon / f } else { 0.0 };
        Some(Certificate {
            iterations: self.iterations,
            relative_gap,
            epsilon: epsilon * self.unit,
        })
    }
}
