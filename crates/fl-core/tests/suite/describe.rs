//! Specs that are declared once: documentation, settings, defaults.

use fl_core::{Described, choice, file_name, spec};

choice! {
    /// Which.
    pub enum Which {
        /// This one.
        ThisOne,
        /// That one.
        That,
    }
}

spec! {
    /// A thing
    /// on two lines.
    ///
    /// # Requirements
    /// None.
    ///
    /// # Example
    /// ```
    /// # let hidden = 1;
    /// ```
    pub struct Thing {
        /// How many.
        pub how_many: usize = 3,
        /// Which of them.
        pub which: Which = Which::That,
        /// Up to here.
        pub limit: Option<f64> = None,
    }
}

spec! {
    /// Nothing to set.
    pub struct Plain;
}

#[test]
fn a_spec_knows_its_documentation_settings_and_defaults() {
    assert_eq!(Thing::default(), Thing { how_many: 3, which: Which::That, limit: None });
    assert_eq!(Thing::DOC.summary(), "A thing on two lines.");
    assert_eq!(Thing::DOC.section("Requirements").concat().trim(), "None.");
    assert_eq!(Thing::DOC.section("Example").len(), 3);
    assert!(Thing::DOC.section("Cost").is_empty());
    let names: Vec<String> = Thing::DOC.settings.iter().map(|s| file_name(s.name)).collect();
    assert_eq!(names, ["how-many", "which", "limit"]);
    assert_eq!(Thing::DOC.settings[1].kind.to_string(), "this-one | that");
    assert_eq!(Which::default(), Which::ThisOne);
    assert_eq!(Plain::DOC.summary(), "Nothing to set.");
    assert_eq!(Plain, <Plain as Default>::default());
}
