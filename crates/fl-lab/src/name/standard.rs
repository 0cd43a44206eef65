//! What this workspace has: the lists of its crates, and the attacks that are made of others.

use super::composed::{LineSearch, Mixture, Random, Scheduled};
use super::documented;
use super::registry::Registry;

impl Registry {
    /// All that this workspace has.
    pub fn standard() -> Self {
        let mut registry = Self::empty();
        fl_agg::parts(&mut registry);
        fl_resample::parts(&mut registry);
        fl_attacks::parts(&mut registry);
        fl_saga::parts(&mut registry);
        fl_models::parts(&mut registry);
        registry
            .with_composed::<Mixture>()
            .with_composed::<Random>()
            .with_composed::<Scheduled>()
            .with_composed::<LineSearch>()
            .with_documented(documented::standard())
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::standard()
    }
}
