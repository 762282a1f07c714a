// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A domain that does nothing, so that the kernel part stays loaded between days: loading takes long in an emulated
//! machine.

use std::process::{Child, Command, Stdio};

/// Ends with its owner.
#[derive(Debug)]
pub(crate) struct Held(Child);

impl Held {
    pub(crate) fn begin() -> Result<Self, String> {
        Command::new("ambit")
            .args(["run", "--learn", "-q", "--domain", "hold"])
            .args(["-o", "/tmp/hold.map", "--", "sleep", "infinity"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map(Self)
            .map_err(|error| format!("cannot start ambit: {error}"))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // `ambit run` goes and leaves a keeper, which goes when the machine does.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
