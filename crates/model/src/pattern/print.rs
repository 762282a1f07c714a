// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Prints path patterns.

use ambit_event::escape;

use super::{PathPattern, Piece};

impl PathPattern {
    /// Appends the canonical text, with the prefix of its kind.
    pub fn write(&self, out: &mut String) {
        out.push_str(self.kind().prefix());
        write(
            self.pieces(),
            out,
            false,
            self.kind() == super::PathKind::Memfd,
        );
    }
}

impl std::fmt::Display for PathPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = String::new();
        self.write(&mut out);
        f.write_str(&out)
    }
}

fn write(pieces: &[Piece], out: &mut String, nested: bool, first: bool) {
    let special: &[u8] = if nested { b"*{}\\," } else { b"*{}\\" };
    for (index, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Bytes(bytes) => {
                let leading = if first && index == 0 {
                    bytes.iter().take_while(|byte| **byte == b' ').count()
                } else {
                    0
                };
                let (blanks, rest) = bytes.split_at_checked(leading).unwrap_or((&[], bytes));
                escape::push_hex(out, blanks);
                escape::push_escaped(out, rest, special, !nested && index + 1 == pieces.len());
            }
            Piece::Star => out.push('*'),
            Piece::StarStar => out.push_str("**"),
            Piece::Class(class) => {
                out.push('{');
                out.push_str(class.name());
                out.push('}');
            }
            Piece::Either(alternatives) => {
                for (number, alternative) in alternatives.iter().enumerate() {
                    out.push(if number == 0 { '{' } else { ',' });
                    write(alternative, out, true, false);
                }
                out.push('}');
            }
        }
    }
}
