// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Operations outside the map that only full coverage decides: mounts, namespaces, IPC, keys, the kernel itself, passed
//! descriptors, and limits of other processes.

use std::fs;

use super::rules::Rules;
use super::tests;
use crate::harness::{Lab, act, line, skip, words};

tests! { "refusals":
    setting_an_attribute_is_refused
    removing_an_attribute_is_refused
    owning_a_descriptor_s_signals_is_refused
    leasing_a_file_is_refused
    taking_a_descriptor_off_a_socket_is_refused
    taking_a_descriptor_out_of_a_process_is_refused
    a_descriptor_kept_over_exec_is_refused
    standard_descriptors_are_nobody_s_business
    the_file_of_a_standard_descriptor_may_be_opened_again
    the_file_of_a_standard_descriptor_that_appends_is_not_overwritten
    code_that_becomes_writable_is_refused
    mapping_a_file_writable_and_executable_is_refused
    shared_memory_that_becomes_executable_is_refused
    mounting_is_refused
    mounting_another_type_of_file_system_is_refused
    binding_a_folder_elsewhere_is_refused
    moving_a_mount_is_refused
    remounting_is_refused
    changing_propagation_is_refused
    attaching_a_mount_by_the_newer_calls_is_refused
    creating_a_file_system_by_the_newer_calls_is_refused
    unmounting_is_refused
    changing_the_root_is_refused
    pivoting_the_root_is_refused
    making_a_user_namespace_is_refused
    making_shared_memory_is_refused
    attaching_shared_memory_is_refused
    removing_shared_memory_is_refused
    finding_shared_memory_by_its_key_is_refused
    making_a_semaphore_is_refused
    using_a_semaphore_is_refused
    making_a_message_queue_is_refused
    sending_a_message_is_refused
    receiving_a_message_is_refused
    making_a_key_is_refused
    reading_a_key_is_refused
    invalidating_a_key_is_refused
    changing_a_keyring_is_refused
    receiving_a_message_that_one_waited_for_is_refused
    a_child_in_another_cgroup_is_refused
    making_a_bpf_map_is_refused
    loading_a_module_from_memory_is_refused
    loading_a_module_from_a_file_is_refused
    counting_performance_is_refused
    reading_the_kernel_s_log_is_refused
    setting_the_clock_is_refused
    asking_for_quotas_is_refused
    handling_page_faults_is_refused
    making_an_io_uring_is_refused
    a_polling_io_uring_is_refused
    another_task_s_priority_is_refused
    another_task_s_processors_are_refused
    another_task_s_io_priority_is_refused
    another_task_s_limits_are_refused
    one_s_own_priority_and_limits_are_one_s_own
    becoming_traceable_is_refused
    a_filter_on_a_socket_is_refused
    a_mark_on_a_socket_is_refused
    making_a_tunnel_is_refused
    a_map_of_core_coverage_is_not_asked_about_the_rest
    a_map_says_its_coverage_and_new_ones_are_full
}

/// Tests an operation whose success only the program itself can see.
fn untraced(lab: &Lab, operation: &str, rule: &str) {
    lab.refusal(operation, rule).without_trace().check();
}

fn setting_an_attribute_is_refused(lab: &Lab) {
    let file = lab.file("f", "x");
    let take_away = act(&format!("removexattr {file} user.ambit"));
    lab.refusal(
        format!("setxattr {file} user.ambit x"),
        "file.setxattr user.ambit",
    )
    // Removing it succeeds only if it exists.
    .effect(|| lab.outside(&take_away).status.success())
    .check();
}

fn removing_an_attribute_is_refused(lab: &Lab) {
    let file = lab.file("f", "x");
    let set = act(&format!("setxattr {file} user.ambit x"));
    lab.refusal(
        format!("removexattr {file} user.ambit"),
        "file.removexattr user.ambit",
    )
    .before(|| {
        lab.outside(&set).succeeds();
    })
    .without_trace()
    .check();
    // It still exists: removing it succeeds.
    lab.outside(act(&format!("removexattr {file} user.ambit")))
        .succeeds();
}

