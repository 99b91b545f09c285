//! Instants and lengths as people type them into an address.

use crate::domain::civil::Zone;
use crate::domain::*;

/// Longest length that may be asked about.
const LENGTH_MS_MAX: Millis = 400 * DAY;

/// `90s`, `40m`, `8h`, `2d`, `1h30m`. The error is a sentence.
pub(super) fn length(text: &str) -> Result<Millis, String> {
    let wrong = || format!("{text:?} is not a length; write it like 90s, 40m, 8h, 2d or 1h30m");
    let (mut total, mut number) = (0i64, String::new());
    for c in text.chars() {
        let unit = match c {
            '0'..='9' if number.len() < 9 => {
                number.push(c);
                continue;
            }
            's' => SECOND,
            'm' => MINUTE,
            'h' => HOUR,
            'd' => DAY,
            _ => return Err(wrong()),
        };
        let n: i64 = number.parse().map_err(|_| wrong())?;
        total = total.saturating_add(n.saturating_mul(unit));
        number.clear();
    }
    match (number.is_empty(), total) {
        (true, 1..=LENGTH_MS_MAX) => Ok(total),
        (true, n) if n > LENGTH_MS_MAX => Err(format!("{text:?} is longer than 400 days")),
        _ => Err(wrong()),
    }
}

/// RFC 3339, or a local civil time of the installation's zone. The error is a sentence.
pub(super) fn instant(text: &str, zone: &Zone) -> Result<Timestamp, String> {
    // A plus sign that was not escaped reaches us as a blank.
    zone.parse(&text.replace(' ', "+"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_need_a_unit_and_add_up() {
        assert_eq!(length("40m"), Ok(40 * MINUTE));
        assert_eq!(length("1h30m"), Ok(90 * MINUTE));
        for wrong in ["", "40", "m", "1h30", "-1h", "1 h", "0s", "99999999999d", "500d"] {
            assert!(length(wrong).is_err(), "{wrong:?}");
        }
    }
}
