// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Attempts at the hooks that Ambit leaves alone, by the reasons in docs/coverage.md: an operation that is decided at another
//! hook is refused, and one that changes nothing needs no rule.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::symlink;

use super::attacks_overlay::Overlay;
use super::tests;
use crate::harness::{Lab, TcpWatch, act, skip};

tests! { "attacks":
    looking_at_a_file_changes_nothing_and_does_not_read_it
    an_open_of_a_file_by_its_handle_is_refused
    setting_a_timestamp_needs_no_rule
    a_file_made_immutable_without_an_ioctl_is_refused
    a_mapping_of_a_lower_file_of_an_overlay_is_refused
    watching_a_file_to_block_others_is_refused
    looking_at_a_process_outside_changes_nothing
    a_process_outside_is_not_moved_to_another_group
    other_supplementary_groups_are_refused
    a_change_of_capabilities_is_refused
    reading_and_shutting_down_a_socket_of_one_s_own_needs_no_rule
    a_pair_of_sockets_is_refused
    a_connection_over_mptcp_is_refused
    replacing_a_table_of_packet_filters_is_refused
    attaching_to_a_tunnel_of_another_process_is_refused
    attaching_a_queue_to_a_tunnel_is_refused
    loading_a_bpf_program_is_refused
    a_descriptor_of_a_bpf_map_by_its_number_is_refused
    a_descriptor_of_a_bpf_program_by_its_number_is_refused
    making_a_bpf_token_is_refused
    a_command_to_binder_is_refused
}

/// Fails if the learned map has a rule that contains a text.
fn map_says_nothing_of(lab: &Lab, text: &str) {
    let rules = lab.map("map").rules();
    assert!(
        rules.iter().all(|rule| !rule.contains(text)),
        "a rule for {text}: {rules:#?}"
    );
}

/// Tests the operations as the control of reading the file, so that the map is learned from them.
fn looking_at_a_file_changes_nothing_and_does_not_read_it(lab: &Lab) {
    let (file, link) = (lab.file("file", "secret"), lab.path("link"));
    symlink(&file, &link).unwrap();
    let ways = [
        "stat", "access", "xattr", "acl", "xattrs", "statfs", "flags", "handle", "inotify",
    ];
    let looks = ways.map(|way| format!("look {way} {file}")).join(" , ");
    lab.attack(format!("read {file}"), format!("file.open r {file}"))
        .or("errno EPERM at open")
        .control(format!("{looks} , look readlink {link}"))
        .check();
    map_says_nothing_of(lab, &file);
    map_says_nothing_of(lab, &link);
    assert_eq!(fs::read_to_string(&file).unwrap(), "secret");
}

fn an_open_of_a_file_by_its_handle_is_refused(lab: &Lab) {
    let file = lab.file("file", "secret");
    lab.attack(
        format!("open-by-handle {file}"),
        format!("file.open r {file}"),
    )
    .control(format!("look handle {file}"))
    .with_rule("cap.use dac_read_search")
    .lacking(
        "errno EOPNOTSUPP at name_to_handle_at",
        "this file system has no handles",
    )
    .check();
}

fn setting_a_timestamp_needs_no_rule(lab: &Lab) {
    let file = lab.file("file", "x");
    lab.learn("map", &act(&format!("open-r {}", lab.path("known"))))
        .succeeds();
    lab.enforce("map", &act(&format!("utime {file}")))
        .succeeds()
        .within_the_map();
    assert_eq!(fs::metadata(&file).unwrap().mtime(), 1);
}

/// The control sets a flag that concerns backups only, without a rule.
fn a_file_made_immutable_without_an_ioctl_is_refused(lab: &Lab) {
    let file = lab.file("file", "x");
    let clear = || drop(lab.outside(act(&format!("file-setattr none {file}"))));
    lab.attack(
        format!("file-setattr immutable {file}"),
        "cap.use linux_immutable",
    )
    .control(format!("file-setattr nodump {file}"))
    .lacking("errno ENOSYS", "this kernel has no file_setattr")
    .lacking("errno EOPNOTSUPP", "this file system has no such flags")
    .before(clear)
    .effect(|| fs::OpenOptions::new().write(true).open(&file).is_err())
    .check();
    clear();
    map_says_nothing_of(lab, &file);
}

fn a_mapping_of_a_lower_file_of_an_overlay_is_refused(lab: &Lab) {
    let overlay = Overlay::mount(lab);
    let file = overlay.path("code");
    lab.attack(format!("code-file {file}"), format!("map.exec {file}"))
        .control(format!("open-r {file}"))
        .check();
}

fn watching_a_file_to_block_others_is_refused(lab: &Lab) {
    let file = lab.file("file", "x");
    lab.attack(format!("fanotify-block {file}"), "cap.use sys_admin")
        .control(format!("look inotify {file}"))
        .lacking("errno ENOSYS", "this kernel has no fanotify")
        .lacking("errno EINVAL", "this kernel's fanotify blocks nothing")
        .check();
}

/// Runs a test about a process outside every domain.
fn with_outsider(lab: &Lab, test: impl FnOnce(u32)) {
    let mut outsider = lab.command("sleep").arg("600").spawn().expect("sleep");
    test(outsider.id());
    outsider.kill().expect("cannot end the outsider");
    outsider.wait().expect("a child can be waited for");
}

