// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What can keep Ambit from its work, and what an operator can do about it.

use std::io;
use std::path::PathBuf;

use ambit_abi::Hook;

/// Why the kernel part could not be loaded, fed or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Capabilities are missing.
    #[error(
        "missing capabilities: {}; run as root, or grant them (setcap cap_bpf,cap_perfmon,cap_sys_admin+ep, or \
         AmbientCapabilities= in a unit)",
        .0.join(", ")
    )]
    Privileges(Vec<&'static str>),
    /// The kernel has no type information.
    #[error("the kernel has no BTF at /sys/kernel/btf/vmlinux; it needs CONFIG_DEBUG_INFO_BTF=y")]
    NoBtf(#[source] io::Error),
    /// BPF is not among the active security modules.
    #[error(
        "`bpf` is not among the active security modules ({0}); add it to lsm= on the kernel command line, for instance \
         lsm={0},bpf, and reboot"
    )]
    NotInLsmList(String),
    /// The kernel forbids BPF LSM programs whatever the privileges.
    #[error(
        "this kernel refuses to load BPF LSM programs (EPERM with every capability held); a hypervisor's or vendor's \
         policy forbids it, and nothing on this host can change that"
    )]
    KernelRefuses,
    /// The BPF file system cannot be used.
    #[error(
        "cannot use the BPF file system at {path}; mount it with: mount -t bpf bpf /sys/fs/bpf"
    )]
    PinDirectory {
        /// Where pins go.
        path: PathBuf,
        /// What failed.
        #[source]
        source: io::Error,
    },
    /// A program or a map was refused.
    #[error("the kernel refused the kernel part{}{}", program.as_deref().map(|p| format!(" (program {p})")).unwrap_or_default(), tail(log))]
    Load {
        /// The program that was being loaded, where known.
        program: Option<String>,
        /// The end of the verifier's or libbpf's log.
        log: String,
        /// What libbpf said.
        #[source]
        source: libbpf_rs::Error,
    },
    /// Hooks that decide are not there.
    #[error("this kernel does not offer {}; allow that by name to go on without", .0.iter().map(|h| h.name()).collect::<Vec<_>>().join(", "))]
    MissingHooks(Vec<Hook>),
    /// A kernel part of another build is loaded and in use.
    #[error("another version of Ambit is loaded and has domains ({0}); let them end first")]
    OtherVersion(String),
    /// A kernel part of another build has rules loaded.
    #[error("another version of Ambit is loaded and has rules; `ambit rules unload` ends them")]
    OtherVersionHasRules,
    /// A kernel part of another build spreads trust.
    #[error(
        "another version of Ambit is loaded and spreads distrust; `ambit trust spread off` ends that"
    )]
    OtherVersionSpreads,
    /// The kernel refused the program that rules were compiled to; the rules from before still hold.
    #[error(
        "the kernel refused the rules of {hook}; what held before still holds{}",
        tail(log)
    )]
    Rules {
        /// The hook.
        hook: Hook,
        /// The end of the verifier's log.
        log: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// This kernel does not offer a hook that rules need.
    #[error("this kernel has no program for rules of {0}")]
    NoRuleHook(Hook),
    /// More automata than a set has room for.
    #[error("the rules need {0} automata, more than {max}; take fewer rules, or fewer regular expressions", max = ambit_abi::RULE_SLOTS)]
    TooManyAutomata(usize),
    /// Task storage is not dependable.
    #[error(
        "this kernel (before 6.2, with preempt=full) loses task labels under load; boot it with preempt=voluntary"
    )]
    UnsafePreemption,
    /// A domain of that name is alive.
    #[error(
        "a domain named `{name}` is running already{}; choose another name with --domain",
        processes(pids)
    )]
    DomainExists {
        /// Its name.
        name: String,
        /// The processes in it.
        pids: Vec<u32>,
    },
    /// All slots are taken.
    #[error("all {0} domains are in use")]
    TooManyDomains(usize),
    /// The set of points is larger than its map.
    #[error(
        "the map has {points} points, more than the {capacity} there is room for; raise --max-points"
    )]
    SetTooSmall {
        /// Points to be loaded.
        points: usize,
        /// Room.
        capacity: u32,
    },
    /// Two of the map's points have the same key under this boot's secret: one chance in 2^64 for each pair.
    #[error(
        "two points of the map have the same key under this boot's secret; end all that runs under ambit and try again"
    )]
    SameKey,
    /// No such process.
    #[error("there is no process {0}")]
    NoSuchProcess(u32),
    /// This process is in a pid namespace, in which the kernel lists no other processes.
    #[error(
        "in a pid namespace of its own Ambit sees no other processes; run it outside of any container"
    )]
    PidNamespace,
    /// The process is not in a domain.
    #[error("process {0} is not in any domain")]
    NotLabelled(u32),
    /// A BPF operation failed.
    #[error("cannot {doing}")]
    Bpf {
        /// What was attempted.
        doing: &'static str,
        /// What libbpf said.
        #[source]
        source: libbpf_rs::Error,
    },
    /// A system call failed.
    #[error("cannot {doing}")]
    Io {
        /// What was attempted.
        doing: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The kernel part answered in a form that this version does not know.
    #[error("the loaded kernel part has an unexpected layout: {0}")]
    Layout(&'static str),
}

/// The first of the processes, in brackets.
fn processes(pids: &[u32]) -> String {
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

pub(crate) fn bpf(doing: &'static str) -> impl FnOnce(libbpf_rs::Error) -> Error {
    move |source| Error::Bpf { doing, source }
}

pub(crate) fn io(doing: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Io { doing, source }
}
