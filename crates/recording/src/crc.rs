// SPDX-License-Identifier: Apache-2.0 OR MIT
//! CRC-32 as in Ethernet and gzip: finds what a crash or a disk did, not what a person did.

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0_usize;
    let mut number = 0_u32;
    while index < 256 {
        let mut value = number;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 {
                value >> 1 ^ 0xedb8_8320
            } else {
                value >> 1
            };
            bit += 1;
        }
        table[index] = value;
        index += 1;
        number += 1;
    }
    table
}

/// The checksum of several pieces as if they were one.
pub(crate) fn crc(pieces: &[&[u8]]) -> u32 {
    let mut value = u32::MAX;
    for byte in pieces.iter().copied().flatten() {
        let [low, ..] = value.to_le_bytes();
        let step = TABLE.get(usize::from(low ^ byte)).copied();
        value = value >> 8 ^ step.unwrap_or_default();
    }
    !value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_check_value_comes_out() {
        assert_eq!(crc(&[b"123456789"]), 0xcbf4_3926);
        assert_eq!(crc(&[b"1234", b"", b"56789"]), 0xcbf4_3926);
    }
}
