// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Paths that a file contains, for checks beside the file's own: which of them are links on this machine.

use crate::place::Place;

/// A path, or the start of paths, that a file contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its place in the file.
    pub place: Place,
    /// The number of the rule or the subject that it belongs to.
    pub owner: usize,
    /// Its bytes up to the first variable part.
    pub path: Vec<u8>,
    /// All of its bytes that are known, with markers such as `{self}`. They begin with `path`.
    pub text: Vec<u8>,
    /// True if it is the beginning of a regular expression.
    pub is_expression: bool,
    /// How it ends.
    pub end: End,
}

/// How a path in a file ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It is complete, and the operation follows a link at its end.
    Followed,
    /// It is complete, and the operation can be about a link itself.
    Itself,
    /// It continues: its last component may be incomplete.
    Open,
}
