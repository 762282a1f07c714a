// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Addresses that the kernel reads otherwise than their family says, and packets that take another route.

use super::tests;
use crate::harness::{Lab, Sniffer, TcpWatch, UdpWatch};

tests! { "attacks":
    a_datagram_to_an_address_without_a_family_does_not_arrive
    a_raw_packet_to_an_address_without_a_family_does_not_arrive
    a_raw_packet_over_ipv6_to_an_address_without_a_family_does_not_arrive
    a_datagram_over_ipv6_to_a_mapped_address_does_not_arrive
    a_datagram_over_ipv6_to_an_address_of_ipv4_does_not_arrive
    a_connect_over_ipv6_to_an_address_of_ipv4_is_refused
    a_raw_socket_is_not_bound_by_an_address_of_another_family
    a_packet_under_another_family_is_refused
    an_algorithm_under_another_family_is_refused
    a_raw_packet_with_the_header_of_another_host_does_not_arrive
    a_loose_source_route_is_refused
    a_loose_source_route_in_a_control_message_is_refused
    a_loose_source_route_of_a_connection_is_refused
    a_strict_source_route_is_refused
    a_segment_routing_header_is_refused
    a_home_routing_header_is_refused
    a_home_routing_header_in_a_control_message_is_refused
    a_home_routing_header_in_packet_options_is_refused
    a_mark_in_a_control_message_is_refused
    a_device_in_a_control_message_is_refused
    a_device_by_an_option_for_single_hosts_is_refused
}

fn a_mark_in_a_control_message_is_refused(lab: &Lab) {
    // The mark requires a capability as well.
    lab.attack("send-mark udp:127.0.0.1:7106", "net.option mark")
        .control("send udp:127.0.0.1:7106 x")
        .with_rule("cap.use net_raw")
        .with_rule("cap.use net_admin")
        .check();
}

fn a_device_in_a_control_message_is_refused(lab: &Lab) {
    lab.attack("send-device udp:127.0.0.1:7106", "net.option device")
        .control("send udp:127.0.0.1:7106 x , send-source udp:127.0.0.1:7106")
        .check();
}

fn a_device_by_an_option_for_single_hosts_is_refused(lab: &Lab) {
    lab.attack("send-by-device udp:127.0.0.1:7106", "net.option device")
        .control("send udp:127.0.0.1:7106 x")
        .check();
}

fn a_datagram_to_an_address_without_a_family_does_not_arrive(lab: &Lab) {
    let receiver = UdpWatch::on("127.0.0.1:7102");
    for call in ["send-as", "sendmsg-as"] {
        lab.attack(
            format!("{call} unspec udp:127.0.0.1:7102 x"),
            "net.send udp 127.0.0.1:7102",
        )
        .control("send udp:127.0.0.1:7101 x")
        .with_rule("net.send udp unspec")
        .arrives_at(&receiver)
        .check();
    }
}

fn a_raw_packet_to_an_address_without_a_family_does_not_arrive(lab: &Lab) {
    let packets = Sniffer::to("127.0.0.2");
    lab.attack(
        "send-as unspec raw:127.0.0.2:0 x",
        "net.send proto253 127.0.0.2",
    )
    .control("send raw:127.0.0.1:0 x")
    .with_rule("net.send proto253 unspec")
    .arrives_at(&packets)
    .check();
}

/// Gives the loopback interface a second address; returns it.
fn second_address(lab: &Lab) -> &'static str {
    // It may be there already.
    lab.outside(["ip", "addr", "add", "fd00::2/128", "dev", "lo"]);
    "fd00::2"
}

fn a_raw_packet_over_ipv6_to_an_address_without_a_family_does_not_arrive(lab: &Lab) {
    let other = second_address(lab);
    let packets = Sniffer::to(other);
    lab.attack(
        format!("send-as unspec raw:[{other}]:0 x"),
        format!("net.send proto253 [{other}]"),
    )
    .control("send raw:[::1]:0 x")
    .with_rule("net.send proto253 unspec")
    .arrives_at(&packets)
    .check();
}

fn a_datagram_over_ipv6_to_a_mapped_address_does_not_arrive(lab: &Lab) {
    let receiver = UdpWatch::on("127.0.0.1:7103");
    lab.attack(
        "send udp:[::ffff:127.0.0.1]:7103 x",
        "net.send udp 127.0.0.1:7103",
    )
    .control("send udp:[::1]:7101 x")
    .arrives_at(&receiver)
    .check();
}

