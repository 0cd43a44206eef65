//! Sweeps: one file, many experiments. `[sweep]` has lists of values of any keys, and every combination is a point.

mod axis;
mod exclude;
mod expand;
mod label;
mod points;
mod resolve;
mod runs;

pub use axis::{Axis, AxisValue};
pub use expand::{Sweep, SweepCell};
pub use points::MOST_RUNS;
pub(crate) use runs::RunThere;

use crate::file::{ConfigError, ExperimentText, Mistakes};
use crate::name::Registry;
use crate::tree::Tree;
use axis::{AxisReader, name_axes};
use expand::{Expansion, changed};
use points::{count, points};
use toml::Spanned;
use toml::de::DeValue;

impl Sweep {
    /// Reads an experiment file with what this workspace has.
    ///
    /// # Errors
    /// As [`Sweep::parse_with`].
    pub fn parse(
        text: &str,
        file: &str,
        settings: &[(String, String)],
    ) -> Result<Self, ConfigError> {
        Self::parse_with(&Registry::standard(), text, file, settings)
    }

    /// Reads an experiment file, with or without `[sweep]`, after setting some of its keys, and checks every cell as far
    /// as that is possible without data.
    ///
    /// Cost: some 100 µs a point.
    ///
    /// # Errors
    /// All mistakes at their places: syntax, unknown keys, wrong types, what cannot work; in the sweep also empty lists,
    /// values that are there twice, and exclusions that exclude nothing.
    pub fn parse_with(
        registry: &Registry,
        text: &str,
        file: &str,
        settings: &[(String, String)],
    ) -> Result<Self, ConfigError> {
        let source = ExperimentText::new(text, file, settings)?;
        let Some(whole) = source.tree() else {
            return Err(ConfigError::plain(file, "is no TOML"));
        };
        let mut tree = whole.clone();
        let sweep = tree.get_mut().remove("sweep");
        let mut mistakes = Mistakes::default();
        // A method without a name keeps its place, so that places are those of the file.
        let names = list(&tree, "method", |v| {
            let name = v.get_ref().as_table().and_then(|table| table.get("name"));
            Some(name.and_then(|name| name.get_ref().as_str()).unwrap_or_default().to_owned())
        });
        let seeds = list(&tree, "seeds", |v| {
            crate::tree::whole(v.get_ref().as_integer()?).and_then(|seed| u64::try_from(seed).ok())
        });
        let seeds = if seeds.is_empty() { vec![0] } else { seeds };
        let (mut axes, mut exclusions) = (Vec::new(), Vec::new());
        if let Some(table) = sweep.as_ref().and_then(|sweep| sweep.get_ref().as_table()) {
            let (source, tree, names) = (&source, &tree, &names);
            let mut reader =
                AxisReader { source, tree, names, tried: Vec::new(), mistakes: &mut mistakes };
            reader.axes(table, &[], &["sweep".to_owned()], &mut axes);
            axes.sort_by_key(|axis: &Axis| axis.values.first().map_or(0, |v| v.span.start));
            name_axes(&mut axes);
            if let Some(value) = table.get("exclude") {
                exclusions = reader.exclusions(value, &axes, &seeds);
            }
        }
        if let Err(error) = count(&axes, names.len(), seeds.len(), &source) {
            mistakes.add(error);
            return mistakes.or(()).and(Err(ConfigError::plain("[sweep]", "has too many points")));
        }
        let points = points(&axes, &exclusions, names.len(), &seeds, &source, &mut mistakes);
        let expansion =
            Expansion { registry, source: &source, tree: &tree, whole: &whole, axes: &axes };
        expansion.cells(points, names.len(), &seeds, mistakes)
    }

    /// Whether the file has a `[sweep]`.
    pub fn is_one(&self) -> bool {
        self.axes.is_empty()
    }

    /// The text behind a point, for errors that show their place and to build its cells from.
    pub fn source(&self, point: usize) -> ExperimentText {
        match self.points.get(point) {
            Some(places) => changed(&self.source, &self.axes, places, &self.without[point]),
            None => self.source.clone(),
        }
    }

    /// The values at a point, in the order of axes.
    pub fn labels(&self, point: usize) -> impl Iterator<Item = &str> {
        let places = self.points.get(point).map_or(&[][..], Vec::as_slice);
        self.axes.iter().zip(places).map(|(axis, &place)| axis.values[place].label.as_str())
    }
}

/// The elements of a list at the top of a file.
fn list<T>(tree: &Tree<'_>, key: &str, of: impl Fn(&Spanned<DeValue<'_>>) -> Option<T>) -> Vec<T> {
    let array = tree.get_ref().get(key).and_then(|value| value.get_ref().as_array());
    array.map_or_else(Vec::new, |array| array.iter().filter_map(of).collect())
}