fn owning_a_descriptor_s_signals_is_refused(lab: &Lab) {
    let file = lab.file("f", "x");
    untraced(
        lab,
        &format!("fcntl-owner {file}"),
        &format!("file.fcntl owner {file}"),
    );
}

fn leasing_a_file_is_refused(lab: &Lab) {
    let file = lab.file("f", "x");
    untraced(
        lab,
        &format!("lease {file}"),
        &format!("file.fcntl lease {file}"),
    );
}

fn taking_a_descriptor_off_a_socket_is_refused(lab: &Lab) {
    let file = lab.file("f", "x");
    // The message arrives without the descriptor.
    lab.refusal(format!("receive {file}"), format!("file.receive r {file}"))
        .errno("EBADF")
        .without_trace()
        .check();
}

fn taking_a_descriptor_out_of_a_process_is_refused(lab: &Lab) {
    let file = lab.file("f", "x");
    untraced(
        lab,
        &format!("pidfd-getfd {file}"),
        &format!("file.receive r {file}"),
    );
}

fn a_descriptor_kept_over_exec_is_refused(lab: &Lab) {
    let (tool, file) = (lab.copy_of_act("tool"), lab.file("f", "x"));
    let command = act(&format!("keep-open {file} , exec {tool} true"));
    lab.learn("map", &command).succeeds();
    let (map, rule) = (lab.map("map"), format!("file.inherit r {file}"));
    map.must_have(&rule);
    lab.enforce("map", &command).succeeds().within_the_map();
    lab.write_map("less.map", &map.without(&rule));
    let run = lab.enforce("less.map", &command).exits(1);
    run.says(&["keep-open: ok", "exec: errno EPERM"])
        .violates(&rule);
    // A program without an inherited descriptor runs.
    lab.enforce("less.map", &act(&format!("exec {tool} true")))
        .succeeds()
        .within_the_map();
}

fn standard_descriptors_are_nobody_s_business(lab: &Lab) {
    let (known, map) = (lab.path("known"), lab.path("map"));
    let command = act(&format!("open-r {known}"));
    lab.learn("map", &command).succeeds();
    for redirect in [
        "</dev/null >/dev/null",
        &format!("<{known} >{known}.out 2>&1"),
    ] {
        let line = words(
            &["ambit", "run", "-m", &map, "--enforce", "--json"],
            &[],
            &command,
        );
        let script = format!("{} {redirect}", line.join(" "));
        lab.outside(["bash", "-c", &script])
            .succeeds()
            .within_the_map();
    }
}

/// Learns a shell script with one set of standard descriptors. Returns the command that enforces its map.
fn learn_output(lab: &Lab, script: &str, redirect: &str) -> String {
    let script = lab.script("script.sh", &format!("#!/bin/bash\n{script}\n"));
    let run = |options: &[&str]| words(&["ambit", "run"], options, &line(&[&script])).join(" ");
    let map = lab.path("map");
    let learns = run(&["-q", "--learn", "-o", &map]);
    lab.outside(["bash", "-c", &format!("{learns} {redirect}")])
        .succeeds();
    run(&["-q", "-m", &map, "--enforce", "--fail-on-violation"])
}

fn the_file_of_a_standard_descriptor_may_be_opened_again(lab: &Lab) {
    let script = format!(
        "echo a >/dev/stderr; echo b >/dev/stdout; exec 3>&1; cat {} >&3; [ -z \"$1\" ] || echo c >$1",
        lab.path("known")
    );
    let enforces = learn_output(lab, &script, "</dev/null >one.out 2>one.err");
    for redirect in [
        ">one.out 2>one.err",
        ">two.out 2>two.err",
        ">/dev/null 2>three.err",
        "</dev/null >four.out 2>/dev/null",
        "2>&1 | cat; exit ${PIPESTATUS[0]}",
    ] {
        lab.outside(["bash", "-c", &format!("{enforces} {redirect}")])
            .succeeds();
    }
    assert_eq!(fs::read(lab.path("two.err")).expect("written"), b"a\n");
    let other = lab.path("other");
    lab.outside(["bash", "-c", &format!("{enforces} {other} 2>five.err")])
        .exits(3);
    assert!(!std::path::Path::new(&other).exists());
}

