// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Finds the existing paths that proposals would newly allow. The search visits only directories that a pattern can
//! match in, follows no links, and stops after a maximum number of paths.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use ambit_event::{Object, escape};
use ambit_model::{ANY_HOST, Map, Matcher, Proposal};
use anyhow::Context;
use serde::Serialize;

use crate::exit::{Exit, Failure, OrExit};

/// Number of example paths for each proposal.
const SHOWN: usize = 3;
/// Number of paths between two updates of the progress line.
const TICK: u64 = 2048;

/// The result of the search.
#[derive(Debug, Serialize)]
pub(super) struct Walk {
    /// The directory that was searched.
    pub(super) root: String,
    /// Number of paths that were examined.
    pub(super) paths: u64,
    /// True if the search did not stop at the maximum.
    pub(super) complete: bool,
    /// Number of directories that could not be read.
    pub(super) unreadable: u64,
    /// Number of paths that at least one proposal would newly allow.
    pub(super) newly_allowed: u64,
    /// One result for each proposal.
    #[serde(skip)]
    pub(super) found: Vec<Found>,
}

/// The paths that a proposal would newly allow.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Found {
    pub(super) paths: u64,
    pub(super) first: Vec<String>,
}

/// A directory below which a proposal can match, down to a depth.
struct Reach {
    proposal: usize,
    directory: Vec<u8>,
    depth: Option<usize>,
}

impl Reach {
    /// True if a path that the proposal covers can be in this directory or below it.
    fn is_at(&self, directory: &[u8]) -> bool {
        let below = directory
            .strip_prefix(&*self.directory)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"));
        let depth = directory.split(|byte| *byte == b'/').count() - 1;
        below && self.depth.is_none_or(|most| depth < most)
    }
}

impl Walk {
    pub(super) fn over(
        root: &Path,
        limit: u64,
        proposals: &[Proposal],
        map: &Map,
    ) -> Result<Self, Failure> {
        fs::read_dir(root)
            .with_context(|| format!("cannot search {}", crate::out::shown(root)))
            .or_exit(Exit::Usage)?;
        let mut walk = Self {
            root: escape::name(root.as_os_str().as_bytes()),
            paths: 0,
            complete: true,
            unreadable: 0,
            newly_allowed: 0,
            found: vec![Found::default(); proposals.len()],
        };
        let reaches: Vec<Reach> = proposals
            .iter()
            .enumerate()
            .flat_map(|(proposal, one)| {
                one.search_roots()
                    .into_iter()
                    .map(move |(directory, depth)| Reach {
                        proposal,
                        directory,
                        depth,
                    })
            })
            .collect();
        let matcher = Matcher::new(map, ANY_HOST);
        let mut open = starts(&reaches);
        while let Some(directory) = open.pop() {
            if !walk.directory(
                root, &directory, limit, &reaches, proposals, &matcher, &mut open,
            ) {
                walk.complete = false;
                break;
            }
        }
        clear();
        Ok(walk)
    }

    /// Examines the entries of a directory; returns false if the maximum number of paths is reached.
    #[allow(clippy::too_many_arguments, reason = "one step of a loop")]
    fn directory(
        &mut self,
        root: &Path,
        directory: &[u8],
        limit: u64,
        reaches: &[Reach],
        proposals: &[Proposal],
        matcher: &Matcher<'_>,
        open: &mut Vec<Vec<u8>>,
    ) -> bool {
        let here: BTreeSet<usize> = reaches
            .iter()
            .filter(|reach| reach.is_at(directory))
            .map(|reach| reach.proposal)
            .collect();
        let mut entries = match entries(&within(root, directory)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return true,
            Err(_) => {
                self.unreadable += 1;
                return true;
            }
        };
        // In reverse, since the last directory of the list is visited next.
        entries.sort();
        let mut below = Vec::new();
        for (name, is_directory) in entries {
            if self.paths == limit {
                return false;
            }
            self.paths += 1;
            if self.paths.is_multiple_of(TICK) {
                progress(self.paths, directory);
            }
            let mut path = directory.to_vec();
            path.push(b'/');
            path.extend_from_slice(name.as_bytes());
            self.look(&path, &here, proposals, matcher);
            if is_directory && reaches.iter().any(|reach| reach.is_at(&path)) {
                below.push(path);
            }
        }
        open.extend(below.into_iter().rev());
        true
    }

    fn look(
        &mut self,
        path: &[u8],
        here: &BTreeSet<usize>,
        proposals: &[Proposal],
        matcher: &Matcher<'_>,
    ) {
        // No map can allow a path that is longer than the paths of a map.
        let Ok(object) = ambit_event::Path::new(path).map(Object::Path) else {
            return;
        };
        let mut any = false;
        for index in here {
            let (Some(proposal), Some(found)) = (proposals.get(*index), self.found.get_mut(*index))
            else {
                continue;
            };
            if proposal.newly_allows(&object, matcher) {
                any = true;
                found.paths += 1;
                if found.first.len() < SHOWN {
                    found.first.push(escape::name(path));
                }
            }
        }
        self.newly_allowed += u64::from(any);
    }
}

/// Returns the directories to start from; none of them is below another.
fn starts(reaches: &[Reach]) -> Vec<Vec<u8>> {
    let all: BTreeSet<&Vec<u8>> = reaches.iter().map(|reach| &reach.directory).collect();
    let mut out: Vec<Vec<u8>> = Vec::new();
    for directory in all {
        let below = |other: &Vec<u8>| {
            directory
                .strip_prefix(&**other)
                .is_some_and(|rest| rest.starts_with(b"/"))
        };
        if !out.iter().any(below) {
            out.push(directory.clone());
        }
    }
    out.reverse();
    out
}

/// Returns a workload's path below the root that is searched.
fn within(root: &Path, path: &[u8]) -> PathBuf {
    let relative = path.strip_prefix(b"/").unwrap_or(path);
    root.join(OsString::from_vec(relative.to_vec()))
}

fn entries(directory: &Path) -> io::Result<Vec<(OsString, bool)>> {
    fs::read_dir(directory)?
        .map(|entry| {
            let entry = entry?;
            let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
            Ok((entry.file_name(), is_directory))
        })
        .collect()
}

fn progress(paths: u64, directory: &[u8]) {
    let mut stderr = io::stderr().lock();
    if stderr.is_terminal() {
        let shown: String = escape::name(directory).chars().take(50).collect();
        // A failure loses only the progress line.
        let _ = write!(stderr, "\r\x1b[K{paths} paths searched: {shown}");
        let _ = stderr.flush();
    }
}

fn clear() {
    let mut stderr = io::stderr().lock();
    if stderr.is_terminal() {
        let _ = write!(stderr, "\r\x1b[K");
        let _ = stderr.flush();
    }
}
