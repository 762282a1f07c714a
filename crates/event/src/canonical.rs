// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Texts that no path in canonical form has: one table for the checks of rules and of maps.
//!
//! The kernel part builds paths from names of directory entries ([`crate::Path`]) and replaces numbers in procfs and
//! devpts by markers. So some texts never occur. Each kind of such texts is a [`Fault`] with an expression that matches
//! exactly those texts. A condition or a pattern that only matches such texts never matches anything.

/// A reason why a text is not a path in canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Two slashes in a row, or one at the end.
    #[error("a path has no empty component and no `/` at its end")]
    Empty,
    /// A component `.` or `..`.
    #[error("a path has no component `.` or `..`")]
    Dot,
    /// A number, or its class `{n}`, as a process in procfs.
    #[error("paths in /proc have `{{self}}` and `{{pid}}` in place of process numbers")]
    Process,
    /// A link in the root of procfs.
    #[error(
        "/proc/self, /proc/thread-self, /proc/net and /proc/mounts are links, and paths have links followed"
    )]
    Link,
    /// A number as a thread in procfs.
    #[error("paths in /proc have `{{self}}` and `{{pid}}` in place of thread numbers")]
    Thread,
    /// Any other number in procfs, or a marker of a process in its place.
    #[error("paths in /proc have `{{n}}` in place of numbers that are not processes or threads")]
    Number,
    /// A number as a terminal in devpts.
    #[error("paths in /dev/pts have `{{n}}` in place of numbers")]
    Terminal,
}

/// How an expression spells markers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// As in the texts of rules and maps: `{self}`.
    Braces,
    /// As in the bytes of an object: a NUL and a letter.
    Bytes,
}

/// A component of four bytes that is not `task`, or of another length.
const NOT_TASK: &str = "(?:[^/]{1,3}|[^/]{5,}|[^t/][^/]{3}|t[^a/][^/]{2}|ta[^s/][^/]|tas[^k/])";
/// A first component in procfs below which only procfs is mounted: not `fs` and not `sys`, where other file systems
/// have names that users choose.
const ONLY_PROCFS: &str = "(?:[^/]|[^/]{4,}|[^f/][^/]|f[^s/]|[^s/][^/]{2}|s[^y/][^/]|sy[^s/])";

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 7] = [
        Self::Empty,
        Self::Dot,
        Self::Process,
        Self::Link,
        Self::Thread,
        Self::Number,
        Self::Terminal,
    ];

    /// True if the kernel part writes a marker, or follows a link, where the text has something else.
    pub const fn is_of_markers(self) -> bool {
        !matches!(self, Self::Empty | Self::Dot)
    }

    /// Returns an expression (bytes, ASCII classes) that matches a text with this fault. It is anchored at the text's
    /// start and only matches texts that begin with a slash.
    pub fn expression(self, spelling: Spelling) -> String {
        let [own, pid, num] = match spelling {
            Spelling::Braces => [r"\{self\}", r"\{pid\}", r"\{n\}"],
            Spelling::Bytes => [r"\x00s", r"\x00p", r"\x00n"],
        };
        match self {
            Self::Empty => "^/(?:(?s:.)*/)?/|^/(?s:.)+/$".to_owned(),
            Self::Dot => r"^/(?:(?s:.)*/)?\.\.?(?:/|$)".to_owned(),
            // Names in the root of procfs do not begin with a digit.
            Self::Process => format!("^/proc/(?:[0-9]|{num})"),
            Self::Link => "^/proc/(?:self|thread-self|(?:net|mounts)(?:/|$))".to_owned(),
            Self::Thread => format!("^/proc/[^/]+/task/(?:[0-9]|{num})"),
            Self::Number => format!(
                "^/proc/{ONLY_PROCFS}/(?:(?:[^/]+/)*[0-9]+|(?:(?:[^/]+/)*{NOT_TASK}/)?(?:{own}|{pid}))(?:/|$)"
            ),
            Self::Terminal => format!("^/dev/pts/(?:[0-9]|{own}|{pid})"),
        }
    }
}

/// Directories whose entries have markers.
pub const MARKED: [&str; 2] = ["/proc/", "/dev/pts/"];

