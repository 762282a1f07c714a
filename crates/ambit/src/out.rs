// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Writing to standard output and standard error. A closed pipe is not an error.

use std::fmt;
use std::io::{self, Write};

pub(crate) use ambit_report::{Style, count, kept, shown};

/// A line on standard error, with the program's name before it.
macro_rules! note {
    ($($arg:tt)*) => {
        $crate::out::write_note(format_args!($($arg)*))
    };
}
pub(crate) use note;

/// See [`note!`].
pub(crate) fn write_note(text: fmt::Arguments<'_>) {
    write_stderr(format_args!("ambit: {text}"));
}

/// A line on standard error, in one piece.
pub(crate) fn write_stderr(text: fmt::Arguments<'_>) {
    let line = format!("{text}\n");
    // A failure of standard error cannot be reported anywhere.
    let _ = io::stderr().lock().write_all(line.as_bytes());
}

/// Prints warnings with their places on standard error, if there are any.
pub(crate) fn report(warnings: impl fmt::Display) {
    let text = warnings.to_string();
    if !text.is_empty() {
        write_stderr(format_args!("{text}"));
    }
}

/// A value as one line of JSON on standard error.
#[cfg(feature = "kernel")]
pub(crate) fn note_json(value: &impl serde::Serialize) {
    if let Ok(line) = serde_json::to_string(value) {
        write_stderr(format_args!("{line}"));
    }
}
