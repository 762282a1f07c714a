// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Escapes hostile bytes, so that they change no terminal, no log and no map.

/// True for characters that must be escaped: controls, blanks other than the space, invisible characters, and those that
/// change the direction of writing.
pub fn is_hidden(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    c.is_control()
        || c.is_whitespace()
        || matches!(u32::from(c),
            0x00ad | 0x034f | 0x061c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f
            | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0x2800 | 0x3164
            | 0xe000..=0xf8ff | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfffb
            | 0x1d173..=0x1d17a | 0xe0000..=0x10_ffff)
        || u32::from(c) & 0xfffe == 0xfffe
}

/// Appends every byte as `\xNN`.
pub fn push_hex(out: &mut String, bytes: &[u8]) {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    for byte in bytes {
        out.push_str("\\x");
        for nibble in [byte >> 4, byte & 15] {
            out.push(DIGITS.get(usize::from(nibble)).copied().unwrap_or('0'));
        }
    }
}

/// Appends bytes as text. Characters of `special` get a backslash. Hidden characters, bytes that are not UTF-8 and, if
/// `last`, blanks at the end become `\xNN`.
pub fn push_escaped(out: &mut String, bytes: &[u8], special: &[u8], last: bool) {
    let trimmed = if last {
        bytes.trim_suffix_spaces()
    } else {
        bytes
    };
    out.reserve(bytes.len());
    let is_plain = plain(special);
    for chunk in trimmed.utf8_chunks() {
        let mut rest = chunk.valid();
        loop {
            // Nearly all texts have no other characters.
            let end = rest.bytes().position(|byte| !is_plain(byte));
            let (text, other) = rest
                .split_at_checked(end.unwrap_or(rest.len()))
                .unwrap_or((rest, ""));
            out.push_str(text);
            let mut others = other.chars();
            let Some(c) = others.next() else { break };
            if is_hidden(c) {
                push_hex(out, c.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                if c.is_ascii() && u8::try_from(c).is_ok_and(|byte| !is_plain(byte)) {
                    out.push('\\');
                }
                out.push(c);
            }
            rest = others.as_str();
        }
        push_hex(out, chunk.invalid());
    }
    push_hex(out, bytes.get(trimmed.len()..).unwrap_or_default());
}

/// Returns a test for bytes that are printable ASCII characters and none of `special`.
fn plain(special: &[u8]) -> impl Fn(u8) -> bool {
    // A bit for each ASCII character, from the space to the tilde.
    let printable = ((1_u128 << 0x7f) - 1) & !((1 << 0x20) - 1);
    let plain = special
        .iter()
        .filter(|byte| byte.is_ascii())
        .fold(printable, |plain, byte| plain & !(1 << byte));
    move |byte| byte.is_ascii() && plain >> byte & 1 == 1
}

/// Returns a task's name for itself, up to its first NUL, escaped as [`name`] does.
pub fn comm(bytes: &[u8; 16]) -> String {
    name(bytes.split(|byte| *byte == 0).next().unwrap_or_default())
}

/// Escapes a name for texts and JSON: a backslash is doubled, hostile bytes become `\xNN`.
pub fn name(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    let blanks = bytes.iter().take_while(|byte| **byte == b' ').count();
    let (leading, rest) = bytes.split_at_checked(blanks).unwrap_or((&[], bytes));
    push_hex(&mut out, leading);
    push_escaped(&mut out, rest, b"\\", true);
    out
}

/// Text that was typed, for an error message: hidden characters become `\xNN`, all else stays.
pub fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_escaped(&mut out, text.as_bytes(), b"", false);
    out
}

trait TrimSpaces {
    fn trim_suffix_spaces(&self) -> &Self;
}

impl TrimSpaces for [u8] {
    fn trim_suffix_spaces(&self) -> &Self {
        let blanks = self.iter().rev().take_while(|byte| **byte == b' ').count();
        self.get(..self.len() - blanks).unwrap_or_default()
    }
}

/// Quotes a word for a shell, if it needs that.
pub fn shell(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+,:@%".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_bidi_and_broken_utf8_are_written_in_hex() {
        assert_eq!(name(b"a\x1b[2J\nb"), "a\\x1b[2J\\x0ab");
        assert_eq!(name("x\u{202e}y".as_bytes()), "x\\xe2\\x80\\xaey");
        assert_eq!(name(b"\xff\xc3("), "\\xff\\xc3(");
        assert_eq!(name("caf\u{e9}".as_bytes()), "caf\u{e9}");
    }

    #[test]
    fn special_characters_get_a_backslash_among_others() {
        let mut out = String::new();
        push_escaped(&mut out, "a*\u{e9}{\x7f}~ *".as_bytes(), b"*{}\\", true);
        assert_eq!(out, "a\\*\u{e9}\\{\\x7f\\}~ \\*");
    }

    #[test]
    fn blanks_at_the_ends_are_visible() {
        assert_eq!(name(b" a b  "), "\\x20a b\\x20\\x20");
        assert_eq!(name(b"  "), "\\x20\\x20");
    }

    #[test]
    fn a_backslash_is_never_ambiguous() {
        assert_eq!(name(b"\\x41"), "\\\\x41");
    }

    #[test]
    fn a_shell_reads_a_quoted_word_as_it_was() {
        assert_eq!(shell("/etc/web-1.map"), "/etc/web-1.map");
        assert_eq!(shell("it's $HOME"), "'it'\\''s $HOME'");
        assert_eq!(shell(""), "''");
    }
}
