// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit doctor`: what this host can enforce, what is missing, and how to get it.

use std::fmt::Write;

use ambit_sensor::{Error, HookCoverage, HookStatus, probe};
use serde::Serialize;

use crate::exit::{Exit, Failure, Outcome};
use crate::out::{Style, json_line, print};

/// Say whether this machine can enforce maps, and if not, what is missing
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status: 0 where enforcing is possible, 2 otherwise.")]
pub(crate) struct Args {
    /// List every hook
    #[arg(long)]
    hooks: bool,
    /// As one JSON object
    #[arg(long)]
    json: bool,
}

/// What was looked at, and what came out.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    found: String,
    /// How to get what is missing.
    help: Option<String>,
}

#[derive(Debug, Serialize)]
struct Host {
    can_enforce: bool,
    kernel: String,
    loaded: bool,
    checks: Vec<Check>,
    hooks: Vec<HookView>,
}

#[derive(Debug, Serialize)]
struct HookView {
    hook: &'static str,
    status: &'static str,
    why: Option<String>,
}

pub(crate) fn main(args: &Args) -> Result<Outcome, Failure> {
    let host = examine(&probe::host());
    if args.json {
        print(&json_line(&host)?)?;
    } else {
        print(&text(&host, args.hooks, Style::stdout()))?;
    }
    Ok(Outcome::Exit(if host.can_enforce {
        Exit::Success
    } else {
        Exit::Trouble
    }))
}

fn examine(report: &probe::Report) -> Host {
    let checks = vec![
        privileges(report),
        btf(report),
        lsm(report),
        bpffs(report),
        preemption(report),
        trial(report),
        hooks(&report.hooks),
    ];
    Host {
        // The BPF file system is mounted on the way, where that is all that is missing.
        can_enforce: checks
            .iter()
            .all(|check| check.ok || check.name == "bpf file system"),
        kernel: report.release.clone(),
        loaded: report.loaded,
        checks,
        hooks: report.hooks.iter().map(HookView::of).collect(),
    }
}

fn privileges(report: &probe::Report) -> Check {
    let missing = &report.missing_capabilities;
    Check {
        name: "privileges",
        ok: missing.is_empty(),
        found: if missing.is_empty() {
            "all that Ambit needs".to_owned()
        } else {
            format!("without {}", missing.join(", "))
        },
        help: (!missing.is_empty()).then(|| "run as root: sudo ambit doctor".to_owned()),
    }
}

fn btf(report: &probe::Report) -> Check {
    Check {
        name: "type information",
        ok: report.btf,
        found: if report.btf {
            "/sys/kernel/btf/vmlinux".to_owned()
        } else {
            "no /sys/kernel/btf/vmlinux".to_owned()
        },
        help: (!report.btf).then(|| {
            "a kernel built with CONFIG_DEBUG_INFO_BTF=y, as distributions' are".to_owned()
        }),
    }
}

fn lsm(report: &probe::Report) -> Check {
    let list = report.lsm.as_deref().unwrap_or_default();
    let (found, help) = match &report.lsm {
        Ok(list) if report.bpf_lsm => (list.clone(), None),
        Ok(list) => (
            format!("`bpf` is not among {list}"),
            Some(format!(
                "add lsm={list},bpf to the kernel's command line and reboot"
            )),
        ),
        Err(why) => (
            format!("/sys/kernel/security/lsm cannot be read: {why}"),
            Some("mount -t securityfs securityfs /sys/kernel/security".to_owned()),
        ),
    };
    Check {
        name: "security modules",
        // What can't be read may be there: the trial load tells.
        ok: report.bpf_lsm || (report.lsm.is_err() && list.is_empty() && report.trial.is_ok()),
        found,
        help,
    }
}

fn bpffs(report: &probe::Report) -> Check {
    Check {
        name: "bpf file system",
        ok: report.bpffs,
        found: if report.bpffs {
            "/sys/fs/bpf".to_owned()
        } else {
            "not mounted at /sys/fs/bpf".to_owned()
        },
        help: (!report.bpffs)
            .then(|| "`ambit run` mounts it, or: mount -t bpf bpf /sys/fs/bpf".to_owned()),
    }
}

