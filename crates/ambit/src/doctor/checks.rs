// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The checks of a host, each with the remedy if it fails.

use std::fmt::Write;

use ambit_sensor::{Error, probe};
use serde::Serialize;

/// The result of one check.
#[derive(Debug, Serialize)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) ok: bool,
    pub(super) found: String,
    /// The remedy, if the check failed.
    pub(super) help: Option<String>,
}

/// Returns all checks except the check of the hooks.
pub(super) fn all(report: &probe::Report) -> Vec<Check> {
    vec![
        privileges(report),
        btf(report),
        lsm(report),
        bpffs(report),
        preemption(report),
        trial(report),
    ]
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
        // If the list cannot be read, `bpf` may still be in it: the trial load decides.
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
        .unwrap_or_else(|| "unknown".to_owned());
    Check {
        name: "preemption",
        ok: report.labels_dependable,
        found: model,
        help: (!report.labels_dependable).then(|| {
            "this kernel loses task labels with full preemption, which this may be: boot it with preempt=voluntary, or use 6.2 and later"
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

/// Returns the text of an error and its causes.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}
