// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit trust spread`: the ways, beside fork, in which distrust spreads from one process to another.

use std::fmt::Write;

use ambit_abi::Spread;
use ambit_sensor::{Kernel, LoadOptions, SpreadState};
use serde::Serialize;

use crate::exit::{Failure, Outcome};
use crate::out::{Style, note};
use crate::stdout::{json_line, print};

/// Programs that read scripts, by file name up to the first digit, dot or dash.
const INTERPRETERS: [&str; 32] = [
    "ash", "awk", "bash", "bun", "csh", "dash", "deno", "elvish", "expect", "fish", "gawk",
    "guile", "ksh", "lua", "luajit", "make", "mawk", "mksh", "node", "nodejs", "nu", "perl", "php",
    "pwsh", "pypy", "python", "R", "ruby", "sh", "tclsh", "wish", "zsh",
];
/// Programs that behave as the name they are called by.
const MULTICALL: [&str; 2] = ["busybox", "toybox"];

/// A way that can be switched
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// To a process that an untrusted one traces, or whose memory it can write
    Ptrace,
    /// To a process that an untrusted one sends a signal
    Signal,
    /// To a process that executes a file written by an untrusted one, maps it executable, or reads it as an interpreter
    File,
    /// To a process that receives a descriptor through a socket from an untrusted one
    Descriptor,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Ptrace, Self::Signal, Self::File, Self::Descriptor];

    const fn spread(self) -> Spread {
        match self {
            Self::Ptrace => Spread::Ptrace,
            Self::Signal => Spread::Signal,
            Self::File => Spread::File,
            Self::Descriptor => Spread::Descriptor,
        }
    }
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    /// Switch ways on
    On {
        /// Ways to switch on
        #[arg(required = true)]
        kinds: Vec<Kind>,
        /// With `file`: one more program that reads scripts, by its file name up to the first digit, dot or dash; may be
        /// repeated
        #[arg(long = "interpreter", value_name = "NAME", value_parser = interpreter)]
        interpreters: Vec<String>,
    },
    /// Switch ways off and remove their marks; untrusted processes stay untrusted
    Off {
        /// Ways to switch off [default: all]
        kinds: Vec<Kind>,
    },
}

fn interpreter(name: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_alphabetic() || b"_+".contains(&byte);
    if (1..ambit_abi::INTERPRETER_MAX).contains(&name.len()) && name.bytes().all(plain) {
        Ok(name.to_owned())
    } else {
        Err(
            "give a program's file name up to its first digit, dot or dash: 1 to 15 of A-Z, a-z, `_` and `+`"
                .to_owned(),
        )
    }
}

fn options() -> LoadOptions {
    LoadOptions {
        core: false,
        ..LoadOptions::default()
    }
}

pub(super) fn main(verb: Option<&Verb>, json: bool) -> Result<Outcome, Failure> {
    match verb {
        None => list(json),
        Some(Verb::On {
            kinds,
            interpreters,
        }) => on(kinds, interpreters),
        Some(Verb::Off { kinds }) => off(if kinds.is_empty() { &Kind::ALL } else { kinds }),
    }
}

fn on(kinds: &[Kind], interpreters: &[String]) -> Result<Outcome, Failure> {
    let kernel = Kernel::attach(&options())?;
    if let Err(failure) = switch_on(&kernel, kinds, interpreters) {
        // Unload the kernel part if nothing else uses it.
        let _ = kernel.release();
        return Err(failure);
    }
    Ok(Outcome::SUCCESS)
}

fn switch_on(kernel: &Kernel, kinds: &[Kind], interpreters: &[String]) -> Result<(), Failure> {
    if kinds.contains(&Kind::File) {
        let mut names = INTERPRETERS.map(str::to_owned).to_vec();
        names.extend_from_slice(interpreters);
        kernel.set_interpreters(&names, &MULTICALL.map(str::to_owned))?;
    } else if !interpreters.is_empty() {
        note!("--interpreter has no effect without `file`");
    }
    for kind in kinds {
        let name = kind.spread().name();
        if kernel.spread_on(kind.spread())? {
            note!("distrust now spreads by {name}");
        } else {
            note!("distrust already spreads by {name}");
        }
    }
    Ok(())
}

