// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Fields that no rule of the library and no other test uses: each can be tested, and takes the words of its table.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use ambit_abi as abi;
use ambit_event::Op;
use ambit_policy::condition::Number;
use ambit_policy::facts::Facts;
use ambit_policy::file::read;
use ambit_policy::interpret::Prepared;

fn errors(operation: &str, condition: &str) -> Option<String> {
    let text = format!(
        "ambit-rules: 1\nrules:\n  - id: a\n    on: [{operation}]\n    do: audit\n    when: '{condition}'\n"
    );
    read("fields.yaml", text.as_bytes())
        .err()
        .map(|errors| errors.to_string())
}

const CONDITIONS: [(&str, &str); 13] = [
    ("kernel.syslog", "object.action == \"read-all\""),
    ("map.exec", "object.dirty"),
    ("file.open", "object.exec"),
    ("task.setgid", "object.gid == 0"),
    ("ipc.shm", "object.key == \"foreign\""),
    ("task.rlimit", "object.limit == \"core\""),
    ("task.prctl", "object.option == \"dumpable\""),
    ("file.chmod", "object.setgid"),
    ("exec", "!task.no_new_privs"),
    ("exec", "task.pid == 1"),
    ("exec", "task.ruid == 0"),
    ("file.open", "task.foreign_mounts"),
    ("file.open", "subject.unrepresentable"),
];

#[test]
fn a_field_can_be_tested_for_an_operation_that_has_it() {
    for (operation, condition) in CONDITIONS {
        let found = errors(operation, condition);
        assert!(
            found.is_none(),
            "{operation}: {condition}\n{}",
            found.unwrap()
        );
    }
}

#[test]
fn a_field_of_other_operations_is_refused() {
    for (_, condition) in CONDITIONS
        .iter()
        .filter(|(_, condition)| condition.starts_with("object."))
    {
        let found = errors("mount.chroot", condition);
        assert!(found.is_some(), "mount.chroot has no field of {condition}");
    }
}

#[test]
fn a_path_of_another_mount_namespace_can_be_tested() {
    assert_eq!(errors("file.open", "object.foreign"), None);
}

#[test]
fn write_without_append_selects_the_opens_without_o_append_that_write() {
    let text = "ambit-rules: 1\nrules:\n  - {id: a, on: file.open, when: object.write && !object.append, do: audit}\n  \
                - {id: b, on: file.open, when: object.write, do: audit}\n  \
                - {id: c, on: file.open, when: object.read && object.write && object.append, do: audit}\n";
    let text = text.replace("when: ", "when: '").replace(", do:", "', do:");
    let rules = read("r", text.as_bytes()).unwrap();
    let prepared = Prepared::new(&rules);
    // As `open_mask` of the kernel part returns them: for O_APPEND, append takes the place of write.
    for (mask, expected) in [
        (abi::OPEN_READ, [false, false, false]),
        (abi::OPEN_WRITE, [true, true, false]),
        (abi::OPEN_READ | abi::OPEN_WRITE, [true, true, false]),
        (abi::OPEN_APPEND, [false, true, false]),
        (abi::OPEN_READ | abi::OPEN_APPEND, [false, true, true]),
        (abi::OPEN_EXEC, [false, false, false]),
    ] {
        let mut facts = Facts::default();
        facts.set_number(Number::Op, u64::from(u16::from(Op::FileOpen)));
        facts.set_number(Number::Arg, mask.into());
        let applies: Vec<bool> = rules
            .iter()
            .map(|rule| prepared.applies(rule, &facts))
            .collect();
        assert_eq!(applies, expected, "{mask}");
    }
}
