// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reasons that several hooks share for being left alone.

pub(crate) const MEMORY: &str =
    "allocates or frees a security module's data of an object; no access is checked here";

pub(crate) const LABELS: &str =
    "for security labels on objects (SELinux, Smack); Ambit has no such labels";

pub(crate) const LOOKING: &str = "reads names, sizes, attributes or links and changes nothing; \
     reading a file's content is decided at file_open";

pub(crate) const PACKETS: &str = "labels of packets and of IPsec associations (SELinux); Ambit has no such labels and decides senders and destinations";

pub(crate) const KERNEL_NET: &str =
    "an action of the protocol itself, not of a task; connect, listen and accept are decided";

/// Decided as soon as the kernel part has a program for it.
pub(crate) const PENDING: &str = "not decided by this version";
