// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The replay engine: evaluates rules and a map over the operations of recordings, and reports which of them they would
//! have refused.
//!
//! Rules are evaluated first and the map second, in the kernel part's order. The crate reads recording files and does
//! nothing else to the host. It depends on no crate of the kernel part, prints nothing and knows no exit codes.
#![forbid(unsafe_code)]

mod backtest;
mod error;
mod recording;
mod replay;
mod rules;
mod time_order;

pub use backtest::{Backtest, OutsideOperation};
pub use error::Error;
pub use recording::{Flaw, FlawKind, Recording};
pub use replay::{Progress, Replay, replay};
pub use rules::{Gap, RuleCounts, RuleTest, Totals};
