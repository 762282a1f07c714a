// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The common parts of text output: colours, numbers with their nouns, and paths.

use std::fmt;
use std::io::{self, IsTerminal};

/// Colours for a stream: on for a terminal, unless `NO_COLOR` or `TERM=dumb` is set. The default is off.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    on: bool,
}

impl Style {
    /// The style of text for standard output.
    pub fn stdout() -> Self {
        Self::of(&io::stdout())
    }

    /// The style of text for standard error.
    pub fn stderr() -> Self {
        Self::of(&io::stderr())
    }

    fn of(stream: &impl IsTerminal) -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self {
            on: stream.is_terminal() && !unwanted,
        }
    }

    /// Returns the text in bold, if colours are on.
    pub fn bold(self, text: impl fmt::Display) -> String {
        self.paint("1", text)
    }

    /// Returns the text in red, if colours are on.
    pub fn red(self, text: impl fmt::Display) -> String {
        self.paint("31", text)
    }

    /// Returns the text in green, if colours are on.
    pub fn green(self, text: impl fmt::Display) -> String {
        self.paint("32", text)
    }

    /// Returns the text in yellow, if colours are on.
    pub fn yellow(self, text: impl fmt::Display) -> String {
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
pub fn count(number: impl TryInto<u64>, one: &str) -> String {
    match number.try_into() {
        Ok(1) => format!("1 {one}"),
        Ok(number) => format!("{number} {one}s"),
        Err(_) => format!("many {one}s"),
    }
}

/// Returns how many things were kept, with their noun, after "at least" if others were not kept.
pub fn kept(number: impl TryInto<u64>, dropped: u64, one: &str) -> String {
    let least = if dropped > 0 { "at least " } else { "" };
    format!("{least}{}", count(number, one))
}

/// Returns a path as text without control characters.
pub fn shown(path: impl AsRef<std::ffi::OsStr>) -> String {
    ambit_event::escape::name(path.as_ref().as_encoded_bytes())
}
