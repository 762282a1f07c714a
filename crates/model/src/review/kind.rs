// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The kinds and severities of findings.

use serde::{Serialize, Serializer};

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Usual for most workloads.
    Low,
    /// Useful to an attacker together with something else.
    Medium,
    /// Gives an attacker other programs, other data or lasting effects.
    High,
    /// Equals control of the machine.
    Critical,
}

impl Severity {
    /// Every severity, the least first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// Returns the word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident $name:literal,)*) => {
        /// The kind of a finding.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum FindingKind {
            $($(#[$doc])* $variant,)*
        }

        impl FindingKind {
            /// Every kind, in the order in which findings of one severity are shown.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Returns the word for it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

kinds! {
    /// Operations outside the map are not refused, or not checked at all.
    Unchecked "unchecked",
    /// It can switch Ambit off or change its decisions.
    UndoesAmbit "undoes-ambit",
    /// It can load code into the kernel or configure the kernel.
    Kernel "kernel",
    /// It can use a capability.
    Capability "capability",
    /// It can become another user.
    BecomesUser "becomes-user",
    /// It can make set-user-id programs.
    SetIdFiles "set-id-files",
    /// It can change files that it or others execute.
    WritesCode "writes-code",
    /// It can change sensitive files.
    WritesSensitive "writes-sensitive",
    /// It can use the socket of a powerful service.
    ControlSocket "control-socket",
    /// It can start a shell, an interpreter, or a program that starts others.
    StartsInterpreter "starts-interpreter",
    /// It can read credentials and keys.
    ReadsSecrets "reads-secrets",
    /// It can trace other tasks.
    Traces "traces",
    /// It can change mounts or roots.
    Mounts "mounts",
    /// It can execute memory that it wrote.
    ExecutableMemory "executable-memory",
    /// It can reach wide networks, or offers many ports.
    Network "network",
    /// It can make user namespaces.
    Namespaces "namespaces",
    /// It can use `io_uring`.
    Uring "io-uring",
    /// It can signal tasks outside its domain.
    Signals "signals",
    /// It can type into a terminal.
    Terminal "terminal",
    /// A pattern is wider than the names that were seen.
    WidePattern "wide-pattern",
    /// It runs as root.
    Root "root",
}

impl Serialize for FindingKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
