//! Sweeps: one file, many experiments. `[sweep]` has lists of values of any keys, and every combination is a point.

use crate::file::{
    Change, ConfigError, Experiment, ExperimentText, Mistake, Mistakes, Path, Tree, graft, nearest,
    value,
};
use crate::name::Registry;
use crate::plan::{Cell, cells, check};
use rayon::prelude::*;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use std::collections::{BTreeSet, HashSet};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Keys that do not decide a cell's results, so that sweeping over them would run the same cells again.
const NOT_SWEPT: [(&str, &str); 7] = [
    ("name", "it only names the folder of results"),
    ("rounds", "more rounds continue the same cells; run the file again with --set rounds=…"),
    ("seeds", "every seed of the list is run at every point already"),
    ("final-window", "it does not decide what a cell computes"),
    ("checkpoint", "no result depends on it"),
    ("stop", "it decides where a cell ends and not what it computes"),
    ("sweep", "it is what sweeps"),
];

/// More mistakes of a file than these help nobody.
const ENOUGH: usize = 50;

/// A key of a sweep with its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// The key, with dots, as in the file.
    pub key: String,
    /// What tables and pictures call it.
    pub name: String,
    /// Its values, in the order of the file.
    pub values: Vec<AxisValue>,
    /// The keys that take them: several where a file says `method.*`.
    to: Vec<Path>,
    /// Where the list stands.
    from: Path,
    /// Where the key stands in the text.
    span: Range<usize>,
}

/// A value of a key of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct AxisValue {
    /// The value.
    pub value: toml::Value,
    /// What tables and pictures call it.
    pub label: String,
    span: Range<usize>,
}

impl Axis {
    /// Whether this is the axis that somebody calls `name`: by its key, by its name, or by the end of its key.
    pub fn is(&self, name: &str) -> bool {
        self.key == name || self.name == name || self.key.ends_with(&format!(".{name}"))
    }

    /// The place of a value that is given as in the file, by its label, or by the name of the choice that it is.
    fn position(&self, wanted: &toml::Value) -> Option<usize> {
        let exact = self.values.iter().position(|v| v.value == *wanted);
        let name = wanted.as_str();
        exact.or_else(|| self.values.iter().position(|v| Some(v.label.as_str()) == name)).or_else(
            || {
                let mut named = self.values.iter().enumerate().filter(|(_, v)| {
                    let table = v.value.as_table().filter(|table| table.len() == 1);
                    table.and_then(|t| t.keys().next()).map(String::as_str) == name
                });
                let (place, _) = named.next()?;
                named.next().is_none().then_some(place)
            },
        )
    }
}

/// A cell of a sweep.
#[derive(Clone, Debug)]
pub struct SweepCell {
    /// The point that it belongs to.
    pub point: usize,
    /// The cell.
    pub cell: Cell,
}

/// What an experiment file asks for: one experiment, or with `[sweep]` many of them.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// The experiment at the first point; its methods are those of the file.
    pub base: Experiment,
    /// The keys that are swept over, in the order of the file; none for a file without `[sweep]`.
    pub axes: Vec<Axis>,
    /// Every point: the place of its value in each axis. The last axis changes fastest.
    pub points: Vec<Vec<usize>>,
    /// All cells: points first, then seeds, then methods. A cell that several points share is there for each of them.
    pub cells: Vec<SweepCell>,
    source: ExperimentText,
    /// Methods that are excluded at each point, by their places in the file.
    without: Vec<Vec<usize>>,
}

/// A point and what is excluded there: methods by their places, with seeds.
#[derive(Clone, Debug)]
struct Point {
    places: Vec<usize>,
    out: HashSet<(usize, u64)>,
}

impl Point {
    /// The methods of which nothing is left.
    fn without(&self, methods: usize, seeds: &[u64]) -> Vec<usize> {
        let all = |m: &usize| seeds.iter().all(|&seed| self.out.contains(&(*m, seed)));
        (0..methods).filter(all).collect()
    }
}

