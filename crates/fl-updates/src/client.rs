//! One client's update: its files, and where each of its tensors is.

use crate::error::Problem;
use crate::file::{Opened, counted};
use crate::format::{Parsed, Tensor, numpy, safetensors, shards};
use crate::number::decode;
use crate::progress::Progress;
use fl_core::Scalar;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// An open update.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) path: PathBuf,
    files: Vec<Opened>,
    pub(crate) tensors: Vec<Tensor>,
    pub(crate) metadata: BTreeMap<String, String>,
    places: HashMap<String, usize>,
}

thread_local! {
    /// Bytes on their way to numbers.
    static SCRATCH: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// What a file is, by the end of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Safetensors,
    Index,
    Npz,
    Npy,
    Pickle,
    Gguf,
    Other,
}

/// All endings of names that say what a file is.
const ENDINGS: [(&str, Kind); 10] = [
    (".safetensors", Kind::Safetensors),
    (".index.json", Kind::Index),
    (".npz", Kind::Npz),
    (".npy", Kind::Npy),
    (".pt", Kind::Pickle),
    (".pth", Kind::Pickle),
    (".bin", Kind::Pickle),
    (".ckpt", Kind::Pickle),
    (".pkl", Kind::Pickle),
    (".gguf", Kind::Gguf),
];

pub(crate) fn kind_of(path: &Path) -> Kind {
    let name = path.to_string_lossy().to_lowercase();
    ENDINGS.iter().find(|(ending, _)| name.ends_with(ending)).map_or(Kind::Other, |found| found.1)
}

/// Whether the end of a file's name alone says that it is one client's: every kind that [`Updates::open`](crate::Updates::open)
/// reads or refuses by name, but `.npy`, which may hold the messages of all clients.
pub fn is_of_a_client(path: &Path) -> bool {
    !matches!(kind_of(path), Kind::Npy | Kind::Other)
}

impl Kind {
    /// Why files of this kind are not read.
    pub(crate) fn refused(self) -> Option<&'static str> {
        match self {
            Self::Safetensors | Self::Index | Self::Npz | Self::Npy => None,
            Self::Pickle => Some(
                "a pickle can run any program when it is read; \
                 safetensors.torch.save_file(torch.load(file, weights_only=True), …) converts it",
            ),
            Self::Gguf => {
                Some("numbers of GGUF files are quantised; aggregate the model that it was made of")
            }
            Self::Other => Some(
                "expected *.safetensors, *.safetensors.index.json, *.npz, *.npy or a folder with an index",
            ),
        }
    }
}

impl Client {
    /// Reads headers alone.
    pub(crate) fn open(path: &Path) -> Result<Self, Problem> {
        let wrong = |what: String| Problem::new(path, what);
        let open = |path: &Path| Opened::open(path);
        let one = |parse: fn(&Opened) -> Result<Parsed, String>| {
            let file = open(path)?;
            let parsed = parse(&file)?;
            Ok((vec![file], parsed))
        };
        let read = || match path.is_dir() {
            true => match shards::index_of(path)? {
                Some(index) => shards::open(&index),
                None => Err("a folder without a *.safetensors.index.json is no client".into()),
            },
            false => match kind_of(path) {
                Kind::Safetensors => one(safetensors::open),
                Kind::Index => shards::open(path),
                Kind::Npz => one(numpy::open_npz),
                Kind::Npy => one(numpy::open_npy),
                kind => Err(kind.refused().unwrap_or_default().into()),
            },
        };
        let (files, Parsed { tensors, metadata }) = read().map_err(wrong)?;
        let mut places = HashMap::with_capacity(tensors.len());
        for (i, tensor) in tensors.iter().enumerate() {
            if places.insert(tensor.name.clone(), i).is_some() {
                return Err(wrong(format!("tensor {:?}: the name comes twice", tensor.name)));
            }
        }
        Ok(Self { path: path.to_owned(), files, tensors, metadata, places })
    }

    /// What clients are called: their path.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }

    pub(crate) fn files(&self) -> &[Opened] {
        &self.files
    }

    pub(crate) fn tensor(&self, name: &str) -> Option<&Tensor> {
        self.places.get(name).map(|&i| &self.tensors[i])
    }

    /// Place of a tensor among this client's.
    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    fn bytes_of(tensor: &Tensor, numbers: &Range<usize>) -> Range<u64> {
        let width = tensor.dtype.bits() as u64 / 8;
        tensor.offset + numbers.start as u64 * width..tensor.offset + numbers.end as u64 * width
    }

    /// Numbers of a tensor, from its `from`-th on.
    pub(crate) fn numbers<T: Scalar>(
        &self,
        tensor: usize,
        from: usize,
        out: &mut [T],
        progress: &Progress,
    ) -> Result<(), String> {
        let tensor = &self.tensors[tensor];
        let bytes = Self::bytes_of(tensor, &(from..from + out.len()));
        SCRATCH.with_borrow_mut(|scratch| {
            decode(&tensor.dtype, out, scratch, |to| {
                counted(progress, to.len())?;
                self.files[tensor.file].read(bytes.start, to)
            })
        })
    }

    /// Some of a tensor's bytes, as they are.
    pub(crate) fn bytes(&self, tensor: &Tensor, from: u64, out: &mut [u8]) -> Result<(), String> {
        self.files[tensor.file].read(tensor.offset + from, out)
    }

    pub(crate) fn ahead(&self, tensor: usize, numbers: Range<usize>) {
        let tensor = &self.tensors[tensor];
        self.files[tensor.file].ahead(Self::bytes_of(tensor, &numbers));
    }

    /// Whether all files are still what they were.
    pub(crate) fn verify(&self) -> Result<(), String> {
        self.files.iter().try_for_each(Opened::verify)
    }
}
