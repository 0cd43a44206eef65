//! PoisonedFL: push in the same directions round after round.

use crate::shared::normal::quantile;
use fl_core::{
    AlignedVec, Attack, AttackContext, AttackSpec, AttackView, Cx, Part, Role, Scalar, SpecError,
    Visit, spec,
};
use rand::Rng;

spec! {
    /// PoisonedFL: all Byzantine workers push every coordinate to the same side in all rounds, with sizes that follow what the
    /// server's last output owes to others.
    ///
    /// ```text
    /// v_w = k ⊙ s,   k ← c ‖g‖ u/‖u‖,   u = |g − (‖g‖/‖k‖) k ⊙ s|
    /// c ← max(0.7 c, 0.5) after e rounds in which the sum of g does not follow s
    /// ```
    ///
    /// with signs s that are drawn once, the server's last output g, and the k of the round before; c is 8 at first.
    /// The sum follows s where more of its p signs agree with s than p fair coins would in 99 cases of 100. That number is
    /// the normal approximation's.
    /// Where no k was sent before, or g is 0, the term of k is 0; so the first round sends zeros.
    ///
    /// # Requirements
    /// Finite numbers: c above 0, a factor above 0 and at most 1, a least c between 0 and c; e of at least one round.
    /// It needs no message of any other worker, but the server's output; without a server it sends zeros.
    ///
    /// # Cost
    /// A few passes over p numbers, and p/32 draws.
    ///
    /// # Memory
    /// k and the sum of g, in double precision, which a checkpoint holds with c; and a message.
    ///
    /// # Randomness
    /// The signs are the bits of the stream of (`AttackChoice`, the attack's place, 0).
    ///
    /// # Elsewhere
    /// Its authors' g is the change of the model; here it is the direction that the server takes, which has the other
    /// sign, as the messages have.
    ///
    /// # Reference
    /// Xie, Fang, Gong, *Model poisoning attacks to federated learning via multi-round consistency*, CVPR 2025.
    ///
    /// # Example
    /// ```
    /// use fl_attacks::{Attack, AttackContext, AttackSpec, AttackView, Federation, PoisonedFl};
    /// use fl_core::{Cx, Messages, Streams};
    ///
    /// let mut messages = Messages::from_rows(&[[1.0f64; 4]; 3]);
    /// let federation = Federation::new(3, &[2])?;
    /// let mut attack = PoisonedFl::default().build(&AttackContext::new(&federation, 4))?;
    /// let (streams, output) = (Streams::new(0), [1.0; 4]);
    /// let mut view = AttackView::new(&mut messages, &federation).with_previous(Some(&output));
    /// attack.corrupt(&Cx::new(&streams, 1), &mut view);
    /// // 8 times as long as the output, and as large in every coordinate.
    /// assert!(messages.row(2).iter().all(|x| (x.abs() - 8.0).abs() < 1e-12));
    /// # Ok::<(), fl_attacks::SpecError>(())
    /// ```
    pub struct PoisonedFl {
        /// c at first: how many times as long as the server's output a message is.
        pub scale: f64 = 8.0,
        /// By what c is multiplied where outputs do not follow.
        pub shrink: f64 = 0.7,
        /// The least c.
        pub least: f64 = 0.5,
        /// e: after how many rounds c is judged.
        pub every: u64 = 50,
    }
}

impl<T: Scalar> AttackSpec<T> for PoisonedFl {
    fn name(&self) -> &'static str {
        "poisoned-fl"
    }

    fn build(&self, context: &AttackContext<'_, T>) -> Result<Box<dyn Attack<T>>, SpecError> {
        let Self { scale, shrink, least, every } = *self;
        let refuse = |setting: &str, allowed: &str, got: f64| {
            Err(SpecError::new(setting, allowed, got).of("poisoned-fl"))
        };
        if !(scale > 0.0 && scale.is_finite()) {
            return refuse("scale", "a finite number above 0", scale);
        }
        if !(shrink > 0.0 && shrink <= 1.0) {
            return refuse("shrink", "above 0 and at most 1", shrink);
        }
        if !(0.0..=scale).contains(&least) {
            return refuse("least", "between 0 and scale", least);
        }
        if every == 0 {
            return refuse("every", "at least 1 round", 0.0);
        }
        Ok(Box::new(Run {
            spec: self.clone(),
            place: context.place,
            scale,
            rounds: 0,
            sizes: vec![0.0; context.dim],
            sum: vec![0.0; context.dim],
            row: AlignedVec::zeros(context.dim),
        }))
    }
}

