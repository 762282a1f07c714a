// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Objects and their canonical bytes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ambit_abi as abi;

use crate::{Creds, ObjectError, Path};

/// The object of an operation. Its bytes are one kind byte and a payload, as the kernel part writes them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Object {
    /// No object: the operation and its argument are complete.
    None,
    /// A path from the root of the task's mount namespace.
    Path(Path),
    /// The former path of an unlinked file.
    Deleted(Path),
    /// A path from the root of another mount namespace.
    Foreign(Path),
    /// A memfd, by the name given to it.
    Memfd(Box<[u8]>),
    /// A kernel-internal file system, by its type.
    FsType(Box<[u8]>),
    /// An IPv4 or IPv6 address.
    Inet(Inet),
    /// `AF_UNSPEC`: dissolves an association of this protocol.
    Unspec(u8),
    /// An abstract unix name, without its first NUL.
    Abstract(Box<[u8]>),
    /// A unix socket without a name.
    Unnamed,
    /// A netlink protocol.
    Netlink(u16),
    /// Any other address family.
    Family(u16),
    /// A new socket.
    Socket {
        /// `AF_*`.
        family: u16,
        /// `SOCK_*`.
        kind: u16,
        /// `IPPROTO_*`, `NETLINK_*` and so on.
        protocol: u16,
    },
    /// Another task, by its relation.
    Relation(Relation),
    /// New ids of a task.
    Ids {
        /// Real id.
        real: u32,
        /// Effective id.
        effective: u32,
        /// Saved id.
        saved: u32,
    },
    /// Credentials of a subject.
    Creds(Creds),
    /// An executable and its digest.
    Digest {
        /// SHA-256.
        sha256: [u8; 32],
        /// The executable's object.
        of: Box<Object>,
    },
    /// The kernel's name of a key type, a file system or an attribute.
    Word(Box<[u8]>),
    /// A System V object.
    Ipc(Ipc),
    /// A pattern class.
    Class(u16),
}

/// An IP address as an object. An IPv4-mapped IPv6 address is the IPv4 address; a scope is not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Inet {
    /// `IPPROTO_*`.
    pub protocol: u8,
    /// The address, never IPv4-mapped.
    pub address: IpAddr,
    /// The port.
    pub port: Port,
}

/// A port of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Port {
    /// One port.
    Literal(u16),
    /// A port of the host's ephemeral range, or one that the kernel chooses.
    Ephemeral,
    /// The protocol has none.
    None,
}

/// The stable property of a System V object. Keys are not stable (they contain inode numbers), nor are ids (they count up).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ipc {
    /// Without a key.
    Private,
    /// With a key.
    Keyed,
    /// Made by another user.
    Foreign,
}

impl Ipc {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Private, Self::Keyed, Self::Foreign];

    /// Returns the number in canonical form.
    pub const fn number(self) -> u8 {
        match self {
            Self::Private => abi::IPCKEY_PRIVATE,
            Self::Keyed => abi::IPCKEY_KEYED,
            Self::Foreign => abi::IPCKEY_FOREIGN,
        }
    }

    /// Returns the name in text.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Keyed => "key",
            Self::Foreign => "foreign",
        }
    }

    /// Returns the kind of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// The target of a signal or a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Relation {
    /// The task itself.
    Own,
    /// A descendant.
    Child,
    /// Another task of the domain.
    Domain,
    /// Any other task.
    Outside,
}

impl Relation {
    /// Every relation.
    pub const ALL: [Self; 4] = [Self::Own, Self::Child, Self::Domain, Self::Outside];

    /// Returns the number in canonical form.
    pub const fn number(self) -> u8 {
        match self {
            Self::Own => abi::RELATION_SELF,
            Self::Child => abi::RELATION_CHILD,
            Self::Domain => abi::RELATION_DOMAIN,
            Self::Outside => abi::RELATION_OUTSIDE,
        }
    }

    /// Returns the name in text.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Own => "self",
            Self::Child => "child",
            Self::Domain => "domain",
            Self::Outside => "outside",
        }
    }

    /// Returns the relation of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|relation| relation.name() == name)
    }
}

