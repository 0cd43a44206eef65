//! What the server makes of its direction.

use super::named::named;
use super::schedule::Schedule;
use fl_core::{AlignedVec, Part, Scalar, SpecError, Visit, spec};

named! {
    /// What u the server steps along, given the aggregated direction d.
    pub enum ServerOptimizer { Plain, HeavyBall, Adam, Yogi }
}

spec! {
    /// The direction itself: `u = d`.
    ///
    /// # Requirements
    /// None.
    ///
    /// # Reference
    /// The paper's Algorithm 2.
    pub struct Plain;
}

spec! {
    /// Momentum at the server.
    ///
    /// ```text
    /// m_k = β m_{k−1} + d      m_{−1} = 0      u = m_k
    /// ```
    ///
    /// # Requirements
    /// `0 ≤ β < 1`.
    ///
    /// # Memory
    /// p numbers.
    ///
    /// # Reference
    /// Polyak, *Some methods of speeding up the convergence of iteration methods*, 1964; Hsu, Qi, Brown, *Measuring the effects
    /// of non-identical data distribution for federated visual classification*, 2019, at the server.
    pub struct HeavyBall {
        /// β, what is kept of the past.
        pub beta: f64 = 0.9,
    }
}

spec! {
    /// Adam at the server, coordinate by coordinate.
    ///
    /// ```text
    /// m_k = β₁ m_{k−1} + (1 − β₁) d       v_k = β₂ v_{k−1} + (1 − β₂) d²       m_{−1} = v_{−1} = 0
    /// u = (m_k/(1 − β₁^t)) / (√(v_k/(1 − β₂^t)) + ε)         t = steps made, this one included
    /// ```
    ///
    /// # Requirements
    /// `0 ≤ β₁, β₂ < 1`; a positive ε.
    ///
    /// # Memory
    /// 2 p numbers.
    ///
    /// # Reference
    /// Kingma, Ba, *Adam: a method for stochastic optimization*, 2015; Reddi et al., *Adaptive federated optimization*, 2021, at the
    /// server, there without the divisions by 1 − β^t.
    pub struct Adam {
        /// β₁, what is kept of the direction.
        pub beta1: f64 = 0.9,
        /// β₂, what is kept of its square.
        pub beta2: f64 = 0.99,
        /// ε.
        pub epsilon: f64 = 1e-3,
    }
}

spec! {
    /// Yogi at the server, coordinate by coordinate.
    ///
    /// ```text
    /// m_k = β₁ m_{k−1} + (1 − β₁) d       v_k = v_{k−1} − (1 − β₂) d² sign(v_{k−1} − d²)
    /// m_{−1} = 0,   v_{−1} = ε²           u = m_k / (√v_k + ε)
    /// ```
    ///
    /// # Requirements
    /// `0 ≤ β₁, β₂ < 1`; a positive ε.
    ///
    /// # Memory
    /// 2 p numbers.
    ///
    /// # Reference
    /// Zaheer, Reddi, Sachan, Kale, Kumar, *Adaptive methods for nonconvex optimization*, 2018; Reddi et al., *Adaptive federated
    /// optimization*, 2021, at the server.
    pub struct Yogi {
        /// β₁, what is kept of the direction.
        pub beta1: f64 = 0.9,
        /// β₂, how slowly its square is followed.
        pub beta2: f64 = 0.99,
        /// ε.
        pub epsilon: f64 = 1e-3,
    }
}

/// How the server steps, beside its γ.
///
/// ```text
/// x ← x − γ_k (u + λ x)      γ_k = γ · schedule(k) · min(1, (k + 1)/warm-up)
/// ```
///
/// Nothing moves in a round that is skipped, memory neither.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServerStep {
    /// How γ changes.
    pub schedule: Schedule,
    /// Rounds over which γ grows to its full size; 0 and 1 for none.
    pub warm_up: u64,
    /// What u is.
    pub optimizer: ServerOptimizer,
    /// λ of the weight decay, apart from the optimizer's memory; 0 for none.
    pub weight_decay: f64,
}

impl ServerStep {
    /// Whether its settings can work.
    ///
    /// # Errors
    /// The first setting that cannot.
    pub fn check(&self) -> Result<(), SpecError> {
        self.schedule.check()?;
        if !(self.weight_decay >= 0.0 && self.weight_decay.is_finite()) {
            let allowed = "a finite number, zero or above";
            return Err(SpecError::new("weight-decay", allowed, self.weight_decay));
        }
        let share = |name: &str, beta: f64| match (0.0..1.0).contains(&beta) {
            true => Ok(()),
            false => Err(SpecError::new(format!("server.{name}"), "0 or above, below 1", beta)),
        };
        let (name, beta1, beta2, epsilon) = match self.optimizer {
            ServerOptimizer::Plain(_) => return Ok(()),
            ServerOptimizer::HeavyBall(HeavyBall { beta }) => {
                return share("heavy-ball.beta", beta);
            }
            ServerOptimizer::Adam(Adam { beta1, beta2, epsilon }) => {
                ("adam", beta1, beta2, epsilon)
            }
            ServerOptimizer::Yogi(Yogi { beta1, beta2, epsilon }) => {
                ("yogi", beta1, beta2, epsilon)
            }
        };
        share(&format!("{name}.beta1"), beta1)?;
        share(&format!("{name}.beta2"), beta2)?;
        if epsilon > 0.0 && epsilon.is_finite() {
            return Ok(());
        }
        Err(SpecError::new(format!("server.{name}.epsilon"), "a positive number", epsilon))
    }

