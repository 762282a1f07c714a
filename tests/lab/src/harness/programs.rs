// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Counts the BPF programs in the kernel.

/// Environment variable with the number of programs before the first test.
pub(crate) const AT_START: &str = "AMBIT_LAB_PROGRAMS";

/// Returns the number of BPF programs in the kernel, Ambit's and others'.
pub(crate) fn programs() -> usize {
    const PROG_GET_NEXT_ID: i32 = 11;
    // The start of a union bpf_attr: the id to start after, the next one, flags.
    let mut attributes = [0_u32; 3];
    let mut count = 0;
    // SAFETY: the array is live and 12 bytes long; the kernel writes its second word.
    while unsafe { libc::syscall(libc::SYS_bpf, PROG_GET_NEXT_ID, attributes.as_mut_ptr(), 12) }
        == 0
    {
        attributes[0] = attributes[1];
        count += 1;
    }
    count
}

/// Returns the number of programs before the first test.
pub(crate) fn programs_at_start() -> usize {
    let text = std::env::var(AT_START).expect("the suites' process counts programs");
    text.parse().expect("a number")
}
