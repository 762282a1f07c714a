// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Texts that no path in canonical form has: one table for the checks of rules and of maps.
//!
//! The kernel part builds paths from names of directory entries ([`crate::Path`]) and replaces numbers in procfs and
//! devpts by markers. So some texts never occur. Each kind of such texts is a [`Fault`] with an expression that matches
//! exactly those texts. A condition or a pattern that only matches such texts never matches anything.

use std::collections::BTreeSet;

use ambit_abi::Op;

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
    /// Something behind a link in the root of procfs.
    #[error("{FOLLOWED}")]
    Link,
    /// A link in the root of procfs itself. Operations that act on links have such paths: see [`acts_on_links`].
    #[error("{FOLLOWED}")]
    LinkItself,
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

const FOLLOWED: &str = "/proc/self, /proc/thread-self, /proc/net and /proc/mounts are links, and paths have links followed";
/// The links in the root of procfs.
const LINKS: &str = "(?:self|thread-self|net|mounts)";
/// Directories of procfs on which the kernel mounts other file systems (`proc_create_mount_point` and
/// `register_sysctl_mount_point`). The kernel part does not replace numbers there.
const OTHER_FILE_SYSTEMS: [&[&str]; 2] = [&["fs", "nfsd"], &["sys", "fs", "binfmt_misc"]];
/// Longest number that the kernel part replaces (`all_digits` in `bpf/include/path.bpf.h`).
const DIGITS_MAX: usize = 10;

/// Returns an expression for a component that differs from each of these words.
fn none_of(words: &[&str]) -> String {
    let heads = words
        .iter()
        .flat_map(|word| (0..=word.len()).filter_map(|end| word.get(..end)));
    let heads: BTreeSet<&str> = heads.chain([""]).collect();
    let mut all = Vec::new();
    for head in &heads {
        let next = heads
            .iter()
            .filter(|longer| longer.len() == head.len() + 1)
            .filter_map(|longer| longer.strip_prefix(*head));
        all.push(format!("{head}[^{}/][^/]*", next.collect::<String>()));
        if !head.is_empty() && !words.contains(head) {
            all.push((*head).to_owned());
        }
    }
    format!("(?:{})", all.join("|"))
}

