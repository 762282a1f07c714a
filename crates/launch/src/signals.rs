// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Signals that this process gets while it waits for a program.
//!
//! `signal-hook-registry` installs the handlers, which works with any number of threads; their state belongs to the values
//! below. `signalfd` was rejected: every thread would have to block the signals, and a signal that is blocked here stays
//! blocked in the program.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

use signal_hook_registry::{SigId, register_sigaction, unregister};

use crate::Error;

/// Signals that ask a process to end.
const ENDING: [libc::c_int; 4] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT];
/// Signals that are forwarded although they do not ask a process to end.
const OTHER: [libc::c_int; 2] = [libc::SIGUSR1, libc::SIGUSR2];

/// Actions that are removed when the value is dropped.
#[derive(Debug, Default)]
struct Actions(Vec<SigId>);

impl Drop for Actions {
    fn drop(&mut self) {
        for id in self.0.drain(..) {
            unregister(id);
        }
    }
}

/// What the handlers count.
#[derive(Debug, Default)]
struct Counts {
    last: AtomicI32,
    count: AtomicUsize,
    /// The last signal that should be forwarded, until it is.
    unsent: AtomicI32,
}

/// True if the sender meant this process alone. The terminal sends its signals to the whole foreground process group, the
/// program included; the codes of the kernel's signals are positive.
fn is_for_this_process(info: &libc::siginfo_t) -> bool {
    info.si_code <= 0
}

/// Catches INT, TERM, HUP, QUIT, USR1 and USR2 from its creation on, so that none of them ends this process.
///
/// Once caught, these signals do not end this process any more, not even after the value was dropped.
#[derive(Debug)]
pub struct Signals {
    counts: Arc<Counts>,
    _actions: Actions,
}

impl Signals {
    /// Starts to catch and count signals.
    ///
    /// # Errors
    /// [`Error::Catch`].
    pub fn catch() -> Result<Self, Error> {
        let counts = Arc::new(Counts::default());
        let mut actions = Actions::default();
        for signal in ENDING.into_iter().chain(OTHER) {
            let counts = Arc::clone(&counts);
            let count = move |info: &libc::siginfo_t| {
                if ENDING.contains(&signal) {
                    counts.last.store(signal, Ordering::Relaxed);
                    counts.count.fetch_add(1, Ordering::Relaxed);
                }
                if is_for_this_process(info) {
                    counts.unsent.store(signal, Ordering::Relaxed);
                }
            };
            // SAFETY: the action only stores to atomics, which is async-signal-safe.
            let id = unsafe { register_sigaction(signal, count) };
            actions.0.push(id.map_err(Error::Catch)?);
        }
        Ok(Self {
            counts,
            _actions: actions,
        })
    }

    /// Returns the last signal that asked this process to end (INT, TERM, HUP, QUIT), if there was one.
    pub fn last(&self) -> Option<i32> {
        Some(self.counts.last.load(Ordering::Relaxed)).filter(|signal| *signal != 0)
    }

    /// Returns how many signals asked this process to end.
    pub fn count(&self) -> usize {
        self.counts.count.load(Ordering::Relaxed)
    }

    /// Forwards signals to a process as long as the returned value lives, and the last one from before, if it was not
    /// forwarded to another process. Signals of the terminal are not forwarded, since the program gets them as well.
    ///
    /// # Errors
    /// [`Error::Catch`].
    pub fn forward_to(&self, pidfd: BorrowedFd<'_>) -> Result<Forwarding<'_>, Error> {
        let target = Arc::new(pidfd.try_clone_to_owned().map_err(Error::Catch)?);
        let mut actions = Actions::default();
        for signal in ENDING.into_iter().chain(OTHER) {
            let (target, counts) = (Arc::clone(&target), Arc::clone(&self.counts));
            let forward = move |info: &libc::siginfo_t| {
                if is_for_this_process(info) {
                    counts.unsent.store(0, Ordering::Relaxed);
                    send(target.as_fd(), signal);
                }
            };
            // SAFETY: the action makes one system call and allocates nothing, which is async-signal-safe. `unregister`
            // returns only after running actions have ended, so that the descriptor is open in all of them.
            let id = unsafe { register_sigaction(signal, forward) };
            actions.0.push(id.map_err(Error::Catch)?);
        }
        match self.counts.unsent.swap(0, Ordering::Relaxed) {
            0 => {}
            signal => send(pidfd, signal),
        }
        Ok(Forwarding {
            _signals: self,
            _actions: actions,
        })
    }
}

/// Forwards signals to a process until it is dropped.
#[derive(Debug)]
pub struct Forwarding<'a> {
    _signals: &'a Signals,
    _actions: Actions,
}

/// Sends a signal and keeps `errno`, since this runs in a signal handler. A process that has ended gets nothing.
fn send(pidfd: BorrowedFd<'_>, signal: libc::c_int) {
    // SAFETY: the descriptor is open; without a siginfo the kernel fills one in. `errno` is this thread's own.
    unsafe {
        let errno = libc::__errno_location();
        let kept = *errno;
        let none = std::ptr::null::<libc::siginfo_t>();
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_raw_fd(),
            signal,
            none,
            0,
        );
        *errno = kept;
    }
}
