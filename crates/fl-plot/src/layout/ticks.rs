//! Round values of an axis and their labels.

/// A labelled place on an axis.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tick {
    /// Place between 0 and 1.
    pub(crate) unit: f64,
    pub(crate) label: String,
}

/// The least of 1, 2, 2.5, 5 times a power of ten that cuts `span` into fewer than `most` steps.
pub(crate) fn nice_step(span: f64, most: usize) -> f64 {
    let rough = span / (most - 1).max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|m| m * power)
        .find(|&step| step >= rough * (1.0 - 1e-9))
        .unwrap_or(10.0 * power)
}

pub(crate) fn linear_ticks(low: f64, high: f64, most: usize) -> Vec<Tick> {
    let span = high - low;
    let step = nice_step(span, most);
    let slack = 1e-9 * span / step;
    let (first, last) = ((low / step - slack).ceil(), (high / step + slack).floor());
    let count = (last - first).clamp(0.0, 1000.0) as usize;
    let values: Vec<f64> = (0..=count).map(|i| (first + i as f64) * step).collect();
    let greatest = values.iter().fold(0.0_f64, |a, v| a.max(v.abs()));
    values
        .into_iter()
        .map(|v| Tick {
            unit: ((v - low) / span).clamp(0.0, 1.0),
            label: decimal(v, step, greatest),
        })
        .collect()
}

/// Labels such as 0.25, 4000, −1.5, and 2×10⁶ where plain digits would be many.
fn decimal(value: f64, step: f64, greatest: f64) -> String {
    // Digits after the point that tell neighbours apart; 2.5 needs one more than its power of ten.
    let digits = |step: f64| {
        let power = step.log10().floor();
        let whole = step / 10f64.powf(power);
        (-power) as i32 + i32::from((whole - whole.round()).abs() > 1e-6)
    };
    let zero = value.abs() < 1e-9 * step;
    let text = if (1e-3..999_999.5).contains(&greatest) {
        format!("{:.*}", digits(step).max(0) as usize, value.abs())
    } else if zero {
        "0".into()
    } else {
        // All labels of an axis have the power of the greatest, so that they compare at a glance.
        let power = (greatest.log10() + 1e-9).floor();
        let unit = 10f64.powf(power);
        let mantissa =
            format!("{:.*}", digits(step / unit).clamp(0, 12) as usize, value.abs() / unit);
        scientific(&mantissa, power as i32)
    };
    if value < 0.0 && !zero { format!("−{text}") } else { text }
}

/// `low` and `high` are logarithms.
pub(crate) fn log_ticks(low: f64, high: f64, most: usize) -> Vec<Tick> {
    let near = 1e-9;
    let (first, last) = ((low - near).ceil() as i32, (high + near).floor() as i32);
    let unit = |v: f64| ((v - low) / (high - low)).clamp(0.0, 1.0);
    let powers = || -> Vec<Tick> {
        let stride = (last - first) as usize / most + 1;
        let tick =
            |power: i32| Tick { unit: unit(f64::from(power)), label: scientific("1", power) };
        (first..=last).step_by(stride).map(tick).collect()
    };
    if last - first >= 2 {
        return powers();
    }
    // At most two powers of ten: 2 and 5 times them as well, the powers alone where those are too
    // many, and round numbers where there are hardly any.
    let ticks: Vec<Tick> = (first - 1..=last.max(first))
        .flat_map(|power| [(1.0, power), (2.0, power), (5.0, power)])
        .filter_map(|(m, power)| {
            let place = f64::log10(m) + f64::from(power);
            (low - near <= place && place <= high + near).then(|| {
                let value = m * 10f64.powi(power);
                let label = if (-4..6).contains(&power) {
                    decimal(value, 10f64.powi(power), value.max(1e-3))
                } else {
                    scientific(&m.to_string(), power)
                };
                Tick { unit: unit(place), label }
            })
        })
        .collect();
    if ticks.len() > most && last > first {
        return powers();
    }
    if ticks.len() >= 2 {
        return ticks;
    }
    let (from, to) = (10f64.powf(low), 10f64.powf(high));
    linear_ticks(from, to, most)
        .into_iter()
        .map(|t| Tick { unit: unit((from + t.unit * (to - from)).log10()), ..t })
        .collect()
}

/// `2.5` and −3 to `2.5×10⁻³`; a mantissa of 1 is left out.
fn scientific(mantissa: &str, power: i32) -> String {
    let raised: String = power
        .to_string()
        .chars()
        .map(|c| match c {
            '-' => '⁻',
            '0' => '⁰',
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            '4' => '⁴',
            '5' => '⁵',
            '6' => '⁶',
            '7' => '⁷',
            '8' => '⁸',
            _ => '⁹',
        })
        .collect();
    if mantissa == "1" { format!("10{raised}") } else { format!("{mantissa}×10{raised}") }
}
