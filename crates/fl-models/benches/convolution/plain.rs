//! The yardstick: the same gradient with plain loops, channel by channel, in f32.

use fl_core::Dataset;
use fl_models::Convolutional;

/// Two blocks of 5×5 kernels, ReLU and 2×2 maxima, a hidden layer and ten logits.
pub(crate) struct Plain {
    channels: [usize; 2],
    padding: usize,
    hidden: usize,
    pictures: Vec<Vec<f32>>,
    labels: Vec<u32>,
    pub(crate) message: Vec<f32>,
}

const K: usize = 5;

/// A block's output: pooled numbers, and where each was.
struct Pooled {
    side: usize,
    values: Vec<f32>,
    places: Vec<usize>,
}

impl Plain {
    pub(crate) fn new(spec: &Convolutional, data: &Dataset, params: &[f32]) -> Self {
        let mut row = vec![0.0; data.columns()];
        let mut picture = |i| {
            data.row(i, &mut row);
            row.iter().map(|&x| x as f32).collect()
        };
        Self {
            channels: [spec.channels[0], spec.channels[1]],
            padding: if spec.channels[0] == 32 { 2 } else { 0 },
            hidden: spec.hidden[0],
            pictures: (0..data.rows()).map(&mut picture).collect(),
            labels: data.labels().to_vec(),
            message: vec![0.0; params.len()],
        }
    }

    /// The largest of 2×2 of ReLU of a convolution.
    fn block(&self, input: &[f32], side: usize, w: &[f32], b: &[f32]) -> Pooled {
        let (c, q) = (input.len() / (side * side), self.padding);
        let out = side + 2 * q + 1 - K;
        let half = out / 2;
        let mut pooled = Pooled { side: half, values: Vec::new(), places: Vec::new() };
        let mut z = vec![0.0; out * out];
        for (o, b) in b.iter().enumerate() {
            z.fill(*b);
            for (channel, input) in input.chunks(side * side).enumerate() {
                let w = &w[(o * c + channel) * K * K..][..K * K];
                for (y, z) in z.chunks_mut(out).enumerate() {
                    for u in (0..K).filter(|u| (q..side + q).contains(&(y + u))) {
                        let row = &input[(y + u - q) * side..][..side];
                        for v in 0..K {
                            let from = q.saturating_sub(v);
                            let to = out.min(side + q - v);
                            for x in from..to {
                                z[x] += w[u * K + v] * row[x + v - q];
                            }
                        }
                    }
                }
            }
            for i in 0..half * half {
                let at = i / half * 2 * out + i % half * 2;
                let places = [at, at + 1, at + out, at + out + 1];
                let best = places.into_iter().fold(at, |a, b| if z[b] > z[a] { b } else { a });
                pooled.values.push(z[best].max(0.0));
                pooled.places.push(best);
            }
        }
        pooled
    }

    /// Adds the gradient of a block; returns ∂f/∂input.
    fn back(
        &mut self,
        at: usize,
        (input, side): (&[f32], usize),
        pooled: &Pooled,
        delta: &[f32],
        w: &[f32],
    ) -> Vec<f32> {
        let (c, q) = (input.len() / (side * side), self.padding);
        let out = side + 2 * q + 1 - K;
        let pixels = pooled.side * pooled.side;
        let outputs = delta.len() / pixels;
        let biases = at + outputs * c * K * K;
        let mut below = vec![0.0; input.len()];
        for (i, &d) in delta.iter().enumerate() {
            if d == 0.0 {
                continue;
            }
            let (o, y, x) = (i / pixels, pooled.places[i] / out, pooled.places[i] % out);
            self.message[biases + o] += d;
            for channel in 0..c {
                let kernel = (o * c + channel) * K * K;
                for u in (0..K).filter(|u| (q..side + q).contains(&(y + u))) {
                    for v in (0..K).filter(|v| (q..side + q).contains(&(x + v))) {
                        let place = (channel * side + y + u - q) * side + x + v - q;
                        self.message[at + kernel + u * K + v] += d * input[place];
                        below[place] += d * w[kernel + u * K + v];
                    }
                }
            }
        }
        below
    }

    /// The mean gradient into `message`.
    pub(crate) fn gradient(&mut self, params: &[f32]) {
        self.message.fill(0.0);
        let [a, b] = self.channels;
        for j in 0..self.labels.len() {
            let x = std::mem::take(&mut self.pictures[j]);
            let (w1, rest) = params.split_at(a * K * K);
            let (b1, rest) = rest.split_at(a);
            let first = self.block(&x, 28, w1, b1);
            let (w2, rest) = rest.split_at(b * a * K * K);
            let (b2, rest) = rest.split_at(b);
            let second = self.block(&first.values, first.side, w2, b2);
            let flat = second.values.len();
            let (w3, rest) = rest.split_at(self.hidden * flat);
            let (b3, rest) = rest.split_at(self.hidden);
            let (w4, b4) = rest.split_at(10 * self.hidden);
            let dense = |w: &[f32], b: &[f32], x: &[f32]| -> Vec<f32> {
                let row =
                    |(w, b): (&[f32], &f32)| w.iter().zip(x).map(|(w, x)| w * x).sum::<f32>() + b;
                w.chunks(x.len()).zip(b).map(row).collect()
            };
            let h: Vec<f32> =
                dense(w3, b3, &second.values).into_iter().map(|z| z.max(0.0)).collect();
            let mut d4 = dense(w4, b4, &h);
            let largest = d4.iter().copied().fold(f32::MIN, f32::max);
            d4.iter_mut().for_each(|z| *z = (*z - largest).exp());
            let sum: f32 = d4.iter().sum();
            d4.iter_mut().for_each(|p| *p /= sum);
            d4[self.labels[j] as usize] -= 1.0;
            d4.iter_mut().for_each(|d| *d /= 32.0);
            let at4 = params.len() - w4.len() - b4.len();
            let mut d3 = self.dense_back(at4, w4, &d4, &h);
            d3.iter_mut().zip(&h).for_each(|(d, &h)| *d = if h > 0.0 { *d } else { 0.0 });
            let at3 = at4 - w3.len() - b3.len();
            let mut d2 = self.dense_back(at3, w3, &d3, &second.values);
            relu(&mut d2, &second.values);
            let at2 = at3 - w2.len() - b2.len();
            let mut d1 = self.back(at2, (&first.values, first.side), &second, &d2, w2);
            relu(&mut d1, &first.values);
            self.back(0, (&x, 28), &first, &d1, w1);
            self.pictures[j] = x;
        }
    }

    fn dense_back(&mut self, at: usize, w: &[f32], d: &[f32], h: &[f32]) -> Vec<f32> {
        let mut below = vec![0.0; h.len()];
        for (o, &d_o) in d.iter().enumerate() {
            let row = &mut self.message[at + o * h.len()..][..h.len()];
            row.iter_mut().zip(h).for_each(|(m, h)| *m += d_o * h);
            let w = &w[o * h.len()..][..h.len()];
            below.iter_mut().zip(w).for_each(|(b, w)| *b += d_o * w);
            self.message[at + w.len() * d.len() + o] += d_o;
        }
        below
    }
}

fn relu(delta: &mut [f32], h: &[f32]) {
    delta.iter_mut().zip(h).for_each(|(d, &h)| *d = if h > 0.0 { *d } else { 0.0 });
}
