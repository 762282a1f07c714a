// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Chooses among the readings of names by the names beside them: names of one maker share their fixed parts.

use std::collections::HashMap;

use super::component::parent;
use super::name::Reading;
use super::part::Origin;
use crate::pattern::Piece;

/// A created file with the ways to read its name, the best one first.
pub(super) struct Name<'a> {
    pub(super) path: &'a [u8],
    pub(super) origin: Origin,
    pub(super) readings: Vec<Reading>,
}

/// Bits, in hundredths, that a name gives up to be read as most of its siblings are.
const CONFORM: i32 = 1200;

/// A directory and the pieces of a name in it.
type Key<'a> = (&'a [u8], &'a [Piece]);

/// The names that may be read in the same way.
#[derive(Default)]
struct Group {
    /// Names with this reading.
    names: usize,
    /// Names with this reading as their best.
    best: usize,
    /// Bits that these names save together.
    gain: i32,
}

/// The readings of all names, grouped by directory and pieces.
pub(super) struct Groups<'a>(HashMap<Key<'a>, Group>);

impl<'a> Groups<'a> {
    pub(super) fn of(names: &'a [Name<'a>]) -> Self {
        let mut out: HashMap<Key<'_>, Group> = HashMap::new();
        for name in names {
            for (index, reading) in name.readings.iter().enumerate() {
                let group = out.entry((parent(name.path), &reading.pieces)).or_default();
                group.names += 1;
                group.best += usize::from(index == 0);
                group.gain = group.gain.saturating_add(reading.gain);
            }
        }
        Self(out)
    }

    fn group(&self, name: &'a Name<'a>, reading: &'a Reading) -> Option<&Group> {
        self.0.get(&(parent(name.path), &*reading.pieces))
    }

    /// Returns the pieces of a name if there is enough evidence for a generated part.
    pub(super) fn choose(&self, name: &'a Name<'a>) -> Option<Vec<Piece>> {
        let best = name.readings.first()?;
        let votes = |reading: &'a Reading| self.group(name, reading).map_or(0, |group| group.best);
        // Readings are sorted by score, so the first one with most votes is the best of these.
        let mut chosen = best;
        for reading in &name.readings {
            if votes(reading) > votes(chosen) && best.gain - reading.gain <= CONFORM {
                chosen = reading;
            }
        }
        let together = self.group(name, chosen).is_some_and(|group| {
            group.names > 1 && group.gain > chosen.need && has_text(&chosen.pieces)
        });
        (chosen.suffices() || together).then(|| chosen.pieces.clone())
    }
}

/// True if the pieces have a letter or digit in a fixed part. Names without one may be of different makers.
pub(super) fn has_text(pieces: &[Piece]) -> bool {
    pieces.iter().any(
        |piece| matches!(piece, Piece::Bytes(bytes) if bytes.iter().any(u8::is_ascii_alphanumeric)),
    )
}
