// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Behaviour maps: what a domain may do, as people write and read it, as the kernel part looks it up, and as it is
//! learned.
//!
//! This crate is pure: no I/O, no clock, no threads. The same events give the same map, byte for byte. It knows
//! nothing of how events come or how maps are loaded.
#![forbid(unsafe_code)]

mod digest;
mod file;
mod map;
mod merge;
pub mod pattern;
mod rule;

pub use digest::{Figure, coefficient, extend, state};
pub use file::{MapError, MapErrorKind, MapErrors};
pub use map::{CHAIN_DEFAULT, Entry, FAMILIES, Map, Responses, is_chain, is_domain_name};
pub use merge::MergeError;
pub use rule::{Rule, RuleObject};
