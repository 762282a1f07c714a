// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Prints a map in canonical form: equal maps give equal text.

use std::borrow::Cow;
use std::fmt::{self, Write};

use ambit_abi::{self as abi, Coverage, Family, Op, Response};
use ambit_event::text::{object_text, write_bare_name, write_digest};
use ambit_event::{Object, Subject};

use crate::map::{Entry, FAMILIES, Version, written_in_group};
use crate::{Map, OwnResponses, Responses, Rule};

impl fmt::Display for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.print(f, true)
    }
}

impl Map {
    /// Returns the text that the digest is computed from: canonical text, without ids, the domain's name, and the state of
    /// learning and sealing.
    pub(crate) fn print_for_digest(&self) -> String {
        let mut out = String::new();
        // Writing to a String does not fail.
        let _ = self.print(&mut out, false);
        out
    }

    fn print(&self, out: &mut impl Write, names: bool) -> fmt::Result {
        // The digest is about the rules, however they are written.
        let version = if names { self.version } else { Version::One };
        writeln!(out, "ambit: {}", version_number(version))?;
        if names {
            writeln!(out, "domain: {}", scalar(&self.domain, false))?;
        }
        writeln!(out, "chain: {}", self.chain)?;
        if self.coverage != Coverage::Core {
            writeln!(out, "coverage: {}", self.coverage)?;
        }
        // Losses while learning do not change the allowed operations.
        if let Some(missed) = self.incomplete.filter(|_| names) {
            writeln!(out, "incomplete: {missed}")?;
        }
        if let Some(sealed) = self.sealed.filter(|_| names) {
            writeln!(out, "sealed: {}", digest(&sealed))?;
        }
        let outside = responses(self.outside, Response::Deny);
        let untrusted = responses(self.untrusted, Response::Log);
        if outside.is_some() || untrusted.is_some() || !self.untrusted_by.is_empty() {
            out.write_str("respond:\n")?;
        }
        for (key, table) in [("outside", outside), ("untrusted", untrusted)] {
            if let Some(table) = table {
                writeln!(out, "  {key}: {table}")?;
            }
        }
        if !self.untrusted_by.is_empty() {
            out.write_str("  untrusted-by:\n")?;
        }
        for (source, own) in &self.untrusted_by {
            writeln!(out, "    {}: {}", scalar(source, false), own_responses(own))?;
        }
        list(
            out,
            "",
            "start",
            self.start.iter().map(|object| {
                let mut text = String::new();
                object.write(Op::Exec, &mut text);
                text
            }),
        )?;
        if version == Version::Two && !self.groups.is_empty() {
            out.write_str("groups:\n")?;
            for (name, rules) in &self.groups {
                let rules = by_purpose(written_in_group(rules));
                ordered(out, "  ", &scalar(name, false), rules.into_iter())?;
            }
        }
        if !self.subjects.is_empty() {
            out.write_str("subjects:\n")?;
        }
        for (subject, entry) in &self.subjects {
            print_subject(out, subject, entry, names)?;
            if version == Version::One {
                // The digest must not change when a number gets a name.
                let text = |rule: &Rule| {
                    if names {
                        rule.named()
                    } else {
                        rule.to_string()
                    }
                };
                list(out, "    ", "allow", entry.allow.iter().map(text))?;
                continue;
            }
            let (unwritten, used) = self.unwritten(subject, entry);
            flow(out, "use", used.into_iter().map(str::to_owned))?;
            let rules = entry.allow.iter().filter(|rule| !unwritten.contains(rule));
            ordered(out, "    ", "allow", by_purpose(rules).into_iter())?;
        }
        Ok(())
    }
}

pub(super) const fn version_number(version: Version) -> u8 {
    match version {
        Version::One => 1,
        Version::Two => 2,
    }
}

/// Returns the texts of rules by purpose: programs that are started, code, files that are read, files that are changed,
/// network, processes, rights.
fn by_purpose<'r>(rules: impl Iterator<Item = &'r Rule>) -> Vec<String> {
    let mut texts: Vec<(u8, String, String)> = rules
        .map(|rule| {
            // By the object first, so that all lines about a file are neighbours.
            let mut object = String::new();
            rule.object().write(rule.operation().op, &mut object);
            let text = rule.named_with(&object);
            (purpose(rule), object, text)
        })
        .collect();
    texts.sort_unstable();
    texts.into_iter().map(|(_, _, text)| text).collect()
}

fn purpose(rule: &Rule) -> u8 {
    let operation = rule.operation();
    let reads =
        operation.op == Op::FileOpen && operation.arg & (abi::OPEN_WRITE | abi::OPEN_APPEND) == 0;
    match operation.op.family() {
        Some(Family::Exec) => 0,
        Some(Family::Map) => 1,
        Some(Family::File) if reads => 2,
        Some(Family::File) => 3,
        Some(Family::Net) => 4,
        Some(Family::Task | Family::Ipc) => 5,
        _ => 6,
    }
}

