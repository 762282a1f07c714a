// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Recordings: all decided operations of a run, compact, append-only, readable after a crash up to the last complete frame.
//! `docs/recording.md` describes the format.
//!
//! This crate owns the format. It reads from and writes to its caller's streams and does not know files, maps and the kernel
//! part. Its memory does not depend on the length of a recording.

mod frame;
mod head;
mod read;
mod varint;
mod write;

pub use ambit_event::{Fork, Loss};
pub use head::{Header, HookCounts, Summary};
pub use read::{EventAt, Item, OpenError, Point, Reader, Shape, Stop, Task};
pub use write::Writer;

/// Version of the format that is written. Readers accept all versions up to it.
pub const VERSION: u32 = 1;
/// The first bytes of a recording.
pub const MAGIC: [u8; 8] = *b"AMBITREC";

/// Maximum number of entries of a dictionary. A writer starts a new one before it is exceeded.
pub const ENTRIES_MAX: usize = 65_536;
/// Maximum number of bytes of a dictionary.
pub const BYTES_MAX: usize = 16 * 1024 * 1024;
/// Largest payload of a frame.
pub const FRAME_MAX: usize = 1024 * 1024;

/// The first number of each entry in an events frame. Numbers from [`tag::EVENT`] on are events.
mod tag {
    pub(crate) const FORGET: u64 = 0;
    pub(crate) const NAME: u64 = 1;
    pub(crate) const SUBJECT: u64 = 2;
    pub(crate) const TASK: u64 = 3;
    pub(crate) const POINT: u64 = 4;
    pub(crate) const SHAPE: u64 = 5;
    pub(crate) const EVENT: u64 = 16;
    /// In an event: its shape differs from the previous event's and follows.
    pub(crate) const OTHER_SHAPE: u64 = 1;
    /// In an event: its task differs from the previous event's and follows.
    pub(crate) const OTHER_TASK: u64 = 2;
}
