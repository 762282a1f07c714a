// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Commands of bpf(2). Nothing that they make outlives the operation.

use std::os::fd::{AsRawFd, OwnedFd};

use crate::outcome::{Done, Failure, Preparing};
use crate::sys::{call, check, open, owned};

const MAP_CREATE: i32 = 0;
const PROG_LOAD: i32 = 5;
const PROG_NEXT_ID: i32 = 11;
const MAP_NEXT_ID: i32 = 12;
const PROG_BY_ID: i32 = 13;
const MAP_BY_ID: i32 = 14;
const TOKEN_CREATE: i32 = 36;

pub(crate) fn operation(name: &str, words: &[&[u8]]) -> Option<Done> {
    Some(match (name, words) {
        // An array with keys and values of four bytes, one entry.
        ("bpf-map", []) => {
            made(MAP_CREATE, &mut [2_u64 | 4 << 32, 4 | 1 << 32, 0, 0]).map(|_| None)
        }
        ("bpf-prog", []) => program().map(|_| None),
        // The first one that the kernel has.
        ("bpf-map-by-id", []) => by_id(MAP_NEXT_ID, MAP_BY_ID),
        ("bpf-prog-by-id", []) => by_id(PROG_NEXT_ID, PROG_BY_ID),
        ("bpf-token", []) => token(),
        _ => return None,
    })
}

fn bpf(command: i32, attributes: &mut [u64]) -> Result<i64, Failure> {
    let (pointer, size) = (attributes.as_mut_ptr(), size_of_val(attributes));
    check(call!(syscall(libc::SYS_bpf, command, pointer, size)))
}

fn made(command: i32, attributes: &mut [u64]) -> Result<OwnedFd, Failure> {
    bpf(command, attributes).and_then(owned)
}

/// A socket filter of two instructions: `r0 = 0`, `exit`.
fn program() -> Result<OwnedFd, Failure> {
    let (instructions, license) = ([0xb7_u64, 0x95], c"GPL");
    let pointer = instructions.as_ptr() as u64;
    let mut attributes = [1 | 2 << 32, pointer, license.as_ptr() as u64, 0, 0, 0];
    made(PROG_LOAD, &mut attributes)
}

fn by_id(next: i32, get: i32) -> Done {
    // After the number 0; the next number is written beside it.
    let mut attributes = [0_u64; 2];
    bpf(next, &mut attributes).before("next id")?;
    made(get, &mut [attributes[0] >> 32, 0]).map(|_| None)
}

/// The kernel makes no tokens for the first user namespace, which it finds out only after the hook.
fn token() -> Done {
    let folder = open(b"/sys/fs/bpf", libc::O_RDONLY | libc::O_DIRECTORY, 0).before("open")?;
    match made(TOKEN_CREATE, &mut [(folder.as_raw_fd() as u64) << 32]) {
        Err(Failure::Errno(libc::EOPNOTSUPP)) | Ok(_) => Ok(None),
        Err(other) => Err(other),
    }
}
