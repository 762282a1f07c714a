// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Rules: an operation and the object that it is allowed on.

use std::borrow::Cow;

use ambit_abi::{self as abi, Op};
use ambit_event::text::{self, AddressText, Form};
use ambit_event::{Object, Operation, TextError, TextErrorKind};

use crate::pattern::{InetPattern, PathKind, PathPattern};

/// The object of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RuleObject {
    /// One object.
    Exact(Object),
    /// All paths that the pattern covers.
    Path(PathPattern),
    /// All addresses that the pattern covers.
    Inet(InetPattern),
}

/// A rule in canonical form: equal rules have equal text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rule {
    operation: Operation,
    object: RuleObject,
}

impl RuleObject {
    /// Converts an object. It becomes a pattern if it has a marker where the kernel part would not write one.
    pub fn from_object(object: Object) -> Self {
        let (kind, path) = match &object {
            Object::Path(path) => (PathKind::Path, path),
            Object::Deleted(path) => (PathKind::Deleted, path),
            Object::Foreign(path) => (PathKind::Foreign, path),
            _ => return Self::Exact(object),
        };
        if !path.has_marker() {
            return Self::Exact(object);
        }
        let pattern = PathPattern::of_marked(kind, path.as_bytes());
        match pattern.as_exact() {
            Some(object) => Self::Exact(object),
            None => Self::Path(pattern),
        }
    }

    /// Converts a path pattern into canonical form.
    pub fn from_pattern(pattern: PathPattern) -> Self {
        match pattern.as_exact() {
            Some(object) => Self::Exact(object),
            None => Self::Path(pattern),
        }
    }

    /// Parses a path or path pattern in the syntax of `exec`, `start` and the file operations.
    pub fn parse_path(text: &str) -> Result<Self, TextError> {
        let (kind, at) = if text.starts_with('/') {
            (PathKind::Path, 0)
        } else if text.starts_with("deleted:/") {
            (PathKind::Deleted, "deleted:".len())
        } else if text.starts_with("foreign:/") {
            (PathKind::Foreign, "foreign:".len())
        } else if text.starts_with("memfd:") {
            (PathKind::Memfd, "memfd:".len())
        } else {
            return text::parse_path_object(text).map(Self::Exact);
        };
        let body = text.get(at..).unwrap_or_default();
        if kind == PathKind::Path && is_plain(body) {
            return ambit_event::Path::new(body.as_bytes())
                .map(|path| Self::Exact(Object::Path(path)))
                .map_err(|error| TextError {
                    span: 0..text.len(),
                    kind: TextErrorKind::Path(error),
                });
        }
        PathPattern::parse(kind, body)
            .map(Self::from_pattern)
            .map_err(|error| error.shifted(at))
    }

    /// Parses the object of an operation.
    pub fn parse(op: Op, text: &str) -> Result<Self, TextError> {
        match Form::of(op) {
            Form::Path => Self::parse_path(text),
            Form::Address => match text::split_address(text)? {
                AddressText::Object(object) => Ok(Self::Exact(object)),
                AddressText::UnixPath { at } => {
                    Self::parse_path(text.get(at..).unwrap_or_default())
                        .map_err(|error| error.shifted(at))
                }
                AddressText::Inet(inet) => {
                    let pattern = InetPattern::parse(&inet)?;
                    if InetPattern::has_ports(inet.protocol) && inet.port.is_none() {
                        let end = text.len();
                        return Err(TextError {
                            span: end..end,
                            kind: TextErrorKind::Port,
                        });
                    }
                    Ok(pattern.as_exact().map_or(Self::Inet(pattern), Self::Exact))
                }
            },
            _ => text::parse_object(op, text).map(Self::Exact),
        }
    }

    /// Appends the canonical text in the syntax of the operation.
    pub fn write(&self, op: Op, out: &mut String) {
        match self {
            Self::Exact(object) => text::write_object(out, op, object),
            Self::Path(pattern) => {
                if Form::of(op) == Form::Address {
                    out.push_str("unix ");
                }
                pattern.write(out);
            }
            Self::Inet(pattern) => pattern.write(out),
        }
    }

    /// Returns the object if it is exact.
    pub fn as_exact(&self) -> Option<&Object> {
        match self {
            Self::Exact(object) => Some(object),
            _ => None,
        }
    }
}

/// True if the text has no special characters.
fn is_plain(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'*' | b'{' | b'}' | b'\\'))
}

impl Rule {
    /// Creates a rule in canonical form.
    pub fn new(operation: Operation, object: RuleObject) -> Self {
        Self {
            operation: Operation {
                op: operation.op,
                arg: canonical_arg(operation),
            },
            object,
        }
    }

    /// Creates the rule that allows only this point.
    pub fn of_point(operation: Operation, object: Object) -> Self {
        Self::new(operation, RuleObject::from_object(object))
    }

    /// Returns the operation and its argument.
    pub const fn operation(&self) -> Operation {
        self.operation
    }

