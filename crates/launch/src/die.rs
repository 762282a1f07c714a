// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Ends this process by a signal, as a shell does for a command that a signal ended.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Ends this process by `signal` and writes no core dump.
///
/// `exit(128 + signal)` is what the caller gets only if the default action of the signal does not end a process.
pub fn die_by(signal: i32) -> ! {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    // A core dump of Ambit, in place of the program's own, would mislead.
    let _ = setrlimit(Resource::Core, none);
    // SAFETY: `set` is initialised by sigemptyset before it is used; the other arguments are plain numbers. Restoring
    // the default action removes any handler of this process.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, std::ptr::null_mut());
        libc::raise(signal);
    }
    std::process::exit(128 + signal)
}