impl Object {
    /// Returns the canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(32);
        self.write_to(&mut out);
        out
    }

    /// Appends the canonical bytes.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        out.push(self.kind());
        match self {
            Self::None | Self::Unnamed => {}
            Self::Path(path) | Self::Deleted(path) | Self::Foreign(path) => {
                out.extend_from_slice(path.as_bytes());
            }
            Self::Memfd(name) | Self::FsType(name) | Self::Abstract(name) | Self::Word(name) => {
                out.extend_from_slice(name);
            }
            Self::Inet(inet) => inet.write_to(out),
            Self::Unspec(protocol) => out.push(*protocol),
            Self::Netlink(number) | Self::Family(number) | Self::Class(number) => {
                out.extend_from_slice(&number.to_ne_bytes());
            }
            Self::Socket {
                family,
                kind,
                protocol,
            } => {
                for number in [family, kind, protocol] {
                    out.extend_from_slice(&number.to_ne_bytes());
                }
            }
            Self::Relation(relation) => out.push(relation.number()),
            Self::Ipc(kind) => out.push(kind.number()),
            Self::Ids {
                real,
                effective,
                saved,
            } => {
                for id in [real, effective, saved] {
                    out.extend_from_slice(&id.to_ne_bytes());
                }
            }
            Self::Creds(creds) => {
                out.extend_from_slice(&creds.uid.to_ne_bytes());
                out.extend_from_slice(&creds.gid.to_ne_bytes());
                out.extend_from_slice(&creds.caps.to_ne_bytes());
                out.push(u8::from(creds.no_new_privs));
            }
            Self::Digest { sha256, of } => {
                out.extend_from_slice(sha256);
                of.write_to(out);
            }
        }
    }

    /// Returns the kind byte.
    pub fn kind(&self) -> u8 {
        match self {
            Self::None => abi::KIND_NONE,
            Self::Path(_) => abi::KIND_PATH,
            Self::Deleted(_) => abi::KIND_DELETED,
            Self::Foreign(_) => abi::KIND_FOREIGN,
            Self::Memfd(_) => abi::KIND_MEMFD,
            Self::FsType(_) => abi::KIND_FSTYPE,
            Self::Inet(Inet {
                address: IpAddr::V4(_),
                ..
            }) => abi::KIND_INET4,
            Self::Inet(Inet {
                address: IpAddr::V6(_),
                ..
            }) => abi::KIND_INET6,
            Self::Unspec(_) => abi::KIND_UNSPEC,
            Self::Abstract(_) => abi::KIND_ABSTRACT,
            Self::Unnamed => abi::KIND_UNNAMED,
            Self::Netlink(_) => abi::KIND_NETLINK,
            Self::Family(_) => abi::KIND_FAMILY,
            Self::Socket { .. } => abi::KIND_SOCKET,
            Self::Relation(_) => abi::KIND_RELATION,
            Self::Ids { .. } => abi::KIND_IDS,
            Self::Creds(_) => abi::KIND_CREDS,
            Self::Digest { .. } => abi::KIND_DIGEST,
            Self::Word(_) => abi::KIND_WORD,
            Self::Ipc(_) => abi::KIND_IPC,
            Self::Class(_) => abi::KIND_CLASS,
        }
    }

    /// Reads canonical bytes; `parse(object.to_bytes())` is the object and nothing else is accepted.
    pub fn parse(bytes: &[u8]) -> Result<Self, ObjectError> {
        let (kind, payload) = bytes.split_first().ok_or(ObjectError::Empty)?;
        if bytes.len() > abi::PATH_MAX && *kind != abi::KIND_DIGEST {
            return Err(ObjectError::TooLong(bytes.len()));
        }
        Ok(match *kind {
            abi::KIND_NONE => {
                fixed::<0>(*kind, payload)?;
                Self::None
            }
            abi::KIND_UNNAMED => {
                fixed::<0>(*kind, payload)?;
                Self::Unnamed
            }
            abi::KIND_PATH => Self::Path(Path::new(payload)?),
            abi::KIND_DELETED => Self::Deleted(Path::new(payload)?),
            abi::KIND_FOREIGN => Self::Foreign(Path::new(payload)?),
            abi::KIND_MEMFD => Self::Memfd(without_nul(payload)?),
            abi::KIND_FSTYPE => Self::FsType(without_nul(payload)?),
            abi::KIND_ABSTRACT => Self::Abstract(payload.into()),
            abi::KIND_INET4 => Self::Inet(Inet::parse4(payload)?),
            abi::KIND_INET6 => Self::Inet(Inet::parse6(payload)?),
            abi::KIND_UNSPEC => {
                let [protocol] = fixed(*kind, payload)?;
                Self::Unspec(protocol)
            }
            abi::KIND_NETLINK => Self::Netlink(u16::from_ne_bytes(fixed(*kind, payload)?)),
            abi::KIND_FAMILY => Self::Family(u16::from_ne_bytes(fixed(*kind, payload)?)),
            abi::KIND_CLASS => Self::Class(u16::from_ne_bytes(fixed(*kind, payload)?)),
            abi::KIND_SOCKET => {
                let [family, socket, protocol] = pieces(&fixed::<6>(*kind, payload)?);
                Self::Socket {
                    family: u16::from_ne_bytes(family),
                    kind: u16::from_ne_bytes(socket),
                    protocol: u16::from_ne_bytes(protocol),
                }
            }
            abi::KIND_RELATION => {
                let [number] = fixed(*kind, payload)?;
                Relation::ALL
                    .into_iter()
                    .find(|relation| relation.number() == number)
                    .map(Self::Relation)
                    .ok_or(ObjectError::Value {
                        field: "relation",
                        value: number.into(),
                    })?
            }
            abi::KIND_WORD if payload.is_empty() => return Err(ObjectError::Empty),
            abi::KIND_WORD => Self::Word(without_nul(payload)?),
            abi::KIND_IPC => {
                let [number] = fixed(*kind, payload)?;
                Ipc::ALL
                    .into_iter()
                    .find(|kind| kind.number() == number)
                    .map(Self::Ipc)
                    .ok_or(ObjectError::Value {
                        field: "kind of key",
                        value: number.into(),
                    })?
            }
            abi::KIND_IDS => {
                let [real, effective, saved] =
                    pieces(&fixed::<12>(*kind, payload)?).map(u32::from_ne_bytes);
                Self::Ids {
                    real,
                    effective,
                    saved,
                }
            }
            abi::KIND_CREDS => Self::Creds(creds(fixed(*kind, payload)?)?),
            abi::KIND_DIGEST => digest(payload)?,
            other => return Err(ObjectError::UnknownKind(other)),
        })
    }
}

