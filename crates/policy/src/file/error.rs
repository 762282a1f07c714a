// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Errors of rule files, displayed with an excerpt like a compiler's.

use std::fmt;

use ambit_event::Op;
use ambit_source::yaml::{Feature, YamlError};
use ambit_source::{FileError, FileErrors, Problem};

use crate::check::ConditionErrorKind;
use crate::rule::{Actions, Severity};

/// The errors of rule files. Displayed as text for a terminal, hidden characters escaped.
pub type RuleErrors = FileErrors<RuleErrorKind>;
/// An error in a rule file.
pub type RuleError = FileError<RuleErrorKind>;

/// Kinds of errors.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuleErrorKind {
    /// The file is not a YAML document. With a suggestion, if it is a missing pair of quotes.
    #[error("{0}")]
    Yaml(#[source] YamlError, Option<String>),
    /// Another kind of node.
    #[error("expected {0}")]
    Expected(&'static str),
    /// `ambit-rules` does not come first.
    #[error("expected `ambit-rules` as the first key")]
    NotRules,
    /// Another version.
    #[error("unsupported version of the rule format; this program reads version 1")]
    Version,
    /// The key is unknown.
    #[error("unknown key")]
    UnknownKey {
        /// The most similar known name.
        nearest: Option<&'static str>,
        /// The known keys.
        known: &'static [&'static str],
    },
    /// The key occurs twice.
    #[error("duplicate key")]
    DuplicateKey,
    /// A required key is missing.
    #[error("the key `{0}` is missing")]
    MissingKey(&'static str),
    /// Not a rule's id.
    #[error("expected an id: 1 to 63 of `A-Za-z0-9._-`")]
    Id,
    /// A hidden character in a description.
    #[error("this text contains a hidden character")]
    Hidden,
    /// An unknown operation, family, action or severity.
    #[error("unknown {what}")]
    Word {
        /// The kind of word.
        what: &'static str,
        /// The most similar known name.
        nearest: Option<&'static str>,
    },
    /// Rules cannot match this operation: it has no hook of its own.
    #[error("rules cannot match `{0}`")]
    NotAsked(Op),
    /// `allow` together with `deny` or `kill`.
    #[error("`allow` cannot be combined with `deny` or `kill`")]
    AllowAndRefuse,
    /// Not an ATT&CK technique.
    #[error("expected a technique such as `T1059` or `T1059.004`")]
    Technique,
    /// Not a time to live.
    #[error("expected a number of seconds, from 1 to {}", u32::MAX)]
    Seconds,
    /// `for-seconds` in a rule that does not taint.
    #[error("`for-seconds` needs the action `taint`")]
    SecondsAlone,
    /// Not a domain's name.
    #[error("expected `host`, `domains`, or a domain's name: 1 to 63 of `A-Za-z0-9._-`")]
    Scope,
    /// The scope contradicts the condition.
    #[error("this rule never matches: its condition excludes every task that `for` selects")]
    NeverInScope,
    /// An error of the condition.
    #[error("{0}")]
    Condition(#[source] ConditionErrorKind),
    /// The field of an example cannot have this value.
    #[error("expected {expected} for `{field}`")]
    Value {
        /// The field.
        field: &'static str,
        /// Its possible values.
        expected: Expected,
        /// The known word nearest to it.
        nearest: Option<&'static str>,
    },
    /// The operation of an example is not one of the rule's.
    #[error("this operation is not in the rule's `on`")]
    OtherOperation {
        /// The operations of the rule.
        on: Vec<Op>,
    },
    /// Two fields for the same executables.
    #[error("`{0}` and `subject.chain` cannot be given together")]
    ChainTwice(&'static str),
    /// Two rules have the same id.
    #[error("another rule has the id `{id}`")]
    DuplicateId {
        /// The id.
        id: String,
        /// The other rule.
        other: Other,
    },
    /// Two rules with the same condition contradict each other.
    #[error("rules `{id}` and `{}` contradict each other: they have the same condition, and one allows what the other refuses", other.id)]
    Contradict {
        /// The rule.
        id: String,
        /// The other rule.
        other: Other,
    },
    /// Another rule refuses everything that this one allows.
    #[error("rule `{id}` has no effect: rule `{}` refuses everything it allows", other.id)]
    NoEffect {
        /// The rule.
        id: String,
        /// The other rule.
        other: Other,
    },
    /// Other rules together refuse everything that this one allows.
    #[error("rule `{id}` has no effect: other rules together refuse everything it allows")]
    AllRefused {
        /// The rule.
        id: String,
    },
    /// Another rule allows everything that this one would taint or untaint.
    #[error("rule `{id}` never taints or untaints: rule `{}` allows everything it matches", other.id)]
    NoTaint {
        /// The rule.
        id: String,
        /// The other rule.
        other: Other,
    },
    /// No rule sets this trust source.
    #[error("rule `{id}` tests the trust source `{source_name}`, which no rule sets")]
    UnsetSource {
        /// The rule.
        id: String,
        /// The source.
        source_name: String,
        /// The most similar source that a rule sets.
        nearest: Option<String>,
        /// The rule of this id, which does not taint.
        other: Option<Box<Other>>,
    },
}

/// Another rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// Its id.
    pub id: String,
    /// Its file, as it was given.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
}

/// Possible values of an example's field.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expected {
    /// A number up to this maximum.
    Number(u64),
    /// `true` or `false`.
    Bool,
    /// One of its words.
    Word,
    /// An IP address.
    Address,
    /// Checks that a text is a trust source.
    Source,
    /// A text, in one line.
    Text,
    /// Returns a list of at most `most` texts.
    List(usize),
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(max) => write!(f, "a number from 0 to {max}"),
            Self::Bool => f.write_str("`true` or `false`"),
            Self::Word => f.write_str("one of its words"),
            Self::Address => f.write_str("an IP address"),
            Self::Source => f.write_str(
                "a trust source: `rule:ID`, `tap:NAME`, `model`, `operator`, `engine` or `tap`",
            ),
            Self::Text => f.write_str("a text"),
            Self::List(max) => write!(f, "a list of at most {max} texts"),
        }
    }
}

