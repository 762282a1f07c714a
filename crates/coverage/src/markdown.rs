// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The text of `docs/coverage.md`, made from the table.

use std::fmt::Write;

use crate::{Decision, KERNELS, Offer, Row, Sums, rows};

const HEAD: &str = "\
<!-- Written by `cargo xtask docs` from crates/coverage; do not edit. -->
# Coverage of LSM hooks

Look up whether Ambit decides an operation: the tables list every Linux Security Modules hook of the tested kernels.
`ambit doctor --hooks` shows the same for the running kernel, and `ambit doctor --canary` tests it.

- **Decided**: the map allows or refuses the named operations.
- **Gated**: the operation occurs unpredictably, so no map has it. Untrusted tasks are refused it if their domain has a
  gate for its family.
- **Labels**: the hook creates or inherits labels of tasks and decides nothing.
- **Left alone**: no program is attached, for the reason given. A reason that claims something about what a task can do names the
  tests of the lab that try it: `cargo xtask lab -- ambit-lab NAME`. The other reasons are about data and labels of other security
  modules, about hooks that only inform, about actions of the kernel itself, or about devices that the lab lacks.

In a kernel's column, `-` means that the kernel has no such hook, and `x` that it attaches no BPF program to it. The level
is the least `coverage` of a domain that includes the hook: `core` or `full`.

";

/// Returns the whole document.
pub fn markdown() -> String {
    let rows = rows();
    let mut out = HEAD.to_owned();
    sums(&rows, &mut out);
    for kind in ["decided", "gated", "labels", "left alone"] {
        let mut title = kind.to_owned();
        if let Some(first) = title.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        let _ = write!(out, "\n## {title}\n\n");
        head(
            &mut out,
            if kind == "left alone" {
                "hook"
            } else {
                "hook | level"
            },
            match kind {
                "decided" | "gated" => "operations",
                "labels" => "purpose",
                _ => "reason",
            },
        );
        for row in rows.iter().filter(|row| row.decision().kind() == kind) {
            line(row, &mut out);
        }
    }
    out
}

fn head(out: &mut String, first: &str, last: &str) {
    let columns = KERNELS.join(" | ");
    let rule = "---|".repeat(KERNELS.len() + 2 + first.matches('|').count());
    let _ = writeln!(out, "| {first} | {columns} | {last} |\n|{rule}");
}

fn sums(rows: &[Row], out: &mut String) {
    let each: Vec<Sums> = (0..KERNELS.len())
        .map(|at| {
            let on = |row: &Row| row.on.get(at).copied().unwrap_or(Offer::Absent);
            Sums::of(rows.iter().map(|row| (row.decision(), on(row))))
        })
        .collect();
    head(out, "kernel", "");
    let mut count = |name: &str, of: fn(&Sums) -> usize| {
        let numbers: Vec<_> = each.iter().map(|sums| of(sums).to_string()).collect();
        let _ = writeln!(out, "| {name} | {} | |", numbers.join(" | "));
    };
    count("decided", |sums| sums.decided);
    count("gated", |sums| sums.gated);
    count("labels", |sums| sums.labels);
    count("left alone", |sums| sums.alone);
    count("of these, refused by the kernel", |sums| sums.refused);
}

/// Returns the names of a reason's tests, in parentheses.
fn tests(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => format!(" (test {one})"),
        all => format!(" (tests {})", all.join(", ")),
    }
}

fn line(row: &Row, out: &mut String) {
    let on = row.on.map(|offer| match offer {
        Offer::Offered => "yes",
        Offer::Refused => "x",
        Offer::Absent => "-",
    });
    let detail = match row.decision() {
        Decision::Decided(ops) | Decision::Gated(ops) => {
            let names: Vec<_> = ops.iter().map(|op| format!("`{op}`")).collect();
            names.join(", ")
        }
        Decision::Alone(reason) => reason.why.to_owned() + &tests(reason.basis.tests()),
        Decision::Labels => row.decision().detail(),
    };
    let _ = writeln!(
        out,
        "| `{}`{} | {} | {} |",
        row.name,
        row.level()
            .map_or_else(String::new, |level| format!(" | {level}")),
        on.join(" | "),
        detail.replace('|', "\\|")
    );
}
