// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Copies a person's comments from the old text of a map into its new text.
//!
//! A comment belongs to the line below or before it. If that line was removed, the comment moves to the line's parent;
//! no comment is dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use ambit_source::yaml;

use super::node::{Errors, LIMITS, items, pairs};
use crate::{Map, Rule};

impl Map {
    /// Returns the canonical text with the comments of `old`. `old` is the text that the map was parsed from before it
    /// changed.
    pub fn print_keeping(&self, old: &str) -> String {
        let new = self.to_string();
        if !old.contains('#') {
            return new;
        }
        let names = [old, &new].map(|text| subjects(text, self));
        merge_comments(old, &new, names)
    }
}

/// Identifies a line: its own text and the texts of its parents.
type LinePath = Vec<String>;

/// The comments of a line.
#[derive(Debug, Default, PartialEq, Eq)]
struct LineComments {
    /// Lines above it, including blank lines.
    above: Vec<String>,
    /// The comment at its end.
    beside: Option<String>,
}

/// The subjects of a text, each as a text of its own, by the number of the line that it begins in.
type SubjectNames = BTreeMap<usize, String>;

/// Reads the subjects of a text. Executable, name, script and chain identify a subject; its first line may have any key.
fn subjects(text: &str, map: &Map) -> SubjectNames {
    let mut out = SubjectNames::new();
    let Ok(root) = yaml::document(text, LIMITS) else {
        return out;
    };
    let subjects = pairs(&root)
        .iter()
        .filter(|(key, _)| key.scalar() == Some("subjects"))
        .flat_map(|(_, value)| items(value));
    for node in subjects {
        if let Some((subject, _)) = super::subject::one(node, map, &mut Errors::new("")) {
            out.insert(node.place.line, subject.to_string());
        }
    }
    out
}

fn merge_comments(old: &str, new: &str, [of_old, of_new]: [SubjectNames; 2]) -> String {
    let (comments, end) = collect(old, &of_old);
    if comments.is_empty() && end.is_empty() {
        return new.to_owned();
    }
    let mut paths = LinePaths::new(&of_new);
    let lines = (1..).zip(new.lines());
    let lines: Vec<(&str, LinePath)> = lines
        .map(|(number, line)| (line, paths.of(number, line)))
        .collect();
    let new_paths: BTreeSet<&LinePath> = lines.iter().map(|(_, path)| path).collect();
    let in_groups: BTreeMap<&str, &LinePath> = lines
        .iter()
        .filter(|(_, path)| path.first().is_some_and(|key| key == "groups"))
        .filter_map(|(_, path)| Some((path.last()?.as_str(), path)))
        .collect();
    let mut by_path: BTreeMap<LinePath, LineComments> = BTreeMap::new();
    let mut orphaned = Vec::new();
    for (mut path, comments) in comments {
        // A line that several subjects share may stand in a group now.
        if !new_paths.contains(&path)
            && let Some(item) = path.last().filter(|item| item.starts_with("- "))
            && let Some(group) = in_groups.get(item.as_str())
        {
            path.clone_from(group);
        }
        let moved = !new_paths.contains(&path);
        while !path.is_empty() && !new_paths.contains(&path) {
            path.pop();
        }
        if path.is_empty() {
            orphaned.extend(comments.above);
            orphaned.extend(comments.beside);
            continue;
        }
        let kept = by_path.entry(path).or_default();
        kept.above.extend(comments.above);
        match comments.beside {
            // A line can have one comment at its end.
            // The same comment of several subjects, whose line stands in a group now.
            Some(beside) if kept.beside.as_ref() == Some(&beside) => {}
            Some(beside) if moved || kept.beside.is_some() => kept.above.push(beside),
            Some(beside) => kept.beside = Some(beside),
            None => {}
        }
    }
    let mut out = String::with_capacity(old.len().max(new.len()));
    let mut write = |indent: &str, line: &str| {
        let indent = if line.is_empty() { "" } else { indent };
        // Writing to a String does not fail.
        let _ = writeln!(out, "{indent}{line}");
    };
    for line in &orphaned {
        write("", line);
    }
    for (line, path) in &lines {
        let comments = by_path.remove(path).unwrap_or_default();
        let indent = line.get(..indent(line)).unwrap_or_default();
        for above in &comments.above {
            write(indent, above);
        }
        match comments.beside {
            Some(beside) => write("", &format!("{line} {beside}")),
            None => write("", line),
        }
    }
    for line in &end {
        write("", line);
    }
    out
}

