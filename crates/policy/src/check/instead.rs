// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The text to write in place of one that no path in canonical form has.

use ambit_event::canonical::{MARKED, corrected};

use super::possible::Possible;
use crate::condition::{Condition, Text, TextTest};
use crate::regex::Regex;

/// Returns the corrected text of a test, if a path may pass it: the text in quotes, as in a condition.
pub(super) fn instead(possible: &mut Possible, field: Text, test: &TextTest) -> Option<String> {
    let utf8 = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    let (old, new, test): (String, String, TextTest) = match test {
        TextTest::In(list) => {
            let old = utf8(list.first()?)?;
            let new = corrected(&old, true);
            (old, new.clone(), TextTest::In([new.into_bytes()].into()))
        }
        TextTest::StartsWith(bytes) => {
            let old = utf8(bytes)?;
            let new = corrected(&old, false);
            (old, new.clone(), TextTest::StartsWith(new.into_bytes()))
        }
        TextTest::EndsWith(bytes) => {
            let old = utf8(bytes)?;
            let new = corrected(&old, true);
            (old, new.clone(), TextTest::EndsWith(new.into_bytes()))
        }
        TextTest::Contains(bytes) => {
            let old = utf8(bytes)?;
            let new = corrected(&old, false);
            (old, new.clone(), TextTest::Contains(new.into_bytes()))
        }
        TextTest::Matches(pattern) => {
            let new = expression(pattern)?;
            (pattern.clone(), new.clone(), TextTest::Matches(new))
        }
        _ => return None,
    };
    if new.is_empty() || new == old || new.contains(['"', '\n']) {
        return None;
    }
    let is_regex = matches!(test, TextTest::Matches(_));
    let condition = Condition::Text(field, test.clone());
    if possible.never(&condition) {
        return None;
    }
    let quoted = |text: &str| {
        if text.contains('\\') {
            format!("r\"{text}\"")
        } else {
            format!("\"{text}\"")
        }
    };
    // A number names another process; the own one has a marker of its own.
    let own = new.replacen("{pid}", "{self}", 1);
    if !is_regex && own != new && old != own && !old.contains("{pid}") {
        return Some(format!(
            "write {} for another process, or {} for the process itself",
            quoted(&new),
            quoted(&own)
        ));
    }
    Some(format!("write {}", quoted(&new)))
}

/// Replaces the parts of an expression that stand for numbers below a directory with markers. `None` if
/// the expression names no such directory.
fn expression(pattern: &str) -> Option<String> {
    let (directory, at) = MARKED.into_iter().find_map(|directory| {
        let escaped = directory.replace('/', r"\/");
        [directory.to_owned(), escaped]
            .into_iter()
            .find_map(|text| pattern.find(&text).map(|at| (directory, at + text.len())))
    })?;
    let (head, tail) = pattern.split_at_checked(at)?;
    let parts = components(tail)?;
    let mut out = head.to_owned();
    let mut before = "";
    for (index, (part, slash)) in parts.iter().enumerate() {
        let process = directory == "/proc/" && (index == 0 || (index == 2 && before == "task"));
        out.push_str(&component(part, index, process));
        out.push_str(slash);
        before = part;
    }
    Some(out)
}

/// Splits an expression at its slashes outside of groups and classes: each part, and the slash behind it.
fn components(pattern: &str) -> Option<Vec<(&str, &str)>> {
    let mut parts = Vec::new();
    let (mut depth, mut in_class, mut start) = (0usize, false, 0);
    let mut bytes = pattern.bytes().enumerate().peekable();
    while let Some((at, byte)) = bytes.next() {
        let mut slash = None;
        match byte {
            b'\\' => {
                let (_, next) = bytes.next()?;
                if next == b'/' {
                    slash = Some(at..at + 2);
                }
            }
            b'[' if !in_class => in_class = true,
            b']' if in_class => in_class = false,
            b'(' if !in_class => depth += 1,
            b')' if !in_class => depth = depth.checked_sub(1)?,
            b'/' => slash = Some(at..at + 1),
            _ => {}
        }
        if let Some(slash) = slash.filter(|_| depth == 0 && !in_class) {
            let end = slash.end;
            parts.push((pattern.get(start..slash.start)?, pattern.get(slash)?));
            start = end;
        }
    }
    if depth > 0 || in_class {
        return None;
    }
    parts.push((pattern.get(start..)?, ""));
    Some(parts)
}

/// Returns one component with markers in place of numbers.
fn component(part: &str, index: usize, process: bool) -> String {
    let anchored = part.strip_suffix('$');
    let (body, end) = anchored.map_or((part, ""), |body| (body, "$"));
    let Ok(regex) = Regex::new(&format!("^(?:{body})$")) else {
        return part.to_owned();
    };
    let accepts = |texts: &[&str]| texts.iter().any(|text| regex.is_match(text.as_bytes()));
    let numbers = ["0", "1", "7", "42", "4711", "12345", "1234567", body];
    let is_number =
        |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let numbers: Vec<&str> = numbers.into_iter().filter(is_number).collect();
    let number = accepts(&numbers);
    let own = index == 0 && accepts(&["self", "thread-self"]);
    // Written for markers, or for any name.
    if accepts(&["{pid}", "{self}", "{n}", "x"]) || !(number || own) {
        return part.to_owned();
    }
    let new = match (process, number, own) {
        (false, ..) => r"\{n\}",
        (true, true, true) => r"\{(?:self|pid)\}",
        (true, true, false) if index > 0 => r"\{(?:self|pid)\}",
        (true, true, false) => r"\{pid\}",
        (true, false, _) => r"\{self\}",
    };
    format!("{new}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_an_expression_become_markers() {
        for (pattern, expected) in [
            (r"^/proc/[0-9]+/environ$", r"^/proc/\{pid\}/environ$"),
            (r"^/proc/\d{1,7}/mem$", r"^/proc/\{pid\}/mem$"),
            (
                r"^/proc/(self|[0-9]+)/mem$",
                r"^/proc/\{(?:self|pid)\}/mem$",
            ),
            (r"^\/proc\/self\/maps$", r"^\/proc\/\{self\}\/maps$"),
            (
                r"^/proc/[0-9]+/task/[0-9]+/mem$",
                r"^/proc/\{pid\}/task/\{(?:self|pid)\}/mem$",
            ),
            (r"/proc/[1-9][0-9]*/fd/[0-9]+$", r"/proc/\{pid\}/fd/\{n\}$"),
            (r"^/dev/pts/[0-9]+$", r"^/dev/pts/\{n\}$"),
            (r"^/proc/4242/stat$", r"^/proc/\{pid\}/stat$"),
            (r"^/proc/[^/]+/environ$", r"^/proc/[^/]+/environ$"),
        ] {
            assert_eq!(expression(pattern).as_deref(), Some(expected));
        }
        assert_eq!(expression("^/etc/[0-9]+"), None);
        assert_eq!(expression("^/proc/([0-9]+"), None);
    }
}