impl Sweep {
    /// Reads an experiment file with what this workspace has.
    ///
    /// # Errors
    /// As [`Sweep::parse_with`].
    pub fn parse(text: &str, file: &str, set: &[(String, String)]) -> Result<Self, ConfigError> {
        Self::parse_with(&Registry::standard(), text, file, set)
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
        set: &[(String, String)],
    ) -> Result<Self, ConfigError> {
        let source = ExperimentText::new(registry, text, file, set)?;
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
            let seed = v.get_ref().as_integer()?;
            u64::from_str_radix(seed.as_str(), seed.radix()).ok()
        });
        let seeds = if seeds.is_empty() { vec![0] } else { seeds };
        let (mut axes, mut exclusions) = (Vec::new(), Vec::new());
        if let Some(table) = sweep.as_ref().and_then(|sweep| sweep.get_ref().as_table()) {
            let (source, tree, names) = (&source, &tree, &names);
            let mut reader =
                Reader { source, tree, names, tried: Vec::new(), mistakes: &mut mistakes };
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
        let expansion = Expansion { source: &source, tree: &tree, whole: &whole, axes: &axes };
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

/// Runs that one file may ask for: each takes some kilobytes as long as the program runs.
pub const MOST_RUNS: usize = 500_000;

/// Refuses a file with more combinations than [`MOST_RUNS`], before the first of them is made.
fn count(
    axes: &[Axis],
    methods: usize,
    seeds: usize,
    source: &ExperimentText,
) -> Result<(), ConfigError> {
    let sizes = || axes.iter().map(|axis| axis.values.len());
    let runs = sizes().chain([methods.max(1), seeds]).try_fold(1usize, usize::checked_mul);
    if runs.is_some_and(|runs| runs <= MOST_RUNS) {
        return Ok(());
    }
    // Beyond 2⁵³ the last digits do not matter to anybody.
    let of = |n: f64| if n < 1e15 { format!("{n}") } else { format!("{n:.3e}") };
    let points: f64 = sizes().map(|n| n as f64).product();
    let all = points * methods.max(1) as f64 * seeds as f64;
    let message = format!(
        "this asks for {} runs ({} points of the sweep × {methods} methods × {seeds} seeds); one file may ask for at most \
         {MOST_RUNS}",
        of(all),
        of(points)
    );
    let span = axes.iter().max_by_key(|axis| axis.values.len()).map(|axis| axis.span.clone());
    let help = "leave values out, or make several files of it".to_owned();
    Err(source.error(span, message, Some(help)))
}

/// A method that is excluded.
fn leave_out(method: usize) -> Change {
    Change::Take { path: vec!["method".to_owned(), method.to_string()] }
}

/// The elements of a list at the top of a file.
fn list<T>(tree: &Tree<'_>, key: &str, of: impl Fn(&Spanned<DeValue<'_>>) -> Option<T>) -> Vec<T> {
    let array = tree.get_ref().get(key).and_then(|value| value.get_ref().as_array());
    array.map_or_else(Vec::new, |array| array.iter().filter_map(of).collect())
}

/// Every combination of values at which something is left to run.
fn points(
    axes: &[Axis],
    exclusions: &[Exclusion],
    methods: usize,
    seeds: &[u64],
    source: &ExperimentText,
    mistakes: &mut Mistakes,
) -> Vec<Point> {
    let count: usize = axes.iter().map(|axis| axis.values.len()).product();
    let mut useful = vec![false; exclusions.len()];
    let mut points = Vec::new();
    for index in 0..count {
        let mut rest = index;
        let mut places = vec![0; axes.len()];
        for (place, axis) in places.iter_mut().zip(axes).rev() {
            *place = rest % axis.values.len();
            rest /= axis.values.len();
        }
        let mut out = HashSet::new();
        for (exclusion, useful) in exclusions.iter().zip(&mut useful) {
            if exclusion.holds(&places) {
                for m in (0..methods).filter(|m| exclusion.has_method(*m)) {
                    for &seed in seeds.iter().filter(|seed| exclusion.has_seed(**seed)) {
                        *useful |= out.insert((m, seed));
                    }
                }
            }
        }
        if methods == 0 || out.len() < methods * seeds.len() {
            points.push(Point { places, out });
        }
    }
    for (exclusion, useful) in exclusions.iter().zip(useful) {
        if !useful && methods > 0 {
            let message = "this excludes nothing: exclusions before it have it all already";
            mistakes.add(source.error(Some(exclusion.span.clone()), message.into(), None));
        }
    }
    if points.is_empty() && mistakes.is_empty() {
        let span = exclusions.first().map(|exclusion| exclusion.span.clone());
        let message = "everything is excluded: nothing is left to run";
        mistakes.add(source.error(span, message.into(), None));
    }
    points
}

