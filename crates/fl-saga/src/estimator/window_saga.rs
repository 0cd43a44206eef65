//! SAGA with a slot a window.

use crate::shared::draw::{Draw, draws};
use crate::shared::sampling::Sampling;
use crate::shared::{batch, table};
use fl_core::{
    AlignedVec, Cx, Estimator, Fold, Local, Objective, Part, Scalar, SpecError, Visit, Workspace,
    room, spec,
};

spec! {
    /// SAGA whose batches are windows of neighbours, with one slot for each window, keyed by its start: how public code that
    /// descends from the paper's reads a batch of more than one sample.
    ///
    /// ```text
    /// message = g_s(x) − g_s(φ_s) + ḡ         s a uniform start, g_s the mean gradient of its window
    /// ḡ       = (1/J) Σ_s g_s(φ_s)
    /// φ_s     ← x
    /// ```
    ///
    /// The paper writes (8)–(10) for one sample a round. [`crate::Saga`] reads a batch as b samples with b slots.
    /// Here a window has one slot, and is met every J rounds instead of every J/b.
    /// It shares its samples with 2b − 2 other windows, which keep older gradients of them.
    ///
    /// # Requirements
    /// A batch of at least 1 and at most J samples, for each worker; the sampling `window` or `window-cut`; a table that memory can
    /// address.
    ///
    /// # Effect
    /// The exact inner variation takes J messages to compute.
    ///
    /// # Cost
    /// That of [`crate::Saga`] a round.
    ///
    /// # Memory
    /// J b records and p numbers, b times what [`crate::Saga`] needs.
    ///
    /// # Non-finite
    /// NaN and infinity in a gradient are sent as they are, and stay in what is kept until they are replaced.
    ///
    /// # Randomness
    /// Worker w draws a uniform start from the stream of (`Batch`, w, round).
    ///
    /// # Bias
    /// Unbiased given the table with [`Sampling::Window`], which goes on at the beginning of the list.
    /// Biased with [`Sampling::WindowCut`]: windows are cut off at the end of the list, and still divided by b.
    ///
    /// # Reference
    /// The paper's (8)–(10); public code of its first author (repository BRAVO) keeps the mean gradient of a window in one slot.
    pub struct WindowSaga {
        /// b, samples of a window.
        pub batch: usize = 1,
        /// What happens at the end of the list: `window` or `window-cut`.
        pub sampling: Sampling = Sampling::Window,
    }
}

/// Records of all windows: J b, or more than can be counted.
fn slots(samples: usize, batch: usize) -> usize {
    samples.saturating_mul(batch)
}

draws!(WindowSaga, "window-saga", check: table::check);

impl WindowSaga {
    fn bytes<T: Scalar>(&self, objective: &dyn Objective<T>, samples: usize) -> usize {
        table::memory(objective, slots(samples, self.batch), samples)
    }

    fn estimator<T: Scalar>(&self, local: &Local<'_, T>) -> Result<State<T>, SpecError> {
        let samples = local.samples.len();
        if !matches!(self.sampling, Sampling::Window | Sampling::WindowCut) {
            let allowed = "window or window-cut: a slot is found by where a window starts";
            return Err(SpecError::new("sampling", allowed, format!("{:?}", self.sampling)));
        }
        let slots = slots(samples, self.batch);
        room("a worker's table of windows", table::memory(local.objective, slots, samples))?;
        let cut = self.sampling == Sampling::WindowCut;
        let mut counts = AlignedVec::zeros(samples);
        for (place, count) in counts.iter_mut().enumerate() {
            let windows = if cut { self.batch.min(place + 1) } else { self.batch };
            *count = T::from_f64(windows as f64 / self.batch as f64);
        }
        Ok(State {
            draw: self.draw(),
            counts,
            record_len: local.objective.record_len(),
            records: AlignedVec::zeros(slots * local.objective.record_len()),
            mean: AlignedVec::zeros(local.objective.dim()),
        })
    }
}

#[derive(Clone, Debug)]
struct State<T> {
    draw: Draw,
    record_len: usize,
    /// Row-major J × (b · record_len): the records of the window that starts at each sample.
    records: AlignedVec<T>,
    /// Windows that each sample is in, over b.
    counts: AlignedVec<T>,
    /// ḡ, without the ℓ₂ term.
    mean: AlignedVec<T>,
}

impl<T: Scalar> State<T> {
    /// Whether windows end where the list does.
    fn cut(&self) -> bool {
        self.draw.sampling == Sampling::WindowCut
    }

    /// Samples of the window that starts here.
    fn width(&self, start: usize, samples: usize) -> usize {
        if self.cut() { self.draw.batch.min(samples - start) } else { self.draw.batch }
    }

    fn slot(&mut self, start: usize, width: usize) -> &mut [T] {
        let stride = self.draw.batch * self.record_len;
        &mut self.records[start * stride..][..width * self.record_len]
    }

    /// Gathers a window and writes its places; its records are not computed.
    fn gather(&self, local: &Local<'_, T>, start: usize, work: &mut Workspace<T>) -> usize {
        let samples = local.samples.len();
        let width = self.width(start, samples);
        for (i, place) in work.places[..width].iter_mut().enumerate() {
            *place = ((start + i) % samples) as u32;
        }
        batch::gather(local, width, work);
        width
    }

