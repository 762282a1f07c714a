// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The paths and patterns that a map file contains, each with its place: lines that never match because no path in
//! canonical form is like that, and the paths for checks against a machine.

use std::sync::OnceLock;

use ambit_abi::Op;
use ambit_automaton::{Table, is_within};
use ambit_event::canonical::{Fault, MARKED, Spelling, acts_on_links, corrected};
use ambit_event::text::parse_path_object;
use ambit_event::{Object, Path};
use ambit_source::yaml::{self, Node};
use ambit_source::{Collector, End, FileErrors, Problem, Written};

use super::node::{LIMITS, items, pairs};
use crate::pattern::{PathKind, PathPattern, Piece};
use crate::{Rule, RuleObject, compile};

/// A line of a map that never matches.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` never matches: {fault}")]
pub struct NeverMatches {
    /// The path or pattern.
    pub text: String,
    /// The reason.
    pub fault: Fault,
    /// The corrected text, if there is one.
    pub instead: Option<String>,
}

impl Problem for NeverMatches {
    fn help(&self) -> Option<String> {
        let instead = self.instead.as_ref()?;
        Some(format!("write `{instead}`"))
    }

    fn label(&self) -> &'static str {
        "warning"
    }
}

/// Returns a warning for each path and pattern of a map's text that no path in canonical form matches, in the order of
/// their places. `name` is what warnings call the file.
pub fn never(text: &str, name: &str) -> FileErrors<NeverMatches> {
    let mut found = Collector::new(text);
    each(text, |node, _, at, object| {
        let Some(fault) = fault(&object.object, object.op) else {
            return;
        };
        let text = node
            .scalar()
            .unwrap_or_default()
            .get(at..)
            .unwrap_or_default();
        let instead = corrected(text, true);
        let is_possible = RuleObject::parse_path(&instead)
            .is_ok_and(|instead| self::fault(&instead, object.op).is_none());
        let kind = NeverMatches {
            text: text.to_owned(),
            fault,
            instead: (is_possible && instead != text).then_some(instead),
        };
        found.add_within(node, &(at..at + text.len()), kind);
    });
    found.finish(name)
}

/// Returns the paths of a map's text, up to the first variable part of each.
pub fn paths(text: &str) -> Vec<Written> {
    let mut places = Collector::<NeverMatches>::new(text);
    let mut written = Vec::new();
    each(text, |node, owner, at, object| {
        let Some((path, text)) = known(&object.object) else {
            return;
        };
        let is_whole = path.len() == text.len() && object.object.as_exact().is_some();
        let end = match object.op {
            _ if !is_whole => End::Open,
            Some(op) if acts_on_links(op) => End::Itself,
            _ => End::Followed,
        };
        let len = node.scalar().map_or(0, str::len);
        written.push(Written {
            place: places.place(node, &(at..len)),
            owner,
            path,
            text,
            is_expression: false,
            end,
        });
    });
    written
}

/// A path or pattern of a map, and the operation of its line; none for subjects.
struct Named {
    op: Option<Op>,
    object: RuleObject,
}

/// Calls a function for each path of a map: the scalar, the number of its subject, and where in the scalar it begins.
fn each(text: &str, mut found: impl FnMut(&Node<'_>, usize, usize, &Named)) {
    let Ok(root) = yaml::document(text, LIMITS) else {
        return;
    };
    let mut subject = |owner: usize, node: &Node<'_>| {
        let object = parse_path_object(node.scalar().unwrap_or_default());
        if let Ok(object @ (Object::Path(_) | Object::Deleted(_))) = object {
            let object = RuleObject::from_object(object);
            found(node, owner, 0, &Named { op: None, object });
        }
    };
    for node in items_of(&root, "start") {
        subject(0, node);
    }
    let subjects = items_of(&root, "subjects");
    for (owner, node) in subjects.iter().enumerate() {
        for key in ["exe", "script"] {
            if let Some(node) = value(node, key) {
                subject(owner + 1, node);
            }
        }
        for node in items_of(node, "via") {
            subject(owner + 1, node);
        }
    }
    let groups = value(&root, "groups").map_or(&[][..], pairs);
    let shared = groups.iter().map(|(_, rules)| (0, items(rules)));
    let own = subjects
        .iter()
        .enumerate()
        .map(|(owner, node)| (owner + 1, items_of(node, "allow")));
    for (owner, rules) in shared.chain(own) {
        for node in rules {
            let text = node.scalar().unwrap_or_default();
            if let Ok(rule) = Rule::parse(text)
                && let Some(at) = text.find('/')
            {
                let op = Some(rule.operation().op);
                let object = rule.object().clone();
                found(node, owner, at, &Named { op, object });
            }
        }
    }
}

fn value<'n, 'a>(node: &'n Node<'a>, name: &str) -> Option<&'n Node<'a>> {
    let pair = pairs(node)
        .iter()
        .find(|(key, _)| key.scalar() == Some(name));
    pair.map(|(_, value)| value)
}

