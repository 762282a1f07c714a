// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Instructions of each BPF program per run, from the kernel's own statistics.
//!
//! The rest of the cost of a hook is the trampoline to the program and back. The numbers include reading the clock once
//! per run.

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use serde_json::{Value, json};

use super::workload::{enforcing, loops};

const SWITCH: &str = "/proc/sys/kernel/bpf_stats_enabled";
const PROG_GET_NEXT_ID: i32 = 11;
const PROG_GET_FD_BY_ID: i32 = 13;
const OBJ_GET_INFO_BY_FD: i32 = 15;
/// Size of `struct bpf_prog_info` up to and including `run_cnt`, and the offsets of `name`, `run_time_ns` and `run_cnt`.
const INFO: usize = 208;
const NAME: std::ops::Range<usize> = 64..80;
const TIME: std::ops::Range<usize> = 192..200;
const RUNS: std::ops::Range<usize> = 200..208;
/// A program that runs less often belongs to the start of a loop, not to the loop. The loop that starts programs has fewer
/// iterations than the others.
fn often(name: &str) -> u64 {
    if name == "fork_exec" { 200 } else { 1000 }
}

/// For each loop, enforcing, the programs that ran in it.
pub(super) fn spent(names: &[&str], map: &str) -> Value {
    fs::write(SWITCH, "1").expect("cannot switch the statistics on");
    let all = names.iter().map(|name| {
        let before = programs();
        loops(&[name], Some(enforcing(map)));
        let mut rows = Vec::new();
        for (id, (program, time, runs)) in programs() {
            let &(_, time_before, runs_before) = before.get(&id).unwrap_or(&(String::new(), 0, 0));
            let runs = runs - runs_before;
            if runs >= often(name) {
                rows.push(
                    json!({"program": program, "runs": runs, "each": (time - time_before) / runs}),
                );
            }
        }
        json!({"loop": name, "programs": rows})
    });
    let all = all.collect();
    fs::write(SWITCH, "0").expect("cannot switch the statistics off");
    all
}

/// All programs that the kernel has: name, time, runs.
fn programs() -> BTreeMap<u32, (String, u64, u64)> {
    let mut found = BTreeMap::new();
    // The start of a union bpf_attr: an id, the next one, flags.
    let mut ids = [0_u32; 3];
    while call(PROG_GET_NEXT_ID, &mut ids) == 0 {
        let id = ids[1];
        let fd = call(PROG_GET_FD_BY_ID, &mut [id, 0, 0]);
        if fd >= 0 {
            // SAFETY: the kernel has just returned this descriptor; nothing else owns it.
            let program = unsafe { OwnedFd::from_raw_fd(fd) };
            found.insert(id, info(&program));
        }
        ids[0] = id;
    }
    found
}

fn info(program: &OwnedFd) -> (String, u64, u64) {
    let mut info = [0_u8; INFO];
    let address = info.as_mut_ptr().expose_provenance() as u64;
    // The same union again: a descriptor, a size, and an address in two halves.
    let halves = address.to_ne_bytes();
    let half = |at: usize| u32::from_ne_bytes(std::array::from_fn(|byte| halves[at + byte]));
    let fd = u32::try_from(program.as_raw_fd()).expect("descriptors are positive");
    let size = u32::try_from(INFO).expect("a small number");
    assert_eq!(
        call(OBJ_GET_INFO_BY_FD, &mut [fd, size, half(0), half(4)]),
        0,
        "no info"
    );
    let number =
        |at: std::ops::Range<usize>| u64::from_ne_bytes(info[at].try_into().expect("eight bytes"));
    let name = info[NAME].split(|&byte| byte == 0).next();
    let name = String::from_utf8_lossy(name.unwrap_or_default()).into_owned();
    (name, number(TIME), number(RUNS))
}

fn call<const N: usize>(command: i32, attributes: &mut [u32; N]) -> i32 {
    // SAFETY: the array is live and has this size; an address in it points to a live buffer of the size given with it.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command,
            attributes.as_mut_ptr(),
            size_of_val(attributes),
        )
    };
    i32::try_from(result).unwrap_or(-1)
}
