// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Results on standard output.

use std::io::{self, Write};

use anyhow::Context;
use serde::Serialize;

use crate::exit::{Exit, Failure, OrExit, Outcome};

/// Prints text to standard output. A closed pipe is not an error.
pub(crate) fn print(text: &str) -> Result<Outcome, Failure> {
    write(text).map(|_| Outcome::SUCCESS)
}

/// Prints text to standard output. Returns false if its reader has closed the pipe.
pub(crate) fn write(text: &str) -> Result<bool, Failure> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        result => result
            .context("writing to standard output")
            .or_exit(Exit::Trouble)
            .map(|()| true),
    }
}

/// A value as one line of JSON.
pub(crate) fn json_line(value: &impl Serialize) -> Result<String, Failure> {
    let mut line = serde_json::to_string(value)
        .context("writing JSON")
        .or_exit(Exit::Trouble)?;
    line.push('\n');
    Ok(line)
}
