// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Decides if two path patterns have a path in common. If in doubt, the answer is yes.

use ambit_event::Object;
use ambit_event::lex::Class;

use crate::RuleObject;
use crate::pattern::{PathPattern, Piece};

/// A set of bytes, one bit each.
type ByteSet = [u64; 4];

/// A state: its transitions without input, and its transition on a byte.
#[derive(Clone, Debug, Default)]
struct State {
    epsilon: Vec<usize>,
    transition: Option<(ByteSet, usize)>,
}

/// A nondeterministic automaton over the bytes of paths; the last state accepts.
#[derive(Clone, Debug)]
struct Nfa(Vec<State>);

fn byte_set(contains: impl Fn(u8) -> bool) -> ByteSet {
    let mut set = [0; 4];
    for byte in 0..=u8::MAX {
        if let Some(word) = set.get_mut(usize::from(byte / 64)) {
            *word |= u64::from(contains(byte)) << (byte % 64);
        }
    }
    set
}

fn single(byte: u8) -> ByteSet {
    let mut set = [0; 4];
    if let Some(word) = set.get_mut(usize::from(byte / 64)) {
        *word = 1 << (byte % 64);
    }
    set
}

fn intersects(one: &ByteSet, other: &ByteSet) -> bool {
    one.iter().zip(other).any(|(one, other)| one & other != 0)
}

impl Nfa {
    fn of(pieces: &[Piece]) -> Self {
        let mut nfa = Self(vec![State::default()]);
        nfa.add_pieces(pieces);
        nfa
    }

    fn last(&self) -> usize {
        self.0.len().saturating_sub(1)
    }

    fn add_state(&mut self) -> usize {
        self.0.push(State::default());
        self.last()
    }

    fn add_epsilon(&mut self, from: usize, to: usize) {
        if let Some(state) = self.0.get_mut(from) {
            state.epsilon.push(to);
        }
    }

    /// Adds a state that these bytes lead to from the last state.
    fn add_step(&mut self, on: ByteSet) {
        let (from, to) = (self.last(), self.add_state());
        if let Some(state) = self.0.get_mut(from) {
            state.transition = Some((on, to));
        }
    }

    /// Adds a loop over these bytes, for any number of them.
    fn add_loop(&mut self, on: ByteSet) {
        let outside = self.last();
        let start = self.add_state();
        self.add_epsilon(outside, start);
        self.add_step(on);
        let after = self.last();
        self.add_epsilon(after, start);
        let end = self.add_state();
        self.add_epsilon(start, end);
    }

    fn add_pieces(&mut self, pieces: &[Piece]) {
        for piece in pieces {
            match piece {
                Piece::Bytes(bytes) => {
                    for byte in bytes {
                        self.add_step(single(*byte));
                    }
                }
                Piece::Star => self.add_loop(byte_set(|byte| byte != b'/')),
                Piece::StarStar => self.add_loop(byte_set(|_| true)),
                Piece::Class(class) => self.add_class(*class),
                Piece::Either(alternatives) => {
                    let from = self.last();
                    let mut ends = Vec::new();
                    for alternative in alternatives {
                        let start = self.add_state();
                        self.add_epsilon(from, start);
                        self.add_pieces(alternative);
                        ends.push(self.last());
                    }
                    let end = self.add_state();
                    for last in ends {
                        self.add_epsilon(last, end);
                    }
                }
            }
        }
    }

    fn add_class(&mut self, class: Class) {
        let on = match class {
            Class::Num
            | Class::Pid
            | Class::Own
            | Class::Date
            | Class::Time
            | Class::Year
            | Class::Month
            | Class::Day
            | Class::Hour
            | Class::Minute
            | Class::Second => byte_set(|byte| byte.is_ascii_digit()),
            Class::Tmpfile => [0; 4],
            Class::Hex => byte_set(|byte| byte.is_ascii_hexdigit()),
            Class::Uuid => byte_set(|byte| byte.is_ascii_hexdigit() || byte == b'-'),
            Class::Tmp => byte_set(|byte| byte.is_ascii_alphanumeric() || byte == b'_'),
        };
        let from = self.last();
        self.add_step(on);
        self.add_loop(on);
        let many = self.last();
        if class.marker().is_none() {
            return;
        }
        // A marker consists of a NUL and a letter; the letters are not distinguished here.
        let marked = self.add_state();
        self.add_epsilon(from, marked);
        self.add_step(single(0));
        self.add_step(byte_set(|byte| b"spnt".contains(&byte)));
        let (one, end) = (self.last(), self.add_state());
        self.add_epsilon(one, end);
        self.add_epsilon(many, end);
    }
}

/// The set of paths that a pattern covers, for tests of overlap.
#[derive(Clone, Debug)]
pub(crate) struct PathSet {
    prefix: Box<[u8]>,
    nfa: Nfa,
}

