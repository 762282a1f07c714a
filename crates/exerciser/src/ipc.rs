// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Operations on System V IPC. Each removes the object that it created, if a hook does not refuse that.

use std::ptr::null_mut;

use crate::child::{start, wait};
use crate::outcome::{Done, Failure, Preparing};
use crate::sys::{call, check, number};

const SIZE: usize = 4096;
/// `shmat(2)`: map executable.
const SHM_EXEC: i32 = 0o100_000;

pub(crate) fn operation(name: &str, words: &[&[u8]]) -> Option<Done> {
    let private = libc::IPC_PRIVATE;
    Some(match (name, words) {
        ("shm-create", []) => Shm::get(private).map(|_| None),
        ("shm-create", [key]) => number(key).and_then(|key| Shm::get(key).map(|_| None)),
        ("shm-find", [key]) => number(key).and_then(find),
        ("shm-attach", []) => attach(0),
        ("shm-attach-exec", []) => attach(SHM_EXEC),
        ("shm-remove", []) => Shm::get(private).before("shmget").and_then(Shm::remove),
        ("sem-create", []) => semaphore(|_| Ok(())),
        ("sem-post", []) => semaphore(|id| {
            let mut up = libc::sembuf {
                sem_num: 0,
                sem_op: 1,
                sem_flg: 0,
            };
            // SAFETY: one operation, which lives longer than the call.
            check(unsafe { libc::semop(id, &raw mut up, 1) }).map(|_| ())
        }),
        ("msg-create", []) => queue(|_| Ok(())),
        ("msg-send", []) => queue(send),
        ("msg-receive", []) => queue(|id| {
            send(id).before("msgsnd")?;
            let mut message = [0_u64; 2];
            // SAFETY: the buffer has room for a type and eight bytes.
            check(
                unsafe { libc::msgrcv(id, message.as_mut_ptr().cast(), 8, 0, libc::IPC_NOWAIT) }
                    as i64,
            )
            .map(|_| ())
        }),
        // The message is sent while this process waits for it.
        ("msg-receive-waiting", []) => queue(receive_waiting),
        _ => return None,
    })
}

/// A shared memory segment.
struct Shm(i32);

impl Shm {
    fn get(key: i32) -> Result<Self, Failure> {
        Ok(Self(
            check(call!(shmget(key, SIZE, libc::IPC_CREAT | 0o600)))? as i32,
        ))
    }

    fn remove(self) -> Done {
        // SAFETY: takes numbers; removing needs no buffer.
        check(unsafe { libc::shmctl(self.0, libc::IPC_RMID, null_mut()) }).map(|_| None)
    }
}

impl Drop for Shm {
    fn drop(&mut self) {
        // SAFETY: as above. It may be removed already.
        unsafe { libc::shmctl(self.0, libc::IPC_RMID, null_mut()) };
    }
}

fn find(key: i32) -> Done {
    check(call!(shmget(key, 0, 0))).map(|_| None)
}

fn attach(flags: i32) -> Done {
    let shm = Shm::get(libc::IPC_PRIVATE).before("shmget")?;
    // SAFETY: the kernel chooses an address at which nothing is mapped.
    let address = unsafe { libc::shmat(shm.0, null_mut(), flags) };
    check(address as i64)?;
    // SAFETY: this function mapped it and does not use it any more.
    unsafe { libc::shmdt(address) };
    Ok(None)
}

fn semaphore(then: impl FnOnce(i32) -> Result<(), Failure>) -> Done {
    let id = check(call!(semget(libc::IPC_PRIVATE, 1, libc::IPC_CREAT | 0o600)))? as i32;
    let result = then(id);
    // SAFETY: takes numbers.
    unsafe { libc::semctl(id, 0, libc::IPC_RMID) };
    result.map(|()| None)
}

fn queue(then: impl FnOnce(i32) -> Result<(), Failure>) -> Done {
    let id = check(call!(msgget(libc::IPC_PRIVATE, libc::IPC_CREAT | 0o600)))? as i32;
    let result = then(id);
    // SAFETY: takes numbers; removing needs no buffer.
    unsafe { libc::msgctl(id, libc::IPC_RMID, null_mut()) };
    result.map(|()| None)
}

/// Receives a message that a child sends once this process sleeps. The child then removes the queue: a receiver that got no
/// message wakes by that, which is EPERM here.
fn receive_waiting(id: i32) -> Result<(), Failure> {
    let own = std::process::id();
    let sender = start(&|| {
        sleeps(own);
        let sent = send(id).is_ok();
        // SAFETY: takes numbers; removing needs no buffer.
        unsafe { libc::msgctl(id, libc::IPC_RMID, null_mut()) };
        i32::from(!sent)
    })
    .before("fork")?;
    let mut message = [0_u64; 2];
    // SAFETY: the buffer has room for a type and eight bytes.
    let received = check(unsafe { libc::msgrcv(id, message.as_mut_ptr().cast(), 8, 0, 0) } as i64);
    wait(sender).before("msgsnd")?;
    match received {
        Ok(_) => Ok(()),
        Err(Failure::Errno(libc::EIDRM)) => Err(Failure::Errno(libc::EPERM)),
        Err(other) => Err(other),
    }
}

/// Waits until a process sleeps.
fn sleeps(pid: u32) {
    let stat = format!("/proc/{pid}/stat");
    while std::fs::read_to_string(&stat).is_ok_and(|stat| {
        stat.rsplit_once(") ")
            .is_some_and(|(_, rest)| !rest.starts_with('S'))
    }) {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

fn send(id: i32) -> Result<(), Failure> {
    let message = [1_u64, 2];
    // SAFETY: a type and eight bytes.
    check(unsafe { libc::msgsnd(id, message.as_ptr().cast(), 8, 0) }).map(|_| ())
}
