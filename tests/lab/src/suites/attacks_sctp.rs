// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Addresses that SCTP takes from options and control messages.

use std::net::Ipv4Addr;

use super::tests;
use crate::harness::{Lab, SctpWatch, skip};

tests! { "attacks":
    a_connection_by_option_is_refused
    a_connection_by_the_older_option_is_refused
    a_connection_by_getsockopt_is_refused
    a_connection_to_the_last_of_two_addresses_is_refused
    a_connection_to_the_last_of_three_addresses_is_refused
    a_connection_over_ipv6_by_option_is_refused
    a_connection_by_a_datagram_is_refused
    a_peer_s_address_in_a_control_message_is_refused
    a_bind_by_option_is_refused
    a_bind_to_the_last_of_three_addresses_is_refused
    another_address_of_an_allowed_peer_is_refused
}

const ONE: Ipv4Addr = Ipv4Addr::LOCALHOST;
const TWO: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// Loads the module, which no program of the domain does.
fn load(lab: &Lab) {
    if !lab.outside(["modprobe", "sctp"]).status.success() {
        skip("this kernel has no SCTP");
    }
}

fn by_option(lab: &Lab, operation: &str) {
    load(lab);
    let _known = SctpWatch::on(&[ONE], 7301);
    let other = SctpWatch::on(&[ONE], 7302);
    lab.attack(
        format!("{operation} sctp:127.0.0.1:7302"),
        "net.connect sctp 127.0.0.1:7302",
    )
    .control(format!(
        "connect sctp:127.0.0.1:7301 , {operation} sctp:127.0.0.1:7301"
    ))
    .arrives_at(&other)
    .check();
}

fn a_connection_by_option_is_refused(lab: &Lab) {
    by_option(lab, "sctp-connectx");
}

fn a_connection_by_the_older_option_is_refused(lab: &Lab) {
    by_option(lab, "sctp-connectx-old");
}

fn a_connection_by_getsockopt_is_refused(lab: &Lab) {
    by_option(lab, "sctp-connectx3");
}

/// An address of the loopback interface in the scope of [`silent_hosts`].
const ANSWERING: Ipv4Addr = Ipv4Addr::new(10, 98, 0, 1);

/// Routes packets to some hosts, from which no answer comes, and shortens the time after which SCTP tries the next address.
fn silent_hosts(lab: &Lab) {
    let script = "ip addr add 10.98.0.1/32 dev lo; ip route add 10.99.0.0/24 dev lo; \
                  sysctl -q -w net.sctp.rto_min=100 net.sctp.rto_initial=100";
    // The address and the route may be there already.
    lab.outside(["bash", "-c", script]).succeeds();
}

/// The first addresses are allowed and do not answer, so that the association is made with the last one.
fn last_of(lab: &Lab, allowed: &[&str]) {
    load(lab);
    silent_hosts(lab);
    let other = SctpWatch::on(&[ANSWERING], 7303);
    let allowed: Vec<String> = allowed
        .iter()
        .map(|host| format!("sctp:{host}:7303"))
        .collect();
    let control: Vec<String> = allowed
        .iter()
        .map(|address| format!("sctp-start {address}"))
        .collect();
    lab.attack(
        format!("sctp-connectx {},sctp:{ANSWERING}:7303", allowed.join(",")),
        format!("net.connect sctp {ANSWERING}:7303"),
    )
    .control(control.join(" , "))
    .arrives_at(&other)
    .check();
}

fn a_connection_to_the_last_of_two_addresses_is_refused(lab: &Lab) {
    last_of(lab, &["10.99.0.1"]);
}

fn a_connection_to_the_last_of_three_addresses_is_refused(lab: &Lab) {
    last_of(lab, &["10.99.0.1", "10.99.0.2"]);
}

fn a_connection_over_ipv6_by_option_is_refused(lab: &Lab) {
    load(lab);
    // Nothing listens there; that the packet goes out is seen by the answer.
    lab.attack("sctp-start sctp:[::1]:7305", "net.connect sctp [::1]:7305")
        .control("sctp-start sctp:[::1]:7304")
        .check();
}

fn a_connection_by_a_datagram_is_refused(lab: &Lab) {
    load(lab);
    let _known = SctpWatch::on(&[ONE], 7301);
    let other = SctpWatch::on(&[ONE], 7302);
    lab.attack(
        "send sctp-many:127.0.0.1:7302 x",
        "net.send sctp 127.0.0.1:7302",
    )
    .control("send sctp-many:127.0.0.1:7301 x")
    .arrives_at(&other)
    .check();
}

/// The host that the call names does not answer; the association is made with the one in the message.
fn a_peer_s_address_in_a_control_message_is_refused(lab: &Lab) {
    load(lab);
    silent_hosts(lab);
    let other = SctpWatch::on(&[ANSWERING], 7303);
    lab.attack(
        format!("sctp-send sctp:10.99.0.1:7303 sctp:{ANSWERING}:7303"),
        "net.option route",
    )
    .control("sctp-start sctp:10.99.0.1:7303")
    .with_rule("net.send sctp 10.99.0.1:7303")
    .arrives_at(&other)
    .check();
}

fn a_bind_by_option_is_refused(lab: &Lab) {
    load(lab);
    lab.attack(
        "sctp-bindx sctp:127.0.0.1:7312",
        "net.bind sctp 127.0.0.1:7312",
    )
    .control("bind sctp:127.0.0.1:7311 , sctp-bindx sctp:127.0.0.1:7311")
    .check();
}

fn a_bind_to_the_last_of_three_addresses_is_refused(lab: &Lab) {
    load(lab);
    lab.attack(
        "sctp-bindx sctp:127.0.0.1:7313,sctp:127.0.0.2:7313,sctp:127.0.0.3:7313",
        "net.bind sctp 127.0.0.3:7313",
    )
    .control("sctp-bindx sctp:127.0.0.1:7313,sctp:127.0.0.2:7313")
    .check();
}

fn another_address_of_an_allowed_peer_is_refused(lab: &Lab) {
    load(lab);
    lab.outside(["ip", "addr", "add", "127.0.0.2/8", "dev", "lo"]);
    let _peer = SctpWatch::on(&[ONE, TWO], 7306);
    lab.attack(
        "sctp-primary sctp:127.0.0.1:7306 sctp:127.0.0.2:7306",
        "net.connect sctp 127.0.0.2:7306",
    )
    .control("sctp-primary sctp:127.0.0.1:7306 sctp:127.0.0.1:7306")
    .check();
}
