// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Texts of rules and maps that name symbolic links of this machine. Paths in canonical form have links followed, so such
//! a text never matches here.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use ambit_event::canonical::corrected;
use ambit_source::{Collector, End, FileErrors, Problem, Written};

use crate::shown::shown;

/// Limit of links that are followed for one text.
const LINKS_MAX: usize = 40;

/// A text that names a link.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("on this machine {} is a link to {}, and paths have links followed: this never matches", shown(.link), shown(.target))]
pub struct LinkWarning {
    /// The first link of the path.
    pub link: PathBuf,
    /// The place that it leads to.
    pub target: PathBuf,
    /// The text with all links followed, in canonical form.
    pub instead: PathBuf,
    /// True if the text is the beginning of a regular expression.
    pub in_expression: bool,
}

impl Problem for LinkWarning {
    fn help(&self) -> Option<String> {
        let instead = shown(&self.instead);
        Some(if self.in_expression {
            format!("write {}", escaped(&instead))
        } else {
            format!("write {instead}")
        })
    }

    fn label(&self) -> &'static str {
        "warning"
    }
}

/// Escapes the characters with a meaning in regular expressions.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        if r"\.+*?()|[]{}^$".contains(char) {
            out.push('\\');
        }
        out.push(char);
    }
    out
}

/// Returns a warning for each path of a file that names a link, in the order of their places. `text` is the text of the
/// file `name`. A path is left out if its owner also has the path that it leads to.
pub fn warnings(name: &str, text: &str, written: &[Written]) -> FileErrors<LinkWarning> {
    let known: HashSet<(usize, &[u8])> = written
        .iter()
        .map(|one| (one.owner, one.text.as_slice()))
        .collect();
    let mut found = Collector::new(text);
    for one in written {
        if let Some(warning) = followed(one)
            && !known.contains(&(one.owner, warning.instead.as_os_str().as_bytes()))
        {
            found.add(one.place, warning);
        }
    }
    found.finish(name)
}

/// Returns the path behind the links of a path; `None` if it names no link.
fn followed(one: &Written) -> Option<LinkWarning> {
    let (path, end) = (one.path.as_slice(), one.end);
    // The text behind the first variable part.
    let rest = one.text.get(path.len()..).unwrap_or_default();
    // Of an incomplete path, only the directories are known.
    let known = match end {
        End::Open => path.get(..=path.iter().rposition(|byte| *byte == b'/')?)?,
        _ => path,
    };
    let tail = path.get(known.len()..).unwrap_or_default();
    let keep_last = end == End::Itself;
    let (mut first, mut now) = (None, PathBuf::from(OsStr::from_bytes(known)));
    for _ in 0..LINKS_MAX {
        let Some((link, target, rest)) = first_link(&now, keep_last) else {
            break;
        };
        now = if rest.as_os_str().is_empty() {
            target.clone()
        } else {
            target.join(rest)
        };
        first.get_or_insert((link, target));
    }
    let (link, target) = first?;
    let mut instead = now.into_os_string().into_encoded_bytes();
    if known.ends_with(b"/") && !instead.ends_with(b"/") {
        instead.push(b'/');
    }
    instead.extend_from_slice(tail);
    instead.extend_from_slice(rest);
    // A link may lead into procfs, where paths have markers and further links.
    let instead = match String::from_utf8(instead) {
        Ok(text) => corrected(&text, end != End::Open || !rest.is_empty()).into_bytes(),
        Err(other) => other.into_bytes(),
    };
    Some(LinkWarning {
        link,
        target,
        instead: PathBuf::from(OsString::from_vec(instead)),
        in_expression: one.is_expression,
    })
}

/// Returns the first link of a path, the path that it leads to, and the rest behind it.
fn first_link(path: &Path, keep_last: bool) -> Option<(PathBuf, PathBuf, PathBuf)> {
    let mut at = PathBuf::from("/");
    let mut components = path.strip_prefix("/").ok()?.components().peekable();
    // The links of procfs depend on the process that looks.
    if components.peek() == Some(&Component::Normal(OsStr::new("proc"))) {
        return None;
    }
    while let Some(component) = components.next() {
        at.push(component);
        if keep_last && components.peek().is_none() {
            return None;
        }
        if fs::symlink_metadata(&at).ok()?.is_symlink() {
            let to = fs::read_link(&at).ok()?;
            let target = normal(&at.parent()?.join(to));
            let rest: PathBuf = components.collect();
            return Some((at, target, rest));
        }
    }
    None
}

