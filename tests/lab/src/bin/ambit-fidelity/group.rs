// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The control group of a day's tasks: all of them are killed at its end, and it has the figures of their costs.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

const GROUP: &str = "/sys/fs/cgroup/day";
/// Longest time for killed tasks to end.
const END: Duration = Duration::from_secs(30);
/// Time between two attempts to remove the group.
const PAUSE: Duration = Duration::from_millis(20);

/// The costs of a day's tasks, including Ambit's.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    /// Processor time in microseconds. Under icount, a thousand instructions take one.
    pub(crate) micros: u64,
    /// Largest amount of memory in bytes, with files in the cache and what the kernel allocated for these tasks; 0 if it is unknown.
    pub(crate) peak_bytes: u64,
}

/// Begins a new group, whose figures begin at zero, when all tasks of the one before have ended.
pub(crate) fn begin() -> Result<(), String> {
    kill();
    let deadline = Instant::now() + END;
    while Path::new(GROUP).exists() && fs::remove_dir(GROUP).is_err() {
        if Instant::now() > deadline {
            return Err(format!("tasks of the day before do not end: {GROUP}"));
        }
        thread::sleep(PAUSE);
    }
    // Without it, the group says nothing of memory.
    let _ = fs::write("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
    fs::create_dir(GROUP).map_err(|error| format!("cannot create {GROUP}: {error}"))
}

/// Kills all tasks of the group.
pub(crate) fn kill() {
    let _ = fs::write(format!("{GROUP}/cgroup.kill"), "1");
}

/// Returns a command that starts a program in the group; its arguments follow.
pub(crate) fn command() -> Command {
    let mut command = Command::new("bash");
    let enter = format!("echo $$ >{GROUP}/cgroup.procs; exec \"$@\"");
    command.args(["-c", &enter, "day"]);
    command
}

/// Returns the costs of the group so far.
pub(crate) fn cost() -> Cost {
    let read = |name: &str| fs::read_to_string(format!("{GROUP}/{name}")).unwrap_or_default();
    let micros = read("cpu.stat")
        .lines()
        .find_map(|line| line.strip_prefix("usage_usec ")?.trim().parse().ok())
        .unwrap_or_default();
    Cost {
        micros,
        peak_bytes: read("memory.peak").trim().parse().unwrap_or_default(),
    }
}