impl Inet {
    fn write_to(&self, out: &mut Vec<u8>) {
        out.push(self.protocol);
        match self.address {
            IpAddr::V4(address) => out.extend_from_slice(&address.octets()),
            IpAddr::V6(address) => out.extend_from_slice(&address.octets()),
        }
        let (kind, port) = match self.port {
            Port::Literal(port) => (abi::PORT_LITERAL, port),
            Port::Ephemeral => (abi::PORT_EPHEMERAL, 0),
            Port::None => (abi::PORT_NONE, 0),
        };
        out.push(kind);
        out.extend_from_slice(&port.to_be_bytes());
    }

    fn parse4(payload: &[u8]) -> Result<Self, ObjectError> {
        let [protocol, a, b, c, d, kind, high, low] = fixed(abi::KIND_INET4, payload)?;
        let port = port(kind, [high, low])?;
        Ok(Self {
            protocol,
            address: Ipv4Addr::new(a, b, c, d).into(),
            port,
        })
    }

    fn parse6(payload: &[u8]) -> Result<Self, ObjectError> {
        let [protocol, octets @ .., kind, high, low] = fixed::<20>(abi::KIND_INET6, payload)?;
        let address = Ipv6Addr::from(octets);
        if address.to_ipv4_mapped().is_some() {
            return Err(ObjectError::Value {
                field: "mapped address prefix",
                value: 0xffff,
            });
        }
        Ok(Self {
            protocol,
            address: address.into(),
            port: port(kind, [high, low])?,
        })
    }
}

fn port(kind: u8, bytes: [u8; 2]) -> Result<Port, ObjectError> {
    match (kind, u16::from_be_bytes(bytes)) {
        (abi::PORT_LITERAL, port) => Ok(Port::Literal(port)),
        (abi::PORT_EPHEMERAL, 0) => Ok(Port::Ephemeral),
        (abi::PORT_NONE, 0) => Ok(Port::None),
        (abi::PORT_EPHEMERAL | abi::PORT_NONE, port) => Err(ObjectError::Value {
            field: "port beside its kind",
            value: port.into(),
        }),
        (kind, _) => Err(ObjectError::Value {
            field: "port kind",
            value: kind.into(),
        }),
    }
}

fn fixed<const N: usize>(kind: u8, payload: &[u8]) -> Result<[u8; N], ObjectError> {
    payload.try_into().map_err(|_| ObjectError::Length {
        kind: char::from(kind),
        found: payload.len(),
        expected: N,
    })
}

fn without_nul(payload: &[u8]) -> Result<Box<[u8]>, ObjectError> {
    if payload.contains(&0) {
        Err(ObjectError::Nul)
    } else {
        Ok(payload.into())
    }
}

/// Splits a payload into equal pieces; missing bytes are zero.
fn pieces<const N: usize, const COUNT: usize>(payload: &[u8]) -> [[u8; N]; COUNT] {
    let mut chunks = payload.as_chunks::<N>().0.iter();
    std::array::from_fn(|_| chunks.next().copied().unwrap_or([0; N]))
}

fn creds(payload: [u8; 17]) -> Result<Creds, ObjectError> {
    let [_, _, _, _, _, _, _, _, caps @ .., nnp] = payload;
    let [uid, gid] = pieces(&payload);
    if nnp > 1 {
        return Err(ObjectError::Value {
            field: "no_new_privs",
            value: nnp.into(),
        });
    }
    Ok(Creds {
        uid: u32::from_ne_bytes(uid),
        gid: u32::from_ne_bytes(gid),
        caps: u64::from_ne_bytes(caps),
        no_new_privs: nnp == 1,
    })
}

fn digest(payload: &[u8]) -> Result<Object, ObjectError> {
    let Some((sha256, of)) = payload.split_first_chunk::<32>() else {
        return Err(ObjectError::Length {
            kind: char::from(abi::KIND_DIGEST),
            found: payload.len(),
            expected: 33,
        });
    };
    // Only executables have digests. This also bounds the nesting.
    match of.first() {
        Some(
            &(abi::KIND_PATH
            | abi::KIND_DELETED
            | abi::KIND_FOREIGN
            | abi::KIND_MEMFD
            | abi::KIND_FSTYPE),
        ) => Ok(Object::Digest {
            sha256: *sha256,
            of: Box::new(Object::parse(of)?),
        }),
        Some(other) => Err(ObjectError::UnknownKind(*other)),
        None => Err(ObjectError::Empty),
    }
}
