// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Parses the arguments into steps.
//!
//! `,` between steps, `{ … }` around several, `loop N`, `fork`, `clone3`, `double-fork` and `thread` before one.

/// A step.
#[derive(Debug)]
pub(crate) enum Step {
    /// One operation and its arguments, escapes not yet resolved.
    Op(Vec<Vec<u8>>),
    Loop(u64, Box<Step>),
    Child(Birth, Box<Step>),
    Thread(Box<Step>),
    All(Vec<Step>),
}

/// How a child is created.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Birth {
    Fork,
    Clone3,
    DoubleFork,
}

pub(crate) fn parse(arguments: &[Vec<u8>]) -> Result<Step, String> {
    if arguments.is_empty() {
        return Err("usage: ambit-act OP [ARG...] [, OP [ARG...]]...".to_owned());
    }
    let mut rest = arguments;
    let step = sequence(&mut rest)?;
    if rest.is_empty() {
        Ok(step)
    } else {
        Err("a } too many".to_owned())
    }
}

fn sequence(rest: &mut &[Vec<u8>]) -> Result<Step, String> {
    let mut steps = vec![step(rest)?];
    while let Some((first, tail)) = rest.split_first()
        && first == b","
    {
        *rest = tail;
        steps.push(step(rest)?);
    }
    Ok(if steps.len() == 1 {
        steps.remove(0)
    } else {
        Step::All(steps)
    })
}

fn step(rest: &mut &[Vec<u8>]) -> Result<Step, String> {
    let Some((first, tail)) = rest.split_first() else {
        return Err("an operation is missing at the end".to_owned());
    };
    match first.as_slice() {
        b"{" => {
            *rest = tail;
            let inner = sequence(rest)?;
            match rest.split_first() {
                Some((close, tail)) if close == b"}" => *rest = tail,
                _ => return Err("a } is missing".to_owned()),
            }
            Ok(inner)
        }
        b"," | b"}" => Err(format!(
            "an operation is missing before {}",
            first.escape_ascii()
        )),
        b"loop" => {
            let (count, tail) = tail.split_first().ok_or("loop: how often?")?;
            let count = std::str::from_utf8(count)
                .ok()
                .and_then(|count| count.parse().ok());
            *rest = tail;
            Ok(Step::Loop(
                count.ok_or("loop: how often?")?,
                Box::new(step(rest)?),
            ))
        }
        b"fork" | b"clone3" | b"double-fork" => {
            let birth = match first.as_slice() {
                b"fork" => Birth::Fork,
                b"clone3" => Birth::Clone3,
                _ => Birth::DoubleFork,
            };
            *rest = tail;
            Ok(Step::Child(birth, Box::new(step(rest)?)))
        }
        b"thread" => {
            *rest = tail;
            Ok(Step::Thread(Box::new(step(rest)?)))
        }
        _ => {
            let end = rest
                .iter()
                .position(|word| word == b"," || word == b"}")
                .unwrap_or(rest.len());
            let (words, tail) = rest.split_at(end);
            *rest = tail;
            Ok(Step::Op(words.to_vec()))
        }
    }
}

/// Resolves `\xNN`, `\\` and, in a loop, `{i}`.
pub(crate) fn resolve(word: &[u8], index: Option<u64>) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word;
    loop {
        match rest {
            [] => return Ok(bytes),
            [b'\\', b'\\', tail @ ..] => {
                bytes.push(b'\\');
                rest = tail;
            }
            [b'\\', b'x', high, low, tail @ ..] => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let (Some(high), Some(low)) = (digit(*high), digit(*low)) else {
                    return Err(format!("not an escape: {}", word.escape_ascii()));
                };
                bytes.push((high * 16 + low) as u8);
                rest = tail;
            }
            [b'\\', ..] => return Err(format!("not an escape: {}", word.escape_ascii())),
            [b'{', b'i', b'}', tail @ ..] if index.is_some() => {
                bytes.extend_from_slice(index.unwrap_or_default().to_string().as_bytes());
                rest = tail;
            }
            [byte, tail @ ..] => {
                bytes.push(*byte);
                rest = tail;
            }
        }
    }
}
