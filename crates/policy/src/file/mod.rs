// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Rule files: reads their YAML, and reports errors with place and help.

mod error;
mod example;
mod node;
mod paths;
mod read;
mod rule;

pub use error::{RuleError, RuleErrorKind, RuleErrors};
pub use paths::paths;
pub use read::{SIZE_MAX, check_set, read, read_all, read_checked};
