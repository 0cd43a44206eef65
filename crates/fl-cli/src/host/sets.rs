//! The data that experiments name, loaded once, and fetched where they are missing.

use super::failure::Failure;
use super::say;
use fl_data::fetch::{FetchOptions, Progress, fetch};
use fl_data::{DataSource, Loaded, Located, Locations, Scale};
use fl_lab::DataConfig;
use indicatif::{ProgressBar, ProgressStyle};

/// Loads data, fetching a known set first if it is missing: what and how much is said before.
pub(crate) fn obtain(
    source: &DataSource,
    scale: Option<Scale>,
    locations: &Locations,
    offline: bool,
    quiet: bool,
) -> Result<Loaded, Failure> {
    let name = source.to_string();
    let set = match (source.load(scale, locations), source.known()?) {
        (Err(e), Some(set)) if e.is_missing() && !offline => set,
        (result, _) => {
            let loaded = result.map_err(|e| Failure::of_data(&name, e))?;
            if !quiet {
                warn(&loaded);
            }
            return Ok(loaded);
        }
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
pub(crate) struct Sets(Vec<(DataSource, Option<Scale>, Option<Loaded>)>);

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
        let is = |(set, scale, _): &&(DataSource, Option<Scale>, _)| {
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

pub(crate) fn get(
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
    let fetched = result.map_err(|e| Failure::of_fetch(&set.name, e))?;
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

/// What may not be what was meant of files of one's own.
pub(crate) fn warn(loaded: &Loaded) {
    for note in loaded.notes.iter().filter(|note| note.note.warning) {
        say::remark(format_args!("warning: {note}"));
    }
}
