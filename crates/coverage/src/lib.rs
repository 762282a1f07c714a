// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The LSM hooks of the tested kernels, and Ambit's action at each of them.
//!
//! This crate owns the list of hooks, their availability on each tested kernel, and the reasons for hooks without a
//! program, each with the tests of the lab that try it. The decided operations are not listed here: they follow from `ambit-abi`, and a test compares that crate
//! with the kernel part. `docs/coverage.md` is written from this table; `ambit doctor` and the lab's tests compare it
//! with the running kernel.

mod markdown;
mod sums;
mod table;
mod why;

use ambit_abi::{Coverage, Hook, Op};

pub use markdown::markdown;
pub use sums::Sums;
pub use why::{Basis, Reason};

/// The kernels with a column in the table, by the beginning of their release.
pub const KERNELS: [&str; 3] = ["6.1", "6.12", "7.3"];

/// Availability of a hook to BPF programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// A program can be attached.
    Offered,
    /// The hook is there, but the kernel attaches no BPF program to it.
    Refused,
    /// The kernel has no such hook.
    Absent,
}

/// Ambit's action at a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The map decides these operations.
    Decided(&'static [Op]),
    /// No map has these operations; untrusted tasks are refused them if the domain gates their family.
    Gated(&'static [Op]),
    /// Labels are created, inherited and counted here; nothing is decided.
    Labels,
    /// No program is attached, for this reason.
    Alone(Reason),
}

/// A hook.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The kernel's name of the hook.
    pub name: &'static str,
    /// Availability on each of [`KERNELS`].
    pub on: [Offer; KERNELS.len()],
    why: Option<Reason>,
}

impl Row {
    /// Returns the hook's number if the kernel part has a program for it.
    pub fn hook(&self) -> Option<Hook> {
        Hook::from_name(self.name)
    }

    /// Returns the level of coverage that includes the hook.
    pub fn level(&self) -> Option<Coverage> {
        self.hook().map(Hook::coverage)
    }

    /// Returns the reason why the hook has no program, if the table has one.
    pub fn reason(&self) -> Option<Reason> {
        self.why
    }

    /// Returns Ambit's action at the hook.
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
    /// Returns the action in a word or two.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Decided(_) => "decided",
            Self::Gated(_) => "gated",
            Self::Labels => "labels",
            Self::Alone(_) => "left alone",
        }
    }

    /// Returns the operations, or the reason.
    pub fn detail(self) -> String {
        match self {
            Self::Decided(ops) | Self::Gated(ops) => {
                let names: Vec<_> = ops.iter().map(|op| op.name()).collect();
                names.join(", ")
            }
            Self::Labels => "creates, inherits and counts labels".to_owned(),
            Self::Alone(reason) => reason.why.to_owned(),
        }
    }
}

/// Returns all rows, sorted by name.
pub fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = table::FAMILIES.iter().copied().flatten().copied().collect();
    rows.sort_by_key(|row| row.name);
    rows
}

/// Returns the row of a hook.
pub fn row(name: &str) -> Option<Row> {
    let mut all = table::FAMILIES.iter().copied().flatten();
    all.find(|row| row.name == name).copied()
}

/// Returns the column of a kernel release: `6.12.95-cloud-amd64` has the one of 6.12.
pub fn column(release: &str) -> Option<usize> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    let version = format!("{}.{}", numbers.next()?, numbers.next()?);
    KERNELS.iter().position(|kernel| *kernel == version)
}