/// Returns the comments with the lines that they belong to, and the comments after the last line.
fn collect(text: &str, names: &SubjectNames) -> (Vec<(LinePath, LineComments)>, Vec<String>) {
    let mut paths = LinePaths::new(names);
    let mut found = Vec::new();
    let mut above: Vec<String> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let (content, comment) = split(line);
        if content.trim().is_empty() {
            above.push(comment.unwrap_or_default().to_owned());
            continue;
        }
        let path = paths.of(number, content);
        let mut comments = LineComments {
            above: without_lone_blanks(std::mem::take(&mut above)),
            beside: comment.map(str::to_owned),
        };
        // A subject's first line is the one of its id, which may have stood behind another key.
        if let Some(key) = names.get(&number).and_then(|_| first_key(content))
            && let Some(beside) = comments.beside.take_if(|_| key != "id")
        {
            let of_key = path.iter().cloned().chain([key]).collect();
            let beside = LineComments {
                above: Vec::new(),
                beside: Some(beside),
            };
            found.push((of_key, beside));
        }
        if comments != LineComments::default() {
            found.push((path, comments));
        }
    }
    (found, without_lone_blanks(above))
}

/// Returns the lines if one of them is a comment; blank lines alone are dropped.
fn without_lone_blanks(lines: Vec<String>) -> Vec<String> {
    if lines.iter().all(String::is_empty) {
        Vec::new()
    } else {
        lines
    }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// Splits a line into its content and the comment at its end.
pub(super) fn split(line: &str) -> (&str, Option<&str>) {
    let mut quote = None;
    // A quoted text begins only where a value begins; elsewhere a quote is an ordinary character.
    let mut value = true;
    let mut dashes = true;
    let mut depth = 0_u32;
    let mut before = b' ';
    let mut bytes = line.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match quote {
            Some(b'"') if byte == b'\\' => {
                bytes.next();
            }
            // In a single-quoted text, two quotes stand for one.
            Some(b'\'') if byte == b'\'' && line.as_bytes().get(at + 1) == Some(&b'\'') => {
                bytes.next();
            }
            Some(open) if byte == open => quote = None,
            None if byte == b'#' && matches!(before, b' ' | b'\t') => {
                let (content, comment) = line.split_at_checked(at).unwrap_or((line, ""));
                return (content, Some(comment.trim_end()));
            }
            None if value && matches!(byte, b'\'' | b'"') => quote = Some(byte),
            _ => {}
        }
        value = match byte {
            b' ' => match before {
                b':' => true,
                b'-' => dashes,
                b',' => value || depth > 0,
                _ => value,
            },
            b'[' | b'{' if value && quote.is_none() => {
                depth += 1;
                true
            }
            _ => false,
        };
        if matches!(byte, b']' | b'}') && quote.is_none() {
            depth = depth.saturating_sub(1);
        }
        dashes &= matches!(byte, b' ' | b'-');
        before = byte;
    }
    (line, None)
}

/// Identifies the lines of a text, one after another.
struct LinePaths<'n> {
    /// The possible parents of the next line, with their indents.
    under: Vec<(usize, String)>,
    names: &'n SubjectNames,
}

impl<'n> LinePaths<'n> {
    const fn new(names: &'n SubjectNames) -> Self {
        Self {
            under: Vec::new(),
            names,
        }
    }

    fn of(&mut self, number: usize, line: &str) -> LinePath {
        let indent = indent(line);
        while self.under.last().is_some_and(|(outer, _)| *outer >= indent) {
            self.under.pop();
        }
        let name = self.names.get(&number).cloned();
        let name = name.unwrap_or_else(|| identity(line.trim()));
        self.under.push((indent, name));
        self.under.iter().map(|(_, name)| name.clone()).collect()
    }
}

/// Returns the key in the first line of a mapping in a list: `id` of `- id: nginx`.
fn first_key(content: &str) -> Option<String> {
    let (key, _) = content.trim().strip_prefix("- ")?.split_once(':')?;
    Some(unquoted(key.trim()))
}

