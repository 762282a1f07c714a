// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Conditions that no event passes, because of the canonical form of paths or because of the fields that objects have.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::too_many_lines,
    reason = "a test may panic, and tables are long"
)]

use ambit_event::canonical::corrected;
use ambit_event::{Inet, Object, Op, Path, Port};
use ambit_policy::condition::{Number, Text};
use ambit_policy::facts::Facts;
use ambit_policy::file::read;
use proptest::prelude::*;

/// Returns the errors of a condition, each as message and help; none if it is accepted.
fn errors(on: &str, condition: &str) -> Vec<String> {
    let quoted = condition.replace('\'', "''");
    let text =
        format!("ambit-rules: 1\nrules:\n  - {{id: r, on: {on}, when: '{quoted}', do: deny}}\n");
    match read("r.yaml", text.as_bytes()) {
        Ok(_) => Vec::new(),
        Err(errors) => errors
            .errors()
            .iter()
            .map(|error| {
                assert_eq!(error.line, 3, "{errors}");
                let help = error.kind.help().unwrap_or_default();
                format!("{} ({help})", error.kind)
            })
            .collect(),
    }
}

fn never(on: &str, condition: &str) -> String {
    let errors = errors(on, condition);
    let [error] = errors.as_slice() else {
        panic!("not one error for {on}: {condition}: {errors:?}")
    };
    assert!(
        error.starts_with("this is never true"),
        "{condition}: {error}"
    );
    error.clone()
}