/// A file with its sweep, to be read at its points.
struct Expansion<'a, 't> {
    source: &'a ExperimentText,
    /// Without `[sweep]`.
    tree: &'a Tree<'t>,
    whole: &'a Tree<'t>,
    axes: &'a [Axis],
}

impl Expansion<'_, '_> {
    fn read(
        &self,
        places: &[usize],
        without: &[usize],
    ) -> Result<(Experiment, ExperimentText), ConfigError> {
        let mut tree = self.tree.clone();
        for (axis, place) in self.axes.iter().zip(places) {
            let from = [&axis.from[..], &[place.to_string()]].concat();
            let Some(taken) = value(self.whole, &from) else { continue };
            for to in &axis.to {
                graft(&mut tree, to, taken.clone(), taken.span());
            }
        }
        for method in without.iter().rev() {
            leave_out(*method).apply(&mut tree);
        }
        let source = changed(self.source, self.axes, places, without);
        let (experiment, source) = Experiment::of(&source, tree)?;
        check(&experiment, &source)?;
        Ok((experiment, source))
    }

    /// All cells, or all mistakes.
    fn cells(
        &self,
        points: Vec<Point>,
        methods: usize,
        seeds: &[u64],
        mut mistakes: Mistakes,
    ) -> Result<Sweep, ConfigError> {
        let Some(first) = points.first() else {
            return mistakes.or(()).and(Err(ConfigError::plain("[sweep]", "has no point")));
        };
        let without: Vec<Vec<usize>> =
            points.iter().map(|point| point.without(methods, seeds)).collect();
        // With every method that is left anywhere, so that the first point speaks for all.
        let base = self.read(&first.places, &[]);
        let cells_at = |index: usize| -> Result<Vec<SweepCell>, ConfigError> {
            let (experiment, _) = self.read(&points[index].places, &without[index])?;
            let stays = |m: &usize| !without[index].contains(m);
            let places: Vec<usize> = (0..methods).filter(stays).collect();
            let is_in = |c: &Cell| !points[index].out.contains(&(places[c.method_index], c.seed));
            let cells = cells(&experiment).into_iter().filter(is_in);
            Ok(cells.map(|cell| SweepCell { point: index, cell }).collect())
        };
        let few = |index: &usize| {
            // Around the first point every value is met once, which is enough to tell what is wrong.
            let places = points[*index].places.iter().zip(&first.places);
            base.is_ok() || places.filter(|(a, b)| a != b).count() <= 1
        };
        let chosen: Vec<usize> = (0..points.len()).filter(few).collect();
        let results: Vec<_> = if chosen.len() > 16 {
            chosen.par_iter().map(|&index| cells_at(index)).collect()
        } else {
            chosen.iter().map(|&index| cells_at(index)).collect()
        };
        let (mut all, mut wrong) = (Vec::new(), Vec::new());
        for (&index, result) in chosen.iter().zip(results) {
            match result {
                Ok(cells) => all.extend(cells),
                Err(error) if wrong.len() < ENOUGH => wrong.push((index, error)),
                Err(_) => {}
            }
        }
        for mistake in self.together(&wrong, &chosen, &points) {
            mistakes.add(ConfigError::new(mistake));
        }
        let places = points.into_iter().map(|point| point.places).collect();
        let (axes, source) = (self.axes.to_vec(), self.source.clone());
        match base {
            Ok((base, _)) => {
                mistakes.or(Sweep { base, axes, points: places, cells: all, source, without })
            }
            Err(error) => {
                // What is wrong at the first point only for a method that is excluded there is no mistake.
                if mistakes.is_empty() {
                    mistakes.add(error);
                }
                mistakes.or(()).and(Err(ConfigError::plain("[sweep]", "has no point")))
            }
        }
    }

