// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Watchers outside every domain that see whether an operation had an effect on the network.

use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::sync::Mutex;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const TICK: Duration = Duration::from_millis(5);

/// Observes arriving connections, datagrams or packets.
pub(crate) trait Watcher {
    /// Returns true if something arrived since the last call. Does not wait: a packet over the loopback device arrives before
    /// its sender exits.
    fn arrived(&self) -> bool;
}

/// Takes one arrival without blocking; returns false if there is none.
struct Inbox(Box<dyn Fn() -> bool>);

impl Watcher for Inbox {
    fn arrived(&self) -> bool {
        let mut any = false;
        while (self.0)() {
            any = true;
        }
        any
    }
}

macro_rules! watcher {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub(crate) struct $name(Inbox);

        impl Watcher for $name {
            fn arrived(&self) -> bool {
                self.0.arrived()
            }
        }
    };
}

watcher! {
    /// Accepts connections.
    TcpWatch
}
watcher! {
    /// Accepts associations of SCTP.
    SctpWatch
}
watcher! {
    /// Takes datagrams.
    UdpWatch
}
watcher! {
    /// Accepts connections, or takes datagrams, on a unix socket.
    UnixWatch
}

impl TcpWatch {
    pub(crate) fn on(address: &str) -> Self {
        let listener = TcpListener::bind(address).expect("cannot listen");
        listener
            .set_nonblocking(true)
            .expect("cannot be non-blocking");
        Self(Inbox(Box::new(move || listener.accept().is_ok())))
    }
}

impl SctpWatch {
    /// Listens at one port of several addresses.
    pub(crate) fn on(hosts: &[Ipv4Addr], port: u16) -> Self {
        const BINDX_ADD: i32 = 100;
        let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        // SAFETY: three numbers.
        let fd = unsafe { libc::socket(libc::AF_INET, kind, libc::IPPROTO_SCTP) };
        assert!(fd >= 0, "no SCTP: {}", std::io::Error::last_os_error());
        // SAFETY: `socket` has just returned this descriptor; nothing else owns it.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        for host in hosts {
            // struct sockaddr_in
            let mut address = [0_u8; 16];
            address[..2].copy_from_slice(&2_u16.to_ne_bytes());
            address[2..4].copy_from_slice(&port.to_be_bytes());
            address[4..8].copy_from_slice(&host.octets());
            // SAFETY: a live address of the length given.
            let bound = unsafe {
                libc::setsockopt(
                    fd,
                    libc::IPPROTO_SCTP,
                    BINDX_ADD,
                    address.as_ptr().cast(),
                    16,
                )
            };
            assert_eq!(bound, 0, "{host}: {}", std::io::Error::last_os_error());
        }
        // SAFETY: two numbers.
        let listening = unsafe { libc::listen(fd, 16) };
        assert_eq!(listening, 0, "{}", std::io::Error::last_os_error());
        Self(Inbox(Box::new(move || {
            let nothing = std::ptr::null_mut();
            // SAFETY: null pointers mean that the address is not returned.
            let client = unsafe {
                libc::accept4(
                    socket.as_raw_fd(),
                    nothing,
                    nothing.cast(),
                    libc::SOCK_CLOEXEC,
                )
            };
            // SAFETY: `accept4` has just returned this descriptor; nothing else owns it.
            client >= 0 && unsafe { libc::close(client) } == 0
        })))
    }
}

impl UdpWatch {
    pub(crate) fn on(address: &str) -> Self {
        let socket = UdpSocket::bind(address).expect("cannot bind");
        socket
            .set_nonblocking(true)
            .expect("cannot be non-blocking");
        Self(Inbox(Box::new(move || socket.recv(&mut [0; 64]).is_ok())))
    }
}

impl UnixWatch {
    pub(crate) fn stream(path: &str) -> Self {
        let _ = std::fs::remove_file(path);
        Self::listen(UnixListener::bind(path).expect("cannot listen"))
    }

    pub(crate) fn abstract_stream(name: &[u8]) -> Self {
        let address = SocketAddr::from_abstract_name(name).expect("a name");
        Self::listen(UnixListener::bind_addr(&address).expect("cannot listen"))
    }

    pub(crate) fn datagram(path: &str) -> Self {
        let _ = std::fs::remove_file(path);
        Self::receive(UnixDatagram::bind(path).expect("cannot bind"))
    }

