//! Comma-separated values: a pure function of bytes.
//!
//! One row a line, numbers in all columns but the label's. Fields may stand in quotes (`"a ""b"" c"`), but not run over the
//! end of a line; blank lines are skipped; lines end in `\n` or `\r\n`; a byte order mark is read past. Where the first
//! line has no comma but tabs, semicolons or blanks, these separate fields.
//!
//! Unless the options say whether the first line holds names, it is found out: it does if its features are no numbers, or
//! if its label is none and all others are; where that is open it is refused. What was found out is told.
//!
//! Numbers are read to `f64` as the standard library reads them and rounded to `f32`. Labels are texts, or decimal numbers
//! of any length, of which `1`, `+1` and `1.0` are one.
//!
//! Cost: two passes, in parallel over parts of a megabyte. At most 8 bytes are allocated for each byte of input, some fifty
//! for each name in a first line, and some hundred for each label that occurs.

mod head;
mod line;
mod options;
mod row;

pub use options::{Column, CsvOptions, MISSING};

use super::labels::{Labels, decimal, places, sort};
use super::text::{Note, Part, Table, TextError, decoded, excerpt, few, fill, parts, trim, zeros};
use head::{Head, Header};
use line::{Fields, content};
use row::{Read, Reader};

/// Reads a table.
///
/// # Errors
/// With line and field: a row of another length, a field that is no finite number, a quote that is not closed, a label
/// that is not one text in UTF-8; when a column that is asked for does not exist, there are no rows, it is open whether
/// the first line holds names, or lines end in carriage returns alone.
pub fn parse(text: &[u8], options: &CsvOptions) -> Result<Table, TextError> {
    read(text, options, None)
}

/// Reads a table whose columns should be those of another one. Where both have names, features are matched by name.
///
/// # Errors
/// As [`parse`], and when names differ.
pub fn parse_like(text: &[u8], options: &CsvOptions, like: &Table) -> Result<Table, TextError> {
    read(text, options, Some(like))
}

fn read(text: &[u8], options: &CsvOptions, like: Option<&Table>) -> Result<Table, TextError> {
    let text = decoded(text)?;
    let comment = options.comment.and_then(|c| u8::try_from(c).ok());
    let all = parts(text, 1, comment)?;
    let Some((line, first)) = all.iter().flat_map(Part::lines).next() else {
        return Err(TextError::Empty);
    };
    let mut head = Head::read(trim(first), line, options)?;
    let names_of = like.map(|like| (&like.header[..], &like.names[..]));
    let (mut named, mut notes) = (None, Vec::new());
    match names_of {
        Some((header, names)) if !header.is_empty() && head.has_names() => {
            let options = by_name(options, header, &head.names);
            head = Head::read(trim(first), line, &options)?;
            head.in_order_of(names)?;
            named = Some(options);
        }
        Some((header, _)) if header.is_empty() == head.has_names() => {
            let who = if head.has_names() { "the training rows have" } else { "this file has" };
            let text = format!("{who} no names, so that columns are matched by place");
            notes.push(Note { text, warning: true });
        }
        _ => {}
    }
    let parts = if head.has_names() {
        let end = first.as_ptr_range().end as usize - text.as_ptr() as usize;
        parts(text.get(end + 1..).unwrap_or_default(), line + 1, comment)?
    } else {
        all
    };
    let mut table = rows(&parts, &head, named.as_ref().unwrap_or(options))?;
    if names_after_all(&table, &head, first)? {
        let options = CsvOptions { header: Some(true), ..options.clone() };
        return read(text, &options, like);
    }
    table.notes = notes;
    describe(&mut table, &head);
    Ok(table)
}

/// The options with columns by the names that another file has for them.
fn by_name(options: &CsvOptions, header: &[String], own: &[String]) -> CsvOptions {
    let name = |column: &Column| match column {
        Column::Name(_) => column.clone(),
        Column::Index(i) => {
            let place = if *i < 0 { header.len() as i64 + i } else { *i };
            let name = usize::try_from(place).ok().and_then(|i| header.get(i));
            name.map_or(column.clone(), |name| Column::Name(name.clone()))
        }
    };
    let names = |columns: &[Column]| columns.iter().map(name).collect::<Vec<_>>();
    let there = |column: &Column| matches!(column, Column::Name(n) if own.contains(n));
    CsvOptions {
        label: name(&options.label),
        // What is left out need not be there.
        drop: names(&options.drop).into_iter().filter(there).collect(),
        categories: names(&options.categories),
        group: options.group.as_ref().map(name),
        ..options.clone()
    }
}

