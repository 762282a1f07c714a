// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A process that outlives this one and tidies up after it, however it ended.

use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, FdFlags, fcntl_getfd};
use rustix::process::{Pid, PidfdFlags, getpid, pidfd_open};

use crate::Kernel;

/// Its name in `ps`.
const NAME: &std::ffi::CStr = c"ambit-keeper";

/// The process, as its parent has it.
#[derive(Debug)]
pub struct Keeper {
    pid: Pid,
}

impl Keeper {
    /// Forks a process in a session of its own that waits for this one's end, does `body`, and ends. It holds no
    /// terminal, no folder and no descriptor that was handed in from outside. This process must have one thread.
    ///
    /// # Errors
    /// There is no process to be had.
    pub fn start(kernel: &Kernel, body: impl FnOnce()) -> io::Result<Self> {
        let parent = pidfd_open(getpid(), PidfdFlags::empty())?;
        // SAFETY: this process has one thread, as its caller sees to, so that its memory is whole in the child.
        let pid = unsafe { libc::fork() };
        if pid < 0 {
            return Err(io::Error::last_os_error());
        }
        if let Some(pid) = Pid::from_raw(pid) {
            return Ok(Self { pid });
        }
        let _ = catch_unwind(AssertUnwindSafe(|| {
            if detach(kernel).is_ok() && ended(&parent) {
                body();
            }
        }));
        // SAFETY: nothing of the parent's is to be done twice, so no destructor may run.
        unsafe { libc::_exit(0) }
    }

    /// It is not needed any more.
    pub fn dismiss(self) {
        let pid = self.pid.as_raw_nonzero().get();
        // SAFETY: it is our child and was not waited for, so that the number is still its own.
        unsafe {
            libc::kill(pid, libc::SIGKILL);
            libc::waitpid(pid, std::ptr::null_mut(), 0);
        }
    }
}

/// Lets go of all that came from outside.
fn detach(kernel: &Kernel) -> io::Result<()> {
    kernel.forget_user();
    let null = fs::File::options()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    for standard in 0..3 {
        // SAFETY: two numbers; the standard descriptors are nobody's property.
        unsafe { libc::dup2(null.as_raw_fd(), standard) };
    }
    // What is not closed by an exec was handed in: all of ours would be.
    let open: Vec<i32> = fs::read_dir("/proc/self/fd")?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|fd| *fd > 2)
        .collect();
    for fd in open {
        // SAFETY: the borrow ends before the descriptor is closed; it belongs to nothing in this program.
        unsafe {
            let borrowed = std::os::fd::BorrowedFd::borrow_raw(fd);
            if matches!(fcntl_getfd(borrowed), Ok(flags) if !flags.contains(FdFlags::CLOEXEC)) {
                libc::close(fd);
            }
        }
    }
    rustix::process::setsid()?;
    rustix::process::chdir("/")?;
    // SAFETY: a valid, NUL-terminated name.
    unsafe { libc::prctl(libc::PR_SET_NAME, NAME.as_ptr()) };
    Ok(())
}

/// Waits for a process to end.
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
