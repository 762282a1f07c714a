// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Texts of rules and maps that name symbolic links of this machine. Paths in canonical form have links followed, so such
//! a text never matches here.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

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
    /// The text with all links followed.
    pub instead: PathBuf,
}

impl Problem for LinkWarning {
    fn help(&self) -> Option<String> {
        Some(format!("write {}", shown(&self.instead)))
    }

    fn label(&self) -> &'static str {
        "warning"
    }
}

/// Returns a warning for each path of a file that names a link, in the order of their places. `text` is the text of the
/// file `name`. A path is left out if its owner also has the path that it leads to.
pub fn warnings(name: &str, text: &str, written: &[Written]) -> FileErrors<LinkWarning> {
    let known: HashSet<(usize, &[u8])> = written
        .iter()
        .map(|one| (one.owner, one.path.as_slice()))
        .collect();
    let mut found = Collector::new(text);
    for one in written {
        if let Some(warning) = followed(&one.path, one.end)
            && !known.contains(&(one.owner, warning.instead.as_os_str().as_bytes()))
        {
            found.add(one.place, warning);
        }
    }
    found.finish(name)
}

/// Returns the path behind the links of a path; `None` if it names no link.
fn followed(path: &[u8], end: End) -> Option<LinkWarning> {
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
    Some(LinkWarning {
        link,
        target,
        instead: PathBuf::from(OsStr::from_bytes(&instead)),
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

    fn instead(root: &str, path: &str, end: End) -> Option<String> {
        let found = followed(format!("{root}{path}").as_bytes(), end)?;
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
        assert!(followed(format!("{root}/loop/x").as_bytes(), End::Followed).is_some());
        assert!(followed(b"/proc/self/exe", End::Followed).is_none());
    }

    #[test]
    fn a_path_whose_owner_has_both_is_not_reported() {
        let (_dir, root) = machine();
        let one = |owner, path: &str| Written {
            place: Place::START,
            owner,
            path: format!("{root}{path}").into_bytes(),
            end: End::Followed,
        };
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
