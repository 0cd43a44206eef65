//! Rehearsals: what a defence would make of Byzantine messages, for any strength of an attack.
//!
//! Candidates differ in the attackers' rows alone, and these are `base + t · direction`. So with the distances of the other
//! messages, and inner products of base and directions with them, measured once a round, the geometry of any candidate is
//!
//! ```text
//! ‖b + t d − x‖²      = ‖b − x‖² + 2 t ⟨d, b − x⟩ + t² ‖d‖²
//! ‖t d_i − t d_j‖²    = t² (‖d_i‖² + ‖d_j‖² − 2 ⟨d_i, d_j⟩)
//! ```
//!
//! at `O(W²)`, and a defence that works on distances is asked on it: no message is formed. One that sees columns is given
//! the messages, at `O(W p)`.

use crate::{
    AffineMessages, AlignedVec, AttackView, Cx, Geometry, Knowledge, Messages, MessagesRef,
    Pipeline, Scalar, SpecError, room,
};
use pulp::Arch;
use rayon::prelude::*;

/// A twin of a defence, and what is known of a round.
#[derive(Debug)]
pub struct DefenceModel<T> {
    twin: Pipeline<T>,
    workers: usize,
    /// The regular workers.
    honest: Vec<u32>,
    /// For each worker the place of its message among the rows that do not depend on the strength, or which attacker it is.
    cast: Vec<Actor>,
    rows: Vec<u32>,
    fixed: Geometry,
    candidate: Geometry,
    /// `‖b − x‖²` for every fixed point x.
    squares: Vec<f64>,
    /// `⟨d, b − x⟩`, a row for each direction.
    products: Vec<f64>,
    /// `⟨d_i, d_j⟩`.
    gram: Vec<f64>,
    directions: usize,
    errors: Vec<f64>,
    columns: Option<Columns<T>>,
}

#[derive(Clone, Copy, Debug)]
enum Actor {
    /// A message that is there whatever the strength.
    Fixed(u32),
    /// One of the directions.
    Along(u32),
}

/// What a defence that sees columns is given.
#[derive(Debug)]
struct Columns<T> {
    messages: Messages<T>,
    mean: AlignedVec<f64>,
    out: AlignedVec<T>,
    memory: Option<AlignedVec<T>>,
}

impl<T: Scalar> DefenceModel<T> {
    /// Room for playing against `twin`, with affine messages of at most `directions` directions and messages of `dim` numbers.
    ///
    /// # Errors
    /// None for a pipeline that could be built.
    pub fn new(
        twin: Pipeline<T>,
        workers: usize,
        dim: usize,
        directions: usize,
    ) -> Result<Self, SpecError> {
        let measured = if twin.is_geometric() { dim } else { 1 };
        let bytes =
            Geometry::bytes::<T>(workers, measured).saturating_add(Geometry::mixed_bytes(workers));
        room("the distances that an attack on the defence looks at", bytes)?;
        let columns = (!twin.is_geometric()).then(|| Columns {
            messages: Messages::zeros(workers, dim),
            mean: AlignedVec::zeros(dim),
            out: AlignedVec::zeros(dim),
            memory: twin.has_memory().then(|| AlignedVec::zeros(dim)),
        });
        let points = workers + 2;
        Ok(Self {
            workers,
            honest: Vec::with_capacity(workers),
            cast: Vec::with_capacity(workers),
            rows: Vec::with_capacity(workers),
            fixed: Geometry::with_capacity::<T>(workers, measured),
            candidate: Geometry::mixed_with_capacity(workers),
            squares: vec![0.0; points],
            products: vec![0.0; points * directions],
            gram: vec![0.0; directions * directions],
            directions,
            errors: vec![0.0; points],
            columns,
            twin,
        })
    }

    /// Whether candidates are decided on their geometry, at `O(W²)`.
    pub fn is_geometric(&self) -> bool {
        self.columns.is_none()
    }