    /// γ_k/γ.
    fn factor(&self, round: u64) -> f64 {
        let warm = (round.saturating_add(1) as f64 / self.warm_up.max(1) as f64).min(1.0);
        self.schedule.factor(round) * warm
    }

    /// Vectors of p numbers that stay between rounds.
    pub fn vectors(&self) -> usize {
        match self.optimizer {
            ServerOptimizer::Plain(_) => 0,
            ServerOptimizer::HeavyBall(_) => 1,
            ServerOptimizer::Adam(_) | ServerOptimizer::Yogi(_) => 2,
        }
    }
}

/// The server's step with its memory.
#[derive(Debug)]
pub(super) struct Stepper<T: Scalar> {
    gamma: f64,
    spec: ServerStep,
    /// Steps made.
    made: u64,
    first: AlignedVec<T>,
    second: AlignedVec<T>,
}

impl<T: Scalar> Stepper<T> {
    pub(super) fn new(gamma: f64, spec: ServerStep, dim: usize) -> Result<Self, SpecError> {
        spec.check()?;
        let vector = |there: bool| AlignedVec::zeros(if there { dim } else { 0 });
        let (first, mut second) = (vector(spec.vectors() > 0), vector(spec.vectors() > 1));
        if let ServerOptimizer::Yogi(Yogi { epsilon, .. }) = spec.optimizer {
            second.fill(T::from_f64(epsilon * epsilon));
        }
        Ok(Self { gamma, spec, made: 0, first, second })
    }

    /// x ← x − γ_k (u + λ x).
    pub(super) fn step(&mut self, round: u64, direction: &[T], params: &mut [T]) {
        let Self { gamma, spec, made, first, second } = self;
        *made += 1;
        let gamma = *gamma * spec.factor(round);
        let step = T::from_f64(gamma);
        if spec.weight_decay > 0.0 {
            let decay = T::from_f64(gamma * spec.weight_decay);
            params.iter_mut().for_each(|x| *x -= decay * *x);
        }
        let places = params.iter_mut().zip(direction);
        match spec.optimizer {
            ServerOptimizer::Plain(_) => places.for_each(|(x, &d)| *x -= step * d),
            ServerOptimizer::HeavyBall(HeavyBall { beta }) => {
                let beta = T::from_f64(beta);
                for ((x, &d), m) in places.zip(first.iter_mut()) {
                    *m = beta * *m + d;
                    *x -= step * *m;
                }
            }
            ServerOptimizer::Adam(Adam { beta1, beta2, epsilon }) => {
                let left = |beta: f64| 1.0 - beta.powf(*made as f64);
                let (step, root) = (gamma / left(beta1), left(beta2));
                for (((x, &d), m), v) in places.zip(first.iter_mut()).zip(second.iter_mut()) {
                    let d = d.to_f64();
                    let mean = beta1 * m.to_f64() + (1.0 - beta1) * d;
                    let square = beta2 * v.to_f64() + (1.0 - beta2) * d * d;
                    (*m, *v) = (T::from_f64(mean), T::from_f64(square));
                    *x -= T::from_f64(step * mean / ((square / root).sqrt() + epsilon));
                }
            }
            ServerOptimizer::Yogi(Yogi { beta1, beta2, epsilon }) => {
                for (((x, &d), m), v) in places.zip(first.iter_mut()).zip(second.iter_mut()) {
                    let (d, old) = (d.to_f64(), v.to_f64());
                    let mean = beta1 * m.to_f64() + (1.0 - beta1) * d;
                    let sign = match old - d * d {
                        0.0 => 0.0,
                        difference => difference.signum(),
                    };
                    let square = old - (1.0 - beta2) * d * d * sign;
                    (*m, *v) = (T::from_f64(mean), T::from_f64(square));
                    *x -= T::from_f64(gamma * mean / (square.sqrt() + epsilon));
                }
            }
        }
    }

