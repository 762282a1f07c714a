// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A process that outlives this one and cleans up after it, however it ended.

use std::fs;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, FdFlags, fcntl_getfd};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, getpid, kill_process, pidfd_open, waitpid,
};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};
use rustix::thread::set_name;

use crate::{Error, children};

/// Its name in `ps`.
const NAME: &std::ffi::CStr = c"ambit-keeper";

/// The keeper process, as its parent sees it.
#[derive(Debug)]
pub struct Keeper {
    pid: Pid,
}

impl Keeper {
    /// Forks a process in a session of its own that waits for the end of this one, runs `body`, and exits. It closes
    /// `lock`, so that the lock ends with this process, and has no terminal, no working directory and no descriptor
    /// that this process inherited.
    ///
    /// The child needs the values that `body` captured, which a program that is executed would not have.
    /// Therefore this process must have one thread.
    ///
    /// # Errors
    /// [`Error::Threads`], [`Error::Keeper`].
    pub fn start(lock: Option<BorrowedFd<'_>>, body: impl FnOnce()) -> Result<Self, Error> {
        let threads = threads_alone().map_err(Error::Keeper)?;
        if threads != 1 {
            return Err(Error::Threads(threads));
        }
        let parent = pidfd_open(getpid(), PidfdFlags::empty())
            .map_err(|errno| Error::Keeper(errno.into()))?;
        children::keep_ended();
        // SAFETY: this process has one thread, which was checked just now and only this thread could change. So no lock
        // of another thread stays locked in the child.
        let pid = unsafe { libc::fork() };
        if pid < 0 {
            return Err(Error::Keeper(io::Error::last_os_error()));
        }
        if let Some(pid) = Pid::from_raw(pid) {
            return Ok(Self { pid });
        }
        let _ = catch_unwind(AssertUnwindSafe(|| {
            if detach(lock).is_ok() && ended(&parent) {
                body();
            }
        }));
        // SAFETY: plain system call. Destructors must run in the parent only.
        unsafe { libc::_exit(0) }
    }

    /// Kills the keeper and waits for its end.
    pub fn dismiss(self) {
        // The number is still the keeper's: it is our child and was not waited for.
        let _ = kill_process(self.pid, Signal::KILL);
        let _ = waitpid(Some(self.pid), WaitOptions::empty());
    }
}

/// Returns the number of threads of this process. A thread that was joined is still listed until the kernel has removed it,
/// so this waits a second for it.
fn threads_alone() -> io::Result<usize> {
    let deadline = Instant::now() + Duration::from_secs(1);
    loop {
        let threads = fs::read_dir("/proc/self/task")?.count();
        if threads == 1 || Instant::now() > deadline {
            return Ok(threads);
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Closes the lock and everything that this process inherited.
fn detach(lock: Option<BorrowedFd<'_>>) -> io::Result<()> {
    if let Some(lock) = lock {
        // SAFETY: the child exits without running destructors and does not use the descriptor again.
        unsafe { libc::close(lock.as_raw_fd()) };
    }
    let null = fs::File::options()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    dup2_stdin(&null)?;
    dup2_stdout(&null)?;
    dup2_stderr(&null)?;
    // A descriptor without CLOEXEC was inherited: Ambit's own have the flag.
    let open: Vec<i32> = fs::read_dir("/proc/self/fd")?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|fd| *fd > 2)
        .collect();
    for fd in open {
        // SAFETY: the borrow ends before the descriptor is closed; no value of this program owns it.
        unsafe {
            let borrowed = BorrowedFd::borrow_raw(fd);
            if matches!(fcntl_getfd(borrowed), Ok(flags) if !flags.contains(FdFlags::CLOEXEC)) {
                libc::close(fd);
            }
        }
    }
    rustix::process::setsid()?;
    rustix::process::chdir("/")?;
    set_name(NAME)?;
    Ok(())
}

/// Waits for a process to end. False if that is impossible.
fn ended(process: &OwnedFd) -> bool {
    loop {
        let mut fds = [PollFd::new(process, PollFlags::IN)];
        match poll(&mut fds, None) {
            Ok(_) => return true,
            Err(Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}
