// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Searches a name for a part that a maker of temporary names generated.

use std::ops::Range;

use ambit_event::lex::Class;

use super::heuristics::{HASH_DIGITS_MIN, has_inner_capital, is_hex_number};
use super::makers::{Alphabet, MAKERS, Maker, Place};

use super::ordinary;
use super::part::{Origin, PRIVATE_MODES, Part, overlaps, runs};

/// Lengths of random parts that several makers have.
const USUAL_LENGTHS: [usize; 4] = [6, 8, 10, 12];
/// Maximum length of an extension.
const EXTENSION_MAX: usize = 16;

/// Savings and costs in hundredths of a bit.
mod bits {
    /// Needed behind a beginning that belongs to the maker, if the rest may be a word.
    pub(super) const KNOWN: i32 = -1000;
    /// Saved by the beginning that belongs to the maker.
    pub(super) const BEGINNING: i32 = 2000;
    /// Needed if the file has the maker's mode.
    pub(super) const PRIVATE: i32 = -400;
    /// Needed in addition if the part has the form of a word.
    pub(super) const WORD_LIKE: i32 = 400;
    /// Not needed behind a separator if kinds of characters are mixed as in few words.
    pub(super) const MIXED: i32 = 2600;
    /// Needed in addition if words may be joined by an underscore.
    pub(super) const JOINED: i32 = 300;
    /// Needed in addition at the beginning of the name.
    pub(super) const WHOLE: i32 = 400;
    /// Needed if nothing but the form of the name is known.
    pub(super) const PUBLIC: i32 = 500;
    /// Cost of a length that no maker has.
    pub(super) const UNUSUAL_LENGTH: i32 = 1000;
    /// Cost of a length that fewer makers have than six characters.
    pub(super) const RARE_LENGTH: i32 = 200;
    /// Cost of a beginning without a separator.
    pub(super) const NO_SEPARATOR: i32 = 300;
    /// Cost of a beginning of one letter, in addition.
    pub(super) const ONE_LETTER: i32 = 500;
    /// Cost of a beginning of two letters, in addition.
    pub(super) const TWO_LETTERS: i32 = 200;
    /// Cost of an underscore at the end of a generated part, which may belong to the part.
    pub(super) const UNDERSCORE_BEHIND: i32 = 500;
    /// Cost of an underscore in a generated part that has no separator before it.
    pub(super) const UNDERSCORE_INSIDE: i32 = 900;
    /// Cost of a beginning without a separator behind other parts.
    pub(super) const NO_SEPARATOR_LATER: i32 = 2000;
    /// The same if the whole run has a length that no maker has.
    pub(super) const NO_SEPARATOR_UNUSUAL: i32 = 1000;
}

/// A part that a maker may have generated.
pub(super) struct Candidate {
    pub(super) range: Range<usize>,
    pub(super) class: Class,
    pub(super) gain: i32,
    pub(super) need: i32,
    /// The numbers beside it are generated too.
    pub(super) numbers: bool,
}

/// A name with the facts that the search of candidates needs.
struct Search<'a> {
    name: &'a [u8],
    parts: &'a [Part],
    /// End of the part that is kept, which separates like a hyphen.
    keep: Option<&'a Range<usize>>,
    costs: Vec<i32>,
    origin: Origin,
}

/// Returns the parts that a maker may have generated. They do not overlap the given parts.
pub(super) fn candidates(
    name: &[u8],
    parts: &[Part],
    keep: Option<&Range<usize>>,
    origin: Origin,
) -> Vec<Candidate> {
    let search = Search {
        name,
        parts,
        keep,
        costs: ordinary::costs(name),
        origin,
    };
    let mut out = Vec::new();
    for maker in MAKERS {
        search.by(maker, &mut out);
    }
    search.of_unusual_length(&mut out);
    out
}