    /// What later rounds depend on; nothing for the plain step, whose count changes nothing.
    pub(super) fn state(&mut self, visit: &mut Visit<'_, T>) {
        if !self.first.is_empty() {
            visit("server.steps", Part::Count(&mut self.made));
            visit("server.first", Part::Vector(&mut self.first));
        }
        if !self.second.is_empty() {
            visit("server.second", Part::Vector(&mut self.second));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// x after some rounds of the directions 1, −2, 4, 0 in one coordinate, from x = 3, with γ = 0.5.
    fn walk(spec: ServerStep) -> f64 {
        let mut stepper = Stepper::<f64>::new(0.5, spec, 1).unwrap();
        let mut x = [3.0];
        for (k, d) in [1.0, -2.0, 4.0, 0.0].into_iter().enumerate() {
            stepper.step(k as u64, &[d], &mut x);
        }
        x[0]
    }

    fn with(optimizer: ServerOptimizer) -> ServerStep {
        ServerStep { optimizer, ..ServerStep::default() }
    }

    #[test]
    fn steps_are_their_formulas() {
        assert_eq!(walk(ServerStep::default()), 3.0 - 0.5 * 3.0);
        // m: 1, −1.5, 3.25, 1.625.
        let ball = with(ServerOptimizer::HeavyBall(HeavyBall { beta: 0.5 }));
        assert_eq!(walk(ball), 3.0 - 0.5 * (1.0 - 1.5 + 3.25 + 1.625));
        let (b1, b2, e) = (0.5, 0.75, 0.1);
        let adam = with(ServerOptimizer::Adam(Adam { beta1: b1, beta2: b2, epsilon: e }));
        let (mut m, mut v, mut x, mut y, mut w) = (0.0, 0.0, 3.0, 3.0, e * e);
        for (t, d) in [1.0f64, -2.0, 4.0, 0.0].into_iter().enumerate() {
            let t = t as i32 + 1;
            m = b1 * m + (1.0 - b1) * d;
            v = b2 * v + (1.0 - b2) * d * d;
            x -= 0.5 * (m / (1.0 - b1.powi(t))) / ((v / (1.0 - b2.powi(t))).sqrt() + e);
            let sign = if w > d * d { 1.0 } else { -1.0 };
            w -= (1.0 - b2) * d * d * sign;
            y -= 0.5 * m / (w.sqrt() + e);
        }
        assert!((walk(adam) - x).abs() < 1e-14);
        let yogi = with(ServerOptimizer::Yogi(Yogi { beta1: b1, beta2: b2, epsilon: e }));
        assert!((walk(yogi) - y).abs() < 1e-14);
    }

    #[test]
    fn decay_and_warm_up_are_their_formulas() {
        let spec = ServerStep { weight_decay: 0.5, warm_up: 2, ..ServerStep::default() };
        let mut x = 3.0;
        for (gamma, d) in [(0.25, 1.0), (0.5, -2.0), (0.5, 4.0), (0.5, 0.0)] {
            x -= gamma * (d + 0.5 * x);
        }
        assert!((walk(spec) - x).abs() < 1e-14);
    }

    #[test]
    fn a_state_continues_to_the_same_bits() {
        let spec = with(ServerOptimizer::Adam(Adam::default()));
        let mut whole = Stepper::<f32>::new(0.1, spec.clone(), 2).unwrap();
        let mut parts = Vec::new();
        let mut x = [1.0f32, 2.0];
        whole.step(0, &[0.3, -0.1], &mut x);
        let (mut count, mut y) = (0, x);
        whole.state(&mut |_, part| match part {
            Part::Count(n) => count = *n,
            Part::Vector(v) => parts.push(v.to_vec()),
            _ => unreachable!("counts and vectors"),
        });
        let mut copy = Stepper::<f32>::new(0.1, spec, 2).unwrap();
        let mut parts = parts.into_iter();
        copy.state(&mut |_, part| match part {
            Part::Count(n) => *n = count,
            Part::Vector(v) => v.copy_from_slice(&parts.next().unwrap()),
            _ => unreachable!("counts and vectors"),
        });
        whole.step(1, &[0.2, 0.7], &mut x);
        copy.step(1, &[0.2, 0.7], &mut y);
        assert_eq!(x, y);
    }

    #[test]
    fn settings_that_cannot_work_are_refused_by_name() {
        let adam = Adam { epsilon: 0.0, ..Adam::default() };
        for (spec, name) in [
            (ServerStep { weight_decay: -1.0, ..ServerStep::default() }, "weight-decay"),
            (with(ServerOptimizer::HeavyBall(HeavyBall { beta: 1.0 })), "server.heavy-ball.beta"),
            (with(ServerOptimizer::Adam(adam)), "server.adam.epsilon"),
            (
                with(ServerOptimizer::Yogi(Yogi { beta2: f64::NAN, ..Yogi::default() })),
                "server.yogi.beta2",
            ),
        ] {
            let error = spec.check().unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
    }
}
