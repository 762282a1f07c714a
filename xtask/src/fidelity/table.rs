// SPDX-License-Identifier: Apache-2.0 OR MIT
//! docs/fidelity.md: two tables for each kernel, of workloads and of attacks, updated row by row.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

const HEAD: &str = "\
# Do learned maps hold?

Written by `cargo xtask fidelity [--kernel 6.1|6.12|7] [WORKLOAD...]`; a run replaces the rows of its workloads. Each workload
of `tests/fidelity` is a real program, driven as in life; inputs, order and timing come from a seed. It learns for five days at full coverage, is
enforced for ten others with other seeds, and is then attacked from inside its own subjects.

- *stable after*: the last training day that added a line to the map. *points*: points that the kernel part learned in all five days.
- *patterns*: proposals of `ambit map generalize` that were applied after learning: their number, all of them neither
  sensitive nor of high risk; then each other one that the workload's owner accepted by name.
- *false refusals*: operations refused on the ten held-out days, each counted once a day; *days failed*: days that did not do their work.
- *learning curve*: the map after so many training days, with the proposals of `ambit map generalize --apply safe`: the held-out days
  on which nothing was outside it, the operations outside it in all of them, and the advice and the chance for the next run that
  `ambit map status` gave before. The held-out days were recorded, and replayed against each of these maps.
- *calibration*: the maps of the learning curves for which `ambit map status` advised `seal`, and for how many of them a held-out day
  brought something new; the share of held-out days that did, and the share that the estimate expected; then the maps for which it
  advised `learn`, and for how many of them no held-out day brought anything.
- *costs* (`--costs`): one and the same day, in a machine that counts instructions: the instructions of the workload alone, in millions, and how
  many times as many it takes with Ambit, the first time that it is learned, the next time, and enforced after it; then the largest amount
  of memory in MiB, with cached files and what the kernel holds for it.
- An attack must have its effect in audit mode, or it proves nothing and is *broken*. *refused first*: in enforce mode the first refused
  operation is the first one that audit recorded as outside the map, and the effect is absent. *changed*: the effect happened in
  spite of refusals. *late*: refused, without effect, at another operation than the first recorded. *within*: every operation of the attack is
  in the map. *undecided*: Ambit does not decide its operations, by design; the reason is in brackets.
";

const WORKLOADS: &str = "\
| workload | activity | stable after | points | map lines | patterns | false refusals | days failed | attacks | refused first | late | changed | within | undecided | broken |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
";
const ATTACKS: &str = "\
| attack | ATT&CK | activity | outcome | first operation outside the map |
|---|---|---|---|---|
";
const REFUSALS: &str = "\
| refused on held-out days | who | operation |
|---|---|---|
";

const CURVES: &str = "\
| learning curve | after 1 day | after 2 | after 3 | after 5 |
|---|---|---|---|---|
";

const COSTS: &str = "\
| costs | alone | learned | learned again | enforced | memory alone | learned | learned again | enforced |
|---|---|---|---|---|---|---|---|---|
";

const CALIBRATION: &str = "\
| calibration | advised to seal | then something new | days with something new | expected | advised to learn | then nothing new |
|---|---|---|---|---|---|---|
";

/// How the tables begin.
const HEADERS: [&str; 6] = [
    "| workload |",
    "| attack |",
    "| refused on",
    "| learning curve |",
    "| calibration |",
    "| costs |",
];

/// The rows of one kernel, by their first cell.
#[derive(Default)]
struct Section {
    workloads: BTreeMap<String, String>,
    attacks: BTreeMap<String, String>,
    refusals: BTreeMap<String, String>,
    curves: BTreeMap<String, String>,
    costs: BTreeMap<String, String>,
}

/// The document with a result's rows in place of its earlier ones.
pub(super) fn updated(before: &str, kernel: &str, result: &Value) -> String {
    let mut sections = read(before);
    let section = sections.entry(kernel.to_owned()).or_default();
    let name = text(result, "workload");
    let own = |cell: &String| cell.split('/').next() == Some(name.as_str());
    section.attacks.retain(|cell, _| !own(cell));
    section.refusals.retain(|cell, _| !own(cell));
    section.workloads.insert(name.clone(), workload(result));
    section.curves.insert(name.clone(), curve(&name, result));
    for attack in list(result, "attacks") {
        let id = format!("{name}/{}", text(attack, "id"));
        section.attacks.insert(id.clone(), attack_row(&id, attack));
    }
    for refusal in list(result, "refused") {
        let (who, rule) = (text(refusal, "who"), text(refusal, "rule"));
        let id = format!("{name}/{who}/{rule}");
        let row = format!("| {name} | {} | {} |", code(&who), code(&rule));
        section.refusals.insert(id, row);
    }
    print(&sections)
}

