// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Parses tokens to a tree. Recursive functions count their depth, so no input can exhaust the stack.

use super::DEPTH_MAX;
use super::ast::{Comparison, Expr, ExprKind, Span};
use super::error::{SyntaxError, SyntaxErrorKind};
use super::lex::{Token, tokens};

type Parsed = Result<Expr, SyntaxError>;

/// Parses a condition.
pub fn parse(text: &str) -> Parsed {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        depth: 0,
    };
    let expr = parser.choice()?;
    if parser.peek() == &Token::End {
        Ok(expr)
    } else {
        Err(parser.unexpected("an operator such as `&&`, or the end"))
    }
}

struct Parser<'a> {
    tokens: Vec<(Token<'a>, Span)>,
    at: usize,
    depth: usize,
}

/// The operator between two values.
enum Relation {
    Compare(Comparison),
    In,
}

fn comparison(symbol: &str) -> Option<Comparison> {
    Some(match symbol {
        "==" => Comparison::Equal,
        "!=" => Comparison::NotEqual,
        "<" => Comparison::Less,
        "<=" => Comparison::LessEqual,
        ">" => Comparison::Greater,
        ">=" => Comparison::GreaterEqual,
        _ => return None,
    })
}

fn joined(first: &Span, last: &Span) -> Span {
    first.start..last.end
}

