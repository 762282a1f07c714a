// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Numbers in texts.

/// Reads decimal digits without a sign.
pub(crate) fn plain_number(text: &str) -> Option<u32> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
}
