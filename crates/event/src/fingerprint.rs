// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Keyed fingerprints, computed like those of the kernel part.

use std::hash::Hasher;

use ambit_abi::{Fp, Op};
use siphasher::sip128::{Hasher128, SipHasher13};

use crate::{Object, Operation};

/// The key of the fingerprints, created when the kernel part is loaded. It is secret: with it one can search for collisions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret([u8; 16]);

impl Secret {
    /// Takes 16 random bytes.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes, for the kernel part.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// `SipHash-1-3-128(secret, le64(op | arg << 32) ++ object)`.
pub fn fingerprint(secret: &Secret, op: Op, arg: u32, object: &[u8]) -> Fp {
    let mut hasher = SipHasher13::new_with_key(&secret.0);
    hasher.write(&(u64::from(u16::from(op)) | u64::from(arg) << 32).to_le_bytes());
    hasher.write(object);
    let hash = hasher.finish128();
    Fp {
        lo: hash.h1,
        hi: hash.h2,
    }
}

/// Returns the key of a point in a domain's set. `subject` is zero if the point belongs to the whole domain.
pub fn key(secret: &Secret, subject: Fp, operation: Operation, object: &Object) -> Fp {
    fingerprint(secret, operation.op, operation.arg, &object.to_bytes()) ^ subject
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SipHash-c-d-128, written from the paper's reference, with rounds as parameters.
    fn reference(key: &[u8; 16], input: &[u8], c: usize, d: usize) -> (u64, u64) {
        fn word(bytes: &[u8]) -> u64 {
            bytes
                .iter()
                .rev()
                .fold(0, |word, byte| word << 8 | u64::from(*byte))
        }
        fn round(v: &mut [u64; 4]) {
            v[0] = v[0].wrapping_add(v[1]);
            v[1] = v[1].rotate_left(13) ^ v[0];
            v[0] = v[0].rotate_left(32);
            v[2] = v[2].wrapping_add(v[3]);
            v[3] = v[3].rotate_left(16) ^ v[2];
            v[0] = v[0].wrapping_add(v[3]);
            v[3] = v[3].rotate_left(21) ^ v[0];
            v[2] = v[2].wrapping_add(v[1]);
            v[1] = v[1].rotate_left(17) ^ v[2];
            v[2] = v[2].rotate_left(32);
        }
        let (k0, k1) = (word(&key[..8]), word(&key[8..]));
        let mut v = [
            k0 ^ 0x736f_6d65_7073_6575,
            k1 ^ 0x646f_7261_6e64_6f6d ^ 0xee,
            k0 ^ 0x6c79_6765_6e65_7261,
            k1 ^ 0x7465_6462_7974_6573,
        ];
        let mut last = (input.len() as u64) << 56;
        for chunk in input.chunks(8) {
            if chunk.len() < 8 {
                last |= word(chunk);
                break;
            }
            v[3] ^= word(chunk);
            (0..c).for_each(|_| round(&mut v));
            v[0] ^= word(chunk);
        }
        v[3] ^= last;
        (0..c).for_each(|_| round(&mut v));
        v[0] ^= last;
        v[2] ^= 0xee;
        (0..d).for_each(|_| round(&mut v));
        let first = v[0] ^ v[1] ^ v[2] ^ v[3];
        v[1] ^= 0xdd;
        (0..d).for_each(|_| round(&mut v));
        (first, v[0] ^ v[1] ^ v[2] ^ v[3])
    }

    fn counting_key() -> [u8; 16] {
        std::array::from_fn(|i| u8::try_from(i).unwrap())
    }

    #[test]
    fn the_reference_gives_the_published_vectors() {
        // vectors_sip128[0] and [1] of the SipHash reference implementation (2-4).
        let key = counting_key();
        let bytes = |(a, b): (u64, u64)| [a.to_le_bytes(), b.to_le_bytes()].concat();
        assert_eq!(
            bytes(reference(&key, &[], 2, 4)),
            [
                0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55,
                0x02, 0x93
            ]
        );
        assert_eq!(
            bytes(reference(&key, &[0], 2, 4)),
            [
                0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9b, 0x22,
                0xfc, 0x45
            ]
        );
    }

    #[test]
    fn a_fingerprint_is_what_the_reference_gives() {
        let key = counting_key();
        for len in 0..70u8 {
            let object: Vec<u8> = (0..len).map(|byte| byte.wrapping_mul(7)).collect();
            let mut input = (0x0101u64 | 5 << 32).to_le_bytes().to_vec();
            input.extend_from_slice(&object);
            let (lo, hi) = reference(&key, &input, 1, 3);
            assert_eq!(
                fingerprint(&Secret::new(key), Op::FileOpen, 5, &object),
                Fp { lo, hi }
            );
        }
    }

    #[test]
    fn a_secret_is_not_printed() {
        assert_eq!(format!("{:?}", Secret::new([7; 16])), "Secret(..)");
    }
}