fn the_file_of_a_standard_descriptor_that_appends_is_not_overwritten(lab: &Lab) {
    let enforces = learn_output(lab, "echo a >/dev/stderr; true", "2>/dev/null");
    let log = lab.file("log", "before\n");
    lab.outside(["bash", "-c", &format!("{enforces} 2>>{log}")])
        .exits(3);
    let after = fs::read_to_string(&log).expect("the log");
    assert!(after.starts_with("before\n"), "{after}");
}

fn code_that_becomes_writable_is_refused(lab: &Lab) {
    let file = lab.file("f", [0xc3; 4096]);
    lab.refusal(
        format!("map-exec-then-write {file}"),
        format!("map.exec write {file}"),
    )
    .narrowed_to(format!("map.exec {file}"))
    .without_trace()
    .check();
}

fn mapping_a_file_writable_and_executable_is_refused(lab: &Lab) {
    let file = lab.file("f", [0xc3; 4096]);
    untraced(
        lab,
        &format!("map-write-exec {file}"),
        &format!("map.exec write {file}"),
    );
}

fn shared_memory_that_becomes_executable_is_refused(lab: &Lab) {
    untraced(lab, "shm-attach-exec", "map.exec write fs:*");
}

fn mounted(path: &str) -> bool {
    fs::read_to_string("/proc/self/mountinfo")
        .unwrap()
        .lines()
        .any(|line| line.split(' ').nth(4) == Some(path))
}

/// Makes a folder on which nothing is mounted; unmounts an earlier test's mount.
fn folder(lab: &Lab, name: &str) -> String {
    let path = lab.path(name);
    fs::create_dir_all(&path).unwrap();
    while mounted(&path) {
        lab.outside(["umount", &path]).succeeds();
    }
    path
}

/// Tests an operation that mounts something.
fn mounts(lab: &Lab, operation: &str, rule: &str) {
    let path = folder(lab, "m");
    lab.refusal(operation.replace("{m}", &path), rule.replace("{m}", &path))
        .before(|| {
            folder(lab, "m");
        })
        .effect(|| mounted(&path))
        .check();
    folder(lab, "m");
}

fn mounting_is_refused(lab: &Lab) {
    mounts(lab, "mount tmpfs {m}", "mount.mount new {m}");
}

fn mounting_another_type_of_file_system_is_refused(lab: &Lab) {
    mounts(lab, "mount tmpfs {m}", "mount.type tmpfs");
}

fn binding_a_folder_elsewhere_is_refused(lab: &Lab) {
    mounts(lab, "mount-bind /etc {m}", "mount.mount bind {m}");
}

fn attaching_a_mount_by_the_newer_calls_is_refused(lab: &Lab) {
    mounts(lab, "mount-attach tmpfs {m}", "mount.mount move {m}");
}

/// The type is decided at the last step of the file system's configuration, before there is a mount.
fn creating_a_file_system_by_the_newer_calls_is_refused(lab: &Lab) {
    let path = folder(lab, "m");
    lab.refusal(format!("mount-attach tmpfs {path}"), "mount.type tmpfs")
        .errno("EPERM at fsconfig")
        .before(|| {
            folder(lab, "m");
        })
        .effect(|| mounted(&path))
        .check();
    folder(lab, "m");
}