/// The document with a workload's costs in place of its earlier ones.
pub(super) fn with_costs(before: &str, kernel: &str, result: &Value) -> String {
    let mut sections = read(before);
    let section = sections.entry(kernel.to_owned()).or_default();
    section
        .costs
        .insert(text(result, "workload"), costs(result));
    print(&sections)
}

/// The days of which the costs are compared with a day of the workload alone.
const COMPARED: [&str; 3] = ["learned", "again", "enforced"];

/// How many times as many instructions a day takes as the workload alone.
fn ratio(result: &Value, day: &str) -> String {
    let of = |day: &str| result[day]["million_instructions"].as_f64();
    match (of(day), of("alone")) {
        (Some(day), Some(alone)) if alone > 0.0 => format!("{:.2}", day / alone),
        _ => "unknown".to_owned(),
    }
}

fn costs(result: &Value) -> String {
    let mut row = format!(
        "| {} | {} |",
        text(result, "workload"),
        result["alone"]["million_instructions"]
    );
    for day in COMPARED {
        _ = write!(row, " {} |", ratio(result, day));
    }
    for day in std::iter::once("alone").chain(COMPARED) {
        _ = write!(row, " {} |", result[day]["peak_mib"]);
    }
    row
}

/// One line with the costs of a workload.
pub(super) fn summary_of_costs(result: &Value) -> String {
    format!(
        "xtask: {}: learned {}, again {}, enforced {} times the instructions of the workload alone; {} operations outside the map",
        text(result, "workload"),
        ratio(result, "learned"),
        ratio(result, "again"),
        ratio(result, "enforced"),
        result["outside"],
    )
}

/// One line for a person who waits.
pub(super) fn summary(result: &Value) -> String {
    let attacks = list(result, "attacks");
    format!(
        "xtask: {}: stable after {}, {} lines, {} false refusals; of {} attacks {} refused first",
        text(result, "workload"),
        result["stable"],
        result["lines"],
        result["false_refusals"],
        attacks.len(),
        outcomes(attacks, "refused"),
    )
}

fn workload(result: &Value) -> String {
    let attacks = list(result, "attacks");
    let mut row = format!(
        "| {} | {} |",
        text(result, "workload"),
        cell(&text(result, "about"))
    );
    for name in ["stable", "points", "lines"] {
        _ = write!(row, " {} |", result[name]);
    }
    _ = write!(row, " {}", result["patterns"]);
    for place in list(result, "accepted") {
        _ = write!(row, ", {}", code(place.as_str().unwrap_or_default()));
    }
    row.push_str(" |");
    for name in ["false_refusals", "held_out_failed"] {
        _ = write!(row, " {} |", result[name]);
    }
    _ = write!(row, " {} |", attacks.len());
    for outcome in [
        "refused",
        "late",
        "changed",
        "within",
        "undecided",
        "broken",
    ] {
        _ = write!(row, " {} |", outcomes(attacks, outcome));
    }
    row
}

/// The row of a workload's learning curve.
fn curve(name: &str, result: &Value) -> String {
    let mut row = format!("| {name} |");
    for days in [1, 2, 3, 5] {
        let kept = list(result, "curve")
            .iter()
            .find(|kept| kept["days"] == days);
        let Some(kept) = kept else {
            row.push_str(" |");
            continue;
        };
        let chance = kept["chance"].as_f64().map_or_else(
            || "unknown".to_owned(),
            |chance| format!("{:.0} %", chance * 100.0),
        );
        _ = write!(
            row,
            " {} of {} days, {} outside; {}, {chance} |",
            kept["through"],
            kept["held_out"],
            kept["outside"],
            text(kept, "advice"),
        );
    }
    row
}

/// How often the advice of `ambit map status` was right, over maps of learning curves.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Calibration {
    sealed: u32,
    sealed_then_new: u32,
    days: u32,
    days_with_new: u32,
    /// Sum of the chances that the estimate gave for the held-out days.
    expected: f64,
    learned: u32,
    learned_then_nothing: u32,
}

impl Calibration {
    /// Reads the maps of a learning curve from its row.
    fn of(row: &str) -> Self {
        let mut out = Self::default();
        for cell in row.split('|').skip(2).filter_map(curve_cell) {
            let new = cell.held_out - cell.through;
            if cell.seal {
                out.sealed += 1;
                out.sealed_then_new += u32::from(new > 0);
                out.days += cell.held_out;
                out.days_with_new += new;
                out.expected += cell.chance * f64::from(cell.held_out);
            } else {
                out.learned += 1;
                out.learned_then_nothing += u32::from(new == 0);
            }
        }
        out
    }

