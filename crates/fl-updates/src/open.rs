//! Opening clients: everything that can be known before a number is read.

use crate::client::Client;
use crate::error::{Problem, UpdatesError};
use crate::file::Identity;
use crate::format::Tensor;
use crate::layout::{Layout, layout};
use crate::pairs::{Adapters, Pair, pairs};
use regex::Regex;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// How updates are understood.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// The model before: files are models then, messages are differences from it, and the output is a model.
    pub base: Option<PathBuf>,
    /// Tensors that are no part of messages: copied from `base`, or without one left out of the output.
    pub skip: Option<Regex>,
    /// The files are low-rank adapters of factors A and B: messages are the products BA, and the output is an adapter.
    pub adapters: Option<Adapters>,
}

/// Updates whose headers have been read and agree.
#[derive(Debug)]
pub struct Updates {
    pub(crate) clients: Vec<Client>,
    pub(crate) base: Option<Client>,
    pub(crate) layout: Layout,
    pub(crate) adapters: Option<Adapters>,
    /// The factors of adapters.
    pub(crate) pairs: Vec<Pair>,
}

impl Updates {
    /// Opens the clients' files and compares their headers. Clients are sorted by path: the order given changes nothing.
    ///
    /// # Errors
    /// All faults and differences at once, by file and tensor; a client that comes twice.
    pub fn open(paths: &[PathBuf], options: &OpenOptions) -> Result<Self, UpdatesError> {
        if paths.is_empty() {
            return Err(UpdatesError::Choice("there is no client: no file was named".into()));
        }
        match options.adapters {
            Some(_) if options.base.is_some() => {
                let what =
                    "adapters: an adapter is a difference already; a base is for whole models";
                return Err(UpdatesError::Choice(what.into()));
            }
            Some(Adapters::Rank(0)) => {
                return Err(UpdatesError::Choice("adapters: expected a rank of at least 1".into()));
            }
            _ => {}
        }
        let mut paths = paths.to_vec();
        paths.sort();
        let mut problems = Vec::new();
        let mut open = |path: &Path| match Client::open(path) {
            Ok(client) => Some(client),
            Err(problem) => {
                problems.push(problem);
                None
            }
        };
        let clients: Vec<Client> = paths.iter().filter_map(|path| open(path)).collect();
        let base = options.base.as_deref().and_then(open);
        twice(&clients, base.as_ref(), &mut problems);
        if !problems.is_empty() {
            return Err(UpdatesError::Problems(problems));
        }
        let adapters = options.adapters;
        let layout = layout(&clients, base.as_ref(), options.skip.as_ref(), adapters.is_some())?;
        let pairs = match adapters {
            Some(_) => pairs(&layout.tensors, &layout.averaged).map_err(|all| {
                let problem = |what| Problem::new(&clients[0].path, what);
                UpdatesError::Problems(all.into_iter().map(problem).collect())
            })?,
            None => Vec::new(),
        };
        Ok(Self { clients, base, layout, adapters, pairs })
    }

    /// Number of clients W.
    pub fn clients(&self) -> usize {
        self.clients.len()
    }

    /// The clients' paths, in the order of their weights.
    pub fn names(&self) -> Vec<String> {
        self.clients.iter().map(Client::name).collect()
    }

    /// Numbers of a message: of all tensors that are averaged.
    pub fn dim(&self) -> usize {
        self.averaged().map(|tensor| tensor.numbers()).sum()
    }

    pub(crate) fn averaged(&self) -> impl Iterator<Item = &crate::Tensor> {
        self.layout.averaged.iter().map(|&place| &self.layout.tensors[place])
    }

    /// Bytes that headers take while a run goes on: each tensor of each client, its name twice, and where it is.
    pub(crate) fn header_bytes(&self) -> usize {
        // A map is at most twice as large as what is in it; four allocations have two words of their own each.
        let entry = size_of::<Tensor>() + 2 * size_of::<(String, usize)>() + 64;
        let tensor = |t: &Tensor| entry + 2 * t.name.len() + t.shape.len() * size_of::<usize>();
        let texts = |client: &Client| {
            client.metadata.iter().map(|(name, text)| name.len() + text.len()).sum::<usize>()
        };
        let all = self.clients.iter().chain(&self.base);
        all.map(|client| texts(client) + client.tensors.iter().map(tensor).sum::<usize>()).sum()
    }

    /// Bytes that are read to copy tensors: of the model before, or of all clients, which are compared.
    pub(crate) fn copied_bytes(&self) -> u64 {
        let copied = self.layout.copied.iter().map(|&place| self.layout.tensors[place].bytes);
        let readers = if self.base.is_some() { 1 } else { self.clients.len() as u64 };
        copied.sum::<u64>() * readers
    }

    /// Whether all files are still what they were when they were opened.
    pub(crate) fn verify(&self) -> Result<(), UpdatesError> {
        let mut all = self.clients.iter().chain(&self.base);
        all.try_for_each(Client::verify).map_err(UpdatesError::File)
    }

    /// Tensors that the output will not have.
    pub fn left_out(&self) -> &[String] {
        &self.layout.left_out
    }

    /// Whether the output would replace one of the files that are read.
    pub(crate) fn reads(&self, identity: Identity) -> Option<String> {
        let files = self.clients.iter().chain(&self.base).flat_map(|client| client.files());
        let mut same = files.filter(|file| file.identity() == identity);
        same.next().map(|file| file.path.display().to_string())
    }
}

/// Clients whose files are those of another, or those of the model before.
fn twice(clients: &[Client], base: Option<&Client>, problems: &mut Vec<Problem>) {
    let files = |client: &Client| {
        let mut all: Vec<Identity> = client.files().iter().map(|file| file.identity()).collect();
        all.sort_unstable();
        all
    };
    let mut seen = HashMap::new();
    for client in clients {
        if let Some(first) = seen.insert(files(client), client) {
            let what = format!("the client appears twice: it is the same file as {}", first.name());
            problems.push(Problem::new(&client.path, what));
        }
    }
    if let Some(client) = base.and_then(|base| seen.get(&files(base))) {
        let what = "it is the base, whose difference from itself is zero; name the clients alone";
        problems.push(Problem::new(&client.path, what));
    }
}