    /// Returns the object.
    pub const fn object(&self) -> &RuleObject {
        &self.object
    }

    /// Parses a rule.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let split = Operation::split(text)?;
        let object = RuleObject::parse(split.operation.op, split.object)
            .map_err(|error| error.shifted(split.at))?;
        Ok(Self::new(split.operation, object))
    }

    /// Appends the canonical text.
    pub fn write(&self, out: &mut String) {
        match &self.object {
            RuleObject::Exact(object) => self.operation.write_rule(object, out),
            object => {
                let mut text = String::new();
                object.write(self.operation.op, &mut text);
                self.operation.write_rule_text(&text, out);
            }
        }
    }

    /// Returns the text with the kernel's names in place of numbers: see [`ambit_event::named`].
    pub fn named(&self) -> String {
        let mut object = String::new();
        self.object.write(self.operation.op, &mut object);
        self.named_with(&object)
    }

    /// The same, for a caller that has the object's text.
    pub(crate) fn named_with(&self, object: &str) -> String {
        let mut text = String::with_capacity(object.len() + 24);
        self.operation.write_rule_text(object, &mut text);
        match ambit_event::named(&text) {
            Cow::Owned(named) => named,
            Cow::Borrowed(_) => text,
        }
    }

    /// Returns the other operations that the rule allows on the same object.
    pub fn implied_operations(&self) -> impl Iterator<Item = Operation> {
        implied(self.operation)
    }

    /// Returns the rules that this one implies.
    pub fn implied(&self) -> impl Iterator<Item = Self> {
        self.implied_operations().map(|operation| Self {
            operation,
            object: self.object.clone(),
        })
    }
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = String::with_capacity(64);
        self.write(&mut out);
        f.write_str(&out)
    }
}

const EXEC: u32 = abi::OPEN_EXEC;
const WRITE: u32 = abi::OPEN_WRITE;
const APPEND: u32 = abi::OPEN_APPEND;

/// Removes the letter `a` from a mask that has `w`: writing implies appending.
fn canonical_arg(operation: Operation) -> u32 {
    match operation {
        Operation {
            op: Op::FileOpen,
            arg,
        } if arg < 16 && arg & WRITE != 0 => arg & !APPEND,
        Operation { arg, .. } => arg,
    }
}

