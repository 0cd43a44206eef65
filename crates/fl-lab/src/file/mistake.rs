//! Mistakes in experiment files: what, at which line and column, and what to do. Several are told at once.

use std::fmt;
use std::ops::Range;

/// Where in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    start: usize,
    line: usize,
    column: usize,
    text: String,
    width: usize,
}

impl Place {
    pub(crate) fn new(text: &str, span: Range<usize>) -> Self {
        let start = span.start.min(text.len());
        let begin = text[..start].rfind('\n').map_or(0, |i| i + 1);
        let end = text[start..].find('\n').map_or(text.len(), |i| start + i);
        let width = text[start..span.end.clamp(start, end)].chars().count().max(1);
        Self {
            start,
            line: text[..start].matches('\n').count() + 1,
            column: text[begin..start].chars().count() + 1,
            text: text[begin..end].trim_end().to_owned(),
            width,
        }
    }

    /// The line, what stands below it before the carets, and the carets. Of a long line only what is around the place.
    fn excerpt(&self) -> (String, String, String) {
        /// Characters before the place, and in all.
        const BEFORE: usize = 60;
        const WIDTH: usize = 160;
        // A control character would be acted upon by a terminal.
        let plain = |c: char| if c.is_control() && c != '\t' { '\u{fffd}' } else { c };
        let column = self.column - 1;
        let all = self.text.chars().count();
        let from = if all > WIDTH { column.saturating_sub(BEFORE) } else { 0 };
        let mut text: String = self.text.chars().skip(from).take(WIDTH).map(plain).collect();
        let mut space: String =
            // Tabs stay tabs, so that the caret is below its place however wide they are shown.
            text.chars().chain(std::iter::repeat(' ')).take(column - from).map(|c| if c == '\t' { c } else { ' ' }).collect();
        let width = self.width.min(WIDTH.saturating_sub(column - from)).max(1);
        if from > 0 {
            text.insert_str(0, "… ");
            space.insert_str(0, "  ");
        }
        if all > from + WIDTH {
            text.push_str(" …");
        }
        (text, space, "^".repeat(width))
    }
}

/// One mistake in an experiment file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    pub(crate) file: String,
    pub(crate) place: Option<Place>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    /// The keys that lead to what is wrong, where it is a key.
    pub(crate) path: Vec<String>,
    /// Whether it is a key that nothing knows.
    pub(crate) is_unknown_key: bool,
    /// For which values of a sweep it is one, if not for all.
    pub(crate) when: Option<String>,
}

impl Mistake {
    /// What is wrong, without its place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The same message at the same place.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.place == other.place && self.message == other.message
    }

    /// Whether it stands within these bytes of the file.
    pub(crate) fn is_at(&self, span: &Range<usize>) -> bool {
        self.place.as_ref().is_some_and(|place| span.contains(&place.start))
    }

    /// Whether it stands where these bytes begin.
    pub(crate) fn begins(&self, span: &Range<usize>) -> bool {
        self.place.as_ref().is_some_and(|place| place.start == span.start)
    }

    /// The line and the column, from 1, where the mistake has a place.
    pub fn place(&self) -> Option<(usize, usize)> {
        self.place.as_ref().map(|place| (place.line, place.column))
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            None => write!(f, "{}: {}", self.file, self.message.trim_end())?,
            Some(p) => {
                let number = p.line.to_string();
                let pad = " ".repeat(number.len());
                let (text, space, carets) = p.excerpt();
                writeln!(f, "{}:{}:{}: {}", self.file, p.line, p.column, self.message.trim_end())?;
                write!(f, "{pad} |\n{number} | {text}\n{pad} | {space}{carets}")?;
            }
        }
        if let Some(when) = &self.when {
            write!(f, "\n  where: {when}")?;
        }
        match &self.help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}

/// The mistakes in an experiment file, at least one, in the order of their lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    mistakes: Vec<Mistake>,
}

impl ConfigError {
    /// A mistake with no place in the file.
    pub fn plain(file: &str, message: impl fmt::Display) -> Self {
        Self::new(Mistake {
            file: file.to_owned(),
            place: None,
            message: message.to_string(),
            help: None,
            path: Vec::new(),
            is_unknown_key: false,
            when: None,
        })
    }

    pub(crate) fn new(mistake: Mistake) -> Self {
        Self { mistakes: vec![mistake] }
    }

    /// The same with a line that says what to do.
    #[must_use]
    pub fn with_help(mut self, help: impl fmt::Display) -> Self {
        for mistake in &mut self.mistakes {
            mistake.help = Some(help.to_string());
        }
        self
    }

    /// All of them.
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, mistake) in self.mistakes.iter().enumerate() {
            write!(f, "{}{mistake}", if i > 0 { "\n" } else { "" })?;
        }
        match self.mistakes.len() {
            1 => Ok(()),
            count => write!(f, "\n{count} mistakes"),
        }
    }
}

impl std::error::Error for ConfigError {}

/// Mistakes as they are found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mistakes(Vec<Mistake>);

impl Mistakes {
    /// The value, or its mistakes among the others.
    pub(crate) fn take<T>(&mut self, result: Result<T, ConfigError>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(error);
                None
            }
        }
    }

    pub(crate) fn add(&mut self, error: ConfigError) {
        for mistake in error.mistakes {
            if !self.0.iter().any(|m| m.is_like(&mistake)) {
                self.0.push(mistake);
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Leaves out what `drop` says of a mistake's path.
    pub(crate) fn without(mut self, drop: impl Fn(&[String]) -> bool) -> Self {
        self.0.retain(|mistake| !drop(&mistake.path));
        self
    }

    /// The value if there was no mistake.
    pub(crate) fn or<T>(mut self, value: T) -> Result<T, ConfigError> {
        if self.0.is_empty() {
            return Ok(value);
        }
        self.0
            .sort_by_key(|mistake| mistake.place.as_ref().map_or(usize::MAX, |place| place.start));
        Err(ConfigError { mistakes: self.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_line_what_is_around_the_place_is_shown() {
        let long = format!("seeds = [{}x, {}]", "1, ".repeat(5000), "2, ".repeat(5000));
        let at = long.find('x').expect("an x");
        let (text, space, carets) = Place::new(&long, at..at + 1).excerpt();
        assert!(text.chars().count() < 170, "{text}");
        assert_eq!(text.chars().nth(space.chars().count()), Some('x'));
        assert_eq!(carets, "^");
        // As many carets as there is room for.
        let (text, space, carets) = Place::new(&long, 8..long.len()).excerpt();
        assert!(space.len() + carets.len() <= text.chars().count(), "{text}");
        let (text, ..) = Place::new("name = \"a\u{1b}[2J\"", 0..4).excerpt();
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
}
