// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The kernel's preemption model, and whether labels can be relied on with it.

use std::fs::{self, File};
use std::io::{self, Read};

use rustix::fs::{Mode, OFlags, openat};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};

use crate::error::Error;
use crate::facts::{release, version};

/// The model with which BPF programs can be preempted.
const FULL: &str = "full";

/// The texts that tell the model.
#[derive(Debug, Default)]
struct Sources<'t> {
    /// `sched/preempt` of debugfs: the models, the current one in parentheses.
    debugfs: &'t str,
    /// The kernel command line.
    cmdline: &'t str,
    /// `uname -v`.
    version: &'t str,
    /// The options that the kernel was built with.
    config: &'t str,
}

/// Returns the preemption model, if it can be read.
pub(crate) fn model() -> Option<String> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let debugfs = match fs::read_to_string("/sys/kernel/debug/sched/preempt") {
        Ok(text) => text,
        Err(_) => own_debugfs().unwrap_or_default(),
    };
    let release = release();
    let config = [
        format!("/boot/config-{release}"),
        format!("/lib/modules/{release}/config"),
    ];
    let config = config
        .iter()
        .find_map(|path| fs::read_to_string(path).ok())
        .unwrap_or_default();
    model_of(&Sources {
        debugfs: &debugfs,
        cmdline: &read("/proc/cmdline"),
        version: &read("/proc/sys/kernel/version"),
        config: &config,
    })
    .map(str::to_owned)
}

/// Reads the model from a debugfs of this process alone, where the system has none mounted.
fn own_debugfs() -> io::Result<String> {
    let context = fsopen("debugfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(&context)?;
    let mount = fsmount(
        &context,
        FsMountFlags::FSMOUNT_CLOEXEC,
        MountAttrFlags::empty(),
    )?;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let mut text = String::new();
    File::from(openat(mount, "sched/preempt", flags, Mode::empty())?).read_to_string(&mut text)?;
    Ok(text)
}

/// Returns the current model. Without debugfs, the model follows from how the kernel was built: only with `PREEMPT_DYNAMIC` does
/// `preempt=` on its command line have an effect, and the default is the one of its configuration (kernel/sched/core.c,
/// `preempt_dynamic_init`).
fn model_of<'t>(sources: &Sources<'t>) -> Option<&'t str> {
    let in_parentheses = |word: &'t str| word.strip_prefix('(')?.strip_suffix(')');
    if let Some(current) = sources.debugfs.split_whitespace().find_map(in_parentheses) {
        return Some(current);
    }
    let mut built = sources
        .version
        .split_whitespace()
        .filter(|word| word.starts_with("PREEMPT"));
    match built.next() {
        Some("PREEMPT_DYNAMIC") => booted(sources.cmdline).or_else(|| configured(sources.config)),
        Some(_) => Some(FULL),
        None if sources.version.trim().is_empty() => None,
        None => Some("none or voluntary"),
    }
}

/// Returns the model on the command line. The kernel takes the last one that it knows, and leaves what follows `--` to init.
fn booted(cmdline: &str) -> Option<&str> {
    cmdline
        .split_whitespace()
        .take_while(|word| *word != "--")
        .filter_map(|word| word.trim_matches('"').strip_prefix("preempt="))
        .filter(|model| matches!(*model, "none" | "voluntary" | "full" | "lazy"))
        .last()
}

/// Returns the default model of a configuration.
fn configured(config: &str) -> Option<&'static str> {
    config.lines().find_map(|line| match line.trim() {
        "CONFIG_PREEMPT=y" => Some(FULL),
        "CONFIG_PREEMPT_VOLUNTARY=y" => Some("voluntary"),
        "CONFIG_PREEMPT_NONE=y" => Some("none"),
        _ => None,
    })
}

/// True if looking up a task's label always finds it. Before 6.2, the look-up in task storage fails while another program
/// is using the storage on the same CPU, which happens only where BPF programs can be preempted. A model that cannot be read may
/// be that one.
pub(crate) fn labels_dependable(release: &str, model: Option<&str>) -> bool {
    version(release) >= (6, 2) || model.is_some_and(|model| model != FULL)
}

/// Returns an error if labels may be lost on this host.
pub(crate) fn require_labels() -> Result<(), Error> {
    if labels_dependable(&release(), model().as_deref()) {
        Ok(())
    } else {
        Err(Error::UnsafePreemption)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DYNAMIC: &str = "#1 SMP PREEMPT_DYNAMIC Debian 6.1.90-1 (2024-05-03)";

    #[test]
    fn full_and_unknown_preemption_are_refused_before_6_2_only() {
        let old = "6.1.0-56-cloud-amd64";
        assert!(!labels_dependable(old, Some("full")));
        assert!(!labels_dependable(old, None));
        assert!(labels_dependable(old, Some("voluntary")));
        assert!(labels_dependable("6.12.95", Some("full")));
        assert!(labels_dependable("6.12.95", None));
    }

    #[test]
    fn the_current_model_is_the_one_in_parentheses() {
        let of = |debugfs| {
            model_of(&Sources {
                debugfs,
                cmdline: "preempt=full",
                version: DYNAMIC,
                ..Sources::default()
            })
        };
        assert_eq!(of("none (voluntary) full"), Some("voluntary"));
        assert_eq!(of("none voluntary (full) "), Some("full"));
    }

    #[test]
    fn the_command_line_counts_for_a_dynamic_kernel_only() {
        let of = |version, cmdline| {
            model_of(&Sources {
                cmdline,
                version,
                ..Sources::default()
            })
        };
        assert_eq!(of(DYNAMIC, "ro preempt=full"), Some("full"));
        assert_eq!(of(DYNAMIC, "preempt=full preempt=none"), Some("none"));
        assert_eq!(of(DYNAMIC, "preempt=full preempt=typo"), Some("full"));
        assert_eq!(of(DYNAMIC, "ro -- preempt=voluntary"), None);
        let fixed = "#1 SMP PREEMPT Debian";
        assert_eq!(of(fixed, "preempt=voluntary"), Some("full"));
        let real_time = "#1 SMP PREEMPT_RT Debian";
        assert_eq!(of(real_time, "preempt=voluntary"), Some("full"));
        let without = of("#1 SMP Debian", "preempt=full");
        assert_eq!(without, Some("none or voluntary"));
        assert_eq!(of("", "preempt=voluntary"), None);
    }

    #[test]
    fn without_a_word_on_the_command_line_the_configured_default_counts() {
        let of = |config| {
            model_of(&Sources {
                version: DYNAMIC,
                cmdline: "ro quiet",
                config,
                ..Sources::default()
            })
        };
        let full = "CONFIG_PREEMPT_BUILD=y\n# CONFIG_PREEMPT_NONE is not set\nCONFIG_PREEMPT=y\n";
        assert_eq!(of(full), Some("full"));
        assert_eq!(of("CONFIG_PREEMPT_VOLUNTARY=y\n"), Some("voluntary"));
        assert_eq!(of(""), None);
    }
}
