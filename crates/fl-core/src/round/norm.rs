//! Lengths of outputs, whatever their size.

use super::SourceError;
use super::apart::even_power;
use super::combine::form_window;
use super::stream::Stream;
use crate::Scalar;

/// `‖Σ c_i v_i‖` of what [`combine_stream`](super::combine_stream) writes, whatever its size.
///
/// Cost: two passes over the messages with nonzero weights.
pub(crate) fn combined_norm<T: Scalar>(
    stream: Stream<'_, T>,
    weights: &[f64],
) -> Result<f64, SourceError> {
    let (dim, columns) = (stream.dim(), stream.tiles.columns());
    let mut output = stream.tiles.output();
    let mut visit = |work: &mut dyn FnMut(&[T])| {
        for from in (0..dim).step_by(columns) {
            let out = &mut output[..columns.min(dim - from)];
            form_window(stream, weights, from, out)?;
            work(out);
        }
        Ok(())
    };
    let mut norm = Norm::default();
    visit(&mut |out| norm.look(out))?;
    visit(&mut |out| norm.add(out))?;
    Ok(norm.length())
}

/// The length of a vector of any size, of which all numbers are shown twice.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Norm {
    peak: f64,
    squares: f64,
}

impl Norm {
    /// The first time.
    pub(crate) fn look<T: Scalar>(&mut self, numbers: &[T]) {
        self.peak = numbers.iter().fold(self.peak, |peak, x| peak.max(x.to_f64().abs()));
    }

    /// The second time.
    pub(crate) fn add<T: Scalar>(&mut self, numbers: &[T]) {
        let unit = even_power(self.peak);
        self.squares =
            numbers.iter().fold(self.squares, |sum, x| sum + (x.to_f64() / unit).powi(2));
    }

    pub(crate) fn length(self) -> f64 {
        match self.peak == 0.0 || !self.peak.is_finite() {
            true => self.peak,
            false => self.squares.sqrt() * even_power(self.peak),
        }
    }
}