fn a_datagram_over_ipv6_to_an_address_of_ipv4_does_not_arrive(lab: &Lab) {
    let receiver = UdpWatch::on("127.0.0.1:7104");
    lab.attack(
        "send-over inet6 udp:127.0.0.1:7104 x",
        "net.send udp 127.0.0.1:7104",
    )
    .control("send udp:[::1]:7101 x")
    .arrives_at(&receiver)
    .check();
}

fn a_connect_over_ipv6_to_an_address_of_ipv4_is_refused(lab: &Lab) {
    lab.attack(
        "connect-over inet6 udp:127.0.0.1:7105",
        "net.connect udp 127.0.0.1:7105",
    )
    .control("connect udp:[::1]:7101")
    .check();
}

/// `raw_bind` looks at no family and no port. As a unix path this address has a first byte that is not zero.
fn a_raw_socket_is_not_bound_by_an_address_of_another_family(lab: &Lab) {
    for family in ["unspec", "unix", "netlink", "77"] {
        // The map may name the address by the family of the socket or by its own.
        lab.attack(format!("bind-as {family} raw:127.0.0.2:4660"), "net.bind*")
            .control("socket inet raw 253")
            .check();
    }
    lab.attack(
        "bind-as unspec raw:127.0.0.2:0",
        "net.bind proto253 127.0.0.2",
    )
    .control("bind raw:127.0.0.1:0")
    .with_rule("net.bind proto253 unspec")
    .check();
}

/// `packet_snd` looks at no family.
fn a_packet_under_another_family_is_refused(lab: &Lab) {
    for family in ["unix", "unspec", "netlink"] {
        lab.attack(format!("send-as {family} packet:lo x"), "net.send*")
            .control("socket packet dgram 0")
            .check();
    }
}

/// `alg_bind` looks at no family.
fn an_algorithm_under_another_family_is_refused(lab: &Lab) {
    lab.attack("bind-as unix alg:hash:sha256", "net.bind*")
        .control("socket 38 seqpacket 0")
        .lacking(
            "errno EAFNOSUPPORT at socket",
            "this kernel has no sockets for its cryptography",
        )
        .lacking(
            "errno EINVAL",
            "this kernel compares the family of such an address",
        )
        .check();
}

/// The address of the call chooses the route, and the header the host.
fn a_raw_packet_with_the_header_of_another_host_does_not_arrive(lab: &Lab) {
    let packets = Sniffer::to("127.0.0.2");
    lab.attack(
        "send-header raw:127.0.0.1:0 raw:127.0.0.2:0",
        "net.option route",
    )
    .control("send raw:127.0.0.1:0 x")
    .with_rule("net.socket inet raw raw")
    .with_rule("net.send raw 127.0.0.1")
    .arrives_at(&packets)
    .check();
}

/// A packet to an allowed address that is sent to another host first. IPv4 wants a capability for it, IPv6 none.
fn routed(lab: &Lab, way: &str, hop: &str, address: &str) {
    let packets = Sniffer::to(hop);
    let control = match address.strip_prefix("tcp:") {
        Some(_) => format!("connect {address}"),
        None => format!("send {address} x , send-tos {address}"),
    };
    lab.attack(format!("route {way} {hop} {address}"), "net.option route")
        .control(control)
        .with_rule("cap.use net_raw")
        .lacking(
            "errno EINVAL",
            "this kernel has no routing headers of this type",
        )
        .arrives_at(&packets)
        .check();
}

fn a_loose_source_route_is_refused(lab: &Lab) {
    routed(lab, "loose", "127.0.0.9", "udp:127.0.0.1:7106");
}

fn a_loose_source_route_in_a_control_message_is_refused(lab: &Lab) {
    routed(lab, "loose-control", "127.0.0.9", "udp:127.0.0.1:7106");
}

fn a_loose_source_route_of_a_connection_is_refused(lab: &Lab) {
    let _listener = TcpWatch::on("127.0.0.1:7107");
    routed(lab, "loose-connect", "127.0.0.9", "tcp:127.0.0.1:7107");
}

fn a_strict_source_route_is_refused(lab: &Lab) {
    routed(lab, "strict", "127.0.0.9", "udp:127.0.0.1:7106");
}

fn a_segment_routing_header_is_refused(lab: &Lab) {
    routed(lab, "segments", second_address(lab), "udp:[::1]:7106");
}

fn a_home_routing_header_is_refused(lab: &Lab) {
    routed(lab, "home", second_address(lab), "udp:[::1]:7106");
}

fn a_home_routing_header_in_a_control_message_is_refused(lab: &Lab) {
    routed(lab, "home-control", second_address(lab), "udp:[::1]:7106");
}

fn a_home_routing_header_in_packet_options_is_refused(lab: &Lab) {
    routed(
        lab,
        "home-packet-options",
        second_address(lab),
        "udp:[::1]:7106",
    );
}