impl Search<'_> {
    fn by(&self, maker: &Maker, out: &mut Vec<Candidate>) {
        for length in maker.lengths {
            match maker.place {
                Place::Behind(beginnings) => {
                    for beginning in beginnings {
                        // Some programs hide the file with a dot.
                        for start in [beginning.len(), beginning.len() + 1] {
                            let Some(before) = self.name.get(..start) else {
                                continue;
                            };
                            let known = before
                                .strip_prefix(b".")
                                .filter(|_| start > beginning.len())
                                .unwrap_or(before);
                            if known == beginning.as_bytes() {
                                out.extend(self.candidate(maker, start..start + length, Some(0)));
                            }
                        }
                    }
                }
                Place::AtEndOf(beginning) => {
                    let start = self.name.len().checked_sub(*length);
                    if let Some(start) = start.filter(|start| *start > beginning.len())
                        && self.name.starts_with(beginning.as_bytes())
                    {
                        out.extend(self.candidate(maker, start..self.name.len(), Some(0)));
                    }
                }
                Place::BehindProcess => {
                    let own = self
                        .parts
                        .iter()
                        .find(|part| part.class == Some(Class::Pid));
                    if let Some(own) = own.filter(|own| self.is_behind_date(own.range.start))
                        && self.name.get(own.range.end) == Some(&b'-')
                    {
                        let start = own.range.end + 1;
                        let candidate = self.candidate(maker, start..start + length, Some(0));
                        out.extend(candidate.map(|candidate| Candidate {
                            numbers: true,
                            ..candidate
                        }));
                    }
                }
                Place::Anywhere => {
                    let last = self.name.len().checked_sub(*length);
                    for start in 0..last.map_or(0, |last| last + 1) {
                        out.extend(self.candidate(maker, start..start + length, None));
                    }
                }
            }
        }
    }

    /// Adds runs of letters and digits between separators that have a length that no maker has.
    fn of_unusual_length(&self, out: &mut Vec<Candidate>) {
        let maker = Maker {
            name: "",
            alphabet: Alphabet::Alnum,
            lengths: &[],
            place: Place::Anywhere,
            mode: Some(PRIVATE_MODES[0]),
            directory: true,
            source: "",
        };
        for run in runs(self.name, u8::is_ascii_alphanumeric) {
            let start = match self.keep {
                Some(keep) if run.contains(&keep.end) => keep.end,
                _ => run.start,
            };
            let length = run.end - start;
            if length > 6 && !USUAL_LENGTHS.contains(&length) {
                let candidate = self.candidate(&maker, start..run.end, None);
                out.extend(candidate.map(|candidate| Candidate {
                    gain: candidate.gain - bits::UNUSUAL_LENGTH,
                    ..candidate
                }));
            }
        }
    }

    /// Returns a candidate if the maker can have generated the part. `known` is the cost of the place if the maker
    /// determines it.
    fn candidate(
        &self,
        maker: &Maker,
        range: Range<usize>,
        known: Option<i32>,
    ) -> Option<Candidate> {
        let part = self.name.get(range.clone())?;
        if !part.iter().all(|byte| maker.alphabet.contains(*byte)) || overlaps(self.parts, &range) {
            return None;
        }
        let after = self.name.get(range.end..)?;
        let next = after.first();
        if next.is_some_and(|next| next.is_ascii_alphanumeric() || maker.alphabet.contains(*next))
            || !is_extension(after)
        {
            return None;
        }
        let digits = part.iter().all(u8::is_ascii_digit);
        if digits != (maker.alphabet == Alphabet::Digits) && known.is_none() {
            return None;
        }
        let is_hex = matches!(maker.alphabet, Alphabet::Hex | Alphabet::UpperHex);
        if is_hex && part.iter().all(u8::is_ascii_alphabetic) && known.is_none() {
            return None;
        }
        if maker.alphabet == Alphabet::UpperHex && is_abbreviation(part) {
            return None;
        }
        let place = match known {
            Some(cost) => cost,
            None => self.place_cost(maker, &range)?,
        };
        let ordinary = self.costs.get(range.end)? - self.costs.get(range.start)?;
        let random = maker.alphabet.bits() * i32::try_from(part.len()).ok()?;
        let usual = part.len() == 6
            || range.start == 0
            || known.is_some()
            || matches!(maker.alphabet, Alphabet::Digits | Alphabet::LowerWord);
        let length = if usual { 0 } else { bits::RARE_LENGTH };
        let expected = self.expects(maker, known.is_some());
        let beginning = if known.is_some() && expected {
            bits::BEGINNING
        } else {
            0
        };
        let behind = if next == Some(&b'_') {
            bits::UNDERSCORE_BEHIND
        } else {
            0
        };
        let hash = is_hex && part.len() >= HASH_DIGITS_MIN;
        Some(Candidate {
            class: match maker.alphabet {
                Alphabet::Digits => Class::Num,
                Alphabet::UpperHex => Class::Hex,
                _ if hash => Class::Hex,
                _ => Class::Tmp,
            },
            gain: ordinary - random + beginning - place - length - behind,
            need: self.need(maker, &range, known.is_some(), expected)?,
            range,
            numbers: false,
        })
    }

    /// Returns the cost of the place; `None` if a part cannot begin there.
    fn place_cost(&self, maker: &Maker, range: &Range<usize>) -> Option<i32> {
        let before = self.name.get(..range.start)?;
        let Some(last) = before.last() else {
            return Some(0);
        };
        let behind_part = self.parts.iter().any(|part| part.range.end == range.start);
        if behind_part || !last.is_ascii_alphanumeric() {
            return Some(0);
        }
        if matches!(maker.alphabet, Alphabet::Hex | Alphabet::UpperHex)
            || maker.alphabet == Alphabet::Digits
                && (last.is_ascii_digit() || self.is_in_hex_number(range))
        {
            return None;
        }
        let word = before
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_alphanumeric())
            .count();
        let word = before.get(before.len() - word..)?;
        let short = match word.len() {
            1 => bits::ONE_LETTER,
            2 => bits::TWO_LETTERS,
            _ => 0,
        };
        let underscore = self.name.get(range.clone())?.contains(&b'_');
        let inside = if underscore {
            bits::UNDERSCORE_INSIDE
        } else {
            0
        };
        if maker.alphabet == Alphabet::Digits {
            return Some(short);
        }
        let is_word = match word {
            [first, rest @ ..] => {
                first.is_ascii_alphabetic()
                    && (rest.iter().all(u8::is_ascii_lowercase)
                        || word.iter().all(u8::is_ascii_uppercase))
            }
            [] => false,
        };
        let first = before.len() - word.len();
        let is_first = before
            .iter()
            .take(first)
            .all(|byte| !byte.is_ascii_alphanumeric());
        let run = word.len() + range.len();
        let separator = match (is_first, USUAL_LENGTHS.contains(&run)) {
            (true, _) => bits::NO_SEPARATOR + short,
            (false, true) => bits::NO_SEPARATOR_LATER,
            (false, false) => bits::NO_SEPARATOR_UNUSUAL,
        };
        is_word.then_some(separator + inside)
    }

    /// True if letters and digits before the range are one number in hex with it.
    fn is_in_hex_number(&self, range: &Range<usize>) -> bool {
        runs(self.name, u8::is_ascii_alphanumeric)
            .find(|run| run.contains(&range.start))
            .and_then(|run| self.name.get(run))
            .is_some_and(is_hex_number)
    }

    /// True if the file has the mode that the maker gives it, or shares its name with the file that it becomes.
    fn expects(&self, maker: &Maker, known: bool) -> bool {
        let mode = self.origin.mode;
        let same = match maker.mode {
            None => known || PRIVATE_MODES.contains(&mode),
            Some(of_maker) => of_maker == mode || maker.directory && mode == PRIVATE_MODES[1],
        };
        same || self.keep.is_some()
    }

    /// Returns the bits that a part must save; `None` if the facts exclude it.
    fn need(
        &self,
        maker: &Maker,
        range: &Range<usize>,
        known: bool,
        expected: bool,
    ) -> Option<i32> {
        let part = self.name.get(range.clone())?;
        let before = self.name.get(..range.start)?;
        if part.iter().all(u8::is_ascii_digit) && !known {
            // Digits in files that stay may be a date or a meaning of their own.
            return (self.origin.removed || range.len() < self.name.len()).then_some(0);
        }
        if known && expected {
            return Some(
                bits::BEGINNING
                    + if is_word_like(part) {
                        bits::KNOWN
                    } else {
                        i32::MIN / 2
                    },
            );
        }
        let underscore = part.contains(&b'_');
        // Only Python and Perl use underscores, and their files are private.
        if (underscore || maker.alphabet == Alphabet::LowerWord) && !expected {
            return None;
        }
        let mut need = if expected {
            bits::PRIVATE
        } else {
            bits::PUBLIC
        };
        let separated = before.iter().any(u8::is_ascii_alphanumeric)
            && before
                .last()
                .is_some_and(|byte| !byte.is_ascii_alphanumeric());
        if expected && separated && is_mixed(part) {
            need -= bits::MIXED;
        } else if is_word_like(part) {
            need += bits::WORD_LIKE;
        } else if underscore {
            need += bits::JOINED;
        }
        if !before.iter().any(u8::is_ascii_alphanumeric) {
            need += bits::WHOLE;
        }
        Some(need)
    }

    /// True if eight digits and a hyphen, a date without separators, stand before this position.
    fn is_behind_date(&self, at: usize) -> bool {
        let date = at.checked_sub(9).and_then(|start| self.name.get(start..at));
        matches!(date, Some([digits @ .., b'-']) if digits.iter().all(u8::is_ascii_digit))
    }
}

