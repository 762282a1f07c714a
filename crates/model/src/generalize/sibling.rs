// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A name beside others in a directory.

/// A name in a directory, with facts about it and about the files below it.
// The facts do not exclude each other.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Debug)]
pub(super) struct Sibling<'a> {
    pub(super) name: &'a [u8],
    /// True if the workload created or removed it.
    pub(super) created: bool,
    /// True if the workload wrote to it.
    pub(super) written: bool,
    /// True if it is missing in some of the compared maps or runs.
    pub(super) differs: bool,
    /// The runs that made it, or else those that used it, one bit each; 0 if unknown.
    pub(super) runs: u128,
    /// True for a directory over which hashes are distributed.
    pub(super) fanout: bool,
    /// True for a part of a date that spans several directories: `2026/11/24`.
    pub(super) date: bool,
}
