// SPDX-License-Identifier: Apache-2.0 OR MIT
//! docs/noise.md: a table of workloads and one of rules that matched, updated row by row.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

const HEAD: &str = "\
# How much the library of rules records

Written by `cargo xtask noise [--kernel 6.1|6.12|7] [WORKLOAD...]`; a run replaces the rows of its workloads. All rules of `rules/` (base,
server, container and device) are active for the whole host while a workload of `tests/fidelity` does its days, without a map and without an
attack. Events are the counts of `ambit rules ls` for all processes of the machine: the workload, the commands that drive it, cron and
other daemons. The workload's preparation (users, keys, configuration) ends before the rules are loaded.

*seconds* are the guest's, which is emulated: a day of a workload is some dozens of operations, not 24 hours. The idle server has no
systemd, because the lab's user land has none; its row lists the daemons, which are started by hand. Its clock starts at 06:14, so that
cron starts its hourly and daily jobs (logrotate, and those that apt, dpkg and other packages install) within the twenty minutes.
";

const WORKLOADS: &str = "\
| workload | activity | kernel | days | seconds | days failed | events | rules that matched | silent |
|---|---|---|---|---|---|---|---|---|
";
const RULES: &str = "\
| rule | workload | events | the first of them |
|---|---|---|---|
";

/// The document with a result's rows in place of its earlier ones.
pub(super) fn updated(before: &str, kernel: &str, result: &Value) -> String {
    let name = result["workload"].as_str().unwrap_or_default();
    let (mut workloads, mut rules) = read(before);
    workloads.insert(name.to_owned(), workload(name, kernel, result));
    rules.retain(|(_, workload), _| workload != name);
    for heard in heard(result) {
        let rule = heard["rule"].as_str().unwrap_or_default();
        let first = heard["first"].as_str().unwrap_or_default();
        let first = first.replace('|', "\\|").replace('`', "'");
        let row = format!("| `{rule}` | {name} | {} | `{first}` |", heard["events"]);
        rules.insert((format!("`{rule}`"), name.to_owned()), row);
    }
    let mut out = HEAD.to_owned();
    for (header, rows) in [
        (WORKLOADS, workloads.values().collect::<Vec<_>>()),
        (RULES, rules.values().collect()),
    ] {
        _ = write!(out, "\n{header}");
        for row in rows {
            _ = writeln!(out, "{row}");
        }
    }
    out
}

/// One line for a person who waits.
pub(super) fn summary(result: &Value) -> String {
    format!(
        "xtask: {}: {} events of {} rules in {} s",
        result["workload"].as_str().unwrap_or_default(),
        events(result),
        heard(result).len(),
        result["seconds"],
    )
}

fn workload(name: &str, kernel: &str, result: &Value) -> String {
    let applied = heard(result).len();
    let all = result["rules"].as_u64().unwrap_or_default();
    format!(
        "| {name} | {} | {kernel} | {} | {} | {} | {} | {applied} | {} |",
        result["about"]
            .as_str()
            .unwrap_or_default()
            .replace('|', "\\|"),
        result["days"],
        result["seconds"],
        result["failed"],
        events(result),
        all.saturating_sub(applied as u64),
    )
}

fn heard(result: &Value) -> &[Value] {
    result["heard"].as_array().map_or(&[], Vec::as_slice)
}

fn events(result: &Value) -> u64 {
    heard(result)
        .iter()
        .filter_map(|row| row["events"].as_u64())
        .sum()
}

/// Rows by workload, and by rule and workload.
type Rows = (BTreeMap<String, String>, BTreeMap<(String, String), String>);

fn read(document: &str) -> Rows {
    let mut rows = Rows::default();
    let mut header = "";
    for line in document.lines().filter(|line| line.starts_with("| ")) {
        let mut cells = line.trim_start_matches("| ").split(" | ");
        let mut cell = || cells.next().unwrap_or_default().to_owned();
        match cell().as_str() {
            "workload" | "rule" => header = line,
            first if header.starts_with("| workload |") => {
                rows.0.insert(first.to_owned(), line.to_owned());
            }
            first => {
                rows.1.insert((first.to_owned(), cell()), line.to_owned());
            }
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn result(workload: &str, events: u32) -> Value {
        json!({
            "workload": workload, "about": "a | b", "days": 3, "failed": 0, "seconds": 60, "rules": 145,
            "heard": [
                {"rule": "kill-of-others", "events": events, "first": "/bin/a via /bin/b: task.signal outside TERM"},
                {"rule": "raw-socket", "events": 1, "first": "x"},
            ],
        })
    }

    #[test]
    fn a_partial_run_updates_its_own_rows_only() {
        let both = updated(
            &updated("", "6.12", &result("web", 7)),
            "6.12",
            &result("db", 8),
        );
        assert!(both.contains("| web | a \\| b | 6.12 | 3 | 60 | 0 | 8 | 2 | 143 |"));
        assert!(both.contains(
            "| `kill-of-others` | web | 7 | `/bin/a via /bin/b: task.signal outside TERM` |"
        ));
        let mut quiet = result("web", 0);
        quiet["heard"] = json!([]);
        let again = updated(&both, "7", &quiet);
        assert!(again.contains("| web | a \\| b | 7 | 3 | 60 | 0 | 0 | 0 | 145 |"));
        assert!(!again.contains("| web | 7 |") && again.contains("| `kill-of-others` | db | 8 |"));
        assert_eq!(updated(&again, "7", &quiet), again);
    }
}
