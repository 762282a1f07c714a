// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The suites. A test's name is a sentence about what a user would notice.

mod attacks_append;
mod attacks_endurance;
mod attacks_file;
mod attacks_host;
mod attacks_memory;
mod attacks_mounts;
mod attacks_mqueue;
mod attacks_names;
mod attacks_neighbours;
mod attacks_net;
mod attacks_overlay;
mod attacks_reasons;
mod attacks_sctp;
mod attacks_task;
mod cli;
mod counts;
mod coverage;
mod differential;
mod gates;
mod generalize;
mod hostile;
mod live;
mod names;
mod nginx;
mod recording;
mod refusals_exec;
mod refusals_file;
mod refusals_full;
mod refusals_net;
mod refusals_task;
mod rules;
mod rules_fuzz;
mod rules_path_cache;
mod scenarios;
mod spread;
mod taps;
mod trust;
mod unload;

use std::time::Duration;

use crate::Test;

/// Returns a number from the environment, for longer runs by hand.
fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is not a number: {text}"))
    })
}

/// Extra time for a test, from the settings in the environment.
pub(crate) fn more_time() -> Duration {
    Duration::from_secs(rules_fuzz::seconds() + 4 * rules::reloads() + attacks_endurance::seconds())
}

/// Lists a module's tests, each with the name of its function.
macro_rules! tests {
    ($suite:literal: $($name:ident)*) => {
        pub(crate) fn tests() -> Vec<crate::Test> {
            vec![$(crate::Test::new($suite, stringify!($name), $name)),*]
        }
    };
}
use tests;

pub(crate) fn all() -> Vec<Test> {
    let suites = [
        scenarios::tests,
        nginx::tests,
        names::tests,
        refusals_exec::tests,
        refusals_file::tests,
        refusals_net::tests,
        refusals_task::tests,
        refusals_full::tests,
        attacks_memory::tests,
        attacks_overlay::tests,
        attacks_append::tests,
        attacks_endurance::tests,
        attacks_file::tests,
        attacks_net::tests,
        attacks_task::tests,
        attacks_mounts::tests,
        attacks_mqueue::tests,
        attacks_sctp::tests,
        attacks_names::tests,
        attacks_neighbours::tests,
        attacks_reasons::tests,
        gates::tests,
        generalize::tests,
        counts::tests,
        differential::tests,
        cli::tests,
        coverage::tests,
        recording::tests,
        hostile::tests,
        attacks_host::tests,
        rules::tests,
        rules_path_cache::tests,
        rules_fuzz::tests,
        taps::tests,
        trust::tests,
        spread::tests,
        live::tests,
        // Last, because the kernel part stays loaded between the tests of all other suites.
        unload::tests,
    ];
    suites.iter().flat_map(|suite| suite()).collect()
}
