// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A recording after it was read: its size, how it ends, and its flaws.

use std::fmt;
use std::io::Read;
use std::path::Path;

use ambit_abi::{Coverage, Hook, SkipReason};
use ambit_event::escape;
use ambit_recording::{Header, HookCounts, Loss, Reader, Stop};

/// A recording that was replayed.
#[derive(Debug)]
pub struct Recording {
    /// Its file, escaped.
    pub name: String,
    /// Its header.
    pub header: Header,
    /// Number of operations.
    pub events: u64,
    /// How it ends.
    pub stop: Stop,
    /// Records that are missing because the ring had no room, by hook.
    pub losses: Vec<Loss>,
    /// True if it was made with a smaller coverage than the map's.
    narrower: bool,
}

/// A reason why a recording does not have all that its run did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The recording's file, escaped.
    pub recording: String,
    /// What is wrong.
    pub kind: FlawKind,
}

/// What is wrong with a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlawKind {
    /// So many records of the ring were malformed.
    Unreadable(u64),
    /// So many operations were allowed by rules and therefore not recorded.
    AllowedByRules(u64),
    /// So many tasks were still running when the recording ended.
    Stragglers(u64),
    /// The file ends early.
    Cut {
        /// Bytes that could be read.
        whole: u64,
        /// Bytes after them that belong to an incomplete frame.
        rest: u64,
    },
    /// The file is damaged after so many bytes.
    Damaged(u64),
    /// It was made with `coverage: core`, and the map has `coverage: full`.
    NarrowerCoverage,
    /// Records of a hook were lost.
    Lost(Loss),
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.recording;
        match &self.kind {
            FlawKind::Unreadable(number) => {
                write!(
                    f,
                    "{name}: {number} malformed records were left out when it was written"
                )
            }
            FlawKind::AllowedByRules(number) => {
                write!(
                    f,
                    "{name}: {number} operations are missing because rules allowed them"
                )
            }
            FlawKind::Stragglers(number) => {
                write!(
                    f,
                    "{name}: {number} tasks were still running when the recording ended"
                )
            }
            FlawKind::Cut { whole, rest } => {
                write!(f, "{name}: ends early, after {whole} complete bytes")?;
                if *rest > 0 {
                    write!(f, " and {rest} bytes of an incomplete frame")?;
                }
                f.write_str(": the recorder was killed, or is still writing")
            }
            FlawKind::Damaged(whole) => {
                write!(
                    f,
                    "{name}: damaged: the part after byte {whole} cannot be read"
                )
            }
            FlawKind::NarrowerCoverage => write!(
                f,
                "{name}: recorded with `coverage: core`: it lacks the operations that the map's `coverage: full` adds"
            ),
            FlawKind::Lost(loss) => {
                let what = if loss.hook == Hook::TaskAlloc.name() {
                    "forks"
                } else {
                    "operations"
                };
                let (number, hook) = (loss.lost, escape::line(&loss.hook));
                write!(
                    f,
                    "{name}: {number} {what} lost at {hook}: the ring buffer was full"
                )
            }
        }
    }
}

impl Recording {
    /// Describes a recording whose end was reached, from the losses that it listed last and the map's coverage.
    pub(crate) fn new<R: Read>(
        name: String,
        reader: &Reader<R>,
        mut losses: Vec<Loss>,
        map: Option<Coverage>,
    ) -> Self {
        let stop = reader.stop().cloned();
        if let Some(Stop::End(summary)) = &stop {
            let loss = |counts: &HookCounts| Loss {
                hook: counts.hook.clone(),
                lost: counts.lost,
            };
            losses = summary.hooks.iter().map(loss).collect();
        }
        losses.retain(|loss| loss.lost > 0);
        let header = reader.header().clone();
        Self {
            name,
            narrower: map.is_some_and(|map| coverage(&header) < map),
            header,
            events: reader.events(),
            stop: stop.unwrap_or(Stop::Damaged { whole: 0 }),
            losses,
        }
    }

    /// Returns the reasons why the recording is incomplete; none for a complete one.
    pub fn flaws(&self) -> Vec<Flaw> {
        let mut kinds = Vec::new();
        match &self.stop {
            Stop::End(summary) => {
                let reason = SkipReason::Allowed.name();
                let skipped = summary
                    .hooks
                    .iter()
                    .filter_map(|hook| hook.skipped.get(reason));
                let counts = [
                    (
                        FlawKind::Unreadable as fn(u64) -> FlawKind,
                        summary.unreadable,
                    ),
                    (FlawKind::AllowedByRules, skipped.sum()),
                    (FlawKind::Stragglers, summary.stragglers),
                ];
                let found = counts.into_iter().filter(|(_, number)| *number > 0);
                kinds.extend(found.map(|(kind, number)| kind(number)));
            }
            Stop::Cut { whole, rest } => kinds.push(FlawKind::Cut {
                whole: *whole,
                rest: *rest,
            }),
            Stop::Damaged { whole } => kinds.push(FlawKind::Damaged(*whole)),
        }
        if self.narrower {
            kinds.push(FlawKind::NarrowerCoverage);
        }
        kinds.extend(self.losses.iter().cloned().map(FlawKind::Lost));
        let flaw = |kind| Flaw {
            recording: self.name.clone(),
            kind,
        };
        kinds.into_iter().map(flaw).collect()
    }
}

/// The coverage of a recording. Versions before `coverage` existed wrote none; they recorded `core`.
pub(crate) fn coverage(header: &Header) -> Coverage {
    Coverage::from_name(&header.coverage).unwrap_or_default()
}

/// A file's name for messages.
pub(crate) fn shown(path: &Path) -> String {
    escape::name(path.as_os_str().as_encoded_bytes())
}
