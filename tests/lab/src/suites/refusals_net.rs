// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Sockets outside the map: the program gets EPERM, and nothing arrives at a listener outside the domain.

use std::path::Path;

use super::tests;
use crate::harness::{Client, Lab, Sniffer, TcpWatch, UdpWatch, UnixWatch, Watcher, act};

tests! { "refusals":
    a_socket_of_another_family_is_refused
    a_socket_of_another_type_is_refused
    a_bind_is_refused
    a_bind_of_a_netlink_socket_is_refused
    a_bind_to_a_path_is_refused_and_no_socket_is_left
    a_bind_to_an_abstract_name_is_refused
    a_listen_is_refused
    an_accept_is_refused_and_the_client_gets_nothing
    a_refused_connect_sends_no_packet
    a_refused_connect_over_ipv6_sends_no_packet
    a_mapped_address_does_not_lead_around_the_map
    a_connect_to_another_port_is_refused
    a_refused_fast_open_sends_no_packet
    a_refused_datagram_does_not_arrive
    a_refused_datagram_by_sendmsg_does_not_arrive
    a_refused_datagram_over_ipv6_does_not_arrive
    a_connect_to_a_unix_socket_is_refused
    a_connect_to_an_abstract_name_is_refused
    a_datagram_to_a_unix_socket_is_refused
    a_datagram_to_an_abstract_name_is_refused
    io_uring_connects_are_decided_like_the_system_call
    io_uring_connects_in_a_worker_thread_are_decided_like_the_system_call
}

fn a_socket_of_another_family_is_refused(lab: &Lab) {
    lab.refusal("socket netlink raw 0", "net.socket netlink raw route")
        .without_trace()
        .check();
    lab.refusal("socket packet raw 0", "net.socket packet raw*")
        .without_trace()
        .check();
}

fn a_socket_of_another_type_is_refused(lab: &Lab) {
    lab.refusal("socket inet raw 1", "net.socket inet raw icmp")
        .without_trace()
        .check();
    lab.learn("map", &act("socket inet stream 0")).succeeds();
    lab.map("map").must_have("net.socket inet stream tcp");
    lab.enforce("map", &act("socket inet stream 6 , socket inet dgram 17"))
        .exits(1)
        .says(&["socket: ok", "socket: errno EPERM"])
        .violates("net.socket inet dgram udp");
}

fn a_bind_is_refused(lab: &Lab) {
    lab.refusal("bind tcp:127.0.0.1:7001", "net.bind tcp 127.0.0.1:7001")
        .without_trace()
        .check();
    lab.refusal("bind udp:[::1]:7001", "net.bind udp [::1]:7001")
        .without_trace()
        .check();
}

fn a_bind_of_a_netlink_socket_is_refused(lab: &Lab) {
    lab.refusal("bind netlink:0", "net.bind netlink route")
        .without_trace()
        .check();
}

fn a_bind_to_a_path_is_refused_and_no_socket_is_left(lab: &Lab) {
    let path = lab.path("s");
    lab.refusal(format!("bind unix:{path}"), format!("net.bind unix {path}"))
        .before(|| {
            let _ = std::fs::remove_file(&path);
        })
        .effect(|| Path::new(&path).exists())
        .check();
}

fn a_bind_to_an_abstract_name_is_refused(lab: &Lab) {
    lab.refusal("bind abstract:lab-bind", "net.bind unix @lab-bind")
        .without_trace()
        .check();
}

fn a_listen_is_refused(lab: &Lab) {
    lab.refusal("listen tcp:127.0.0.1:7002", "net.listen tcp 127.0.0.1:7002")
        .without_trace()
        .check();
}

fn an_accept_is_refused_and_the_client_gets_nothing(lab: &Lab) {
    let client = Client::new();
    lab.refusal("accept tcp:127.0.0.1:7003", "net.accept tcp 127.0.0.1:7003")
        .before(|| client.call("127.0.0.1:7003"))
        .effect(|| client.was_greeted())
        .check();
}

fn a_refused_connect_sends_no_packet(lab: &Lab) {
    let (_listener, packets) = (TcpWatch::on("127.0.0.1:7004"), Sniffer::on(7004));
    lab.refusal(
        "connect tcp:127.0.0.1:7004",
        "net.connect tcp 127.0.0.1:7004",
    )
    .arrives_at(&packets)
    .check();
}

fn a_refused_connect_over_ipv6_sends_no_packet(lab: &Lab) {
    let (_listener, packets) = (TcpWatch::on("[::1]:7005"), Sniffer::on(7005));
    lab.refusal("connect tcp:[::1]:7005", "net.connect tcp [::1]:7005")
        .arrives_at(&packets)
        .check();
}