fn preemption(report: &probe::Report) -> Check {
    let model = report
        .preemption
        .clone()
        .unwrap_or_else(|| "unknown (debugfs is not mounted)".to_owned());
    Check {
        name: "preemption",
        ok: report.labels_dependable,
        found: model,
        help: (!report.labels_dependable).then(|| {
            "this kernel loses task labels with full preemption: boot it with preempt=voluntary, or use 6.2 and later"
                .to_owned()
        }),
    }
}

fn trial(report: &probe::Report) -> Check {
    let (found, help) = match &report.trial {
        Ok(()) => ("a program was loaded".to_owned(), None),
        Err(Error::Privileges(_)) => (
            "not tried without privileges".to_owned(),
            Some("run as root: sudo ambit doctor".to_owned()),
        ),
        Err(error @ Error::KernelRefuses) => (
            format!("{error}"),
            Some("another machine, or the lab: cargo xtask lab".to_owned()),
        ),
        Err(_) => {
            let text = report.trial.as_ref().err().map(chain).unwrap_or_default();
            (text, None)
        }
    };
    Check {
        name: "loading a program",
        ok: report.trial.is_ok(),
        found,
        help,
    }
}

/// An error and its causes.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}

fn hooks(coverage: &[HookCoverage]) -> Check {
    let of = |wanted: fn(&HookStatus) -> bool| {
        let found = coverage.iter().filter(|hook| wanted(&hook.status));
        found.map(|hook| hook.hook.name()).collect::<Vec<_>>()
    };
    let enforced = of(|status| matches!(status, HookStatus::Enforced)).len();
    let recorded = of(|status| matches!(status, HookStatus::Recorded)).len();
    let missing = of(|status| matches!(status, HookStatus::Unavailable(_)));
    let mut found = format!("{enforced} enforced, {recorded} recorded");
    if !missing.is_empty() {
        let _ = write!(found, ", unavailable: {}", missing.join(", "));
    }
    Check {
        name: "hooks",
        ok: enforced > 0,
        found,
        help: (enforced == 0)
            .then(|| "a kernel with CONFIG_BPF_LSM=y and type information".to_owned()),
    }
}

impl HookView {
    fn of(coverage: &HookCoverage) -> Self {
        let (status, why) = match &coverage.status {
            HookStatus::Enforced => ("enforced", None),
            HookStatus::Recorded => ("recorded", None),
            HookStatus::Unavailable(why) => ("unavailable", Some(why.clone())),
        };
        Self {
            hook: coverage.hook.name(),
            status,
            why,
        }
    }
}

fn text(host: &Host, hooks: bool, style: Style) -> String {
    let mut out = format!("kernel {}\n", ambit_event::escape::line(&host.kernel));
    for check in &host.checks {
        let mark = if check.ok {
            style.green("ok     ")
        } else {
            style.red("missing")
        };
        let _ = writeln!(
            out,
            "{mark}  {:<18}{}",
            check.name,
            ambit_event::escape::line(&check.found)
        );
        if let Some(help) = &check.help {
            let _ = writeln!(
                out,
                "         {:<18}{}",
                "",
                style.yellow(format!("-> {help}"))
            );
        }
    }
    if hooks {
        out.push('\n');
        for hook in &host.hooks {
            let why = hook
                .why
                .as_ref()
                .map_or_else(String::new, |why| format!(" ({why})"));
            let _ = writeln!(out, "{:<12} {}{why}", hook.status, hook.hook);
        }
    }
    let loaded = if host.loaded {
        "The kernel part is loaded: `ambit run` is under way."
    } else {
        "Nothing is loaded at the moment."
    };
    let verdict = if host.can_enforce {
        style.green("This machine can enforce maps.")
    } else {
        style.red("This machine cannot enforce maps.")
    };
    let _ = writeln!(out, "\n{verdict} {loaded}");
    out
}
