// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Selects the few patterns that may match a text from many, by their fixed prefixes and suffixes.

use std::collections::{BTreeSet, HashMap};

use super::Piece;

/// Values by the fixed bytes at the beginning and end of their patterns.
#[derive(Debug)]
pub(crate) struct Index<'a, T> {
    beginnings: HashMap<&'a [u8], Endings<'a, T>>,
    lengths: BTreeSet<usize>,
}

#[derive(Debug)]
struct Endings<'a, T> {
    values: HashMap<&'a [u8], Vec<T>>,
    lengths: BTreeSet<usize>,
}

impl<T> Default for Index<'_, T> {
    fn default() -> Self {
        Self {
            beginnings: HashMap::new(),
            lengths: BTreeSet::new(),
        }
    }
}

impl<T> Default for Endings<'_, T> {
    fn default() -> Self {
        Self {
            values: HashMap::new(),
            lengths: BTreeSet::new(),
        }
    }
}

fn fixed(piece: Option<&Piece>) -> &[u8] {
    match piece {
        Some(Piece::Bytes(bytes)) => bytes,
        _ => &[],
    }
}

impl<'a, T> Index<'a, T> {
    pub(crate) fn insert(&mut self, pieces: &'a [Piece], value: T) {
        let (first, last) = (fixed(pieces.first()), fixed(pieces.last()));
        self.lengths.insert(first.len());
        let endings = self.beginnings.entry(first).or_default();
        endings.lengths.insert(last.len());
        endings.values.entry(last).or_default().push(value);
    }

    /// Returns the values whose patterns have a matching prefix and suffix. All patterns that match are among them.
    pub(crate) fn candidates(&self, bytes: &[u8]) -> impl Iterator<Item = &T> {
        let beginnings = self.lengths.range(..=bytes.len());
        let endings = beginnings.filter_map(|length| self.beginnings.get(bytes.get(..*length)?));
        endings.flat_map(|endings| {
            let lengths = endings.lengths.range(..=bytes.len());
            lengths
                .filter_map(|length| endings.values.get(bytes.get(bytes.len() - length..)?))
                .flatten()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_have_a_matching_prefix_and_suffix() {
        let bytes = |text: &str| Piece::Bytes(text.as_bytes().into());
        let patterns = [
            vec![bytes("/a/"), Piece::Star, bytes(".txt")],
            vec![bytes("/a/"), Piece::Star],
            vec![Piece::StarStar],
            vec![bytes("/b/"), Piece::Star],
            vec![bytes("/a/x.txt")],
        ];
        let mut index = Index::default();
        for (at, pieces) in patterns.iter().enumerate() {
            index.insert(pieces, at);
        }
        let found = |path: &[u8]| {
            let mut found: Vec<usize> = index.candidates(path).copied().collect();
            found.sort_unstable();
            found
        };
        assert_eq!(found(b"/a/x.txt"), [0, 1, 2, 4]);
        assert_eq!(found(b"/a/x"), [1, 2]);
        assert_eq!(found(b""), [2]);
    }
}