impl<'a> Parser<'a> {
    fn peek(&self) -> &Token<'a> {
        self.tokens
            .get(self.at)
            .map_or(&Token::End, |(token, _)| token)
    }

    fn span(&self) -> Span {
        self.tokens
            .get(self.at)
            .or(self.tokens.last())
            .map_or(0..0, |(_, span)| span.clone())
    }

    fn next(&mut self) -> (Token<'a>, Span) {
        let item = (self.peek().clone(), self.span());
        self.at += 1;
        item
    }

    fn symbol(&mut self, wanted: &str) -> bool {
        let found = matches!(self.peek(), Token::Symbol(symbol) if *symbol == wanted);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &str, expected: &'static str) -> Result<Span, SyntaxError> {
        let span = self.span();
        if self.symbol(symbol) {
            Ok(span)
        } else {
            Err(self.unexpected(expected))
        }
    }

    fn error(&self, kind: SyntaxErrorKind) -> SyntaxError {
        SyntaxError {
            span: self.span(),
            kind,
        }
    }

    /// True if the previous token is this name.
    fn is_behind(&self, name: &str) -> bool {
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        matches!(before, Some((Token::Name(found), _)) if found.eq_ignore_ascii_case(name))
    }

    fn unexpected(&self, expected: &'static str) -> SyntaxError {
        self.error(match self.peek() {
            Token::Symbol("-") => SyntaxErrorKind::NotTaken("arithmetic is"),
            Token::Symbol("[") => SyntaxErrorKind::NotTaken("indexing is"),
            Token::Symbol("{") => SyntaxErrorKind::NotTaken("maps are"),
            Token::Name("and" | "AND") => SyntaxErrorKind::Doubled("&&"),
            Token::Name("or" | "OR") => SyntaxErrorKind::Doubled("||"),
            _ if self.is_behind("not") => SyntaxErrorKind::Doubled("!"),
            _ => SyntaxErrorKind::Expected(expected),
        })
    }

    fn deeper<T>(
        &mut self,
        parse: impl FnOnce(&mut Self) -> Result<T, SyntaxError>,
    ) -> Result<T, SyntaxError> {
        if self.depth == DEPTH_MAX {
            return Err(self.error(SyntaxErrorKind::TooDeep));
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    fn choice(&mut self) -> Parsed {
        let test = self.or()?;
        if !self.symbol("?") {
            return Ok(test);
        }
        let yes = self.deeper(Self::or)?;
        self.expect(":", "`:` and the condition for the other case")?;
        let no = self.deeper(Self::choice)?;
        Ok(Expr {
            span: joined(&test.span, &no.span),
            kind: ExprKind::Choice(Box::new([test, yes, no])),
        })
    }

    fn chain(
        &mut self,
        symbol: &str,
        item: fn(&mut Self) -> Parsed,
        make: fn(Vec<Expr>) -> ExprKind,
    ) -> Parsed {
        let first = item(self)?;
        let start = first.span.start;
        let mut end = first.span.end;
        let mut items = Vec::new();
        while self.symbol(symbol) {
            let next = item(self)?;
            end = next.span.end;
            items.push(next);
        }
        if items.is_empty() {
            return Ok(first);
        }
        items.insert(0, first);
        Ok(Expr {
            span: start..end,
            kind: make(items),
        })
    }

    fn or(&mut self) -> Parsed {
        self.chain("||", Self::and, ExprKind::Or)
    }

    fn and(&mut self) -> Parsed {
        self.chain("&&", Self::relation, ExprKind::And)
    }

    fn relation_symbol(&mut self) -> Option<Relation> {
        let found = match self.peek() {
            Token::Symbol(symbol) => Relation::Compare(comparison(symbol)?),
            Token::Name("in") => Relation::In,
            _ => return None,
        };
        self.at += 1;
        Some(found)
    }

    fn relation(&mut self) -> Parsed {
        let left = self.unary()?;
        let Some(symbol) = self.relation_symbol() else {
            return Ok(left);
        };
        let right = self.unary()?;
        let span = joined(&left.span, &right.span);
        let here = self.span();
        if self.relation_symbol().is_some() {
            return Err(SyntaxError {
                span: here,
                kind: SyntaxErrorKind::NotTaken("chained comparisons are"),
            });
        }
        let (left, right) = (Box::new(left), Box::new(right));
        let kind = match symbol {
            Relation::Compare(how) => ExprKind::Compare(how, left, right),
            Relation::In => ExprKind::In(left, right),
        };
        Ok(Expr { span, kind })
    }

    fn unary(&mut self) -> Parsed {
        let start = self.span();
        if self.symbol("!") {
            let inner = self.deeper(Self::unary)?;
            return Ok(Expr {
                span: joined(&start, &inner.span),
                kind: ExprKind::Not(Box::new(inner)),
            });
        }
        if self.symbol("-") {
            return match self.next() {
                (Token::Int(number), span) => Ok(Expr {
                    span: joined(&start, &span),
                    kind: ExprKind::Int(-i128::from(number)),
                }),
                _ => Err(SyntaxError {
                    span: start,
                    kind: SyntaxErrorKind::NotTaken("arithmetic is"),
                }),
            };
        }
        self.member()
    }

    /// Parses a primary expression with its fields and methods.
    fn member(&mut self) -> Parsed {
        let mut expr = self.primary()?;
        let mut calls = 0;
        while self.symbol(".") {
            let (Token::Name(name), name_span) = self.next() else {
                self.at -= 1;
                return Err(self.unexpected("a name after the `.`"));
            };
            let span = joined(&expr.span, &name_span);
            if self.symbol("(") {
                calls += 1;
                if self.depth + calls > DEPTH_MAX {
                    return Err(self.error(SyntaxErrorKind::TooDeep));
                }
                expr = self.call(Some(Box::new(expr)), name, name_span)?;
                continue;
            }
            let ExprKind::Name(path) = &mut expr.kind else {
                return Err(SyntaxError {
                    span: name_span,
                    kind: SyntaxErrorKind::Expected("a method's name and `(`"),
                });
            };
            path.push('.');
            path.push_str(name);
            expr.span = span;
        }
        Ok(expr)
    }

    /// Parses the arguments of a call, up to the closing parenthesis.
    fn call(&mut self, receiver: Option<Box<Expr>>, name: &str, name_span: Span) -> Parsed {
        let (args, end) = self.list(")", "`,` or `)`")?;
        let start = receiver
            .as_ref()
            .map_or(name_span.start, |receiver| receiver.span.start);
        Ok(Expr {
            span: start..end.end,
            kind: ExprKind::Call {
                receiver,
                name: name.to_owned(),
                name_span,
                args,
            },
        })
    }

    /// Parses a comma-separated list; returns the expressions and the place of the closing symbol.
    fn list(
        &mut self,
        close: &str,
        expected: &'static str,
    ) -> Result<(Vec<Expr>, Span), SyntaxError> {
        let mut items = Vec::new();
        loop {
            let span = self.span();
            if self.symbol(close) {
                return Ok((items, span));
            }
            items.push(self.deeper(Self::choice)?);
            if !self.symbol(",") {
                let end = self.expect(close, expected)?;
                return Ok((items, end));
            }
        }
    }

    fn primary(&mut self) -> Parsed {
        let (token, span) = self.next();
        let kind = match token {
            Token::Int(number) => ExprKind::Int(number.into()),
            Token::Text(text) => ExprKind::Text(text),
            Token::Name("true") => ExprKind::Bool(true),
            Token::Name("false") => ExprKind::Bool(false),
            Token::Name("null") => {
                self.at -= 1;
                return Err(self.error(SyntaxErrorKind::NotTaken("`null` is")));
            }
            Token::Name("in") => {
                self.at -= 1;
                return Err(self.unexpected("a field or a value"));
            }
            Token::Name(name) if self.symbol("(") => return self.call(None, name, span),
            Token::Name(name) => ExprKind::Name(name.to_owned()),
            Token::Symbol("(") => {
                let mut inner = self.deeper(Self::choice)?;
                let end = self.expect(")", "`)`")?;
                inner.span = joined(&span, &end);
                return Ok(inner);
            }
            Token::Symbol("[") => {
                let (items, end) = self.list("]", "`,` or `]`")?;
                return Ok(Expr {
                    span: joined(&span, &end),
                    kind: ExprKind::List(items),
                });
            }
            Token::Symbol(_) | Token::End => {
                self.at -= 1;
                return Err(match self.peek() {
                    Token::Symbol("{") => self.error(SyntaxErrorKind::NotTaken("maps are")),
                    _ => self.error(SyntaxErrorKind::Expected("a field or a value")),
                });
            }
        };
        Ok(Expr { span, kind })
    }
}