impl PathSet {
    pub(crate) fn of(pattern: &PathPattern) -> Self {
        Self::new(pattern, Nfa::of(pattern.pieces()))
    }

    /// The same, but a `*` at the end stands for bytes without a dot.
    pub(super) fn without_dot_at_end(pattern: &PathPattern) -> Self {
        let [before @ .., Piece::Star] = pattern.pieces() else {
            return Self::of(pattern);
        };
        let mut nfa = Nfa::of(before);
        nfa.add_loop(byte_set(|byte| byte != b'/' && byte != b'.'));
        Self::new(pattern, nfa)
    }

    fn new(pattern: &PathPattern, nfa: Nfa) -> Self {
        let prefix: &[u8] = match pattern.pieces().first() {
            Some(Piece::Bytes(bytes)) => bytes,
            _ => &[],
        };
        Self {
            prefix: prefix.into(),
            nfa,
        }
    }

    /// True if a path may be in both sets.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let prefix =
            self.prefix.starts_with(&other.prefix) || other.prefix.starts_with(&self.prefix);
        prefix && have_common_path(&self.nfa, &other.nfa)
    }
}

/// A pattern, prepared for comparison with the objects of many rules.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pattern: PathPattern,
    /// The only path that it covers, if there is one.
    exact: Option<Object>,
    paths: PathSet,
}

impl Place {
    pub(crate) fn new(pattern: PathPattern) -> Self {
        Self {
            paths: PathSet::of(&pattern),
            exact: pattern.as_exact(),
            pattern,
        }
    }

    /// The same place, but for comparisons with patterns, a `*` at the end of its pattern stands for bytes without a dot.
    pub(super) fn without_dot_at_end(self) -> Self {
        Self {
            paths: PathSet::without_dot_at_end(&self.pattern),
            ..self
        }
    }

    /// The set of paths that it covers.
    pub(crate) fn paths(&self) -> &PathSet {
        &self.paths
    }

    /// True if the place and the object of a rule may have a path in common.
    pub(crate) fn meets(&self, object: &RuleObject) -> bool {
        match (object, &self.exact) {
            (RuleObject::Exact(object), Some(own)) => object == own,
            (RuleObject::Exact(object), None) => self.pattern.matches(object),
            (RuleObject::Path(other), _) => {
                other.kind() == self.pattern.kind() && self.paths.overlaps(&PathSet::of(other))
            }
            (RuleObject::Inet(_), _) => false,
        }
    }
}

fn have_common_path(one: &Nfa, other: &Nfa) -> bool {
    // For each pair of states: true if it was reached.
    let mut seen = vec![false; one.0.len() * other.0.len()];
    let mut open = vec![(0, 0)];
    while let Some((a, b)) = open.pop() {
        if (a, b) == (one.last(), other.last()) {
            return true;
        }
        let (Some(left), Some(right)) = (one.0.get(a), other.0.get(b)) else {
            continue;
        };
        let mut next: Vec<(usize, usize)> = left.epsilon.iter().map(|to| (*to, b)).collect();
        next.extend(right.epsilon.iter().map(|to| (a, *to)));
        if let (Some((ours, to)), Some((theirs, also))) = (left.transition, right.transition)
            && intersects(&ours, &theirs)
        {
            next.push((to, also));
        }
        open.extend(next.into_iter().filter(|(a, b)| {
            seen.get_mut(a * other.0.len() + b)
                .is_some_and(|seen| !std::mem::replace(seen, true))
        }));
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::PathKind;

    fn overlaps(one: &str, other: &str) -> bool {
        let pattern = |text| PathPattern::parse(PathKind::Path, text).unwrap();
        let (one, other) = (PathSet::of(&pattern(one)), PathSet::of(&pattern(other)));
        let found = one.overlaps(&other);
        assert_eq!(found, other.overlaps(&one));
        found
    }

    #[test]
    fn patterns_that_share_a_path_overlap() {
        assert!(overlaps("/etc/**", "/etc/app/{n}.conf"));
        assert!(overlaps("**/.ssh/**", "/home/{n}/**"));
        assert!(overlaps("/home/*/.**", "/home/{tmp}/*"));
        assert!(overlaps("/a/{b,c}/x", "/a/*/x"));
        assert!(overlaps("**/*.key", "/srv/*.key"));
    }

    #[test]
    fn patterns_without_a_common_path_do_not_overlap() {
        assert!(!overlaps("/etc/**", "/var/log/{n}.log"));
        assert!(!overlaps("/etc/**", "/etcetera/{n}"));
        assert!(!overlaps("**/.ssh/**", "/home/{n}/x-{hex}.log"));
        assert!(!overlaps("/a/{b,c}/x", "/a/d*/x"));
        assert!(!overlaps("/a/{n}", "/a/b"));
        assert!(!overlaps("**/*.key", "/srv/{n}.log"));
    }
}
