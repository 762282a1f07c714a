// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is wrong with a condition that can be read.

use ambit_event::{ObjectError, Op};
use regex_automata::dfa::dense;

use crate::cel::{Span, SyntaxError, SyntaxErrorKind};
use crate::condition::Text;

/// A condition is wrong.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct ConditionError {
    /// The bytes of the condition that are wrong.
    pub span: Span,
    /// What is wrong with them.
    #[source]
    pub kind: ConditionErrorKind,
}

/// What can be wrong with a condition.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConditionErrorKind {
    /// It can't be read.
    #[error("{0}")]
    Syntax(#[source] SyntaxErrorKind),
    /// Too many tests, once `?:` is written out.
    #[error("the condition has too many tests")]
    TooLarge,
    /// No such field.
    #[error("unknown field `{name}`")]
    UnknownField {
        /// What was written.
        name: String,
        /// The known one nearest to it.
        nearest: Option<&'static str>,
    },
    /// A field of other operations.
    #[error("none of the rule's operations has the field `{name}`")]
    OtherOperation {
        /// The field.
        name: &'static str,
        /// Operations that have it.
        ops: Vec<Op>,
    },
    /// No such function or method.
    #[error("unknown function `{name}`")]
    UnknownFunction {
        /// What was written.
        name: String,
        /// The known one nearest to it.
        nearest: Option<&'static str>,
    },
    /// A function on what it does not take.
    #[error("`{function}` is for {takes}")]
    Receiver {
        /// The function.
        function: &'static str,
        /// What it takes.
        takes: &'static str,
    },
    /// Another kind of argument, or number of them.
    #[error("`{function}` takes {takes}")]
    Arguments {
        /// The function.
        function: &'static str,
        /// What it takes.
        takes: &'static str,
    },
    /// Something that is neither true nor false.
    #[error("{what} is neither true nor false")]
    NotBool {
        /// What it is.
        what: &'static str,
    },
    /// A comparison with another type.
    #[error("`{name}` is a {is}, which is not compared with {with}")]
    Type {
        /// The field.
        name: String,
        /// Its type.
        is: &'static str,
        /// What it is compared with.
        with: &'static str,
    },
    /// `<` and the like of what has no order.
    #[error("a {0} is compared with `==`, `!=` and `in` only")]
    Order(&'static str),
    /// Two fields in one comparison.
    #[error("a field is compared with constants only")]
    TwoFields,
    /// No field in a comparison.
    #[error("there is no field in this comparison")]
    NoField,
    /// Not a list after `in`.
    #[error("expected a list, or a field that is one, after `in`")]
    NotAList,
    /// A list outside of `in`.
    #[error("a list is tested with {0}")]
    List(&'static str),
    /// A word that the field does not have.
    #[error("`{name}` is never {word:?}")]
    Word {
        /// The field.
        name: String,
        /// What was written.
        word: String,
        /// The known one nearest to it.
        nearest: Option<&'static str>,
    },
    /// Not a source of trust.
    #[error("{0:?} is no source of trust")]
    Source(String),
    /// Not an IP address.
    #[error("{0:?} is no IP address")]
    Address(String),
    /// Not a network.
    #[error("{0:?} is no network")]
    Network(String),
    /// A network with bits behind its prefix.
    #[error("the network has bits behind its prefix")]
    HostBits {
        /// The network that it is in.
        network: String,
    },
    /// Not a regular expression, or one that is too large.
    #[error("not a regular expression: {}", reason(.0))]
    Regex(#[source] Box<dense::BuildError>),
    /// Another field within `exists` or `all`.
    #[error("only tests of `{0}` stand in here")]
    Body(String),
    /// It can't be true.
    #[error("this never holds: {0}")]
    Never(Why),
    /// It can't be false.
    #[error("this always holds: {0}")]
    Always(Why),
}

/// Why a test says nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Why {
    /// Beyond the numbers that there are.
    #[error("the number is from 0 to {0}")]
    Range(u64),
    /// Longer than the text.
    #[error("the text has at most {0} bytes")]
    Length(usize),
    /// Not the beginning of a path.
    #[error("a path begins with `/`, `memfd:` or `fs:`")]
    PathStart,
    /// Not a path as the kernel writes it.
    #[error("{0}")]
    Path(ObjectError),
    /// Not a cgroup.
    #[error("a cgroup begins with `/`")]
    CgroupStart,
    /// Not a domain's name.
    #[error("no domain has this name")]
    Domain,
    /// A NUL, which ends every text.
    #[error("no text has a NUL")]
    Nul,
    /// A test with the empty text.
    #[error("the empty text is in every text")]
    EmptyText,
    /// A list with nothing in it.
    #[error("the list is empty")]
    EmptyList,
    /// It contradicts something else.
    #[error("it contradicts `{0}`")]
    Contradicts(String),
    /// It contradicts what it is joined with, which is long.
    #[error("it contradicts the rest")]
    Rest,
    /// Nothing can pass all of its parts.
    #[error("its parts contradict each other")]
    Together,
    /// No text that the field can have.
    #[error("no {} is like that", kind_of(*.0))]
    NoSuchText(Text),
    /// Every text that the field can have.
    #[error("every text of the field is like that")]
    EveryText,
    /// It is what something else leaves over.
    #[error("it holds wherever `{0}` does not")]
    Covers(String),
    /// The rule is asked about nothing else.
    #[error("the rule is about this operation only")]
    OnlyOperation,
    /// A constant.
    #[error("it does not depend on the event")]
    Constant,
}

/// What a text is, in a sentence.
const fn kind_of(field: Text) -> &'static str {
    match field {
        Text::ObjectPath | Text::Executable | Text::Parent | Text::Chain => "path",
        Text::ObjectName | Text::ObjectAddress => "text",
        Text::Comm => "text of at most 15 bytes",
        Text::Cgroup => "cgroup",
        Text::Domain => "domain's name",
    }
}

/// The last line of what the parser of expressions says; the lines before show the expression.
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
    // What is built before the states has a limit of its own.
    if text.contains("exceeded limit of") {
        return too_large.to_owned();
    }
    let last = text.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

impl ConditionErrorKind {
    /// What to write instead, where that is known.
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
                format!("it is there for {}", names.join(", "))
            }
            Self::Source(_) => {
                "sources are `rule:ID`, `tap:NAME`, `model`, `operator`, `engine` and `tap`"
                    .to_owned()
            }
            Self::Network(_) => "such as `10.0.0.0/8` or `fd00::/8`".to_owned(),
            Self::HostBits { network } => format!("did you mean `{network}`?"),
            Self::UnknownFunction { .. } => {
                "those of conditions are startsWith, endsWith, contains, matches, exists, all, size, ip, cidr, containsIP, \
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
            } => "a number stands there without quotes".to_owned(),
            Self::Type { is: "string", with: "a list", .. } => "a list stands behind `in`".to_owned(),
            Self::Arguments {
                takes: "a string in quotes" | "one string",
                ..
            } => "join several with `||`".to_owned(),
            Self::NotBool { .. } => "compare it with something".to_owned(),
            Self::NoField => "`ambit rules fields` lists the fields".to_owned(),
            Self::NotAList => "such as `[\"/usr/bin/dash\", \"/usr/bin/bash\"]`".to_owned(),
            Self::TooLarge => "make several rules of it".to_owned(),
            Self::Address(_) => "such as `10.0.0.1` or `fd00::1`".to_owned(),
            Self::Regex(_) => {
                "the syntax is that of Rust's `regex`: no look-around, no references back".to_owned()
            }
            Self::Never(Why::Contradicts(_) | Why::Rest | Why::Together) => {
                "join what may hold one without the other with `||`".to_owned()
            }
            Self::Always(Why::EveryText | Why::EmptyText | Why::Covers(_)) => {
                "leave it out, or narrow it".to_owned()
            }
            Self::TwoFields => "compare each with what it may be".to_owned(),
            Self::Never(
                Why::Path(_)
                | Why::NoSuchText(Text::ObjectPath | Text::Executable | Text::Parent | Text::Chain),
            ) => "paths are compared as the kernel has them, without `.`, `..` and doubled or \
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