#[test]
fn a_text_that_is_not_canonical_is_an_error_with_the_text_to_write() {
    for (on, condition, instead) in [
        (
            "file.open",
            r#"object.path == "/proc/1234/environ""#,
            r#"write "/proc/{pid}/environ" for another process, or "/proc/{self}/environ" for the process itself"#,
        ),
        (
            "file.open",
            r#"object.path == "/proc/self/environ""#,
            r#"write "/proc/{self}/environ""#,
        ),
        (
            "file.open",
            r#"object.path.startsWith("/proc/self/") && object.path.endsWith("/mem")"#,
            r#"write "/proc/{self}/""#,
        ),
        (
            "file.open",
            r#"object.path.startsWith("/proc/1/")"#,
            r#"write "/proc/{pid}/" for another process, or "/proc/{self}/" for the process itself"#,
        ),
        (
            "file.open",
            r#"object.path.matches("^/proc/[0-9]+/environ$")"#,
            r#"write r"^/proc/\{pid\}/environ$""#,
        ),
        (
            "file.open",
            r#"object.path.matches("^/proc/[0-9]+/task/[0-9]+/mem$")"#,
            r#"write r"^/proc/\{pid\}/task/\{(?:self|pid)\}/mem$""#,
        ),
        (
            "file.open",
            r#"object.path.matches(r"^/proc/(self|\d+)/maps")"#,
            r#"write r"^/proc/\{(?:self|pid)\}/maps""#,
        ),
        (
            "file.open",
            r#"object.path.matches("^/proc/[1-9][0-9]*/mem$")"#,
            r#"write r"^/proc/\{pid\}/mem$""#,
        ),
        (
            "file.open",
            r#"object.path == "/proc/mounts""#,
            r#"write "/proc/{self}/mounts""#,
        ),
        (
            "file.open",
            r#"object.path == "/proc/sys/net/ipv4/conf/12/forwarding""#,
            r#"write "/proc/sys/net/ipv4/conf/{n}/forwarding""#,
        ),
        (
            "file.open",
            r#"object.path == "/proc/fs/ext4/12/options""#,
            r#"write "/proc/fs/ext4/{n}/options""#,
        ),
        (
            "file.open",
            r#"object.path in ["/etc/shadow", "/proc/thread-self/mem"]"#,
            r#"write "/proc/{self}/task/{self}/mem""#,
        ),
        (
            "file.open",
            r#"object.path == "/proc/{n}/stat""#,
            r#"write "/proc/{pid}/stat""#,
        ),
        (
            "file.open",
            r#"object.path == "/proc/{self}/fd/3""#,
            r#"write "/proc/{self}/fd/{n}""#,
        ),
        (
            "file.open",
            r#"object.path == "/proc/net/tcp""#,
            r#"write "/proc/{self}/net/tcp""#,
        ),
        (
            "file.ioctl",
            r#"object.path == "/dev/pts/0""#,
            r#"write "/dev/pts/{n}""#,
        ),
        (
            "file.ioctl",
            r#"object.path.matches("^/dev/pts/[0-9]+$")"#,
            r#"write r"^/dev/pts/\{n\}$""#,
        ),
        (
            "exec",
            r#"subject.chain.exists(e, e == "/usr/bin/../bin/sh")"#,
            r#"write "/usr/bin/sh""#,
        ),
        (
            "exec",
            r#""/usr//bin/sh" in subject.chain"#,
            r#"write "/usr/bin/sh""#,
        ),
        ("exec", r#"object.path == "/tmp/x/""#, r#"write "/tmp/x""#),
        (
            "exec",
            r#"object.path.startsWith("/tmp//x")"#,
            r#"write "/tmp/x""#,
        ),
        (
            "file.mkdir",
            r#"object.path.contains("//")"#,
            r#"write "/""#,
        ),
        (
            "exec",
            r#"subject.path == "bash""#,
            r#"write the whole path, or use `endsWith("/bash")`"#,
        ),
        (
            "exec",
            r#"subject.parent in ["/usr/bin/bash", "sh"]"#,
            r#"write the whole path, or use `endsWith("/sh")`"#,
        ),
        (
            "exec",
            r#"task.cgroup == "/system.slice/""#,
            r#"write "/system.slice""#,
        ),
    ] {
        let error = never(on, condition);
        assert!(
            error.contains(&format!("({instead}")),
            "{condition}: {error}"
        );
    }
}

#[test]
fn texts_that_no_canonical_path_joins_are_an_error() {
    for condition in [
        r#"object.path.startsWith("/srv/") && object.path.endsWith("/")"#,
        r#"object.path.startsWith("/") && object.path.endsWith("/..")"#,
        r#"object.path.startsWith("/") && object.path.contains("//")"#,
        r#"object.path.startsWith("/") && object.path.contains("/./")"#,
        r#"object.path.matches("^/.*//")"#,
        r#"object.path.endsWith("/") && object.path != "/" && object.path.startsWith("/")"#,
        r#"object.path.startsWith("/etc/") && object.path == "/srv/x""#,
        r#"object.path.matches("^/etc/") && object.path.startsWith("/srv/")"#,
        r#"object.path.startsWith("memfd:") && object.path.startsWith("fs:")"#,
        r#"object.path.startsWith("memfd:") && object.deleted"#,
        r#"object.deleted && object.path == """#,
        r#"object.unrepresentable && object.path == "/x""#,
        r#"object.path.startsWith("/proc/{pid}/") && object.path.matches("/fd/[0-9]+$")"#,
        r#"object.path.startsWith("/proc/") && object.path.matches("^/[a-z]+/[0-9]+/environ$")"#,
        r#"object.path.startsWith("/proc/{pid}/") && object.path.contains("/12/")"#,
        r#"subject.path.startsWith("/usr/") && subject.path.endsWith("/")"#,
        r#"subject.chain.exists(e, e.startsWith("/usr/") && e.contains("/../"))"#,
        r#"task.cgroup.startsWith("/a") && task.cgroup.endsWith("/")"#,
        r#"task.comm.startsWith("12345678") && task.comm.endsWith("abcdefgh")"#,
    ] {
        never("exec", condition);
    }
}

#[test]
fn a_text_that_some_canonical_path_passes_is_no_error() {
    for condition in [
        r#"object.path.contains("/proc/self-service/")"#,
        r#"object.path.endsWith("/proc/1st.sh")"#,
        r#"object.path.contains("/proc/self/")"#,
        r#"object.path.endsWith("/proc/1/environ")"#,
        r#"object.path.matches("/proc/[1-9][0-9]*/mem$")"#,
        r#"object.path.contains("/dev/pts/1")"#,
        r#"object.path.startsWith("/proc/self")"#,
        r#"object.path.startsWith("/proc/thread-self")"#,
        r#"object.path.startsWith("/proc/1")"#,
        r#"object.path.startsWith("/proc/{self}/task/1")"#,
        r#"object.path.startsWith("/dev/pts/1")"#,
        r#"object.path == "/opt/proc/self-service/x""#,
        r#"object.path == "/opt/proc/12/x""#,
    ] {
        assert_eq!(
            errors("file.open", condition),
            Vec::<String>::new(),
            "{condition}"
        );
    }
    for condition in [
        r#"object.path.startsWith("/proc/self/")"#,
        r#"object.path.startsWith("/proc/thread-self/")"#,
        r#"object.path.startsWith("/proc/net/")"#,
        r#"object.path.startsWith("/proc/1/")"#,
        r#"object.path.startsWith("/proc/{self}/task/1/")"#,
        r#"object.path.startsWith("/dev/pts/1/")"#,
        r#"object.path.startsWith("/proc/{self}/") && object.path.endsWith("/fd/1")"#,
    ] {
        never("file.open", condition);
    }
}

#[test]
fn a_link_of_procfs_is_an_object_of_operations_that_act_on_links() {
    for on in [
        "file.unlink",
        "file.rename",
        "file.link",
        "file.symlink",
        "file.chown",
        "file.chmod",
        "file.receive",
        "mount.mount",
        "[file.open, file.unlink]",
    ] {
        for path in ["/proc/mounts", "/proc/self", "/proc/thread-self"] {
            let condition = format!("object.path == \"{path}\"");
            assert_eq!(errors(on, &condition), Vec::<String>::new(), "{on}");
        }
        // A link before the end is followed by every operation, and a subject is never a link.
        never(on, r#"object.path == "/proc/self/x""#);
        never(on, r#"object.path == "/proc/net/tcp""#);
        never(on, r#"subject.path == "/proc/mounts""#);
    }
    for on in ["file.open", "exec", "file.truncate", "mount.chroot"] {
        never(on, r#"object.path == "/proc/mounts""#);
    }
}

#[test]
fn a_name_in_a_directory_is_never_an_unlinked_or_pseudo_file() {
    for on in [
        "file.create",
        "file.unlink",
        "file.rename",
        "file.link",
        "file.symlink",
        "file.mkdir",
        "file.rmdir",
        "file.mknod",
        "net.bind",
        "net.connect",
        "mount.mount",
        "mount.umount",
        "mount.pivot",
        "mount.chroot",
        "[file.unlink, mount.mount]",
    ] {
        let error = never(on, "object.deleted");
        let text = "no object of these operations has such a value of `object.deleted`";
        assert!(error.contains(text), "{on}: {error}");
        never(on, r#"object.deleted && object.path == "/x""#);
        never(on, r#"object.deleted || object.path == "/x""#);
        never(on, r#"object.path.startsWith("memfd:")"#);
        // POSIX message queues have no name in a directory.
        let typed = errors(on, r#"object.path == "fs:mqueue/x""#);
        let is_queue = on == "file.create" || on.contains("file.unlink");
        assert_eq!(typed.is_empty(), is_queue, "{on}: {typed:?}");
    }
    for on in [
        "exec",
        "file.open",
        "file.truncate",
        "file.chmod",
        "file.chown",
        "file.ioctl",
        "file.fcntl",
        "file.receive",
        "map.exec",
        "kernel.read",
        "uring.cmd",
        "[file.open, file.unlink]",
    ] {
        for condition in ["object.deleted", r#"object.path == "fs:x""#] {
            assert_eq!(errors(on, condition), Vec::<String>::new(), "{on}");
        }
    }
}

#[test]
fn numbers_of_procfs_are_checked_as_the_kernel_part_writes_them() {
    // Names, and the path that the kernel part writes of them.
    for (named, written) in [
        ("/proc/12/stat", "/proc/{pid}/stat"),
        ("/proc/irq/24/affinity", "/proc/irq/{n}/affinity"),
        ("/proc/sys/7", "/proc/sys/{n}"),
        ("/proc/sys/net/ipv4/conf/7", "/proc/sys/net/ipv4/conf/{n}"),
        ("/proc/sys/fs/7", "/proc/sys/fs/{n}"),
        (
            "/proc/sys/fs/binfmt_misc2/7",
            "/proc/sys/fs/binfmt_misc2/{n}",
        ),
        ("/proc/fs/ext4/7/options", "/proc/fs/ext4/{n}/options"),
        ("/proc/fs/nfsd2/7", "/proc/fs/nfsd2/{n}"),
        ("/proc/fs/7", "/proc/fs/{n}"),
        // Other file systems.
        ("/proc/sys/fs/binfmt_misc/7", "/proc/sys/fs/binfmt_misc/7"),
        (
            "/proc/fs/nfsd/clients/3/info",
            "/proc/fs/nfsd/clients/3/info",
        ),
        // More than ten digits.
        (
            "/proc/sys/net/ipv4/conf/12345678901",
            "/proc/sys/net/ipv4/conf/12345678901",
        ),
    ] {
        assert_eq!(corrected(named, true), written);
        let condition = |path: &str| format!("object.path == \"{path}\"");
        let accepted = errors("file.open", &condition(written));
        assert_eq!(accepted, Vec::<String>::new(), "{written}");
        if named != written {
            let error = never("file.open", &condition(named));
            assert!(error.contains(&format!("write \"{written}\"")), "{error}");
        }
    }
}

#[test]
fn an_open_for_appending_only_is_a_write() {
    let error = never("file.open", "object.append && !object.write");
    assert!(error.contains("it contradicts `object.append`"), "{error}");
}

#[test]
fn fields_of_different_objects_never_hold_together() {
    for (on, condition) in [
        (
            "net.connect",
            r#"object.path == "/x" && object.address == "10.0.0.1""#,
        ),
        ("net.connect", r#"object.path == "/x" && object.port == 22"#),
        ("net.connect", r#"object.path != "" && object.port != 0"#),
        (
            "[exec, net.connect]",
            r#"object.path == "/x" && object.port == 22"#,
        ),
        (
            "net.connect",
            r#"object.path.startsWith("/run/") && object.protocol == "tcp""#,
        ),
        ("net.connect", r#"object.protocol == "mptcp""#),
        ("net.connect", r#"object.name == "x" && object.port > 1023"#),
        (
            "net.connect",
            r#"object.name == "x" && object.path == "/x""#,
        ),
        ("net.bind", r#"object.name != "" && object.address != """#),
        (
            "net.connect",
            r#"object.address == "" && object.port == 80"#,
        ),
        ("net.connect", r#"object.path.startsWith("memfd:")"#),
        ("file.rename", r#"object.path.startsWith("fs:")"#),
        (
            "net.send",
            r#"ip(object.address).isLoopback() && object.path != """#,
        ),
        (
            "net.connect",
            r"object.unrepresentable && object.port == 22",
        ),
        (
            "[file.open, key.use]",
            r#"object.name == "user" && object.path == "/x""#,
        ),
        (
            "[file.open, net.connect]",
            r"object.port == 22 && object.read",
        ),
    ] {
        never(on, condition);
    }
}

#[test]
fn conditions_that_may_hold_are_accepted() {
    for (on, condition) in [
        ("file.open", r#"object.path == "/proc/{pid}/environ""#),
        ("file.open", r#"object.path == "/proc/{self}/environ""#),
        (
            "file.open",
            r#"object.path.startsWith("/proc/") && object.path.endsWith("/environ")"#,
        ),
        (
            "file.open",
            r#"object.path.matches("^/proc/[^/]+/environ$")"#,
        ),
        (
            "file.open",
            r#"object.path.matches(r"^/proc/\{(self|pid)\}/(task/[^/]+/)?mem$")"#,
        ),
        ("file.open", r#"object.path.startsWith("/srv/proc/12/")"#),
        ("file.open", r#"object.path.endsWith("/12/environ")"#),
        ("file.open", r#"object.path.contains("/self/")"#),
        ("file.open", r#"object.path.matches("[0-9]+$")"#),
        (
            "file.open",
            r#"object.path == "/proc/sys/fs/binfmt_misc/12""#,
        ),
        ("file.open", r#"object.path == "/""#),
        ("file.open", r#"object.path.endsWith("/")"#),
        ("file.open", r#"object.path.contains("//")"#),
        ("file.open", r#"object.path.endsWith("/.x")"#),
        ("file.open", "object.write && !object.append"),
        ("file.open", "object.write && object.append"),
        (
            "exec",
            r#"object.path.startsWith("memfd:") && object.path.endsWith("/")"#,
        ),
        (
            "net.connect",
            r#"object.path == "/run/x.sock" && object.port == 0"#,
        ),
        ("net.connect", r#"object.path != "" || object.port == 22"#),
        (
            "[exec, net.connect]",
            r#"object.path == "/x" || object.port == 22"#,
        ),
        (
            "net.connect",
            r#"object.port == 443 && object.protocol == "tcp" && object.address != """#,
        ),
        (
            "net.connect",
            r#"object.path == "" && object.name == "" && object.address == """#,
        ),
        (
            "net.connect",
            r#"object.name.startsWith("/tmp/") && object.port == 0"#,
        ),
        (
            "[file.open, key.use]",
            r#"object.name == "user" || object.path == "/x""#,
        ),
        ("net.connect", "object.unrepresentable"),
        ("net.socket", r#"object.protocol == "mptcp""#),
        (
            "net.socket",
            r#"object.family == "unix" && object.protocol == 0"#,
        ),
        (
            "exec",
            r#"object.deleted && object.path.startsWith("/tmp/")"#,
        ),
        (
            "exec",
            r#"task.cgroup.endsWith(".service") && task.cgroup.startsWith("/")"#,
        ),
    ] {
        assert_eq!(
            errors(on, condition),
            Vec::<String>::new(),
            "{on}: {condition}"
        );
    }
}

#[test]
fn unknown_words_are_errors_with_a_suggestion() {
    for (on, condition, nearest) in [
        ("task.signal", r#"object.signal == "SIGKILL""#, "KILL"),
        (
            "task.signal",
            r#"object.signal in ["TERM", "sigterm"]"#,
            "TERM",
        ),
        ("exec", r#""CAP_NET_RAW" in task.caps"#, "net_raw"),
        (
            "cap.use",
            r#"object.capability == "CAP_SYS_ADMIN""#,
            "sys_admin",
        ),
        ("[exec, file.open]", r#"op == "open""#, "file.open"),
        ("net.socket", r#"object.family == "AF_INET""#, "inet"),
    ] {
        let errors = errors(on, condition);
        assert!(
            errors.len() == 1 && errors[0].contains(&format!("did you mean `{nearest}`?")),
            "{condition}: {errors:?}"
        );
    }
}

/// A component of a path, often one that procfs has.
fn component() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("proc".to_owned()),
        Just("self".to_owned()),
        Just("task".to_owned()),
        Just("fd".to_owned()),
        Just("net".to_owned()),
        Just("dev".to_owned()),
        Just("pts".to_owned()),
        Just("sys".to_owned()),
        Just("fs".to_owned()),
        Just("nfsd".to_owned()),
        Just("binfmt_misc".to_owned()),
        Just("self-service".to_owned()),
        Just("1st".to_owned()),
        Just(".".to_owned()),
        Just("..".to_owned()),
        Just(String::new()),
        "[0-9]{1,4}",
        "[a-z]{1,4}",
    ]
}

/// A path as the kernel part writes it, of random components.
fn canonical() -> impl Strategy<Value = String> {
    prop::collection::vec(component(), 0..6)
        .prop_map(|parts| corrected(&format!("/{}", parts.join("/")), true))
        .prop_filter("a canonical path", |text| {
            Path::new(text.as_bytes()).is_ok()
        })
}

/// A test of a path's text that is likely to pass for some path.
fn test_of(path: String) -> impl Strategy<Value = String> {
    let len = path.len();
    (0..=len, 0..=len, 0..5u8).prop_map(move |(a, b, how)| {
        let (from, to) = (a.min(b), a.max(b));
        let part = &path[from..to];
        let (head, tail) = (&path[..to], &path[from..]);
        match how {
            0 => format!("object.path == \"{path}\""),
            1 if !head.is_empty() => format!("object.path.startsWith(\"{head}\")"),
            2 if !tail.is_empty() => format!("object.path.endsWith(\"{tail}\")"),
            3 if !part.is_empty() => format!("object.path.contains(\"{part}\")"),
            _ => {
                let escaped = path.replace(['{', '}'], ".");
                format!("object.path.matches(\"^{escaped}$\")")
            }
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// A condition that holds for an event is never called impossible.
    #[test]
    fn what_holds_for_an_event_is_accepted(
        (path, one, other) in canonical().prop_flat_map(|path| {
            (Just(path.clone()), test_of(path.clone()), test_of(path))
        }),
    ) {
        let condition = if one == other { one } else { format!("{one} && {other}") };
        let found = errors("file.open", &condition);
        let never = found.iter().any(|error| error.contains("never"));
        prop_assert!(!never, "{path}: {condition}: {found:?}");
    }

    /// Without tests of several kinds of objects, and with them: what the interpreter says of real objects.
    #[test]
    fn no_real_object_passes_a_refused_condition(
        path in canonical(),
        port in 0..3u16,
        text in component(),
        join in 0..3u8,
    ) {
        let tests = [
            format!("object.path.startsWith(\"/{text}\")"),
            format!("object.path.endsWith(\"/{text}\")"),
            format!("object.port == {port}"),
        ];
        let at = |index: u8| &tests[usize::from(index % 3)];
        let condition = format!("{} && {}", at(join), at(join + 1));
        let refused = errors("net.connect", &condition).iter().any(|error| error.contains("never"));
        let inet = Inet { protocol: 6, address: "10.0.0.1".parse().unwrap(), port: Port::Literal(port) };
        let objects = [Object::Inet(inet), Object::Path(Path::new(path.as_bytes()).unwrap()), Object::Unnamed];
        if refused {
            // The tests alone may be wrong, such as the empty text.
            for object in objects {
                let mut facts = Facts::default();
                facts.set_number(Number::Op, u64::from(u16::from(Op::NetConnect)));
                facts.set_object(&object);
                let path = String::from_utf8_lossy(facts.text(Text::ObjectPath)).into_owned();
                let port_of = facts.number(Number::Port);
                let passes = |test: &str| {
                    if test.contains("startsWith") { path.starts_with(&format!("/{text}")) }
                    else if test.contains("endsWith") { path.ends_with(&format!("/{text}")) }
                    else { port_of == u64::from(port) }
                };
                prop_assert!(!(passes(at(join)) && passes(at(join + 1))), "{condition}: {object:?}");
            }
        }
    }
}