    fn add(&mut self, other: Self) {
        self.sealed += other.sealed;
        self.sealed_then_new += other.sealed_then_new;
        self.days += other.days;
        self.days_with_new += other.days_with_new;
        self.expected += other.expected;
        self.learned += other.learned;
        self.learned_then_nothing += other.learned_then_nothing;
    }

    fn row(&self, name: &str) -> String {
        let share = |days: f64| match self.days {
            0 => "none".to_owned(),
            all => format!("{:.0} %", days / f64::from(all) * 100.0),
        };
        format!(
            "| {name} | {} | {} | {} | {} | {} | {} |",
            self.sealed,
            self.sealed_then_new,
            share(self.days_with_new.into()),
            share(self.expected),
            self.learned,
            self.learned_then_nothing
        )
    }
}

/// A map of a learning curve.
struct CurveCell {
    through: u32,
    held_out: u32,
    seal: bool,
    /// The chance for the next run; 1 if it is unknown.
    chance: f64,
}

/// Reads `6 of 10 days, 4 outside; learn, 33 %`.
fn curve_cell(cell: &str) -> Option<CurveCell> {
    let (days, advice) = cell.trim().split_once("; ")?;
    let (through, rest) = days.split_once(" of ")?;
    let (held_out, _) = rest.split_once(" days")?;
    let (advice, chance) = advice.split_once(", ")?;
    let percent = chance.strip_suffix(" %").and_then(|text| text.parse().ok());
    let (through, held_out): (u32, u32) = (through.parse().ok()?, held_out.parse().ok()?);
    (through <= held_out).then(|| CurveCell {
        through,
        held_out,
        seal: advice == "seal",
        chance: percent.map_or(1.0, |percent: f64| percent / 100.0),
    })
}

/// The rows of the calibration: one for each learning curve, and one for all.
fn calibration(curves: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut all = Calibration::default();
    let mut rows = BTreeMap::new();
    for (name, row) in curves {
        let one = Calibration::of(row);
        all.add(one);
        rows.insert(name.clone(), one.row(name));
    }
    if !rows.is_empty() {
        // Behind all names of workloads.
        rows.insert("~".to_owned(), all.row("**all**"));
    }
    rows
}

fn attack_row(id: &str, attack: &Value) -> String {
    let outcome = match text(attack, "outcome").as_str() {
        "refused" => "refused first".to_owned(),
        other => format!("**{other}**"),
    };
    let first = match &attack["first"] {
        Value::Null => "none".to_owned(),
        first => code(&text(first, "rule")),
    };
    let note = text(attack, "note");
    let about = if note.is_empty() {
        text(attack, "about")
    } else {
        format!("{} ({note})", text(attack, "about"))
    };
    format!(
        "| {id} | {} | {} | {outcome} | {first} |",
        text(attack, "technique"),
        cell(&about)
    )
}

fn outcomes(attacks: &[Value], outcome: &str) -> usize {
    attacks
        .iter()
        .filter(|attack| attack["outcome"] == outcome)
        .count()
}

/// The rows that a document has.
fn read(document: &str) -> BTreeMap<String, Section> {
    let mut sections: BTreeMap<String, Section> = BTreeMap::new();
    let mut kernel = String::new();
    let mut header = "";
    for line in document.lines() {
        if let Some(name) = line.strip_prefix("## Linux ") {
            name.clone_into(&mut kernel);
        } else if HEADERS.iter().any(|start| line.starts_with(start)) {
            header = line;
        } else if line.starts_with("| ") && !kernel.is_empty() {
            let section = sections.entry(kernel.clone()).or_default();
            let cells: Vec<_> = line.split(" | ").collect();
            let first = line.trim_start_matches("| ").split(" |").next();
            let first = first.unwrap_or_default().to_owned();
            if header.starts_with("| workload |") {
                section.workloads.insert(first, line.to_owned());
            } else if header.starts_with("| attack |") {
                section.attacks.insert(first, line.to_owned());
            } else if header.starts_with("| calibration |") {
                // Computed from the learning curves.
            } else if header.starts_with("| costs |") {
                section.costs.insert(first, line.to_owned());
            } else if header.starts_with("| learning curve |") {
                section.curves.insert(first, line.to_owned());
            } else {
                let key = format!("{first}/{}", cells.get(1..).unwrap_or_default().join("/"));
                section.refusals.insert(key, line.to_owned());
            }
        }
    }
    sections
}