    /// The mistakes of several points, each once, with the values for which it is one.
    fn together(
        &self,
        wrong: &[(usize, ConfigError)],
        chosen: &[usize],
        points: &[Point],
    ) -> Vec<Mistake> {
        let mut found: Vec<(Mistake, Vec<usize>)> = Vec::new();
        for (index, error) in wrong {
            for mistake in error.mistakes() {
                match found.iter_mut().find(|(m, _)| m.is_like(mistake)) {
                    Some((_, at)) => at.push(*index),
                    None => found.push((mistake.clone(), vec![*index])),
                }
            }
        }
        for (mistake, at) in &mut found {
            // A key has the place of its value, which an unknown key has nothing to do with.
            let begins = |axis: &&Axis| axis.values.iter().any(|v| mistake.begins(&v.span));
            let axis = self.axes.iter().find(begins);
            if let Some(axis) = axis.filter(|_| mistake.message.starts_with("unknown key")) {
                *mistake = self.source.moved(mistake.clone(), axis.span.clone());
            }
            let values = |axis: usize, of: &[usize]| -> BTreeSet<usize> {
                of.iter().map(|&index| points[index].places[axis]).collect()
            };
            let mut conditions = Vec::new();
            for (i, axis) in self.axes.iter().enumerate() {
                let (here, all) = (values(i, at), values(i, chosen));
                // A value that is wrong by itself is shown already.
                let shown = here.iter().any(|&v| mistake.is_at(&axis.values[v].span));
                if here != all && !shown {
                    let labels: Vec<&str> =
                        here.iter().map(|&v| axis.values[v].label.as_str()).collect();
                    conditions.push(format!("{} = {}", axis.key, labels.join(" or ")));
                }
            }
            if !conditions.is_empty() {
                mistake.when = Some(conditions.join(" and "));
            }
        }
        found.into_iter().map(|(mistake, _)| mistake).collect()
    }
}

/// The changes that make a file's text what it says at a point.
fn changed(
    source: &ExperimentText,
    axes: &[Axis],
    places: &[usize],
    without: &[usize],
) -> ExperimentText {
    let mut changes: Vec<Change> = Vec::new();
    for (axis, &place) in axes.iter().zip(places) {
        for to in &axis.to {
            let from = [&axis.from[..], &[place.to_string()]].concat();
            changes.push(Change::Graft { from, to: to.clone() });
        }
    }
    changes.push(Change::Remove { path: vec!["sweep".to_owned()] });
    changes.extend(without.iter().rev().map(|m| leave_out(*m)));
    source.changed(&changes)
}

/// What is left out: cells at these values, of these methods, with these seeds.
#[derive(Clone, Debug)]
struct Exclusion {
    /// Places of values, for the axes that are named.
    values: Vec<(usize, Vec<usize>)>,
    methods: Option<Vec<usize>>,
    seeds: Option<Vec<u64>>,
    /// It names a key whose list is wrong, which is told already.
    refused: bool,
    span: Range<usize>,
}

impl Exclusion {
    fn holds(&self, places: &[usize]) -> bool {
        self.values.iter().all(|(axis, values)| values.contains(&places[*axis]))
    }

    fn has_method(&self, method: usize) -> bool {
        self.methods.as_ref().is_none_or(|methods| methods.contains(&method))
    }

    fn has_seed(&self, seed: u64) -> bool {
        self.seeds.as_ref().is_none_or(|seeds| seeds.contains(&seed))
    }
}

