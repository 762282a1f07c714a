// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Why the kernel part cannot be loaded or used, and what an operator can do about it.

use std::io;
use std::path::PathBuf;

use ambit_abi::Hook;

/// Why the kernel part could not be loaded, filled or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Capabilities are missing.
    #[error(
        "missing capabilities: {}; run as root",
        .0.join(", ")
    )]
    Privileges(Vec<&'static str>),
    /// The kernel has no type information.
    #[error("the kernel has no BTF at /sys/kernel/btf/vmlinux; it needs CONFIG_DEBUG_INFO_BTF=y")]
    NoBtf(#[source] io::Error),
    /// BPF is not among the active security modules.
    #[error(
        "`bpf` is not among the active security modules ({active}); add it to lsm= on the kernel command line, for \
         instance lsm={active},bpf, and reboot"
    )]
    NotInLsmList {
        /// The active modules, separated by commas.
        active: String,
    },
    /// The kernel refuses BPF LSM programs even with all capabilities.
    #[error(
        "this kernel refuses to load BPF LSM programs (EPERM, although no capability is missing); a policy of the \
         hypervisor or the vendor forbids it, which cannot be changed on this host"
    )]
    KernelRefuses,
    /// The BPF file system cannot be used.
    #[error(
        "cannot use the BPF file system at {path}; mount it with: mount -t bpf bpf /sys/fs/bpf"
    )]
    PinDirectory {
        /// The pin or its directory.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The pin directory is not root's.
    #[error(
        "{} belongs to the user {uid}, who could remove the pins in it; `ambit run` and `ambit rules load` move it away",
        path.display()
    )]
    ForeignPins {
        /// The pin directory.
        path: PathBuf,
        /// Its owner.
        uid: u32,
    },
    /// The BPF file system lets others move the pin directory.
    #[error(
        "{} belongs to the user {uid} and has the mode {mode:o}, so that others could move the pins; run: \
         chown root {0} && chmod 700 {0}",
        path.display()
    )]
    SharedPins {
        /// The mount point of the BPF file system.
        path: PathBuf,
        /// Its owner.
        uid: u32,
        /// Its permissions.
        mode: u32,
    },
    /// The kernel refused a program or a map.
    #[error("the kernel refused the kernel part{}{}", program.as_deref().map(|p| format!(" (program {p})")).unwrap_or_default(), tail(log))]
    Load {
        /// The program that was being loaded, where known.
        program: Option<String>,
        /// The end of the verifier's or libbpf's log.
        log: String,
        /// libbpf's error.
        #[source]
        source: libbpf_rs::Error,
    },
    /// The kernel lacks hooks that decide.
    #[error(
        "this kernel lacks hooks that Ambit needs: {}; to run without them, add --allow-missing {}",
        names(.0, ", "),
        names(.0, ",")
    )]
    MissingHooks(Vec<Hook>),
    /// A kernel part of another build is loaded and in use.
    #[error(
        "another version of Ambit is loaded and has domains ({}); wait until their tasks have ended, or end them",
        domains.join(", ")
    )]
    OtherVersion {
        /// The names of its domains.
        domains: Vec<String>,
    },
    /// A kernel part of another build has rules loaded.
    #[error("another version of Ambit is loaded and has rules; run `ambit rules unload` first")]
    OtherVersionHasRules,
    /// A kernel part of another build spreads trust.
    #[error(
        "another version of Ambit is loaded and spreads distrust; run `ambit trust spread off` first"
    )]
    OtherVersionSpreads,
    /// The kernel refused the program that rules were compiled to. The rules from before are still active.
    #[error(
        "the kernel refused the rules for {hook}; the rules from before are still active{}",
        tail(log)
    )]
    Rules {
        /// The hook.
        hook: Hook,
        /// The end of the verifier's log.
        log: String,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The object has no program that evaluates rules at a hook.
    #[error("this version of Ambit cannot evaluate rules at the hook {0}")]
    NoRuleHook(Hook),
    /// A set of rules has more automata than it may.
    #[error("the rules need {0} automata, and at most {max} are possible; use fewer rules or fewer regular expressions", max = ambit_abi::RULE_SLOTS)]
    TooManyAutomata(usize),
    /// Looking up task storage may fail on this kernel.
    #[error(
        "this kernel (before 6.2, with preempt=full or a preemption model that cannot be read) may lose task labels under \
         load; boot it with preempt=voluntary, or use 6.2 or later"
    )]
    UnsafePreemption,
    /// A domain with that name exists.
    #[error(
        "a domain named `{name}` is already running{}; choose another name with --domain",
        processes(pids)
    )]
    DomainExists {
        /// Its name.
        name: String,
        /// The processes in it.
        pids: Vec<u32>,
    },
    /// All slots are in use.
    #[error("all {0} domains are in use; wait until one has ended")]
    TooManyDomains(usize),
    /// The set of points is larger than its map.
    #[error(
        "the map has {points} points, and the domain has room for {capacity}; raise --max-points"
    )]
    SetTooSmall {
        /// The number of points.
        points: usize,
        /// The room.
        capacity: u32,
    },
    /// Two points of the map have the same key under the secret of the loaded kernel part: one chance in 2^64 for each pair.
    #[error(
        "two points of the map have the same key under the current secret; end all domains, unload the rules and try \
         again: the kernel part is loaded with a new secret"
    )]
    SameKey,
    /// The process does not exist.
    #[error("there is no process {0}")]
    NoSuchProcess(u32),
    /// This process is in a pid namespace of its own, where the kernel does not list other processes.
    #[error(
        "this process is in a pid namespace, where the processes of the host are not visible; run it outside of containers"
    )]
    PidNamespace,
    /// The directory of Ambit's locks cannot be used.
    #[error(transparent)]
    Files(#[from] ambit_files::Error),
    /// A BPF operation failed.
    #[error("cannot {doing}")]
    Bpf {
        /// Completes "cannot ...".
        doing: &'static str,
        /// libbpf's error.
        #[source]
        source: libbpf_rs::Error,
    },
    /// A system call failed.
    #[error("cannot {doing}")]
    Io {
        /// Completes "cannot ...".
        doing: &'static str,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// A pin, map or value has not the form that this version expects.
    #[error("the loaded kernel part has an unexpected layout: {0}")]
    Layout(&'static str),
}

impl Error {
    /// Returns the messages of libbpf and the verifier, of which the error's text shows the last lines. `None` if the
    /// kernel refused no program and no map, or if there are no messages.
    pub fn log(&self) -> Option<&str> {
        match self {
            Self::Load { log, .. } | Self::Rules { log, .. } => {
                Some(log.as_str()).filter(|log| !log.trim().is_empty())
            }
            _ => None,
        }
    }
}

/// Joins the names of hooks.
fn names(hooks: &[Hook], separator: &str) -> String {
    let names: Vec<_> = hooks.iter().map(|hook| hook.name()).collect();
    names.join(separator)
}

/// Shows the first of the processes in parentheses.
pub(crate) fn processes(pids: &[u32]) -> String {
    const SHOWN: usize = 8;
    if pids.is_empty() {
        return String::new();
    }
    let mut text = pids
        .iter()
        .take(SHOWN)
        .map(u32::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    if pids.len() > SHOWN {
        text.push_str(", ...");
    }
    format!(
        " (process{} {text})",
        if pids.len() == 1 { "" } else { "es" }
    )
}

/// Shows the last lines of a log below the message.
fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().filter(|l| !l.trim().is_empty()).collect();
    let start = lines.len().saturating_sub(12);
    if lines.is_empty() {
        return String::new();
    }
    format!(
        ":\n  {}",
        lines.get(start..).unwrap_or_default().join("\n  ")
    )
}

/// Adds what was attempted to an error of libbpf: `doing` completes "cannot ...".
pub(crate) fn bpf(doing: &'static str) -> impl FnOnce(libbpf_rs::Error) -> Error {
    move |source| Error::Bpf { doing, source }
}

/// Adds what was attempted to an error of the system: `doing` completes "cannot ...".
pub(crate) fn io(doing: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Io { doing, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_shows_the_end_of_the_log_and_all_of_it_can_be_read() {
        let lines: Vec<String> = (0..40).map(|line| format!("line {line}")).collect();
        let log = lines.join("\n");
        let source = io::Error::from(io::ErrorKind::InvalidInput);
        let error = Error::Rules {
            hook: Hook::FileOpen,
            log: log.clone(),
            source,
        };
        let text = error.to_string();
        assert!(
            text.contains("line 39") && !text.contains("line 20"),
            "{text}"
        );
        assert_eq!(error.log(), Some(&*log));
        assert_eq!(Error::OtherVersionHasRules.log(), None);
    }

    #[test]
    fn missing_hooks_are_shown_as_the_flag_takes_them() {
        let error = Error::MissingHooks(vec![Hook::FileOpen, Hook::SocketBind]);
        let text = error.to_string();
        assert!(text.contains("needs: file_open, socket_bind;"), "{text}");
        assert!(
            text.ends_with("--allow-missing file_open,socket_bind"),
            "{text}"
        );
    }
}
