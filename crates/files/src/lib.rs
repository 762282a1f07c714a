// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The files that Ambit writes. Nothing is written through a name that a workload or another user can change.
//!
//! This crate owns three things:
//!
//! - [`Target`]: a file at a path that a person gave. Its directory is opened when the command is planned and held until the file
//!   is written. What cannot be written there is kept in a directory of Ambit ([`Target::replace_or_keep`]).
//! - [`PrivateDir`]: a directory that only its owner can change, for state that is kept across boots.
//! - [`RunDir`]: `/run/ambit`, the state of this boot, with all of Ambit's locks ([`RunLock`]).
//!
//! It knows nothing of maps, rules, runs and the kernel part. It prints nothing.
//!
//! Files import only files above them in this list: `append`, `error`, `owner`; `entry`; `walk`; `private`; `target`; `new_file`; `run`.
#![forbid(unsafe_code)]

mod append;
mod entry;
mod error;
mod new_file;
mod owner;
mod private;
mod run;
mod target;
mod walk;

pub use append::end_last_line;
pub use error::{Error, NotWritten};
pub use new_file::NewFile;
pub use private::{PrivateDir, kept_dir, state_dir};
pub use run::{RUN_DIR, RunDir, RunLock};
pub use target::Target;
