// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Fail points: named places in the code where a test can stop the process, to kill or continue it there.
//!
//! `fail_point!("rules-before-activate")` stops the whole process (SIGSTOP) if the environment variable
//! `AMBIT_FAIL_POINT` has this name; `rules-before-activate:2` stops it the second time. Without the feature `enabled` the macro expands to nothing: neither the names nor the variable are in the
//! program.
//!
//! This crate owns the mechanism and knows nothing of what is done between the fail points.

#[cfg(feature = "enabled")]
use std::sync::atomic::{AtomicUsize, Ordering};

/// The environment variable with the name of the fail point to stop at.
#[cfg(feature = "enabled")]
pub const VARIABLE: &str = "AMBIT_FAIL_POINT";

/// How often the fail point that is named in the environment was reached.
#[cfg(feature = "enabled")]
static REACHED: AtomicUsize = AtomicUsize::new(0);

/// Stops the process at this name, if the environment asks for it. Expands to nothing without the feature `enabled`.
#[cfg(feature = "enabled")]
#[macro_export]
macro_rules! fail_point {
    ($name:literal) => {
        $crate::reached($name)
    };
}

/// Stops the process at this name, if the environment asks for it. Expands to nothing without the feature `enabled`.
#[cfg(not(feature = "enabled"))]
#[macro_export]
macro_rules! fail_point {
    ($name:literal) => {};
}

/// Stops the process if [`VARIABLE`] asks for it; returns when the process is continued (SIGCONT).
#[cfg(feature = "enabled")]
pub fn reached(name: &str) {
    let Ok(wanted) = std::env::var(VARIABLE) else {
        return;
    };
    let (wanted, time) = wanted.split_once(':').unwrap_or((&wanted, "1"));
    if wanted == name && time.parse() == Ok(REACHED.fetch_add(1, Ordering::SeqCst) + 1) {
        // Only fails for a process that does not exist.
        let _ =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP);
    }
}
