// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Errors of conditions that are syntactically correct.

use ambit_event::Op;
use ambit_event::canonical::Fault;
use regex_automata::dfa::dense;

use crate::cel::{Span, SyntaxError, SyntaxErrorKind};
use crate::condition::Text;

/// An error of a condition.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct ConditionError {
    /// The bytes of the condition that it is about.
    pub span: Span,
    /// The error.
    #[source]
    pub kind: ConditionErrorKind,
}

/// Kinds of errors.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConditionErrorKind {
    /// A syntax error.
    #[error("{0}")]
    Syntax(#[source] SyntaxErrorKind),
    /// Too many tests after `?:` is expanded.
    #[error("the condition has too many tests")]
    TooLarge,
    /// The field does not exist.
    #[error("unknown field `{name}`")]
    UnknownField {
        /// The name as written.
        name: String,
        /// The most similar known name.
        nearest: Option<&'static str>,
    },
    /// The field exists for other operations only.
    #[error("no operation of this rule has the field `{name}`")]
    OtherOperation {
        /// The field.
        name: &'static str,
        /// Operations that have it.
        ops: Vec<Op>,
    },
    /// The function or method does not exist.
    #[error("unknown function `{name}`")]
    UnknownFunction {
        /// The name as written.
        name: String,
        /// The most similar known name.
        nearest: Option<&'static str>,
    },
    /// The function cannot be used on this.
    #[error("`{function}` can only be used on {takes}")]
    Receiver {
        /// The function.
        function: &'static str,
        /// Its valid operands.
        takes: &'static str,
    },
    /// Wrong type or number of arguments.
    #[error("`{function}` takes {takes}")]
    Arguments {
        /// The function.
        function: &'static str,
        /// Its valid operands.
        takes: &'static str,
    },
    /// Not a boolean.
    #[error("expected a test that is true or false, found {what}")]
    NotBool {
        /// Its kind.
        what: &'static str,
    },
    /// Compared with another type.
    #[error("`{name}` is a {is} and cannot be compared with {with}")]
    Type {
        /// The field.
        name: String,
        /// Its type.
        is: &'static str,
        /// The type of the other side.
        with: &'static str,
    },
    /// `<` and similar on a type without an order.
    #[error("a {0} can only be compared with `==`, `!=` and `in`")]
    Order(&'static str),
    /// Two fields in one comparison.
    #[error("a field can only be compared with constants")]
    TwoFields,
    /// No field in a comparison.
    #[error("this comparison has no field")]
    NoField,
    /// `in` without a list.
    #[error("expected a list, or a list field, after `in`")]
    NotAList,
    /// A list in another place than after `in`.
    #[error("a list can only be tested with {0}")]
    List(&'static str),
    /// The field has no such word.
    #[error("`{name}` cannot have the value {word:?}")]
    Word {
        /// The field.
        name: String,
        /// The name as written.
        word: String,
        /// The most similar known name.
        nearest: Option<&'static str>,
    },
    /// Not a source of trust.
    #[error("{0:?} is not a trust source")]
    Source(String),
    /// Not an IP address.
    #[error("{0:?} is not an IP address")]
    Address(String),
    /// Not a network.
    #[error("{0:?} is not a network")]
    Network(String),
    /// A network with address bits beyond its prefix.
    #[error("the network has address bits set beyond its prefix")]
    HostBits {
        /// The network that contains it.
        network: String,
    },
    /// The regular expression is invalid or too large.
    #[error("not a regular expression: {}", reason(.0))]
    Regex(#[source] Box<dense::BuildError>),
    /// Another field within `exists` or `all`.
    #[error("only tests of `{0}` are possible here")]
    Body(String),
    /// The test is never true.
    #[error("this is never true: {0}")]
    Never(Why),
    /// The test is always true.
    #[error("this is always true: {0}")]
    Always(Why),
}

/// Why a test is never or always true.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Why {
    /// Outside of the number's range.
    #[error("the number is from 0 to {0}")]
    Range(u64),
    /// Longer than the text can be.
    #[error("the text has at most {0} bytes")]
    Length(usize),
    /// Paths do not begin like this.
    #[error("a path begins with `/`, `memfd:` or `fs:`")]
    PathStart(
        /// The text, if it may be the name of a file.
        Option<String>,
    ),
    /// No path in canonical form passes.
    #[error("{}{fault}", contradicted(.beside.as_deref()))]
    Form {
        /// The reason.
        fault: Fault,
        /// The correction.
        instead: Option<String>,
        /// The tests that it is joined with.
        beside: Option<String>,
    },
    /// No object has such fields.
    #[error("{}{}", contradicted(.beside.as_deref()), no_object(fields))]
    Object {
        /// The fields, in backquotes.
        fields: Vec<&'static str>,
        /// The tests that it is joined with.
        beside: Option<String>,
    },
    /// Not a cgroup.
    #[error("a cgroup begins with `/`")]
    CgroupStart,
    /// Not a domain's name.
    #[error("this cannot be the name of a domain")]
    Domain,
    /// A NUL, which no text contains.
    #[error("texts cannot contain a NUL")]
    Nul,
    /// The empty text is contained in every text.
    #[error("every text contains the empty text")]
    EmptyText,
    /// The list is empty.
    #[error("the list is empty")]
    EmptyList,
    /// It contradicts another test.
    #[error("it contradicts `{0}`")]
    Contradicts(String),
    /// It contradicts the tests that it is joined with, which are too long to show.
    #[error("it contradicts the other tests")]
    Rest,
    /// No event can pass all of its parts.
    #[error("its parts contradict each other")]
    Together,
    /// No possible text of the field passes.
    #[error("no {} can pass this test", kind_of(*.0))]
    NoSuchText(Text),
    /// Every possible text of the field passes.
    #[error("every text of the field passes this test")]
    EveryText,
    /// It is true whenever another test is false.
    #[error("it is true whenever `{0}` is false")]
    Covers(String),
    /// The rule has no other operation.
    #[error("the rule has no other operation")]
    OnlyOperation,
    /// A constant.
    #[error("it does not depend on the event")]
    Constant,
}

/// Names the tests that a test contradicts, before the reason.
fn contradicted(beside: Option<&str>) -> String {
    beside.map_or_else(String::new, |text| format!("it contradicts `{text}`: "))
}

/// Says that no object has such fields.
fn no_object(fields: &[&str]) -> String {
    match fields {
        [field] => format!("no object of these operations has such a value of {field}"),
        fields => format!(
            "no object has such values of {} at once",
            fields.join(" and ")
        ),
    }
}

/// The name of a field's kind of text, for messages.
const fn kind_of(field: Text) -> &'static str {
    match field {
        Text::ObjectPath | Text::Executable | Text::Parent | Text::Chain => "path",
        Text::ObjectName | Text::ObjectAddress => "text",
        Text::Comm => "text of at most 15 bytes",
        Text::Cgroup => "cgroup",
        Text::Domain => "domain's name",
    }
}

/// Returns the last line of the regex parser's message; the lines before repeat the expression.
fn reason(error: &dense::BuildError) -> String {
    let too_large = "it needs too many states";
    if error.is_size_limit_exceeded() {
        return too_large.to_owned();
    }
    let mut root: &dyn std::error::Error = error;
    while let Some(source) = root.source() {
        root = source;
    }
    let text = root.to_string();
    // The NFA, which is built first, has a size limit of its own.
    if text.contains("exceeded limit of") {
        return too_large.to_owned();
    }
    let last = text.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

impl ConditionErrorKind {
    /// Returns a suggestion for a correction, if there is one.
    pub fn help(&self) -> Option<String> {
        let nearest = match self {
            Self::UnknownField { nearest, .. }
            | Self::UnknownFunction { nearest, .. }
            | Self::Word { nearest, .. } => *nearest,
            _ => None,
        };
        if let Some(nearest) = nearest {
            return Some(format!("did you mean `{nearest}`?"));
        }
        Some(match self {
            Self::Syntax(kind) => kind.help()?,
            Self::UnknownField { .. } => "`ambit rules fields` lists them".to_owned(),
            Self::OtherOperation { ops, .. } => {
                let names: Vec<_> = ops.iter().map(|op| op.name()).collect();
                format!("operations with this field: {}", names.join(", "))
            }
            Self::Source(_) => {
                "sources are `rule:ID`, `tap:NAME`, `model`, `operator`, `engine` and `tap`"
                    .to_owned()
            }
            Self::Network(_) => "for example `10.0.0.0/8` or `fd00::/8`".to_owned(),
            Self::HostBits { network } => format!("did you mean `{network}`?"),
            Self::UnknownFunction { .. } => {
                "functions are startsWith, endsWith, contains, matches, exists, all, size, ip, cidr, containsIP, \
                 family, isLoopback, isPrivate, isLinkLocal, isMulticast and isUnspecified"
                    .to_owned()
            }
            Self::Word { name, .. } if name == "op" => {
                "the rule's `on` has no such operation".to_owned()
            }
            Self::Word { name, .. } => format!("`ambit rules fields` lists the words of `{name}`"),
            Self::Type {
                is: "number",
                with: "a string",
                ..
            } => "write the number without quotes".to_owned(),
            Self::Type { is: "string", with: "a list", .. } => "use `in` with a list".to_owned(),
            Self::Arguments {
                takes: "a string in quotes" | "one string",
                ..
            } => "join several calls with `||`".to_owned(),
            Self::NotBool { .. } => "compare it with a value".to_owned(),
            Self::NoField => "`ambit rules fields` lists the fields".to_owned(),
            Self::NotAList => "for example `[\"/usr/bin/dash\", \"/usr/bin/bash\"]`".to_owned(),
            Self::TooLarge => "split it into several rules".to_owned(),
            Self::Address(_) => "for example `10.0.0.1` or `fd00::1`".to_owned(),
            Self::Regex(_) => {
                "use the syntax of Rust's `regex` crate: it has no look-around and no back-references".to_owned()
            }
            Self::Never(Why::Contradicts(_) | Why::Rest | Why::Together) => {
                "join alternatives with `||` instead of `&&`".to_owned()
            }
            Self::Always(Why::EveryText | Why::EmptyText | Why::Covers(_)) => {
                "remove it, or narrow it".to_owned()
            }
            Self::Never(Why::Object { .. }) => {
                "write a rule, or an alternative, for each kind of object".to_owned()
            }
            Self::Never(Why::PathStart(Some(name))) | Self::Always(Why::PathStart(Some(name))) => {
                format!("write the whole path, or use `endsWith(\"/{name}\")`")
            }
            Self::Never(Why::PathStart(None)) | Self::Always(Why::PathStart(None)) => {
                "write the whole path".to_owned()
            }
            Self::Never(Why::Form { instead: Some(text), .. })
            | Self::Always(Why::Form { instead: Some(text), .. }) => text.clone(),
            Self::Never(Why::Form { fault, .. }) if fault.is_of_markers() => {
                "write `{self}`, `{pid}` and `{n}` in place of numbers, and `/proc/{self}/net` in place of `/proc/net`"
                    .to_owned()
            }
            Self::TwoFields => "compare each field with a constant".to_owned(),
            Self::Never(
                Why::Form { .. }
                | Why::NoSuchText(Text::ObjectPath | Text::Executable | Text::Parent | Text::Chain),
            ) => "write paths in canonical form, without `.`, `..` and doubled or \
                 trailing slashes"
                .to_owned(),
            _ => return None,
        })
    }
}

impl From<SyntaxError> for ConditionError {
    fn from(error: SyntaxError) -> Self {
        Self {
            span: error.span,
            kind: ConditionErrorKind::Syntax(error.kind),
        }
    }
}
