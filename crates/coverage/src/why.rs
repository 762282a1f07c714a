// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reasons that more than one hook is left alone for.

pub(crate) const MEMORY: &str =
    "makes or frees what security modules keep with an object; nobody asks for anything here";

pub(crate) const LABELS: &str =
    "for security labels on objects (SELinux, Smack), which Ambit has none of";

pub(crate) const LOOKING: &str = "looks at what there is (names, sizes, attributes, links) and changes nothing; \
     reading what is in a file is decided at file_open";

pub(crate) const PACKETS: &str = "labels of packets and of IPsec associations (SELinux), of which Ambit has none; decided is who sends, where to";

pub(crate) const KERNEL_NET: &str =
    "the protocol's own doing, in no task's name; connect, listen and accept are decided";

/// Decided as soon as the kernel part has a program for it.
pub(crate) const PENDING: &str = "not decided by this version";
