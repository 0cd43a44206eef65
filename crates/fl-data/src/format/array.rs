//! Arrays of numbers, borrowed from a file's bytes.

/// What a value is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A truth value or an unsigned integer.
    Unsigned,
    /// A signed integer.
    Signed,
    /// A floating-point number.
    Float,
}

/// An array, borrowed from the file's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Array<'a> {
    /// Lengths of the axes, at least one.
    pub shape: Vec<usize>,
    /// What values are.
    pub kind: Kind,
    /// Bytes of a value.
    pub width: usize,
    pub(super) big_endian: bool,
    pub(super) fortran: bool,
    pub(super) data: &'a [u8],
}

impl<'a> Array<'a> {
    /// Length of the first axis.
    pub fn rows(&self) -> usize {
        self.shape[0]
    }

    /// Values for each place of the first axis.
    pub fn columns(&self) -> usize {
        self.shape[1..].iter().product()
    }

    /// What the values are, in words.
    pub fn what(&self) -> String {
        let kind = match self.kind {
            Kind::Float => "floats",
            Kind::Signed => "signed integers",
            Kind::Unsigned => "unsigned integers",
        };
        format!("{kind} of {} byte{}", self.width, if self.width == 1 { "" } else { "s" })
    }

    /// The values themselves where they are bytes in C order.
    pub fn bytes(&self) -> Option<&'a [u8]> {
        let plain = self.kind == Kind::Unsigned && self.width == 1;
        (plain && (!self.fortran || self.shape.len() == 1)).then_some(self.data)
    }

    /// All values in C order, rounded to `f32`.
    pub fn to_f32(&self) -> Vec<f32> {
        // Converting a type at a time keeps the choice out of the loop.
        let values: Vec<f32> = match (self.kind, self.width, self.big_endian) {
            (Kind::Float, 4, false) => {
                let numbers = self.data.as_chunks().0.iter();
                numbers.map(|b| f32::from_le_bytes(*b)).collect()
            }
            (Kind::Unsigned, 1, _) => self.data.iter().map(|&b| f32::from(b)).collect(),
            _ => self.data.chunks_exact(self.width).map(|b| self.value(b) as f32).collect(),
        };
        self.in_c_order(values)
    }

    /// All values in C order where they are integers, none of them rounded.
    pub fn to_integers(&self) -> Option<Vec<i128>> {
        if self.kind == Kind::Float {
            return None;
        }
        let values = self.data.chunks_exact(self.width).map(|b| match self.kind {
            Kind::Unsigned => i128::from(self.bits(b)),
            _ => i128::from(self.signed(b)),
        });
        Some(self.in_c_order(values.collect()))
    }

    /// All values in C order. Integers beyond 2⁵³ are rounded.
    pub fn to_f64(&self) -> Vec<f64> {
        self.in_c_order(self.data.chunks_exact(self.width).map(|b| self.value(b)).collect())
    }

    /// A value's bytes as one number.
    fn bits(&self, bytes: &[u8]) -> u64 {
        let mut word = [0; 8];
        word[..self.width].copy_from_slice(bytes);
        if self.big_endian {
            word[..self.width].reverse();
        }
        u64::from_le_bytes(word)
    }

    fn signed(&self, bytes: &[u8]) -> i64 {
        let unused = 64 - 8 * self.width as u32;
        (self.bits(bytes) << unused) as i64 >> unused
    }

    fn value(&self, bytes: &[u8]) -> f64 {
        let bits = self.bits(bytes);
        match (self.kind, self.width) {
            (Kind::Unsigned, _) => bits as f64,
            (Kind::Signed, _) => self.signed(bytes) as f64,
            (Kind::Float, 2) => half(bits as u16),
            (Kind::Float, 4) => f64::from(f32::from_bits(bits as u32)),
            (Kind::Float, _) => f64::from_bits(bits),
        }
    }

    fn in_c_order<V: Copy>(&self, values: Vec<V>) -> Vec<V> {
        if !self.fortran || self.shape.len() == 1 {
            return values;
        }
        // Where each place of the later axes lies when the first axis runs fastest.
        let columns: Vec<usize> = (0..self.columns())
            .map(|column| {
                let strides = self.shape[..self.shape.len() - 1].iter().scan(1, |stride, &n| {
                    *stride *= n;
                    Some(*stride)
                });
                let axes: Vec<(usize, usize)> =
                    self.shape[1..].iter().copied().zip(strides).collect();
                let mut rest = column;
                axes.iter().rev().fold(0, |offset, (length, stride)| {
                    let place = rest % length;
                    rest /= length;
                    offset + place * stride
                })
            })
            .collect();
        (0..self.rows())
            .flat_map(|row| columns.iter().map(move |c| row + c))
            .map(|i| values[i])
            .collect()
    }
}

/// An IEEE half: a sign, five bits of exponent, ten of fraction.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let size = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}
