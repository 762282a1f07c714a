// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Paths that a pattern covers, as examples.

use ambit_event::lex::Class;
use ambit_event::{Object, Path};

use super::{PathKind, PathPattern, Piece};

impl PathPattern {
    /// Returns two objects that the pattern covers and that differ in each variable part. Another pattern that covers both
    /// most likely covers all, since a class is covered by a wider class or by a star.
    pub(crate) fn instances(&self) -> Vec<Object> {
        let of = |second| {
            let mut bytes = Vec::new();
            write(self.pieces(), second, &mut bytes);
            match self.kind() {
                PathKind::Path => Path::new(bytes).ok().map(Object::Path),
                PathKind::Deleted => Path::new(bytes).ok().map(Object::Deleted),
                PathKind::Foreign => Path::new(bytes).ok().map(Object::Foreign),
                PathKind::Memfd => Some(Object::Memfd(bytes.into())),
            }
        };
        [false, true].into_iter().filter_map(of).collect()
    }
}

fn write(pieces: &[Piece], second: bool, out: &mut Vec<u8>) {
    let either = |one: &'static [u8], other: &'static [u8]| if second { other } else { one };
    for piece in pieces {
        match piece {
            Piece::Bytes(bytes) => out.extend_from_slice(bytes),
            Piece::Star => out.extend_from_slice(either(b"x", b"Some-name.2~")),
            Piece::StarStar => out.extend_from_slice(either(b"x", b"some/Other-name.2~")),
            Piece::Class(class) => out.extend_from_slice(match class {
                Class::Num | Class::Pid | Class::Own => either(b"7", b"4711"),
                Class::Hex => either(b"9f8e7d6c", b"B7"),
                Class::Date => either(b"20261129", b"19991231"),
                Class::Time => either(b"112843", b"235960"),
                Class::Year => either(b"2026", b"1999"),
                Class::Month => either(b"11", b"02"),
                Class::Day => either(b"29", b"01"),
                Class::Hour => either(b"11", b"23"),
                Class::Minute => either(b"28", b"00"),
                Class::Second => either(b"43", b"60"),
                Class::Uuid => either(
                    b"550e8400-e29b-41d4-a716-446655440000",
                    b"00000000-0000-4000-8000-00000000000F",
                ),
                Class::Tmp => either(b"aB3dE6", b"k2_qP9xYzA"),
                Class::Tmpfile => &[0, ambit_abi::CLASS_TMPFILE],
            }),
            Piece::Either(alternatives) => {
                let chosen = if second {
                    alternatives.last()
                } else {
                    alternatives.first()
                };
                write(chosen.map_or(&[], Vec::as_slice), second, out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_its_instances() {
        for text in [
            "/a/{n}/x-{hex}.{tmp}",
            "/a/{uuid}/*.c",
            "/a/**/b",
            "/a/{b,c}{n}",
            "/a/{tmpfile}",
            "/x{pid}{self}",
        ] {
            let pattern = PathPattern::parse(PathKind::Path, text).unwrap();
            let instances = pattern.instances();
            assert_eq!(instances.len(), 2, "{text}");
            for instance in instances {
                assert!(pattern.matches(&instance), "{text}: {instance:?}");
            }
        }
    }
}
