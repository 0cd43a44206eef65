//! What the tables come to, in five points whose numbers are computed here.

use super::expected::FIRST_LOOK;
use super::federation::{BY_CLASS, Federation, MNIST, Method, Which, Worst};
use crate::statistics::Estimate;
use anyhow::{Context, Result};

/// The attack of the paper's Figure 7.
const FIGURE_7: &str = "sample duplicating";
const PAPER: &str = "Proposed";

/// The five points as a numbered list.
pub(super) fn conclusions(federations: &[Federation]) -> Result<String> {
    let find = |name: &str| federations.iter().find(|f| f.name == name);
    let by_class = find(BY_CLASS).with_context(|| format!("no {BY_CLASS}"))?;
    let points = [
        winners(federations)?,
        proven(by_class)?,
        paper(federations)?,
        price(by_class, find(MNIST))?,
        unseen(federations)?,
    ];
    let numbered = points.iter().enumerate();
    Ok(numbered.map(|(i, point)| format!("{}. {point}\n", i + 1)).collect())
}

fn worst<'a>(federation: &'a Federation, method: &'a Method) -> Result<Worst<'a>> {
    let none = || format!("{} met no attack in {}", method.name, federation.name);
    federation.worst(method, Which::All).with_context(none)
}

fn named<'a>(federation: &'a Federation, name: &str) -> Result<&'a Method> {
    federation.method(name).with_context(|| format!("{} has no {name}", federation.name))
}

/// How far one worst case is above another, seed by seed.
fn above(a: &Worst<'_>, b: &Worst<'_>) -> Result<String> {
    Estimate::paired(a.values, b.values).map(|e| e.signed()).context("no seeds")
}

/// Which is best where.
fn winners(federations: &[Federation]) -> Result<String> {
    let mut text = "The best worst case over all attacks:".to_owned();
    for federation in federations {
        let best = federation.best()?;
        let worst = worst(federation, best)?;
        text += &format!(
            " on {}, {} keeps {} under {};",
            federation.title,
            best.name,
            worst.estimate.text(),
            worst.attack
        );
    }
    let mut names: Vec<&str> = Vec::new();
    for federation in federations {
        let name = &*federation.best()?.name;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    text.pop();
    text += match names.len() {
        1 => ". One pipeline is best everywhere.",
        _ => ". No pipeline is best everywhere.",
    };
    Ok(text)
}

/// How far what is proven stays behind what is not.
fn proven(federation: &Federation) -> Result<String> {
    let best = federation.best()?;
    let ranking = federation.ranking();
    let with = ranking.iter().find(|m| m.kappa.is_some()).context("nothing is proven")?;
    let without = ranking.iter().find(|m| m.kappa.is_none()).context("all is proven")?;
    let (a, b) = (worst(federation, without)?, worst(federation, with)?);
    let status = match best.kappa {
        Some(kappa) => format!("a κ of {kappa:.2} is proven"),
        None => "no κ is proven".to_owned(),
    };
    Ok(format!(
        "Of {}, the first on {}, {status}. The best with a proven κ is {} with {}. The best without one, {}, differs from it by {}.",
        best.name,
        federation.title,
        with.name,
        b.estimate.text(),
        without.name,
        above(&a, &b)?,
    ))
}

/// What the paper's method keeps.
fn paper(federations: &[Federation]) -> Result<String> {
    let mut text = "The paper's method keeps".to_owned();
    for federation in federations {
        let worst = worst(federation, named(federation, PAPER)?)?;
        text += &format!(" {} on {};", worst.estimate.text(), federation.title);
    }
    text.pop();
    Ok(text + ", each under the attack that hurts it most.")
}

/// What does not flatter the defence that is best by class.
fn price(by_class: &Federation, mnist: Option<&Federation>) -> Result<String> {
    let difference = |federation: &Federation, a: &str, b: &str, attack: &str| {
        let of = |name: &str| federation.under(named(federation, name).ok()?, attack);
        let (a, b) = (of(a).context("no runs")?, of(b).context("no runs")?);
        Estimate::paired(&a, &b).map(|e| e.signed()).context("no seeds")
    };
    let best = by_class.best()?;
    let mut fewer = 0;
    for attack in by_class.attacks.iter().filter(|a| a.is_one()) {
        let of = |name: &str| {
            let values = by_class.under(named(by_class, name).ok()?, &attack.name)?;
            Estimate::of(&values).map(|e| e.mean)
        };
        fewer += usize::from(of("mean") > of(&best.name));
    }
    let attacks = by_class.attacks.iter().filter(|a| a.is_one()).count();
    let mut text = format!(
        "On {}, without an attack, {} differs from the plain mean by {}. Under {fewer} of {attacks} attacks the plain mean is better than it.",
        by_class.title,
        best.name,
        difference(by_class, &best.name, "mean", "none")?,
    );
    if let Some(mnist) = mnist {
        text += &format!(
            " On {}, under Figure 7's {FIGURE_7}, {FIRST_LOOK} differs from the paper's method by {}.",
            mnist.title,
            difference(mnist, FIRST_LOOK, PAPER, FIGURE_7)?,
        );
    }
    Ok(text)
}

/// What attacks do that no step was chosen by.
fn unseen(federations: &[Federation]) -> Result<String> {
    let (mut worse, mut all) = (0, 0);
    let mut text = String::new();
    for federation in federations {
        let both = |method| {
            let of = |which| federation.worst(method, which);
            Some((of(Which::HeldOut)?, of(Which::Searched)?))
        };
        for (held_out, searched) in federation.methods.iter().filter_map(both) {
            all += 1;
            worse += usize::from(held_out.estimate.mean < searched.estimate.mean);
        }
        if let Some((held_out, searched)) = both(federation.best()?) {
            text += &format!(" {} on {};", above(&held_out, &searched)?, federation.title);
        }
    }
    text.pop();
    Ok(format!(
        "Held-out attacks are the worse ones in {worse} of {all} cases. For the best pipelines the two worst cases, held out and not, differ by{text}."
    ))
}

#[cfg(test)]
mod tests {
    use super::super::federation::example;
    use super::*;

    #[test]
    fn numbers_come_from_the_runs() {
        let federation = example();
        let text = proven(&federation).unwrap();
        assert!(text.starts_with("Of SAGA + SMEA, the first on digits, by class, a κ of 1.00"));
        // 0.0 and 0.1 under ALIE against 0.5 and 0.5 when held out.
        assert!(text.contains("-0.450 ["), "{text}");
        let text = unseen(&[federation]).unwrap();
        assert!(text.contains("in 1 of 2 cases"), "{text}");
    }
}
