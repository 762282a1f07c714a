// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Credentials of a subject.

use crate::number::plain_number;
use crate::{TextError, TextErrorKind, names};

/// User, group, effective capabilities and `no_new_privs`.
///
/// Text form: `uid=33 gid=33 caps=net_bind_service,setuid nnp`; `caps=` is `-` for none and `all` for every known one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Creds {
    /// Effective user id.
    pub uid: u32,
    /// Effective group id.
    pub gid: u32,
    /// Effective capabilities, a bit each.
    pub caps: u64,
    /// True if the task cannot gain privileges by exec.
    pub no_new_privs: bool,
}

impl std::fmt::Display for Creds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "uid={} gid={} caps=", self.uid, self.gid)?;
        match self.caps {
            0 => f.write_str("-")?,
            names::CAPS_ALL => f.write_str("all")?,
            caps => {
                let set = (0..64).filter(|number| caps >> number & 1 == 1);
                for (index, number) in set.enumerate() {
                    if index > 0 {
                        f.write_str(",")?;
                    }
                    names::write_numbered(f, &names::CAPABILITIES, "cap", number)?;
                }
            }
        }
        if self.no_new_privs {
            f.write_str(" nnp")
        } else {
            Ok(())
        }
    }
}

impl Creds {
    /// Reads the text form.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        const EXPECTED: &str = "credentials such as `uid=33 gid=33 caps=- nnp`";
        let wrong = |span| TextError::new(span, TextErrorKind::Object { expected: EXPECTED });
        let mut words = words(text);
        let mut field = |key: &str| {
            let (at, word) = words.next().ok_or_else(|| wrong(text.len()..text.len()))?;
            let value = word
                .strip_prefix(key)
                .ok_or_else(|| wrong(at..at + word.len()))?;
            Ok::<_, TextError>((at + key.len(), value))
        };
        let number = |(at, value): (usize, &str)| {
            plain_number(value).ok_or_else(|| wrong(at..at + value.len()))
        };
        let uid = number(field("uid=")?)?;
        let gid = number(field("gid=")?)?;
        let (at, value) = field("caps=")?;
        let caps = parse_caps(at, value)?;
        let no_new_privs = match words.next() {
            None => false,
            Some((_, "nnp")) => true,
            Some((at, word)) => return Err(wrong(at..at + word.len())),
        };
        if let Some((at, word)) = words.next() {
            return Err(TextError::new(at..at + word.len(), TextErrorKind::Trailing));
        }
        Ok(Self {
            uid,
            gid,
            caps,
            no_new_privs,
        })
    }
}

fn parse_caps(at: usize, value: &str) -> Result<u64, TextError> {
    match value {
        "-" => return Ok(0),
        "all" => return Ok(names::CAPS_ALL),
        _ => {}
    }
    let mut caps = 0;
    let mut at = at;
    for name in value.split(',') {
        let number = names::parse_numbered(&names::CAPABILITIES, "cap", name).filter(|n| *n < 64);
        let Some(number) = number else {
            return Err(TextError::new(
                at..at + name.len(),
                TextErrorKind::Name {
                    what: "capability",
                    nearest: crate::nearest(name, names::CAPABILITIES.iter().map(|(_, n)| *n)),
                },
            ));
        };
        caps |= 1 << number;
        at += name.len() + 1;
    }
    Ok(caps)
}

/// Splits a text at blanks. Each word comes with its position.
pub(crate) fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split(' ').filter_map(move |word| {
        let start = at;
        at += word.len() + 1;
        (!word.is_empty()).then_some((start, word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips() {
        for text in [
            "uid=0 gid=0 caps=all",
            "uid=33 gid=33 caps=- nnp",
            "uid=0 gid=4294967295 caps=chown,net_bind_service,cap63",
        ] {
            assert_eq!(Creds::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_slip_in_a_capability_is_pointed_at() {
        let error = Creds::parse("uid=0 gid=0 caps=chown,net_bind_servise").unwrap_err();
        assert_eq!(error.span, 23..39);
        assert_eq!(error.help().unwrap(), "did you mean `net_bind_service`?");
        assert_eq!(
            Creds::parse("uid=0 gid=+1 caps=-").unwrap_err().span,
            10..12
        );
        assert_eq!(Creds::parse("uid=0").unwrap_err().span, 5..5);
    }
}
