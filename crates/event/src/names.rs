// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Names of the kernel's numbers, as on Linux x86-64.

use std::fmt;

use ambit_abi as abi;

/// A table of numbers and their names.
pub type Table = [(u32, &'static str)];

/// Trust sources with a fixed name, by their bit. Rules and taps have further bits, named `rule:ID` and `tap:NAME`.
pub const TRUST_SOURCES: [(u32, &str); 4] = [
    (abi::TRUST_MODEL, "model"),
    (abi::TRUST_OPERATOR, "operator"),
    (abi::TRUST_ENGINE, "engine"),
    (abi::TRUST_TAP, "tap"),
];

/// Longest name of a rule or a tap in a trust source, in bytes.
const SOURCE_MAX: usize = 63;

/// True for the name of a trust source: one of [`TRUST_SOURCES`], or `rule:` or `tap:` followed by 1 to 63 of
/// `A-Za-z0-9._-`.
pub fn is_trust_source(name: &str) -> bool {
    let own = ["tap:", "rule:"]
        .iter()
        .find_map(|kind| name.strip_prefix(kind));
    match own {
        None => number_of(&TRUST_SOURCES, name).is_some(),
        Some(own) => {
            (1..=SOURCE_MAX).contains(&own.len())
                && own
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        }
    }
}

/// `CAP_*`.
pub const CAPABILITIES: [(u32, &str); 41] = [
    (0, "chown"),
    (1, "dac_override"),
    (2, "dac_read_search"),
    (3, "fowner"),
    (4, "fsetid"),
    (5, "kill"),
    (6, "setgid"),
    (7, "setuid"),
    (8, "setpcap"),
    (9, "linux_immutable"),
    (10, "net_bind_service"),
    (11, "net_broadcast"),
    (12, "net_admin"),
    (13, "net_raw"),
    (14, "ipc_lock"),
    (15, "ipc_owner"),
    (16, "sys_module"),
    (17, "sys_rawio"),
    (18, "sys_chroot"),
    (19, "sys_ptrace"),
    (20, "sys_pacct"),
    (21, "sys_admin"),
    (22, "sys_boot"),
    (23, "sys_nice"),
    (24, "sys_resource"),
    (25, "sys_time"),
    (26, "sys_tty_config"),
    (27, "mknod"),
    (28, "lease"),
    (29, "audit_write"),
    (30, "audit_control"),
    (31, "setfcap"),
    (32, "mac_override"),
    (33, "mac_admin"),
    (34, "syslog"),
    (35, "wake_alarm"),
    (36, "block_suspend"),
    (37, "audit_read"),
    (38, "perfmon"),
    (39, "bpf"),
    (40, "checkpoint_restore"),
];

/// Every known capability.
pub const CAPS_ALL: u64 = (1 << 41) - 1;

/// `SIG*`.
pub const SIGNALS: [(u32, &str); 31] = [
    (1, "HUP"),
    (2, "INT"),
    (3, "QUIT"),
    (4, "ILL"),
    (5, "TRAP"),
    (6, "ABRT"),
    (7, "BUS"),
    (8, "FPE"),
    (9, "KILL"),
    (10, "USR1"),
    (11, "SEGV"),
    (12, "USR2"),
    (13, "PIPE"),
    (14, "ALRM"),
    (15, "TERM"),
    (16, "STKFLT"),
    (17, "CHLD"),
    (18, "CONT"),
    (19, "STOP"),
    (20, "TSTP"),
    (21, "TTIN"),
    (22, "TTOU"),
    (23, "URG"),
    (24, "XCPU"),
    (25, "XFSZ"),
    (26, "VTALRM"),
    (27, "PROF"),
    (28, "WINCH"),
    (29, "IO"),
    (30, "PWR"),
    (31, "SYS"),
];

/// `AF_*`.
pub const FAMILIES: [(u32, &str); 46] = [
    (0, "unspec"),
    (1, "unix"),
    (2, "inet"),
    (3, "ax25"),
    (4, "ipx"),
    (5, "appletalk"),
    (6, "netrom"),
    (7, "bridge"),
    (8, "atmpvc"),
    (9, "x25"),
    (10, "inet6"),
    (11, "rose"),
    (12, "decnet"),
    (13, "netbeui"),
    (14, "security"),
    (15, "key"),
    (16, "netlink"),
    (17, "packet"),
    (18, "ash"),
    (19, "econet"),
    (20, "atmsvc"),
    (21, "rds"),
    (22, "sna"),
    (23, "irda"),
    (24, "pppox"),
    (25, "wanpipe"),
    (26, "llc"),
    (27, "ib"),
    (28, "mpls"),
    (29, "can"),
    (30, "tipc"),
    (31, "bluetooth"),
    (32, "iucv"),
    (33, "rxrpc"),
    (34, "isdn"),
    (35, "phonet"),
    (36, "ieee802154"),
    (37, "caif"),
    (38, "alg"),
    (39, "nfc"),
    (40, "vsock"),
    (41, "kcm"),
    (42, "qipcrtr"),
    (43, "smc"),
    (44, "xdp"),
    (45, "mctp"),
];

/// `SOCK_*`.
pub const SOCKET_TYPES: [(u32, &str); 7] = [
    (1, "stream"),
    (2, "dgram"),
    (3, "raw"),
    (4, "rdm"),
    (5, "seqpacket"),
    (6, "dccp"),
    (10, "packet"),
];

/// `IPPROTO_*` of sockets.
pub const INET_PROTOCOLS: [(u32, &str); 10] = [
    (1, "icmp"),
    (2, "igmp"),
    (6, "tcp"),
    (17, "udp"),
    (33, "dccp"),
    (58, "icmpv6"),
    (132, "sctp"),
    (136, "udplite"),
    (255, "raw"),
    (262, "mptcp"),
];

/// `NETLINK_*`.
pub const NETLINK_PROTOCOLS: [(u32, &str); 21] = [
    (0, "route"),
    (2, "usersock"),
    (3, "firewall"),
    (4, "sock_diag"),
    (5, "nflog"),
    (6, "xfrm"),
    (7, "selinux"),
    (8, "iscsi"),
    (9, "audit"),
    (10, "fib_lookup"),
    (11, "connector"),
    (12, "netfilter"),
    (13, "ip6_fw"),
    (14, "dnrtmsg"),
    (15, "kobject_uevent"),
    (16, "generic"),
    (18, "scsitransport"),
    (19, "ecryptfs"),
    (20, "rdma"),
    (21, "crypto"),
    (22, "smc"),
];

/// `RLIMIT_*`.
pub const RLIMITS: [(u32, &str); 16] = [
    (0, "cpu"),
    (1, "fsize"),
    (2, "data"),
    (3, "stack"),
    (4, "core"),
    (5, "rss"),
    (6, "nproc"),
    (7, "nofile"),
    (8, "memlock"),
    (9, "as"),
    (10, "locks"),
    (11, "sigpending"),
    (12, "msgqueue"),
    (13, "nice"),
    (14, "rtprio"),
    (15, "rttime"),
];

/// `SYSLOG_ACTION_*`.
pub const SYSLOG_ACTIONS: [(u32, &str); 11] = [
    (0, "close"),
    (1, "open"),
    (2, "read"),
    (3, "read-all"),
    (4, "read-clear"),
    (5, "clear"),
    (6, "console-off"),
    (7, "console-on"),
    (8, "console-level"),
    (9, "size-unread"),
    (10, "size-buffer"),
];

/// Commands of bpf(2).
pub const BPF_COMMANDS: [(u32, &str); 38] = [
    (0, "map-create"),
    (1, "map-lookup"),
    (2, "map-update"),
    (3, "map-delete"),
    (4, "map-next"),
    (5, "prog-load"),
    (6, "obj-pin"),
    (7, "obj-get"),
    (8, "prog-attach"),
    (9, "prog-detach"),
    (10, "prog-test-run"),
    (11, "prog-next-id"),
    (12, "map-next-id"),
    (13, "prog-by-id"),
    (14, "map-by-id"),
    (15, "obj-info"),
    (16, "prog-query"),
    (17, "raw-tracepoint-open"),
    (18, "btf-load"),
    (19, "btf-by-id"),
    (20, "task-fd-query"),
    (21, "map-lookup-delete"),
    (22, "map-freeze"),
    (23, "btf-next-id"),
    (24, "map-lookup-batch"),
    (25, "map-lookup-delete-batch"),
    (26, "map-update-batch"),
    (27, "map-delete-batch"),
    (28, "link-create"),
    (29, "link-update"),
    (30, "link-by-id"),
    (31, "link-next-id"),
    (32, "enable-stats"),
    (33, "iter-create"),
    (34, "link-detach"),
    (35, "prog-bind-map"),
    (36, "token-create"),
    (37, "prog-stream-read"),
];

/// Returns the name of a number.
pub fn name_of(table: &Table, number: u32) -> Option<&'static str> {
    table
        .iter()
        .find(|(known, _)| *known == number)
        .map(|(_, name)| *name)
}

/// Returns the number of a name.
pub fn number_of(table: &Table, name: &str) -> Option<u32> {
    table
        .iter()
        .find(|(_, known)| *known == name)
        .map(|(number, _)| *number)
}

/// Writes the name of a number, or `prefix` and the number.
pub fn write_numbered(
    out: &mut impl fmt::Write,
    table: &Table,
    prefix: &str,
    number: u32,
) -> fmt::Result {
    match name_of(table, number) {
        Some(name) => out.write_str(name),
        None => write!(out, "{prefix}{number}"),
    }
}

/// Returns the number of a name, or of `prefix` and a number.
pub fn parse_numbered(table: &Table, prefix: &str, text: &str) -> Option<u32> {
    number_of(table, text).or_else(|| {
        let digits = text.strip_prefix(prefix)?;
        crate::number::plain_number(digits).filter(|_| !digits.is_empty())
    })
}

/// Returns the names of a table, for [`crate::nearest`].
pub fn all(table: &'static Table) -> impl Iterator<Item = &'static str> {
    table.iter().map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_unique_in_each_table() {
        let tables: [&Table; 9] = [
            &RLIMITS,
            &SYSLOG_ACTIONS,
            &BPF_COMMANDS,
            &CAPABILITIES,
            &SIGNALS,
            &FAMILIES,
            &SOCKET_TYPES,
            &INET_PROTOCOLS,
            &NETLINK_PROTOCOLS,
        ];
        for table in tables {
            for (number, name) in table {
                assert_eq!(name_of(table, *number), Some(*name));
                assert_eq!(number_of(table, name), Some(*number));
            }
        }
    }

    #[test]
    fn numbers_are_read_whether_they_have_a_name_or_not() {
        assert_eq!(parse_numbered(&CAPABILITIES, "cap", "cap63"), Some(63));
        assert_eq!(parse_numbered(&CAPABILITIES, "cap", "cap0"), Some(0));
        assert_eq!(parse_numbered(&SIGNALS, "", "34"), Some(34));
        assert_eq!(parse_numbered(&SIGNALS, "", ""), None);
    }
}
