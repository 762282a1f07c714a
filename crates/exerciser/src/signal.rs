// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Signals to other processes by other ways than `kill`. The target is named as in the module `task`.

use std::os::fd::{AsRawFd, OwnedFd};

use crate::outcome::{Done, Failure, Preparing};
use crate::sys::{call, check, owned, pair, write_all};
use crate::task::{signal_of, upon};

const F_SETSIG: i32 = 10;
const F_SETOWN_EX: i32 = 15;
const F_OWNER_TID: i32 = 0;
const F_OWNER_PID: i32 = 1;
const F_OWNER_PGRP: i32 = 2;
const FIOSETOWN: libc::c_ulong = 0x8901;
const SIOCSPGRP: libc::c_ulong = 0x8902;
/// `timer_create(2)`: the signal is sent to a thread.
const SIGEV_THREAD_ID: i32 = 4;

pub(crate) fn operation(name: &str, words: &[&[u8]]) -> Option<Done> {
    Some(match (name, words) {
        // Input on a socket sends the signal; without one, it is SIGIO, which ends a process as well.
        ("signal-by-input", [way, whom]) => upon(whom, &|pid| by_input(way, pid, None)),
        ("signal-by-input", [way, whom, signal]) => {
            signal_of(signal).and_then(|signal| upon(whom, &|pid| by_input(way, pid, Some(signal))))
        }
        // Only names the process as the owner of a socket.
        ("own-input", [way, whom]) => upon(whom, &|pid| set_owner(&pair()?.0, way, pid)),
        ("signal-by", [way, whom, signal]) => {
            signal_of(signal).and_then(|signal| upon(whom, &|pid| directly(way, pid, signal)))
        }
        ("timer-of", [whom, signal]) => {
            signal_of(signal).and_then(|signal| upon(whom, &|pid| timer(pid, signal)))
        }
        ("perf-trap", [whom]) => upon(whom, &perf_trap),
        _ => return None,
    })
}

fn set_owner(fd: &OwnedFd, way: &[u8], pid: i32) -> Result<(), Failure> {
    let fd = fd.as_raw_fd();
    let extended = |kind: i32| {
        let owner = [kind, pid];
        let pointer = owner.as_ptr();
        call!(fcntl(fd, F_SETOWN_EX, pointer))
    };
    let ioctl = |request: libc::c_ulong, pid: i32| {
        let pointer = &raw const pid;
        call!(ioctl(fd, request, pointer))
    };
    let set = match way {
        b"fcntl" => call!(fcntl(fd, libc::F_SETOWN, pid)),
        b"fcntl-group" => call!(fcntl(fd, libc::F_SETOWN, -pid)),
        b"fcntl-ex" => extended(F_OWNER_PID),
        b"fcntl-ex-thread" => extended(F_OWNER_TID),
        b"fcntl-ex-group" => extended(F_OWNER_PGRP),
        b"fiosetown" => ioctl(FIOSETOWN, pid),
        b"siocspgrp" => ioctl(SIOCSPGRP, pid),
        b"siocspgrp-group" => ioctl(SIOCSPGRP, -pid),
        other => return Err(unknown(other)),
    };
    check(set).map(|_| ())
}

fn by_input(way: &[u8], pid: i32, signal: Option<i32>) -> Result<(), Failure> {
    let (ours, theirs) = pair()?;
    set_owner(&ours, way, pid)?;
    if let Some(signal) = signal {
        check(call!(fcntl(ours.as_raw_fd(), F_SETSIG, signal)))?;
    }
    check(call!(fcntl(
        ours.as_raw_fd(),
        libc::F_SETFL,
        libc::O_ASYNC | libc::O_NONBLOCK
    )))
    .before("F_SETFL")?;
    write_all(&theirs, b"x").before("write")
}

fn directly(way: &[u8], pid: i32, signal: i32) -> Result<(), Failure> {
    // siginfo_t of 128 bytes: number, error, code; a code below zero is allowed to every process.
    let mut information = [0_i32; 32];
    information[0] = signal;
    information[2] = -1;
    let information = information.as_mut_ptr();
    let sent = match way {
        b"kill-group" => i64::from(call!(kill(-pid, signal))),
        b"tkill" => call!(syscall(libc::SYS_tkill, pid, signal)),
        b"queue" => call!(syscall(libc::SYS_rt_sigqueueinfo, pid, signal, information)),
        b"queue-thread" => call!(syscall(
            libc::SYS_rt_tgsigqueueinfo,
            pid,
            pid,
            signal,
            information
        )),
        b"pidfd" => {
            let process =
                owned(call!(syscall(libc::SYS_pidfd_open, pid, 0))).before("pidfd_open")?;
            let nothing = std::ptr::null::<u8>();
            call!(syscall(
                libc::SYS_pidfd_send_signal,
                process.as_raw_fd(),
                signal,
                nothing,
                0
            ))
        }
        other => return Err(unknown(other)),
    };
    check(sent).map(|_| ())
}

fn unknown(way: &[u8]) -> Failure {
    Failure::Usage(format!("not a way to signal: {}", way.escape_ascii()))
}

/// A timer whose signal goes to a thread of another process.
fn timer(thread: i32, signal: i32) -> Result<(), Failure> {
    // struct sigevent of 64 bytes: value, signal, kind, thread.
    let mut event = [0_i32; 16];
    event[2..5].copy_from_slice(&[signal, SIGEV_THREAD_ID, thread]);
    let mut timer = 0_i32;
    let (event, place) = (event.as_ptr(), &raw mut timer);
    check(call!(syscall(
        libc::SYS_timer_create,
        libc::CLOCK_MONOTONIC,
        event,
        place
    )))?;
    // struct itimerspec: no interval, then a millisecond.
    let soon = [0_i64, 0, 0, 1_000_000];
    let (soon, nothing) = (soon.as_ptr(), std::ptr::null::<u8>());
    check(call!(syscall(
        libc::SYS_timer_settime,
        timer,
        0,
        soon,
        nothing
    )))
    .before("timer_settime")
    .map(|_| ())
}

/// Counts the processor time of a process; the counter sends it SIGTRAP. Waits until the counter has counted.
fn perf_trap(pid: i32) -> Result<(), Failure> {
    const TASK_CLOCK: u64 = 1;
    const EXCLUDE_KERNEL: u64 = 1 << 5;
    const REMOVE_ON_EXEC: u64 = 1 << 36;
    const SIGTRAP: u64 = 1 << 37;
    // struct perf_event_attr, of 128 bytes: type and size, event, period, three other fields, flags.
    let mut attributes = [0_u64; 16];
    attributes[0] = 1 | 128 << 32;
    attributes[1] = TASK_CLOCK;
    attributes[2] = 100_000;
    attributes[5] = EXCLUDE_KERNEL | REMOVE_ON_EXEC | SIGTRAP;
    let pointer = attributes.as_ptr();
    let counter = owned(call!(syscall(
        libc::SYS_perf_event_open,
        pointer,
        pid,
        -1,
        -1,
        8
    )))?;
    for _ in 0..1000 {
        let mut count = 0_u64;
        // SAFETY: a live number of the size given.
        let read = unsafe { libc::read(counter.as_raw_fd(), (&raw mut count).cast(), 8) };
        check(read as i64).before("read")?;
        if count > 1_000_000 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    Ok(())
}