    /// Measures what does not depend on the strength; gives whether there is anything to rehearse on, which there is not when a
    /// known message is not finite.
    ///
    /// An adversary that knows only its own messages takes these, in turn, for those of the regular workers.
    ///
    /// Cost: the distances between the messages, and a pass over them for each direction. A copy of the messages for a defence
    /// that sees columns.
    pub fn begin(&mut self, view: &AttackView<'_, T>, affine: &AffineMessages<T>) -> bool {
        if let (true, Some(memory)) =
            (self.twin.has_memory(), view.defence().and_then(Pipeline::memory))
        {
            self.twin.restore(memory);
        }
        self.cast(view, affine);
        let messages = view.known().messages();
        if self.columns.is_some() {
            self.begin_columns(messages)
        } else {
            self.begin_distances(messages, affine)
        }
    }

    /// Who plays whom: which rows are known, and which worker sends which of them, or one of the attack's directions.
    fn cast(&mut self, view: &AttackView<'_, T>, affine: &AffineMessages<T>) {
        let (federation, known) = (view.federation(), view.known());
        self.honest.clear();
        self.honest.extend_from_slice(federation.regular());
        self.rows.clear();
        if view.knowledge() == Knowledge::Own {
            self.rows.extend_from_slice(known.workers());
        }
        self.cast.clear();
        let mut turn = 0;
        for w in 0..self.workers {
            let actor = if let Ok(place) = view.attackers().binary_search(&(w as u32)) {
                Actor::Along(affine.of(place) as u32)
            } else if view.knowledge() == Knowledge::Own && !federation.is_byzantine(w) {
                turn += 1;
                Actor::Fixed(((turn - 1) % known.count()) as u32)
            } else {
                self.rows.push(w as u32);
                Actor::Fixed(self.rows.len() as u32 - 1)
            };
            self.cast.push(actor);
        }
    }

    /// For a defence that sees columns: a copy of the known messages, and their mean.
    fn begin_columns(&mut self, messages: MessagesRef<'_, T>) -> bool {
        let Some(columns) = &mut self.columns else { return false };
        for (w, actor) in self.cast.iter().enumerate() {
            if let Actor::Fixed(row) = *actor {
                let row = messages.row(self.rows[row as usize] as usize);
                columns.messages.row_mut(w).copy_from_slice(row);
            }
        }
        columns.mean.fill(0.0);
        for &r in &self.honest {
            for (m, x) in columns.mean.iter_mut().zip(columns.messages.row(r as usize)) {
                *m += x.to_f64();
            }
        }
        let share = self.honest.len() as f64;
        columns.mean.iter_mut().for_each(|m| *m /= share);
        if let (Some(memory), Some(twin)) = (&mut columns.memory, self.twin.memory()) {
            memory.copy_from_slice(twin);
        }
        columns.mean.iter().all(|x| x.is_finite())
    }

    /// For a defence that works on distances: those of the known messages, and inner products with base and directions.
    fn begin_distances(
        &mut self,
        messages: MessagesRef<'_, T>,
        affine: &AffineMessages<T>,
    ) -> bool {
        let wanted = self.rows.len();
        self.fixed.measure_with(messages, &mut self.rows, self.twin.memory());
        if self.rows.len() < wanted {
            return false;
        }
        let scale = 1.0 / self.fixed.unit();
        let (base, points) = (affine.base(), self.fixed.points());
        let (rows, memory) = (&self.rows, self.twin.memory());
        let point = |i: usize| match rows.get(i) {
            Some(&row) => Some(messages.row(row as usize)),
            None if i == rows.len() => None,
            None => memory,
        };
        self.squares[..points].par_iter_mut().enumerate().for_each(|(i, square)| {
            *square = products(base, base, point(i), point(i), scale);
        });
        for d in 0..affine.count() {
            let direction = affine.direction(d);
            self.products[d * points..][..points].par_iter_mut().enumerate().for_each(
                |(i, product)| *product = products(direction, base, None, point(i), scale),
            );
            for e in 0..=d {
                let product = products(direction, affine.direction(e), None, None, scale);
                self.gram[d * self.directions + e] = product;
                self.gram[e * self.directions + d] = product;
            }
        }
        self.squares[..points].iter().all(|x| x.is_finite())
    }

