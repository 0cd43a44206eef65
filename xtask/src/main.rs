//! The repository's own chores. Everything that touches experiments is done by `fl-cli`, so that whatever happens here
//! can be repeated by hand; the commands are printed.

mod bench;
mod benchmarks;
mod book;
mod cases;
mod ci;
mod claims;
mod cluster;
mod cmd;
mod fixed_point;
mod fmt;
mod pages;
mod python;
mod recipe;
mod record;
mod release;
mod reproduce;
mod soak;
mod statistics;
mod strength;
mod tidy;

use anyhow::{Result, bail};

const HELP: &str = "cargo xtask VERB

  data [NAME ...]                      fetch and verify data sets (those of the paper's figures if none is named)
  reproduce WHAT [--seeds N] [--quick] [--offline] [--profile paper|reference|authors]
                                       run a figure of the paper, draw it, and judge the paper's claims about it:
                                       fig1 … fig11, table1, table2, all, or sensitivity to what the paper leaves open;
                                       or tune: find the rivals' step sizes of configs/paper anew;
                                       or page: docs/reproduction.html of the runs that are there;
                                       the environment variable FL_CLI may name an fl-cli that is built already
  strength [tune]                      run all attacks against all pipelines of configs/strength, and write docs/strength.md
                                       and docs/strength.html; or find the pipelines' steps anew
  benchmarks [--whole] [--write]       run settings of byzfl and Blades, an hour's share of them or the whole, or only write
                                       what is finished; in docs/benchmarks.md
  soak [--texts N] [--kills N] [--minutes N] [--seed N]
                                       read a million experiment files with mistakes; kill runs at 200 random moments
                                       and compare what they leave; then watch a run for 20 minutes
  cases [NAME ...]                     try small inputs that went wrong once, and print a table
  cluster                              try the templates of scripts/cluster with the engines that can be had here
  fmt [--check]                        format all sources, those too that are listed in macros
  recipe                               add a rule to a copy of the workspace as CONTRIBUTING.md says, and run it
  tidy [--list]                        check the repository itself; or list the exceptions that its state needs
  pages                                check the report's script, and try its page in Chromium; fetches npm's tools, and
                                       says what it skips
  python [--all]                       build the Python package, and test it in a fresh environment; --all also against
                                       PyTorch and byzfl, which takes gigabytes
  updates                              20 files of 10⁷ and 5·10⁷ numbers: bits as in memory, rates beside NumPy's; needs 7 GB
  own-model                            build and run examples/own-model, a network in burn; takes minutes
  book                                 build the papers as a book, in target/book/html, with mdbook
  release check VERSION | try          what must hold before VERSION is released; pack the crates and build them
  bench                                run the benches and write docs/speed.md and a line of docs/speed.csv; needs MNIST
  ci                                   everything that a change must pass after the tests
";

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["data", names @ ..] => data(names),
        ["reproduce", rest @ ..] => reproduce::reproduce(rest),
        ["strength"] => strength::strength(),
        ["strength", "tune"] => strength::tune(),
        ["benchmarks", rest @ ..] => benchmarks::benchmarks(rest),
        ["soak", rest @ ..] => soak::soak(rest),
        ["cluster"] => cluster::cluster(),
        ["fmt"] => fmt::fmt(false),
        ["fmt", "--check"] => fmt::fmt(true),
        ["recipe"] => recipe::recipe(),
        ["tidy"] => tidy::tidy(false),
        ["tidy", "--list"] => tidy::tidy(true),
        ["cases", words @ ..] => cases::cases(words),
        ["pages"] => pages::pages(),
        ["python"] => python::python(false),
        ["python", "--all"] => python::python(true),
        ["updates"] => ["10000000", "50000000"].iter().try_for_each(|numbers| {
            cmd::run(&["bench", "-p", "fl-updates", "--bench", "files", "--", "20", numbers])
        }),
        ["own-model"] => ci::example("own-model"),
        ["book"] => book::book(),
        ["release", "check", version] => release::check(version),
        ["release", "try"] => release::try_it(),
        ["bench"] => bench::bench(),
        ["ci"] => ci::ci(),
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        _ => bail!("cargo xtask {}: no such chore\n\n{HELP}", args.join(" ")),
    }
}

fn data(names: &[&str]) -> Result<()> {
    let names = if names.is_empty() { &["mnist", "covtype"][..] } else { names };
    let mut args = vec!["data", "fetch"];
    args.extend(names);
    cmd::fl_cli(&args)?;
    let mut args = vec!["data", "verify"];
    args.extend(names);
    cmd::fl_cli(&args)
}
