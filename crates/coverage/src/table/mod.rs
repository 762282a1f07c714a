// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The rows: for each hook a column per kernel of [`crate::KERNELS`], and a reason if the kernel part attaches no
//! program to it.

use crate::Row;

/// `name 6.1 6.12 7.3: why it is left alone;`
macro_rules! hooks {
    ($($name:ident $first:ident $second:ident $third:ident $(: $why:expr)?;)*) => {
        pub(super) const ROWS: &[crate::Row] = &[$(crate::Row {
            name: stringify!($name),
            on: [offer!($first), offer!($second), offer!($third)],
            why: why!($($why)?),
        },)*];
    };
}

macro_rules! offer {
    (yes) => {
        crate::Offer::Offered
    };
    (refused) => {
        crate::Offer::Refused
    };
    (no) => {
        crate::Offer::Absent
    };
}

macro_rules! why {
    () => {
        None
    };
    ($why:expr) => {
        Some($why)
    };
}

mod file;
mod ipc;
mod kernel;
mod mount;
mod net;
mod task;

pub(super) const FAMILIES: [&[Row]; 6] = [
    file::ROWS,
    ipc::ROWS,
    kernel::ROWS,
    mount::ROWS,
    net::ROWS,
    task::ROWS,
];
