//! Flags that several commands have.

use clap::Args as ClapArgs;
use fl_data::Locations;
use std::path::PathBuf;

/// The experiment and how to read it.
#[derive(Debug, ClapArgs)]
pub(crate) struct ExperimentArgs {
    /// The experiment file (TOML)
    pub(crate) config: PathBuf,
    /// Set a key of the file, for example --set train.step=0.1; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) set: Vec<(String, String)>,
}

/// Where data sets are.
#[derive(Debug, ClapArgs)]
pub(crate) struct DataDir {
    /// Folder in which data sets are looked for before FL_DATA_DIR and the user's cache
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

impl DataDir {
    /// The folder given, then FL_DATA_DIR, then the user's cache.
    pub(crate) fn locations(&self) -> Locations {
        super::locations(self.data_dir.as_ref())
    }
}

/// Where results are.
#[derive(Debug, ClapArgs)]
pub(crate) struct Out {
    /// Folder of results; each experiment has a folder in it
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub(crate) out: PathBuf,
}

/// How much at a time.
#[derive(Debug, ClapArgs)]
pub(crate) struct Threads {
    /// Number of runs at a time, which share the threads [default: --threads]
    #[arg(long, short, value_name = "N")]
    pub(crate) jobs: Option<usize>,
    /// Number of threads [default: processors or --jobs, the larger]; results do not depend on it
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
}

/// What every command that runs has.
#[derive(Debug, ClapArgs)]
pub(crate) struct Work {
    #[command(flatten)]
    pub(crate) data: DataDir,
    #[command(flatten)]
    pub(crate) results: Out,
    #[command(flatten)]
    pub(crate) threads: Threads,
    /// Do not fetch data that are missing
    #[arg(long)]
    pub(crate) offline: bool,
}

/// Which of an experiment's runs.
#[derive(Debug, ClapArgs)]
pub(crate) struct Pick {
    /// Only share I of N, for an engine that starts N processes: --index 3/8; I counts from 0, or from 1 to N
    #[arg(long, value_name = "I/N", value_parser = share)]
    pub(crate) index: Option<(usize, usize)>,
    /// Only this run, by the hash at the end of its folder's name; may be repeated
    #[arg(long, value_name = "HASH")]
    pub(crate) cell: Vec<String>,
}

impl Pick {
    /// Whether nothing is left out.
    pub(crate) fn is_all(&self) -> bool {
        self.index.is_none() && self.cell.is_empty()
    }
}

pub(crate) fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}

fn share(text: &str) -> Result<(usize, usize), String> {
    let numbers = text.split_once('/').and_then(|(index, count)| {
        Some((index.trim().parse::<usize>().ok()?, count.trim().parse::<usize>().ok()?))
    });
    match numbers {
        Some((index, count)) if count > 0 && index <= count => Ok((index, count)),
        Some((index, count)) => Err(format!("there is no share {index} of {count}")),
        None => Err("expected I/N, for example 3/8".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn a_share_is_one_of_so_many() {
        assert_eq!(share("0/4"), Ok((0, 4)));
        assert_eq!(share("4/4"), Ok((4, 4)));
        for wrong in ["5/4", "1/0", "1", "a/b", "-1/4", ""] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }
}
