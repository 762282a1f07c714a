// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Lists tasks and changes the trust of processes, with a BPF iterator over all tasks.
//!
//! The iterator reads its request from a map and writes each answer to another, so that one process runs it at a time:
//! `locks::tasks`.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Path;

use ambit_abi::{LABEL_EXITED, Label, REQUEST_FIND, REQUEST_LIST, Request, Task, Trust};
use libbpf_rs::{Iter, Link};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use zerocopy::FromBytes;

use crate::error::{Error, bpf, io};
use crate::host::Host;
use crate::locks::{self, Lock};

/// A task that has a label, or that leads a process which lost trust.
#[derive(Clone, Debug)]
pub struct TaskInfo {
    /// The process.
    pub tgid: u32,
    /// The thread.
    pub tid: u32,
    /// The name that the task gave itself. Do not trust it: it may contain any bytes.
    pub comm: Vec<u8>,
    /// Its label; of domain 0 if it has none.
    pub label: Label,
    /// The trust of its process, if the task leads it and it lost some.
    pub trust: Option<Box<Trust>>,
    /// When it started, on `CLOCK_BOOTTIME`.
    pub start_ns: u64,
}

/// The initial pid namespace, `PROC_PID_INIT_INO`.
const PID_NAMESPACE: &str = "pid:[4026531836]";

/// True in the initial pid namespace: there the iterator finds all processes, under the numbers that the kernel part uses.
fn sees_all() -> bool {
    fs::read_link("/proc/self/ns/pid").is_ok_and(|own| own == Path::new(PID_NAMESPACE))
}

/// Runs the iterator with a request. Returns the tasks that match.
fn run(host: &Host, request: Request, _lock: &Lock) -> Result<Vec<TaskInfo>, Error> {
    if !sees_all() {
        return Err(Error::PidNamespace);
    }
    host.requests()?
        .write(&0, &request, "write the request to the task iterator")?;
    let link = Link::open(host.pins().last()).map_err(bpf("open the task iterator"))?;
    let mut bytes = Vec::new();
    Iter::new(&link)
        .map_err(bpf("start the task iterator"))?
        .read_to_end(&mut bytes)
        .map_err(io("read the task iterator"))?;
    bytes.chunks(size_of::<Task>()).map(task).collect()
}

fn task(bytes: &[u8]) -> Result<TaskInfo, Error> {
    let task =
        Task::read_from_bytes(bytes).map_err(|_| Error::Layout("a task has an unexpected size"))?;
    let comm = task.comm.split(|&byte| byte == 0).next();
    Ok(TaskInfo {
        tgid: task.tgid,
        tid: task.tid,
        comm: comm.unwrap_or_default().to_vec(),
        label: task.label,
        trust: (task.trust.bits != 0).then(|| Box::new(task.trust)),
        start_ns: task.start_ns,
    })
}

/// Returns all tasks that have a label or lost trust.
pub(crate) fn list(host: &Host) -> Result<Vec<TaskInfo>, Error> {
    let lock = locks::tasks()?;
    let request = Request {
        kind: REQUEST_LIST,
        ..Request::default()
    };
    run(host, request, &lock)
}

/// Returns the processes that are alive in a domain.
pub(crate) fn members(host: &Host, domain: u16) -> Result<BTreeSet<u32>, Error> {
    let mut members = BTreeSet::new();
    // Twice: the iterator may miss a task that forked and ended meanwhile, and its child.
    for _ in 0..2 {
        let tasks = list(host)?;
        let alive =
            |task: &&TaskInfo| task.label.domain == domain && task.label.flags & LABEL_EXITED == 0;
        members.extend(tasks.iter().filter(alive).map(|task| task.tgid));
    }
    Ok(members)
}

/// Sets or clears trust bits of a process: `kind` is `REQUEST_SET` or `REQUEST_CLEAR`. Returns its number of threads.
///
/// The iterator compares the process's number and start. If the process was alive after its start was looked up, both
/// are its own, and no process that gets the number later is changed.
pub(crate) fn change(
    host: &Host,
    pid: u32,
    kind: u32,
    bits: u32,
    seconds: u32,
) -> Result<usize, Error> {
    let raw = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .ok_or(Error::NoSuchProcess(pid))?;
    let pidfd = pidfd_open(raw, PidfdFlags::empty()).map_err(|_| Error::NoSuchProcess(pid))?;
    let lock = locks::tasks()?;
    let find = Request {
        kind: REQUEST_FIND,
        tgid: pid,
        ..Request::default()
    };
    let start_ns = run(host, find, &lock)?
        .iter()
        .find(|task| task.tid == pid)
        .map(|leader| leader.start_ns)
        .ok_or(Error::NoSuchProcess(pid))?;
    if has_ended(&pidfd)? {
        return Err(Error::NoSuchProcess(pid));
    }
    let request = Request {
        kind,
        tgid: pid,
        bits,
        seconds,
        start_ns,
    };
    match run(host, request, &lock)?.len() {
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
    let ready = poll(&mut fds, Some(&now))
        .map_err(|errno| io("check whether the process is alive")(errno.into()))?;
    Ok(ready > 0)
}
