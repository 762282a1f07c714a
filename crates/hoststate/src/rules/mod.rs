// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The active rule set: loading, unloading, reloading and reading it.
//!
//! The kernel part identifies a set by its generation, a number that is never used twice. A description file with that
//! number in its name has the texts of the rules. It is written before the set becomes active. An active set therefore
//! has its description even if the process that loads rules is killed at any point.

mod description;
mod link;
mod load;

pub use description::{Active, Description, active, active_elsewhere};
pub use link::{compile_for, hooks};
pub use load::{LoadSummary, Reload, load, reload, unload};
