// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The list of sensitive places, which are generalised only by id, and of places that are never generalised.
//!
//! Each line is an entry: `any`, `write` or `exec` and a path pattern that is sensitive for these operations, `secret` and
//! a path pattern that is sensitive for all of them and whose content is a credential or a key, or `never` and a path
//! pattern whose paths stay exact. A reason may follow after `#`. The built-in list has the same form.

use ambit_abi::Op;
use ambit_event::{Operation, TextError, escape, nearest};

use super::overlap::{PathSet, Place, Target};
use super::tree;
use crate::pattern::{PathKind, PathPattern};
use crate::{Rule, RuleObject};

const BUILT_IN: &str = include_str!("sensitive.txt");

/// The operations that an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Any,
    Secret,
    Write,
    Exec,
    Never,
}

impl Access {
    const ALL: [(&str, Self); 5] = [
        ("any", Self::Any),
        ("secret", Self::Secret),
        ("write", Self::Write),
        ("exec", Self::Exec),
        ("never", Self::Never),
    ];

    fn includes(self, operation: Operation) -> bool {
        match self {
            Self::Any | Self::Secret | Self::Never => true,
            Self::Write => tree::writes(operation),
            Self::Exec => matches!(operation.op, Op::Exec | Op::MapExec),
        }
    }
}

#[derive(Clone, Debug)]
struct Entry {
    access: Access,
    place: Place,
    /// The pattern as written.
    text: String,
    reason: String,
}

/// An entry that a rule's object may lie in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SensitivePlace<'s> {
    /// The reason; the pattern if the entry has none.
    pub(crate) reason: &'s str,
    /// True if the pattern does not begin with a directory.
    pub(crate) is_anywhere: bool,
}

impl Entry {
    fn place(&self) -> SensitivePlace<'_> {
        SensitivePlace {
            reason: if self.reason.is_empty() {
                &self.text
            } else {
                &self.reason
            },
            is_anywhere: self.text.starts_with("**"),
        }
    }
}

/// The entries of a list.
#[derive(Clone, Debug)]
pub struct Sensitive(Vec<Entry>);

/// An error in a list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListErrorKind {
    /// The first word is unknown.
    #[error("expected `any`, `secret`, `write`, `exec` or `never`{}", .nearest.map(|word| format!("; did you mean `{word}`?")).unwrap_or_default())]
    Access {
        /// The most similar known word.
        nearest: Option<&'static str>,
    },
    /// An absolute pattern is missing.
    #[error("expected a path pattern, such as `/srv/keys/**` or `**/*.key`")]
    Missing,
    /// The line has a control character or another hidden one.
    #[error("a hidden character, which a list may not contain")]
    Hidden,
    /// The pattern is invalid.
    #[error("{0}")]
    Pattern(#[source] TextError),
}

/// An error in a list, with its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {kind}")]
pub struct ListError {
    /// Starts at 1.
    pub line: usize,
    /// Starts at 1, in characters.
    pub column: usize,
    /// The error.
    pub kind: ListErrorKind,
}

impl Default for Sensitive {
    fn default() -> Self {
        let mut list = Self(Vec::new());
        // A test parses the built-in list.
        let _ = list.extend(BUILT_IN);
        // The rest of a key's name has no dot: otherwise `**/id_rsa*` would have a path in common with `/srv/*.c`, and nearly
        // each pattern would be sensitive.
        let entries = list.0.into_iter().map(|entry| {
            let anywhere = entry.text.starts_with("**");
            let place = if anywhere {
                entry.place.without_dot_at_end()
            } else {
                entry.place
            };
            Entry { place, ..entry }
        });
        Self(entries.collect())
    }
}

impl Sensitive {
    /// Adds the entries of `text`.
    pub fn extend(&mut self, text: &str) -> Result<(), ListError> {
        for (number, line) in text.lines().enumerate() {
            let entry = parse_entry(line).map_err(|(at, kind)| ListError {
                line: number + 1,
                column: line.get(..at).map_or(0, |before| before.chars().count()) + 1,
                kind,
            })?;
            self.0.extend(entry);
        }
        Ok(())
    }