fn print(sections: &BTreeMap<String, Section>) -> String {
    let mut out = HEAD.to_owned();
    for (kernel, section) in sections {
        _ = write!(
            out,
            "\n## Linux {kernel}\n\n`cargo xtask fidelity --kernel {kernel}`\n\n"
        );
        let calibration = calibration(&section.curves);
        let tables = [
            (WORKLOADS, &section.workloads),
            (CURVES, &section.curves),
            (CALIBRATION, &calibration),
            (COSTS, &section.costs),
            (ATTACKS, &section.attacks),
            (REFUSALS, &section.refusals),
        ];
        let tables = tables.iter().filter(|(_, rows)| !rows.is_empty());
        for (at, (header, rows)) in tables.enumerate() {
            if at > 0 {
                out.push('\n');
            }
            out.push_str(header);
            for row in rows.values() {
                out.push_str(row);
                out.push('\n');
            }
        }
    }
    out
}

/// As code in a table's cell.
fn code(text: &str) -> String {
    format!("`{}`", cell(text).replace('`', "'"))
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn result(workload: &str, lines: u32) -> Value {
        json!({
            "workload": workload, "about": "a | b", "stable": 2, "points": 10, "lines": lines,
            "patterns": 3, "accepted": ["/x/*"],
            "curve": [{ "days": 1, "held_out": 10, "through": 4, "outside": 9, "advice": "learn", "chance": null },
                { "days": 5, "held_out": 10, "through": 10, "outside": 0, "advice": "seal", "chance": 0.2 }],
            "false_refusals": 1, "held_out_failed": 0,
            "refused": [{ "who": "/bin/x", "rule": "file.open r /a" }],
            "attacks": [
                { "id": "shell", "technique": "T1059", "about": "x", "outcome": "refused", "first": { "rule": "exec /bin/sh" } },
                { "id": "own", "technique": "T1565", "about": "y", "outcome": "within", "first": null },
            ],
        })
    }

    #[test]
    fn the_calibration_counts_what_followed_each_advice() {
        let curves = BTreeMap::from([
            (
                "db".to_owned(),
                "| db | 4 of 10 days, 9 outside; seal, 20 % | 10 of 10 days, 0 outside; seal, unknown | | 9 of 10 days, 1 outside; learn, 5 % |".to_owned(),
            ),
            (
                "web".to_owned(),
                "| web | 10 of 10 days, 0 outside; learn, 50 % | | | |".to_owned(),
            ),
        ]);
        let rows: Vec<String> = calibration(&curves).into_values().collect();
        assert_eq!(
            rows,
            [
                "| db | 2 | 1 | 30 % | 60 % | 1 | 0 |",
                "| web | 0 | 0 | none | none | 1 | 1 |",
                "| **all** | 2 | 1 | 30 % | 60 % | 2 | 1 |",
            ]
        );
    }

    #[test]
    fn the_document_is_what_its_rows_print() {
        let path = crate::paths::workspace().join("docs/fidelity.md");
        let document = std::fs::read_to_string(path).unwrap();
        assert_eq!(print(&read(&document)), document);
    }

    #[test]
    fn costs_of_a_workload_stay_when_its_other_rows_change() {
        let cost =
            |instructions, mib| json!({"million_instructions": instructions, "peak_mib": mib});
        let costs = json!({
            "workload": "web", "outside": 0, "alone": cost(200, 10), "learned": cost(500, 14), "again": cost(260, 14),
            "enforced": cost(204, 12),
        });
        let row = "| web | 200 | 2.50 | 1.30 | 1.02 | 10 | 14 | 14 | 12 |";
        let both = updated(&with_costs("", "6.12", &costs), "6.12", &result("web", 7));
        assert!(both.contains(row), "{both}");
        assert_eq!(both.matches("\n| web |").count(), 5);
        assert_eq!(print(&read(&both)), both);
    }

    #[test]
    fn a_partial_run_updates_its_own_rows_only() {
        let both = updated(
            &updated("", "6.1", &result("web", 7)),
            "6.12",
            &result("web", 8),
        );
        let more = updated(&both, "6.1", &result("db", 9));
        assert!(more.contains(
            "| web | a \\| b | 2 | 10 | 7 | 3, `/x/*` | 1 | 0 | 2 | 1 | 0 | 0 | 1 | 0 | 0 |"
        ));
        assert!(more.contains("| db | a \\| b | 2 | 10 | 9 |"));
        assert!(more.contains(
            "| web | 4 of 10 days, 9 outside; learn, unknown | | | 10 of 10 days, 0 outside; seal, 20 % |"
        ));
        assert!(more.contains("| web/shell | T1059 | x | refused first | `exec /bin/sh` |"));
        let again = updated(&more, "6.1", &result("web", 70));
        assert!(again.contains(" 70 |") && !again.contains(" 7 |") && again.contains(" 8 |"));
        assert_eq!(again.matches("| web | `/bin/x` |").count(), 2);
        assert_eq!(updated(&again, "6.1", &result("web", 70)), again);
    }
}
