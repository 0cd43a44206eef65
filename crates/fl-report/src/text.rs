//! Names and values of others, made harmless and short.

use std::collections::HashSet;

/// Characters of a name that are shown.
pub(crate) const NAME: usize = 80;

/// Characters of a setting or a fact that are shown.
pub(crate) const VALUE: usize = 400;

/// At most `most` characters of a text, in which characters that cannot be seen, or that change the order of others, are
/// written as their numbers.
pub(crate) fn shown(text: &str, most: usize) -> String {
    let mut out = String::new();
    for (i, c) in text.chars().enumerate() {
        if i == most {
            out.push('…');
            break;
        }
        if is_hidden(c) {
            out.push_str(&format!("⟨U+{:04X}⟩", c as u32));
        } else {
            out.push(c);
        }
    }
    out
}

/// Control characters, marks of direction, separators of lines, characters without width, and those for private use.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{61c}')
        || matches!(c, '\u{feff}' | '\u{e000}'..='\u{f8ff}' | '\u{fff9}'..='\u{fffb}' | '\u{ad}')
}

/// Names as they are shown, so that different names stay different.
pub(crate) fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken = HashSet::new();
    names
        .map(|name| {
            let short = shown(name, NAME);
            let numbered = (2..).map(|n| format!("{short} ({n})"));
            let free =
                std::iter::once(short.clone()).chain(numbered).find(|n| taken.insert(n.clone()));
            free.unwrap_or(short)
        })
        .collect()
}

/// Text as HTML, for places between tags and inside quotes.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_shown_as_its_number() {
        assert_eq!(shown("a\u{202e}b\0\n", 80), "a⟨U+202E⟩b⟨U+0000⟩⟨U+000A⟩");
        assert_eq!(shown("قيمة, α, 学", 80), "قيمة, α, 学");
        assert_eq!(shown("abcdef", 3), "abc…");
        assert_eq!(shown("abc", 3), "abc");
    }

    #[test]
    fn names_that_are_cut_alike_stay_apart() {
        let long = "x".repeat(10_000);
        let other = long.clone() + "y";
        let names = distinct([long.as_str(), other.as_str(), "z"].into_iter());
        assert_eq!(names[0], "x".repeat(80) + "…");
        assert_eq!(names[1], "x".repeat(80) + "… (2)");
        assert_eq!(names[2], "z");
    }

    #[test]
    fn html_has_no_way_out_of_quotes_or_tags() {
        assert_eq!(escaped("</script>\"'&"), "&lt;/script&gt;&quot;&#39;&amp;");
    }
}