fn off(kinds: &[Kind]) -> Result<Outcome, Failure> {
    let Some(kernel) = Kernel::open(&options())? else {
        note!("the kernel part is not loaded: distrust spreads by fork only");
        return Ok(Outcome::SUCCESS);
    };
    for kind in kinds {
        let name = kind.spread().name();
        if kernel.spread_off(kind.spread())? {
            note!("distrust no longer spreads by {name}");
        } else if kinds.len() < Kind::ALL.len() {
            note!("distrust did not spread by {name}");
        }
    }
    kernel.release()?;
    Ok(Outcome::SUCCESS)
}

/// One way.
#[derive(Debug, Serialize)]
struct Row {
    kind: &'static str,
    on: bool,
    /// Number of processes that became untrusted by it.
    spread: u64,
    /// Number of files or descriptors that were marked.
    marked: u64,
    /// Number of marks or processes that were lost for lack of memory.
    failed: u64,
    /// Number of program runs that the kernel skipped.
    skipped: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    interpreters: Vec<String>,
}

fn list(json: bool) -> Result<Outcome, Failure> {
    let kernel = Kernel::open(&options())?;
    let states = match &kernel {
        Some(kernel) => kernel.spread()?,
        None => Kind::ALL
            .map(|kind| SpreadState {
                kind: kind.spread(),
                on: false,
                counts: ambit_abi::SpreadCount::default(),
                skipped: 0,
            })
            .to_vec(),
    };
    let mut rows = Vec::new();
    for state in states {
        let interpreters = match &kernel {
            Some(kernel) if state.kind == Spread::File && state.on => kernel.interpreters()?,
            _ => Vec::new(),
        };
        rows.push(Row {
            kind: state.kind.name(),
            on: state.on,
            spread: state.counts.spread,
            marked: state.counts.marked,
            failed: state.counts.failed,
            skipped: state.skipped,
            interpreters,
        });
    }
    if json {
        let lines: Result<Vec<_>, _> = rows.iter().map(json_line).collect();
        return print(&lines?.concat());
    }
    print(&table(&rows, Style::stdout()))
}

fn table(rows: &[Row], style: Style) -> String {
    let head = format!(
        "{:12}{:5}{:>10}{:>10}{:>10}",
        "BY", "", "PROCESSES", "MARKED", "MISSED"
    );
    let mut out = format!("{}\n", style.bold(head));
    for row in rows {
        let _ = writeln!(
            out,
            "{:12}{:5}{:>10}{:>10}{:>10}",
            row.kind,
            if row.on { "on" } else { "off" },
            row.spread,
            row.marked,
            row.failed + row.skipped
        );
    }
    if let Some(row) = rows.iter().find(|row| !row.interpreters.is_empty()) {
        let _ = writeln!(out, "\nread scripts: {}", row.interpreters.join(" "));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interpreter_is_named_as_the_kernel_part_cuts_names() {
        for name in INTERPRETERS.iter().chain(&MULTICALL) {
            assert_eq!(interpreter(name), Ok((*name).to_owned()));
        }
        for name in ["", "python3", "a.out", "x-y", "/bin/sh", "abcdefghijklmnop"] {
            assert!(interpreter(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_row_shows_whether_its_way_is_on() {
        let rows = [Row {
            kind: "file",
            on: true,
            spread: 2,
            marked: 3,
            failed: 1,
            skipped: 4,
            interpreters: vec!["sh".to_owned()],
        }];
        let text = table(&rows, Style::stdout());
        assert!(
            text.contains("file        on            2         3         5"),
            "{text}"
        );
        assert!(text.ends_with("read scripts: sh\n"));
    }
}
