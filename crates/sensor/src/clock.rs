// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Times since boot.

use std::fs;
use std::path::Path;

/// Returns the boot clock in nanoseconds. Two calls of one boot that matter to each other never get the same.
pub(crate) fn boot_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let (seconds, nanoseconds) = (now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs());
    seconds * 1_000_000_000 + nanoseconds
}

/// Returns when a process started, in clock ticks since boot: with its number, that identifies a process. None if it has
/// ended, even if its parent has not waited for it yet.
pub(crate) fn start_time(pid: u32) -> Option<u64> {
    let stat = fs::read(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    // The name is in parentheses and may contain anything, parentheses included.
    let after = stat.iter().rposition(|&b| b == b')')? + 1;
    let rest = String::from_utf8_lossy(stat.get(after..)?).into_owned();
    let mut fields = rest.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_identified_by_number_and_start() {
        let own = start_time(std::process::id());
        assert!(own.is_some());
        assert_eq!(start_time(u32::MAX), None);
    }

    #[test]
    fn a_process_that_has_ended_has_no_start_time_even_before_its_parent_waits() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let ended = || start_time(child.id()).is_none();
        let patience = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while !ended() && std::time::Instant::now() < patience {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        assert!(ended() && Path::new("/proc").join(child.id().to_string()).exists());
        child.wait().unwrap();
    }
}
