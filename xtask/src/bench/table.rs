// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The figures as text tables.

use std::fmt::Write;

use serde_json::Value;

use super::rules;

const SETTINGS: [&str; 7] = [
    "without",
    "unlabelled",
    "learning",
    "enforcing",
    "gated",
    "pattern",
    "audit",
];

pub(super) fn show(result: &Value) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    _ = tables(result, &mut out);
    out
}

fn tables(result: &Value, out: &mut String) -> std::fmt::Result {
    writeln!(out, "\nLinux {}", text(result, "release"))?;
    if result["rows"].is_array() {
        maps(result, out)?;
    }
    if result["rules"].is_object() {
        rules::show(result, out)?;
    }
    if result["learning"].is_array() {
        learning(result, out)?;
    }
    bars(result, out)
}

fn learning(result: &Value, out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "\nWhole jobs, in million instructions of the guest, or waiting (ratio to without)\n"
    )?;
    writeln!(
        out,
        "{:16}{:>20}{:>20}{:>20}",
        "", "without", "first learning run", "the next one"
    )?;
    for row in list(result, "learning") {
        let without = number(row, "without");
        write!(out, "{:16}{:>20.0}", text(row, "job"), without / 1e6)?;
        for name in ["first", "again"] {
            let spent = number(row, name);
            let cell = format!("{:.0} ({:.3})", spent / 1e6, spent / without);
            write!(out, "{cell:>20}")?;
        }
        writeln!(out)?;
    }
    writeln!(out)
}

fn maps(result: &Value, out: &mut String) -> std::fmt::Result {
    writeln!(out, "\nInstructions for one turn (ratio to without)\n")?;
    write!(out, "{:16}", "")?;
    for setting in SETTINGS {
        write!(out, "{setting:>20}")?;
    }
    writeln!(out)?;
    let rows = list(result, "rows");
    let mut names: Vec<_> = rows.iter().map(|row| text(row, "loop")).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        write!(out, "{name:16}")?;
        for setting in SETTINGS {
            let row = rows
                .iter()
                .find(|row| row["loop"] == name && row["setting"] == setting);
            let Some(row) = row else {
                write!(out, "{:>20}", "")?;
                continue;
            };
            let cell = format!(
                "{:.0} ({:.3})",
                number(row, "instructions"),
                number(row, "ratio")
            );
            write!(out, "{cell:>20}")?;
        }
        writeln!(out)?;
    }

    writeln!(
        out,
        "\nWhere the instructions go, enforcing: each BPF program's own for one run\n"
    )?;
    for spent in list(result, "programs") {
        write!(out, "{:16}", text(spent, "loop"))?;
        for program in list(spent, "programs") {
            write!(
                out,
                "  {} {:.0}",
                text(program, "program"),
                number(program, "each")
            )?;
        }
        writeln!(out)?;
    }

    let start = &result["start"];
    let ms = |name| number(start, name) / 1e6;
    writeln!(
        out,
        "\nFrom `ambit run` to the workload's first instruction, map of 1,000 points, in ms of the guest's time (a million \
         instructions,\nor waiting): {:.1} with the kernel part there already, {:.0} with it to be loaded; strace -f: {:.1}",
        ms("loaded"),
        ms("loading"),
        ms("strace"),
    )?;
    let memory = &result["memory"];
    writeln!(
        out,
        "Memory of `ambit run`, map of 1,000 points: {:.0} KiB, at most {:.0} KiB\n",
        number(memory, "resident_kib"),
        number(memory, "peak_kib"),
    )
}

fn bars(result: &Value, out: &mut String) -> std::fmt::Result {
    for bar in list(result, "bars") {
        let reached = if bar["reached"] == true {
            "reached"
        } else {
            "MISSED "
        };
        let (word, limit) = match bar["at_least"].as_f64() {
            Some(limit) => ("at least", limit),
            None => ("at most", number(bar, "at_most")),
        };
        writeln!(
            out,
            "{reached}  {:65} {:>12} ({word} {limit})",
            text(bar, "bar"),
            number(bar, "measured"),
        )?;
    }
    Ok(())
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn number(value: &Value, name: &str) -> f64 {
    value[name].as_f64().unwrap_or(f64::NAN)
}
