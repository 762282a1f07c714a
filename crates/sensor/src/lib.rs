// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Loads, attaches, feeds and reads the kernel part.
//!
//! This crate owns everything that needs privileges, libbpf or unsafe code; only the exerciser has some, too. It knows
//! the wire types of `ambit-abi` and nothing of maps, events or subjects: it moves fingerprints and bytes.

mod domain;
mod error;
mod full;
mod kernel;
mod load;
pub mod probe;
mod ring;
mod rules;
mod spread;
mod surface;
mod tasks;
mod words;

pub use domain::{Domain, DomainInfo, DomainSpec};
pub use error::Error;
pub use full::LeftOut;
pub use kernel::{Kernel, LoadOptions};
pub use ring::Ring;
pub use rules::{RuleProgram, RuleText, Rules, RulesLoaded};
pub use spread::SpreadState;
pub use surface::KernelHook;
pub use tasks::TaskInfo;

/// The kernel part, as compiled from `bpf/`.
pub const OBJECT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/ambit.bpf.o"));