    /// ḡ anew from the slots.
    fn sum_anew(&mut self, local: &Local<'_, T>, work: &mut Workspace<T>) {
        let samples = local.samples.len();
        let rate = 1.0 / (samples * self.draw.batch) as f64;
        for start in 0..samples {
            let width = self.gather(local, start, work);
            let len = width * self.record_len;
            work.new[..len].copy_from_slice(self.slot(start, width));
            batch::add_up(local, work, false, rate, start == 0, &mut self.mean);
        }
    }
}

impl<T: Scalar> Estimator<T> for State<T> {
    fn start(&mut self, local: &Local<'_, T>, params: &[T], work: &mut Workspace<T>) {
        let (samples, len) = (local.samples.len(), self.record_len);
        let (cut, b) = (self.cut(), self.draw.batch);
        let Self { records, counts, mean, .. } = self;
        let stride = b * len;
        batch::sweep(local, work, |range, work| {
            batch::records(local, params, work);
            for (place, record) in range.zip(work.new.chunks_exact(len)) {
                // The windows that have the sample, in which it is the i-th.
                for i in 0..b {
                    let start = match place.checked_sub(i) {
                        Some(start) => start,
                        None if cut => continue,
                        None => place + samples - i,
                    };
                    records[start * stride + i * len..][..len].copy_from_slice(record);
                }
            }
        });
        expected(local, params, counts, mean, work);
    }

    fn state(&mut self, visit: &mut Visit<'_, T>) {
        let stride = self.draw.batch * self.record_len;
        visit("table", Part::Matrix(&mut self.records, stride));
        visit("mean", Part::Vector(&mut self.mean));
    }

    fn look_ahead(&self, cx: &Cx<'_>, local: &Local<'_, T>, work: &mut Workspace<T>) {
        self.draw.ahead(cx, local, work);
    }

    fn message(
        &mut self,
        cx: &Cx<'_>,
        local: &Local<'_, T>,
        params: &[T],
        out: &mut [T],
        work: &mut Workspace<T>,
    ) {
        if table::is_due(cx, local, self.draw.batch) {
            self.sum_anew(local, work);
        }
        let width = self.draw.places(cx, local, work);
        let start = work.places[0] as usize;
        batch::gather(local, width, work);
        batch::records(local, params, work);
        let len = width * self.record_len;
        for (slot, (old, &new)) in
            self.slot(start, width).iter_mut().zip(work.old[..len].iter_mut().zip(&work.new[..len]))
        {
            *old = std::mem::replace(slot, new);
        }
        let (scale, rate) =
            (self.draw.share(), 1.0 / (local.samples.len() * self.draw.batch) as f64);
        batch::fold(local, params, work, true, out, scale, Some((&mut self.mean, rate)));
    }

    /// `(1/J) Σ_s ‖message_s − ∇f_w‖²` over all starts: the cost of J messages.
    fn variation(&self, local: &Local<'_, T>, params: &[T], work: &mut Workspace<T>) -> f64 {
        let dim = params.len();
        let (mut gradient, mut one) = (vec![T::ZERO; dim], vec![T::ZERO; dim]);
        local.gradient(params, &mut gradient, work);
        let samples = local.samples.len();
        let stride = self.draw.batch * self.record_len;
        let scale = self.draw.share();
        let mut sum = 0.0;
        for start in 0..samples {
            let width = self.gather(local, start, work);
            batch::records(local, params, work);
            let len = width * self.record_len;
            work.old[..len].copy_from_slice(&self.records[start * stride..][..len]);
            batch::fold(local, params, work, true, &mut one, scale, None);
            sum += one
                .iter()
                .zip(&*self.mean)
                .zip(&gradient)
                .map(|((m, mean), g)| (m.to_f64() + mean.to_f64() - g.to_f64()).powi(2))
                .sum::<f64>();
        }
        sum / samples as f64
    }

    fn expectation(
        &self,
        local: &Local<'_, T>,
        params: &[T],
        out: &mut [T],
        work: &mut Workspace<T>,
    ) {
        expected(local, params, &self.counts, out, work);
        batch::add_known(local, params, None, out);
    }

    fn memory(&self) -> usize {
        (self.records.len() + self.counts.len() + self.mean.len()) * size_of::<T>()
    }
}

/// `(1/J) Σ_s g_s(x)`, without the ℓ₂ term: each sample as often as windows have it.
fn expected<T: Scalar>(
    local: &Local<'_, T>,
    params: &[T],
    counts: &[T],
    out: &mut [T],
    work: &mut Workspace<T>,
) {
    let objective = local.objective;
    let scale = T::from_f64(1.0 / local.samples.len() as f64);
    batch::sweep(local, work, |range, work| {
        batch::records(local, params, work);
        let len = range.len() * objective.record_len();
        objective.scale_records(&counts[range.clone()], &mut work.new[..len]);
        let add = range.start > 0;
        let fold = Fold { message: &mut *out, add, scale, ridge: None, mean: None };
        objective.fold(&work.batch, &work.new[..len], None, fold, &mut work.scratch);
    });
}
