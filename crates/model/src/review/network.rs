// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Checks of lines about sockets.

use std::net::IpAddr;

use ambit_abi::{self as abi, Op};
use ambit_event::{Object, Port};

use super::context::Checked;
use super::kind::FindingKind as Kind;
use super::kind::Severity;
use super::tables::{Use, places};
use crate::pattern::{InetPattern, Ports};
use crate::{Rule, RuleObject};

/// A range of more ports than this is wide.
const PORTS_MAX: u16 = 1024;
const CAP_NET_ADMIN: u32 = 12;
const CAP_NET_RAW: u32 = 13;
/// `AF_NETLINK`, `AF_PACKET` and `SOCK_RAW`, from `linux/socket.h` and `linux/net.h`.
const NETLINK: u16 = 16;
const PACKET: u16 = 17;
const RAW: u16 = 3;

impl<'m> Checked<'_, 'm> {
    pub(super) fn check_network(&mut self, rule: &'m Rule) {
        let operation = rule.operation();
        match (operation.op, rule.object()) {
            (Op::NetConnect | Op::NetSend, RuleObject::Inet(pattern)) => {
                self.check_reach(rule, *pattern);
            }
            (Op::NetConnect | Op::NetSend, RuleObject::Exact(Object::Inet(inet)))
                if is_public(inet.address) =>
            {
                self.internet(rule);
            }
            (Op::NetConnect | Op::NetSend, object) => {
                let worst = places(Use::Socket, object).max_by_key(|known| known.severity);
                if let Some(known) = worst {
                    let text = format!("It can use a socket for {}.", known.meaning);
                    self.hit(Kind::ControlSocket, known.severity, text, rule);
                }
            }
            (Op::NetListen | Op::NetBind, RuleObject::Inet(pattern))
                if is_wide(pattern.ports()) =>
            {
                let text = "It can offer a service on more than 1024 ports.";
                self.hit(Kind::Network, Severity::Medium, text, rule);
            }
            (Op::NetListen, object) if is_ephemeral(object) => {
                let text = "It can offer a service on a port that the kernel chooses.";
                self.hit(Kind::Network, Severity::Low, text, rule);
            }
            (Op::NetSocket, RuleObject::Exact(Object::Socket { family, kind, .. }))
                if *family == PACKET || *kind == RAW && *family != NETLINK =>
            {
                self.privileged(
                    rule,
                    CAP_NET_RAW,
                    "forge packets and read packets of other programs",
                );
            }
            (Op::NetTun, _) => self.privileged(rule, CAP_NET_ADMIN, "make tunnel devices"),
            (Op::NetOption, _) if operation.arg == abi::SOCKOPT_TABLES => {
                self.privileged(rule, CAP_NET_ADMIN, "change the firewall's tables");
            }
            _ => {}
        }
    }

    fn check_reach(&mut self, rule: &'m Rule, pattern: InetPattern) {
        let wide = if pattern.network().is_ipv4() { 16 } else { 48 };
        let many = is_wide(pattern.ports());
        let (severity, text) = match pattern.prefix() {
            0 if many => (
                Severity::High,
                "It can send data to more than 1024 ports of every address.",
            ),
            0 => (
                Severity::Medium,
                "It can send data to some port of every address.",
            ),
            prefix if prefix < wide && many => (
                Severity::Medium,
                "It can send data to more than 1024 ports of a wide network.",
            ),
            prefix if prefix < wide => (
                Severity::Low,
                "It can send data to some port of a wide network.",
            ),
            _ if many => (
                Severity::Low,
                "It can send data to more than 1024 ports of a network or an address.",
            ),
            _ if is_public(pattern.network()) => return self.internet(rule),
            _ => return,
        };
        self.hit(Kind::Network, severity, text, rule);
    }

    fn internet(&mut self, rule: &'m Rule) {
        let text = "It can send data to addresses of the internet.";
        self.hit(Kind::Network, Severity::Low, text, rule);
    }

    /// Adds an ability that needs a capability.
    fn privileged(&mut self, rule: &'m Rule, capability: u32, ability: &str) {
        let name = ambit_event::names::name_of(&ambit_event::names::CAPABILITIES, capability)
            .unwrap_or_default()
            .to_uppercase();
        if self.may_use(&[capability]) {
            let text = format!("It can {ability}.");
            self.hit(Kind::Network, Severity::Medium, text, rule);
        } else {
            let text = format!("It could {ability} if it had CAP_{name}.");
            self.hit(Kind::Network, Severity::Low, text, rule);
        }
    }
}

fn is_wide(ports: Ports) -> bool {
    match ports {
        Ports::Any => true,
        Ports::Range(first, last) => last - first >= PORTS_MAX,
        Ports::Ephemeral | Ports::None => false,
    }
}

fn is_ephemeral(object: &RuleObject) -> bool {
    match object {
        RuleObject::Exact(Object::Inet(inet)) => inet.port == Port::Ephemeral,
        RuleObject::Inet(pattern) => pattern.ports() == Ports::Ephemeral,
        _ => false,
    }
}

/// True for an address that is not of this host or of a private network.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            !(address.is_loopback()
                || address.is_private()
                || address.is_link_local()
                || address.is_unspecified()
                || address.is_multicast()
                || address.is_broadcast())
        }
        IpAddr::V6(address) => {
            !(address.is_loopback()
                || address.is_unique_local()
                || address.is_unicast_link_local()
                || address.is_unspecified()
                || address.is_multicast())
        }
    }
}