fn moving_a_mount_is_refused(lab: &Lab) {
    let (from, to) = (folder(lab, "from"), folder(lab, "to"));
    lab.refusal(
        format!("mount-move {from} {to}"),
        format!("mount.mount move {to}"),
    )
    .before(|| {
        folder(lab, "to");
        folder(lab, "from");
        lab.outside(["mount", "-t", "tmpfs", "--make-private", "none", &from])
            .succeeds();
    })
    .effect(|| mounted(&to))
    .check();
    folder(lab, "from");
}

fn remounting_is_refused(lab: &Lab) {
    let path = folder(lab, "m");
    let rule = format!("mount.mount remount {path}");
    let nosuid = || {
        let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let line = table
            .lines()
            .find(|line| line.split(' ').nth(4) == Some(&path));
        line.is_some_and(|line| line.contains("nosuid"))
    };
    lab.refusal(format!("mount-remount {path}"), rule)
        .before(|| {
            folder(lab, "m");
            lab.outside(["mount", "-t", "tmpfs", "none", &path])
                .succeeds();
        })
        .effect(nosuid)
        .check();
    folder(lab, "m");
}

fn changing_propagation_is_refused(lab: &Lab) {
    let path = folder(lab, "m");
    lab.outside(["mount", "-t", "tmpfs", "none", &path])
        .succeeds();
    untraced(
        lab,
        &format!("mount-private {path}"),
        &format!("mount.mount propagate {path}"),
    );
    folder(lab, "m");
}

fn unmounting_is_refused(lab: &Lab) {
    let path = folder(lab, "m");
    lab.refusal(format!("umount {path}"), format!("mount.umount {path}"))
        .before(|| {
            folder(lab, "m");
            lab.outside(["mount", "-t", "tmpfs", "none", &path])
                .succeeds();
        })
        .effect(|| !mounted(&path))
        .check();
    folder(lab, "m");
}

fn changing_the_root_is_refused(lab: &Lab) {
    untraced(lab, "fork chroot /var", "mount.chroot /var");
}

fn pivoting_the_root_is_refused(lab: &Lab) {
    let path = folder(lab, "m");
    let known = lab.path("known");
    let command = act(&format!(
        "fork {{ unshare-mount , mount-private / , mount-bind {path} {path} , pivot-root {path} }} , open-r {known}"
    ));
    lab.learn("map", &command).succeeds();
    let (map, rule) = (lab.map("map"), format!("mount.pivot {path}"));
    map.must_have(&rule);
    lab.enforce("map", &command).succeeds().within_the_map();
    lab.write_map("less.map", &map.without(&rule));
    let run = lab.enforce("less.map", &command).exits(1);
    run.says(&[
        "unshare-mount: ok",
        "mount-private: ok",
        "mount-bind: ok",
        "pivot-root: errno EPERM",
        "open-r: ok",
    ])
    .violates(&rule);
}

fn making_a_user_namespace_is_refused(lab: &Lab) {
    untraced(lab, "fork unshare-user", "ns.user");
}

fn making_shared_memory_is_refused(lab: &Lab) {
    untraced(lab, "shm-create", "ipc.shm create private");
}

fn attaching_shared_memory_is_refused(lab: &Lab) {
    untraced(lab, "shm-attach", "ipc.shm write private");
}

fn removing_shared_memory_is_refused(lab: &Lab) {
    untraced(lab, "shm-remove", "ipc.shm remove private");
}

fn finding_shared_memory_by_its_key_is_refused(lab: &Lab) {
    lab.outside(["ipcmk", "-M", "4096"]).succeeds();
    let found = lab.outside(["ipcs", "-m"]).succeeds().stdout;
    let found = String::from_utf8_lossy(&found).into_owned();
    let key = found
        .split_whitespace()
        .filter_map(|word| u32::from_str_radix(word.strip_prefix("0x")?, 16).ok())
        .find(|key| *key != 0)
        .expect("ipcs lists what was made")
        .cast_signed();
    untraced(lab, &format!("shm-find {key}"), "ipc.shm get key");
    lab.outside(["ipcrm", "--all=shm"]).succeeds();
}

