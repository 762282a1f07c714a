// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Decides if two path patterns have a path in common. If in doubt, the answer is yes.

use std::cell::OnceCell;

use ambit_event::Object;
use ambit_event::lex::Class;

use crate::RuleObject;
use crate::pattern::{PathPattern, Piece};

/// A set of bytes, one bit each.
type ByteSet = [u64; 4];

/// A state: its transitions without input, and its transition on a byte.
#[derive(Clone, Debug, Default)]
struct State {
    /// Two are enough, because a choice of many is a chain of choices.
    epsilon: [Option<usize>; 2],
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
        let state = self.0.get_mut(from);
        let free = state.and_then(|state| state.epsilon.iter_mut().find(|one| one.is_none()));
        debug_assert!(free.is_some(), "a state has at most two");
        if let Some(free) = free {
            *free = Some(to);
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
                    let mut choice = self.last();
                    let mut ends = Vec::new();
                    for alternative in alternatives {
                        let start = self.add_state();
                        self.add_epsilon(choice, start);
                        self.add_pieces(alternative);
                        ends.push(self.last());
                        let other = self.add_state();
                        self.add_epsilon(choice, other);
                        choice = other;
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

/// The literal bytes at both ends of a pattern's paths.
#[derive(Clone, Copy, Debug)]
struct Ends<'a> {
    first: &'a [u8],
    last: &'a [u8],
}

impl<'a> Ends<'a> {
    fn of(pieces: &'a [Piece]) -> Self {
        let literal = |piece: Option<&'a Piece>| match piece {
            Some(Piece::Bytes(bytes)) => &**bytes,
            _ => &[],
        };
        Self {
            first: literal(pieces.first()),
            last: literal(pieces.last()),
        }
    }

    /// True if a path may have the ends of both.
    fn agree(self, other: Self) -> bool {
        (self.first.starts_with(other.first) || other.first.starts_with(self.first))
            && (self.last.ends_with(other.last) || other.last.ends_with(self.last))
    }
}

/// The set of paths that a pattern covers, for tests of overlap.
#[derive(Clone, Debug)]
pub(crate) struct PathSet {
    first: Box<[u8]>,
    last: Box<[u8]>,
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
        let ends = Ends::of(pattern.pieces());
        Self {
            first: ends.first.into(),
            last: ends.last.into(),
            nfa,
        }
    }

    fn ends(&self) -> Ends<'_> {
        Ends {
            first: &self.first,
            last: &self.last,
        }
    }

    /// True if a path may be in both sets.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.ends().agree(other.ends()) && have_common_path(self, other)
    }
}

/// The object of a rule, for comparison with many places.
#[derive(Debug)]
pub(crate) struct Target<'o> {
    object: &'o RuleObject,
    /// The paths that a pattern covers, for which most places need no comparison.
    paths: OnceCell<PathSet>,
}

impl<'o> Target<'o> {
    pub(crate) const fn new(object: &'o RuleObject) -> Self {
        Self {
            object,
            paths: OnceCell::new(),
        }
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
    pub(crate) fn meets(&self, target: &Target<'_>) -> bool {
        match (target.object, &self.exact) {
            (RuleObject::Exact(object), Some(own)) => object == own,
            (RuleObject::Exact(object), None) => self.pattern.matches(object),
            (RuleObject::Path(other), _) => {
                other.kind() == self.pattern.kind()
                    && Ends::of(other.pieces()).agree(self.paths.ends())
                    && {
                        let paths = target.paths.get_or_init(|| PathSet::of(other));
                        have_common_path(&self.paths, paths)
                    }
            }
            (RuleObject::Inet(_), _) => false,
        }
    }
}

/// True if a path may be in both sets, whose ends agree.
fn have_common_path(one: &PathSet, other: &PathSet) -> bool {
    // The bytes that both begin with lead from each state to the next.
    let equal = one.first.len().min(other.first.len());
    let (one, other) = (&one.nfa, &other.nfa);
    // For each pair of states: true if it was reached.
    let mut seen = vec![false; one.0.len() * other.0.len()];
    let mut open = vec![(equal, equal)];
    while let Some((a, b)) = open.pop() {
        if (a, b) == (one.last(), other.last()) {
            return true;
        }
        let (Some(left), Some(right)) = (one.0.get(a), other.0.get(b)) else {
            continue;
        };
        let mut reach = |a: usize, b: usize| {
            let seen = seen.get_mut(a * other.0.len() + b);
            if seen.is_some_and(|seen| !std::mem::replace(seen, true)) {
                open.push((a, b));
            }
        };
        for to in left.epsilon.iter().flatten() {
            reach(*to, b);
        }
        for to in right.epsilon.iter().flatten() {
            reach(a, *to);
        }
        if let (Some((ours, to)), Some((theirs, also))) = (&left.transition, &right.transition)
            && intersects(ours, theirs)
        {
            reach(*to, *also);
        }
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
        assert!(overlaps("/a/{b,c,d,e}", "/a/{x,e}"));
        assert!(overlaps("/a/bc*", "/a/b*"));
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
        assert!(!overlaps("/a/{b,c,d,e}", "/a/{x,y}"));
        assert!(!overlaps("/a/b*", "/a/c*"));
    }
}
