// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Every LSM hook that a tested kernel has, and what Ambit does at it.
//!
//! This crate owns the list of hooks, what each tested kernel offers of them, and the reasons for what is left alone.
//! What is decided is not written here: it follows from `ambit-abi`, which the kernel part is checked against.
//! `docs/coverage.md` is this table; `ambit doctor` compares it with the running kernel, and so do the lab's tests.

mod markdown;
mod sums;
mod table;
mod why;

use ambit_abi::{Coverage, Hook, Op};

pub use markdown::markdown;
pub use sums::Sums;

/// The kernels that the table has a column for, by their release's beginning.
pub const KERNELS: [&str; 3] = ["6.1", "6.12", "7.3"];

/// What a kernel allows BPF programs at a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// A program can be attached.
    Offered,
    /// The hook is there, but the kernel attaches no BPF program to it.
    Refused,
    /// The kernel has no such hook.
    Absent,
}

/// What Ambit does at a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The map decides these operations.
    Decided(&'static [Op]),
    /// No map has these operations; tasks without trust are refused them where their family is gated.
    Gated(&'static [Op]),
    /// Labels are made, inherited and counted here; nothing is decided.
    Labels,
    /// Nothing, and why.
    Alone(&'static str),
}

/// A hook.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The kernel's name of it.
    pub name: &'static str,
    /// What each of [`KERNELS`] offers.
    pub on: [Offer; KERNELS.len()],
    why: Option<&'static str>,
}

impl Row {
    /// The hook's number, where the kernel part has a program for it.
    pub fn hook(&self) -> Option<Hook> {
        Hook::from_name(self.name)
    }

    /// The level of coverage that has it.
    pub fn level(&self) -> Option<Coverage> {
        self.hook().map(Hook::coverage)
    }

    /// Why it is left alone, where the table says so.
    pub fn reason(&self) -> Option<&'static str> {
        self.why
    }

    /// What Ambit does here.
    pub fn decision(&self) -> Decision {
        match self.hook() {
            Some(hook) if hook.decides() && hook.ops().iter().all(|op| op.gated_only()) => {
                Decision::Gated(hook.ops())
            }
            Some(hook) if hook.decides() => Decision::Decided(hook.ops()),
            Some(_) => Decision::Labels,
            None => Decision::Alone(self.why.unwrap_or(why::PENDING)),
        }
    }
}

impl Decision {
    /// One word for it.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Decided(_) => "decided",
            Self::Gated(_) => "gated",
            Self::Labels => "labels",
            Self::Alone(_) => "left alone",
        }
    }

    /// What there is to say beside the word: the operations, or the reason.
    pub fn detail(self) -> String {
        match self {
            Self::Decided(ops) | Self::Gated(ops) => {
                let names: Vec<_> = ops.iter().map(|op| op.name()).collect();
                names.join(", ")
            }
            Self::Labels => "labels are made, inherited and counted here".to_owned(),
            Self::Alone(why) => why.to_owned(),
        }
    }
}

/// Every row, by name.
pub fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = table::FAMILIES.iter().copied().flatten().copied().collect();
    rows.sort_by_key(|row| row.name);
    rows
}

/// The row of a hook.
pub fn row(name: &str) -> Option<Row> {
    let mut all = table::FAMILIES.iter().copied().flatten();
    all.find(|row| row.name == name).copied()
}

/// The column of a kernel, by its release: `6.12.95-cloud-amd64` is 6.12's.
pub fn column(release: &str) -> Option<usize> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    let version = format!("{}.{}", numbers.next()?, numbers.next()?);
    KERNELS.iter().position(|kernel| *kernel == version)
}
