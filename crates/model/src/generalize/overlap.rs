// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Decides if two path patterns have a path in common. If in doubt, the answer is yes.

use ambit_event::lex::Class;

use crate::pattern::{PathPattern, Piece};

/// A set of bytes, one bit each.
type Set = [u64; 4];

/// A state: its transitions without input, and its transition on a byte.
#[derive(Clone, Debug, Default)]
struct State {
    free: Vec<usize>,
    on: Option<(Set, usize)>,
}

/// A nondeterministic automaton over the bytes of paths; the last state accepts.
#[derive(Clone, Debug)]
struct Machine(Vec<State>);

fn set(holds: impl Fn(u8) -> bool) -> Set {
    let mut set = [0; 4];
    for byte in 0..=u8::MAX {
        if let Some(word) = set.get_mut(usize::from(byte / 64)) {
            *word |= u64::from(holds(byte)) << (byte % 64);
        }
    }
    set
}

fn single(byte: u8) -> Set {
    let mut set = [0; 4];
    if let Some(word) = set.get_mut(usize::from(byte / 64)) {
        *word = 1 << (byte % 64);
    }
    set
}

fn meet(one: &Set, other: &Set) -> bool {
    one.iter().zip(other).any(|(one, other)| one & other != 0)
}

impl Machine {
    fn of(pieces: &[Piece]) -> Self {
        let mut machine = Self(vec![State::default()]);
        machine.sequence(pieces);
        machine
    }

    fn last(&self) -> usize {
        self.0.len().saturating_sub(1)
    }

    fn state(&mut self) -> usize {
        self.0.push(State::default());
        self.last()
    }

    fn free(&mut self, from: usize, to: usize) {
        if let Some(state) = self.0.get_mut(from) {
            state.free.push(to);
        }
    }

    /// Adds a state that these bytes lead to from the last state.
    fn step(&mut self, on: Set) {
        let (from, to) = (self.last(), self.state());
        if let Some(state) = self.0.get_mut(from) {
            state.on = Some((on, to));
        }
    }

    /// Adds a loop over these bytes, for any number of them.
    fn repeat(&mut self, on: Set) {
        let outside = self.last();
        let start = self.state();
        self.free(outside, start);
        self.step(on);
        let after = self.last();
        self.free(after, start);
        let end = self.state();
        self.free(start, end);
    }

    fn sequence(&mut self, pieces: &[Piece]) {
        for piece in pieces {
            match piece {
                Piece::Bytes(bytes) => {
                    for byte in bytes {
                        self.step(single(*byte));
                    }
                }
                Piece::Star => self.repeat(set(|byte| byte != b'/')),
                Piece::StarStar => self.repeat(set(|_| true)),
                Piece::Class(class) => self.class(*class),
                Piece::Either(alternatives) => {
                    let from = self.last();
                    let mut ends = Vec::new();
                    for alternative in alternatives {
                        let start = self.state();
                        self.free(from, start);
                        self.sequence(alternative);
                        ends.push(self.last());
                    }
                    let end = self.state();
                    for last in ends {
                        self.free(last, end);
                    }
                }
            }
        }
    }

    fn class(&mut self, class: Class) {
        let on = match class {
            Class::Num | Class::Pid | Class::Own => set(|byte| byte.is_ascii_digit()),
            Class::Tmpfile => [0; 4],
            Class::Hex => set(|byte| byte.is_ascii_hexdigit()),
            Class::Uuid => set(|byte| byte.is_ascii_hexdigit() || byte == b'-'),
            Class::Tmp => set(|byte| byte.is_ascii_alphanumeric() || byte == b'_'),
        };
        let from = self.last();
        self.step(on);
        self.repeat(on);
        let many = self.last();
        if class.marker().is_none() {
            return;
        }
        // A marker consists of a NUL and a letter; the letters are not distinguished here.
        let marked = self.state();
        self.free(from, marked);
        self.step(single(0));
        self.step(set(|byte| b"spnt".contains(&byte)));
        let (one, end) = (self.last(), self.state());
        self.free(one, end);
        self.free(many, end);
    }
}

/// The set of paths that a pattern covers, for tests of overlap.
#[derive(Clone, Debug)]
pub(super) struct Reach {
    begin: Box<[u8]>,
    machine: Machine,
}

impl Reach {
    pub(super) fn of(pattern: &PathPattern) -> Self {
        let begin: &[u8] = match pattern.pieces().first() {
            Some(Piece::Bytes(bytes)) => bytes,
            _ => &[],
        };
        Self {
            begin: begin.into(),
            machine: Machine::of(pattern.pieces()),
        }
    }

    /// True if a path may be in both sets.
    pub(super) fn meets(&self, other: &Self) -> bool {
        let begin = self.begin.starts_with(&other.begin) || other.begin.starts_with(&self.begin);
        begin && common(&self.machine, &other.machine)
    }
}

fn common(one: &Machine, other: &Machine) -> bool {
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
        let mut next: Vec<(usize, usize)> = left.free.iter().map(|to| (*to, b)).collect();
        next.extend(right.free.iter().map(|to| (a, *to)));
        if let (Some((ours, to)), Some((theirs, also))) = (left.on, right.on)
            && meet(&ours, &theirs)
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

    fn meets(one: &str, other: &str) -> bool {
        let pattern = |text| PathPattern::parse(PathKind::Path, text).unwrap();
        let (one, other) = (Reach::of(&pattern(one)), Reach::of(&pattern(other)));
        let found = one.meets(&other);
        assert_eq!(found, other.meets(&one));
        found
    }

    #[test]
    fn patterns_that_share_a_path_overlap() {
        assert!(meets("/etc/**", "/etc/app/{n}.conf"));
        assert!(meets("**/.ssh/**", "/home/{n}/**"));
        assert!(meets("/home/*/.**", "/home/{tmp}/*"));
        assert!(meets("/a/{b,c}/x", "/a/*/x"));
        assert!(meets("**/*.key", "/srv/*.key"));
    }

    #[test]
    fn patterns_that_share_none_do_not() {
        assert!(!meets("/etc/**", "/var/log/{n}.log"));
        assert!(!meets("/etc/**", "/etcetera/{n}"));
        assert!(!meets("**/.ssh/**", "/home/{n}/x-{hex}.log"));
        assert!(!meets("/a/{b,c}/x", "/a/d*/x"));
        assert!(!meets("/a/{n}", "/a/b"));
        assert!(!meets("**/*.key", "/srv/{n}.log"));
    }
}