fn looking_at_a_process_outside_changes_nothing(lab: &Lab) {
    with_outsider(lab, |pid| {
        let ways = [
            "capabilities",
            "group",
            "session",
            "scheduler",
            "processors",
            "io-priority",
            "limits",
        ];
        let looks = ways.map(|way| format!("look-at {way} {pid}")).join(" , ");
        lab.attack(format!("nice-of {pid} 5"), "task.nice outside")
            .control(looks)
            .check();
        map_says_nothing_of(lab, " outside");
    });
}

/// The kernel refuses it for other processes than the task and its children.
fn a_process_outside_is_not_moved_to_another_group(lab: &Lab) {
    with_outsider(lab, |pid| {
        lab.outside(act(&format!("setpgid-of {pid}")))
            .exits(1)
            .says(&["setpgid-of: errno ESRCH"]);
    });
}

fn other_supplementary_groups_are_refused(lab: &Lab) {
    lab.attack("setgroups 33", "cap.use setgid").check();
}

/// Gives up a capability, after which the task has credentials that the map does not have.
fn a_change_of_capabilities_is_refused(lab: &Lab) {
    lab.attack("drop-cap 21", "exec.creds*").check();
}

fn reading_and_shutting_down_a_socket_of_one_s_own_needs_no_rule(lab: &Lab) {
    let ways = ["name", "peer", "option", "shutdown"];
    let looks = ways.map(|way| format!("look-at-socket {way}")).join(" , ");
    lab.attack("socket inet dgram 17", "net.socket inet dgram udp")
        .control(looks)
        .check();
    let rules = lab.map("map").rules();
    let net: Vec<_> = rules
        .iter()
        .filter(|rule| rule.starts_with("net."))
        .collect();
    assert_eq!(net.len(), 1, "more than the socket itself: {net:?}");
}

fn a_pair_of_sockets_is_refused(lab: &Lab) {
    lab.refusal("socketpair stream", "net.socket unix stream*")
        .without_trace()
        .check();
}

/// Multipath TCP connects by a socket of the kernel.
fn a_connection_over_mptcp_is_refused(lab: &Lab) {
    let _known = TcpWatch::on("127.0.0.1:7108");
    let other = TcpWatch::on("127.0.0.1:7109");
    let lacks = "this kernel has no multipath TCP";
    lab.attack(
        "connect mptcp:127.0.0.1:7109",
        "net.connect tcp 127.0.0.1:7109",
    )
    .control("connect mptcp:127.0.0.1:7108")
    .lacking("errno EPROTONOSUPPORT at socket", lacks)
    .lacking("errno EINVAL at socket", lacks)
    .arrives_at(&other)
    .check();
}

fn replacing_a_table_of_packet_filters_is_refused(lab: &Lab) {
    lab.refusal("socket-tables", "net.option tables")
        .without_trace()
        .check();
}

/// Makes a persistent tunnel that has no owner, so that attaching to it requires no capability.
fn tunnel(lab: &Lab, name: &str, kind: &[&str]) {
    let add = ["ip", "tuntap", "add", "dev", name, "mode", "tun"];
    // It may be there already.
    lab.outside(add.iter().chain(kind));
    if !lab.outside(["ip", "link", "show", name]).status.success() {
        skip("this kernel makes no tunnels");
    }
}

fn attaching_to_a_tunnel_of_another_process_is_refused(lab: &Lab) {
    tunnel(lab, "labtun", &[]);
    lab.attack("tun-attach labtun", "file.ioctl 0x400454ca /dev/net/tun")
        .control("open-rw /dev/net/tun")
        .check();
}

fn attaching_a_queue_to_a_tunnel_is_refused(lab: &Lab) {
    tunnel(lab, "labtun", &[]);
    tunnel(lab, "labtunq", &["multi_queue"]);
    lab.attack("tun-queue labtunq", "file.ioctl 0x400454d9 /dev/net/tun")
        .control("tun-attach labtun")
        .check();
}

fn bpf(lab: &Lab, operation: &str, command: &str) {
    lab.refusal(operation, format!("kernel.bpf {command}"))
        .without_trace()
        .check();
}

fn loading_a_bpf_program_is_refused(lab: &Lab) {
    bpf(lab, "bpf-prog", "prog-load");
}

fn a_descriptor_of_a_bpf_map_by_its_number_is_refused(lab: &Lab) {
    bpf(lab, "bpf-map-by-id", "map-by-id");
}

fn a_descriptor_of_a_bpf_program_by_its_number_is_refused(lab: &Lab) {
    bpf(lab, "bpf-prog-by-id", "prog-by-id");
}

fn making_a_bpf_token_is_refused(lab: &Lab) {
    let tried = lab.outside(act("bpf-token"));
    if tried.lines() == ["bpf-token: errno EINVAL"] {
        skip("this kernel has no BPF tokens, which are from 6.9");
    }
    bpf(lab, "bpf-token", "token-create");
}

/// All that a task does with binder is a command to its device: here none, and the one that makes it the manager of names.
fn a_command_to_binder_is_refused(lab: &Lab) {
    const COMMANDS: [&str; 2] = ["0xc0306201", "0x40046207"];
    let folder = lab.path("binder");
    fs::create_dir_all(&folder).unwrap();
    lab.outside(["modprobe", "binder_linux"]);
    let mount = ["mount", "-t", "binder", "binder", &folder];
    if !lab.outside(mount).status.success() {
        skip("this kernel has no binder");
    }
    let device = format!("{folder}/binder");
    for command in COMMANDS {
        lab.attack(
            format!("ioctl {device} {command}"),
            format!("file.ioctl {command} {device}"),
        )
        .control(format!("open-r {device}"))
        .check();
    }
    lab.outside(["umount", &folder]);
}
