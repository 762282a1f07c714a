// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit doctor --canary`: shows which operations were seen and refused.

use std::fmt::Write;

use ambit_canary::{Checked, Error, Status, check_all};
use ambit_sensor::KernelHook;

use crate::exit::{Exit, Failure};
use crate::out::{Style, count};

/// Performs the canary of every operation. Ends this process if a signal asked to end.
pub(super) fn all(offered: &[KernelHook]) -> Result<Vec<Checked>, Failure> {
    check_all(offered).map_err(|error| match error {
        Error::Interrupted(signal) => ambit_launch::die_by(signal),
        Error::Sensor(error) => error.into(),
        error => Failure::new(Exit::Trouble, error),
    })
}

/// Returns a line for each operation, and the sums.
pub(super) fn text(checked: &[Checked], style: Style) -> String {
    let mut out = String::new();
    for one in checked {
        let _ = writeln!(out, "{}", line(one, style));
    }
    let of = |status| checked.iter().filter(|one| one.status == status).count();
    let _ = writeln!(
        out,
        "\n{}: {} seen and refused, {} unseen, {} not refused, {} not tried, {} not in this kernel",
        count(checked.len(), "operation"),
        of(Status::Ok),
        of(Status::Unseen),
        of(Status::Allowed),
        of(Status::Untried),
        of(Status::Absent),
    );
    out
}

fn line(checked: &Checked, style: Style) -> String {
    let word = match checked.status {
        Status::Ok => style.green("ok     "),
        Status::Unseen => style.red("unseen "),
        Status::Allowed => style.red("allowed"),
        Status::Untried => style.yellow("untried"),
        Status::Absent => "absent ".to_owned(),
    };
    let hook = checked.hook.unwrap_or_default();
    let detail = ambit_event::escape::line(checked.detail.as_deref().unwrap_or_default());
    let way = checked.way.map(|way| format!(" ({way})"));
    let operation = format!("{}{}", checked.operation, way.unwrap_or_default());
    let line = format!("{word}  {operation:<18} {hook:<24} {detail}");
    line.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(operation: &'static str, status: Status, why: &str) -> Checked {
        Checked {
            operation,
            way: None,
            status,
            seen: false,
            refused: false,
            hook: None,
            detail: Some(why.to_owned()),
        }
    }

    #[test]
    fn every_operation_has_a_line_and_the_sums_count_them() {
        let checked = [
            without("net.tun", Status::Untried, "no \u{1b}[2Jtunnels"),
            without("file.open", Status::Ok, ""),
        ];
        let text = text(&checked, Style::default());
        assert!(text.starts_with("untried  net.tun "), "{text}");
        assert!(text.ends_with(
            "\n2 operations: 1 seen and refused, 0 unseen, 0 not refused, 1 not tried, 0 not in this kernel\n"
        ));
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}
