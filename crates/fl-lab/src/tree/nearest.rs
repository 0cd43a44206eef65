//! The name that was meant.

/// The name that was meant: the nearest one by Levenshtein's distance, where no more than half of what was written,
/// rounded up, is wrong.
pub fn nearest<'a>(got: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |name| (strsim::levenshtein(got, name), name);
    let (wrong, name) = names.into_iter().map(distance).min()?;
    (wrong <= got.chars().count().div_ceil(2)).then_some(name)
}
