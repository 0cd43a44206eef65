//! The rivals' step sizes in the profile `paper`, found by `fl-cli tune` and written into its experiment files.

use crate::cmd::{self, write};
use crate::record::{Options, Profile};
use anyhow::{Context, Result};
use std::fs;

/// Figures whose rivals are tuned, and those that take their methods over because all else is the same.
const TUNED: &[(&str, &[&str])] = &[
    ("fig4", &[]),
    ("fig5", &[]),
    ("fig6", &[]),
    ("fig7", &["fig8"]),
    ("fig10", &[]),
    ("fig11", &[]),
];

/// Where the evidence is.
const FOLDER: &str = "configs/paper/tuned";

/// Tunes all figures; what was tried already is not run again.
pub(crate) fn run(options: &Options) -> Result<()> {
    let path = |name: &str| cmd::root().join(name);
    let read =
        |name: &str| fs::read_to_string(path(name)).with_context(|| format!("cannot read {name}"));
    fs::create_dir_all(path(FOLDER)).with_context(|| format!("cannot make the folder {FOLDER}"))?;
    for (i, (figure, followers)) in TUNED.iter().enumerate() {
        eprintln!("\n[{} of {}] {figure}", i + 1, TUNED.len());
        let config = Profile::Paper.config(figure);
        let tuned = format!("{FOLDER}/{figure}.toml");
        let mut args = vec!["tune", &config, "--tuned", &tuned];
        if options.offline {
            args.push("--offline");
        }
        cmd::fl_cli(&args)?;
        let text = read(&tuned)?;
        write(&config, &text)?;
        // The evidence stays as tables; the file has moved to its place, and every number again as JSON is too much to keep.
        for file in [tuned, format!("{FOLDER}/{figure}.json")] {
            fs::remove_file(path(&file)).with_context(|| format!("cannot remove {file}"))?;
        }
        for follower in *followers {
            let config = Profile::Paper.config(follower);
            let new = with_methods(&read(&config)?, &text);
            write(&config, &new)?;
        }
    }
    Ok(())
}

/// An experiment file with the methods of another.
fn with_methods(text: &str, other: &str) -> String {
    let (head, _) = text.split_once("[[method]]").unwrap_or((text, ""));
    match other.split_once("[[method]]") {
        Some((_, methods)) => format!("{head}[[method]]{methods}"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_taken_over_and_the_rest_is_kept() {
        let other =
            "rounds = 9\n\n[[method]]\nname = \"a\"\nstep = 2\n\n[[method]]\nname = \"b\"\n";
        let text = "rounds = 8\n\n[[method]]\nname = \"a\"\n";
        let new = with_methods(text, other);
        assert_eq!(
            new,
            "rounds = 8\n\n[[method]]\nname = \"a\"\nstep = 2\n\n[[method]]\nname = \"b\"\n"
        );
    }

    /// What the files say must be what was tuned.
    #[test]
    fn figures_that_differ_in_one_number_have_the_same_methods() {
        for (figure, followers) in TUNED {
            let read = |name: &str| {
                let path = cmd::root().join(Profile::Paper.config(name));
                fs::read_to_string(path).unwrap()
            };
            for follower in *followers {
                let text = read(follower);
                assert_eq!(with_methods(&text, &read(figure)), text, "{follower} and {figure}");
            }
        }
    }
}