    /// How far the aggregate is from the mean of the regular messages when the attack has strength `t`; NaN where the defence
    /// refuses the round.
    ///
    /// Cost: `O(W²)` and what the defence's own step costs on distances; an aggregation for a defence that sees columns.
    pub fn distance(&mut self, cx: &Cx<'_>, affine: &AffineMessages<T>, t: f64) -> f64 {
        match self.columns {
            None => self.on_geometry(cx, t),
            Some(_) => self.on_messages(cx, affine, t),
        }
    }

    fn on_geometry(&mut self, cx: &Cx<'_>, t: f64) -> f64 {
        let Self { twin, cast, fixed, candidate, squares, products, gram, errors, .. } = self;
        let (workers, rows, points) = (self.workers, fixed.workers(), fixed.points());
        let actor = |i: usize| match cast.get(i) {
            Some(&actor) => actor,
            // The origin, and the previous output.
            None => Actor::Fixed((rows + i - workers) as u32),
        };
        let directions = self.directions;
        let of = |d: u32, e: u32| gram[d as usize * directions + e as usize];
        candidate.assemble(workers, fixed, |i, j| match (actor(i), actor(j)) {
            (Actor::Fixed(a), Actor::Fixed(b)) => fixed.squared_distance(a as usize, b as usize),
            (Actor::Along(d), Actor::Along(e)) if d == e => 0.0,
            (Actor::Along(d), Actor::Along(e)) => {
                (t * t * (of(d, d) + of(e, e) - 2.0 * of(d, e))).max(0.0)
            }
            (Actor::Along(d), Actor::Fixed(a)) | (Actor::Fixed(a), Actor::Along(d)) => {
                let product = products[d as usize * points + a as usize];
                (squares[a as usize] + t * (2.0 * product + t * of(d, d))).max(0.0)
            }
        });
        let Ok(weights) = twin.weights_on(cx, candidate) else { return f64::NAN };
        let errors = &mut errors[..weights.len()];
        errors.copy_from_slice(weights);
        let share = 1.0 / self.honest.len() as f64;
        for &r in &self.honest {
            errors[r as usize] -= share;
        }
        candidate.length(errors) * candidate.unit()
    }

    fn on_messages(&mut self, cx: &Cx<'_>, affine: &AffineMessages<T>, t: f64) -> f64 {
        let Some(columns) = &mut self.columns else { return f64::NAN };
        let Columns { messages, mean, out, memory } = columns;
        let mut place = 0;
        for (w, actor) in self.cast.iter().enumerate() {
            if let Actor::Along(_) = actor {
                affine.write(place, t, messages.row_mut(w));
                place += 1;
            }
        }
        if let Some(memory) = memory {
            self.twin.restore(memory);
        }
        if self.twin.aggregate(cx, messages.view(), out).is_err() {
            return f64::NAN;
        }
        let squares = out.iter().zip(mean.iter()).map(|(x, m)| (x.to_f64() - m).powi(2));
        squares.sum::<f64>().sqrt()
    }
}

/// `⟨a − x, b − y⟩` with all lengths multiplied by `scale`; a point that is `None` is the origin.
fn products<T: Scalar>(a: &[T], b: &[T], x: Option<&[T]>, y: Option<&[T]>, scale: f64) -> f64 {
    /// Columns at a time, in sums that a processor can work on at once.
    const LANES: usize = 16;
    Arch::new().dispatch(|| {
        let mut sums = [0.0f64; LANES];
        let zeros = [T::ZERO; LANES];
        let piece = |row: Option<&[T]>, from: usize, to: usize| match row {
            Some(row) => {
                let mut piece = zeros;
                piece[..to - from].copy_from_slice(&row[from..to]);
                piece
            }
            None => zeros,
        };
        let mut from = 0;
        while from < a.len() {
            let to = (from + LANES).min(a.len());
            let (a, b) = (piece(Some(a), from, to), piece(Some(b), from, to));
            let (x, y) = (piece(x, from, to), piece(y, from, to));
            for k in 0..LANES {
                let left = (a[k].to_f64() - x[k].to_f64()) * scale;
                sums[k] += left * ((b[k].to_f64() - y[k].to_f64()) * scale);
            }
            from = to;
        }
        sums.iter().sum()
    })
}