    pub(crate) fn abstract_datagram(name: &[u8]) -> Self {
        let address = SocketAddr::from_abstract_name(name).expect("a name");
        Self::receive(UnixDatagram::bind_addr(&address).expect("cannot bind"))
    }

    fn listen(listener: UnixListener) -> Self {
        listener
            .set_nonblocking(true)
            .expect("cannot be non-blocking");
        Self(Inbox(Box::new(move || listener.accept().is_ok())))
    }

    fn receive(socket: UnixDatagram) -> Self {
        socket
            .set_nonblocking(true)
            .expect("cannot be non-blocking");
        Self(Inbox(Box::new(move || socket.recv(&mut [0; 64]).is_ok())))
    }
}

/// Sees every packet to a port, or to a host, on every interface, with or without a listener.
pub(crate) struct Sniffer {
    socket: OwnedFd,
    wanted: Wanted,
}

/// The packets that a sniffer counts.
enum Wanted {
    Port(u16),
    Host(IpAddr),
}

/// `ETH_P_ALL` in network order.
const ALL_PROTOCOLS: i32 = 0x0300;

impl Sniffer {
    pub(crate) fn on(port: u16) -> Self {
        Self::of(Wanted::Port(port))
    }

    pub(crate) fn to(host: &str) -> Self {
        Self::of(Wanted::Host(host.parse().expect("the address of a host")))
    }

    fn of(wanted: Wanted) -> Self {
        let kind = libc::SOCK_DGRAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        // SAFETY: three numbers.
        let fd = unsafe { libc::socket(libc::AF_PACKET, kind, ALL_PROTOCOLS) };
        assert!(fd >= 0, "cannot sniff: {}", std::io::Error::last_os_error());
        // SAFETY: `socket` has just returned this descriptor; nothing else owns it.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        Self { socket, wanted }
    }
}

impl Watcher for Sniffer {
    fn arrived(&self) -> bool {
        let mut seen = false;
        let mut packet = [0_u8; 2048];
        loop {
            // SAFETY: pointer and length describe a live buffer.
            let length = unsafe {
                libc::recv(
                    self.socket.as_raw_fd(),
                    packet.as_mut_ptr().cast(),
                    packet.len(),
                    0,
                )
            };
            let Ok(length) = usize::try_from(length) else {
                return seen;
            };
            let packet = &packet[..length];
            seen |= match self.wanted {
                Wanted::Port(port) => port_of(packet) == Some(port),
                Wanted::Host(host) => host_of(packet) == Some(host),
            };
        }
    }
}

/// Returns the destination address in the header of an IP packet.
fn host_of(packet: &[u8]) -> Option<IpAddr> {
    match packet.first()? >> 4 {
        4 => Some(<[u8; 4]>::try_from(packet.get(16..20)?).ok()?.into()),
        6 => Some(<[u8; 16]>::try_from(packet.get(24..40)?).ok()?.into()),
        _ => None,
    }
}

/// Returns the destination port of an IP packet.
fn port_of(packet: &[u8]) -> Option<u16> {
    let header = match packet.first()? >> 4 {
        4 => usize::from(packet[0] & 15) * 4,
        6 => 40,
        _ => return None,
    };
    let port = packet.get(header + 2..header + 4)?;
    Some(u16::from_be_bytes([port[0], port[1]]))
}

/// A client that connects to an address, retrying for a minute until the server listens.
pub(crate) struct Client(Mutex<Option<JoinHandle<bool>>>);

impl Client {
    pub(crate) fn new() -> Self {
        Self(Mutex::default())
    }

    /// Starts to connect.
    pub(crate) fn call(&self, address: &'static str) {
        let call = std::thread::spawn(move || {
            let deadline = Instant::now() + Duration::from_mins(1);
            while Instant::now() < deadline {
                if let Ok(mut stream) = TcpStream::connect(address) {
                    // Ends when the server exits, because that closes the connection even if it was never accepted.
                    return stream.read_exact(&mut [0; 2]).is_ok();
                }
                std::thread::sleep(TICK);
            }
            false
        });
        *self.0.lock().unwrap() = Some(call);
    }

    /// Waits for the end of the connection; returns true if the server accepted it and sent a greeting.
    pub(crate) fn was_greeted(&self) -> bool {
        let call = self.0.lock().unwrap().take();
        call.is_some_and(|call| call.join().unwrap())
    }
}