/// Returns the operations that an operation implies: `exec` implies `file.open x`; executing memory that stays writable
/// implies executing memory; an open mask implies its subsets, and `w` implies `a`. Only canonical masks are returned,
/// never the operation itself.
pub(crate) fn implied(operation: Operation) -> impl Iterator<Item = Operation> {
    let open = |arg| Operation {
        op: Op::FileOpen,
        arg,
    };
    let from_exec = (operation == Operation::plain(Op::Exec)).then_some(open(EXEC));
    let mask = if operation.op == Op::FileOpen && operation.arg < 16 {
        operation.arg
    } else {
        0
    };
    let all = mask | if mask & WRITE != 0 { APPEND } else { 0 };
    let subsets = (1..16).filter(move |subset| {
        subset & !all == 0
            && *subset != mask
            && canonical_arg(Operation {
                op: Op::FileOpen,
                arg: *subset,
            }) == *subset
    });
    let mapped = operation.op == Op::MapExec && operation.arg & abi::MAP_WRITE != 0;
    let unwritten = mapped.then_some(Operation {
        op: Op::MapExec,
        arg: operation.arg & !abi::MAP_WRITE,
    });
    from_exec
        .into_iter()
        .chain(unwritten)
        .chain(subsets.map(open))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn implied_text(text: &str) -> Vec<String> {
        let rule = Rule::parse(text).unwrap();
        rule.implied().map(|rule| rule.to_string()).collect()
    }

    #[test]
    fn canonical_text_round_trips() {
        for text in [
            "exec /usr/bin/gzip",
            "file.open rw /var/log/nginx/*.log",
            "file.open r /etc/nginx/**",
            "file.create suid,sgid /x",
            "file.create /var/lib/nginx/body/{n}",
            "file.create /a b",
            "file.chmod deleted:/x",
            "file.chmod foreign:/x",
            "file.rename from /a{b,c{d,e}}",
            "file.mknod fifo /run/x",
            "file.ioctl 0x5401 /dev/tty",
            "map.exec dirty /usr/lib/**/*.so*",
            "map.exec memfd:x\\x20",
            "map.anon",
            "net.socket inet stream tcp",
            "net.socket netlink raw route",
            "net.socket unix dgram 0",
            "net.bind tcp 0.0.0.0:80",
            "net.connect tcp 10.0.0.0/8:5432",
            "net.connect udp [2001:db8::/32]:8000-8999",
            "net.connect tcp [::/0]:*",
            "net.connect tcp 127.0.0.1:ephemeral",
            "net.connect icmp 10.0.0.1",
            "net.connect tcp unspec",
            "net.connect unix /run/*.sock",
            "net.connect unix @a\\x00b",
            "net.connect unix unnamed",
            "net.bind netlink kobject_uevent",
            "net.bind family 40",
            "task.signal child TERM",
            "task.signal self 0",
            "task.signal outside 34",
            "task.ptrace read domain",
            "task.setuid 33",
            "task.setgid 0:33:0",
            "cap.use net_bind_service",
            "cap.use cap63",
            "file.open r /proc/{self}/fd/{n}",
            "file.open r /srv/jail/proc/{self}/fd",
            "file.open rw /tmp/{tmpfile}",
            "file.open r /x/{hex}-{uuid}.{tmp}",
        ] {
            let rule = Rule::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(rule.to_string(), text);
            assert_eq!(Rule::parse(&rule.to_string()).unwrap(), rule);
        }
    }

    #[test]
    fn different_spellings_are_one_rule() {
        for (spelled, canonical) in [
            ("file.open  rw   /a", "file.open rw /a"),
            ("file.open rwa /a", "file.open rw /a"),
            ("exec /a/{c,b,c}", "exec /a/{b,c}"),
            ("exec /a/{b,b}", "exec /a/b"),
            ("exec /a/{*}**", "exec /a/**"),
            (
                "net.connect udp [2001:0db8::1]:053",
                "net.connect udp [2001:db8::1]:53",
            ),
            ("exec /\\x61", "exec /a"),
        ] {
            assert_eq!(Rule::parse(spelled).unwrap().to_string(), canonical);
        }
    }

    #[test]
    fn markers_are_exact_only_where_the_kernel_part_writes_them() {
        let exact = |text: &str| Rule::parse(text).unwrap().object().as_exact().is_some();
        assert!(exact("file.open r /proc/{self}/fd/{n}"));
        assert!(exact("file.open rw /dev/pts/{n}"));
        assert!(exact("file.open rw /tmp/{tmpfile}"));
        assert!(!exact("file.open r /proc/{n}/stat"));
        assert!(!exact("file.create /var/lib/nginx/body/{n}"));
        assert!(!exact("file.create /run/x-{pid}"));
        assert!(!exact("file.open r /srv/jail/proc/{self}/fd"));
    }

    #[test]
    fn an_open_mask_implies_its_subsets_and_writing_implies_appending() {
        assert_eq!(implied_text("file.open w /a"), ["file.open a /a"]);
        assert_eq!(
            implied_text("file.open rw /a"),
            [
                "file.open r /a",
                "file.open w /a",
                "file.open a /a",
                "file.open ra /a"
            ]
        );
        assert_eq!(implied_text("exec /a"), ["file.open x /a"]);
        assert_eq!(implied_text("file.open r /a"), [""; 0]);
    }

    #[test]
    fn code_that_may_be_written_may_be_executed() {
        assert_eq!(implied_text("map.exec write /a"), ["map.exec /a"]);
        assert_eq!(
            implied_text("map.exec dirty,write /a"),
            ["map.exec dirty /a"]
        );
        assert_eq!(implied_text("map.exec dirty /a"), [""; 0]);
    }

    #[test]
    fn errors_point_at_what_is_wrong() {
        for (text, span, help) in [
            ("file.opne r /a", 0..9, Some("did you mean `file.open`?")),
            (
                "exec.creds uid=0",
                0..10,
                Some("use the subject's key `creds`"),
            ),
            ("file.open q /a", 10..11, None),
            ("file.open r a", 12..13, None),
            ("file.open r /a/{b", 15..16, None),
            ("file.open r /a/{b,}", 17..19, None),
            ("file.open r /a}", 14..15, None),
            ("file.open r /{a,{b,{c,{d,{e,f}}}}}", 25..26, None),
            ("file.open r /{pdi}", 13..18, Some("did you mean `{pid}`?")),
            ("file.open r /a//b", 12..17, None),
            ("file.create siud /a", 12..16, None),
            ("net.connect tcp 10.0.0:1", 16..22, None),
            ("net.connect tcp 10.0.0.0/33:1", 25..27, None),
            (
                "net.connect tcp 10.0.0.1/8:1",
                25..26,
                Some("the network's address is 10.0.0.0"),
            ),
            ("net.connect tcp 10.0.0.1:9-8", 25..28, None),
            ("net.connect tcp 10.0.0.1", 24..24, None),
            (
                "net.connect tpc 10.0.0.1:1",
                12..15,
                Some("did you mean `tcp`?"),
            ),
            ("net.connect tcp [::ffff:1.2.3.4]:1", 17..31, None),
            (
                "task.signal child TREM",
                18..22,
                Some("did you mean `TERM`?"),
            ),
            ("task.signal kid TERM", 12..15, None),
            (
                "cap.use net_bind_servce",
                8..23,
                Some("did you mean `net_bind_service`?"),
            ),
            ("map.anon /x", 9..11, None),
        ] {
            let error = Rule::parse(text).map(|rule| rule.to_string()).unwrap_err();
            assert_eq!(error.span, span, "{text}: {error}");
            assert_eq!(error.help().as_deref(), help, "{text}");
        }
    }
}