#[derive(Debug)]
struct Run<T> {
    spec: PoisonedFl,
    place: usize,
    /// c.
    scale: f64,
    /// Rounds so far in the sum.
    rounds: u64,
    /// k.
    sizes: Vec<f64>,
    /// What the server has put out since c was judged.
    sum: Vec<f64>,
    /// What is sent.
    row: AlignedVec<T>,
}

/// s: one sign a coordinate, the same in every round.
fn signs(cx: &Cx<'_>, place: usize) -> impl Iterator<Item = f64> {
    let mut rng = cx.at(0).draw(Role::AttackChoice, place);
    let words = std::iter::repeat_with(move || rng.next_u32());
    words.flat_map(|word| (0..32).map(move |bit| if word >> bit & 1 == 1 { 1.0 } else { -1.0 }))
}

fn norm(x: impl Iterator<Item = f64>) -> f64 {
    x.map(|x| x * x).sum::<f64>().sqrt()
}

impl<T: Scalar> Run<T> {
    /// Adds an output to the sum, and judges c when it is time to.
    fn judge(&mut self, cx: &Cx<'_>, output: &[T]) {
        for (sum, g) in self.sum.iter_mut().zip(output) {
            *sum += g.to_f64();
        }
        self.rounds += 1;
        if self.rounds < self.spec.every {
            return;
        }
        let signs = signs(cx, self.place);
        let followed = self.sum.iter().zip(signs).filter(|(sum, s)| *sum * s > 0.0).count() as f64;
        let half = 0.5 * self.sum.len() as f64;
        // The standard deviation of p fair coins is √p/2.
        if followed - half <= quantile(0.99) * (0.5 * half).sqrt() {
            self.scale = (self.spec.shrink * self.scale).max(self.spec.least);
        }
        self.rounds = 0;
        self.sum.fill(0.0);
    }

    /// k and what is sent, from the last output.
    fn aim(&mut self, cx: &Cx<'_>, output: &[T]) {
        let Self { place, scale, sizes, row, .. } = self;
        let length = norm(output.iter().map(|g| g.to_f64()));
        let before = norm(sizes.iter().copied());
        let ratio = if before > 0.0 { length / before } else { 0.0 };
        for ((k, g), s) in sizes.iter_mut().zip(output).zip(signs(cx, *place)) {
            *k = (g.to_f64() - ratio * *k * s).abs();
        }
        let size = norm(sizes.iter().copied());
        let factor = if size > 0.0 { *scale * length / size } else { 0.0 };
        for ((k, row), s) in sizes.iter_mut().zip(row.iter_mut()).zip(signs(cx, *place)) {
            *k *= factor;
            *row = T::from_f64(*k * s);
        }
    }
}

impl<T: Scalar> Attack<T> for Run<T> {
    fn corrupt(&mut self, cx: &Cx<'_>, view: &mut AttackView<'_, T>) {
        if view.attackers().is_empty() {
            return;
        }
        if let Some(output) = view.previous() {
            self.judge(cx, output);
            self.aim(cx, output);
        }
        let row = &self.row;
        view.write(|_, _, out| out.copy_from_slice(row));
    }

    fn needs_true_messages(&self) -> bool {
        false
    }

    fn looks_back(&self) -> bool {
        true
    }