fn a_mapped_address_does_not_lead_around_the_map(lab: &Lab) {
    let (_listener, packets) = (TcpWatch::on("127.0.0.1:7006"), Sniffer::on(7006));
    lab.refusal(
        "connect tcp:[::ffff:127.0.0.1]:7006",
        "net.connect tcp 127.0.0.1:7006",
    )
    .arrives_at(&packets)
    .check();
}

fn a_connect_to_another_port_is_refused(lab: &Lab) {
    let (_known, other) = (
        TcpWatch::on("127.0.0.1:7007"),
        TcpWatch::on("127.0.0.1:7008"),
    );
    lab.learn("map", &act("connect tcp:127.0.0.1:7007"))
        .succeeds();
    let run = lab
        .enforce(
            "map",
            &act("connect tcp:127.0.0.1:7008 , connect tcp:127.0.0.1:7007"),
        )
        .exits(1);
    run.says(&["connect: errno EPERM", "connect: ok"])
        .violates("net.connect tcp 127.0.0.1:7008");
    assert!(!other.arrived(), "the connection was made");
}

/// TCP fast open connects with the first send.
fn a_refused_fast_open_sends_no_packet(lab: &Lab) {
    let (_listener, packets) = (TcpWatch::on("127.0.0.1:7009"), Sniffer::on(7009));
    lab.refusal(
        "fastopen tcp:127.0.0.1:7009 hello",
        "net.connect tcp 127.0.0.1:7009",
    )
    .arrives_at(&packets)
    .check();
}

fn a_refused_datagram_does_not_arrive(lab: &Lab) {
    let receiver = UdpWatch::on("127.0.0.1:7010");
    lab.refusal(
        "send udp:127.0.0.1:7010 hello",
        "net.send udp 127.0.0.1:7010",
    )
    .arrives_at(&receiver)
    .check();
}

fn a_refused_datagram_by_sendmsg_does_not_arrive(lab: &Lab) {
    let receiver = UdpWatch::on("127.0.0.1:7011");
    lab.refusal(
        "sendmsg udp:127.0.0.1:7011 hello",
        "net.send udp 127.0.0.1:7011",
    )
    .arrives_at(&receiver)
    .check();
}

fn a_refused_datagram_over_ipv6_does_not_arrive(lab: &Lab) {
    let receiver = UdpWatch::on("[::1]:7012");
    lab.refusal("send udp:[::1]:7012 hello", "net.send udp [::1]:7012")
        .arrives_at(&receiver)
        .check();
}

fn a_connect_to_a_unix_socket_is_refused(lab: &Lab) {
    let path = lab.path("s");
    let listener = UnixWatch::stream(&path);
    lab.refusal(
        format!("connect unix:{path}"),
        format!("net.connect unix {path}"),
    )
    .arrives_at(&listener)
    .check();
}

fn a_connect_to_an_abstract_name_is_refused(lab: &Lab) {
    let listener = UnixWatch::abstract_stream(b"lab-stream");
    lab.refusal(
        "connect abstract:lab-stream",
        "net.connect unix @lab-stream",
    )
    .arrives_at(&listener)
    .check();
}

fn a_datagram_to_a_unix_socket_is_refused(lab: &Lab) {
    let path = lab.path("d");
    let receiver = UnixWatch::datagram(&path);
    lab.refusal(
        format!("send unix-dgram:{path} hello"),
        format!("net.send unix {path}"),
    )
    .arrives_at(&receiver)
    .check();
}

fn a_datagram_to_an_abstract_name_is_refused(lab: &Lab) {
    let receiver = UnixWatch::abstract_datagram(b"lab-datagram");
    lab.refusal(
        "send abstract-dgram:lab-datagram hello",
        "net.send unix @lab-datagram",
    )
    .arrives_at(&receiver)
    .check();
}

fn io_uring_connects_are_decided_like_the_system_call(lab: &Lab) {
    let (_listener, packets) = (TcpWatch::on("127.0.0.1:7013"), Sniffer::on(7013));
    lab.refusal(
        "uring-connect tcp:127.0.0.1:7013",
        "net.connect tcp 127.0.0.1:7013",
    )
    .arrives_at(&packets)
    .check();
}

fn io_uring_connects_in_a_worker_thread_are_decided_like_the_system_call(lab: &Lab) {
    let (_listener, packets) = (TcpWatch::on("127.0.0.1:7014"), Sniffer::on(7014));
    lab.refusal(
        "uring-connect-async tcp:127.0.0.1:7014",
        "net.connect tcp 127.0.0.1:7014",
    )
    .arrives_at(&packets)
    .check();
}
