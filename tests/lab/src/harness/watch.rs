// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Watchers outside every domain, which see whether an operation had its effect on the network.

use std::io::Read;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long something that was sent may take to arrive.
const ARRIVAL: Duration = Duration::from_millis(300);
const TICK: Duration = Duration::from_millis(5);

/// Counts what arrives, in a thread, until it is dropped.
struct Counter {
    seen: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

impl Counter {
    /// `poll` answers whether something arrived, without waiting.
    fn of(poll: impl Fn() -> bool + Send + 'static) -> Self {
        let counter = Self {
            seen: Arc::default(),
            stop: Arc::default(),
        };
        let (seen, stop) = (Arc::clone(&counter.seen), Arc::clone(&counter.stop));
        std::thread::spawn(move || {
            while !stop.load(Ordering::SeqCst) {
                if poll() {
                    seen.fetch_add(1, Ordering::SeqCst);
                } else {
                    std::thread::sleep(TICK);
                }
            }
        });
        counter
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

/// What a watcher answers.
pub(crate) trait Taken {
    /// Whether something arrived since it was asked last.
    fn taken(&self) -> bool;
}

impl Taken for Counter {
    fn taken(&self) -> bool {
        std::thread::sleep(ARRIVAL);
        self.seen.swap(0, Ordering::SeqCst) > 0
    }
}

macro_rules! watcher {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub(crate) struct $name(Counter);

        impl Taken for $name {
            fn taken(&self) -> bool {
                self.0.taken()
            }
        }
    };
}

watcher! {
    /// Accepts connections.
    TcpWatch
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
        Self(Counter::of(move || listener.accept().is_ok()))
    }
}

impl UdpWatch {
    pub(crate) fn on(address: &str) -> Self {
        let socket = UdpSocket::bind(address).expect("cannot bind");
        socket
            .set_nonblocking(true)
            .expect("cannot be non-blocking");
        Self(Counter::of(move || socket.recv(&mut [0; 64]).is_ok()))
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
        Self(Counter::of(move || listener.accept().is_ok()))
    }

    fn receive(socket: UnixDatagram) -> Self {
        socket
            .set_nonblocking(true)
            .expect("cannot be non-blocking");
        Self(Counter::of(move || socket.recv(&mut [0; 64]).is_ok()))
    }
}

/// Sees every packet to a port on every interface, whether or not anyone listens there.
pub(crate) struct Sniffer {
    socket: OwnedFd,
    port: u16,
}

/// `ETH_P_ALL` in network order.
const ALL_PROTOCOLS: i32 = 0x0300;

impl Sniffer {
    pub(crate) fn on(port: u16) -> Self {
        let kind = libc::SOCK_DGRAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        // SAFETY: three numbers.
        let fd = unsafe { libc::socket(libc::AF_PACKET, kind, ALL_PROTOCOLS) };
        assert!(fd >= 0, "cannot sniff: {}", std::io::Error::last_os_error());
        // SAFETY: the kernel has just handed out this descriptor.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        Self { socket, port }
    }
}

impl Taken for Sniffer {
    fn taken(&self) -> bool {
        std::thread::sleep(ARRIVAL);
        let mut seen = false;
        let mut packet = [0_u8; 2048];
        loop {
            // SAFETY: pointer and length are those of a live buffer.
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
            seen |= port_of(&packet[..length]) == Some(self.port);
        }
    }
}

/// The port that an IP packet goes to.
fn port_of(packet: &[u8]) -> Option<u16> {
    let header = match packet.first()? >> 4 {
        4 => usize::from(packet[0] & 15) * 4,
        6 => 40,
        _ => return None,
    };
    let port = packet.get(header + 2..header + 4)?;
    Some(u16::from_be_bytes([port[0], port[1]]))
}

/// Calls an address until someone answers or ten seconds have passed, and notes whether it was greeted.
pub(crate) struct AcceptedCall(Arc<AtomicBool>);

impl AcceptedCall {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    pub(crate) fn call(&self, address: &'static str) {
        let greeted = Arc::clone(&self.0);
        greeted.store(false, Ordering::SeqCst);
        std::thread::spawn(move || {
            let deadline = Instant::now() + Duration::from_mins(1);
            while Instant::now() < deadline {
                if let Ok(mut stream) = TcpStream::connect(address) {
                    let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
                    let mut greeting = [0; 2];
                    greeted.store(stream.read_exact(&mut greeting).is_ok(), Ordering::SeqCst);
                    return;
                }
                std::thread::sleep(TICK);
            }
        });
    }
}

impl Taken for AcceptedCall {
    fn taken(&self) -> bool {
        std::thread::sleep(ARRIVAL);
        self.0.swap(false, Ordering::SeqCst)
    }
}
