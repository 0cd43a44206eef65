//! Decimal numbers in texts.

/// Powers of ten that `f64` holds exactly.
const TENS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// The decimal number at the start of `bytes` and its length. `None` where there is none, or one with so many digits
/// that it takes the standard library: up to 2⁵³ times a power of ten up to 10²² one operation rounds correctly
/// (W. D. Clinger, "How to read floating point numbers accurately", 1990).
#[inline]
pub(crate) fn number(bytes: &[u8]) -> Option<(f64, usize)> {
    let digit = |at: usize| bytes.get(at).map(|b| b.wrapping_sub(b'0')).filter(|d| *d < 10);
    let negative = bytes.first() == Some(&b'-');
    let mut at = usize::from(negative || bytes.first() == Some(&b'+'));
    let start = at;
    let mut mantissa = 0u64;
    while let Some(d) = digit(at) {
        mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(d));
        at += 1;
    }
    let mut digits = at - start;
    let mut exponent = 0;
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        let point = at;
        while let Some(d) = digit(at) {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(d));
            at += 1;
        }
        digits += at - point;
        exponent = -((at - point).min(1000) as i32);
    }
    if digits == 0 || digits > 19 {
        return None;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1;
        let minus = bytes.get(at) == Some(&b'-');
        at += usize::from(minus || bytes.get(at) == Some(&b'+'));
        let (first, mut power) = (at, 0i32);
        while let Some(d) = digit(at) {
            power = (power * 10 + i32::from(d)).min(10_000);
            at += 1;
        }
        if at == first {
            return None;
        }
        exponent += if minus { -power } else { power };
    }
    if mantissa > 1 << 53 || exponent.unsigned_abs() as usize >= TENS.len() {
        return None;
    }
    let power = TENS[exponent.unsigned_abs() as usize];
    let value = if exponent < 0 { mantissa as f64 / power } else { mantissa as f64 * power };
    Some((if negative { -value } else { value }, at))
}

/// The number that a whole token is, however it is written; `None` unless it is finite, also in single precision.
pub(crate) fn whole(token: &[u8]) -> Option<f64> {
    let token = token.trim_ascii();
    let value = match number(token) {
        Some((value, length)) if length == token.len() => value,
        _ => std::str::from_utf8(token).ok()?.parse().ok()?,
    };
    (value as f32).is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_read_to_the_last_bit_or_left_to_the_standard_library() {
        for text in [
            "0",
            "-0",
            "7",
            "+7",
            "-12.5",
            ".5",
            "5.",
            "1e3",
            "1E-3",
            "123456789.123456",
            "1e22",
            "9007199254740992",
        ] {
            let (value, length) = number(text.as_bytes()).unwrap();
            assert_eq!(
                (value.to_bits(), length),
                (text.parse::<f64>().unwrap().to_bits(), text.len())
            );
        }
        for text in [
            "",
            "-",
            ".",
            "e5",
            "1e",
            "1e+",
            "x",
            "12345678901234567890",
            "1e23",
            "9007199254740994",
        ] {
            assert_eq!(number(text.as_bytes()), None, "{text}");
        }
        assert_eq!(number(b"12,5"), Some((12.0, 2)));
        assert_eq!(whole(b" 1e23 "), Some(1e23));
        for text in ["nan", "inf", "1e39", "1,5", "", "0x10"] {
            assert_eq!(whole(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_number_is_as_the_standard_library_reads_it(text in "[+-]?[0-9]{0,21}(\\.[0-9]{0,21})?([eE][+-]?[0-9]{1,3})?") {
            if let Some((value, length)) = number(text.as_bytes()) {
                prop_assert_eq!(length, text.len());
                prop_assert_eq!(value.to_bits(), text.parse::<f64>().unwrap().to_bits());
            }
        }
    }
}
