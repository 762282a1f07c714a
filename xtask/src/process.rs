// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Other programs: started so that they don't outlive this one, their output kept for when they fail.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, io};

use anyhow::{Context, Result, bail};

use crate::progress::Step;

const TAIL_LINES: usize = 15;

/// A command that gets `signal` when the thread that starts it ends: also after SIGKILL of this program.
///
/// util-linux' `setpriv` does it, since asking the kernel between fork and exec takes unsafe code.
pub(crate) fn bound(program: impl AsRef<OsStr>, signal: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", signal, "--"]).arg(program);
    command
}

/// Returns the path of a program in PATH or in the system's folders for administrators.
pub(crate) fn which(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
}

/// Runs a command to its end. Its output goes to `log`, the last line of it is shown beside `step`.
///
/// # Errors
/// When it can't be started or fails: then the error has the log's tail.
pub(crate) fn run(command: &mut Command, log: &Path, step: &Step) -> Result<()> {
    let name = describe(command);
    let mut file = File::options()
        .create(true)
        .append(true)
        .open(log)
        .with_context(|| format!("cannot write {}", log.display()))?;
    let (reader, writer) = io::pipe().context("cannot make a pipe")?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(writer.try_clone().context("cannot duplicate a pipe")?)
        .stderr(writer)
        .spawn()
        .with_context(|| format!("cannot start {name}"))?;
    // The command still holds the pipe's writing end; the reader would never see the end of it.
    command.stdout(Stdio::null()).stderr(Stdio::null());

    let mut tail = VecDeque::with_capacity(TAIL_LINES);
    for line in BufReader::new(reader).split(b'\n') {
        let line = line.with_context(|| format!("cannot read what {name} says"))?;
        file.write_all(&line)
            .and_then(|()| file.write_all(b"\n"))
            .context("cannot write the log")?;
        let text = String::from_utf8_lossy(&line);
        let text = text
            .rsplit('\r')
            .find(|part| !part.is_empty())
            .unwrap_or_default()
            .to_owned();
        step.detail(&text);
        if tail.len() == TAIL_LINES {
            tail.pop_front();
        }
        tail.push_back(text);
    }
    let status = child
        .wait()
        .with_context(|| format!("cannot wait for {name}"))?;
    if !status.success() {
        let tail: Vec<_> = tail
            .into_iter()
            .map(|line| format!("    {line}\n"))
            .collect();
        bail!(
            "{name} failed ({status}); it said last:\n{}  all of it is in {}",
            tail.concat(),
            log.display()
        );
    }
    Ok(())
}

/// Runs a command and returns its standard output; its standard error is this program's.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>> {
    let name = describe(command);
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {name}"))?;
    if !output.status.success() {
        bail!("{name} failed ({})", output.status);
    }
    Ok(output.stdout)
}

/// The name to call a command by: past the wrapper of [`bound`], without its arguments.
fn describe(command: &Command) -> String {
    let program = command.get_program();
    let inner = command.get_args().skip_while(|&arg| arg != "--").nth(1);
    let name = if program == "setpriv" {
        inner.unwrap_or(program)
    } else {
        program
    };
    Path::new(name)
        .file_name()
        .unwrap_or(name)
        .to_string_lossy()
        .into_owned()
}
