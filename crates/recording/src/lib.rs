// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Recordings: every operation of a run that was decided, compact, append-only, readable after a crash up to the last
//! whole frame. The format is described in `docs/recording.md`.
//!
//! This crate owns the format. It is pure: it reads and writes what it is given and knows nothing of files, of maps and
//! of the kernel part. Its memory does not grow with the length of a recording.

mod frame;
mod head;
mod read;
mod varint;
mod write;

pub use head::{Header, HookCounts, Loss, Summary};
pub use read::{EventAt, Fork, Item, OpenError, Point, Reader, Shape, Stop, Task};
pub use write::Writer;

/// Version of the format that is written; all up to it are read.
pub const VERSION: u32 = 1;
/// What a recording begins with.
pub const MAGIC: [u8; 8] = *b"AMBITREC";

/// Most entries of a dictionary before it is begun anew.
pub const ENTRIES_MAX: usize = 65_536;
/// Most bytes of a dictionary before it is begun anew.
pub const BYTES_MAX: usize = 16 * 1024 * 1024;
/// Largest payload of a frame.
pub const FRAME_MAX: usize = 1024 * 1024;

/// Entries of a frame of events: what the first number says. From [`tag::EVENT`] on it is an event.
mod tag {
    pub(crate) const FORGET: u64 = 0;
    pub(crate) const NAME: u64 = 1;
    pub(crate) const SUBJECT: u64 = 2;
    pub(crate) const TASK: u64 = 3;
    pub(crate) const POINT: u64 = 4;
    pub(crate) const SHAPE: u64 = 5;
    pub(crate) const EVENT: u64 = 16;
    /// In an event: its shape follows, it is not that of the event before.
    pub(crate) const OTHER_SHAPE: u64 = 1;
    /// In an event: its task follows.
    pub(crate) const OTHER_TASK: u64 = 2;
}
