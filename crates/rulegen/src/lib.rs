// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Random rules as people write them, near given events, so that they often hold and often don't.
//!
//! For tests that compare two ways of asking rules: the interpreter with what is compiled, in user space or in the
//! kernel. The same seed draws the same rules. It knows the fields of events and how conditions are written, and
//! nothing of how they are asked.

mod condition;
mod literal;
mod near;
mod random;
mod rules;

pub use near::Near;
pub use random::Random;
pub use rules::{Drawn, file, rules};
