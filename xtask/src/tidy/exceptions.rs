//! What tidy puts up with, and why. This list may only shrink.

/// What is found, how large it may be, and the reason.
pub(super) const EXCEPTIONS: &[(&str, usize, &str)] = &[];
