// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Names that already contain classes, such as `.scan_17.tif.{tmp}`, spelled as bytes so that they are compared with each
//! other as other names are. A class is a NUL, which no name contains, and a control character. A choice of names, such as
//! `{web,mail}`, has a spelling too, so that it can be the member of a cluster.

use ambit_event::Object;
use ambit_event::lex::Class;

use crate::pattern::{PathKind, PathPattern, Piece, canonical};

type Component = Vec<Piece>;

/// Returns the spelling of a name with classes; `None` for an exact name and for other patterns.
pub(super) fn spell(component: &Component) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut classes = 0;
    for piece in component {
        match piece {
            Piece::Bytes(bytes) => out.extend_from_slice(bytes),
            Piece::Class(class) => {
                classes += 1;
                out.extend_from_slice(&token(*class));
            }
            _ => return None,
        }
    }
    (classes > 0).then_some(out)
}

/// Stands before the spelled names of a choice of names.
const NAMES: [u8; 2] = [0, 0x7f];

/// Returns the names that a choice consists of; `None` if it contains patterns.
pub(super) fn names(alternatives: &[Vec<Piece>]) -> Option<Vec<&[u8]>> {
    alternatives.iter().map(super::tree::exact).collect()
}

/// Returns the name of a component as the member of a cluster: itself or its spelling; `None` for other patterns. [`pieces`]
/// reads it back.
pub(super) fn member(component: &Component) -> Option<Vec<u8>> {
    match &**component {
        [Piece::Bytes(name)] => Some(name.to_vec()),
        [Piece::Either(alternatives)] => {
            Some([&NAMES[..], &names(alternatives)?.join(&b'/')].concat())
        }
        _ => spell(component),
    }
}

fn token(class: Class) -> [u8; 2] {
    let place = Class::ALL.iter().position(|one| *one == class);
    [
        0,
        1 + u8::try_from(place.unwrap_or_default()).unwrap_or_default(),
    ]
}

/// Returns the pieces that a spelling stands for. Bytes without classes stay as they are.
pub(super) fn pieces(spelled: &[u8]) -> Component {
    if let Some(names) = spelled.strip_prefix(&NAMES) {
        return vec![Piece::one_of(names.split(|byte| *byte == b'/'))];
    }
    let mut out = Vec::new();
    let mut rest = spelled;
    while let Some(at) = rest.iter().position(|byte| *byte == 0) {
        let (before, after) = rest.split_at(at);
        if !before.is_empty() {
            out.push(Piece::Bytes(before.into()));
        }
        let class = Class::ALL
            .into_iter()
            .find(|class| after.starts_with(&token(*class)));
        out.extend(class.map(Piece::Class));
        rest = after.get(2..).unwrap_or_default();
    }
    if !rest.is_empty() {
        out.push(Piece::Bytes(rest.into()));
    }
    out
}

/// Returns a spelling or an exact name as text.
pub(super) fn shown(spelled: &[u8]) -> String {
    if spelled.contains(&0) {
        PathPattern::new(PathKind::Path, pieces(spelled)).to_string()
    } else {
        ambit_event::escape::name(spelled)
    }
}

/// Replaces the spelled classes in the pieces of a pattern.
pub(super) fn unspell(pattern: Vec<Piece>) -> Component {
    let split = pattern.into_iter().flat_map(|piece| match piece {
        Piece::Bytes(bytes) => pieces(&bytes),
        other => vec![other],
    });
    canonical(split.collect())
}

/// Returns a test whether a pattern covers all names that a spelling stands for. A class is covered by the same class only.
pub(super) fn covers(pattern: &[Piece]) -> impl Fn(&[u8]) -> bool + use<> {
    let pattern = pattern.to_vec();
    move |spelled| {
        let wanted: Vec<Class> = pieces(spelled)
            .into_iter()
            .filter_map(|piece| match piece {
                Piece::Class(class) => Some(class),
                _ => None,
            })
            .collect();
        let classes = pattern
            .iter()
            .filter(|piece| matches!(piece, Piece::Class(_)));
        if ways(classes.count(), wanted.len()) > WAYS_MAX {
            return false;
        }
        with_fixed(&pattern, &wanted).into_iter().any(|pieces| {
            PathPattern::new(PathKind::Memfd, pieces).matches(&Object::Memfd(spelled.into()))
        })
    }
}

/// Maximum number of ways to find a name's classes among the classes of a pattern.
const WAYS_MAX: usize = 1000;

/// Returns the number of ways to choose some of all.
fn ways(all: usize, some: usize) -> usize {
    (0..some.min(all)).fold(1_usize, |ways, at| ways.saturating_mul(all - at) / (at + 1))
}

/// Returns the pattern with these classes, in order, made fixed in all possible ways.
fn with_fixed(pattern: &[Piece], wanted: &[Class]) -> Vec<Vec<Piece>> {
    let Some((first, others)) = wanted.split_first() else {
        return vec![pattern.to_vec()];
    };
    let mut out = Vec::new();
    for (at, piece) in pattern.iter().enumerate() {
        if *piece != Piece::Class(*first) {
            continue;
        }
        let (before, after) = (pattern.get(..at), pattern.get(at + 1..));
        for rest in with_fixed(after.unwrap_or_default(), others) {
            let fixed = Piece::Bytes(token(*first).into());
            let mut one = before.unwrap_or_default().to_vec();
            one.push(fixed);
            one.extend(rest);
            out.push(one);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Component {
        match crate::RuleObject::parse_path(&format!("memfd:{text}")) {
            Ok(crate::RuleObject::Path(pattern)) => pattern.pieces().to_vec(),
            _ => vec![Piece::Bytes(text.as_bytes().into())],
        }
    }

    #[test]
    fn a_spelled_name_is_read_back_as_it_was() {
        for text in [".a_17.tif.{tmp}", "{n}", "x{hex}-{n}{uuid}", "{pid}.lock"] {
            let component = of(text);
            let spelled = spell(&component).unwrap_or_default();
            assert_eq!(pieces(&spelled), component, "{text}");
        }
        let choice = of("{mail,web}");
        assert_eq!(pieces(&member(&choice).unwrap_or_default()), choice);
        assert_eq!(member(&of("{mail,w{n}}")), None);
        assert_eq!(spell(&of("exact")), None);
        assert_eq!(spell(&of("a*{n}")), None);
    }

    #[test]
    fn a_pattern_covers_a_name_with_the_same_classes_only() {
        let covers =
            |pattern: &str, name: &str| covers(&of(pattern))(&spell(&of(name)).unwrap_or_default());
        assert!(covers(".a_{n}.tif.{tmp}", ".a_17.tif.{tmp}"));
        assert!(covers("{n}-{n}", "5-{n}"));
        assert!(covers("{n}-{n}", "{n}-5"));
        assert!(!covers("a_{tmp}", "a_{n}"));
        assert!(!covers("a_{hex}", "a_{n}"));
        assert!(!covers(".a_{n}.tif", ".a_17.tif.{tmp}"));
        // A fixed text is not all that {tmp} stands for.
        assert!(!covers("a.x7Kp2m", "a.{tmp}"));
    }
}
