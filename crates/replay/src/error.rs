// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Why a replay cannot be made.

use std::io;

use ambit_recording::OpenError;

/// Why recordings cannot be replayed. File names in it are escaped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No recording was given.
    #[error("no recording given")]
    NoRecording,
    /// A recording's file cannot be opened.
    #[error("cannot read the recording {name}")]
    Open {
        /// The file.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// A file is not a recording that this version reads.
    #[error("cannot read the recording {name}")]
    Format {
        /// The file.
        name: String,
        /// Why.
        source: OpenError,
    },
    /// A recording's file cannot be read to its end.
    #[error("cannot read the recording {name}")]
    Read {
        /// The file.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// The recording and the map identify subjects by chains of different lengths.
    #[error(
        "{name} was recorded with `chain: {recorded}`, but the map has `chain: {map}`: their subjects cannot be compared; \
         replay it with a map of the same `chain`"
    )]
    OtherChain {
        /// The recording's file.
        name: String,
        /// The recording's `chain`.
        recorded: u32,
        /// The map's `chain`.
        map: u32,
    },
    /// The recording and those before it come from hosts with different ephemeral ports.
    #[error(
        "{name} was recorded on a host with other ephemeral ports ({}-{}) than the recordings before it; replay it separately",
        ports.0,
        ports.1
    )]
    OtherPorts {
        /// The recording's file.
        name: String,
        /// The first and the last ephemeral port of its host.
        ports: (u16, u16),
    },
}
