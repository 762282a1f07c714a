// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Ways to run a program. All but `become` run it in a child and wait for its end.

use std::ffi::CString;
use std::os::fd::{AsRawFd, OwnedFd};

use crate::child::{child, wait};
use crate::memory::memfd;
use crate::outcome::{Done, Failure, Preparing};
use crate::parse::Birth;
use crate::sys::{c, check, errno, open, pipe, read_all, write_all};

unsafe extern "C" {
    static environ: *const *const libc::c_char;
}

pub(crate) fn operation(name: &str, words: &[&[u8]]) -> Option<Done> {
    Some(match (name, words) {
        ("exec", [path, ..]) => in_child(&Image::Path(path), words),
        ("exec-as", [_, path, ..]) => {
            let argv: Vec<&[u8]> = std::iter::once(words[0])
                .chain(words[2..].iter().copied())
                .collect();
            in_child(&Image::Path(path), &argv)
        }
        ("become", [path, ..]) => {
            Argv::new(words).and_then(|argv| Err(Failure::Errno(argv.exec(&Image::Path(path)))))
        }
        ("vfork-exec", [path, ..]) => vfork_exec(path, words),
        ("exec-fd", [path, ..]) => open(path, libc::O_PATH, 0)
            .before("open")
            .and_then(|fd| in_child(&Image::Fd(&fd), words)),
        ("exec-procfd", [path, ..]) => open(path, libc::O_RDONLY, 0)
            .before("open")
            .and_then(|fd| in_child(&Image::ProcFd(&fd), words)),
        ("exec-deleted", [path, ..]) => {
            deleted(path).and_then(|fd| in_child(&Image::Fd(&fd), words))
        }
        ("exec-deleted-procfd", [path, ..]) => {
            deleted(path).and_then(|fd| in_child(&Image::ProcFd(&fd), words))
        }
        // memfd-exec NAME PROGRAM ARG...: a copy of the program, from memory.
        ("memfd-exec", [name, path, ..]) => {
            copy(name, path).and_then(|fd| in_child(&Image::Fd(&fd), &words[1..]))
        }
        _ => return None,
    })
}

/// A program and its arguments.
enum Image<'a> {
    Path(&'a [u8]),
    Fd(&'a OwnedFd),
    ProcFd(&'a OwnedFd),
}

fn deleted(path: &[u8]) -> Result<OwnedFd, Failure> {
    let fd = open(path, libc::O_RDONLY, 0).before("open")?;
    let path = c(path)?;
    // SAFETY: a C string that lives through the call.
    check(unsafe { libc::unlink(path.as_ptr()) }).before("unlink")?;
    Ok(fd)
}

fn copy(name: &[u8], path: &[u8]) -> Result<OwnedFd, Failure> {
    let program = open(path, libc::O_RDONLY, 0).before("open")?;
    let fd = memfd(name).before("memfd")?;
    write_all(&fd, &read_all(&program).before("read")?).before("write")?;
    Ok(fd)
}

/// Arguments in the form of `execve`.
struct Argv {
    strings: Vec<CString>,
}

impl Argv {
    fn new(words: &[&[u8]]) -> Result<Self, Failure> {
        Ok(Self {
            strings: words.iter().map(|word| c(word)).collect::<Result<_, _>>()?,
        })
    }

    fn pointers(&self) -> Vec<*const libc::c_char> {
        self.strings
            .iter()
            .map(|word| word.as_ptr())
            .chain([std::ptr::null()])
            .collect()
    }

    /// Replaces this process. Returns only if that failed.
    fn exec(&self, image: &Image<'_>) -> i32 {
        let argv = self.pointers();
        let (at, path, flags) = match image {
            Image::Path(path) => (libc::AT_FDCWD, path.to_vec(), 0),
            Image::Fd(fd) => (fd.as_raw_fd(), Vec::new(), libc::AT_EMPTY_PATH),
            Image::ProcFd(fd) => (
                libc::AT_FDCWD,
                format!("/proc/self/fd/{}", fd.as_raw_fd()).into_bytes(),
                0,
            ),
        };
        let Ok(path) = CString::new(path) else {
            return libc::EINVAL;
        };
        // SAFETY: C strings and null-terminated arrays of them, all alive; `environ` is the C library's own.
        unsafe {
            libc::syscall(
                libc::SYS_execveat,
                at,
                path.as_ptr(),
                argv.as_ptr(),
                environ,
                flags,
            )
        };
        errno()
    }
}

/// Runs it in a forked child. The child writes the error of exec to a pipe that an exec closes.
fn in_child(image: &Image<'_>, words: &[&[u8]]) -> Done {
    let argv = Argv::new(words)?;
    let (reader, writer) = pipe().before("pipe")?;
    let ended = child(Birth::Fork, &|| {
        let error = argv.exec(image);
        let _ = write_all(&writer, &error.to_ne_bytes());
        127
    });
    drop(writer);
    match <[u8; 4]>::try_from(read_all(&reader)?.as_slice()) {
        Ok(error) => Err(Failure::Errno(i32::from_ne_bytes(error))),
        Err(_) => ended.map(|()| None),
    }
}

/// The input and output of the vforked child, which shares the parent's memory.
struct Vfork<'a> {
    argv: &'a Argv,
    path: &'a [u8],
    error: i32,
}

extern "C" fn vforked(argument: *mut libc::c_void) -> i32 {
    // SAFETY: vfork_exec passes its live `Vfork` and is suspended until this child has exec'd or ended.
    let vfork = unsafe { &mut *argument.cast::<Vfork<'_>>() };
    vfork.error = vfork.argv.exec(&Image::Path(vfork.path));
    127
}

fn vfork_exec(path: &[u8], words: &[&[u8]]) -> Done {
    let argv = Argv::new(words)?;
    let mut vfork = Vfork {
        argv: &argv,
        path,
        error: 0,
    };
    let mut stack = vec![0_u128; 16384];
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: the child runs `vforked` on a stack of its own while this thread is suspended; both outlive it.
    let pid = unsafe {
        let top = stack.as_mut_ptr().add(stack.len());
        libc::clone(vforked, top.cast(), flags, (&raw mut vfork).cast())
    };
    let ended = wait(check(pid)? as i32);
    if vfork.error == 0 {
        ended.map(|()| None)
    } else {
        Err(Failure::Errno(vfork.error))
    }
}
