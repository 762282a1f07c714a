// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Loads, attaches, fills and reads the kernel part.
//!
//! This crate owns everything that needs libbpf. It knows the wire types of `ambit-abi` and nothing about maps, events or
//! subjects: it moves fingerprints and bytes. It never prints.
//!
//! Files import only files above them in this list:
//!
//! | file | owns |
//! |---|---|
//! | `error`, `options`, `log`, `clock` | values; libbpf's messages; times since boot |
//! | `locks`, `bpffs`, `pins` | the locks and their order; the pin directory and who can change it; paths below it |
//! | `maps`, `mapped` | typed maps; maps in this process's memory |
//! | `host` | the handle on a pinned kernel part: which map has which types |
//! | `object`, `ring` | the embedded object, opened and loaded; reading a ring buffer |
//! | `offered`, `facts`, `preemption` | what the running kernel offers |
//! | `base`, `full`, `surface` | the parts of the object for domains; all hooks of the kernel |
//! | `tasks`, `domain`, `rules`, `spread` | operations on a kernel part |
//! | `kernel`, `report` | the facade; the facts that `ambit doctor` shows |

mod append;
mod base;
mod bpffs;
mod clock;
mod domain;
mod error;
mod facts;
mod full;
mod host;
mod kernel;
mod locks;
mod log;
mod mapped;
mod maps;
mod object;
mod offered;
mod options;
mod pins;
mod preemption;
mod report;
mod ring;
mod rules;
mod spread;
mod surface;
mod tasks;

/// What the host offers, for `ambit doctor`.
pub mod probe {
    pub use crate::report::{Report, host, stand_in};
}

pub use domain::{Domain, DomainInfo, DomainSpec};
pub use error::Error;
pub use full::LeftOut;
pub use kernel::Kernel;
pub use object::OBJECT;
pub use options::LoadOptions;
pub use ring::Ring;
pub use rules::{RuleProgram, RuleText, Rules, RulesLoaded};
pub use spread::SpreadState;
pub use surface::KernelHook;
pub use tasks::TaskInfo;
