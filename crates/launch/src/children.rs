// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Keeps ended children until they are waited for.

/// Gives SIGCHLD its default action. A process may inherit from its parent that the signal is ignored: then the kernel removes
/// each child at its end, its status is lost, and another process may get its number.
pub(crate) fn keep_ended() {
    // SAFETY: plain system call. A handler of this process would have no use: Ambit waits for its children by descriptor.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
}
