// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Kinds of proposals.

use serde::Serialize;

/// The kind of data that varies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kind {
    /// Numbers in a name.
    Numbers,
    /// Dates in a name, or spread over the names of directories.
    Dates,
    /// The version of a library or language.
    Versions,
    /// Hex digits.
    Hex,
    /// UUIDs.
    Uuids,
    /// Random letters and digits.
    Random,
    /// Names of platforms.
    Platforms,
    /// Whole names: many files of one kind.
    Siblings,
    /// Files beside others that were read.
    Beside,
    /// Directories whose contents have the same shapes.
    Alike,
    /// Names around others, such as `a_1.tif~`.
    Around,
    /// A whole directory tree.
    Tree,
    /// Addresses of a network.
    Network,
    /// Ports.
    Ports,
    /// Sockets that the workload binds itself.
    Sockets,
    /// Files that a program makes and may read.
    #[serde(rename = "read-back")]
    ReadBack,
    /// Moves of files with generated names, in the other direction.
    #[serde(rename = "move-back")]
    MoveBack,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 17] = [
        Self::Numbers,
        Self::Dates,
        Self::Versions,
        Self::Hex,
        Self::Uuids,
        Self::Random,
        Self::Platforms,
        Self::Siblings,
        Self::Beside,
        Self::Alike,
        Self::Around,
        Self::Tree,
        Self::Network,
        Self::Ports,
        Self::Sockets,
        Self::ReadBack,
        Self::MoveBack,
    ];

    /// Returns the word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Numbers => "numbers",
            Self::Dates => "dates",
            Self::Versions => "versions",
            Self::Hex => "hex",
            Self::Uuids => "uuids",
            Self::Random => "random",
            Self::Platforms => "platforms",
            Self::Siblings => "siblings",
            Self::Beside => "beside",
            Self::Alike => "alike",
            Self::Around => "around",
            Self::Tree => "tree",
            Self::Network => "network",
            Self::Ports => "ports",
            Self::Sockets => "sockets",
            Self::ReadBack => "read-back",
            Self::MoveBack => "move-back",
        }
    }
}