/// Reads `[sweep]`.
struct Reader<'a, 't> {
    source: &'a ExperimentText,
    /// The file without `[sweep]`.
    tree: &'a Tree<'t>,
    /// The methods' names.
    names: &'a [String],
    /// All keys with a list, the wrong ones too.
    tried: Vec<String>,
    mistakes: &'a mut Mistakes,
}

impl Reader<'_, '_> {
    fn wrong(&mut self, span: Range<usize>, message: String, help: Option<String>) {
        self.mistakes.add(self.source.error(Some(span), message, help));
    }

    /// The lists of a table, however deep. `key` and `from` lead to it, the one in words of the file, the other in the
    /// tree.
    fn axes(&mut self, table: &DeTable<'_>, key: &[String], from: &[String], axes: &mut Vec<Axis>) {
        for (name, value) in table {
            let part = name.get_ref().as_ref();
            if key.is_empty() && part == "exclude" {
                continue;
            }
            let key = [key, &[part.to_owned()]].concat();
            let from = [from, &[part.to_owned()]].concat();
            match value.get_ref() {
                DeValue::Array(_) => self.axis(&key, &from, name.span(), value, None, axes),
                DeValue::Table(inner) => match inner.get("values") {
                    Some(values) if values.get_ref().is_array() => {
                        let from = [&from[..], &["values".to_owned()]].concat();
                        self.axis(&key, &from, name.span(), values, Some(inner), axes);
                    }
                    _ => self.axes(inner, &key, &from, axes),
                },
                other => {
                    let message = format!(
                        "{} needs a list of values in [ ], got {}",
                        key.join("."),
                        in_words(other.type_str())
                    );
                    let help = "a key with one value stands outside of [sweep]".to_owned();
                    self.wrong(value.span(), message, Some(help));
                }
            }
        }
    }

    fn axis(
        &mut self,
        key: &[String],
        from: &[String],
        place: Range<usize>,
        list: &Spanned<DeValue<'_>>,
        more: Option<&DeTable<'_>>,
        axes: &mut Vec<Axis>,
    ) {
        let key = key.join(".");
        self.tried.push(key.clone());
        let parts: Vec<&str> = key.split('.').collect();
        if parts.iter().any(|part| part.is_empty()) {
            let message = format!("{key:?} must be names with dots between them");
            return self.wrong(place, message, None);
        }
        let last = parts.last().copied().unwrap_or_default();
        let fixed = NOT_SWEPT
            .iter()
            .find(|(name, _)| parts[0] == *name || (parts[0] == "method" && last == *name));
        if let Some((name, why)) = fixed {
            return self.wrong(place, format!("{name} cannot be swept over: {why}"), None);
        }
        let Some(to) = self.resolve(&key, &parts, &place) else { return };
        if let Some(other) = axes.iter().find(|axis| axis.to.iter().any(|path| to.contains(path))) {
            let message = format!("{key} is swept over already, as {}", other.key);
            return self.wrong(place, message, None);
        }
        let elements: Vec<_> =
            list.get_ref().as_array().into_iter().flat_map(|a| a.iter()).collect();
        if elements.is_empty() {
            return self.wrong(
                list.span(),
                format!("{key} needs at least one value, got none"),
                None,
            );
        }
        let mut values: Vec<AxisValue> = Vec::new();
        for element in elements {
            let Some(value) = plain(element) else { continue };
            if values.iter().any(|v| v.value == value) {
                let message =
                    format!("every value must be there once, got {} twice", label(&value));
                self.wrong(element.span(), message, None);
            }
            values.push(AxisValue { label: label(&value), value, span: element.span() });
        }
        shorten(&mut values);
        let name = String::new();
        let mut axis = Axis { name, key, values, to, from: from.to_vec(), span: place };
        if let Some(more) = more {
            self.names_of(&mut axis, more);
        }
        axes.push(axis);
    }