fn making_a_semaphore_is_refused(lab: &Lab) {
    untraced(lab, "sem-create", "ipc.sem create private");
}

fn using_a_semaphore_is_refused(lab: &Lab) {
    untraced(lab, "sem-post", "ipc.sem write private");
}

fn making_a_message_queue_is_refused(lab: &Lab) {
    untraced(lab, "msg-create", "ipc.msg create private");
}

fn sending_a_message_is_refused(lab: &Lab) {
    untraced(lab, "msg-send", "ipc.msg write private");
}

fn receiving_a_message_is_refused(lab: &Lab) {
    // A refused receiver sees no message.
    lab.refusal("msg-receive", "ipc.msg read private")
        .errno("ENOMSG")
        .without_trace()
        .check();
}

fn making_a_key_is_refused(lab: &Lab) {
    untraced(lab, "key-add user ambit:lab", "key.add user");
}

fn reading_a_key_is_refused(lab: &Lab) {
    untraced(lab, "key-read user ambit:lab", "key.use read user");
}

fn invalidating_a_key_is_refused(lab: &Lab) {
    // The kernel then asks whether root may do it, and answers by itself.
    lab.attack("key-invalidate user ambit:lab", "key.use write user")
        .or("errno EACCES")
        .with_rule("key.add user")
        .with_rule("key.use write keyring")
        .with_rule("cap.use sys_admin")
        .check();
}

fn changing_a_keyring_is_refused(lab: &Lab) {
    untraced(lab, "key-add user ambit:lab", "key.use write keyring");
}

/// Its receive is decided in the system call of the sender, which is not killed for it.
fn receiving_a_message_that_one_waited_for_is_refused(lab: &Lab) {
    // The sender waits until the receiver sleeps, by its state in /proc.
    let own = "msg-create , msg-send , open-r /proc/1/stat";
    lab.attack("msg-receive-waiting", "ipc.msg read private")
        .control(own)
        .check();
    lab.learn("kill.map", &act(own)).succeeds();
    let map = lab.map("kill.map").with_respond("outside: {ipc: kill}");
    lab.write_map("kill.map", &map);
    lab.enforce("kill.map", &act("msg-receive-waiting"))
        .says(&["msg-receive-waiting: errno EPERM"])
        .violates("ipc.msg read private");
}

fn a_child_in_another_cgroup_is_refused(lab: &Lab) {
    let group = "/sys/fs/cgroup/lab-other";
    if fs::create_dir_all(group).is_err() {
        skip("the cgroups of version 2 are not mounted");
    }
    lab.refusal(format!("clone-into-cgroup {group}"), "task.prctl cgroup")
        .without_trace()
        .check();
    let rules = Rules::load(
        lab,
        "  - {id: no, on: task.prctl, when: 'object.option == \"cgroup\"', do: deny}\n",
    );
    lab.outside(act(&format!("clone-into-cgroup {group}")))
        .exits(1);
    lab.outside(act("clone3 true")).succeeds();
    assert_eq!(rules.applied()["no"], 1);
}

fn making_a_bpf_map_is_refused(lab: &Lab) {
    untraced(lab, "bpf-map", "kernel.bpf map-create");
}

fn loading_a_module_from_memory_is_refused(lab: &Lab) {
    untraced(lab, "load-module", "kernel.load module");
}

fn loading_a_module_from_a_file_is_refused(lab: &Lab) {
    let file = lab.file("f.ko", [0; 128]);
    untraced(
        lab,
        &format!("load-module {file}"),
        &format!("kernel.read module {file}"),
    );
}

fn counting_performance_is_refused(lab: &Lab) {
    untraced(lab, "perf", "kernel.perf");
}

fn reading_the_kernel_s_log_is_refused(lab: &Lab) {
    untraced(lab, "syslog 3", "kernel.syslog read-all");
}

