//! Worker momentum.

use crate::shared::decorated::{Decorated, decorates, delegates};
use crate::shared::{batch, length, spread};
use fl_core::{
    AlignedVec, Cx, Estimator, EstimatorSpec, Local, Objective, Part, Scalar, SpecError, Visit,
    Workspace, choice, spec,
};

spec! {
    /// Worker momentum: what is sent is a moving average of any estimator's messages v.
    ///
    /// ```text
    /// m_k = β m_{k−1} + (1 − β) v_k        m_{−1} = 0        average       (the default)
    /// m_k = β m_{k−1} + (1 − β) v_k        m_0 = v_0         warm-average
    /// m_k = β m_{k−1} + v_k                m_{−1} = 0        heavy-ball
    /// u_k = β u_{k−1} + (1 − β) m_k        u_0 = m_0 = v_0   double: u is sent, over the warm average m
    /// m_k/‖m_k‖                            m_0 = v_0         normalised: of the warm average m; 0 where m is 0
    /// ```
    ///
    /// Projects mean the first three by "momentum", with step sizes that differ by `1/(1 − β)`, so they go by name.
    /// A server's step over normalised messages has the length γ at most, whatever the gradients are.
    ///
    /// # Requirements
    /// `0 ≤ β < 1`.
    ///
    /// # Effect
    /// The inner variation is `E‖m − ∇f_w(x)‖²` given the past, exact where the estimator's own is. For the averages it is
    /// `β² ‖m_{k−1} − ∇f_w‖² + 2 β (1 − β) ⟨m_{k−1} − ∇f_w, E v − ∇f_w⟩ + (1 − β)² E‖v − ∇f_w‖²`.
    /// For normalised messages no formula is known: it is NaN.
    ///
    /// # Cost
    /// That of the estimator, and one pass over p numbers.
    ///
    /// # Memory
    /// p numbers, 2 p for the double form, and the estimator's.
    ///
    /// # Non-finite
    /// NaN and infinity stay in the average, so that divergence is seen.
    ///
    /// # Randomness
    /// The estimator's.
    ///
    /// # Bias
    /// Biased given the past even where the estimator is not: it remembers gradients of parameters gone by.
    ///
    /// # Reference
    /// El-Mhamdi, Guerraoui, Rouault, *Distributed momentum for Byzantine-resilient stochastic gradient descent*, 2021; Karimireddy,
    /// He, Jaggi, *Learning from history for Byzantine robust optimization*, 2021; Farhadkhani, Guerraoui, Gupta, Pinot, Stephan,
    /// *Byzantine machine learning made easy by resilient averaging of momentums*, 2022. Double: Fatkhullin, Tyurin, Richtárik,
    /// *Momentum provably improves error feedback!*, NeurIPS 2023. Normalised: Cutkosky, Mehta, *Momentum improves normalized SGD*,
    /// ICML 2020.
    ///
    /// # Example
    /// ```
    /// use fl_core::EstimatorSpec;
    /// use fl_saga::{Momentum, Saga};
    /// let spec = Momentum { beta: 0.9, ..Momentum::default() }.over::<f32>(Box::new(Saga::new(32)));
    /// assert_eq!((spec.name(), spec.batch(), spec.inner.name()), ("momentum", 32, "saga"));
    /// ```
    pub struct Momentum {
        /// β, what is kept of the past.
        pub beta: f64 = 0.9,
        /// Which of the forms.
        pub form: MomentumForm = MomentumForm::Average,
    }
}

decorates!(Momentum, "momentum");

choice! {
    /// The forms of [`Momentum`].
    pub enum MomentumForm {
        /// `m = β m + (1 − β) v` from 0.
        Average,
        /// `m = β m + (1 − β) v` from the first message.
        WarmAverage,
        /// `m = β m + v` from 0.
        HeavyBall,
        /// The average of the averages, both from the first message.
        Double,
        /// The average from the first message, divided by its length.
        Normalised,
    }
}

impl<T: Scalar> EstimatorSpec<T> for Decorated<T, Momentum> {
    delegates!();

    fn memory(&self, objective: &dyn Objective<T>, samples: usize) -> Option<usize> {
        let own = batch::bytes::<T>(&[(1 + self.decorator.seconds(), objective.dim())]);
        Some(self.inner.memory(objective, samples)?.saturating_add(own))
    }

    fn build(&self, local: &Local<'_, T>) -> Result<Box<dyn Estimator<T>>, SpecError> {
        let Momentum { beta, .. } = self.decorator;
        if !(0.0..1.0).contains(&beta) {
            return Err(SpecError::new("beta", "at least 0 and below 1", beta).of("momentum"));
        }
        Ok(Box::new(State {
            spec: self.decorator,
            inner: self.inside(local)?,
            momentum: AlignedVec::zeros(local.objective.dim()),
            second: AlignedVec::zeros(self.decorator.seconds() * local.objective.dim()),
            fresh: true,
        }))
    }
}