fn print_subject(
    out: &mut impl Write,
    subject: &Subject,
    entry: &Entry,
    names: bool,
) -> fmt::Result {
    let exe = subject.exe.as_ref().map_or_else(String::new, name);
    if names {
        writeln!(
            out,
            "  - id: {}\n    exe: {}",
            scalar(&entry.id, false),
            scalar(&exe, false)
        )?;
    } else {
        writeln!(out, "  - exe: {}", scalar(&exe, false))?;
    }
    if let Some(as_name) = &subject.as_name {
        let mut text = String::new();
        write_bare_name(&mut text, as_name);
        writeln!(out, "    as: {}", scalar(&text, false))?;
    }
    if let Some(script) = &subject.script {
        writeln!(out, "    script: {}", scalar(&name(script), false))?;
    }
    flow(out, "via", subject.via.iter().map(name))?;
    flow(out, "digest", entry.digests.iter().map(digest))?;
    flow(
        out,
        "script-digest",
        entry.script_digests.iter().map(digest),
    )?;
    list(
        out,
        "    ",
        "creds",
        entry.creds.iter().map(ToString::to_string),
    )
}

fn name(object: &Object) -> String {
    object_text(Op::Name, object)
}

fn digest(sha256: &[u8; 32]) -> String {
    let mut out = String::with_capacity(71);
    write_digest(&mut out, sha256);
    out
}

/// Formats the responses that differ from the default; `None` if all equal it.
fn responses(table: Responses, usual: Response) -> Option<String> {
    let mut distinct = table.iter().filter(|response| **response != usual);
    let first = distinct.next()?;
    if table.iter().all(|response| response == first) {
        return Some(format!("{{default: {first}}}"));
    }
    let unusual: Vec<String> = FAMILIES
        .iter()
        .zip(&table)
        .filter(|(_, response)| **response != usual)
        .map(|(family, response)| format!("{family}: {response}"))
        .collect();
    Some(format!("{{{}}}", unusual.join(", ")))
}

fn own_responses(own: &OwnResponses) -> String {
    if let Some(first) = own.first().copied().flatten()
        && own.iter().all(|response| *response == Some(first))
    {
        return format!("{{default: {first}}}");
    }
    let set: Vec<String> = FAMILIES
        .iter()
        .zip(own)
        .filter_map(|(family, response)| response.map(|response| format!("{family}: {response}")))
        .collect();
    format!("{{{}}}", set.join(", "))
}

/// Writes a list with one item a line, sorted by bytes.
fn list(
    out: &mut impl Write,
    indent: &str,
    key: &str,
    items: impl Iterator<Item = String>,
) -> fmt::Result {
    let mut items: Vec<String> = items.collect();
    items.sort_unstable();
    ordered(out, indent, key, items.into_iter())
}

/// Writes a list with one item a line, in its own order.
fn ordered(
    out: &mut impl Write,
    indent: &str,
    key: &str,
    items: impl Iterator<Item = String>,
) -> fmt::Result {
    let mut items = items.peekable();
    if items.peek().is_some() {
        writeln!(out, "{indent}{key}:")?;
    }
    for item in items {
        writeln!(out, "{indent}  - {}", scalar(&item, false))?;
    }
    Ok(())
}

/// Writes a list on one line, in its own order.
fn flow(out: &mut impl Write, key: &str, items: impl Iterator<Item = String>) -> fmt::Result {
    let items: Vec<String> = items.map(|item| scalar(&item, true).into_owned()).collect();
    if items.is_empty() {
        return Ok(());
    }
    writeln!(out, "    {key}: [{}]", items.join(", "))
}

/// Formats text without hidden characters as a YAML scalar: plain if every YAML parser reads it as text, else in single
/// quotes.
fn scalar(text: &str, flow: bool) -> Cow<'_, str> {
    if is_plain(text, flow) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', "''")))
}

/// Words that some YAML parsers read as another type.
const NON_TEXT_WORDS: [&str; 11] = [
    "null", "true", "false", "yes", "no", "on", "off", "y", "n", ".nan", ".inf",
];

fn is_plain(text: &str, flow: bool) -> bool {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return false;
    };
    // A letter, slash or underscore begins neither a number nor YAML syntax.
    let begins = first.is_ascii_alphabetic() || matches!(first, b'/' | b'_');
    let ends = !matches!(last, b':' | b' ');
    let comment = bytes.windows(2).any(|pair| pair == b": " || pair == b" #");
    let brackets = flow && bytes.iter().any(|byte| b",[]{}".contains(byte));
    begins
        && ends
        && !comment
        && !brackets
        && !NON_TEXT_WORDS
            .iter()
            .any(|word| text.eq_ignore_ascii_case(word))
}
