// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Generates steps from few names and numbers, so that two steps often have similar ones.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ambit_abi as abi;
use ambit_event::Op;
use ambit_policy::condition::{Number, Text};
use ambit_rulegen::Random;

use super::step::{Ask, Effect, Prepared, Step};

const FOLDERS: [&[u8]; 7] = [
    b"",
    b"/da",
    b"/da/db",
    b"/srv",
    b"/srv/www",
    b"/c d",
    b"/\xc3\xa4\xff",
];
const NAMES: [&[u8]; 14] = [
    b"a", b"b", b"key", b"key.pem", b"x.so", b"x.so.1", b"log", b"log.1", b"it's", b"sh", b"\xfe\x01",
    b"README", b"shadow",
    b"a-name-that-is-so-long-that-it-does-not-fit-in-the-short-way-of-known-paths-of-the-kernel-part",
];
const COMMS: [&[u8]; 5] = [b"fz", b"fz-a", b"fz-worker/0", b"fz'\"", b"fz-fifteen-byte"];
const MODES: [u32; 6] = [0o644, 0o600, 0o755, 0o666, 0o4755, 0o2750];
const SIGNALS: [(&[u8], u64); 5] = [
    (b"0", 0),
    (b"URG", 23),
    (b"WINCH", 28),
    (b"CHLD", 17),
    (b"CONT", 18),
];
const PORTS: [u16; 7] = [53, 80, 443, 8080, 1024, 40_000, 65_535];

const TCP: (i32, i32) = (libc::SOCK_STREAM, libc::IPPROTO_TCP);
const UDP: (i32, i32) = (libc::SOCK_DGRAM, libc::IPPROTO_UDP);

/// All names that the exerciser's tasks give themselves.
pub(super) fn comms() -> impl Iterator<Item = &'static [u8]> {
    COMMS.into_iter()
}

/// Generates the steps of one run of the exerciser.
pub(super) struct Scene<'r> {
    pub(super) random: &'r mut Random,
    /// The folder of all files.
    pub(super) tree: Vec<u8>,
    pub(super) uid: u32,
    pub(super) labelled: bool,
    /// Counts up, so that names and ports are used once.
    pub(super) number: u16,
}

