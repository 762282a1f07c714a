// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Converts path patterns to regular expressions over canonical objects. The kind byte comes first.

use std::fmt::Write;

use ambit_event::lex::Class;

use super::{PathPattern, Piece};

/// A byte of a name or a marker, but not a slash.
const SYMBOL: &str = "(?:[^/\\x00]|\\x00[spnt])";
/// A byte of a name, a marker or a slash.
const ANY: &str = "(?:[^\\x00]|\\x00[spnt])";
const HEX: &str = "[0-9A-Fa-f]";
const YEAR: &str = "(?:19[7-9][0-9]|20[0-9][0-9])";
const MONTH: &str = "(?:0[1-9]|1[0-2])";
const DAY: &str = "(?:0[1-9]|[12][0-9]|3[01])";
const HOUR: &str = "(?:[01][0-9]|2[0-3])";
const MINUTE: &str = "[0-5][0-9]";
/// With leap seconds.
const SECOND: &str = "(?:[0-5][0-9]|60)";

impl PathPattern {
    /// Returns the expression; the caller anchors it at both ends.
    pub fn regex(&self) -> String {
        let mut out = String::from("(?s-u)");
        byte(&mut out, self.kind().byte());
        write(self.pieces(), &mut out);
        out
    }

    /// Returns the expression of the paths, without the kind byte.
    pub(crate) fn path_regex(&self) -> String {
        let mut out = String::from("(?s-u)");
        write(self.pieces(), &mut out);
        out
    }
}

/// Appends one byte in escaped form.
pub(super) fn byte(out: &mut String, byte: u8) {
    // Writing to a String does not fail.
    let _ = write!(out, "\\x{byte:02x}");
}

fn write(pieces: &[Piece], out: &mut String) {
    for piece in pieces {
        match piece {
            Piece::Bytes(bytes) => bytes.iter().for_each(|value| byte(out, *value)),
            Piece::Star => {
                out.push_str(SYMBOL);
                out.push('*');
            }
            Piece::StarStar => {
                out.push_str(ANY);
                out.push('*');
            }
            Piece::Class(class) => self::class(*class, out),
            Piece::Either(alternatives) => {
                for (number, alternative) in alternatives.iter().enumerate() {
                    out.push_str(if number == 0 { "(?:" } else { "|" });
                    write(alternative, out);
                }
                out.push(')');
            }
        }
    }
}

fn class(class: Class, out: &mut String) {
    match class {
        Class::Num => out.push_str("(?:\\x00[nps]|[0-9]+)"),
        Class::Pid => out.push_str("(?:\\x00[ps]|[1-9][0-9]*)"),
        Class::Own => out.push_str("(?:\\x00s|[1-9][0-9]*)"),
        Class::Tmpfile => out.push_str("\\x00t"),
        Class::Tmp => out.push_str("[0-9A-Za-z_]{6,}"),
        Class::Date => out.push_str(&[YEAR, MONTH, DAY].concat()),
        Class::Time => out.push_str(&[HOUR, MINUTE, SECOND].concat()),
        Class::Year => out.push_str(YEAR),
        Class::Month => out.push_str(MONTH),
        Class::Day => out.push_str(DAY),
        Class::Hour => out.push_str(HOUR),
        Class::Minute => out.push_str(MINUTE),
        Class::Second => out.push_str(SECOND),
        Class::Hex => {
            out.push_str(HEX);
            out.push('+');
        }
        Class::Uuid => {
            for (index, count) in [8, 4, 4, 4, 12].into_iter().enumerate() {
                if index > 0 {
                    out.push('-');
                }
                let _ = write!(out, "{HEX}{{{count}}}");
            }
        }
    }
}
