// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit trust log`: prints the changes that operators made by hand.

use std::fmt::Write;

use ambit_event::escape;
use ambit_hoststate::trust_log::{self, TrustChange, TrustLog};
use anyhow::Context;

use crate::exit::{Exit, Failure, OrExit, Outcome};
use crate::out::{count, note, shown};
use crate::stdout::{json_line, print};

/// Maximum number of processes that a line names; it counts the others.
const NAMED: usize = 4;

pub(super) fn main(json: bool) -> Result<Outcome, Failure> {
    let path = shown(trust_log::path());
    let log = TrustLog::read()
        .with_context(|| format!("cannot read {path} (only root can; use sudo)"))
        .or_exit(Exit::Trouble)?;
    if log.unreadable != 0 {
        note!(
            "{path}: skipped {} that cannot be read",
            count(log.unreadable, "line")
        );
    }
    if json {
        let lines: Result<Vec<_>, _> = log.changes.iter().map(json_line).collect();
        return print(&lines?.concat());
    }
    if log.changes.is_empty() {
        note!("no trust was set or cleared by hand");
        return Ok(Outcome::SUCCESS);
    }
    print(&log.changes.iter().map(line).collect::<String>())
}

fn line(change: &TrustChange) -> String {
    let mut out = format!(
        "{} {} {}",
        change.time,
        change.kind.name(),
        change.sources.join(",")
    );
    if let Some(seconds) = change.seconds {
        let _ = write!(out, " for {seconds} s");
    }
    let named: Vec<String> = change
        .processes
        .iter()
        .take(NAMED)
        .map(|process| {
            let mut text = format!("{} {}", process.pid, process.comm);
            if !process.trust.is_empty() {
                let _ = write!(text, " ({})", process.trust.join(","));
            }
            text
        })
        .collect();
    let _ = write!(out, " of {}", named.join(", "));
    if let Some(more) = change
        .processes
        .len()
        .checked_sub(NAMED)
        .filter(|more| *more != 0)
    {
        let _ = write!(out, " and {more} more");
    }
    if let Some(domain) = &change.domain {
        let _ = write!(out, ", all of domain {domain}");
    }
    let _ = write!(out, ", by uid {}", change.uid);
    if let Some(user) = &change.sudo_user {
        let _ = write!(out, " (sudo by {user})");
    }
    if let Some(failed) = &change.failed {
        let _ = write!(out, ", FAILED: {failed}");
    }
    if let Some(reason) = &change.reason {
        let _ = write!(out, ": {reason}");
    }
    // Root may have written anything to the file.
    let mut out = escape::line(&out);
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use ambit_hoststate::trust_log::{ChangeKind, ChangedProcess};

    #[test]
    fn a_record_is_one_line_even_with_a_newline_in_it() {
        let holder = ChangedProcess {
            pid: 7,
            comm: "sh".into(),
            trust: vec!["model".into()],
        };
        let change = TrustChange {
            time: "T".into(),
            kind: ChangeKind::Clear,
            processes: vec![holder; 6],
            domain: Some("web".into()),
            sources: vec!["all".into()],
            seconds: None,
            reason: Some("a\nb".into()),
            uid: 0,
            sudo_user: Some("ann".into()),
            failed: None,
        };
        assert_eq!(
            line(&change),
            "T clear all of 7 sh (model), 7 sh (model), 7 sh (model), 7 sh (model) and 2 more, all of domain web, \
             by uid 0 (sudo by ann): a\\x0ab\n"
        );
    }
}
