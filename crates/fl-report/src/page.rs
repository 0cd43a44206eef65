//! One file out of data, script and style.

use crate::report::Report;
use crate::text::{VALUE, escaped, shown};
use crate::{data, factors, groups, plain};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// The script's modules in the order in which they use each other.
const MODULES: [(&str, &str); 14] = [
    ("dom", include_str!("../page/dom.js")),
    ("statistics", include_str!("../page/statistics.js")),
    ("data", include_str!("../page/data.js")),
    ("selection", include_str!("../page/selection.js")),
    ("save", include_str!("../page/save.js")),
    ("scale", include_str!("../page/scale.js")),
    ("scene", include_str!("../page/scene.js")),
    ("paint", include_str!("../page/paint.js")),
    ("overview", include_str!("../page/overview.js")),
    ("panel", include_str!("../page/panel.js")),
    ("curves", include_str!("../page/curves.js")),
    ("run", include_str!("../page/run.js")),
    ("compare", include_str!("../page/compare.js")),
    ("main", include_str!("../page/main.js")),
];

const STYLE: &str = include_str!("../page/style.css");

/// Runs before the page is shown: what stands still disappears, and comes back if the script fails.
const FIRST: &str = include_str!("../page/first.js");

/// The modules as one: what they import is above it.
fn script() -> String {
    let mut script = String::new();
    for (_, text) in MODULES {
        for line in text.lines().filter(|line| !line.starts_with("import ")) {
            script.push_str(line.strip_prefix("export ").unwrap_or(line));
            script.push('\n');
        }
    }
    script
}

/// An entry of a content security policy that lets exactly this text through.
fn hash(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

/// A report as one HTML file.
///
/// The same report gives the same text. The page asks for nothing: its policy lets its own script and style through and
/// refuses everything else.
///
/// Cost: one pass over the numbers; about 6 bytes a number of a curve.
pub fn html(report: &Report) -> String {
    let factors = factors::factors(&report.runs);
    let groups = groups::groups(&factors, report.runs.len());
    let data::Packed { json, singles, shares } = data::packed(report, &factors);
    let (script, title) = (script(), escaped(&shown(&report.title, VALUE)));
    let policy = format!(
        "default-src 'none'; script-src {} {}; style-src {}; img-src data:; base-uri 'none'; form-action 'none'",
        hash(FIRST),
        hash(&script),
        hash(STYLE),
    );
    let reload = report.reload.map_or(String::new(), |seconds| {
        format!("<noscript><meta http-equiv=\"refresh\" content=\"{seconds}\"></noscript>\n")
    });
    let problems = plain::problems(report);
    let body = plain::body(report, &factors, &groups);
    let writer = escaped(&report.writer);
    let parts = [
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
        &format!("<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n"),
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
        "<meta name=\"color-scheme\" content=\"light dark\">\n",
        "<meta name=\"referrer\" content=\"no-referrer\">\n",
        &format!("<meta name=\"generator\" content=\"{writer}\">\n"),
        &reload,
        &format!("<title>{title}</title>\n<link rel=\"icon\" href=\"data:,\">\n"),
        &format!("<style>{STYLE}</style>\n<script>{FIRST}</script>\n</head>\n<body>\n"),
        &format!("<header><h1>{title}</h1><div id=\"tools\"></div></header>\n{problems}\n"),
        &format!("<main><div id=\"page\"></div>\n<div id=\"plain\">{body}</div></main>\n"),
        &format!("<footer><p>Written by {writer}.</p></footer>\n"),
        "<script type=\"application/json\" id=\"data\">",
        &json,
        "</script>\n<script type=\"text/plain\" id=\"singles\">",
        &singles,
        "</script>\n<script type=\"text/plain\" id=\"shares\">",
        &shares,
        &format!("</script>\n<script type=\"module\">{script}</script>\n</body>\n</html>\n"),
    ];
    parts.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_stand_below_those_that_they_import() {
        for (place, (name, text)) in MODULES.iter().enumerate() {
            for line in text.lines().filter(|line| line.starts_with("import ")) {
                let from = line.rsplit("from ").next().unwrap_or_default();
                let from = from.trim_matches(|c| "\";./".contains(c)).trim_end_matches(".js");
                let above = MODULES[..place].iter().any(|(above, _)| *above == from);
                assert!(above, "{name}.js imports {from}, which does not stand above it: {line}");
            }
        }
    }

    #[test]
    fn no_two_modules_declare_the_same_name() {
        let mut declared = std::collections::HashMap::new();
        for (name, text) in MODULES {
            for line in text.lines() {
                let line = line.strip_prefix("export ").unwrap_or(line);
                let mut words = line.split([' ', '(', '=', ';']);
                let keywords = ["function", "const", "let", "class"];
                if let (Some(word), Some(own)) = (words.next(), words.next())
                    && keywords.contains(&word)
                    && let Some(other) = declared.insert(own, name)
                {
                    panic!("{other}.js and {name}.js both declare {own}");
                }
            }
        }
        assert!(declared.len() > 40);
    }

    #[test]
    fn an_import_is_one_line_and_an_export_is_a_declaration() {
        for (name, text) in MODULES {
            for line in text.lines() {
                let import = line.starts_with("import ");
                assert!(!import || line.ends_with(".js\";"), "{name}.js: {line}");
                let export = line.strip_prefix("export ");
                let declares = |rest: &str| {
                    ["function ", "const ", "class ", "async "].iter().any(|d| rest.starts_with(d))
                };
                assert!(export.is_none_or(declares), "{name}.js: {line}");
            }
            assert!(!text.contains("</script"), "{name}.js would end its element");
        }
    }
}
