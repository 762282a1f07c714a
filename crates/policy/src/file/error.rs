// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is wrong with rule files, shown as a compiler would.

use std::fmt;

use ambit_event::{Op, escape};

use crate::check::ConditionErrorKind;

/// How many errors are kept; the rest is counted.
pub(super) const KEPT: usize = 20;
/// How much of a long line is shown on either side.
const AROUND: usize = 60;

/// Everything that is wrong. Displays as text for a terminal, hidden characters escaped.
#[derive(Debug)]
pub struct RuleErrors {
    pub(super) errors: Vec<RuleError>,
    pub(super) more: usize,
}

/// One thing that is wrong.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct RuleError {
    /// The file, as it was given.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// Characters that are wrong, on that line.
    pub width: usize,
    /// The line; `None` where only rules beside each other are wrong.
    pub text: Option<String>,
    /// What is wrong.
    #[source]
    pub kind: RuleErrorKind,
}

/// What can be wrong with rule files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuleErrorKind {
    /// Larger than any file of rules.
    #[error("the file is larger than {} MiB", super::read::SIZE_MAX / (1024 * 1024))]
    TooLarge,
    /// Not UTF-8.
    #[error("the file is not UTF-8 from here on")]
    NotUtf8,
    /// Nothing there.
    #[error("the file is empty")]
    Empty,
    /// Not YAML.
    #[error("not YAML: {}", .0.info())]
    Syntax(#[source] saphyr_parser::ScanError, Option<String>),
    /// Anchors, aliases and tags.
    #[error("{0} are not used in rules")]
    NotUsed(&'static str, Option<String>),
    /// A second document.
    #[error("a file of rules is one document")]
    Documents,
    /// Another kind of node.
    #[error("expected {0}")]
    Expected(&'static str),
    /// `ambit-rules` does not come first.
    #[error("expected the key `ambit-rules` first")]
    NotRules,
    /// Another version.
    #[error("unknown version of the rules' format; this program reads version 1")]
    Version,
    /// No such key here.
    #[error("unknown key")]
    UnknownKey {
        /// The known one nearest to it.
        nearest: Option<&'static str>,
        /// Those that are known.
        known: &'static [&'static str],
    },
    /// A key twice.
    #[error("the key is here twice")]
    DuplicateKey,
    /// A key that must be there.
    #[error("the key `{0}` is missing")]
    MissingKey(&'static str),
    /// Not a rule's id.
    #[error("expected an id: 1 to 63 of `A-Za-z0-9._-`")]
    Id,
    /// A hidden character in a text for people.
    #[error("there is a hidden character in this text")]
    Hidden,
    /// No such operation, family, action or severity.
    #[error("unknown {what}")]
    Word {
        /// What it should be.
        what: &'static str,
        /// The known one nearest to it.
        nearest: Option<&'static str>,
    },
    /// An operation without a hook of its own.
    #[error("rules are not asked about `{0}`")]
    NotAsked(Op),
    /// Allow, and refuse.
    #[error("a rule does not `allow` what it refuses")]
    AllowAndRefuse,
    /// Not an ATT&CK technique.
    #[error("expected a technique such as `T1059` or `T1059.004`")]
    Technique,
    /// Not a time to live.
    #[error("expected a number of seconds, from 1 to {}", u32::MAX)]
    Seconds,
    /// A time to live of nothing.
    #[error("`for-seconds` is how long a taint lasts, and this rule sets none")]
    SecondsAlone,
    /// Not a domain's name.
    #[error("expected `host`, `domains`, or a domain's name: 1 to 63 of `A-Za-z0-9._-`")]
    Scope,
    /// A scope that contradicts the condition.
    #[error("this rule never applies: its condition holds for no task that it is for")]
    NeverInScope,
    /// The condition is wrong.
    #[error("{0}")]
    Condition(#[source] ConditionErrorKind),
    /// A value that a field of an example can't have.
    #[error("expected {expected} for `{field}`")]
    Value {
        /// The field.
        field: &'static str,
        /// What it can have.
        expected: Expected,
        /// The known word nearest to it.
        nearest: Option<&'static str>,
    },
    /// An operation that the rule is not asked about.
    #[error("the rule is not asked about this operation")]
    OtherOperation {
        /// What it is asked about.
        on: Vec<Op>,
    },
    /// Fields that say the same.
    #[error("`{0}` is said by `subject.chain` already")]
    ChainTwice(&'static str),
    /// Two rules of one id.
    #[error("another rule has the id `{id}`")]
    DuplicateId {
        /// The id.
        id: String,
        /// The other one.
        other: Other,
    },
    /// Two rules with one condition.
    #[error("rules `{id}` and `{}` contradict each other: under the same condition, one allows what the other refuses", other.id)]
    Contradict {
        /// The rule.
        id: String,
        /// The other one.
        other: Other,
    },
    /// A rule in vain.
    #[error("rule `{id}` never takes effect: rule `{}` refuses all that it allows", other.id)]
    NoEffect {
        /// The rule.
        id: String,
        /// The other one.
        other: Other,
    },
    /// A rule in vain because of several.
    #[error("rule `{id}` never takes effect: other rules together refuse all that it allows")]
    AllRefused {
        /// The rule.
        id: String,
    },
    /// A taint in vain.
    #[error("rule `{id}` never taints or untaints: rule `{}` allows all that it is about", other.id)]
    NoTaint {
        /// The rule.
        id: String,
        /// The other one.
        other: Other,
    },
    /// A source that is never set.
    #[error("rule `{id}` asks about the source `{source_name}`, which no rule sets")]
    UnsetSource {
        /// The rule.
        id: String,
        /// The source.
        source_name: String,
        /// A source that is set and nearest to it.
        nearest: Option<String>,
        /// The rule of that id, which does not taint.
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

/// What a field of an example can have.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expected {
    /// A number up to this.
    Number(u64),
    /// `true` or `false`.
    Bool,
    /// One of its words.
    Word,
    /// An IP address.
    Address,
    /// A source of trust.
    Source,
    /// A text, in one line.
    Text,
    /// A list of at most so many texts.
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
                "a source: `rule:ID`, `tap:NAME`, `model`, `operator`, `engine` or `tap`",
            ),
            Self::Text => f.write_str("a text"),
            Self::List(max) => write!(f, "a list of at most {max} texts"),
        }
    }
}

impl fmt::Display for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the other one is at {}:{}", self.file, self.line)
    }
}

