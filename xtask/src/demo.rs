// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo xtask demo`: Ambit's main job on a small web service, here or in the lab.

use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::lab::{Kernel, Run};
use crate::{build, lab, paths, process};

/// Options of `cargo xtask demo`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Show it in the lab, even if this machine's kernel could
    #[arg(long)]
    lab: bool,
}

/// The programs of the service.
const PROGRAMS: [&str; 4] = ["nginx", "python3", "curl", "bash"];
const LIMIT: Duration = Duration::from_mins(5);

pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    build::ambit()?;
    let folder = paths::workspace().join("xtask/demo");
    if !args.lab && can_here() {
        eprintln!("xtask: this machine's kernel can enforce: the demo runs here");
        let binary = paths::release_binary("ambit").context("ambit is not built")?;
        let path = std::env::var("PATH").unwrap_or_default();
        let dir = binary.parent().unwrap_or(&folder).display();
        let status = Command::new("bash")
            .arg(folder.join("demo.sh"))
            .env("PATH", format!("{dir}:{path}:/usr/sbin:/sbin"))
            .status()
            .context("cannot start bash")?;
        return Ok(ExitCode::from(u8::from(!status.success())));
    }
    lab::prepare_one(Kernel::V6_12)?;
    eprintln!(
        "xtask: the demo runs in a virtual machine with a Debian kernel, emulated and so rather slow"
    );
    let outcome = Run::new(Kernel::V6_12)
        .timeout(Some(LIMIT))
        .with(folder)
        .stream(["bash", "/lab/demo/demo.sh"])?;
    Ok(ExitCode::from(outcome.status))
}

/// True if `ambit doctor` reports that this machine can enforce, and the service's programs are installed.
fn can_here() -> bool {
    let programs = PROGRAMS
        .iter()
        .all(|program| process::which(program).is_some());
    let doctor = || {
        let ambit = paths::release_binary("ambit")?;
        Command::new(ambit)
            .arg("doctor")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .ok()
    };
    programs && doctor().is_some_and(|status| status.success())
}
