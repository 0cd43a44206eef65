//! What the first line says: names or not, and what each column is for.

use super::super::number::whole;
use super::super::text::{TextError, excerpt};
use super::line::{Fields, Separator, content};
use super::options::{Column, CsvOptions, is_missing};

/// What a column is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Features, each with its place among them.
    Feature(u32),
    /// The same for texts.
    Category(u32),
    Label,
    Group,
    Nothing,
}

/// What is known of a file's columns.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) separator: Separator,
    /// Number of the first line.
    pub(super) line: u64,
    /// Whether it holds names.
    pub(super) header: Header,
    pub(super) names: Vec<String>,
    pub(super) uses: Vec<Use>,
    /// Features.
    pub(super) columns: usize,
}

/// Whether the first line holds names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// As the options say, or beyond doubt.
    Yes,
    No,
    /// Some of its fields are numbers, and some are none.
    Mixed,
    /// All its features are numbers: labels will tell.
    Numbers,
    /// It counts: 0, 1, 2, …
    Counts,
}

impl Head {
    /// Reads the first line that is a row, whose number is `line`.
    pub(super) fn read(first: &[u8], line: u64, options: &CsvOptions) -> Result<Self, TextError> {
        let separator = separator(first, line, options)?;
        let fields = Fields::new(first, separator).collect::<Result<Vec<_>, _>>();
        let fields = fields.map_err(|e| e.at(line))?;
        let named = named(options);
        let header = match options.header {
            Some(false) if !named => Header::No,
            Some(_) => Header::Yes,
            None if named => Header::Yes,
            None => guess(&fields, line, separator, options)?,
        };
        let names = match header {
            Header::No | Header::Counts | Header::Numbers => Vec::new(),
            Header::Yes | Header::Mixed => names(&fields, line)?,
        };
        let uses = resolve(options, &names, fields.len(), separator)?;
        let columns = uses.iter().filter(|u| u.is_feature()).count();
        Ok(Self { separator, line, header, names, uses, columns })
    }

    /// Whether the first line is taken for names, as far as is known.
    pub(super) fn has_names(&self) -> bool {
        matches!(self.header, Header::Yes | Header::Mixed)
    }

    /// Names of features, where there are names.
    pub(super) fn feature_names(&self) -> Vec<String> {
        let named = self.names.iter().zip(&self.uses).filter(|(_, u)| u.is_feature());
        named.map(|(n, _)| n.clone()).collect()
    }

    /// Where the column of labels is.
    pub(super) fn label(&self) -> usize {
        self.uses.iter().position(|u| *u == Use::Label).unwrap_or(0)
    }

    /// Gives features the places that they have in another file, by their names.
    pub(super) fn in_order_of(&mut self, wanted: &[String]) -> Result<(), TextError> {
        let own = self.feature_names();
        if own == wanted {
            return Ok(());
        }
        let list = |names: Vec<&String>| {
            let listed: Vec<_> = names.iter().take(8).map(|n| format!("{n:?}")).collect();
            listed.join(", ") + if names.len() > 8 { ", …" } else { "" }
        };
        let lacks: Vec<_> = wanted.iter().filter(|n| !own.contains(n)).collect();
        let more: Vec<_> = own.iter().filter(|n| !wanted.contains(n)).collect();
        let twice = wanted.iter().find(|n| wanted.iter().filter(|m| m == n).count() > 1);
        let found = match (lacks.is_empty(), more.is_empty(), twice) {
            (true, true, None) if own.len() == wanted.len() => {
                let mut places =
                    own.iter().map(|n| wanted.iter().position(|w| w == n).unwrap_or(0) as u32);
                for usage in self.uses.iter_mut().filter(|u| u.is_feature()) {
                    let place = places.next().unwrap_or(0);
                    *usage = match usage {
                        Use::Category(_) => Use::Category(place),
                        _ => Use::Feature(place),
                    };
                }
                return Ok(());
            }
            (false, true, _) => format!("columns without {}", list(lacks)),
            (true, false, _) => format!("also {}", list(more)),
            (false, false, _) => format!("{} in place of {}", list(more), list(lacks)),
            (true, true, Some(name)) => format!("{name:?} more than once, in another order"),
            (true, true, None) => "some of them more than once".into(),
        };
        Err(TextError::Column {
            wanted: "for each feature of the training rows, by name".into(),
            found,
        })
    }
}

impl Use {
    pub(super) fn is_feature(self) -> bool {
        matches!(self, Use::Feature(_) | Use::Category(_))
    }
}

/// Whether the options name a column by its name.
fn named(options: &CsvOptions) -> bool {
    let CsvOptions { label, drop, categories, group, .. } = options;
    let mut columns = drop.iter().chain(categories).chain(group).chain([label]);
    columns.any(|c| matches!(c, Column::Name(_)))
}