/// Whether a first line whose features are numbers holds names all the same, which its label tells.
///
/// # Errors
/// Where that is open.
fn names_after_all(table: &Table, head: &Head, first: &[u8]) -> Result<bool, TextError> {
    let line = head.line;
    let open = |why: String| Err(TextError::Header { line, why });
    match head.header {
        Header::Yes | Header::No => Ok(false),
        Header::Counts => {
            open("it counts 0, 1, 2, …, as columns without names are numbered".into())
        }
        Header::Mixed => {
            let label = &head.names[head.label()];
            let label = decimal(label).unwrap_or_else(|| label.clone());
            if table.targets.is_none() && table.labels.names.contains(&label) {
                let found = excerpt(trim(first));
                return open(format!(
                    "{found} has numbers in it, and its label is that of other rows"
                ));
            }
            Ok(false)
        }
        Header::Numbers if table.targets.is_some() => Ok(false),
        Header::Numbers => {
            let (names, counts) = (&table.labels.names, table.labels.counts());
            let own = table.labels.index[0] as usize;
            let others = || (0..names.len()).filter(|&i| i != own);
            if counts[own] > 1 || names.len() < 2 {
                return Ok(false);
            }
            let number = |i: usize| decimal(&names[i]).is_some();
            if !number(own) && others().all(number) {
                return Ok(true);
            }
            // Names of columns that are numbers, such as years, are whole ones above columns of others.
            let like_names = || {
                let digits = |f: &[u8]| content(f).iter().all(u8::is_ascii_digit);
                let mut fields = Fields::new(trim(first), head.separator);
                let column = |c: usize| table.values.iter().skip(table.columns + c);
                let broken = |c| column(c).step_by(table.columns).any(|v| v.fract() != 0.0);
                fields.all(|f| f.is_ok_and(digits)) && (0..table.columns).all(broken)
            };
            let strange = match (number(own), others().any(number)) {
                (true, false) => true,
                (false, _) => others().all(|i| counts[i] > 1),
                (true, true) => others().all(|i| counts[i] > 1) && like_names(),
            };
            if strange {
                let name = excerpt(names[own].as_bytes());
                return open(format!("its label {name} stands in no other row"));
            }
            Ok(false)
        }
    }
}

/// Notes how the file was understood.
fn describe(table: &mut Table, head: &Head) {
    let header = if head.has_names() { "the first line holds names" } else { "there are no names" };
    let label = head.label();
    let name = head.names.get(label).map(|n| format!(" ({n:?})")).unwrap_or_default();
    let what = if table.targets.is_some() { "target" } else { "label" };
    let text = format!(
        "{} columns separated by {}; {header}; the {what} is column {}{name}",
        head.uses.len(),
        head.separator.what(),
        label + 1
    );
    table.notes.insert(0, Note { text, warning: false });
    let column = |place: usize| table.values.iter().skip(place).step_by(table.columns);
    let counts = |start: usize| column(0).enumerate().all(|(i, v)| *v == (i + start) as f32);
    if table.names.first().is_some_and(String::is_empty) && (counts(0) || counts(1)) {
        let text =
            "the first feature has no name and numbers the rows; `drop = [0]` leaves it out".into();
        table.notes.push(Note { text, warning: true });
    }
}

/// Reads the rows of all parts.
fn rows(parts: &[Part<'_>], head: &Head, options: &CsvOptions) -> Result<Table, TextError> {
    let columns = head.columns;
    let rows: usize = parts.iter().map(|p| p.rows).sum();
    if rows == 0 {
        return Err(TextError::Empty);
    }
    let reader = Reader { head, options };
    // A row has at least a byte for each number, one between two fields, and one at its end. Where the text is too short
    // for that a row is wrong, and is found before memory is taken for numbers that are not there.
    let bytes: usize = parts.iter().map(|p| p.bytes.len()).sum();
    if !options.missing && rows.saturating_mul(columns + head.uses.len() + 1) > bytes + 1 {
        let mut own = zeros(1, columns)?;
        for part in parts {
            for (line, row) in part.lines() {
                reader.row(line, trim(row), &mut own, &mut Read::new(head))?;
            }
        }
    }
    let mut values = zeros(rows, columns)?;
    let read = fill(parts, columns, &mut values, |part, out| reader.part(part, out))?;
    let mut table = Table { columns, values, ..Table::default() };
    join(&mut table, read, parts, options)?;
    if head.has_names() {
        table.names = head.feature_names();
        table.header.clone_from(&head.names);
    }
    Ok(table)
}

/// Joins what was read of parts.
fn join(
    table: &mut Table,
    read: Vec<Read>,
    parts: &[Part<'_>],
    options: &CsvOptions,
) -> Result<(), TextError> {
    let columns = table.columns;
    let (mut labels, mut groups, mut targets) = (Vec::new(), Vec::new(), Vec::new());
    let mut levels: Vec<Vec<String>> = vec![Vec::new(); read.first().map_or(0, |r| r.levels.len())];
    for part in &read {
        for (all, own) in levels.iter_mut().zip(&part.levels) {
            all.extend_from_slice(own.names());
        }
    }
    levels.iter_mut().for_each(sort);
    let mut start = 0;
    for (part, read) in parts.iter().zip(read) {
        let values = &mut table.values[start * columns..(start + part.rows) * columns];
        for (column, own) in
            read.levels.iter().enumerate().filter(|(_, own)| !own.names().is_empty())
        {
            let map = places(own.names(), &levels[column]);
            for value in values.iter_mut().skip(column).step_by(columns).filter(|v| !v.is_nan()) {
                *value = map[*value as usize] as f32;
            }
        }
        start += part.rows;
        labels.push((read.index, read.labels));
        groups.push((read.group, read.groups));
        targets.extend(read.targets);
    }
    table.levels = levels;
    table.labels = Labels::merge(labels);
    few(&table.labels, parts)?;
    if options.group.is_some() {
        table.groups = Some(Labels::merge(groups));
    }
    if options.targets {
        table.labels = Labels { index: vec![0; targets.len()], names: vec!["target".into()] };
        table.targets = Some(targets);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
