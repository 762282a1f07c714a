// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Operations on the kernel itself, on keys, and on security-relevant attributes of processes and sockets.

use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr::null;

use crate::outcome::{Done, Failure, Preparing};
use crate::sys::{c, call, check, number, open, owned};

pub(crate) fn operation(name: &str, words: &[&[u8]]) -> Option<Done> {
    Some(match (name, words) {
        ("load-module", []) => no_module({
            let (image, options) = ([0_u8; 64], c"");
            let pointer = image.as_ptr();
            call!(syscall(
                libc::SYS_init_module,
                pointer,
                image.len(),
                options.as_ptr()
            ))
        }),
        ("load-module", [path]) => open(path, libc::O_RDONLY, 0).before("open").and_then(|fd| {
            let options = c"";
            no_module(call!(syscall(
                libc::SYS_finit_module,
                fd.as_raw_fd(),
                options.as_ptr(),
                0
            )))
        }),
        ("perf", []) => perf(),
        ("syslog", [action]) => number::<i32>(action).and_then(|action| {
            let mut buffer = [0_u8; 64];
            let pointer = buffer.as_mut_ptr();
            check(call!(syscall(
                libc::SYS_syslog,
                action,
                pointer,
                buffer.len()
            )))
            .map(|_| None)
        }),
        ("settime", []) => settime(),
        ("quota-sync", []) => {
            // Q_SYNC for users: all file systems.
            let (command, nowhere) = (0x0080_0001_u32 << 8, null::<u8>());
            check(call!(syscall(
                libc::SYS_quotactl,
                command,
                nowhere,
                0,
                nowhere
            )))
            .map(|_| None)
        }
        ("userfault", []) => {
            owned(call!(syscall(libc::SYS_userfaultfd, libc::O_CLOEXEC))).map(|_| None)
        }
        ("uring", []) => uring(0),
        ("key-add", [kind, description]) => key(kind, description).map(|_| None),
        ("key-read", [kind, description]) => {
            key(kind, description).before("add_key").and_then(|key| {
                let mut payload = [0_u8; 64];
                let pointer = payload.as_mut_ptr();
                // KEYCTL_READ
                check(call!(syscall(
                    libc::SYS_keyctl,
                    11,
                    key,
                    pointer,
                    payload.len()
                )))
                .map(|_| None)
            })
        }
        ("key-invalidate", [kind, description]) => key(kind, description)
            .before("add_key")
            .and_then(|key| keyctl(KEYCTL_INVALIDATE, key)),
        ("dumpable", [value]) => number::<u64>(value).and_then(|value| {
            check(call!(prctl(libc::PR_SET_DUMPABLE, value, 0, 0, 0))).map(|_| None)
        }),
        ("socket-filter", []) => socket_filter(),
        ("socket-mark", [mark]) => number::<u32>(mark).and_then(socket_mark),
        ("socket-tables", []) => socket_tables(),
        ("tun", []) => tun(),
        ("tun-attach", [name]) => attached(name, 0).map(|_| None),
        ("tun-queue", [name]) => queue(name),
        _ => return None,
    })
}

/// Loads a module of zero bytes. The kernel finds it invalid only after the hook allowed it.
fn no_module(result: libc::c_long) -> Done {
    match check(result) {
        Err(Failure::Errno(libc::ENOEXEC)) | Ok(_) => Ok(None),
        Err(other) => Err(other),
    }
}

fn perf() -> Done {
    // struct perf_event_attr, its first version: 64 bytes; a software clock of this process.
    let mut attributes = [0_u64; 8];
    attributes[0] = 1 | 64 << 32;
    let pointer = attributes.as_ptr();
    owned(call!(syscall(
        libc::SYS_perf_event_open,
        pointer,
        0,
        -1,
        -1,
        8
    )))
    .map(|_| None)
}

/// Sets the clock to its current time.
fn settime() -> Done {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: a live timespec.
    unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut now) };
    // SAFETY: as above.
    check(unsafe { libc::clock_settime(libc::CLOCK_REALTIME, &raw const now) }).map(|_| None)
}

fn uring(flags: u32) -> Done {
    let mut parameters = [0_u32; 30];
    parameters[2] = flags;
    let pointer = parameters.as_mut_ptr();
    owned(call!(syscall(libc::SYS_io_uring_setup, 4, pointer))).map(|_| None)
}