/// Returns the text that identifies a line among its siblings: an item completely, a key without its value.
fn identity(content: &str) -> String {
    if let Some(item) = content.strip_prefix("- ") {
        let item = unquoted(item.trim());
        // Rules can be spelled in several ways, for example with a name or its number.
        return match Rule::parse(&item) {
            Ok(rule) => format!("- {rule}"),
            Err(_) => format!("- {item}"),
        };
    }
    match content.split_once(':') {
        Some((key, _)) => unquoted(key),
        None => content.to_owned(),
    }
}

pub(super) fn unquoted(text: &str) -> String {
    let inner = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    match (inner('\''), inner('"')) {
        (Some(single), _) => single.replace("''", "'"),
        (_, Some(double)) if !double.contains('\\') => double.to_owned(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "\
# Reviewed by ops.
ambit: 1 # the version

# One site.
domain: web
chain: 2
subjects:
  # The server itself.
  - id: nginx
    exe: /usr/sbin/nginx
    allow:
      # Its pages.

      - file.open r /srv/a # the first
      - 'file.open r /srv/b: #1' # the second
      - \"file.open r /srv/c\" # the third
# The end.
";

    #[test]
    fn comments_stay_with_their_lines() {
        let map = Map::parse(OLD, "old").unwrap();
        let text = map.print_keeping(OLD);
        assert_eq!(
            text,
            OLD.replace("\"file.open r /srv/c\"", "file.open r /srv/c")
        );
        assert_eq!(Map::parse(&text, "new").unwrap(), map);
    }

    #[test]
    fn comments_of_a_subject_stay_with_it_whatever_its_first_key_is() {
        let old = "ambit: 1\ndomain: web\nchain: 2\nsubjects:\n  # The shell.\n  - exe: /bin/sh # ours\n    id: sh\n    allow:\n      \
                   - exec /bin/ls # lists\n  # Lists.\n  - exe: /bin/ls\n    allow:\n      - file.open r /srv\n";
        let map = Map::parse(old, "old").unwrap();
        let text = map.print_keeping(old);
        assert_eq!(
            text,
            "ambit: 1\ndomain: web\nchain: 2\nsubjects:\n  # Lists.\n  - id: ls\n    exe: /bin/ls\n    allow:\n      \
             - file.open r /srv\n  # The shell.\n  - id: sh\n    exe: /bin/sh # ours\n    allow:\n      - exec /bin/ls # lists\n"
        );
        assert_eq!(map.print_keeping(&text), text);
    }

    #[test]
    fn a_comment_beside_a_number_stays_beside_its_name() {
        let old = "ambit: 1\ndomain: web\nchain: 2\nsubjects:\n  - id: sh\n    exe: /bin/sh\n    allow:\n      \
                   - file.ioctl 0x5401 /dev/tty # asked at each start\n      - net.socket inet stream 0 # as curl does\n";
        let map = Map::parse(old, "old").unwrap();
        let text = map.print_keeping(old);
        assert!(
            text.ends_with(
                "      - file.ioctl TCGETS /dev/tty # asked at each start\n      - net.socket inet stream ip # as curl does\n"
            ),
            "{text}"
        );
        assert_eq!(Map::parse(&text, "new").unwrap().digest(), map.digest());
        assert_eq!(map.print_keeping(&text), text);
    }

    #[test]
    fn a_comment_of_a_line_that_went_goes_to_the_line_it_was_under() {
        let new = Map::parse(
            "ambit: 1\ndomain: web\nchain: 2\nsubjects:\n  - id: nginx\n    exe: /usr/sbin/nginx\n    allow:\n      - file.open r /srv/**\n",
            "new",
        )
        .unwrap();
        let text = new.print_keeping(OLD);
        assert!(
            text.contains("    # Its pages.\n\n    # the first\n    # the second\n    # the third\n    allow:\n      - file.open r /srv/**\n# The end.\n"),
            "{text}"
        );
        assert_eq!(Map::parse(&text, "new").unwrap(), new);
    }

    #[test]
    fn a_sharp_that_is_no_comment_is_none() {
        for line in [
            "  - file.open r /a#b",
            "  - 'a #b'",
            "x: [\"a #b\", 'c #d']",
        ] {
            assert_eq!(split(line), (line, None));
        }
        assert_eq!(split("- it's #1"), ("- it's ", Some("#1")));
    }
}