/// True if a capital letter follows a small one, or if digits and letters of both cases are mixed.
fn is_mixed(part: &[u8]) -> bool {
    let has = |is: fn(&u8) -> bool| part.iter().any(is);
    has_inner_capital(part)
        || has(u8::is_ascii_digit) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase)
}

/// True for three or more letters with digits at one side: `FACE2024`.
fn is_abbreviation(part: &[u8]) -> bool {
    let letters = part
        .iter()
        .filter(|byte| byte.is_ascii_alphabetic())
        .count();
    letters > 2 && !is_hex_number(part)
}

/// True for letters of one case, with an optional capital at the beginning and digits at the end: `Config`, `worker12`.
fn is_word_like(part: &[u8]) -> bool {
    let digits = part
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let letters = part.get(..part.len() - digits).unwrap_or_default();
    let rest = letters.get(1..).unwrap_or_default();
    letters.iter().all(u8::is_ascii_alphabetic)
        && (rest.iter().all(u8::is_ascii_lowercase) || letters.iter().all(u8::is_ascii_uppercase))
}

/// True for an empty end, and for a fixed end that begins with a separator: `.txt`, `-journal`.
fn is_extension(after: &[u8]) -> bool {
    match after {
        [] => true,
        [first, rest @ ..] => {
            !first.is_ascii_alphanumeric()
                && rest.len() <= EXTENSION_MAX
                && rest.iter().all(|byte| {
                    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~')
                })
        }
    }
}
