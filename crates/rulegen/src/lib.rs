// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Generates random rules close to given events, so that they match some of them and miss others.
//!
//! For tests that compare the interpreter with compiled programs, in user space or in the kernel. The same seed
//! generates the same rules. It knows the fields of events and the syntax of conditions, but not their evaluation.

mod condition;
mod literal;
mod near;
mod random;
mod rules;

pub use near::Near;
pub use random::Random;
pub use rules::{Drawn, file, rules};
