//! Which tensors are the two factors of an adapter.

use crate::format::Tensor;

/// What the output is, where clients' files are low-rank adapters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adapters {
    /// All factors of clients with a weight: exactly the weighted sum of the products, of rank Σ r.
    Stacked,
    /// The nearest adapter of a rank, by an exact singular value decomposition of the stack.
    Rank(usize),
}

/// How factors are named: by PEFT, in layers and in embeddings, and by programs for pictures.
const FACTORS: [(&str, &str); 3] =
    [("lora_A.", "lora_B."), ("lora_embedding_A", "lora_embedding_B"), ("lora_down.", "lora_up.")];

/// The factors A, of r × n numbers, and B, of m × r, by their places among the tensors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) a: usize,
    pub(crate) b: usize,
    pub(crate) rank: usize,
    /// n.
    pub(crate) width: usize,
    /// m.
    pub(crate) height: usize,
}

pub(crate) fn is_factor(name: &str) -> bool {
    FACTORS.iter().any(|(a, b)| name.contains(a) || name.contains(b))
}

/// The pairs among the averaged tensors, which must all belong to one; else what is wrong with which.
pub(crate) fn pairs(tensors: &[Tensor], averaged: &[usize]) -> Result<Vec<Pair>, Vec<String>> {
    let place = |name: &str| averaged.iter().copied().find(|&place| tensors[place].name == name);
    let (mut pairs, mut wrong) = (Vec::new(), Vec::new());
    for &at in averaged {
        let name = &tensors[at].name;
        let named = FACTORS.iter().find_map(|&(a, b)| match (name.contains(a), name.contains(b)) {
            (true, _) => Some((true, name.replacen(a, b, 1))),
            (_, true) => Some((false, name.replacen(b, a, 1))),
            _ => None,
        });
        let found = match named {
            None => {
                Err("it is no factor of an adapter; the option `skip` leaves it out".to_owned())
            }
            Some((is_a, other)) => match place(&other) {
                None => Err(format!("expected the other factor {other:?}, found no such tensor")),
                Some(_) if !is_a => continue,
                Some(b) => pair(tensors, at, b),
            },
        };
        match found {
            Ok(pair) => pairs.push(pair),
            Err(what) => wrong.push(format!("tensor {name:?}: {what}")),
        }
    }
    if wrong.is_empty() { Ok(pairs) } else { Err(wrong) }
}

/// A pair, if A has r rows and B has r columns; behind them a convolution has axes of its own.
fn pair(tensors: &[Tensor], a: usize, b: usize) -> Result<Pair, String> {
    let (first, second) = (&tensors[a], &tensors[b]);
    let rank = first.shape[..].first().copied().filter(|_| first.shape.len() >= 2);
    match (rank, &second.shape[..]) {
        (Some(rank), [height, columns, rest @ ..])
            if *columns == rank && rest.iter().all(|&axis| axis == 1) =>
        {
            Ok(Pair { a, b, rank, width: first.numbers() / rank, height: *height })
        }
        _ => Err(format!(
            "expected A of shape [r, n] and B of shape [m, r], found {:?} and {:?}",
            first.shape, second.shape
        )),
    }
}
