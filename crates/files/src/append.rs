// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Files of lines to which one process after the other appends.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt};

/// Ends the last line of a file if it has no end: its writer was killed or had no space. Without this, the next line would
/// become a part of it, and both could not be read. The file is open for reading and appending.
///
/// # Errors
/// The file cannot be read or written.
pub fn end_last_line(file: &mut File) -> io::Result<()> {
    let Some(last) = file.metadata()?.size().checked_sub(1) else {
        return Ok(());
    };
    let mut byte = [0];
    file.read_exact_at(&mut byte, last)?;
    if byte == *b"\n" {
        return Ok(());
    }
    file.write_all(b"\n")
}
