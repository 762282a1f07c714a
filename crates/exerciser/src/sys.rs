// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Helpers for system calls, used by all operations.

use std::ffi::CString;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use crate::outcome::{Failure, Preparing};

/// Calls a function of the C library that takes numbers and C strings and only reads these.
macro_rules! call {
    ($function:ident($($argument:expr),*)) => {{
        // SAFETY: the arguments are numbers, or pointers to strings of the caller that live longer than the call.
        unsafe { libc::$function($($argument),*) }
    }};
}
pub(crate) use call;

pub(crate) fn errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// Converts the result of a system call that returns -1 and sets errno.
pub(crate) fn check(result: impl Into<i64>) -> Result<i64, Failure> {
    match result.into() {
        -1 => Err(Failure::last()),
        value => Ok(value),
    }
}

/// Owns the descriptor that a system call returned.
pub(crate) fn owned(result: impl Into<i64>) -> Result<OwnedFd, Failure> {
    let fd = check(result)?;
    // SAFETY: the kernel has just created this descriptor, so that nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// Makes a pair of connected unix sockets.
pub(crate) fn pair() -> Result<(OwnedFd, OwnedFd), Failure> {
    let mut ends = [0_i32; 2];
    // SAFETY: the kernel writes two descriptors to a live array.
    check(unsafe {
        libc::socketpair(
            libc::AF_UNIX,
            libc::SOCK_STREAM | libc::SOCK_CLOEXEC,
            0,
            ends.as_mut_ptr(),
        )
    })
    .before("socketpair")?;
    Ok((owned(ends[0])?, owned(ends[1])?))
}

pub(crate) fn c(bytes: &[u8]) -> Result<CString, Failure> {
    CString::new(bytes).map_err(|_| Failure::Usage("a NUL in a path or an argument".to_owned()))
}

pub(crate) fn open(path: &[u8], flags: i32, mode: u32) -> Result<OwnedFd, Failure> {
    let path = c(path)?;
    // SAFETY: the path is a C string that lives through the call.
    owned(unsafe { libc::open(path.as_ptr(), flags | libc::O_CLOEXEC, mode) })
}

/// Creates a pipe that exec closes. Returns the reading end and the writing end.
pub(crate) fn pipe() -> Result<(OwnedFd, OwnedFd), Failure> {
    let mut ends = [0_i32; 2];
    // SAFETY: the kernel writes two descriptors to a live array.
    check(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) })?;
    Ok((owned(ends[0])?, owned(ends[1])?))
}

pub(crate) fn write_all(fd: &impl AsRawFd, mut bytes: &[u8]) -> Result<(), Failure> {
    while !bytes.is_empty() {
        // SAFETY: a live slice and its length.
        let written =
            check(
                unsafe { libc::write(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) } as i64,
            )?;
        bytes = &bytes[written as usize..];
    }
    Ok(())
}

/// Reads from a descriptor until its end.
pub(crate) fn read_all(fd: &impl AsRawFd) -> Result<Vec<u8>, Failure> {
    let mut all = Vec::new();
    let mut buffer = vec![0_u8; 65536];
    loop {
        // SAFETY: a live buffer and its length.
        let read =
            check(
                unsafe { libc::read(fd.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len()) }
                    as i64,
            )?;
        if read == 0 {
            return Ok(all);
        }
        all.extend_from_slice(&buffer[..read as usize]);
    }
}

pub(crate) fn number<T: std::str::FromStr>(bytes: &[u8]) -> Result<T, Failure> {
    std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Failure::Usage(format!("not a number: {}", bytes.escape_ascii())))
}

pub(crate) fn octal(bytes: &[u8]) -> Result<u32, Failure> {
    std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| u32::from_str_radix(text, 8).ok())
        .ok_or_else(|| Failure::Usage(format!("not an octal number: {}", bytes.escape_ascii())))
}

pub(crate) fn hex(bytes: &[u8]) -> Result<u64, Failure> {
    std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| u64::from_str_radix(text.trim_start_matches("0x"), 16).ok())
        .ok_or_else(|| {
            Failure::Usage(format!(
                "not a hexadecimal number: {}",
                bytes.escape_ascii()
            ))
        })
}