/// Removes `.`, `..` and doubled slashes.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::from("/");
    for component in path.components() {
        match component {
            Component::ParentDir => {
                out.pop();
            }
            Component::Normal(name) => out.push(name),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use ambit_source::Place;

    use super::*;

    /// A folder with `usr/bin/grep`, the links `bin` and `lib` into `usr`, and `var/run` to `../run`.
    fn machine() -> (tempfile::TempDir, String) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for made in ["usr/bin", "usr/lib", "var", "run"] {
            fs::create_dir_all(root.join(made)).unwrap();
        }
        fs::write(root.join("usr/bin/grep"), "").unwrap();
        symlink("grep", root.join("usr/bin/egrep")).unwrap();
        symlink("usr/bin", root.join("bin")).unwrap();
        symlink("../run", root.join("var/run")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        let root = root.to_str().unwrap().to_owned();
        (dir, root)
    }

    /// A path, with its text up to the first marker.
    fn written(owner: usize, text: &str, end: End) -> Written {
        let path = text.split('{').next().unwrap();
        Written {
            place: Place::START,
            owner,
            path: path.into(),
            text: text.into(),
            is_expression: false,
            end,
        }
    }

    fn instead(root: &str, path: &str, end: End) -> Option<String> {
        let found = followed(&written(0, &format!("{root}{path}"), end))?;
        let path = found.instead.to_str().unwrap();
        Some(path.strip_prefix(root).unwrap_or(path).to_owned())
    }

    #[test]
    fn a_link_is_followed_to_the_path_behind_it() {
        let (_dir, root) = machine();
        for (path, end, expected) in [
            ("/bin/grep", End::Followed, Some("/usr/bin/grep")),
            ("/bin/egrep", End::Followed, Some("/usr/bin/grep")),
            ("/bin/egrep", End::Itself, Some("/usr/bin/egrep")),
            ("/usr/bin/egrep", End::Itself, None),
            ("/usr/bin/egrep", End::Followed, Some("/usr/bin/grep")),
            ("/bin/", End::Open, Some("/usr/bin/")),
            ("/bin", End::Open, None),
            ("/bin", End::Followed, Some("/usr/bin")),
            ("/var/run/x/y", End::Followed, Some("/run/x/y")),
            ("/var/run/x", End::Open, Some("/run/x")),
            ("/usr/bin/grep", End::Followed, None),
            ("/none/grep", End::Followed, None),
        ] {
            assert_eq!(
                instead(&root, path, end).as_deref(),
                expected,
                "{path} {end:?}"
            );
        }
        assert!(followed(&written(0, &format!("{root}/loop/x"), End::Followed)).is_some());
        assert!(followed(&written(0, "/proc/self/exe", End::Followed)).is_none());
    }

    /// The errors and warnings of a rule and a map with this text, for an operation that follows links.
    fn problems(text: &str) -> String {
        let rule = format!(
            "ambit-rules: 1\nrules:\n  - {{id: a, on: file.open, when: 'object.path == \"{text}\"', do: deny}}\n"
        );
        let map = format!(
            "ambit: 1\ndomain: a\nstart: []\nsubjects:\n  - id: a\n    exe: /a\n    allow:\n      - file.open r {text}\n"
        );
        let rules = ambit_policy::file::read("a.yaml", rule.as_bytes()).err();
        let rules = rules.map_or_else(String::new, |errors| errors.to_string());
        rules + &ambit_model::never(&map, "a.map").to_string()
    }

    #[test]
    fn the_text_to_write_for_a_link_into_procfs_is_possible() {
        let (_dir, root) = machine();
        assert_ne!(problems("/proc/mounts"), "");
        for (link, target, text, end, expected) in [
            (
                "mtab",
                "/proc/mounts",
                "/mtab",
                End::Followed,
                "/proc/{self}/mounts",
            ),
            (
                "mtab2",
                "/proc/self/mounts",
                "/mtab2",
                End::Followed,
                "/proc/{self}/mounts",
            ),
            (
                "stdin",
                "/proc/self/fd/0",
                "/stdin",
                End::Followed,
                "/proc/{self}/fd/{n}",
            ),
            ("fd", "/proc/self/fd", "/fd/", End::Open, "/proc/{self}/fd/"),
            (
                "fd2",
                "/proc/self/fd",
                "/fd2/{n}",
                End::Open,
                "/proc/{self}/fd/{n}",
            ),
            ("tty", "/dev/pts/3", "/tty", End::Followed, "/dev/pts/{n}"),
        ] {
            symlink(target, format!("{root}/{link}")).unwrap();
            assert_eq!(instead(&root, text, end).as_deref(), Some(expected));
            let possible = expected.trim_end_matches('/');
            assert_eq!(problems(possible), "", "{expected}");
        }
        let both = [
            written(0, &format!("{root}/mtab"), End::Followed),
            written(0, "/proc/{self}/mounts", End::Followed),
        ];
        assert!(warnings("x.yaml", "text\n", &both).is_empty());
        let mut one = written(0, &format!("{root}/fd/"), End::Open);
        one.is_expression = true;
        let help = followed(&one).unwrap().help().unwrap();
        assert_eq!(help, r"write /proc/\{self\}/fd/");
    }

    #[test]
    fn a_path_whose_owner_has_both_is_not_reported() {
        let (_dir, root) = machine();
        let one = |owner, path: &str| written(owner, &format!("{root}{path}"), End::Followed);
        let written = [
            one(0, "/bin/grep"),
            one(0, "/usr/bin/grep"),
            one(1, "/bin/grep"),
        ];
        let found = warnings("x.map", "text\n", &written);
        assert_eq!(found.errors().len(), 1);
        let text = found.to_string();
        assert!(text.starts_with("warning: on this machine "), "{text}");
        assert!(text.contains("is a link to"), "{text}");
        assert!(text.contains("help: write "), "{text}");
    }
}
