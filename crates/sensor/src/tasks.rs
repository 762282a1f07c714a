// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The operator's view of labels, by the task iterator.

use std::io::Read;
use std::os::fd::AsFd;

use ambit_abi::{ASK_LIST, Label, Request, Task};
use libbpf_rs::{Iter, Link, MapCore, MapFlags};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use zerocopy::{FromBytes, IntoBytes};

use crate::Kernel;
use crate::error::{Error, bpf, io};
use crate::kernel::lock;

/// A labelled task.
#[derive(Clone, Debug)]
pub struct TaskInfo {
    /// The process.
    pub tgid: u32,
    /// The thread.
    pub tid: u32,
    /// Hostile: whatever the task called itself.
    pub comm: Vec<u8>,
    /// What it carries.
    pub label: Label,
}

fn ask(kernel: &Kernel, request: Request) -> Result<Vec<TaskInfo>, Error> {
    let _lock = lock()?;
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
        });
    }
    Ok(tasks)
}

pub(crate) fn list(kernel: &Kernel) -> Result<Vec<TaskInfo>, Error> {
    ask(
        kernel,
        Request {
            ask: ASK_LIST,
            ..Request::default()
        },
    )
}

/// The iterator matches a number; that the process was alive before and after makes it a process.
pub(crate) fn change(kernel: &Kernel, pid: u32, what: u32, bit: u8) -> Result<usize, Error> {
    let raw = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .ok_or(Error::NoSuchProcess(pid))?;
    let pidfd = pidfd_open(raw, PidfdFlags::empty()).map_err(|_| Error::NoSuchProcess(pid))?;
    let changed = ask(
        kernel,
        Request {
            ask: what,
            tgid: pid,
            bit: bit.into(),
            pad: 0,
        },
    )?
    .len();
    let fd = pidfd.as_fd();
    let mut fds = [PollFd::new(&fd, PollFlags::IN)];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    if poll(&mut fds, Some(&now)).map_err(|e| io("look at the process")(e.into()))? > 0 {
        return Err(Error::NoSuchProcess(pid));
    }
    if changed == 0 {
        Err(Error::NotLabelled(pid))
    } else {
        Ok(changed)
    }
}
