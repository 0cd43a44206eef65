//! `fl-cli data`, and obtaining a set for a run.

use crate::args::DataCommand;
use crate::failure::Failure;
use crate::{host, info, say};
use anyhow::anyhow;
use comfy_table::{Table, presets};
use fl_data::fetch::{FetchOptions, Progress, Route, fetch, remove};
use fl_data::{Loaded, Located, Locations, Scale, Source, State};
use fl_lab::DataConfig;
use indicatif::{ProgressBar, ProgressStyle};

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
        DataCommand::Info(args) => info::info(args),
    }
}

/// Loads data, fetching a known set first if it is missing: what and how much is said before.
pub(crate) fn obtain(
    source: &Source,
    scale: Option<Scale>,
    locations: &Locations,
    offline: bool,
    quiet: bool,
) -> Result<Loaded, Failure> {
    let name = source.to_string();
    let set = match (source.load(scale, locations), source.known()?) {
        (Err(fl_data::Error::Missing { .. }), Some(set)) if !offline => set,
        (result, _) => return result.map_err(|e| Failure::of_data(&name, e)),
    };
    if !quiet {
        say::remark(format_args!(
            "{name} is not here: fetching it ({:.1} MB unpacked) to {}",
            set.bytes() as f64 / 1e6,
            locations.home(set).display()
        ));
    }
    get(set, locations, &FetchOptions::default(), quiet)?;
    source.load(scale, locations).map_err(|e| Failure::of_data(&name, e))
}

/// The data that the cells of a sweep name, each set loaded once for each way of scaling it.
#[derive(Debug, Default)]
pub(crate) struct Sets(Vec<(Source, Option<Scale>, Option<Loaded>)>);

impl Sets {
    /// Loads what these cells need, fetching what is missing.
    pub(crate) fn obtain<'a>(
        configs: impl IntoIterator<Item = &'a DataConfig>,
        locations: &Locations,
        offline: bool,
        quiet: bool,
    ) -> Result<Self, Failure> {
        let mut sets = Self::default();
        for config in configs {
            if sets.get(config).is_none() {
                let data = obtain(&config.set, config.scale, locations, offline, quiet)?;
                sets.0.push((config.set.clone(), config.scale, Some(data)));
            }
        }
        Ok(sets)
    }

    /// What has been loaded for a cell.
    pub(crate) fn get(&self, config: &DataConfig) -> Option<&Loaded> {
        let is = |(set, scale, _): &&(Source, Option<Scale>, _)| {
            *set == config.set && *scale == config.scale
        };
        self.0.iter().find(is).and_then(|(_, _, data)| data.as_ref())
    }

    /// All sets that have been loaded.
    pub(crate) fn loaded(&self) -> impl Iterator<Item = &Loaded> {
        self.0.iter().filter_map(|(_, _, data)| data.as_ref())
    }

    /// Loads what a cell needs, once; nothing is fetched.
    pub(crate) fn look(
        &mut self,
        config: &DataConfig,
        locations: &Locations,
    ) -> Result<(), fl_data::Error> {
        if self.get(config).is_none() {
            let data = config.set.load(config.scale, locations)?;
            self.0.push((config.set.clone(), config.scale, Some(data)));
        }
        Ok(())
    }

    /// The same, loaded if it is there; nothing is fetched.
    pub(crate) fn present(
        &mut self,
        config: &DataConfig,
        locations: &Locations,
    ) -> Option<&Loaded> {
        let tried =
            self.0.iter().any(|(set, scale, _)| *set == config.set && *scale == config.scale);
        if !tried {
            let data = config.set.load(config.scale, locations).ok();
            self.0.push((config.set.clone(), config.scale, data));
        }
        self.get(config)
    }
}

/// One path a line, for other programs.
fn path(name: &str, locations: &Locations) -> Result<(), Failure> {
    let located = fl_data::locate(fl_data::find(name)?, locations);
    match located.map_err(|e| Failure::of_data(name, e))? {
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
        let removed = remove(set, locations).map_err(|e| Failure::of_data(&set.name, e))?;
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

fn get(
    set: &fl_data::KnownSet,
    locations: &Locations,
    options: &FetchOptions,
    quiet: bool,
) -> Result<(), Failure> {
    let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::no_length() };
    let style =
        ProgressStyle::with_template("{wide_msg} {bytes:>10} {bytes_per_sec:>12} {eta:>4} left");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    let hidden = bar.is_hidden();
    let say = |text: String| {
        if quiet {
        } else if hidden {
            say::remark(text);
        } else {
            bar.println(text);
        }
    };
    let result = fetch(set, locations, options, &mut |progress| match progress {
        Progress::Waiting => say("another process is fetching it; waiting".to_owned()),
        Progress::Trying { source } => say(format!("trying {source}")),
        Progress::Bytes { file, done, total } => {
            bar.set_message(file.to_owned());
            bar.set_length(total);
            bar.set_position(done);
        }
        Progress::Stored { file } => say(format!("stored {file}")),
        Progress::Failed { attempt } => say(attempt.to_string()),
        Progress::Again { attempt, wait } => {
            say(format!("{attempt}; asking again in {:.0} s", wait.as_secs_f64()));
        }
        _ => {}
    });
    bar.finish_and_clear();
    let fetched = result.map_err(|e| Failure::of_data(&set.name, e))?;
    if !quiet {
        let place = match &fetched.located {
            Located::Embedded => "inside the program".to_owned(),
            Located::Files { folder, .. } => format!("in {}", folder.display()),
        };
        let already = if fetched.new { "" } else { " already" };
        say::remark(format_args!("{} is {place}{already}", set.name));
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
        match located.map_err(|e| Failure::of_data(&name, e))? {
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
