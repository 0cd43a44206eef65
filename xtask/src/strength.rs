//! `cargo xtask strength`: docs/strength.md, what each attack leaves of each defence.

use crate::cmd;
use anyhow::{Context, Result};
use std::fs;

const CONFIG: &str = "configs/attack_matrix.toml";
const PATH: &str = "docs/strength.md";
/// Where the pictures are, without what tells them apart.
const FIGURE: &str = "docs/figures/strength";

/// The pictures, by what they show; names as `fl-cli plot` makes them from the labels of the sweep.
const PICTURES: [(&str, &str); 2] = [("i.i.d.", "i.i.d. data"), ("non-i.i.d.", "non-i.i.d. data")];

const HEAD: &str = "\
# How strong the attacks are

Written by `cargo xtask strength`; do not edit.

Ten methods against sixteen attacks, on data dealt at random and three workers to a class: softmax regression on the 1 797 digits
that the program carries, thirty workers of which six, drawn anew for each seed, are Byzantine and know everything, 300 rounds,
three seeds. A cell is the final test accuracy, the mean over the evaluations in the last 50 rounds and over seeds.
[The experiment file](../configs/attack_matrix.toml) has all settings. With `none` all thirty workers are regular.

The *worst case* is the least of a method's cells: what is left against an adversary that chooses the best of these attacks. It
bounds what a stronger adversary leaves from above only, as it holds for the attacks in the table and no others.

The line searches choose, in every round, the strength that moves the server's decision farthest from the mean of the regular
messages, with the defence's own random draws. On the same messages this is at least as far as any fixed strength in the range moves
it. Accuracy after 300 rounds need not follow: a decision may be far from the mean in a direction that does little harm, and a table
of accuracies says which did.
";

pub(crate) fn strength() -> Result<()> {
    cmd::fl_cli(&["sweep", "run", CONFIG, "--jobs", "2"])?;
    let worst = ["results", CONFIG, "--by", "partition", "--by", "method", "--format", "markdown"];
    let worst = cmd::fl_cli_output(&worst)?;
    let heat = ["--heat", "--rows", "method", "--columns", "attack"];
    let name = ["--figure", FIGURE, "--title", "Final test accuracy"];
    cmd::fl_cli(&[&["plot", CONFIG][..], &heat, &name].concat())?;
    let mut text = HEAD.to_owned();
    for (label, title) in PICTURES {
        let picture = format!("strength~{label}.png");
        text += &format!(
            "\n## On {title}\n\n![Accuracy of ten methods under sixteen attacks, {title}](figures/{picture})\n"
        );
        fs::metadata(cmd::root().join("docs/figures").join(&picture))
            .with_context(|| format!("docs/figures/{picture} was not drawn"))?;
        // The document shows PNG; the drawing itself can be had from the sweep.
        let svg = cmd::root().join(format!("{FIGURE}~{label}.svg"));
        fs::remove_file(&svg).with_context(|| format!("cannot remove {}", svg.display()))?;
    }
    text += &format!("\n## The worst of it\n\n{worst}");
    let path = cmd::root().join(PATH);
    fs::write(&path, text.trim_end().to_owned() + "\n")
        .with_context(|| format!("cannot write {}", path.display()))?;
    println!("{PATH}");
    Ok(())
}
