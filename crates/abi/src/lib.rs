// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The wire between the kernel part and user space: a mirror of `bpf/include/abi.h`.
//!
//! This crate owns layouts and numbers and nothing else: what the numbers mean to a person is in `ambit-event`, what
//! a map allows is in `ambit-model`. Tests compare both with the header.
//! All integers are in host byte order unless said otherwise.

#![no_std]
#[macro_use]
mod enums;
mod consts;
mod hook;
#[cfg(feature = "serde")]
#[doc(hidden)]
pub mod names;
mod op;
mod rules;
mod wire;

pub use consts::*;
pub use enums::{EventKind, Mode, Reason, Response, SkipReason, Spread, Unknown};
pub use hook::{Coverage, Hook};
pub use op::{Family, Op};
pub use rules::{
    RuleAutomaton, RuleBit, RuleCount, RuleEvent, RuleHook, RuleSet, RuleState, Shared,
    SpreadCount, Tap, Trust, TrustCause, TrustStep,
};
pub use wire::{
    Cause, Config, Domain, DomainState, Event, Fp, Gate, Label, Member, Request, Stat, Subject,
    Task,
};
