// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Ambit's state on this host, beside the kernel part itself.
//!
//! This crate owns the paths of the state, the locks and their order, the names of trust bits, rule files and the
//! active rule set, and the log of trust changes by operators. It prints nothing, knows no command line and no exit code,
//! and knows nothing of maps, recordings or runs.
//!
//! Everything that needs the kernel part is behind the feature `kernel`. Without that feature the crate depends on no
//! kernel crate: reading and checking rule files ([`rule_files`]) works on any machine.

mod error;
pub mod links;
pub mod locks;
pub mod paths;
pub mod rule_files;
mod shown;
pub mod sources;
pub mod trust_log;

#[cfg(feature = "kernel")]
pub mod rules;
#[cfg(feature = "kernel")]
pub mod trust;

pub use error::Error;
pub use rule_files::{RuleFileError, RuleSet};
pub use sources::{CachedSources, TrustSources};
