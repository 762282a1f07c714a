// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The operator's view of labels, by the task iterator.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Path;

use ambit_abi::{ASK_FIND, ASK_LIST, LABEL_EXITED, Label, Request, Task, Trust};
use libbpf_rs::{Iter, Link, MapCore, MapFlags};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use zerocopy::{FromBytes, IntoBytes};

use crate::Kernel;
use crate::error::{Error, bpf, io};
use crate::kernel::lock;

/// A task that is labelled, or not trusted.
#[derive(Clone, Debug)]
pub struct TaskInfo {
    /// The process.
    pub tgid: u32,
    /// The thread.
    pub tid: u32,
    /// Hostile: whatever the task called itself.
    pub comm: Vec<u8>,
    /// What it carries; of slot 0 if it has no label.
    pub label: Label,
    /// Its process' trust, where the task leads it and some of it was lost.
    pub trust: Option<Box<Trust>>,
    /// When it started, on `CLOCK_BOOTTIME`.
    pub start_ns: u64,
}

/// The initial one, `PROC_PID_INIT_INO`.
const PID_NAMESPACE: &str = "pid:[4026531836]";

/// Whether numbers of processes are those that the kernel part has, and no process is out of the iterator's sight.
fn sees_all() -> bool {
    fs::read_link("/proc/self/ns/pid").is_ok_and(|own| own == Path::new(PID_NAMESPACE))
}

/// Needs the lock, which its caller holds.
fn ask(kernel: &Kernel, request: Request) -> Result<Vec<TaskInfo>, Error> {
    if !sees_all() {
        return Err(Error::PidNamespace);
    }
    kernel
        .map("requests")?
        .update(&0_u32.to_ne_bytes(), request.as_bytes(), MapFlags::ANY)
        .map_err(bpf("ask the task iterator"))?;
    let link = Link::open(kernel.options.pin_dir.join("links").join("trust_tasks"))
        .map_err(bpf("open the task iterator"))?;
    let mut bytes = Vec::new();
    Iter::new(&link)
        .map_err(bpf("start the task iterator"))?
        .read_to_end(&mut bytes)
        .map_err(io("read the task iterator"))?;
    let mut tasks = Vec::new();
    for chunk in bytes.chunks(size_of::<Task>()) {
        let t =
            Task::read_from_bytes(chunk).map_err(|_| Error::Layout("a task has another size"))?;
        let comm = t
            .comm
            .split(|&b| b == 0)
            .next()
            .unwrap_or_default()
            .to_vec();
        tasks.push(TaskInfo {
            tgid: t.tgid,
            tid: t.tid,
            comm,
            label: t.label,
            trust: (t.trust.bits != 0).then(|| Box::new(t.trust)),
            start_ns: t.start_ns,
        });
    }
    Ok(tasks)
}

pub(crate) fn list(kernel: &Kernel) -> Result<Vec<TaskInfo>, Error> {
    let _lock = lock()?;
    list_locked(kernel)
}

/// For those that hold the lock.
pub(crate) fn list_locked(kernel: &Kernel) -> Result<Vec<TaskInfo>, Error> {
    ask(
        kernel,
        Request {
            ask: ASK_LIST,
            ..Request::default()
        },
    )
}

/// The processes that go on in a domain. For those that hold the lock.
pub(crate) fn members_locked(kernel: &Kernel, domain: u16) -> Result<BTreeSet<u32>, Error> {
    let mut members = BTreeSet::new();
    // Twice: one that forked and ended meanwhile may have been missed with its child.
    for _ in 0..2 {
        let tasks = list_locked(kernel)?;
        let alive =
            |task: &&TaskInfo| task.label.domain == domain && task.label.flags & LABEL_EXITED == 0;
        members.extend(tasks.iter().filter(alive).map(|task| task.tgid));
    }
    Ok(members)
}

/// The iterator matches a number, and when whoever has it started: that the process was alive while that was looked up
/// makes it this process, and no other that is given the number later.
pub(crate) fn change(
    kernel: &Kernel,
    pid: u32,
    ask_for: u32,
    bits: u32,
    seconds: u32,
) -> Result<usize, Error> {
    let raw = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .ok_or(Error::NoSuchProcess(pid))?;
    let pidfd = pidfd_open(raw, PidfdFlags::empty()).map_err(|_| Error::NoSuchProcess(pid))?;
    let _lock = lock()?;
    let find = Request {
        ask: ASK_FIND,
        tgid: pid,
        ..Request::default()
    };
    let start_ns = ask(kernel, find)?
        .iter()
        .find(|task| task.tid == pid)
        .map(|leader| leader.start_ns);
    let start_ns = start_ns.ok_or(Error::NoSuchProcess(pid))?;
    if has_ended(&pidfd)? {
        return Err(Error::NoSuchProcess(pid));
    }
    let request = Request {
        ask: ask_for,
        tgid: pid,
        bits,
        seconds,
        start_ns,
    };
    match ask(kernel, request)?.len() {
        0 => Err(Error::NoSuchProcess(pid)),
        changed => Ok(changed),
    }
}

fn has_ended(pidfd: &OwnedFd) -> Result<bool, Error> {
    let mut fds = [PollFd::new(pidfd, PollFlags::IN)];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let ready = poll(&mut fds, Some(&now)).map_err(|e| io("look at the process")(e.into()))?;
    Ok(ready > 0)
}
