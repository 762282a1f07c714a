// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The tree of a condition.

/// Bytes of the condition's text.
pub type Span = std::ops::Range<usize>;

/// An expression with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// Its place.
    pub span: Span,
    /// Its kind.
    pub kind: ExprKind,
}

/// Kinds of expressions.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// A string, or bytes.
    Text(Vec<u8>),
    /// A list.
    List(Vec<Expr>),
    /// A name with its dots.
    Name(String),
    /// `!x`.
    Not(Box<Expr>),
    /// `x && y && …`, two at least.
    And(Vec<Expr>),
    /// `x || y || …`, two at least.
    Or(Vec<Expr>),
    /// `x == y` and so on.
    Compare(Comparison, Box<Expr>, Box<Expr>),
    /// `x in y`.
    In(Box<Expr>, Box<Expr>),
    /// `x ? y : z`.
    Choice(Box<[Expr; 3]>),
    /// `x.f(…)`, or `f(…)`.
    Call {
        /// The expression before the dot.
        receiver: Option<Box<Expr>>,
        /// The function's name.
        name: String,
        /// The place of the name.
        name_span: Span,
        /// The arguments.
        args: Vec<Expr>,
    },
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `==`.
    Equal,
    /// `!=`.
    NotEqual,
    /// `<`.
    Less,
    /// `<=`.
    LessEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterEqual,
}

impl Comparison {
    /// The same comparison with its sides exchanged.
    #[must_use]
    pub const fn turned(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessEqual => Self::GreaterEqual,
            Self::Greater => Self::Less,
            Self::GreaterEqual => Self::LessEqual,
            same => same,
        }
    }
}
