// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Numbers of one to ten bytes: seven bits a byte, the least first.

/// Appends a number.
pub(crate) fn push(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        let [low, ..] = number.to_le_bytes();
        out.push(low | 0x80);
        number >>= 7;
    }
    let [low, ..] = number.to_le_bytes();
    out.push(low);
}

/// Appends a length and the bytes.
pub(crate) fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    push(out, u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    out.extend_from_slice(bytes);
}

/// Encodes the difference of two times, so that small differences of either sign are small numbers.
pub(crate) const fn zigzag(from: u64, to: u64) -> u64 {
    let difference = to.wrapping_sub(from).cast_signed();
    (difference << 1 ^ difference >> 63).cast_unsigned()
}

/// Returns the later time of [`zigzag`].
pub(crate) const fn unzigzag(from: u64, number: u64) -> u64 {
    let difference = (number >> 1).cast_signed() ^ -(number & 1).cast_signed();
    from.wrapping_add(difference.cast_unsigned())
}

/// Reads numbers from bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cursor {
    pub(crate) at: usize,
}

impl Cursor {
    /// Reads the next number; `None` if it is incomplete or larger than 64 bits.
    #[inline]
    pub(crate) fn number(&mut self, bytes: &[u8]) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = *bytes.get(self.at)?;
            self.at += 1;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return None;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    pub(crate) fn small<T: TryFrom<u64>>(&mut self, bytes: &[u8]) -> Option<T> {
        T::try_from(self.number(bytes)?).ok()
    }

    pub(crate) fn bytes<'b>(&mut self, bytes: &'b [u8]) -> Option<&'b [u8]> {
        let length: usize = self.small(bytes)?;
        let end = self.at.checked_add(length)?;
        let found = bytes.get(self.at..end)?;
        self.at = end;
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restores_numbers_and_refuses_incomplete_ones() {
        for number in [
            0,
            1,
            127,
            128,
            300,
            u64::from(u32::MAX),
            u64::MAX - 1,
            u64::MAX,
        ] {
            let mut bytes = Vec::new();
            push(&mut bytes, number);
            let mut cursor = Cursor::default();
            assert_eq!(cursor.number(&bytes), Some(number));
            assert_eq!(cursor.at, bytes.len());
            assert_eq!(Cursor::default().number(&bytes[..bytes.len() - 1]), None);
        }
        assert_eq!(Cursor::default().number(&[0xff; 10]), None);
    }

    #[test]
    fn encodes_times_that_go_backwards() {
        for (from, to) in [(5, 3), (3, 5), (0, u64::MAX), (u64::MAX, 0), (1 << 63, 0)] {
            assert_eq!(unzigzag(from, zigzag(from, to)), to);
        }
        assert!(zigzag(1000, 990) < 128);
    }
}
