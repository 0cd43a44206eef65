//! Mimic: be one honest worker too often, the one that tells most.

use crate::shared::columns::{self, tiles, total};
use crate::shared::regular_worker::{copy, regular, target};
use fl_core::{
    Attack, AttackContext, AttackSpec, AttackView, Cx, Knowledge, Part, Scalar, SpecError, Visit,
    spec,
};

spec! {
    /// Mimic: all Byzantine workers send the message of one honest worker, the one that lies farthest in the direction in which
    /// honest messages vary most.
    ///
    /// ```text
    /// m ← (t m + x̄)/(t + 1),   a_i = ⟨x_i − m, z⟩,   S_i ← S_i + a_i
    /// z ← unit( t z + unit(Σ_i a_i (x_i − m)) ),      i* = argmax_i |S_i|
    /// ```
    ///
    /// in rounds t = 0, 1, … of the warm-up, with x̄ the mean of the honest messages; z begins with the one farthest from the
    /// mean. After the warm-up i* stays. With a given worker there is nothing to learn, and the attack is that of
    /// [`crate::SampleDuplicating`].
    ///
    /// # Requirements
    /// A worker that is given must be regular, and known. An adversary that knows only its own messages mimics a Byzantine
    /// worker's true ones.
    ///
    /// # Cost
    /// Two passes over the known messages in a round of the warm-up, and three vectors in double precision; copies afterwards.
    ///
    /// # Memory
    /// m, z and S, which a checkpoint holds.
    ///
    /// # Elsewhere
    /// Its authors begin with a random z and fix the worker of the largest ⟨x_i, z⟩; ByzFL has a given worker only.
    ///
    /// # Reference
    /// Karimireddy, He, Jaggi, *Byzantine-robust learning on heterogeneous datasets via bucketing*, ICLR 2022.
    ///
    /// # Example
    /// ```
    /// use fl_attacks::{Attack, AttackSpec, Federation, Mimic, AttackView, AttackContext};
    /// use fl_core::{Cx, Messages, Streams};
    ///
    /// let mut messages = Messages::from_rows(&[[1.0f32], [2.0], [9.0], [0.0]]);
    /// let federation = Federation::new(4, &[3])?;
    /// let mut attack = Mimic::default().build(&AttackContext::new(&federation, 1))?;
    /// let streams = Streams::new(0);
    /// attack.corrupt(&Cx::new(&streams, 0), &mut AttackView::new(&mut messages, &federation));
    /// assert_eq!(messages.row(3), [9.0]);
    /// # Ok::<(), fl_attacks::SpecError>(())
    /// ```
    pub struct Mimic {
        /// The regular worker to mimic; found in the warm-up if left out.
        pub worker: Option<usize> = None,
        /// Rounds in which the worker is looked for.
        pub warm_up: u64 = 30,
    }
}

impl<T: Scalar> AttackSpec<T> for Mimic {
    fn name(&self) -> &'static str {
        "mimic"
    }

    fn build(&self, context: &AttackContext<'_, T>) -> Result<Box<dyn Attack<T>>, SpecError> {
        if self.worker.is_some() {
            regular("mimic", self.worker, context)?;
            return Ok(Box::new(Fixed { worker: self.worker }));
        }
        if self.warm_up == 0 {
            return Err(SpecError::new("warm-up", "at least 1 round", 0).of("mimic"));
        }
        let workers = context.federation.workers();
        Ok(Box::new(Run {
            warm_up: self.warm_up,
            own: context.knowledge == Knowledge::Own,
            rounds: 0,
            vectors: std::array::from_fn(|_| vec![0.0; context.dim]),
            scores: vec![0.0; workers],
            sums: vec![0.0; workers * tiles(context.dim)],
            now: vec![0.0; workers],
        }))
    }
}

#[derive(Debug)]
struct Fixed {
    worker: Option<usize>,
}

impl<T: Scalar> Attack<T> for Fixed {
    fn corrupt(&mut self, _: &Cx<'_>, view: &mut AttackView<'_, T>) {
        copy(view, target(self.worker, view.federation()));
    }