    /// `name` and `labels` of an axis that is written as a table.
    fn names_of(&mut self, axis: &mut Axis, table: &DeTable<'_>) {
        for (key, value) in table {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("values", _) => {}
                ("name", DeValue::String(name)) if !name.is_empty() => axis.name = name.to_string(),
                ("name", _) => self.wrong(value.span(), "name must be a text".into(), None),
                ("labels", DeValue::Array(labels)) => {
                    let texts: Vec<&str> =
                        labels.iter().filter_map(|l| l.get_ref().as_str()).collect();
                    let once: BTreeSet<&str> = texts.iter().copied().collect();
                    if once.len() != axis.values.len() || labels.len() != axis.values.len() {
                        let message = format!(
                            "labels must be as many different texts as there are values, {}",
                            axis.values.len()
                        );
                        self.wrong(value.span(), message, None);
                        continue;
                    }
                    for (value, text) in axis.values.iter_mut().zip(texts) {
                        value.label = text.to_owned();
                    }
                }
                ("labels", _) => {
                    self.wrong(value.span(), "labels must be a list of texts".into(), None)
                }
                (other, _) => {
                    let message = format!(
                        "unknown key `{other}`, expected one of `values`, `name`, `labels`"
                    );
                    self.mistakes.add(self.source.error_in_words(Some(key.span()), &message));
                }
            }
        }
    }

    /// The keys that are meant: methods may be given by name, by place, or all at once by `*`; a member of a chain of
    /// pre-aggregators by its place or by its name.
    fn resolve(&mut self, key: &str, parts: &[&str], place: &Range<usize>) -> Option<Vec<Path>> {
        let owned = |parts: &[&str]| parts.iter().map(|&p| p.to_owned()).collect::<Path>();
        if parts[0] != "method" {
            return Some(vec![owned(parts)]);
        }
        if parts.len() < 3 {
            let message = format!("{key} needs a method and a key of it, as in method.0.batch");
            self.wrong(place.clone(), message, None);
            return None;
        }
        // A name may have dots in it.
        let named = (1..parts.len() - 1).rev().find_map(|end| {
            let name = parts[1..=end].join(".");
            let method = self.names.iter().position(|n| *n == name)?;
            Some((vec![method], end + 1))
        });
        let count = self.names.len();
        let (methods, rest) = match (named, parts[1].parse::<usize>()) {
            (Some(named), _) => named,
            (None, Ok(method)) if method < count => (vec![method], 2),
            (None, _) if parts[1] == "*" => ((0..count).collect(), 2),
            _ => {
                let nearest = nearest(parts[1], self.names.iter().map(String::as_str));
                let message = format!(
                    "no method is called {:?}; methods are given by name, by a number from 0 to {}, or all by *",
                    parts[1],
                    count.saturating_sub(1)
                );
                let help = nearest.map(|name| format!("did you mean method.{name}?"));
                self.wrong(place.clone(), message, help);
                return None;
            }
        };
        let rest = &parts[rest..];
        let mut paths = Vec::new();
        for &method in &methods {
            let front = ["method".to_owned(), method.to_string()];
            match rest {
                ["pre", stage, inner @ ..] if stage.parse::<usize>().is_err() => {
                    let chain = [&front[..], &["pre".to_owned()]].concat();
                    let chain = value(self.tree, &chain).and_then(|v| v.get_ref().as_array());
                    let is = |v: &Spanned<DeValue<'_>>| match v.get_ref() {
                        DeValue::String(name) => name == stage,
                        DeValue::Table(table) => table.contains_key(*stage),
                        _ => false,
                    };
                    if let Some(index) = chain.and_then(|chain| chain.iter().position(is)) {
                        let index = index.to_string();
                        let inside = [&["pre", &index, stage][..], inner].concat();
                        paths.push([&front[..], &owned(&inside)].concat());
                    }
                }
                ["pre", stage, ..] => {
                    let element = [&front[..], &owned(&["pre", stage])].concat();
                    if value(self.tree, &element).is_some() {
                        paths.push([&front[..], &owned(rest)].concat());
                    }
                }
                _ => paths.push([&front[..], &owned(rest)].concat()),
            }
        }
        if paths.is_empty() {
            let message = format!("{key} is in no chain of pre-aggregators");
            self.wrong(place.clone(), message, None);
            return None;
        }
        Some(paths)
    }

    fn exclusions(
        &mut self,
        value: &Spanned<DeValue<'_>>,
        axes: &[Axis],
        seeds: &[u64],
    ) -> Vec<Exclusion> {
        let help = "for example exclude = [{ \"federation.byzantine.count\" = 0, \"federation.attack\" = \"gaussian\" }]";
        let DeValue::Array(list) = value.get_ref() else {
            let message = "exclude must be a list of tables".to_owned();
            self.wrong(value.span(), message, Some(help.to_owned()));
            return Vec::new();
        };
        let mut exclusions = Vec::new();
        for element in list {
            let DeValue::Table(table) = element.get_ref() else {
                let message = "an exclusion must be a table of keys and values".to_owned();
                self.wrong(element.span(), message, Some(help.to_owned()));
                continue;
            };
            let span = element.span();
            let mut one =
                Exclusion { values: Vec::new(), methods: None, seeds: None, refused: false, span };
            let before = self.mistakes.len();
            self.criteria(table, "", axes, seeds, &mut one);
            if one.refused {
                continue;
            }
            if one.values.is_empty() && one.methods.is_none() && one.seeds.is_none() {
                if self.mistakes.len() == before {
                    let message = "an exclusion without keys would exclude everything".to_owned();
                    self.wrong(element.span(), message, Some(help.to_owned()));
                }
            } else if self.mistakes.len() == before {
                exclusions.push(one);
            }
        }
        exclusions
    }

    fn criteria(
        &mut self,
        table: &DeTable<'_>,
        front: &str,
        axes: &[Axis],
        seeds: &[u64],
        one: &mut Exclusion,
    ) {
        for (part, value) in table {
            let key = format!("{front}{}", part.get_ref());
            let wanted: Vec<(toml::Value, Range<usize>)> = match value.get_ref() {
                DeValue::Array(list) => {
                    list.iter().filter_map(|v| Some((plain(v)?, v.span()))).collect()
                }
                _ => plain(value).map(|v| (v, value.span())).into_iter().collect(),
            };
            if let Some(place) = axes.iter().position(|axis| axis.is(&key)) {
                let axis = &axes[place];
                // A list may be one value of the axis, or several.
                let whole = plain(value).and_then(|v| axis.position(&v));
                let mut places: Vec<usize> = whole.into_iter().collect();
                if places.is_empty() {
                    for (value, span) in wanted {
                        match axis.position(&value) {
                            Some(place) => places.push(place),
                            None => self.no_value(
                                &key,
                                &value,
                                span,
                                axis.values.iter().map(|v| v.label.clone()),
                            ),
                        }
                    }
                }
                one.values.push((place, places));
            } else if key == "method" {
                let mut methods = Vec::new();
                for (value, span) in wanted {
                    let by_name =
                        value.as_str().and_then(|name| self.names.iter().position(|n| n == name));
                    let by_place = value.as_integer().and_then(|i| usize::try_from(i).ok());
                    match by_name.or(by_place.filter(|i| *i < self.names.len())) {
                        Some(method) => methods.push(method),
                        None => self.no_value(&key, &value, span, self.names.iter().cloned()),
                    }
                }
                one.methods = Some(methods);
            } else if key == "seed" || key == "seeds" {
                let mut chosen = Vec::new();
                for (value, span) in wanted {
                    let seed = value.as_integer().and_then(|i| u64::try_from(i).ok());
                    match seed.filter(|seed| seeds.contains(seed)) {
                        Some(seed) => chosen.push(seed),
                        None => self.no_value(&key, &value, span, seeds.iter().map(u64::to_string)),
                    }
                }
                one.seeds = Some(chosen);
            } else if let DeValue::Table(inner) = value.get_ref() {
                self.criteria(inner, &format!("{key}."), axes, seeds, one);
            } else if self.tried.iter().any(|t| *t == key || t.ends_with(&format!(".{key}"))) {
                one.refused = true;
            } else {
                let mut names: Vec<String> = axes.iter().map(|axis| axis.key.clone()).collect();
                names.extend(["method".to_owned(), "seed".to_owned()]);
                let listed: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
                let nearest = nearest(&key, names.iter().map(String::as_str));
                let message = format!(
                    "`{key}` is not swept over: this excludes nothing; expected one of {}",
                    listed.join(", ")
                );
                let help = nearest.map(|name| format!("did you mean `{name}`?"));
                self.wrong(part.span(), message, help);
            }
        }
    }

    fn no_value(
        &mut self,
        key: &str,
        value: &toml::Value,
        span: Range<usize>,
        known: impl Iterator<Item = String>,
    ) {
        let known: Vec<String> = known.collect();
        let found = label(value);
        let nearest = nearest(&found, known.iter().map(String::as_str));
        let help = nearest.map(|name| format!("did you mean {name}?"));
        let message = format!(
            "{key} is never {found}, so that this excludes nothing; its values are {}",
            known.join(", ")
        );
        self.wrong(span, message, help);
    }
}

