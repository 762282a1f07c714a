// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How many BPF programs the kernel has.

/// The variable with the number of programs before any test loaded one.
pub(crate) const AT_START: &str = "AMBIT_LAB_PROGRAMS";

/// Returns the number of BPF programs in the kernel, whatever loaded them.
pub(crate) fn programs() -> usize {
    const PROG_GET_NEXT_ID: i32 = 11;
    // The start of a union bpf_attr: the id to start after, the next one, flags.
    let mut attributes = [0_u32; 3];
    let mut count = 0;
    // SAFETY: the size is that of the live array, whose second word the kernel writes.
    while unsafe { libc::syscall(libc::SYS_bpf, PROG_GET_NEXT_ID, attributes.as_mut_ptr(), 12) }
        == 0
    {
        attributes[0] = attributes[1];
        count += 1;
    }
    count
}

/// Returns the number of programs before any test loaded one.
pub(crate) fn programs_at_start() -> usize {
    let text = std::env::var(AT_START).expect("the suites' process counts programs");
    text.parse().expect("a number")
}
