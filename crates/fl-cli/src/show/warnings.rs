//! What an experiment does beyond what is proven.

use crate::host::say;
use fl_lab::theory::Warning;
use std::collections::BTreeSet;
use std::path::Path;

/// All warnings, a line each, where errors go.
pub(crate) fn list(warnings: &[Warning]) {
    for Warning { method, message } in warnings {
        say::remark(format_args!("warning: {}: {message}", say::on_one_line(method)));
    }
}

/// One line that says how many there are and where to read them: many are no news to whoever repeats a paper.
pub(crate) fn count(warnings: &[Warning], config: &Path) {
    let methods: BTreeSet<&str> = warnings.iter().map(|w| w.method.as_str()).collect();
    let of = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    if !warnings.is_empty() {
        say::remark(format_args!(
            "note: {} of {} beyond what is proven; `fl-cli theory {}` lists them",
            of(warnings.len(), "setting"),
            of(methods.len(), "method"),
            config.display()
        ));
    }
}