/// Returns the canonical form of a path, or of a part of one: with markers for numbers, without empty components, `.` and
/// `..`. A slash at the end is kept unless the text is `whole`.
pub fn corrected(text: &str, whole: bool) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let all: Vec<&str> = text.split('/').collect();
    let absolute = text.starts_with('/');
    for (index, part) in all.iter().enumerate() {
        let is_end = index + 1 == all.len();
        match *part {
            "" if index == 0 || (is_end && !whole) => parts.push(part),
            "" => {}
            "." if absolute => {}
            ".." if absolute => {
                if parts.len() > 1 {
                    parts.pop();
                }
            }
            part => parts.push(part),
        }
    }
    if absolute && parts.len() == 1 {
        return "/".to_owned();
    }
    let marked = marked(&parts);
    marked.join("/")
}

/// Replaces numbers by markers below the first `/proc` or `/dev/pts`.
fn marked(parts: &[&str]) -> Vec<String> {
    let proc = parts.iter().skip(1).position(|part| *part == "proc");
    let pts = parts.windows(2).position(|pair| pair == ["dev", "pts"]);
    let plain =
        |parts: &[&str]| -> Vec<String> { parts.iter().map(|part| (*part).to_owned()).collect() };
    let (head, rest) = match (proc, pts) {
        (Some(at), _) => parts.split_at(at + 2),
        (None, Some(at)) => {
            let (head, rest) = parts.split_at(at + 2);
            let rest = rest
                .iter()
                .map(|part| if is_variable(part) { "{n}" } else { part });
            return [plain(head), rest.map(str::to_owned).collect()].concat();
        }
        (None, None) => return plain(parts),
    };
    let mut out = plain(head);
    let mut last = "";
    for (index, part) in rest.iter().enumerate() {
        let new: &[&str] = match (index, *part) {
            (0, "self") => &["{self}"],
            (0, "thread-self") => &["{self}", "task", "{self}"],
            (0, "net" | "mounts") => &["{self}", part],
            (0, part) if is_variable(part) && !is_process(part) => &["{pid}"],
            (2, part) if last == "task" && is_variable(part) && !is_process(part) => &["{pid}"],
            (2, part) if last == "task" && is_process(part) => &[part],
            (1.., part) if is_variable(part) && !matches!(rest.first(), Some(&("fs" | "sys"))) => {
                &["{n}"]
            }
            (_, part) => &[part],
        };
        out.extend(new.iter().map(|part| (*part).to_owned()));
        last = part;
    }
    out
}

fn is_process(part: &str) -> bool {
    matches!(part, "{self}" | "{pid}")
}

/// True for a number and for each class of numbers.
fn is_variable(part: &str) -> bool {
    let digits = (1..=10).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    digits || is_process(part) || part == "{n}"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_corrected_as_the_kernel_part_writes_it() {
        for (text, expected) in [
            ("/proc/1234/environ", "/proc/{pid}/environ"),
            ("/proc/self/fd/3", "/proc/{self}/fd/{n}"),
            ("/proc/thread-self/mem", "/proc/{self}/task/{self}/mem"),
            ("/proc/12/task/13/mem", "/proc/{pid}/task/{pid}/mem"),
            ("/proc/{pid}/task/{self}/mem", "/proc/{pid}/task/{self}/mem"),
            ("/proc/{n}/stat", "/proc/{pid}/stat"),
            ("/proc/{self}/fd/{pid}", "/proc/{self}/fd/{n}"),
            ("/proc/net/tcp", "/proc/{self}/net/tcp"),
            ("/proc/mounts", "/proc/{self}/mounts"),
            ("/proc/irq/24/affinity", "/proc/irq/{n}/affinity"),
            ("/proc/sys/fs/binfmt_misc/12", "/proc/sys/fs/binfmt_misc/12"),
            ("/dev/pts/3", "/dev/pts/{n}"),
            ("/srv//x/./y/", "/srv/x/y"),
            ("/srv/a/../b", "/srv/b"),
            ("/../..", "/"),
            ("//", "/"),
            ("/srv/proc2/12", "/srv/proc2/12"),
        ] {
            assert_eq!(corrected(text, true), expected, "{text}");
            assert_eq!(corrected(expected, true), expected);
        }
        assert_eq!(corrected("/proc/self/", false), "/proc/{self}/");
        assert_eq!(corrected("/srv/x/", false), "/srv/x/");
        assert_eq!(corrected("x/proc/7/", false), "x/proc/{pid}/");
    }
}