    /// Returns the sensitive entries that overlap with a pattern, each with its reason.
    pub(super) fn overlapping(&self, operation: Operation, pattern: &PathPattern) -> Vec<String> {
        self.sensitive_entries(operation, &PathSet::of(pattern))
            .map(|entry| {
                if entry.reason.is_empty() {
                    entry.text.clone()
                } else {
                    format!("{}: {}", entry.text, entry.reason)
                }
            })
            .collect()
    }

    /// True if a sensitive entry overlaps with the pattern.
    pub(super) fn overlaps(&self, operation: Operation, pattern: &PathPattern) -> bool {
        let paths = PathSet::of(pattern);
        self.sensitive_entries(operation, &paths).next().is_some()
    }

    fn sensitive_entries(
        &self,
        operation: Operation,
        paths: &PathSet,
    ) -> impl Iterator<Item = &Entry> {
        self.0.iter().filter(move |entry| {
            entry.access != Access::Never
                && entry.access.includes(operation)
                && entry.place.paths().overlaps(paths)
        })
    }

    /// Returns the entries about secrets that the object of a rule may lie in.
    pub(crate) fn secrets<'s>(
        &'s self,
        object: &'s RuleObject,
    ) -> impl Iterator<Item = SensitivePlace<'s>> {
        let target = Target::new(object);
        self.0
            .iter()
            .filter(move |entry| entry.access == Access::Secret && entry.place.meets(&target))
            .map(Entry::place)
    }

    /// Returns the entries that are about a rule's operation and that its object may lie in.
    pub(crate) fn places<'s>(&'s self, rule: &'s Rule) -> impl Iterator<Item = SensitivePlace<'s>> {
        let target = Target::new(rule.object());
        self.0
            .iter()
            .filter(move |entry| {
                entry.access != Access::Never
                    && entry.access.includes(rule.operation())
                    && entry.place.meets(&target)
            })
            .map(Entry::place)
    }

    /// True if a `never` entry overlaps with the pattern.
    pub(super) fn forbids(&self, pattern: &PathPattern) -> bool {
        let mut never = self
            .0
            .iter()
            .filter(|entry| entry.access == Access::Never)
            .peekable();
        if never.peek().is_none() {
            return false;
        }
        let paths = PathSet::of(pattern);
        never.any(|entry| entry.place.paths().overlaps(&paths))
    }
}