    fn state(&mut self, visit: &mut Visit<'_, T>) {
        visit("poisoned-fl-sizes", Part::Doubles(&mut self.sizes));
        visit("poisoned-fl-sum", Part::Doubles(&mut self.sum));
        visit("poisoned-fl-scale", Part::Doubles(std::slice::from_mut(&mut self.scale)));
        visit("poisoned-fl-rounds", Part::Count(&mut self.rounds));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Federation;
    use fl_core::{Messages, Streams};

    const DIM: usize = 100;

    /// What the server makes of a round, from what was sent in it.
    type Output<'a> = dyn Fn(&[f64]) -> Vec<f64> + 'a;

    /// What is sent in each round after these outputs, in which the last message's signs can be referred to.
    fn sent(spec: &PoisonedFl, outputs: &[&Output<'_>]) -> Vec<Vec<f64>> {
        let federation = Federation::new(3, &[1, 2]).expect("valid");
        let mut attack = spec.build(&AttackContext::new(&federation, DIM)).expect("valid");
        let streams = Streams::new(5);
        let mut sent = vec![vec![1.0; DIM]];
        for (round, output) in outputs.iter().enumerate() {
            let output = output(sent.last().expect("a message"));
            let mut messages = Messages::<f64>::zeros(3, DIM);
            let mut view = AttackView::new(&mut messages, &federation).with_previous(Some(&output));
            attack.corrupt(&Cx::new(&streams, round as u64), &mut view);
            assert_eq!(messages.row(1), messages.row(2));
            assert_eq!(messages.row(0), [0.0; DIM]);
            sent.push(messages.row(1).to_vec());
        }
        sent.remove(0);
        sent
    }

    fn length(x: &[f64]) -> f64 {
        norm(x.iter().copied())
    }

    #[test]
    fn sizes_follow_what_the_output_owes_to_others() {
        let ones = |_: &[f64]| vec![1.0; DIM];
        let sent = sent(&PoisonedFl::default(), &[&ones, &ones]);
        assert!(sent[0].iter().all(|x| (x.abs() - 8.0).abs() < 1e-12));
        // u is |1 − s|: what was pushed up owes nothing to others, and what was pushed down all of 2.
        let down = sent[0].iter().filter(|x| **x < 0.0).count();
        assert!((20..80).contains(&down));
        let size = 80.0 / (down as f64).sqrt();
        for (first, second) in sent[0].iter().zip(&sent[1]) {
            let expected = if *first < 0.0 { -size } else { 0.0 };
            assert!((second - expected).abs() < 1e-9, "{second}, not {expected}");
        }
    }

    #[test]
    fn a_push_that_outputs_do_not_follow_becomes_smaller_until_the_least() {
        // As many coordinates of 1 as of −1 follow s as not; outputs of length 10.
        let mixed =
            |_: &[f64]| (0..DIM).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect::<Vec<f64>>();
        let with = |sent: &[f64]| {
            let sizes = (1..).map(|i| f64::from(i) * 0.1);
            sent.iter().zip(sizes).map(|(x, size)| size * x.signum()).collect::<Vec<f64>>()
        };
        let against = |sent: &[f64]| with(sent).iter().map(|x| -x).collect::<Vec<f64>>();
        let output = length(&with(&[1.0; DIM]));
        let every = PoisonedFl { every: 1, ..PoisonedFl::default() };
        let second =
            |spec: &PoisonedFl, output: &Output<'_>| length(&sent(spec, &[&mixed, output])[1]);
        assert!((second(&every, &with) - 0.7 * 8.0 * output).abs() < 1e-9);
        assert!((second(&every, &against) - 0.7 * 0.7 * 8.0 * output).abs() < 1e-9);
        // Both rounds are judged at once.
        let two = PoisonedFl { every: 2, ..PoisonedFl::default() };
        assert!((second(&two, &against) - 0.7 * 8.0 * output).abs() < 1e-9);
        let outputs: Vec<&Output<'_>> = vec![&mixed; 12];
        let lengths: Vec<f64> = sent(&every, &outputs).iter().map(|x| length(x) / 10.0).collect();
        for (round, found) in (1..).zip(lengths) {
            let expected = (8.0 * 0.7f64.powi(round)).max(0.5);
            assert!((found - expected).abs() < 1e-9, "{found} in round {round}");
        }
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        let federation = Federation::new(3, &[2]).expect("valid");
        let refusal = |spec: PoisonedFl| {
            let built = AttackSpec::<f32>::build(&spec, &AttackContext::new(&federation, 3));
            built.expect_err("a bad setting").to_string()
        };
        let spec = PoisonedFl::default;
        assert_eq!(
            refusal(PoisonedFl { scale: 0.0, ..spec() }),
            "poisoned-fl: scale must be a finite number above 0, got 0"
        );
        assert_eq!(
            refusal(PoisonedFl { shrink: 1.5, ..spec() }),
            "poisoned-fl: shrink must be above 0 and at most 1, got 1.5"
        );
        assert_eq!(
            refusal(PoisonedFl { least: 9.0, ..spec() }),
            "poisoned-fl: least must be between 0 and scale, got 9"
        );
        assert_eq!(
            refusal(PoisonedFl { every: 0, ..spec() }),
            "poisoned-fl: every must be at least 1 round, got 0"
        );
    }
}
