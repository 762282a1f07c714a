// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Finds the existing paths that proposals would newly allow. The search visits only directories that a pattern can
//! match in, follows no links, and stops after a maximum number of paths.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use ambit_event::{Object, escape};
use ambit_model::{ANY_HOST, Map, Matcher, Proposal};
use serde::Serialize;

use crate::style::shown;

/// Number of example paths for each proposal.
const SHOWN: usize = 3;
/// Number of paths between two reports of the progress.
const TICK: u64 = 2048;

/// Receives the number of paths examined so far and the directory that is searched, every some thousand paths.
type Progress<'p> = &'p mut dyn FnMut(u64, &[u8]);

/// The directory to search cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot search {}", shown(root))]
pub struct SearchError {
    root: PathBuf,
    source: io::Error,
}

/// The existing paths that proposals would newly allow.
#[derive(Debug, Serialize)]
pub struct Search {
    /// The directory that was searched.
    pub(crate) root: String,
    /// Number of paths that were examined.
    pub(crate) paths: u64,
    /// True if the search did not stop at the maximum.
    pub(crate) complete: bool,
    /// Number of directories that could not be read.
    pub(crate) unreadable: u64,
    /// Number of paths that at least one proposal would newly allow.
    pub(crate) newly_allowed: u64,
    /// One result for each proposal.
    #[serde(skip)]
    pub(crate) found: Vec<Found>,
}

/// The paths that a proposal would newly allow.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Found {
    pub(crate) paths: u64,
    pub(crate) first: Vec<String>,
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

/// What a search looks for, and where.
struct Plan<'p> {
    root: &'p Path,
    limit: u64,
    proposals: &'p [Proposal],
    reaches: Vec<Reach>,
    matcher: Matcher<'p>,
}

impl<'p> Plan<'p> {
    fn new(root: &'p Path, limit: u64, proposals: &'p [Proposal], map: &'p Map) -> Self {
        let of = |(proposal, one): (usize, &Proposal)| {
            let reach = move |(directory, depth)| Reach {
                proposal,
                directory,
                depth,
            };
            one.search_roots().into_iter().map(reach)
        };
        Self {
            root,
            limit,
            proposals,
            reaches: proposals.iter().enumerate().flat_map(of).collect(),
            matcher: Matcher::new(map, ANY_HOST),
        }
    }
}

impl Search {
    /// Searches the directory for paths that the proposals for the map would newly allow, and examines at most `limit` paths.
    ///
    /// # Errors
    ///
    /// If the directory itself cannot be read. Directories below it that cannot be read are counted.
    pub fn over(
        root: &Path,
        limit: u64,
        proposals: &[Proposal],
        map: &Map,
        progress: Progress<'_>,
    ) -> Result<Self, SearchError> {
        fs::read_dir(root).map_err(|source| SearchError {
            root: root.to_owned(),
            source,
        })?;
        let mut search = Self {
            root: escape::name(root.as_os_str().as_bytes()),
            paths: 0,
            complete: true,
            unreadable: 0,
            newly_allowed: 0,
            found: vec![Found::default(); proposals.len()],
        };
        let plan = Plan::new(root, limit, proposals, map);
        let mut open = starts(&plan.reaches);
        while let Some(directory) = open.pop() {
            if !search.directory(&plan, &directory, &mut open, progress) {
                search.complete = false;
                break;
            }
        }
        Ok(search)
    }

    /// Examines the entries of a directory; returns false if the maximum number of paths is reached.
    fn directory(
        &mut self,
        plan: &Plan<'_>,
        directory: &[u8],
        open: &mut Vec<Vec<u8>>,
        progress: Progress<'_>,
    ) -> bool {
        let here: BTreeSet<usize> = plan
            .reaches
            .iter()
            .filter(|reach| reach.is_at(directory))
            .map(|reach| reach.proposal)
            .collect();
        let mut entries = match entries(&within(plan.root, directory)) {
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
            if self.paths == plan.limit {
                return false;
            }
            self.paths += 1;
            if self.paths.is_multiple_of(TICK) {
                progress(self.paths, directory);
            }
            let mut path = directory.to_vec();
            path.push(b'/');
            path.extend_from_slice(name.as_bytes());
            self.look(plan, &path, &here);
            if is_directory && plan.reaches.iter().any(|reach| reach.is_at(&path)) {
                below.push(path);
            }
        }
        open.extend(below.into_iter().rev());
        true
    }

    fn look(&mut self, plan: &Plan<'_>, path: &[u8], here: &BTreeSet<usize>) {
        // No map can allow a path that is longer than the paths of a map.
        let Ok(object) = ambit_event::Path::new(path).map(Object::Path) else {
            return;
        };
        let mut any = false;
        for index in here {
            let (Some(proposal), Some(found)) =
                (plan.proposals.get(*index), self.found.get_mut(*index))
            else {
                continue;
            };
            if proposal.newly_allows(&object, &plan.matcher) {
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