impl RuleErrorKind {
    /// What to write instead, where that is known.
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
                "rule `{}` does not `taint`, at {}:{}",
                other.id, other.file, other.line
            ),
            Self::UnsetSource { .. } => {
                "a rule with `do: taint` and that id would set it".to_owned()
            }
            Self::DuplicateId { other, .. } | Self::Contradict { other, .. } => other.to_string(),
            Self::NoEffect { other, .. } => {
                format!("{other}; refusing goes before allowing")
            }
            Self::AllRefused { .. } => "refusing goes before allowing".to_owned(),
            Self::NoTaint { other, .. } => {
                format!("{other}; where a rule allows, only those that allow taint or untaint")
            }
            Self::UnknownKey { known, .. } => format!("known are {}", known.join(", ")),
            Self::Word { what, .. } => match *what {
                "severity" => "it is info, low, medium, high or critical",
                "action" => "actions are audit, deny, allow, taint, untaint and kill",
                _ => "`ambit rules fields` names them, and `file.*` is all of a family",
            }
            .to_owned(),
            Self::NotUsed(_, Some(instead)) | Self::Syntax(_, Some(instead)) => {
                format!("in quotes, it is {instead}")
            }
            Self::Syntax(error, _) if error.info().starts_with("tabs") => {
                "lines are indented with blanks".to_owned()
            }
            Self::NotUsed("tags", _) | Self::Syntax(..) => {
                "a condition with `!`, quotes or `: ` in it is put in quotes, or below `|`"
                    .to_owned()
            }
            Self::NotUsed(..) => "write it out where it is wanted".to_owned(),
            Self::NotRules | Self::Empty | Self::Version => {
                "a file of rules begins with `ambit-rules: 1`".to_owned()
            }
            Self::TooLarge | Self::Documents => "take several files, or a folder".to_owned(),
            Self::NotUtf8 => "save it as UTF-8".to_owned(),
            Self::MissingKey(key) => match *key {
                "rules" => "such as `rules:`, and a list below it",
                "id" => "such as `id: shell-under-web`",
                "on" => "such as `on: exec`",
                "do" => "such as `do: audit`",
                "op" => "such as `op: exec`",
                "event" => "such as `event: {op: exec, object.path: /usr/bin/dash}`",
                _ => "`expect: true` if the rule is to apply, else `expect: false`",
            }
            .to_owned(),
            Self::DuplicateKey => "take one of them out".to_owned(),
            Self::Hidden => "such as `\\e` or a direction of writing; take it out".to_owned(),
            Self::AllowAndRefuse => {
                "refusing goes before allowing; make two rules of it".to_owned()
            }
            Self::SecondsAlone => "add `taint` to `do`, or take it out".to_owned(),
            Self::NeverInScope => {
                "widen `for`, or ask for `task.domain` in another rule".to_owned()
            }
            Self::NotAsked(_) => "it has no hook of its own; `exec` is the nearest".to_owned(),
            Self::OtherOperation { on } => {
                let names: Vec<_> = on.iter().map(|op| op.name()).collect();
                format!("it is asked about {}", names.join(", "))
            }
            Self::Condition(kind) => return kind.help(),
            Self::Value {
                expected: Expected::Number(_),
                ..
            } => "in decimal, or in hexadecimal as `0x1ed`".to_owned(),
            Self::Value {
                expected: Expected::Word,
                field,
                ..
            } => format!("`ambit rules fields` lists the words of `{field}`"),
            _ => return None,
        })
    }
}

