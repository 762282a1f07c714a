// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Writing to standard output and standard error. A closed pipe is not an error.

use std::fmt;
use std::io::{self, IsTerminal, Write};

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

/// Colours for a stream: on for a terminal, unless `NO_COLOR` or `TERM=dumb` is set. The default is off.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Style {
    on: bool,
}

impl Style {
    pub(crate) fn stdout() -> Self {
        Self::of(&io::stdout())
    }

    #[cfg(feature = "kernel")]
    pub(crate) fn stderr() -> Self {
        Self::of(&io::stderr())
    }

    fn of(stream: &impl IsTerminal) -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self {
            on: stream.is_terminal() && !unwanted,
        }
    }

    pub(crate) fn bold(self, text: impl fmt::Display) -> String {
        self.paint("1", text)
    }

    pub(crate) fn red(self, text: impl fmt::Display) -> String {
        self.paint("31", text)
    }

    pub(crate) fn green(self, text: impl fmt::Display) -> String {
        self.paint("32", text)
    }

    pub(crate) fn yellow(self, text: impl fmt::Display) -> String {
        self.paint("33", text)
    }

    fn paint(self, code: &str, text: impl fmt::Display) -> String {
        if self.on {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_string()
        }
    }
}

/// Returns a number with its noun, in the plural if needed.
pub(crate) fn count(number: impl TryInto<u64>, one: &str) -> String {
    match number.try_into() {
        Ok(1) => format!("1 {one}"),
        Ok(number) => format!("{number} {one}s"),
        Err(_) => format!("many {one}s"),
    }
}

/// Returns how many things were kept, with their noun, after "at least" if others were not kept.
pub(crate) fn kept(number: impl TryInto<u64>, dropped: u64, one: &str) -> String {
    let least = if dropped > 0 { "at least " } else { "" };
    format!("{least}{}", count(number, one))
}

/// Returns a path as text without control characters.
pub(crate) fn shown(path: impl AsRef<std::ffi::OsStr>) -> String {
    ambit_event::escape::name(path.as_ref().as_encoded_bytes())
}