/// A value without its place.
fn plain(value: &Spanned<DeValue<'_>>) -> Option<toml::Value> {
    toml::Value::deserialize(value.clone().into_deserializer()).ok()
}

/// A kind of value, for people.
fn in_words(kind: &str) -> String {
    match kind {
        "integer" | "float" => "a number".to_owned(),
        "string" => "a text".to_owned(),
        other => format!("a {other}"),
    }
}

/// A value as tables and legends show it.
fn label(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Table(table) if table.len() == 1 => {
            let (name, settings) = table.iter().next().map_or(("", value), |(k, v)| (k, v));
            match settings {
                toml::Value::Table(settings) if settings.is_empty() => name.to_owned(),
                toml::Value::Table(settings) => {
                    let settings: Vec<String> =
                        settings.iter().map(|(k, v)| format!("{k} = {}", label(v))).collect();
                    format!("{name} ({})", settings.join(", "))
                }
                other => format!("{name} = {}", label(other)),
            }
        }
        toml::Value::Array(list) => {
            let list: Vec<String> = list.iter().map(label).collect();
            format!("[{}]", list.join(", "))
        }
        toml::Value::Float(number) => format!("{number}"),
        other => other.to_string(),
    }
}

/// Choices are called by their names alone where that tells them apart.
fn shorten(values: &mut [AxisValue]) {
    let names: Vec<String> = values
        .iter()
        .map(|v| match &v.value {
            toml::Value::Table(table) if table.len() == 1 => table
                .iter()
                .next()
                .filter(|(_, v)| v.is_table())
                .map_or(v.label.clone(), |(k, _)| k.clone()),
            _ => v.label.clone(),
        })
        .collect();
    if names.iter().collect::<BTreeSet<_>>().len() == names.len() {
        for (value, name) in values.iter_mut().zip(names) {
            value.label = name;
        }
    }
}

/// Axes are called by the ends of their keys where that tells them apart.
fn name_axes(axes: &mut [Axis]) {
    let short = |axis: &Axis| -> String {
        let parts: Vec<&str> =
            axis.key.split('.').filter(|p| p.parse::<usize>().is_err()).collect();
        match &parts[..] {
            ["method", "*", .., last] => (*last).to_owned(),
            ["method", name, .., last] => format!("{name} {last}"),
            ["federation", "byzantine", "count"] => "Byzantine".to_owned(),
            [.., "by-class" | "dirichlet" | "partition", last] => (*last).to_owned(),
            [.., last] => (*last).to_owned(),
            [] => axis.key.clone(),
        }
    };
    let names: Vec<String> = axes.iter().map(short).collect();
    for (i, axis) in axes.iter_mut().enumerate() {
        if axis.name.is_empty() {
            let alone = names.iter().filter(|name| **name == names[i]).count() == 1;
            axis.name = if alone { names[i].clone() } else { axis.key.clone() };
        }
    }
}