/// Returns the items of a list that a mapping has under a key.
fn items_of<'n, 'a>(node: &'n Node<'a>, name: &str) -> &'n [Node<'a>] {
    value(node, name).map_or(&[], items)
}

/// Returns the path of an object up to its first variable part, and all of it that is known, with markers in braces.
fn known(object: &RuleObject) -> Option<(Vec<u8>, Vec<u8>)> {
    let path = match object {
        RuleObject::Exact(Object::Path(path)) => path,
        RuleObject::Path(pattern) if pattern.kind() == PathKind::Path => {
            match pattern.pieces().first() {
                Some(Piece::Bytes(bytes)) => return Some((bytes.to_vec(), bytes.to_vec())),
                _ => return None,
            }
        }
        _ => return None,
    };
    let known = path.as_bytes().split(|byte| *byte == 0).next()?;
    Some((known.to_vec(), path.with_names()))
}

/// Returns why an object's text matches no path in canonical form; `None` if it may match one. `op` is the operation of its
/// line.
fn fault(object: &RuleObject, op: Option<Op>) -> Option<Fault> {
    let pattern = match object {
        // Building automata takes much longer, and nearly all lines end here.
        RuleObject::Exact(Object::Path(path) | Object::Deleted(path)) if is_canonical(path) => {
            return None;
        }
        RuleObject::Exact(Object::Path(path)) => {
            PathPattern::of_marked(PathKind::Path, path.as_bytes())
        }
        RuleObject::Exact(Object::Deleted(path)) => {
            PathPattern::of_marked(PathKind::Deleted, path.as_bytes())
        }
        RuleObject::Path(pattern) if pattern.kind() != PathKind::Memfd => pattern.clone(),
        _ => return None,
    };
    if !may_have_a_fault(&pattern) {
        return None;
    }
    let is_exact = object.as_exact().is_some();
    let table = compile::table(&if is_exact {
        literal(&pattern)
    } else {
        pattern.path_regex()
    })?;
    let faults = faults(op.is_some_and(acts_on_links));
    if !is_within(&table, faults.all()?) {
        return None;
    }
    let one = faults
        .each()
        .iter()
        .find(|(_, fault)| is_within(&table, fault));
    // Different faults of different paths: any of them will do.
    Some(one.map_or(Fault::Process, |(fault, _)| *fault))
}

/// True if the path is in canonical form.
fn is_canonical(path: &Path) -> bool {
    str::from_utf8(&path.with_names()).is_ok_and(|text| corrected(text, true) == text)
}

/// Returns the expression of exactly the bytes of an object, with its markers.
fn literal(pattern: &PathPattern) -> String {
    let object = pattern.as_exact();
    let bytes = match &object {
        Some(Object::Path(path) | Object::Deleted(path)) => path.as_bytes(),
        _ => return pattern.path_regex(),
    };
    let escaped = bytes.iter().map(|byte| format!("\\x{byte:02x}"));
    format!("(?s-u){}", escaped.collect::<String>())
}

/// Excludes most patterns at low cost: the parser has refused the faults of their literal parts.
fn may_have_a_fault(pattern: &PathPattern) -> bool {
    let fixed: &[u8] = match pattern.pieces().first() {
        Some(Piece::Bytes(bytes)) => bytes,
        _ => b"",
    };
    let marked = |directory: &str| {
        let directory = directory.as_bytes();
        fixed.starts_with(directory) || directory.starts_with(fixed)
    };
    let either = |piece: &Piece| matches!(piece, Piece::Either(_));
    MARKED.into_iter().any(marked) || pattern.pieces().iter().any(either)
}

/// The faults of paths, of operations that act on links or of others. Each table is built when it is first needed.
struct Faults {
    each: OnceLock<Vec<(Fault, Table)>>,
    all: OnceLock<Option<Table>>,
    of_links: bool,
}

fn faults(of_links: bool) -> &'static Faults {
    static LINKS: Faults = Faults::new(true);
    static OTHERS: Faults = Faults::new(false);
    if of_links { &LINKS } else { &OTHERS }
}

fn expression(fault: Fault) -> String {
    format!("(?:{})", fault.expression(Spelling::Bytes))
}

fn whole(expression: &str) -> Option<Table> {
    compile::table(&format!("(?:{expression})(?s-u:.)*"))
}

impl Faults {
    const fn new(of_links: bool) -> Self {
        Self {
            each: OnceLock::new(),
            all: OnceLock::new(),
            of_links,
        }
    }

    fn kinds(&self) -> impl Iterator<Item = Fault> {
        let of_links = self.of_links;
        Fault::ALL
            .into_iter()
            .filter(move |fault| !of_links || *fault != Fault::LinkItself)
    }

    fn all(&self) -> Option<&Table> {
        let table = self.all.get_or_init(|| {
            let all: Vec<String> = self.kinds().map(expression).collect();
            whole(&all.join("|"))
        });
        table.as_ref()
    }

