// SPDX-License-Identifier: Apache-2.0 OR MIT
//! An idle domain that keeps the kernel part loaded between days: loading takes long in an emulated machine.

use std::process::{Child, Command, Stdio};

/// Ends with its owner.
#[derive(Debug)]
pub(crate) struct IdleDomain(Child);

impl IdleDomain {
    pub(crate) fn begin() -> Result<Self, String> {
        Command::new("ambit")
            .args(["run", "--learn", "-q", "--domain", "idle"])
            .args(["-o", "/tmp/idle.map", "--", "sleep", "infinity"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map(Self)
            .map_err(|error| format!("cannot start ambit: {error}"))
    }
}

impl Drop for IdleDomain {
    fn drop(&mut self) {
        // `ambit run` exits and leaves a keeper process, which ends with the machine.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
