// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reasons for leaving a hook alone, and those that several hooks share.

/// Why a hook has no program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The reason, as a text.
    pub why: &'static str,
    /// The evidence for it.
    pub basis: Basis,
}

/// The evidence for a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The reason claims something about what a task can do. These tests of the lab, `suite::name`, try it.
    Tested(&'static [&'static str]),
    /// The hook serves other security modules: their data, their labels, their answers.
    Modules,
    /// The hook only informs: it is called after the decision, or cannot refuse.
    Informs,
    /// The kernel acts by itself; no task has a way to call the hook alone.
    Kernel,
    /// The hook is called for a device that no machine of the lab has.
    Device,
}

impl Basis {
    /// Returns the tests; empty for a reason that no task can try.
    pub const fn tests(self) -> &'static [&'static str] {
        match self {
            Self::Tested(tests) => tests,
            Self::Modules | Self::Informs | Self::Kernel | Self::Device => &[],
        }
    }
}

const fn reason(why: &'static str, basis: Basis) -> Reason {
    Reason { why, basis }
}

pub(crate) const fn tested(why: &'static str, tests: &'static [&'static str]) -> Reason {
    reason(why, Basis::Tested(tests))
}

pub(crate) const fn modules(why: &'static str) -> Reason {
    reason(why, Basis::Modules)
}

pub(crate) const fn informs(why: &'static str) -> Reason {
    reason(why, Basis::Informs)
}

pub(crate) const fn kernel(why: &'static str) -> Reason {
    reason(why, Basis::Kernel)
}

pub(crate) const fn device(why: &'static str) -> Reason {
    reason(why, Basis::Device)
}

pub(crate) const MEMORY: Reason =
    modules("allocates or frees a security module's data of an object; no access is checked here");

pub(crate) const LABELS: Reason =
    modules("for security labels on objects (SELinux, Smack); Ambit has no such labels");

pub(crate) const LOOKING: Reason = tested(
    "reads names, sizes, attributes or links and changes nothing; reading a file's content is decided at file_open",
    &["attacks::looking_at_a_file_changes_nothing_and_does_not_read_it"],
);

pub(crate) const LOOKING_AT_TASKS: Reason = tested(
    "reads an attribute of another task and changes nothing",
    &["attacks::looking_at_a_process_outside_changes_nothing"],
);

pub(crate) const OWN_SOCKET: Reason = tested(
    "reads settings of the task's own socket",
    &["attacks::reading_and_shutting_down_a_socket_of_one_s_own_needs_no_rule"],
);

pub(crate) const PACKETS: Reason = tested(
    "labels of packets and of IPsec associations (SELinux); Ambit has no such labels and decides senders and destinations",
    &[
        "refusals::a_refused_connect_sends_no_packet",
        "refusals::a_refused_datagram_does_not_arrive",
    ],
);

/// Text of the reasons for hooks that a protocol calls by itself.
pub(crate) const PROTOCOL: &str =
    "an action of the protocol itself, not of a task; connect, listen and accept are decided";

pub(crate) const SCTP: Reason = tested(
    PROTOCOL,
    &[
        "attacks::a_connection_by_option_is_refused",
        "attacks::a_connection_by_a_datagram_is_refused",
        "attacks::a_bind_by_option_is_refused",
    ],
);

pub(crate) const BINDER: Reason = tested(
    "Android's binder; its device is decided as file.open and file.ioctl",
    &["attacks::a_command_to_binder_is_refused"],
);

pub(crate) const TOKEN: Reason = tested(
    "a use of a token within bpf(2), decided at bpf whether or not there is a token",
    &[
        "refusals::making_a_bpf_map_is_refused",
        "attacks::loading_a_bpf_program_is_refused",
    ],
);

pub(crate) const FS_CONTEXT: Reason = tested(
    "one step of creating a file system; its type (sb_kern_mount) and mount point (move_mount) are decided",
    &[
        "refusals::creating_a_file_system_by_the_newer_calls_is_refused",
        "refusals::attaching_a_mount_by_the_newer_calls_is_refused",
    ],
);

pub(crate) const TUN: Reason = tested(
    "attaches to a device by an ioctl, decided at file_ioctl; a device without an owner, or of the task's user, requires no capability",
    &[
        "attacks::attaching_to_a_tunnel_of_another_process_is_refused",
        "attacks::attaching_a_queue_to_a_tunnel_is_refused",
    ],
);

/// Tests of the receiver and the number of the signals that descriptors send.
pub(crate) const SIGIO_TESTS: &[&str] = &[
    "attacks::a_descriptor_does_not_signal_a_process_outside",
    "attacks::a_descriptor_s_owner_set_by_ioctl_is_refused",
    "attacks::signals_to_the_foreground_group_of_a_terminal_are_refused",
];

/// Decided as soon as the kernel part has a program for it.
pub(crate) const PENDING: Reason = informs("not decided by this version");
