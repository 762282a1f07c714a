// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Rules: reads them from YAML, checks, interprets and compiles them for the kernel part.
//!
//! Pure code: no I/O, no clock, no privileges. It knows operations and their objects, but not maps or domains.

pub mod cel;
pub mod check;
pub mod compile;
pub mod condition;
pub mod examples;
pub mod facts;
pub mod field;
pub mod file;
pub mod interpret;
pub mod object;
mod regex;
pub mod rule;
