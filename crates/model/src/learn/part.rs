// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Parts of a name, and facts about its file.

use std::ops::Range;

use ambit_event::lex::Class;

/// File modes used by `mkstemp` and `mkdtemp`.
pub(super) const PRIVATE_MODES: [u32; 2] = [0o600, 0o700];

/// Facts about the file that a name belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    /// The file is temporary: it was removed, renamed away, or is in a directory for temporary files.
    pub(super) temporary: bool,
    /// The file was removed or renamed away.
    pub(super) removed: bool,
    /// Mode bits of the created file or directory; 0 if they are not known.
    pub(super) mode: u32,
    /// The process that created the file, by its number in its own PID namespace.
    pub(super) pid: u32,
}

/// A part that becomes a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) range: Range<usize>,
    pub(super) class: Option<Class>,
}

/// Returns the ranges of the runs of bytes that agree in a property.
pub(super) fn runs(name: &[u8], is: impl Fn(&u8) -> bool) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    name.chunk_by(move |a, b| is(a) == is(b)).map(move |run| {
        let start = at;
        at += run.len();
        start..at
    })
}

/// True if a part shares bytes with the range.
pub(super) fn overlaps(parts: &[Part], range: &Range<usize>) -> bool {
    parts
        .iter()
        .any(|part| part.range.start < range.end && range.start < part.range.end)
}
