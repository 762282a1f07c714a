// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Compares the table of hooks with the hooks of the running kernel.

use std::fmt::Write;

use ambit_coverage::{Decision, Offer, Row, Sums, rows};
use ambit_sensor::{KernelHook, probe};
use serde::Serialize;

use super::checks::Check;
use crate::out::Style;

/// The hooks of the running kernel, the hooks of the table that it lacks, and their sums.
#[derive(Debug, Serialize)]
pub(super) struct Coverage {
    decided: usize,
    gated: usize,
    labels: usize,
    left_alone: usize,
    /// Number of these hooks to which the kernel attaches no BPF program; `None` if this was not tried.
    refused: Option<usize>,
    /// Number of hooks of the kernel that the table of this version lacks.
    unknown: usize,
    hooks: Vec<View>,
}

#[derive(Debug, Serialize)]
struct View {
    hook: String,
    /// `decided`, `gated`, `labels`, `left alone` or `unknown`.
    kind: &'static str,
    /// The lowest coverage at which a domain uses the hook: `core` or `full`.
    level: Option<&'static str>,
    /// `offered`, `refused` or `absent`.
    kernel: &'static str,
    /// True if a program is attached now.
    attached: bool,
    /// The operations, or the reason why the hook is left alone.
    detail: String,
}

impl Coverage {
    pub(super) fn new(kernel: &[KernelHook]) -> Self {
        let rows = rows();
        let on = |name: &str| kernel.iter().find(|hook| hook.name == name);
        let offer = |row: &Row| offer(on(row.name));
        let sums = Sums::of(rows.iter().map(|row| (row.decision(), offer(row))));
        let known = rows
            .iter()
            // Hooks that Ambit leaves alone and the kernel lacks are not listed.
            .filter(|row| row.hook().is_some() || offer(row) != Offer::Absent)
            .map(|row| View::of(row, on(row.name)));
        let unknown = kernel
            .iter()
            .filter(|hook| !rows.iter().any(|row| row.name == hook.name))
            .map(View::unknown);
        let mut hooks: Vec<View> = known.chain(unknown).collect();
        hooks.sort_by(|a, b| a.hook.cmp(&b.hook));
        let tried = kernel.iter().any(|hook| hook.attachable.is_some());
        Self {
            decided: sums.decided,
            gated: sums.gated,
            labels: sums.labels,
            left_alone: sums.alone,
            refused: tried.then_some(sums.refused),
            unknown: hooks.iter().filter(|hook| hook.kind == UNKNOWN).count(),
            hooks,
        }
    }

    pub(super) fn check(&self) -> Check {
        let mut found = format!(
            "{} decided, {} gated, {} keep labels, {} left alone",
            self.decided, self.gated, self.labels, self.left_alone
        );
        let ours = |view: &&View| ["decided", "gated", "labels"].contains(&view.kind);
        let missing = self.hooks.iter().filter(ours);
        let missing = missing.filter(|view| view.kernel != "offered");
        list(&mut found, "not in this kernel", missing);
        let unknown = self.hooks.iter().filter(|view| view.kind == UNKNOWN);
        list(&mut found, "not known to this version", unknown);
        let ok = self.decided > 0;
        Check {
            name: "hooks",
            ok,
            found,
            help: (!ok).then(|| "a kernel with CONFIG_BPF_LSM=y and type information".to_owned()),
        }
    }

    /// Returns one line per hook.
    pub(super) fn text(&self, style: Style) -> String {
        let mut out = String::new();
        for view in &self.hooks {
            let word = match (view.kernel, view.attached) {
                ("offered", true) => "attached",
                (kernel, _) => kernel,
            };
            let kind = format!("{:<11}", view.kind);
            let kind = match view.kind {
                "decided" | "gated" => style.green(kind),
                UNKNOWN => style.red(kind),
                _ => kind,
            };
            let name = ambit_event::escape::line(&view.hook);
            let level = view.level.unwrap_or_default();
            let detail = &view.detail;
            let _ = writeln!(out, "{kind} {level:<4} {word:<9} {name:<28} {detail}");
        }
        out
    }
}

const UNKNOWN: &str = "unknown";

fn list<'a>(found: &mut String, what: &str, views: impl Iterator<Item = &'a View>) {
    let names: Vec<_> = views.map(|view| view.hook.as_str()).collect();
    if !names.is_empty() {
        let _ = write!(found, "; {what}: {}", names.join(", "));
    }
}

fn offer(hook: Option<&KernelHook>) -> Offer {
    match hook.map(|hook| hook.attachable) {
        None => Offer::Absent,
        Some(Some(false)) => Offer::Refused,
        Some(_) => Offer::Offered,
    }
}

impl View {
    fn of(row: &Row, kernel: Option<&KernelHook>) -> Self {
        let instead = row.hook().and_then(probe::stand_in);
        let detail = match (kernel, row.decision()) {
            (None, Decision::Decided(_) | Decision::Labels) => {
                instead.unwrap_or("the kernel has no such hook").to_owned()
            }
            (_, decision) => decision.detail(),
        };
        Self {
            hook: row.name.to_owned(),
            kind: row.decision().kind(),
            level: row.level().map(ambit_abi::Coverage::name),
            kernel: match offer(kernel) {
                Offer::Offered => "offered",
                Offer::Refused => "refused",
                Offer::Absent => "absent",
            },
            attached: kernel.is_some_and(|hook| hook.attached),
            detail,
        }
    }

    fn unknown(hook: &KernelHook) -> Self {
        Self {
            hook: hook.name.clone(),
            kind: UNKNOWN,
            level: None,
            kernel: match offer(Some(hook)) {
                Offer::Refused => "refused",
                _ => "offered",
            },
            attached: hook.attached,
            detail: "this kernel is newer than this version of Ambit: nothing is decided here"
                .to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(name: &str, attachable: bool) -> KernelHook {
        KernelHook {
            name: name.to_owned(),
            attachable: Some(attachable),
            attached: attachable,
        }
    }

    #[test]
    fn a_hook_that_this_version_does_not_know_is_named() {
        let coverage = Coverage::new(&[hook("file_open", true), hook("warp_drive_engage", true)]);
        assert_eq!((coverage.decided, coverage.unknown), (1, 1));
        let found = coverage.check().found;
        assert!(
            found.ends_with("not known to this version: warp_drive_engage"),
            "{found}"
        );
    }

    #[test]
    fn a_hook_that_should_decide_and_is_not_there_is_named() {
        let coverage = Coverage::new(&[hook("file_open", true), hook("path_unlink", false)]);
        let found = coverage.check().found;
        assert!(found.contains("not in this kernel: "), "{found}");
        assert!(found.contains("path_unlink"), "{found}");
        assert!(!found.contains("file_open"), "{found}");
        let view = coverage
            .hooks
            .iter()
            .find(|view| view.hook == "path_unlink");
        assert_eq!(view.map(|view| view.kernel), Some("refused"));
    }
}
