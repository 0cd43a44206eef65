//! What a run will cost, from headers alone.

use crate::error::UpdatesError;
use crate::layout::groups;
use crate::open::Updates;
use crate::options::Options;
use fl_core::{Needs, Rule, Shape, least_tile_bytes, server_bytes};

/// What a run reads, writes and holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Clients W.
    pub clients: usize,
    /// Messages of how many tensors, and of how many numbers in all.
    pub tensors: usize,
    /// Numbers of all averaged tensors.
    pub numbers: u64,
    /// Groups of tensors for which the rule decides.
    pub groups: usize,
    /// Bytes that are read to copy tensors that are not averaged.
    pub copied: u64,
    /// Bytes of the pass that measures distances; 0 for a rule that needs none.
    pub first_pass: u64,
    /// Most bytes of the pass that forms the output: less where clients have no weight.
    pub second_pass: u64,
    /// Bytes of the output.
    pub output: u64,
    /// Bytes that distances and tables take.
    pub server: u64,
    /// The least of memory that all of it takes.
    pub least_memory: u64,
}

impl Plan {
    /// What aggregating `updates` will cost.
    ///
    /// # Errors
    /// When the rule cannot work with so many clients.
    pub fn of(updates: &Updates, options: &Options) -> Result<Self, UpdatesError> {
        let groups = groups(&updates.layout, &options.per)?;
        let shape = Shape { workers: updates.clients(), byzantine: options.byzantine };
        let double = updates.averaged().any(|tensor| tensor.dtype == crate::Dtype::F64);
        let mut server = 0usize;
        for group in &groups {
            let bytes = match double {
                true => server_bytes::<f64>(&options.pre, &*options.rule, shape, group.dim)?,
                false => server_bytes::<f32>(&options.pre, &*options.rule, shape, group.dim)?,
            };
            server = server.max(bytes);
        }
        let tile = match double {
            true => least_tile_bytes::<f64>(updates.clients()),
            false => least_tile_bytes::<f32>(updates.clients()),
        };
        let one: u64 = updates.averaged().map(|tensor| tensor.bytes).sum();
        let all = one * (updates.clients() as u64 + u64::from(updates.base.is_some()));
        let measures = options.measures(shape)?;
        Ok(Self {
            clients: updates.clients(),
            tensors: updates.layout.averaged.len(),
            numbers: updates.dim() as u64,
            groups: groups.len(),
            copied: updates.copied_bytes(),
            first_pass: if measures { all } else { 0 },
            second_pass: all,
            output: updates.layout.tensors.iter().map(|tensor| tensor.bytes).sum(),
            server: server as u64,
            least_memory: server.saturating_add(tile) as u64,
        })
    }
}

impl Options {
    /// Whether distances are measured.
    fn measures(&self, shape: Shape) -> Result<bool, UpdatesError> {
        let own = self.rule.chain();
        let needs = self.pre.iter().any(|pre| pre.needs_distances())
            || own.iter().any(|pre| pre.needs_distances());
        let mut inner = shape;
        for pre in self.pre.iter().map(|pre| &**pre).chain(own.iter().map(|pre| &**pre)) {
            inner = pre.output(inner)?;
        }
        let by_rule = match self.rule.build(inner)? {
            Rule::Geometric(rule) => rule.needs(),
            Rule::Coordinate(_) => Needs { distances: false, ..Needs::default() },
        };
        Ok(needs || by_rule.distances)
    }
}

/// Reads at most 64 MiB of the first client's files, for whoever measures how long that takes; gives the bytes read. What a
/// cache holds is read faster than what is on a disk.
///
/// # Errors
/// When they cannot be read.
pub fn probe(updates: &Updates) -> Result<u64, UpdatesError> {
    const PIECE: u64 = 1 << 22;
    let mut piece = vec![0; PIECE as usize];
    let mut read = 0;
    for tensor in &updates.clients[0].tensors {
        for at in (0..tensor.bytes).step_by(PIECE as usize) {
            let piece = &mut piece[..PIECE.min(tensor.bytes - at) as usize];
            updates.clients[0].bytes(tensor, at, piece).map_err(UpdatesError::File)?;
            read += piece.len() as u64;
            if read >= 16 * PIECE {
                return Ok(read);
            }
        }
    }
    Ok(read)
}