impl fmt::Display for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the other rule is at {}:{}", self.file, self.line)
    }
}

/// Lists words in a sentence.
fn listed<T>(words: &[(&'static str, T)]) -> String {
    let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    match words.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
        None => String::new(),
    }
}

const FIRST_KEY_HELP: &str = "a rule file begins with `ambit-rules: 1`";

/// Returns a suggestion for a file that is not YAML. `instead` is the line with its condition in quotes.
fn yaml_help(error: &YamlError, instead: Option<&str>) -> Option<String> {
    if let Some(instead) = instead {
        return Some(format!("quote it: {instead}"));
    }
    let help = match error {
        YamlError::Unsupported(Feature::Anchors | Feature::Aliases) => {
            "write the value out at each place"
        }
        YamlError::Empty => FIRST_KEY_HELP,
        YamlError::TooLarge { .. } | YamlError::SecondDocument => "split it into several files",
        YamlError::Syntax(_) if error.help().is_some() => error.help()?,
        YamlError::Syntax(_) | YamlError::Unsupported(Feature::Tags) => {
            "quote a condition that contains `!`, quotes or `: `, or write it below `|`"
        }
        _ => error.help()?,
    };
    Some(help.to_owned())
}

impl Problem for RuleErrorKind {
    fn help(&self) -> Option<String> {
        Self::help(self)
    }
}

impl RuleErrorKind {
    /// Returns a suggestion for a correction, if there is one.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::UnknownKey {
                nearest: Some(name),
                ..
            }
            | Self::Word {
                nearest: Some(name),
                ..
            }
            | Self::Value {
                nearest: Some(name),
                ..
            } => format!("did you mean `{name}`?"),
            Self::UnsetSource {
                nearest: Some(name),
                ..
            } => format!("did you mean `{name}`?"),
            Self::UnsetSource {
                other: Some(other), ..
            } => format!(
                "rule `{}` at {}:{} does not `taint`",
                other.id, other.file, other.line
            ),
            Self::UnsetSource { .. } => {
                "write a rule with this id and `do: taint`".to_owned()
            }
            Self::DuplicateId { other, .. } | Self::Contradict { other, .. } => other.to_string(),
            Self::NoEffect { other, .. } => {
                format!("{other}; `deny` and `kill` take precedence over `allow`")
            }
            Self::AllRefused { .. } => "`deny` and `kill` take precedence over `allow`".to_owned(),
            Self::NoTaint { other, .. } => {
                format!("{other}; if a rule allows an operation, only rules with `allow` taint or untaint")
            }
            Self::UnknownKey { known, .. } => format!("known keys: {}", known.join(", ")),
            Self::Word { what, .. } => match *what {
                "severity" => format!("severities are {}", listed(&Severity::WORDS)),
                "action" => format!("actions are {}", listed(&Actions::WORDS)),
                _ => "`ambit rules fields` lists operations; `file.*` selects all of a family".to_owned(),
            },
            Self::Yaml(error, instead) => return yaml_help(error, instead.as_deref()),
            Self::NotRules | Self::Version => FIRST_KEY_HELP.to_owned(),
            Self::MissingKey(key) => match *key {
                "rules" => "write `rules:` and a list of rules below it",
                "id" => "for example `id: shell-under-web`",
                "on" => "for example `on: exec`",
                "do" => "for example `do: audit`",
                "op" => "for example `op: exec`",
                "event" => "for example `event: {op: exec, object.path: /usr/bin/dash}`",
                _ => "`expect: true` if the rule should match, otherwise `expect: false`",
            }
            .to_owned(),
            Self::DuplicateKey => "remove one of them".to_owned(),
            Self::Hidden => "remove it; hidden characters are escape sequences, text direction marks and the like".to_owned(),
            Self::AllowAndRefuse => {
                "split it into two rules; `deny` and `kill` take precedence over `allow`".to_owned()
            }
            Self::SecondsAlone => "add `taint` to `do`, or remove `for-seconds`".to_owned(),
            Self::NeverInScope => {
                "widen `for`, or test `task.domain` in another rule".to_owned()
            }
            Self::NotAsked(_) => "it has no hook of its own; use `exec`".to_owned(),
            Self::OtherOperation { on } => {
                let names: Vec<_> = on.iter().map(|op| op.name()).collect();
                format!("`on` has {}", names.join(", "))
            }
            Self::Condition(kind) => return kind.help(),
            Self::Value {
                expected: Expected::Number(_),
                ..
            } => "write it in decimal, or in hexadecimal as `0x1ed`".to_owned(),
            Self::Value {
                expected: Expected::Word,
                field,
                ..
            } => format!("`ambit rules fields` lists the words of `{field}`"),
            _ => return None,
        })
    }
}
