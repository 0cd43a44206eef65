//! What a run will cost.

use crate::adapters;
use crate::error::UpdatesError;
use crate::layout::{Per, groups};
use crate::number::Dtype;
use crate::open::Updates;
use crate::options::Options;
use crate::pairs::Adapters;
use fl_core::{Geometry, Scalar, ServerCost, Shape, least_tile_bytes, server_cost};

/// What a run reads, writes and holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// Bytes of the pass in which a rule on distances looks at columns; 0 for all but a few.
    pub columns_pass: u64,
    /// Most bytes of the pass that forms the output: less where clients have no weight.
    pub second_pass: u64,
    /// Bytes of the pass that measures each tensor's share of the distances, where asked for.
    pub shares_pass: u64,
    /// Bytes of the output; of a stacked adapter at most.
    pub output: u64,
    /// Bytes that distances, tables and tiles of columns take.
    pub server: u64,
    /// Bytes that the headers of all clients take, by their lengths.
    pub headers: u64,
    /// The least of memory that all of it takes.
    pub least_memory: u64,
}

impl Plan {
    /// What aggregating `updates` on the threads of the current pool will cost.
    ///
    /// # Errors
    /// When the rule cannot work with so many clients, or a pattern matches no tensor.
    pub fn of(updates: &Updates, options: &Options) -> Result<Self, UpdatesError> {
        match updates.adapters {
            Some(how) => Self::of_adapters(updates, options, how),
            None if updates.in_double() => Self::in_type::<f64>(updates, options),
            None => Self::in_type::<f32>(updates, options),
        }
    }

    fn of_adapters(
        updates: &Updates,
        options: &Options,
        how: Adapters,
    ) -> Result<Self, UpdatesError> {
        let cost = adapters::check(updates, options)?;
        let workers = updates.clients();
        // Inner products, their eigenvectors and the points that these give.
        let points = workers.saturating_mul(workers).saturating_mul(4 * size_of::<f64>());
        let server = cost.bytes.saturating_add(points);
        let one: u64 = updates.averaged().map(|tensor| tensor.bytes).sum();
        let all = one * workers as u64;
        let (copied, headers) = (updates.copied_bytes(), updates.header_bytes());
        let least = server.saturating_add(headers).saturating_add(adapters::bytes(updates));
        Ok(Self {
            clients: workers,
            tensors: updates.layout.averaged.len(),
            numbers: updates.dim() as u64,
            groups: 1,
            copied,
            first_pass: all,
            second_pass: all,
            output: adapters::most_written(updates, how),
            server: server as u64,
            headers: headers as u64,
            least_memory: least as u64,
            ..Self::default()
        })
    }

    fn in_type<T: Scalar>(updates: &Updates, options: &Options) -> Result<Self, UpdatesError> {
        let groups = groups(&updates.layout, &options.per)?;
        let (mut server, mut cost) = (0, ServerCost::default());
        for group in &groups {
            cost = group_cost::<T>(updates, options, group.dim)?;
            server = server.max(cost.bytes.saturating_add(cost.streaming));
        }
        if options.shares {
            server = server.max(shares_bytes::<T>(updates)?);
        }
        let one: u64 = updates.averaged().map(|tensor| tensor.bytes).sum();
        let all = one * (updates.clients() as u64 + u64::from(updates.base.is_some()));
        let pass = |wanted: bool| if wanted { all } else { 0 };
        let headers = updates.header_bytes();
        let tiles = least_tile_bytes::<T>(updates.clients() + rows_beside(updates));
        Ok(Self {
            clients: updates.clients(),
            tensors: updates.layout.averaged.len(),
            numbers: updates.dim() as u64,
            groups: groups.len(),
            copied: updates.copied_bytes(),
            first_pass: pass(cost.measures),
            columns_pass: pass(cost.looks),
            second_pass: all,
            shares_pass: pass(options.shares),
            output: updates.layout.tensors.iter().map(|tensor| tensor.bytes).sum(),
            server: server as u64,
            headers: headers as u64,
            least_memory: server.saturating_add(headers).saturating_add(tiles) as u64,
        })
    }

    /// Bytes that are read in all, at most, where all messages are finite.
    pub fn reads(&self) -> u64 {
        let passes = [self.first_pass, self.columns_pass, self.second_pass, self.shares_pass];
        self.copied + passes.iter().sum::<u64>()
    }
}

/// What the server of a group's messages costs.
pub(crate) fn group_cost<T: Scalar>(
    updates: &Updates,
    options: &Options,
    dim: usize,
) -> Result<ServerCost, UpdatesError> {
    let shape = Shape { workers: updates.clients(), byzantine: options.byzantine };
    Ok(server_cost::<T>(&options.pre, &*options.rule, shape, dim)?)
}

/// Bytes of the largest geometry of one tensor.
pub(crate) fn shares_bytes<T: Scalar>(updates: &Updates) -> Result<usize, UpdatesError> {
    let workers = updates.clients();
    let bytes = |dim| {
        let streaming = Geometry::streaming_bytes::<T>(workers, dim);
        Geometry::bytes::<T>(workers, dim).saturating_add(streaming)
    };
    let each = groups(&updates.layout, &Per::Tensor)?;
    Ok(each.iter().map(|group| bytes(group.dim)).max().unwrap_or(0))
}

/// Rows as long as a tile's that a thread holds beside it: bytes that were read and that will be written, and of the model
/// before its numbers and their sum with the output.
fn rows_beside(updates: &Updates) -> usize {
    if updates.base.is_some() { 4 } else { 2 }
}

/// What the allowed memory leaves for tiles, beside `server` bytes.
pub(crate) fn for_tiles(updates: &Updates, options: &Options, server: usize) -> usize {
    // A tile has a row for each client and one for the output.
    let rows = updates.clients() + 1;
    let held = server.saturating_add(updates.header_bytes());
    let left = options.memory.saturating_sub(held) as u128 * rows as u128;
    (left / (rows + rows_beside(updates)) as u128) as usize
}

impl Updates {
    /// Whether all arithmetic is in `f64`: one tensor is.
    pub(crate) fn in_double(&self) -> bool {
        self.averaged().any(|tensor| tensor.dtype == Dtype::F64)
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
