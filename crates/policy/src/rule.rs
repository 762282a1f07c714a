// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A rule once it was read and checked.

use ambit_event::Op;

use crate::condition::Condition;
use crate::facts::Facts;

/// A rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name, unique in its set: 1 to 63 of `A-Za-z0-9._-`.
    pub id: String,
    /// A line for people; may be empty.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// ATT&CK technique, such as `T1059.004`.
    pub techniques: Vec<String>,
    /// Further reading.
    pub references: Vec<String>,
    /// The operations it is asked about, sorted, each once.
    pub on: Vec<Op>,
    /// When it applies; its scope is part of this.
    pub when: Condition,
    /// What it does then.
    pub actions: Actions,
    /// How long the bit that it sets lasts, in seconds; `None` for ever.
    pub taint_seconds: Option<u32>,
    /// Events with what is expected.
    pub examples: Vec<Example>,
    /// Where it is, from 1.
    pub line: usize,
    /// The file it is in, as it was given.
    pub file: String,
    /// The condition as it was written.
    pub text: String,
    /// What errors about it show.
    pub marks: Marks,
}

/// Places of a rule in its file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Its id.
    pub id: Mark,
    /// What it does.
    pub actions: Mark,
    /// The sources of trust that are rules and that its condition asks about, by their names.
    pub sources: Vec<(String, Mark)>,
}

/// A place in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// From 1; 0 where the rule is from no file.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// How many characters of the line are meant.
    pub width: usize,
    /// The line, not much further than what is meant.
    pub text: String,
}

/// What a rule does, a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Actions(pub u8);

impl Actions {
    /// Record it. Every rule that applies is recorded, whatever else it does.
    pub const AUDIT: Self = Self(1);
    /// Refuse it.
    pub const DENY: Self = Self(2);
    /// End the rules and the map for this operation, unless another rule refuses it.
    pub const ALLOW: Self = Self(4);
    /// Lower the task's trust, as source `rule:ID`.
    pub const TAINT: Self = Self(8);
    /// Clear the bit of source `operator`.
    pub const UNTAINT: Self = Self(16);
    /// Refuse it and kill the process.
    pub const KILL: Self = Self(32);

    /// Whether all of these are in it.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// How bad what a rule sees is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// For the record.
    #[default]
    Info,
    /// Worth a look some day.
    Low,
    /// Worth a look.
    Medium,
    /// Look now.
    High,
    /// Somebody is in.
    Critical,
}

/// An event that a rule's author gives, with what the rule is to do about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// A line for people; may be empty.
    pub name: String,
    /// What happens.
    pub facts: Facts,
    /// Whether the rule applies.
    pub applies: bool,
    /// A shell command for the lab that does it, if there is one.
    pub run: Option<String>,
    /// Where it is, from 1.
    pub line: usize,
}
