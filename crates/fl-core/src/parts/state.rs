//! What is carried from one round to the next, shown part by part.

/// One part of what is carried over: numbers that a visitor may read or replace.
#[derive(Debug)]
#[non_exhaustive]
pub enum Part<'a, T> {
    /// A vector, as parameters are.
    Vector(&'a mut [T]),
    /// A matrix with rows of the given length, row-major.
    Matrix(&'a mut [T], usize),
    /// Numbers in double precision, whatever the messages are in.
    Doubles(&'a mut [f64]),
    /// A count, a round, or 0 and 1 for a yes or no.
    Count(&'a mut u64),
}

/// Who is shown the parts, each with its name.
///
/// The same walk serves to save and to restore, so that nothing can be saved that is not restored: a visitor that saves
/// copies each part, one that restores overwrites it.
pub type Visit<'v, T> = dyn FnMut(&str, Part<'_, T>) + 'v;
