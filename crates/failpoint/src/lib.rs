// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Fail points: named places in the code where a test can stop the process, to kill or continue it there.
//!
//! `fail_point!("rules-before-activate")` stops the whole process (SIGSTOP) if the environment variable [`VARIABLE`] has
//! this name. Without the feature `enabled` the macro expands to nothing: neither the names nor the variable are in the
//! program.
//!
//! This crate owns the mechanism and knows nothing of what is done between the fail points.

/// The environment variable with the name of the fail point to stop at.
#[cfg(feature = "enabled")]
pub const VARIABLE: &str = "AMBIT_FAIL_POINT";

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

/// Stops the process if [`VARIABLE`] has this name; returns when it is continued (SIGCONT).
#[cfg(feature = "enabled")]
pub fn reached(name: &str) {
    if std::env::var(VARIABLE).is_ok_and(|wanted| wanted == name) {
        // Only fails for a process that does not exist.
        let _ =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP);
    }
}