/// Returns an expression for one or more components, each with its slash, that lead from the root of procfs to a directory
/// in procfs: not into a file system that the kernel mounts there ([`OTHER_FILE_SYSTEMS`]). The last component
/// differs from each word of `last`.
fn in_procfs(last: &[&str]) -> String {
    let after = |first: &[&str]| {
        let one = none_of(&[first, last].concat());
        let (first, last) = (none_of(first), none_of(last));
        format!("(?:{one}/|{first}/(?:[^/]+/)*{last}/)")
    };
    format!(
        "(?:{}|fs/{}?|sys/(?:{}|fs/{}?)?)",
        after(&["fs", "sys"]),
        after(&["nfsd"]),
        after(&["fs"]),
        after(&["binfmt_misc"]),
    )
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 8] = [
        Self::Empty,
        Self::Dot,
        Self::Process,
        Self::Link,
        Self::LinkItself,
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
            // All numbers there are processes, and have fewer digits than DIGITS_MAX.
            Self::Process => format!("^/proc/(?:[0-9]+|{num})(?:/|$)"),
            Self::Link => format!("^/proc/{LINKS}/"),
            Self::LinkItself => format!("^/proc/{LINKS}$"),
            Self::Thread => format!("^/proc/{}task/(?:[0-9]+|{num})(?:/|$)", in_procfs(&[])),
            Self::Number => {
                let (any, other) = (in_procfs(&[]), in_procfs(&["task"]));
                // Below `net` and `sys`, users choose names, such as names of network interfaces. The kernel chooses all
                // other names and the names of descriptors, with DIGITS_MAX digits at most.
                let kernels = none_of(&["fs", "net", "sys"]);
                format!(
                    "^/proc/(?:{any}[0-9]{{1,{DIGITS_MAX}}}|(?:{kernels}/)+[0-9]+|{any}(?:fd|fdinfo)/[0-9]+\
                     |{other}(?:{own}|{pid}))(?:/|$)"
                )
            }
            Self::Terminal => format!("^/dev/pts/(?:[0-9]+|{own}|{pid})(?:/|$)"),
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

/// Replaces numbers by markers in `/proc` and `/dev/pts`.
fn marked(parts: &[&str]) -> Vec<String> {
    let plain =
        |parts: &[&str]| -> Vec<String> { parts.iter().map(|part| (*part).to_owned()).collect() };
    if let ["", "dev", "pts", rest @ ..] = parts {
        let rest = rest
            .iter()
            .map(|part| if is_variable(part) { "{n}" } else { part });
        return ["", "dev", "pts"]
            .into_iter()
            .chain(rest)
            .map(str::to_owned)
            .collect();
    }
    let ["", "proc", rest @ ..] = parts else {
        return plain(parts);
    };
    let mut out = plain(&["", "proc"]);
    let mut last = "";
    for (index, part) in rest.iter().enumerate() {
        let before = rest.get(..index).unwrap_or_default();
        let new: &[&str] = match (index, *part) {
            (0, "self") => &["{self}"],
            (0, "thread-self") => &["{self}", "task", "{self}"],
            (0, "net" | "mounts") => &["{self}", part],
            (_, part) if !is_variable(part) || is_elsewhere(before) => &[part],
            (0, _) if !is_process(part) => &["{pid}"],
            (1.., _) if last == "task" && !is_process(part) => &["{pid}"],
            (1.., _) if last != "task" => &["{n}"],
            (_, part) => &[part],
        };
        out.extend(new.iter().map(|part| (*part).to_owned()));
        last = part;
    }
    out
}

/// True if the kernel part replaces numbers at the end of this path.
pub fn is_marked(path: &[u8]) -> bool {
    let is_below = |other: &&[&str]| {
        let directory = format!("/proc/{}/", other.join("/"));
        path.starts_with(directory.as_bytes())
    };
    MARKED
        .iter()
        .any(|directory| path.starts_with(directory.as_bytes()))
        && !OTHER_FILE_SYSTEMS.iter().any(is_below)
}

/// True if these components lead from the root of procfs into another file system.
fn is_elsewhere(components: &[&str]) -> bool {
    OTHER_FILE_SYSTEMS
        .iter()
        .any(|other| components.starts_with(other))
}

/// True if the operation's object is a name in a directory, which it creates, removes or changes.
pub const fn is_entry(op: Op) -> bool {
    matches!(
        op,
        Op::FileCreate
            | Op::FileUnlink
            | Op::FileRename
            | Op::FileLink
            | Op::FileSymlink
            | Op::FileMkdir
            | Op::FileRmdir
            | Op::FileMknod
    )
}

/// True if the last component of the operation's path may be a link: it is not followed. chmod does so from 6.6 on, commit
/// 09da082b07bb (`fs: Add fchmodat2()`). A descriptor of `O_PATH` may be one of a link. `move_mount` and `umount2` have
/// flags for this.
pub const fn acts_on_links(op: Op) -> bool {
    is_entry(op)
        || matches!(
            op,
            Op::FileChmod
                | Op::FileChown
                | Op::FileReceive
                | Op::FileInherit
                | Op::MountMount
                | Op::MountUmount
        )
}

fn is_process(part: &str) -> bool {
    matches!(part, "{self}" | "{pid}")
}

/// True for a number and for each class of numbers.
fn is_variable(part: &str) -> bool {
    let digits =
        (1..=DIGITS_MAX).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
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
            (
                "/proc/fs/nfsd/clients/3/info",
                "/proc/fs/nfsd/clients/3/info",
            ),
            ("/proc/sys/net/ipv4/conf/12", "/proc/sys/net/ipv4/conf/{n}"),
            ("/proc/sys/fs/7", "/proc/sys/fs/{n}"),
            ("/proc/fs/ext4/7/options", "/proc/fs/ext4/{n}/options"),
            ("/opt/proc/12/x", "/opt/proc/12/x"),
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
        assert_eq!(corrected("x/proc/7/", false), "x/proc/7/");
    }
}