impl std::fmt::Display for Sensitive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for entry in &self.0 {
            let access = Access::ALL
                .iter()
                .find(|(_, access)| *access == entry.access)
                .map_or("", |(word, _)| word);
            write!(f, "{access:<6} {}", entry.text)?;
            if !entry.reason.is_empty() {
                write!(f, "  # {}", entry.reason)?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// Parses a line; `None` if it has no entry. An error comes with its offset in bytes.
fn parse_entry(line: &str) -> Result<Option<Entry>, (usize, ListErrorKind)> {
    let (content, reason) = match line.split_once(" #") {
        Some((content, reason)) => (content, reason.trim()),
        None if line.trim_start().starts_with('#') => return Ok(None),
        None => (line, ""),
    };
    // Reasons are printed.
    let hidden = |c: char| escape::is_hidden(c) && c != '\t';
    if let Some((at, _)) = line.char_indices().find(|(_, c)| hidden(*c)) {
        return Err((at, ListErrorKind::Hidden));
    }
    let trimmed = content.trim();
    if trimmed.is_empty() {
        return Ok(None);
    }
    let start = content.len() - content.trim_start().len();
    let (word, rest) = trimmed.split_once([' ', '\t']).unwrap_or((trimmed, ""));
    let known = Access::ALL.iter().find(|(known, _)| *known == word);
    let (_, access) = known.ok_or_else(|| {
        let nearest = nearest(word, Access::ALL.map(|(known, _)| known));
        (start, ListErrorKind::Access { nearest })
    })?;
    let text = rest.trim_start();
    let at = start + trimmed.len() - text.len();
    if !text.starts_with(['/', '*']) {
        return Err((at, ListErrorKind::Missing));
    }
    let pattern = PathPattern::parse(PathKind::Path, text)
        .map_err(|error| (at + error.span.start, ListErrorKind::Pattern(error)))?;
    Ok(Some(Entry {
        access: *access,
        place: Place::new(pattern),
        text: text.to_owned(),
        reason: reason.to_owned(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlapping(list: &Sensitive, rule: &str) -> usize {
        let rule = Rule::parse(rule).unwrap();
        let RuleObject::Path(pattern) = rule.object() else {
            panic!("no pattern: {rule}");
        };
        list.overlapping(rule.operation(), pattern).len()
    }

    #[test]
    fn the_built_in_list_can_be_read_and_prints_what_it_reads() {
        let list = Sensitive::default();
        assert_eq!(list.0.len(), BUILT_IN.lines().count());
        let mut again = Sensitive(Vec::new());
        again.extend(&list.to_string()).unwrap();
        assert_eq!(again.to_string(), list.to_string());
    }

    #[test]
    fn a_place_is_sensitive_for_certain_operations() {
        let list = Sensitive::default();
        assert_eq!(overlapping(&list, "file.open r /usr/share/doc/{n}"), 0);
        assert_eq!(overlapping(&list, "file.open w /usr/share/doc/{n}"), 1);
        assert_eq!(overlapping(&list, "file.open r /etc/rc{n}.d/x"), 1);
        assert_eq!(overlapping(&list, "map.exec /usr/lib/libfoo.so.{n}"), 0);
        assert_eq!(overlapping(&list, "map.exec /tmp/lib{tmp}.so"), 1);
        assert_eq!(overlapping(&list, "file.create /var/log/app-{n}.log"), 0);
        assert!(overlapping(&list, "file.open r /home/u/*") > 1);
        assert_eq!(overlapping(&list, "file.open r /home/u/p-{n}.pem"), 1);
    }

    #[test]
    fn secrets_are_found_for_exact_paths_and_for_patterns() {
        let list = Sensitive::default();
        let found = |rule: &str| {
            let rule = Rule::parse(rule).unwrap();
            let first = list.secrets(rule.object()).next();
            first.map(|place| (place.reason.to_owned(), place.is_anywhere))
        };
        let hashes = Some(("password hashes".to_owned(), false));
        assert_eq!(found("file.open r /etc/shadow"), hashes);
        assert_eq!(found("file.open r /etc/*"), hashes);
        let keys = Some(("private keys".to_owned(), true));
        assert_eq!(found("file.open r /srv/site.key"), keys);
        assert_eq!(found("file.open r /etc/passwd"), None);
        assert_eq!(found("file.open r /proc/{self}/environ"), None);
    }

    #[test]
    fn a_list_can_be_extended_and_errors_have_a_place() {
        let mut list = Sensitive(Vec::new());
        list.extend("# ours\n\nany /srv/keys/** # signing\nnever /srv/exact/**\n")
            .unwrap();
        assert_eq!(overlapping(&list, "file.open r /srv/keys/{n}"), 1);
        let pattern = |text| PathPattern::parse(PathKind::Path, text).unwrap();
        assert!(list.forbids(&pattern("/srv/exact/{n}")));
        assert!(!list.forbids(&pattern("/srv/keys/{n}")));
        for (text, place) in [
            (
                "ayn /x",
                "line 1, column 1: expected `any`, `secret`, `write`, `exec` or `never`; did you mean `any`?",
            ),
            ("\nany x", "line 2, column 5: expected a path pattern"),
            ("any", "line 1, column 4: expected a path pattern"),
            ("any /a/{pdi}", "line 1, column 8: "),
        ] {
            let error = list.extend(text).unwrap_err().to_string();
            assert!(error.starts_with(place), "{error}");
        }
    }
}