/// What separates fields: the delimiter, or where that is the comma and the line has none, what else it shows.
fn separator(first: &[u8], line: u64, options: &CsvOptions) -> Result<Separator, TextError> {
    let Some(separator) = Separator::new(options.delimiter) else {
        return Err(TextError::Column {
            wanted: "separated by one ASCII character".into(),
            found: format!("the delimiter {:?}", options.delimiter),
        });
    };
    let count = |separator| Fields::new(first, separator).take_while(Result::is_ok).count();
    if options.delimiter != ',' || count(separator) > 1 {
        return Ok(separator);
    }
    let others = ['\t', ';', ' '].into_iter().filter_map(Separator::new);
    let mut others: Vec<Separator> = others.filter(|other| count(*other) > 1).collect();
    // Blanks are tabs too.
    if let [tab, blanks] = others[..]
        && tab.is(b'\t')
        && blanks.blanks()
        && count(tab) == count(blanks)
    {
        others.pop();
    }
    match others[..] {
        [other] => Ok(other),
        [] => Ok(separator),
        _ => {
            let shown: Vec<_> = others.iter().map(|s| s.what()).collect();
            Err(TextError::Line {
                line,
                field: None,
                expected: "fields separated by commas, or by the `delimiter` that is set".into(),
                found: format!("what may be separated by {}", shown.join(" or ")),
            })
        }
    }
}

fn names(fields: &[&[u8]], line: u64) -> Result<Vec<String>, TextError> {
    let name = |field: &&[u8]| {
        let name = content(field);
        match str::from_utf8(&name) {
            Ok(name) => Ok(name.trim().to_owned()),
            Err(_) => Err(TextError::Line {
                line,
                field: None,
                expected: "names in UTF-8".into(),
                found: excerpt(&name),
            }),
        }
    };
    fields.iter().map(name).collect()
}

/// Whether a first line holds names, from its fields that are features.
fn guess(
    fields: &[&[u8]],
    line: u64,
    separator: Separator,
    options: &CsvOptions,
) -> Result<Header, TextError> {
    let comment = fields.first().is_some_and(|f| f.trim_ascii().starts_with(b"#"));
    if comment && options.comment.is_none() {
        let why = "it begins with `#`, and `comment = \"#\"` leaves out such lines".into();
        return Err(TextError::Header { line, why });
    }
    let uses = resolve(options, &[], fields.len(), separator)?;
    let label = uses.iter().position(|u| *u == Use::Label).unwrap_or(0);
    if options.targets && whole(&content(fields[label])).is_none() {
        return Ok(Header::Yes);
    }
    let (mut numbers, mut others, mut missing) = (0, 0, 0);
    for (field, usage) in fields.iter().zip(&uses) {
        if let Use::Feature(_) = usage {
            let token = content(field);
            match whole(&token) {
                Some(_) => numbers += 1,
                None if is_missing(&token) => missing += 1,
                None => others += 1,
            }
        }
    }
    if numbers + others + missing == 0 {
        let why = "all its features are categories".into();
        return Err(TextError::Header { line, why });
    }
    Ok(match (numbers, others, missing) {
        (0, ..) => Header::Yes,
        (_, 0, 0) => match counts(fields) {
            true => Header::Counts,
            false => Header::Numbers,
        },
        (_, 0, _) if options.missing => Header::Numbers,
        // A table with its rows' numbers begins with a column without a name.
        (_, 0, 1) if fields.first().is_some_and(|f| content(f).is_empty()) => Header::Mixed,
        (_, 0, _) => {
            let why = "some of its fields are numbers, the others look like missing ones".into();
            return Err(TextError::Header { line, why });
        }
        _ => Header::Mixed,
    })
}

/// Whether fields are 0, 1, 2, …, as tools number columns that have no names.
fn counts(fields: &[&[u8]]) -> bool {
    fields.len() > 1
        && fields.iter().enumerate().all(|(i, f)| *content(f) == *i.to_string().as_bytes())
}

fn resolve(
    options: &CsvOptions,
    names: &[String],
    count: usize,
    separator: Separator,
) -> Result<Vec<Use>, TextError> {
    let mut uses = vec![Use::Feature(0); count];
    for column in &options.drop {
        uses[find(column, names, count)?] = Use::Nothing;
    }
    for column in &options.categories {
        uses[find(column, names, count)?] = Use::Category(0);
    }
    if let Some(column) = &options.group {
        uses[find(column, names, count)?] = Use::Group;
    }
    uses[find(&options.label, names, count)?] = Use::Label;
    let mut place = 0;
    for usage in uses.iter_mut().filter(|u| u.is_feature()) {
        *usage = match usage {
            Use::Category(_) => Use::Category(place),
            _ => Use::Feature(place),
        };
        place += 1;
    }
    if place == 0 {
        return Err(TextError::Column {
            wanted: "of features besides the label".into(),
            found: format!(
                "{count} field{} in the first row separated by {}",
                if count == 1 { "" } else { "s" },
                separator.what()
            ),
        });
    }
    Ok(uses)
}

/// The place of a column.
fn find(column: &Column, names: &[String], count: usize) -> Result<usize, TextError> {
    let place = match column {
        Column::Name(name) => {
            let mut places = names.iter().enumerate().filter(|(_, n)| n.as_str() == name.trim());
            let place = places.next().map(|(i, _)| i);
            if places.next().is_some() {
                let wanted = format!("{column}, once");
                return Err(TextError::Column { wanted, found: "it more than once".into() });
            }
            place
        }
        Column::Index(i) if *i < 0 => {
            usize::try_from(i.unsigned_abs()).ok().and_then(|i| count.checked_sub(i))
        }
        Column::Index(i) => usize::try_from(*i).ok().filter(|i| *i < count),
    };
    place.ok_or_else(|| {
        let listed: Vec<_> = names.iter().take(12).map(|n| format!("{n:?}")).collect();
        let more = if names.len() > 12 { ", …" } else { "" };
        let found = if names.is_empty() {
            format!("{count} columns without names")
        } else {
            format!("{}{more}", listed.join(", "))
        };
        TextError::Column { wanted: column.to_string(), found }
    })
}