#[derive(Debug)]
struct State<T> {
    spec: Momentum,
    inner: Box<dyn Estimator<T>>,
    momentum: AlignedVec<T>,
    /// The average of the averages, empty unless it is sent.
    second: AlignedVec<T>,
    /// Before the first message.
    fresh: bool,
}

impl Momentum {
    /// How many averages there are of averages.
    fn seconds(self) -> usize {
        usize::from(self.form == MomentumForm::Double)
    }
}

impl<T: Scalar> State<T> {
    /// What the past and what the new message are multiplied by.
    fn weights(&self) -> (f64, f64) {
        let Momentum { beta, form } = self.spec;
        match form {
            MomentumForm::HeavyBall => (beta, 1.0),
            MomentumForm::Average => (beta, 1.0 - beta),
            _ if self.fresh => (0.0, 1.0),
            _ => (beta, 1.0 - beta),
        }
    }

    /// What is sent but for the length, as `past + share · v`: element i of the past, with the share.
    fn sent(&self) -> (impl Fn(usize) -> f64, f64) {
        let (past, new) = self.weights();
        let double = !self.second.is_empty();
        let element = move |i: usize| {
            let first = past * self.momentum[i].to_f64();
            if double { past * self.second[i].to_f64() + new * first } else { first }
        };
        (element, if double { new * new } else { new })
    }
}

/// m ← past m + new v, and v ← m.
fn average<T: Scalar>(momentum: &mut [T], message: &mut [T], (past, new): (f64, f64)) {
    let (past, new) = (T::from_f64(past), T::from_f64(new));
    for (m, out) in momentum.iter_mut().zip(message) {
        *m = past * *m + new * *out;
        *out = *m;
    }
}

impl<T: Scalar> Estimator<T> for State<T> {
    fn start(&mut self, local: &Local<'_, T>, params: &[T], work: &mut Workspace<T>) {
        self.inner.start(local, params, work);
        self.momentum.fill(T::ZERO);
        self.second.fill(T::ZERO);
        self.fresh = true;
    }

    fn state(&mut self, visit: &mut Visit<'_, T>) {
        self.inner.state(visit);
        visit("momentum", Part::Vector(&mut self.momentum));
        if !self.second.is_empty() {
            visit("momentum-second", Part::Vector(&mut self.second));
        }
        let mut fresh = u64::from(self.fresh);
        visit("momentum-fresh", Part::Count(&mut fresh));
        self.fresh = fresh != 0;
    }

    fn look_ahead(&self, cx: &Cx<'_>, local: &Local<'_, T>, work: &mut Workspace<T>) {
        self.inner.look_ahead(cx, local, work);
    }

    fn message(
        &mut self,
        cx: &Cx<'_>,
        local: &Local<'_, T>,
        params: &[T],
        out: &mut [T],
        work: &mut Workspace<T>,
    ) {
        self.inner.message(cx, local, params, out, work);
        let weights = self.weights();
        average(&mut self.momentum, out, weights);
        match self.spec.form {
            MomentumForm::Double => average(&mut self.second, out, weights),
            MomentumForm::Normalised => length::set(out, 1.0, true),
            _ => {}
        }
        self.fresh = false;
    }

    fn variation(&self, local: &Local<'_, T>, params: &[T], work: &mut Workspace<T>) -> f64 {
        if self.spec.form == MomentumForm::Normalised {
            return f64::NAN;
        }
        let (past, new) = self.sent();
        let dim = local.objective.dim();
        let (mut exact, mut mean) = (vec![T::ZERO; dim], vec![T::ZERO; dim]);
        local.gradient(params, &mut exact, work);
        self.inner.expectation(local, params, &mut mean, work);
        // message − ∇f = a + new·(v − ∇f) with a = past + (new − 1)·∇f, which is known.
        let known = |(i, g): (usize, &T)| T::from_f64(past(i) + (new - 1.0) * g.to_f64());
        let known: Vec<T> = exact.iter().enumerate().map(known).collect();
        mean.iter_mut().zip(&exact).for_each(|(mean, &g)| *mean -= g);
        let inner = self.inner.variation(local, params, work);
        let cross = 2.0 * new * spread::product(&known, &mean);
        spread::squared_norm(&known) + cross + new * new * inner
    }

    fn expectation(
        &self,
        local: &Local<'_, T>,
        params: &[T],
        out: &mut [T],
        work: &mut Workspace<T>,
    ) {
        if self.spec.form == MomentumForm::Normalised {
            return out.fill(T::from_f64(f64::NAN));
        }
        self.inner.expectation(local, params, out, work);
        let (past, new) = self.sent();
        for (i, out) in out.iter_mut().enumerate() {
            *out = T::from_f64(past(i) + new * out.to_f64());
        }
    }

    fn memory(&self) -> usize {
        self.inner.memory() + (self.momentum.len() + self.second.len()) * size_of::<T>()
    }
}