fn key(kind: &[u8], description: &[u8]) -> Result<i64, Failure> {
    const PROCESS_KEYRING: i32 = -2;
    let (kind, description) = (c(kind)?, c(description)?);
    let payload = b"secret".as_ptr();
    check(call!(syscall(
        libc::SYS_add_key,
        kind.as_ptr(),
        description.as_ptr(),
        payload,
        6,
        PROCESS_KEYRING
    )))
}

const KEYCTL_INVALIDATE: i32 = 21;

fn keyctl(command: i32, key: i64) -> Done {
    check(call!(syscall(libc::SYS_keyctl, command, key))).map(|_| None)
}

fn datagram() -> Result<OwnedFd, Failure> {
    owned(call!(socket(
        libc::AF_UNIX,
        libc::SOCK_DGRAM | libc::SOCK_CLOEXEC,
        0
    )))
    .before("socket")
}

fn socket_filter() -> Done {
    let fd = datagram()?;
    // "return 0": drops every packet.
    let mut drop_all = libc::sock_filter {
        code: 6,
        jt: 0,
        jf: 0,
        k: 0,
    };
    let program = libc::sock_fprog {
        len: 1,
        filter: &raw mut drop_all,
    };
    option(&fd, libc::SO_ATTACH_FILTER, &program)
}

fn socket_mark(mark: u32) -> Done {
    option(&datagram()?, libc::SO_MARK, &mark)
}

fn option<T>(fd: &OwnedFd, name: i32, value: &T) -> Done {
    // SAFETY: a live value and its size.
    check(unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            name,
            std::ptr::from_ref(value).cast(),
            size_of::<T>() as u32,
        )
    })
    .map(|_| None)
}

/// Replaces a table of packet filters by nothing, which the kernel finds wrong only after the hook.
fn socket_tables() -> Done {
    const SET_REPLACE: i32 = 64;
    let fd = owned(call!(socket(
        libc::AF_INET,
        libc::SOCK_RAW | libc::SOCK_CLOEXEC,
        libc::IPPROTO_RAW
    )))
    .before("socket")?;
    let nothing = null();
    match check(call!(setsockopt(
        fd.as_raw_fd(),
        libc::SOL_IP,
        SET_REPLACE,
        nothing,
        0
    ))) {
        Err(Failure::Errno(libc::EPERM)) => Err(Failure::Errno(libc::EPERM)),
        _ => Ok(None),
    }
}

/// `struct ifreq`: a name, then flags.
type Request = [u8; 40];

const IFF_TUN: u16 = 1;
const IFF_MULTI_QUEUE: u16 = 0x100;
const IFF_ATTACH_QUEUE: u16 = 0x200;
const IFF_DETACH_QUEUE: u16 = 0x400;

fn request(name: &[u8], flags: u16) -> Request {
    let mut request = [0; 40];
    for (to, from) in request[..15].iter_mut().zip(name) {
        *to = *from;
    }
    request[16..18].copy_from_slice(&flags.to_ne_bytes());
    request
}

/// Attaches to a device, or makes it. The kernel chooses the name if it is empty.
fn attached(name: &[u8], flags: u16) -> Result<OwnedFd, Failure> {
    const TUNSETIFF: libc::c_ulong = 0x4004_54ca;
    let fd = open(b"/dev/net/tun", libc::O_RDWR, 0).before("open")?;
    let mut request = request(name, IFF_TUN | flags);
    // SAFETY: a request of the size that the kernel reads and writes.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), TUNSETIFF, request.as_mut_ptr()) })?;
    Ok(fd)
}

fn tun() -> Done {
    attached(b"", 0).map(|_| None)
}

/// Detaches a queue from a device and attaches it again.
fn queue(name: &[u8]) -> Done {
    const TUNSETQUEUE: libc::c_ulong = 0x4004_54d9;
    let fd = attached(name, IFF_MULTI_QUEUE).before("TUNSETIFF")?;
    for flag in [IFF_DETACH_QUEUE, IFF_ATTACH_QUEUE] {
        let request = request(b"", flag);
        let pointer = request.as_ptr();
        check(call!(ioctl(fd.as_raw_fd(), TUNSETQUEUE, pointer)))?;
    }
    Ok(None)
}
