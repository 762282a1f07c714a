// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Constants of `abi.h`, without their `AMBIT_` prefix.

macro_rules! constants {
    ($($(#[$meta:meta])* $name:ident: $ty:ty = $value:expr;)*) => {
        $($(#[$meta])* pub const $name: $ty = $value;)*

        /// Every constant by its name, to be compared with the header.
        #[allow(clippy::cast_lossless, reason = "of all unsigned types, none wider")]
        pub const ALL_CONSTANTS: &[(&str, u64)] = &[$((stringify!($name), $value as u64),)*];
    };
}

constants! {
    /// Version of the wire.
    ABI_VERSION: u32 = 1;
    /// Domain slots; slot 0 is never used.
    DOMAINS: usize = 64;
    /// Room for hook numbers.
    HOOKS: usize = 128;
    /// Room for families.
    FAMILIES: usize = 16;
    /// Executables kept in a subject's chain.
    CHAIN_MAX: usize = 4;
    /// Groups of the scratch slots of tasks without a label.
    SLOT_GROUPS: u32 = 4;
    /// Violations of a domain whose repetitions are counted.
    REPEATS: u32 = 1024;
    /// Points of one hook that rules can allow in one call.
    ALLOWED_MAX: usize = 4;
    /// Longest invoked name in bytes, NUL included.
    AS_MAX: usize = 64;
    /// Longest canonical object in bytes.
    PATH_MAX: usize = 4096;
    /// Longest domain name in bytes, NUL included.
    NAME_MAX: usize = 64;
    /// Reasons that skips are counted by.
    SKIPS: usize = 16;

    /// `file.open` for reading.
    OPEN_READ: u32 = 1;
    /// `file.open` for writing.
    OPEN_WRITE: u32 = 2;
    /// `file.open` for appending only.
    OPEN_APPEND: u32 = 4;
    /// `file.open` for executing.
    OPEN_EXEC: u32 = 8;
    /// Set-user-id bit.
    SETID_UID: u32 = 1;
    /// Set-group-id bit.
    SETID_GID: u32 = 2;
    /// The old name of a rename or link.
    END_FROM: u32 = 1;
    /// The new name of a rename or link.
    END_TO: u32 = 2;
    /// A FIFO.
    NODE_FIFO: u32 = 1;
    /// A character device.
    NODE_CHR: u32 = 2;
    /// A block device.
    NODE_BLK: u32 = 3;
    /// Private pages of the mapping were written.
    MAP_DIRTY: u32 = 1;
    /// Writable while executable; full coverage only.
    MAP_WRITE: u32 = 2;
    /// Reading another task's memory or state.
    PTRACE_READ: u32 = 1;
    /// Attaching to another task.
    PTRACE_ATTACH: u32 = 2;
    /// Asking to be traced by the parent.
    PTRACE_TRACEME: u32 = 3;
    /// The receiver of a descriptor's signals.
    FCNTL_OWNER: u32 = 1;
    /// Which signal a descriptor sends.
    FCNTL_SIGNAL: u32 = 2;
    /// A lease.
    FCNTL_LEASE: u32 = 3;
    /// Signals about a folder.
    FCNTL_NOTIFY: u32 = 4;
    /// A classic packet filter.
    SOCKOPT_FILTER: u32 = 1;
    /// A BPF program.
    SOCKOPT_BPF: u32 = 2;
    /// The mark of packets.
    SOCKOPT_MARK: u32 = 3;
    /// Bind to a device.
    SOCKOPT_DEVICE: u32 = 4;
    /// Packet filter tables.
    SOCKOPT_TABLES: u32 = 5;
    /// TCP repair.
    SOCKOPT_REPAIR: u32 = 6;
    /// An upper layer protocol.
    SOCKOPT_ULP: u32 = 7;
    /// The addresses that packets pass on their way.
    SOCKOPT_ROUTE: u32 = 8;
    /// `PR_SET_MM`.
    PRCTL_MM: u32 = 1;
    /// `PR_SET_PTRACER`.
    PRCTL_PTRACER: u32 = 2;
    /// `PR_SET_DUMPABLE`.
    PRCTL_DUMPABLE: u32 = 3;
    /// `PR_SET_KEEPCAPS`.
    PRCTL_KEEPCAPS: u32 = 4;
    /// `PR_SET_SECUREBITS`.
    PRCTL_SECUREBITS: u32 = 5;
    /// `PR_CAP_AMBIENT_RAISE`.
    PRCTL_AMBIENT: u32 = 6;
    /// A child in another cgroup, by clone3 with `CLONE_INTO_CGROUP`.
    PRCTL_CGROUP: u32 = 7;
    /// A new file system.
    MOUNT_NEW: u32 = 1;
    /// A folder or file once more.
    MOUNT_BIND: u32 = 2;
    /// Other options.
    MOUNT_REMOUNT: u32 = 3;
    /// Attach or move a mount.
    MOUNT_MOVE: u32 = 4;
    /// Other propagation.
    MOUNT_PROPAGATE: u32 = 5;
    /// Make.
    IPC_CREATE: u32 = 1;
    /// Look up by key.
    IPC_GET: u32 = 2;
    /// Attach for reading, receive, wait.
    IPC_READ: u32 = 3;
    /// Attach for writing, send, change values.
    IPC_WRITE: u32 = 4;
    /// Read the state.
    IPC_STAT: u32 = 5;
    /// Change owner, mode or limits.
    IPC_CONTROL: u32 = 6;
    /// Remove.
    IPC_REMOVE: u32 = 7;
    /// Read its payload.
    KEY_READ: u32 = 1;
    /// Change its payload.
    KEY_WRITE: u32 = 2;
    /// Link it to a keyring.
    KEY_LINK: u32 = 3;
    /// Change its attributes.
    KEY_SETATTR: u32 = 4;
    /// Something else.
    LOAD_OTHER: u32 = 0;
    /// Firmware.
    LOAD_FIRMWARE: u32 = 1;
    /// A module.
    LOAD_MODULE: u32 = 2;
    /// A kernel.
    LOAD_KEXEC: u32 = 3;
    /// Its initramfs.
    LOAD_INITRAMFS: u32 = 4;
    /// A policy.
    LOAD_POLICY: u32 = 5;
    /// A certificate.
    LOAD_CERTIFICATE: u32 = 6;

    /// An object without payload.
    KIND_NONE: u8 = b'-';
    /// Absolute path from the root of the task's mount namespace.
    KIND_PATH: u8 = b'P';
    /// The same, unlinked.
    KIND_DELETED: u8 = b'X';
    /// A path from the root of another mount namespace.
    KIND_FOREIGN: u8 = b'O';
    /// The name given to `memfd_create`.
    KIND_MEMFD: u8 = b'M';
    /// Type name of a kernel-internal file system.
    KIND_FSTYPE: u8 = b'K';
    /// Protocol u8, address 4 B, port kind u8, port u16 big endian.
    KIND_INET4: u8 = b'4';
    /// Protocol u8, address 16 B, port kind u8, port u16 big endian.
    KIND_INET6: u8 = b'6';
    /// Protocol u8: `AF_UNSPEC`, dissolves an association.
    KIND_UNSPEC: u8 = b'D';
    /// Abstract unix name, without its first NUL.
    KIND_ABSTRACT: u8 = b'A';
    /// Unix socket without a name, or autobind.
    KIND_UNNAMED: u8 = b'U';
    /// Netlink protocol u16.
    KIND_NETLINK: u8 = b'N';
    /// Any other address family u16.
    KIND_FAMILY: u8 = b'F';
    /// Family u16, type u16, protocol u16.
    KIND_SOCKET: u8 = b'S';
    /// `RELATION_*` u8.
    KIND_RELATION: u8 = b'R';
    /// Real, effective, saved id, u32 each.
    KIND_IDS: u8 = b'I';
    /// Uid u32, gid u32, effective capabilities u64, `no_new_privs` u8.
    KIND_CREDS: u8 = b'C';
    /// SHA-256 (32 B), then an executable's object.
    KIND_DIGEST: u8 = b'H';
    /// A name that the kernel has for it.
    KIND_WORD: u8 = b'W';
    /// `IPCKEY_*` u8.
    KIND_IPC: u8 = b'Q';
    /// A pattern class u16, see [`DFA_STATES`].
    KIND_CLASS: u8 = b'Z';

    /// After a NUL, in a path: own process number in procfs.
    CLASS_SELF: u8 = b's';
    /// After a NUL, in a path: another process number in procfs.
    CLASS_PID: u8 = b'p';
    /// After a NUL, in a path: any other number in procfs, a number in devpts.
    CLASS_NUM: u8 = b'n';
    /// After a NUL, in a path: a file made with `O_TMPFILE`.
    CLASS_TMPFILE: u8 = b't';

    /// The port is the one given.
    PORT_LITERAL: u8 = 0;
    /// A port of the host's ephemeral range, or bind to port 0; the port bytes are zero.
    PORT_EPHEMERAL: u8 = 1;
    /// The protocol has no ports; the port bytes are zero.
    PORT_NONE: u8 = 2;

    /// A System V object without a key.
    IPCKEY_PRIVATE: u8 = 1;
    /// One with a key.
    IPCKEY_KEYED: u8 = 2;
    /// One that another user made.
    IPCKEY_FOREIGN: u8 = 3;

    /// The task itself.
    RELATION_SELF: u8 = 1;
    /// A descendant.
    RELATION_CHILD: u8 = 2;
    /// Another task of the domain.
    RELATION_DOMAIN: u8 = 3;
    /// Any other task.
    RELATION_OUTSIDE: u8 = 4;

    /// Trust bit of the model.
    TRUST_MODEL: u32 = 0;
    /// Trust bit of rules.
    TRUST_RULE: u32 = 1;
    /// Trust bit of the operator.
    TRUST_OPERATOR: u32 = 2;
    /// Trust bit of engines.
    TRUST_ENGINE: u32 = 3;
    /// Trust bit of taps.
    TRUST_TAP: u32 = 4;

    /// Our own code, until its first exec commits.
    LABEL_LAUNCHING: u16 = 1;
    /// User space was given the subject's description.
    LABEL_DELIVERED: u16 = 2;
    /// The pending exec began with a script.
    LABEL_SCRIPT: u16 = 8;
    /// Not counted any more, a zombie at most.
    LABEL_EXITED: u16 = 16;
    /// Every decided operation is emitted; kept over exec.
    LABEL_RECORD: u16 = 32;
    /// The domain's coverage is full.
    LABEL_FULL: u16 = 64;
    /// The pending exec keeps the subject.
    LABEL_STAYS: u16 = 128;

    /// The domain has an automaton.
    DOMAIN_PATTERNS: u32 = 1;
    /// Digests of executables are points.
    DOMAIN_DIGESTS: u32 = 2;
    /// Its coverage is full.
    DOMAIN_FULL: u32 = 4;
    /// Writes to files that were opened for appending are decided.
    DOMAIN_APPEND: u32 = 8;

    /// A member of a set that was loaded with the map.
    ORIGIN_LOADED: u32 = 0;
    /// One that was learned.
    ORIGIN_LEARNED: u32 = 1;
    /// One that was found by pattern, and is kept for the next time.
    ORIGIN_CACHED: u32 = 2;

    /// How often a member was met is counted up to here.
    HITS_MAX: u32 = 255;

    /// Request to the task iterator: list tasks with a label, and processes that lost trust.
    REQUEST_LIST: u32 = 0;
    /// Request: set a trust bit of all threads of a process.
    REQUEST_SET: u32 = 1;
    /// Request: clear trust bits of all threads of a process.
    REQUEST_CLEAR: u32 = 2;
    /// Request: list all threads of a process.
    REQUEST_FIND: u32 = 3;

    /// Most states of an automaton; state 0 is dead.
    DFA_STATES: usize = 65536;
    /// Entries of a page of an automaton, u16 each, as a power of two.
    DFA_PAGE_BITS: usize = 14;
    /// Size of a page in bytes.
    DFA_PAGE_SIZE: usize = 2 << DFA_PAGE_BITS;
    /// In page 0, offset of `start`, `shift`, `states` and `accept`, u32 each.
    DFA_HEADER_OFFSET: usize = 0;
    /// In page 0, offset of `classes`, 256 u8.
    DFA_CLASSES_OFFSET: usize = 16;
    /// Edges of `struct ambit_shortcut`, as a power of two.
    SHORTCUT_EDGE_BITS: usize = 13;
    /// Grants of `struct ambit_shortcut`, as a power of two.
    SHORTCUT_GRANT_BITS: usize = 13;
    /// Size of `struct ambit_shortcut`: 40 bytes an edge, 16 a grant.
    SHORTCUT_SIZE: usize = (40 << SHORTCUT_EDGE_BITS) + (16 << SHORTCUT_GRANT_BITS);
    /// The first trust bit that has a name.
    TRUST_NAMED: u32 = 8;
    /// What lowered the trust: the map or a rule, at an event.
    TRUST_BY_EVENT: u8 = 0;
    /// The same: the operator.
    TRUST_BY_OPERATOR: u8 = 1;
    /// The same: another BPF program.
    TRUST_BY_TAP: u8 = 2;
    /// Trust bits.
    TRUST_BITS: usize = 32;
    /// Processes kept of those that a trust status was handed down by.
    TRUST_STEPS: usize = 8;
    /// Kinds of spread that there is room for.
    SPREADS: usize = 8;
    /// Files that untrusted processes wrote, at most.
    MARKS: u32 = 16384;
    /// The same, by the processes of one domain, or without one of one user.
    MARKS_OF_ONE: u32 = 8192;
    /// Limit of descriptors that untrusted processes passed and that are still open.
    PASSED: u32 = 4096;
    /// An interpreter's name, zero filled.
    INTERPRETER_MAX: usize = 16;
    /// Interpreters, at most.
    INTERPRETERS: u32 = 256;
    /// An interpreter under any name.
    INTERPRETER_ONE: u32 = 1;
    /// An executable with many names, some of them interpreters.
    INTERPRETER_MANY: u32 = 2;
    /// Processes that taps may tell of between two operations.
    TAPS: u32 = 4096;
    /// Numbers of an event.
    RULE_NUMBERS: usize = 25;
    /// Texts of an event.
    RULE_TEXTS: usize = 7;
    /// Automata for each text.
    RULE_AUTOMATA: usize = 4;
    /// Words of 64 tests for each automaton.
    RULE_WORDS: usize = 4;
    /// Words of 64 rules for each hook.
    RULE_FIRED: usize = 8;
    /// Entries of an automaton.
    RULE_ENTRIES: usize = 65536;
    /// Rows of an automaton.
    RULE_ROWS: usize = 2048;
    /// Automata of a set of rules.
    RULE_SLOTS: usize = 128;
    /// Rules of a set.
    RULE_MAX: usize = 4096;
    /// Bytes of an executable's canonical form in a lineage.
    EXE_MAX: usize = 256;
    /// A rule's action: audit.
    RULE_AUDIT: u8 = 1;
    /// A rule's action: deny.
    RULE_DENY: u8 = 2;
    /// A rule's action: allow.
    RULE_ALLOW: u8 = 4;
    /// A rule's action: taint.
    RULE_TAINT: u8 = 8;
    /// A rule's action: untaint.
    RULE_UNTAINT: u8 = 16;
    /// A rule's action: kill.
    RULE_KILL: u8 = 32;
    /// A text: see `enum ambit_rule_text`.
    RULE_TEXT_OBJECT: usize = 0;
    /// A text: see `enum ambit_rule_text`.
    RULE_TEXT_EXE: usize = 1;
    /// A text: see `enum ambit_rule_text`.
    RULE_TEXT_PARENT: usize = 2;
    /// A text: see `enum ambit_rule_text`.
    RULE_TEXT_CHAIN: usize = 3;
    /// A text: see `enum ambit_rule_text`.
    RULE_TEXT_COMM: usize = 4;
    /// A text: see `enum ambit_rule_text`.
    RULE_TEXT_CGROUP: usize = 5;
    /// A text: see `enum ambit_rule_text`.
    RULE_TEXT_DOMAIN: usize = 6;
    /// A number: see `enum ambit_rule_number`.
    RULE_OP: usize = 0;
    /// A number: see `enum ambit_rule_number`.
    RULE_ARG: usize = 1;
    /// A number: see `enum ambit_rule_number`.
    RULE_KIND: usize = 2;
    /// A number: see `enum ambit_rule_number`.
    RULE_UNREPRESENTABLE: usize = 3;
    /// A number: see `enum ambit_rule_number`.
    RULE_MODE: usize = 4;
    /// A number: see `enum ambit_rule_number`.
    RULE_PORT: usize = 5;
    /// A number: see `enum ambit_rule_number`.
    RULE_PROTOCOL: usize = 6;
    /// A number: see `enum ambit_rule_number`.
    RULE_FAMILY: usize = 7;
    /// A number: see `enum ambit_rule_number`.
    RULE_SOCKET_TYPE: usize = 8;
    /// A number: see `enum ambit_rule_number`.
    RULE_RELATION: usize = 9;
    /// A number: see `enum ambit_rule_number`.
    RULE_NEW_ID: usize = 10;
    /// A number: see `enum ambit_rule_number`.
    RULE_UID: usize = 11;
    /// A number: see `enum ambit_rule_number`.
    RULE_GID: usize = 12;
    /// A number: see `enum ambit_rule_number`.
    RULE_REAL_UID: usize = 13;
    /// A number: see `enum ambit_rule_number`.
    RULE_CAPS: usize = 14;
    /// A number: see `enum ambit_rule_number`.
    RULE_NO_NEW_PRIVS: usize = 15;
    /// A number: see `enum ambit_rule_number`.
    RULE_PID: usize = 16;
    /// A number: see `enum ambit_rule_number`.
    RULE_TRUST: usize = 17;
    /// A number: see `enum ambit_rule_number`.
    RULE_CAUSE: usize = 18;
    /// A number: see `enum ambit_rule_number`.
    RULE_LABELLED: usize = 19;
    /// A number: see `enum ambit_rule_number`.
    RULE_CONTAINER: usize = 20;
    /// A number: see `enum ambit_rule_number`.
    RULE_FILE_UID: usize = 21;
    /// A number: see `enum ambit_rule_number`.
    RULE_FILE_MODE: usize = 22;
    /// A number: see `enum ambit_rule_number`.
    RULE_EXE_UNKNOWN: usize = 23;
    /// A number: see `enum ambit_rule_number`.
    RULE_FOREIGN_MOUNTS: usize = 24;
    /// First bit of the stage of a path program within the operation's number.
    PATH_PROGRAM_STAGE: u32 = 16;
    /// Stage 1: reads the path's tests and the argument only; returns a mask of the undecided rules.
    PATH_PROGRAM_PATH: u16 = 1;
    /// Stage 2: of the rules that read no path, returns the texts needed by those that may still match.
    PATH_PROGRAM_REST: u16 = 2;
    /// Stage 3: the same rules with all texts present; not 0 if one matches.
    PATH_PROGRAM_EXACT: u16 = 3;
    /// In a hook's settings: the hook has a path program. In an answer: a path program was run.
    PATH_PROGRAM_PRESENT: u8 = 128;
    /// A rule that reads the path may match.
    PATH_PROGRAM_OBJECT: u8 = 1;
    /// A rule that reads no path may match.
    PATH_PROGRAM_NUMBERS: u8 = 2;
    /// A rule may match if the task is untrusted.
    PATH_PROGRAM_TRUST: u8 = 4;
}