    fn each(&self) -> &[(Fault, Table)] {
        self.each.get_or_init(|| {
            self.kinds()
                .filter_map(|fault| Some((fault, whole(&expression(fault))?)))
                .collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<Fault> {
        let rule = Rule::parse(text).unwrap();
        fault(rule.object(), Some(rule.operation().op))
    }

    #[test]
    fn lines_that_match_no_canonical_path_have_a_fault() {
        for (text, expected) in [
            ("file.open r /proc/1234/environ", Some(Fault::Process)),
            ("file.open r /proc/self/status", Some(Fault::Link)),
            ("file.open r /proc/1*/status", None),
            ("file.open r /proc/self*/status", None),
            ("file.open r /proc/self/*", Some(Fault::Link)),
            ("file.open r /proc/self", Some(Fault::LinkItself)),
            ("file.open r /proc/mounts", Some(Fault::LinkItself)),
            ("file.unlink /proc/mounts", None),
            ("file.unlink /proc/self/x", Some(Fault::Link)),
            ("file.rename from /proc/self", None),
            ("file.chmod /proc/net", None),
            (
                "file.open r /proc/sys/net/ipv4/conf/12/forwarding",
                Some(Fault::Number),
            ),
            ("file.open r /proc/sys/net/ipv4/conf/{n}/forwarding", None),
            ("file.open r /proc/fs/ext4/12/options", Some(Fault::Number)),
            ("file.open r /proc/fs/nfsd/clients/3/info", None),
            ("file.open r /proc/fs/nfsd/clients/{n}/info", None),
            ("file.open r /proc/{1,2}/status", Some(Fault::Process)),
            (
                "file.open r /proc/{self,thread-self}/status",
                Some(Fault::Link),
            ),
            ("file.open r /proc/{self,1}/status", Some(Fault::Process)),
            ("file.open r /proc/{pid}/task/12/stat", Some(Fault::Thread)),
            ("file.open r /proc/{self}/fd/3", Some(Fault::Number)),
            ("file.open r /proc/{self}/fd/{3,4}", Some(Fault::Number)),
            ("file.open r /proc/net/**", Some(Fault::Link)),
            ("file.open r /proc/irq/12/*", Some(Fault::Number)),
            ("file.open rw /dev/pts/0", Some(Fault::Terminal)),
            ("file.open rw /dev/pts/{0,1}", Some(Fault::Terminal)),
            ("file.open r /srv/{.,..}/x", Some(Fault::Dot)),
            ("net.connect unix /proc/1/x", Some(Fault::Process)),
            ("file.open r /proc/{pid}/environ", None),
            ("file.open r /proc/{self}/task/{pid}/stat", None),
            ("file.open r /proc/{n}/stat", None),
            ("file.open r /proc/*/environ", None),
            ("file.open r /proc/**", None),
            ("file.open r /**", None),
            ("file.open r /proc/{self}/fd/{n}", None),
            ("file.open r /proc/sys/fs/binfmt_misc/12", None),
            ("file.open r /proc/stat", None),
            ("file.open rw /dev/pts/{n}", None),
            ("file.open rw /dev/pts/*", None),
            ("file.open r /srv/{a,..}/x", None),
            ("file.open r /srv/12", None),
            ("file.create /var/lib/body/{n}", None),
            ("file.open r memfd:/proc/1", None),
            ("net.connect tcp 10.0.0.1:80", None),
        ] {
            assert_eq!(of(text), expected, "{text}");
        }
    }

    const MAP: &str = "\
ambit: 1
domain: web
start:
  - /bin/sh
subjects:
  - id: sh
    exe: /bin/sh
    via: [/usr/sbin/init]
    allow:
      - file.open r /proc/self/status
      - file.unlink /bin/x
      - file.open r /var/run/*.pid
      - net.connect unix /run/x.sock
";

    #[test]
    fn a_warning_has_its_place_and_the_text_to_write() {
        let found = never(MAP, "web.map");
        assert_eq!(
            found.to_string(),
            "warning: `/proc/self/status` never matches: /proc/self, /proc/thread-self, /proc/net and /proc/mounts are links, \
             and paths have links followed\n  --> web.map:10:21\n   |\n10 |       - file.open r /proc/self/status\n   \
             |                     ^^^^^^^^^^^^^^^^^ help: write `/proc/{self}/status`"
        );
    }

    #[test]
    fn paths_of_a_map_have_their_place_and_their_end() {
        let found: Vec<_> = paths(MAP)
            .into_iter()
            .map(|one| {
                (
                    one.place.line,
                    String::from_utf8(one.path).unwrap(),
                    one.end,
                )
            })
            .collect();
        let expected = [
            (4, "/bin/sh", End::Followed),
            (7, "/bin/sh", End::Followed),
            (8, "/usr/sbin/init", End::Followed),
            (10, "/proc/self/status", End::Followed),
            (11, "/bin/x", End::Itself),
            (12, "/var/run/", End::Open),
            (13, "/run/x.sock", End::Followed),
        ];
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(line, path, end)| (line, path.to_owned(), end))
            .collect();
        assert_eq!(found, expected);
    }
}