fn setting_the_clock_is_refused(lab: &Lab) {
    untraced(lab, "settime", "kernel.settime");
}

fn asking_for_quotas_is_refused(lab: &Lab) {
    if !lab.outside(act("quota-sync")).status.success() {
        skip("this kernel has no quotas");
    }
    untraced(lab, "quota-sync", "kernel.quota 0x800001");
}

fn handling_page_faults_is_refused(lab: &Lab) {
    untraced(lab, "userfault", "kernel.userfault");
}

fn making_an_io_uring_is_refused(lab: &Lab) {
    untraced(lab, "uring", "uring.setup");
}

fn a_polling_io_uring_is_refused(lab: &Lab) {
    let file = lab.path("known");
    lab.learn("map", &act(&format!("uring-open-sqpoll {file}")))
        .succeeds();
    let map = lab.map("map");
    lab.write_map("less.map", &map.without("uring.sqpoll"));
    let run = lab.enforce("less.map", &act(&format!("uring-open-sqpoll {file}")));
    run.exits(1).violates("uring.sqpoll");
}

fn another_task_s_priority_is_refused(lab: &Lab) {
    untraced(lab, "nice-of child 5", "task.nice child");
}

fn another_task_s_processors_are_refused(lab: &Lab) {
    untraced(lab, "affinity-of child", "task.scheduler child");
}

fn another_task_s_io_priority_is_refused(lab: &Lab) {
    untraced(lab, "ioprio-of child", "task.ioprio child");
}

fn another_task_s_limits_are_refused(lab: &Lab) {
    untraced(lab, "rlimit-of child 0", "task.rlimit core child");
}

fn one_s_own_priority_and_limits_are_one_s_own(lab: &Lab) {
    lab.learn("map", &act(&format!("open-r {}", lab.path("known"))))
        .succeeds();
    let own = "nice-of self 5 , affinity-of self , ioprio-of self , rlimit-of self 0 , comm other";
    lab.enforce("map", &act(own)).succeeds().within_the_map();
}

fn becoming_traceable_is_refused(lab: &Lab) {
    untraced(lab, "dumpable 0", "task.prctl dumpable");
}

fn a_filter_on_a_socket_is_refused(lab: &Lab) {
    untraced(lab, "socket-filter", "net.option filter");
}

fn a_mark_on_a_socket_is_refused(lab: &Lab) {
    untraced(lab, "socket-mark 7", "net.option mark");
}

fn making_a_tunnel_is_refused(lab: &Lab) {
    if !lab.outside(act("tun")).status.success() {
        skip("this kernel makes no tunnels");
    }
    untraced(lab, "tun", "net.tun");
}

fn a_map_of_core_coverage_is_not_asked_about_the_rest(lab: &Lab) {
    let (known, map) = (lab.path("known"), lab.path("map"));
    let options = ["run", "--learn", "--coverage", "core", "-o", &map];
    lab.ambit(words(&options, &[], &act(&format!("open-r {known}"))))
        .succeeds();
    assert!(!lab.map("map").text.contains("coverage:"));
    let operations = format!("open-r {known} , shm-create , dumpable 0 , fork unshare-user");
    let run = lab.enforce("map", &act(&operations)).succeeds();
    run.within_the_map();
}

fn a_map_says_its_coverage_and_new_ones_are_full(lab: &Lab) {
    let known = lab.path("known");
    let command = act(&format!("open-r {known}"));
    lab.learn("map", &command).succeeds();
    assert!(lab.map("map").text.contains("\ncoverage: full\n"));
    let run = lab.learning("map", &["--coverage", "core"], &command);
    run.finish().exits(1).complains("coverage: full");
    // Without the option, learning keeps the coverage of the map.
    let core = lab.map("map").text.replacen("coverage: full\n", "", 1);
    lab.file("core.map", core);
    lab.learn("core.map", &command).succeeds();
    assert!(!lab.map("core.map").text.contains("coverage:"));
}
