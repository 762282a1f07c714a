// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A rule that was read and checked.

use ambit_event::Op;
use ambit_source::Excerpt;

use crate::condition::Condition;
use crate::facts::Facts;

/// A rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name, unique in its set: 1 to 63 of `A-Za-z0-9._-`.
    pub id: String,
    /// A description of one line; may be empty.
    pub title: String,
    /// The severity of its matches.
    pub severity: Severity,
    /// ATT&CK technique, such as `T1059.004`.
    pub techniques: Vec<String>,
    /// Further reading.
    pub references: Vec<String>,
    /// Its operations, sorted and unique.
    pub on: Vec<Op>,
    /// Its condition, including its scope.
    pub when: Condition,
    /// Its actions on a match.
    pub actions: Actions,
    /// How long the trust bit that it sets lasts, in seconds; `None` for no end.
    pub taint_seconds: Option<u32>,
    /// Events with their expected results.
    pub examples: Vec<Example>,
    /// Its line, from 1.
    pub line: usize,
    /// Its file, as given.
    pub file: String,
    /// The condition as written.
    pub text: String,
    /// Its places in the file, for errors.
    pub marks: Marks,
}

/// Places of a rule in its file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Its id.
    pub id: Mark,
    /// Its actions.
    pub actions: Mark,
    /// The trust sources `rule:ID` in its condition, with their places.
    pub sources: Vec<(String, Mark)>,
}

/// A place in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// From 1; 0 if the rule was not read from a file.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The number of characters.
    pub width: usize,
    /// The line around the place.
    pub excerpt: Excerpt,
}

/// A set of actions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Actions(pub u8);

impl Actions {
    /// Records the match. Matches of rules with other actions are recorded as well.
    pub const AUDIT: Self = Self(1);
    /// Refuses the operation.
    pub const DENY: Self = Self(2);
    /// Allows the operation without the map, unless another rule refuses it.
    pub const ALLOW: Self = Self(4);
    /// Lowers the task's trust, as source `rule:ID`.
    pub const TAINT: Self = Self(8);
    /// Clears the trust bit of source `operator`.
    pub const UNTAINT: Self = Self(16);
    /// Refuses the operation and kills the process.
    pub const KILL: Self = Self(32);

    /// Every action with its word in rule files.
    pub const WORDS: [(&str, Self); 6] = [
        ("audit", Self::AUDIT),
        ("deny", Self::DENY),
        ("allow", Self::ALLOW),
        ("taint", Self::TAINT),
        ("untaint", Self::UNTAINT),
        ("kill", Self::KILL),
    ];

    /// The words of the actions in the set.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        let own = move |(_, action): &(&str, Self)| self.has(*action);
        Self::WORDS.into_iter().filter(own).map(|(word, _)| word)
    }

    /// True if the set contains all of these.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The union of both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The severity of a rule's matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// For information only.
    #[default]
    Info,
    /// To be looked at eventually.
    Low,
    /// To be looked at soon.
    Medium,
    /// To be looked at now.
    High,
    /// An intrusion.
    Critical,
}

impl Severity {
    /// Every severity with its word in rule files, in ascending order.
    pub const WORDS: [(&str, Self); 5] = [
        ("info", Self::Info),
        ("low", Self::Low),
        ("medium", Self::Medium),
        ("high", Self::High),
        ("critical", Self::Critical),
    ];

    /// Its word in rule files.
    pub fn word(self) -> &'static str {
        let own = Self::WORDS.iter().find(|(_, severity)| *severity == self);
        own.map_or("", |(word, _)| word)
    }
}

/// An event of a rule's author, with the expected result.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// A description of one line; may be empty.
    pub name: String,
    /// The event.
    pub facts: Facts,
    /// True if the rule should match.
    pub applies: bool,
    /// A shell command that causes the event in the lab.
    pub run: Option<String>,
    /// Its line, from 1.
    pub line: usize,
}
