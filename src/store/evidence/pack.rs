//! One probe's tallies of one day in one row: a twentieth of the space, and quick to read again.
//!
//! Not here: which day (`seal`). Form: for each hour a byte with its number (whole UTC hours since the one that holds the
//! day's first instant), a byte whose bits say which of the eight counts are not 0, and those counts as LEB128.

use crate::domain::{HOUR, Timestamp};

/// Ticks, pass, degraded, fail, unknown, skipped, slow passes, slow fails.
pub(in crate::store) type Counts = [u32; 8];

/// Packs the hours of a day that begins at `start`.
pub(super) fn pack(start: Timestamp, hours: &[(Timestamp, Counts)]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(hours.len() * 6);
    for (hour, counts) in hours {
        let number = hour.0.div_euclid(HOUR) - start.0.div_euclid(HOUR);
        bytes.push(u8::try_from(number).unwrap_or(u8::MAX));
        bytes.push(counts.iter().enumerate().fold(0, |mask, (i, count)| mask | u8::from(*count > 0) << i));
        for count in counts.iter().filter(|count| **count > 0) {
            let mut rest = *count;
            while rest > 0x7f {
                bytes.push(rest as u8 | 0x80);
                rest >>= 7;
            }
            bytes.push(rest as u8);
        }
    }
    bytes
}

/// The hours of a day again; `None` if the bytes are damaged.
pub(in crate::store) fn unpack(start: Timestamp, bytes: &[u8]) -> Option<Vec<(Timestamp, Counts)>> {
    let mut hours = Vec::new();
    let mut bytes = bytes.iter().copied();
    while let Some(number) = bytes.next() {
        let mask = bytes.next()?;
        let mut counts = Counts::default();
        for (_, count) in counts.iter_mut().enumerate().filter(|(i, _)| mask >> i & 1 == 1) {
            for shift in (0..35).step_by(7) {
                let byte = bytes.next()?;
                *count |= u32::from(byte & 0x7f).checked_shl(shift)?;
                if byte < 0x80 {
                    break;
                }
            }
        }
        hours.push((Timestamp((start.0.div_euclid(HOUR) + i64::from(number)) * HOUR), counts));
    }
    Some(hours)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_packed_reads_back(
            start in -1_000_000_000_000i64..1_000_000_000_000,
            hours in prop::collection::btree_map(0i64..49, prop::array::uniform8(prop_oneof![Just(0u32), 0u32..200, any::<u32>()]), 0..30),
        ) {
            let start = Timestamp(start);
            let hour = |n: i64| Timestamp((start.0.div_euclid(HOUR) + n) * HOUR);
            let hours: Vec<_> = hours.into_iter().map(|(n, counts)| (hour(n), counts)).collect();
            prop_assert_eq!(unpack(start, &pack(start, &hours)), Some(hours));
        }

        #[test]
        fn damaged_bytes_are_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = unpack(Timestamp(0), &bytes);
        }
    }
}