    fn needs_true_messages(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct Run {
    warm_up: u64,
    own: bool,
    /// t: rounds of the warm-up that are over.
    rounds: u64,
    /// m, z, and a sum under way.
    vectors: [Vec<f64>; 3],
    /// S, by worker.
    scores: Vec<f64>,
    sums: Vec<f64>,
    /// a, by place among the known.
    now: Vec<f64>,
}

impl Run {
    fn learn<T: Scalar>(&mut self, view: &AttackView<'_, T>) {
        let Self { rounds, vectors: [mean, z, sum], scores, sums, now, .. } = self;
        let known = view.known();
        let (n, t) = (known.count(), *rounds as f64);
        let (sums, now) = (&mut sums[..n * tiles(mean.len())], &mut now[..n]);
        let first = *rounds == 0;
        columns::each(known, mean, z, sums, |columns, mean, z, sums| {
            let fresh = columns.mean();
            for (m, f) in mean.iter_mut().zip(&fresh) {
                *m = (t * *m + f) / (t + 1.0);
            }
            for (i, sum) in sums.iter_mut().enumerate() {
                let row = columns.row(i).iter().zip(&*mean).map(|(x, m)| x.to_f64() - m);
                *sum = match first {
                    true => row.map(|x| x * x).sum(),
                    false => row.zip(&*z).map(|(x, z)| x * z).sum(),
                };
            }
        });
        now.copy_from_slice(total(sums, n));
        if first {
            // Squared distances to the mean: the farthest message is where the direction begins.
            let far = largest(now);
            let row = known.row(far);
            for ((z, m), x) in z.iter_mut().zip(&*mean).zip(row) {
                *z = x.to_f64() - m;
            }
            now.fill(0.0);
            now[far] = 1.0;
        } else {
            let share = &*now;
            columns::each(known, sum, mean, &mut [], |columns, sum, mean, _| {
                sum.fill(0.0);
                for (i, &a) in share.iter().enumerate() {
                    for ((s, m), x) in sum.iter_mut().zip(&*mean).zip(columns.row(i)) {
                        *s += a * (x.to_f64() - m);
                    }
                }
            });
            unit(sum);
            for (z, s) in z.iter_mut().zip(&*sum) {
                *z = t * *z + s;
            }
        }
        unit(z);
        for (&worker, a) in known.workers().iter().zip(&*now) {
            scores[worker as usize] += a;
        }
        *rounds += 1;
    }
}

/// Divides by the length, unless that is zero.
fn unit(x: &mut [f64]) {
    let length = x.iter().map(|x| x * x).sum::<f64>().sqrt();
    if length > 0.0 {
        x.iter_mut().for_each(|x| *x /= length);
    }
}

/// The lowest place of the largest number.
fn largest(numbers: &[f64]) -> usize {
    (1..numbers.len()).fold(0, |best, i| if numbers[i] > numbers[best] { i } else { best })
}

impl<T: Scalar> Attack<T> for Run {
    fn corrupt(&mut self, _: &Cx<'_>, view: &mut AttackView<'_, T>) {
        if view.attackers().is_empty() {
            return;
        }
        if self.rounds < self.warm_up {
            self.learn(view);
        }
        let workers = view.known().workers();
        let score = |&w: &u32| self.scores[w as usize].abs();
        let target = workers
            .iter()
            .fold(workers[0], |best, w| if score(w) > score(&best) { *w } else { best });
        // The worker's own row, if it is an attacker's, is written onto itself.
        copy(view, target as usize);
    }

    fn needs_true_messages(&self) -> bool {
        self.own
    }

    fn state(&mut self, visit: &mut Visit<'_, T>) {
        let [mean, direction, _] = &mut self.vectors;
        visit("mimic-mean", Part::Doubles(mean));
        visit("mimic-direction", Part::Doubles(direction));
        visit("mimic-scores", Part::Doubles(&mut self.scores));
        visit("mimic-rounds", Part::Count(&mut self.rounds));
    }
}