impl Scene<'_> {
    /// Returns the steps of a task, from its fork to its exit.
    pub(super) fn group(&mut self) -> Vec<Step> {
        let comm = *self.random.pick(&COMMS).expect("some");
        let mut steps =
            vec![Step::new(&[b"comm", comm], Vec::new()).effect(Effect::Comm(comm.to_vec()))];
        for _ in 0..3 + self.random.below(6) {
            steps.push(self.step());
        }
        match self.random.below(4) {
            0 | 1 => steps.push(self.executed()),
            2 => steps.push(self.other_user()),
            _ => {}
        }
        steps
    }

    fn step(&mut self) -> Step {
        match self.random.below(28) {
            0..=7 => self.opened(),
            8..=10 => self.created(),
            11..=13 => self.name_gone(),
            14..=16 => self.name_moved(),
            17 | 18 => self.changed(),
            19 => self.made(),
            20..=23 => self.internet(),
            24 => self.unix(),
            25 => self.signalled(),
            26 => Step::new(&[b"no-new-privs"], Vec::new()).effect(Effect::NoNewPrivs),
            _ => {
                let cap = u8::try_from(22 + self.random.below(6)).expect("small");
                let word = cap.to_string();
                Step::new(&[b"drop-cap", word.as_bytes()], Vec::new()).effect(Effect::DropCap(cap))
            }
        }
    }

    fn name(&mut self) -> Vec<u8> {
        let folder = self.random.pick(&FOLDERS).expect("some");
        let name = self.random.pick(&NAMES).expect("some");
        [&self.tree, *folder, b"/", *name].concat()
    }

    /// Returns a name that is used once.
    fn fresh(&mut self) -> Vec<u8> {
        self.number += 1;
        let number = self.number.to_string();
        let mut path = self.name();
        if self.random.once_in(2) {
            path.extend(b".");
            path.extend(number.bytes());
        } else {
            // The end of the name is similar to other names.
            let at = path.iter().rposition(|byte| *byte == b'/').expect("a path") + 1;
            path.splice(at..at, number.bytes());
        }
        path
    }

    /// Returns the object of a file that is opened or executed.
    fn about_file(ask: Ask, uid: u32, mode: u32) -> Ask {
        ask.number(Number::FileUid, uid)
            .number(Number::FileMode, libc::S_IFREG | mode)
    }

    fn opened(&mut self) -> Step {
        let ways: [(&[u8], u32); 6] = [
            (b"open-r", abi::OPEN_READ),
            (b"open-w", abi::OPEN_WRITE),
            (b"open-rw", abi::OPEN_READ | abi::OPEN_WRITE),
            (b"open-a", abi::OPEN_APPEND),
            (b"open-trunc", abi::OPEN_WRITE),
            (b"open-path", 0),
        ];
        let (word, arg) = *self.random.pick(&ways).expect("some");
        // Truncating clears the set-user-ID bits, so that no other step may use this file.
        let path = match word {
            b"open-trunc" => self.fresh(),
            _ => self.name(),
        };
        // A file has the same mode in all steps.
        let mode = MODES[path.len() % MODES.len()];
        let mut asks = Vec::new();
        if word != b"open-path" {
            let open = Ask::path(Op::FileOpen, &path).number(Number::Arg, arg);
            asks.push(Self::about_file(open, self.uid, mode));
        }
        if word == b"open-trunc" {
            asks.push(Ask::path(Op::FileTruncate, &path));
        }
        Step::new(&[word, &path], asks).prepare(Prepared::File(path.clone(), mode))
    }

    fn created(&mut self) -> Step {
        let path = self.fresh();
        let ways: [(&[u8], u32, u32); 3] = [
            (b"create", 0o644, 0),
            (b"create-excl", 0o644, 0),
            (b"create-suid", 0o4755, abi::SETID_UID),
        ];
        let (word, mode, arg) = *self.random.pick(&ways).expect("some");
        let create = Ask::path(Op::FileCreate, &path)
            .number(Number::Mode, mode)
            .number(Number::Arg, arg);
        let open = Ask::path(Op::FileOpen, &path).number(Number::Arg, abi::OPEN_WRITE);
        let folder = path.iter().rposition(|byte| *byte == b'/').expect("a path");
        Step::new(
            &[word, &path],
            vec![create, Self::about_file(open, self.uid, mode)],
        )
        .prepare(Prepared::Folder(path[..folder].to_vec()))
    }

    fn name_gone(&mut self) -> Step {
        let path = self.fresh();
        if self.random.once_in(3) {
            return Step::new(&[b"rmdir", &path], vec![Ask::path(Op::FileRmdir, &path)])
                .prepare(Prepared::Folder(path.clone()));
        }
        Step::new(&[b"unlink", &path], vec![Ask::path(Op::FileUnlink, &path)])
            .prepare(Prepared::File(path.clone(), 0o644))
    }

    fn name_moved(&mut self) -> Step {
        let (from, to) = (self.fresh(), self.fresh());
        let end = |op, path: &[u8], end: u32| Ask::path(op, path).number(Number::Arg, end);
        let folder = to.iter().rposition(|byte| *byte == b'/').expect("a path");
        let folder = Prepared::Folder(to[..folder].to_vec());
        let file = Prepared::File(from.clone(), 0o644);
        let pair = |op| vec![end(op, &from, abi::END_FROM), end(op, &to, abi::END_TO)];
        match self.random.below(4) {
            0 => Step::new(&[b"link", &from, &to], pair(Op::FileLink))
                .prepare(file)
                .prepare(folder),
            1 => {
                let mut asks = pair(Op::FileRename);
                asks.push(end(Op::FileRename, &to, abi::END_FROM));
                asks.push(end(Op::FileRename, &from, abi::END_TO));
                Step::new(&[b"rename-exchange", &from, &to], asks)
                    .prepare(file)
                    .prepare(Prepared::File(to.clone(), 0o644))
            }
            2 => Step::new(
                &[b"symlink", b"/nowhere", &to],
                vec![Ask::path(Op::FileSymlink, &to)],
            )
            .prepare(folder),
            _ => Step::new(&[b"rename", &from, &to], pair(Op::FileRename))
                .prepare(file)
                .prepare(folder),
        }
    }

    fn changed(&mut self) -> Step {
        let path = self.fresh();
        if self.random.once_in(3) {
            return Step::new(
                &[b"truncate", &path, b"3"],
                vec![Ask::path(Op::FileTruncate, &path)],
            )
            .prepare(Prepared::File(path.clone(), 0o644));
        }
        let mode = *self.random.pick(&MODES).expect("some");
        let mut arg = 0;
        if mode & libc::S_ISUID != 0 {
            arg |= abi::SETID_UID;
        }
        if mode & libc::S_ISGID != 0 {
            arg |= abi::SETID_GID;
        }
        let chmod = Ask::path(Op::FileChmod, &path)
            .number(Number::Mode, mode)
            .number(Number::Arg, arg);
        Step::new(
            &[b"chmod", &path, format!("{mode:o}").as_bytes()],
            vec![chmod],
        )
        .prepare(Prepared::File(path.clone(), 0o644))
    }

    fn made(&mut self) -> Step {
        let path = self.fresh();
        let folder = path.iter().rposition(|byte| *byte == b'/').expect("a path");
        let (word, ask): (&[u8], Ask) = match self.random.below(3) {
            0 => (
                b"mkdir",
                Ask::path(Op::FileMkdir, &path).number(Number::Mode, 0o755_u32),
            ),
            1 => (
                b"mknod-fifo",
                Ask::path(Op::FileMknod, &path).number(Number::Arg, abi::NODE_FIFO),
            ),
            _ => (b"mknod-sock", Ask::path(Op::NetBind, &path)),
        };
        Step::new(&[word, &path], vec![ask]).prepare(Prepared::Folder(path[..folder].to_vec()))
    }

    fn address(&mut self) -> IpAddr {
        let low = u8::try_from(self.random.below(4)).expect("small");
        match self.random.below(8) {
            0 | 1 => Ipv4Addr::new(127, 0, 0, low).into(),
            2 => Ipv4Addr::new(10, low, 0, 1).into(),
            3 => Ipv4Addr::new(192, 168, low, 255).into(),
            4 => Ipv6Addr::LOCALHOST.into(),
            5 => Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, low.into()).into(),
            6 => Ipv4Addr::new(192, 0, 2, low).to_ipv6_mapped().into(),
            _ => Ipv6Addr::new(0x2001, 0xdb8, low.into(), 0, 0, 0, 0, 1).into(),
        }
    }

    fn internet(&mut self) -> Step {
        let address = self.address();
        let port = *self.random.pick(&PORTS).expect("some");
        let family = if address.is_ipv4() {
            libc::AF_INET
        } else {
            libc::AF_INET6
        };
        let shown = |scheme: &str, address: IpAddr, port: u16| {
            let address = std::net::SocketAddr::new(address, port);
            format!("{scheme}:{address}").into_bytes()
        };
        let socket = |(kind, protocol)| Ask::socket(family, kind, protocol);
        match self.random.below(6) {
            0 => {
                let asks = vec![socket(UDP), Ask::inet(Op::NetSend, 17, address, port)];
                Step::new(&[b"send", &shown("udp", address, port), b"x"], asks)
            }
            1 => {
                let asks = vec![socket(UDP), Ask::inet(Op::NetBind, 17, address, port)];
                Step::new(&[b"bind", &shown("udp", address, port)], asks)
            }
            2 => {
                self.number += 1;
                let (address, port) = (IpAddr::from([127, 0, 0, 1]), 10_000 + self.number);
                let asks = vec![
                    Ask::socket(libc::AF_INET, TCP.0, TCP.1),
                    Ask::inet(Op::NetBind, 6, address, port),
                    Ask::inet(Op::NetListen, 6, address, port),
                ];
                Step::new(&[b"listen", &shown("tcp", address, port)], asks)
            }
            3 if address.is_loopback() => {
                let asks = vec![socket(TCP), Ask::inet(Op::NetConnect, 6, address, port)];
                Step::new(&[b"connect", &shown("tcp", address, port)], asks)
            }
            _ => {
                let asks = vec![socket(UDP), Ask::inet(Op::NetConnect, 17, address, port)];
                Step::new(&[b"connect", &shown("udp", address, port)], asks)
            }
        }
    }

    fn unix(&mut self) -> Step {
        let socket = || Ask::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0);
        let path = [&self.tree, b"/s".as_slice()].concat();
        match self.random.below(3) {
            0 => {
                self.number += 1;
                let name = format!("fz-{}", self.number);
                let bind = Ask::new(Op::NetBind, abi::KIND_ABSTRACT)
                    .text(Text::ObjectName, name.as_bytes());
                let word = format!("abstract:{name}");
                Step::new(&[b"bind", word.as_bytes()], vec![socket(), bind])
            }
            1 => Step::new(
                &[b"connect", &[b"unix:".as_slice(), &path].concat()],
                vec![socket(), Ask::path(Op::NetConnect, &path)],
            )
            .prepare(Prepared::Listener(path.clone())),
            _ => {
                self.number += 1;
                let path = [&self.tree, format!("/b{}", self.number).as_bytes()].concat();
                Step::new(
                    &[b"bind", &[b"unix:".as_slice(), &path].concat()],
                    vec![socket(), Ask::path(Op::NetBind, &path)],
                )
            }
        }
    }

    fn signalled(&mut self) -> Step {
        let (word, signal) = *self.random.pick(&SIGNALS).expect("some");
        let parent = if self.labelled {
            abi::RELATION_DOMAIN
        } else {
            abi::RELATION_OUTSIDE
        };
        let whom: [(&[u8], u8); 3] = [
            (b"self", abi::RELATION_SELF),
            (b"child", abi::RELATION_CHILD),
            (b"parent", parent),
        ];
        let (whom, relation) = *self.random.pick(&whom).expect("some");
        let ask = Ask::new(Op::TaskSignal, abi::KIND_RELATION)
            .number(Number::Arg, signal)
            .number(Number::Relation, relation);
        Step::new(&[b"signal", whom, word], vec![ask])
    }

    fn executed(&mut self) -> Step {
        let path = self.fresh();
        let open = Ask::path(Op::FileOpen, &path).number(Number::Arg, abi::OPEN_EXEC);
        let asks = [open, Ask::path(Op::Exec, &path)];
        Step::new(
            &[b"become", &path, b"exit", b"0"],
            asks.map(|ask| Self::about_file(ask, 0, 0o755)).into(),
        )
        .effect(Effect::Become)
        .prepare(Prepared::Program(path.clone()))
    }

    fn other_user(&mut self) -> Step {
        let id = if self.uid == 0 {
            u32::try_from(self.random.below(3)).expect("small") * 500
        } else {
            self.uid
        };
        let (word, op): (&[u8], Op) = if self.random.once_in(2) {
            (b"setuid", Op::TaskSetuid)
        } else {
            (b"setgid", Op::TaskSetgid)
        };
        let ask = Ask::new(op, abi::KIND_IDS).number(Number::NewId, id);
        Step::new(&[word, id.to_string().as_bytes()], vec![ask])
    }
}
