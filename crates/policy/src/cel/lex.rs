// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Splits a condition into tokens.

use super::error::{SyntaxError, SyntaxErrorKind};
use super::{SIZE_MAX, Span};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'a> {
    Name(&'a str),
    Int(u64),
    Text(Vec<u8>),
    Symbol(&'static str),
    End,
}

/// Symbols; a longer one stands before its prefixes.
const SYMBOLS: [&str; 19] = [
    "&&", "||", "==", "!=", "<=", ">=", "!", "<", ">", "?", ":", "(", ")", "[", "]", ",", ".", "-",
    "{",
];

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

/// Returns the tokens with their places. The last one is [`Token::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<(Token<'_>, Span)>, SyntaxError> {
    if text.len() > SIZE_MAX {
        return Err(error(0..1, SyntaxErrorKind::TooLong));
    }
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens: Vec<(Token<'_>, Span)> = Vec::new();
    // The end is placed behind the last token, not behind the blanks that follow.
    let mut end = 0;
    loop {
        lexer.skip_blanks();
        let start = lexer.at;
        let token = lexer.next()?;
        if token == Token::End {
            tokens.push((token, end..end));
            return Ok(tokens);
        }
        end = lexer.at;
        tokens.push((token, start..end));
    }
}

fn error(span: Span, kind: SyntaxErrorKind) -> SyntaxError {
    SyntaxError { span, kind }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let len = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        self.at += len;
        rest.get(..len).unwrap_or_default()
    }

    fn take(&mut self, prefix: &str) -> bool {
        let found = self.rest().starts_with(prefix);
        if found {
            self.at += prefix.len();
        }
        found
    }

    fn skip_blanks(&mut self) {
        loop {
            self.take_while(|c| matches!(c, ' ' | '\t' | '\n' | '\r'));
            if !self.rest().starts_with("//") {
                return;
            }
            self.take_while(|c| c != '\n');
        }
    }

    fn next(&mut self) -> Result<Token<'a>, SyntaxError> {
        let start = self.at;
        let Some(first) = self.rest().chars().next() else {
            return Ok(Token::End);
        };
        if first.is_ascii_digit() {
            return self.number();
        }
        if is_name(first) {
            let name = self.take_while(is_name);
            if self.rest().starts_with(['"', '\'']) {
                let (raw, bytes) = match name {
                    "r" | "R" => (true, false),
                    "b" | "B" => (false, true),
                    "rb" | "rB" | "Rb" | "RB" | "br" | "bR" | "Br" | "BR" => (true, true),
                    _ => return Ok(Token::Name(name)),
                };
                return self.string(start, raw, bytes);
            }
            return Ok(Token::Name(name));
        }
        if matches!(first, '"' | '\'') {
            return self.string(start, false, false);
        }
        if let Some(symbol) = SYMBOLS.iter().find(|symbol| self.take(symbol)) {
            return Ok(Token::Symbol(symbol));
        }
        let kind = match first {
            '=' => SyntaxErrorKind::Doubled("=="),
            '&' => SyntaxErrorKind::Doubled("&&"),
            '|' => SyntaxErrorKind::Doubled("||"),
            '+' | '*' | '/' | '%' => SyntaxErrorKind::NotTaken("arithmetic is"),
            other => SyntaxErrorKind::Character(other),
        };
        Err(error(start..start + first.len_utf8(), kind))
    }

    fn number(&mut self) -> Result<Token<'a>, SyntaxError> {
        let start = self.at;
        let word = self.take_while(is_name);
        let fraction = self.rest().strip_prefix('.');
        if fraction.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
            let kind = SyntaxErrorKind::NotTaken("fractions are");
            return Err(error(start..self.at, kind));
        }
        // CEL marks unsigned literals with `u`; conditions have one number type.
        let plain = word.strip_suffix(['u', 'U']).unwrap_or(word);
        // Such a number is decimal in CEL, but people write permission bits in octal. So it is an error.
        let octal = plain.strip_prefix('0').filter(|rest| !rest.is_empty());
        if let Some(rest) = octal {
            let digits = rest.trim_start_matches(['o', 'O']);
            if digits.bytes().all(|byte| byte.is_ascii_digit()) {
                let octal = u64::from_str_radix(digits, 8).ok();
                let kind = SyntaxErrorKind::LeadingZero(octal);
                return Err(error(start..self.at, kind));
            }
        }
        let number = match plain
            .strip_prefix("0x")
            .or_else(|| plain.strip_prefix("0X"))
        {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => plain.parse(),
        };
        number
            .map(Token::Int)
            .map_err(|_| error(start..self.at, SyntaxErrorKind::Number))
    }

    fn string(&mut self, start: usize, raw: bool, bytes: bool) -> Result<Token<'a>, SyntaxError> {
        let quote = if self.take("\"") {
            '"'
        } else {
            self.take("'");
            '\''
        };
        let mut out = Vec::new();
        loop {
            let at = self.at;
            let Some(c) = self.rest().chars().next().filter(|c| *c != '\n') else {
                return Err(error(start..self.at, SyntaxErrorKind::Unterminated));
            };
            self.at += c.len_utf8();
            if c == quote {
                return Ok(Token::Text(out));
            }
            if c == '\\' && !raw {
                self.escape(bytes, &mut out)
                    .ok_or_else(|| error(at..self.at, SyntaxErrorKind::Escape))?;
            } else {
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }

    /// Reads an escape sequence, behind its backslash.
    fn escape(&mut self, bytes: bool, out: &mut Vec<u8>) -> Option<()> {
        let c = self.rest().chars().next()?;
        self.at += c.len_utf8();
        let plain = match c {
            'a' => 7,
            'b' => 8,
            't' => b'\t',
            'n' => b'\n',
            'v' => 11,
            'f' => 12,
            'r' => b'\r',
            '\\' | '"' | '\'' | '`' | '?' => u8::try_from(c).ok()?,
            'x' | 'X' => return self.code(2, 16, bytes, out),
            'u' if !bytes => return self.code(4, 16, false, out),
            'U' if !bytes => return self.code(8, 16, false, out),
            '0'..='3' => {
                self.at -= 1;
                return self.code(3, 8, bytes, out);
            }
            _ => return None,
        };
        out.push(plain);
        Some(())
    }

    fn code(&mut self, digits: usize, radix: u32, byte: bool, out: &mut Vec<u8>) -> Option<()> {
        let text = self.rest().get(..digits)?;
        if !text.chars().all(|c| c.is_digit(radix)) {
            return None;
        }
        self.at += digits;
        let number = u32::from_str_radix(text, radix).ok()?;
        if byte {
            out.push(u8::try_from(number).ok()?);
        } else {
            let c = char::from_u32(number)?;
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        Some(())
    }
}
