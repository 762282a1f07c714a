// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit trust ls`: one row per process.

use std::collections::BTreeMap;

use ambit_sensor::TaskInfo;

use super::row::{Row, View};
use super::table::table;
use crate::exit::{Failure, Outcome};
use crate::out::{Style, note};
use crate::stdout::{json_line, print};

pub(super) fn main(all: bool, verbose: bool, json: bool) -> Result<Outcome, Failure> {
    let Some(kernel) = super::open()? else {
        note!("the kernel part is not loaded: no domain is running and no rules are active");
        return Ok(Outcome::SUCCESS);
    };
    let domains = kernel
        .domains()?
        .into_iter()
        .map(|domain| (domain.id, domain.name))
        .collect();
    let mut view = View::new(domains, ambit_hoststate::TrustSources::read()?);
    let mut processes: BTreeMap<u32, Vec<TaskInfo>> = BTreeMap::new();
    for task in kernel.tasks()? {
        processes.entry(task.tgid).or_default().push(task);
    }
    let rows: Vec<Row> = processes
        .into_values()
        .filter_map(|threads| view.row(&threads))
        .filter(|row| !row.trust.is_empty() || (all && row.domain.is_some()))
        .collect();
    if json {
        let lines: Result<Vec<_>, _> = rows.iter().map(json_line).collect();
        return print(&lines?.concat());
    }
    if rows.is_empty() {
        note!(
            "{}",
            if all {
                "no process has a label or is untrusted"
            } else {
                "every process is trusted"
            }
        );
        return Ok(Outcome::SUCCESS);
    }
    print(&table(&rows, verbose, Style::stdout()))
}
