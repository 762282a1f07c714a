// SPDX-License-Identifier: Apache-2.0 OR MIT
//! POSIX message queues outside the map.

use super::rules::Rules;
use super::tests;
use crate::harness::{Lab, act};

tests! { "attacks":
    a_refused_message_queue_is_not_made
    a_refused_message_queue_is_not_made_by_an_open_that_would_create_it
    a_message_queue_is_not_opened_outside_the_map
    a_message_queue_is_opened_only_as_the_map_says
    a_refused_message_is_not_in_the_queue
    a_refused_receive_leaves_the_message_in_the_queue
    a_refused_unlink_leaves_the_message_queue
    a_refused_unlink_by_path_leaves_the_message_queue
    a_message_queue_s_name_is_printed_as_text
    a_message_queue_is_not_opened_as_an_executable
}

/// `mq_open` takes a flag from its caller by which the kernel opens executables.
fn a_message_queue_is_not_opened_as_an_executable(lab: &Lab) {
    fresh(lab, "/lab-q", "");
    lab.attack("mq-open-exec /lab-q", "file.open rw fs:mqueue/lab-q")
        .control(format!("{OWN} , mq-open-r /lab-q"))
        .check();
    let rules = Rules::load(
        lab,
        "  - {id: no, on: file.open, when: 'object.path == \"fs:mqueue/lab-q\" && object.write', do: deny}\n",
    );
    lab.outside(act("mq-open-r /lab-q")).succeeds();
    lab.outside(act("mq-open-exec /lab-q")).exits(1);
    assert_eq!(rules.applied()["no"], 1);
}

fn outside(lab: &Lab, operations: &str) -> bool {
    lab.outside(act(operations)).status.success()
}

fn is_there(lab: &Lab, queue: &str) -> bool {
    outside(lab, &format!("mq-open-r {queue}"))
}

/// Makes a queue, outside every domain, with one message if there is a text.
fn fresh(lab: &Lab, queue: &str, text: &str) {
    outside(lab, &format!("mq-unlink {queue}"));
    assert!(outside(lab, &format!("mq-create {queue}")));
    if !text.is_empty() {
        assert!(outside(lab, &format!("mq-send {queue} {text}")));
    }
}

/// What a workload does with a queue of its own.
const OWN: &str = "mq-create /lab-own , mq-open /lab-own , mq-open-r /lab-own , mq-send /lab-own x , mq-receive /lab-own , \
                   mq-unlink /lab-own";

fn not_made(lab: &Lab, operation: &str) {
    lab.attack(
        format!("{operation} /lab-new"),
        "file.create fs:mqueue/lab-new",
    )
    .with_rule("file.open rw fs:mqueue/lab-new")
    .control(OWN)
    .before(|| {
        outside(lab, "mq-unlink /lab-new");
    })
    .effect(|| is_there(lab, "/lab-new"))
    .check();
}

fn a_refused_message_queue_is_not_made(lab: &Lab) {
    not_made(lab, "mq-create");
    // Neither if nothing at all is known of it.
    outside(lab, "mq-unlink /lab-new");
    lab.learn("own.map", &act(OWN)).succeeds();
    lab.enforce("own.map", &act("mq-create /lab-new"))
        .exits(1)
        .says(&["mq-create: errno EPERM"])
        .violates_also("file.create fs:mqueue/lab-new");
    assert!(!is_there(lab, "/lab-new"), "the queue was made");
}

fn a_refused_message_queue_is_not_made_by_an_open_that_would_create_it(lab: &Lab) {
    not_made(lab, "mq-create-or-open");
}

fn a_message_queue_is_not_opened_outside_the_map(lab: &Lab) {
    for (operation, record) in [
        ("mq-open", "file.open rw fs:mqueue/lab-other"),
        ("mq-open-r", "file.open r fs:mqueue/lab-other"),
        ("mq-create-or-open", "file.open rw fs:mqueue/lab-other"),
    ] {
        lab.attack(format!("{operation} /lab-other"), record)
            .control(OWN)
            .before(|| fresh(lab, "/lab-other", ""))
            .check();
    }
}

fn a_message_queue_is_opened_only_as_the_map_says(lab: &Lab) {
    lab.attack("mq-open /lab-other", "file.open rw fs:mqueue/lab-other")
        .control("mq-open-r /lab-other")
        .before(|| fresh(lab, "/lab-other", ""))
        .check();
}

fn a_refused_message_is_not_in_the_queue(lab: &Lab) {
    lab.attack("mq-send /lab-other x", "file.open w fs:mqueue/lab-other")
        .control("mq-open-r /lab-other")
        .before(|| fresh(lab, "/lab-other", ""))
        .effect(|| outside(lab, "mq-receive /lab-other"))
        .check();
}

fn a_refused_receive_leaves_the_message_in_the_queue(lab: &Lab) {
    lab.attack("mq-receive /lab-other", "file.open r fs:mqueue/lab-other")
        .control(OWN)
        .before(|| fresh(lab, "/lab-other", "x"))
        .effect(|| !outside(lab, "mq-receive /lab-other"))
        .check();
}

fn a_refused_unlink_leaves_the_message_queue(lab: &Lab) {
    lab.attack("mq-unlink /lab-other", "file.unlink fs:mqueue/lab-other")
        .control(format!("{OWN} , mq-open /lab-other"))
        .before(|| fresh(lab, "/lab-other", ""))
        .effect(|| !is_there(lab, "/lab-other"))
        .check();
}

/// Queues have paths where their file system is mounted.
fn a_refused_unlink_by_path_leaves_the_message_queue(lab: &Lab) {
    let folder = lab.path("mqueue");
    std::fs::create_dir_all(&folder).unwrap();
    lab.outside(["mount", "-t", "mqueue", "none", &folder])
        .succeeds();
    lab.attack(format!("unlink {folder}/lab-other"), "file.unlink*")
        .control(format!("{OWN} , mq-open /lab-other"))
        .before(|| fresh(lab, "/lab-other", ""))
        .effect(|| !is_there(lab, "/lab-other"))
        .check();
    lab.outside(["umount", &folder]).succeeds();
}

fn a_message_queue_s_name_is_printed_as_text(lab: &Lab) {
    let create = "mq-create /a\\x1b[2J\\x07b";
    lab.learn("map", &act(OWN))
        .succeeds()
        .harmless_on_a_terminal();
    let map = lab.map("map");
    for rule in [
        "file.create fs:mqueue/lab-own",
        "file.unlink fs:mqueue/lab-own",
        "file.open rw fs:mqueue/lab-own",
    ] {
        map.must_have(rule);
    }
    let clean = |c: char| !c.is_control() || c == '\n';
    assert!(map.text.chars().all(clean), "{:?}", map.text);
    lab.enforce("map", &act(create))
        .exits(1)
        .harmless_on_a_terminal()
        .violates_also("file.create fs:mqueue/a\\x1b[2J\\x07b");
}
