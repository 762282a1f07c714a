// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Constants of conditions, and regular expressions close to a text.

use std::fmt::Write;

use crate::Random;

/// Returns a string literal; a bytes literal if the text is not UTF-8.
pub(crate) fn text(bytes: &[u8]) -> String {
    let plain = std::str::from_utf8(bytes);
    let mut out = if plain.is_ok() { "\"" } else { "b\"" }.to_owned();
    match plain {
        Ok(plain) => {
            for c in plain.chars() {
                match c {
                    '"' | '\\' => out.extend(['\\', c]),
                    ' '..='~' => out.push(c),
                    _ => {
                        let _ = write!(out, "\\U{:08x}", u32::from(c));
                    }
                }
            }
        }
        Err(_) => {
            for byte in bytes {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
    out.push('"');
    out
}

/// Returns a list of constants.
pub(crate) fn list(items: impl IntoIterator<Item = String>) -> String {
    let items: Vec<String> = items.into_iter().collect();
    format!("[{}]", items.join(", "))
}

/// Returns the literal of a regular expression that matches this text, or almost.
pub(crate) fn expression(random: &mut Random, near: &[u8]) -> String {
    let mut out = String::new();
    if random.once_in(8) {
        out.push_str("(?i)");
    }
    if random.once_in(3) {
        out.push('^');
    }
    let from = random.below(near.len());
    // Short, because an expression is searched for from every position.
    let part: Vec<u8> = near.iter().skip(from).take(12).copied().collect();
    let mut rest = part.as_slice();
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        let one = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' => char::from(*byte).to_string(),
            _ => format!("\\x{byte:02x}"),
        };
        match random.below(24) {
            0 => out.push('.'),
            1 => out.push_str("[a-z]"),
            2 => out.push_str("[^/]"),
            3 => {
                let _ = write!(out, "{one}?");
            }
            4 => {
                let _ = write!(out, "{one}+");
            }
            5 => {
                let _ = write!(out, "({one}|x)");
            }
            6 => out.push_str("\\d"),
            7 => {
                out.push_str(".*");
                rest = rest.get(random.below(rest.len())..).unwrap_or_default();
            }
            _ => out.push_str(&one),
        }
    }
    if random.once_in(3) {
        out.push('$');
    }
    out
}