impl RuleErrors {
    /// The errors in the order of the files, as many as were kept.
    pub fn errors(&self) -> &[RuleError] {
        &self.errors
    }

    /// Those of another file, too.
    pub fn append(&mut self, other: Self) {
        self.more += other.more;
        for error in other.errors {
            if self.errors.len() < KEPT {
                self.errors.push(error);
            } else {
                self.more += 1;
            }
        }
    }

    /// How many more there are.
    pub fn more(&self) -> usize {
        self.more
    }
}

impl std::error::Error for RuleErrors {}

impl fmt::Display for RuleErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            show(error, f)?;
        }
        match self.more {
            0 => Ok(()),
            1 => f.write_str("\n\nand one more error"),
            more => write!(f, "\n\nand {more} more errors"),
        }
    }
}

fn show(error: &RuleError, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let RuleError {
        file,
        line,
        column,
        kind,
        ..
    } = error;
    let gutter = line.to_string().len();
    let blank = " ".repeat(gutter);
    let help = kind.help().map(|help| escape::line(&help));
    writeln!(f, "error: {}", escape::line(&kind.to_string()))?;
    let Some(text) = &error.text else {
        write!(f, "{blank}--> {}:{line}", escape::line(file))?;
        return match help {
            Some(help) => write!(f, "\n{blank} = help: {help}"),
            None => Ok(()),
        };
    };
    writeln!(f, "{blank}--> {}:{line}:{column}", escape::line(file))?;
    let (shown, before, wrong) = excerpt(error, text);
    writeln!(f, "{blank} |")?;
    writeln!(f, "{line} | {shown}")?;
    write!(
        f,
        "{blank} | {}{}",
        " ".repeat(before),
        "^".repeat(wrong.max(1))
    )?;
    match help {
        Some(help) => write!(f, " help: {help}"),
        None => Ok(()),
    }
}

/// The part of the line around the error, escaped; how many characters of it come before, and how many are wrong.
fn excerpt(error: &RuleError, text: &str) -> (String, usize, usize) {
    let start = error.column.saturating_sub(1);
    let from = start.saturating_sub(AROUND);
    let mut chars = text.chars().skip(from);
    let mut take = |count: usize| escape::line(&chars.by_ref().take(count).collect::<String>());
    let mut shown = String::new();
    if from > 0 {
        shown.push('…');
    }
    shown.push_str(&take(start - from));
    let before = shown.chars().count();
    let wrong = take(error.width.min(2 * AROUND));
    shown.push_str(&wrong);
    shown.push_str(&take(AROUND));
    if chars.next().is_some() {
        shown.push('…');
    }
    (shown, before, wrong.chars().count())
}
