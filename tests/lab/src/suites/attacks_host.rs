// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Attacks on the host by way of Ambit: an unprivileged user, and a workload that may write where Ambit writes. Each with the plain
//! use as its control.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use super::tests;
use crate::harness::{Job, Lab, act, eventually, line, words};

tests! { "attacks_host":
    a_link_planted_beside_a_map_is_replaced_and_not_followed
    a_link_planted_in_place_of_a_map_is_refused
    a_link_in_the_owners_own_folder_is_followed
    a_link_planted_during_a_learning_run_costs_nothing_of_it
    a_folder_replaced_during_a_learning_run_costs_nothing_of_it
    a_map_replaced_during_a_learning_run_costs_nothing_of_it
    a_pipe_planted_during_a_learning_run_is_not_waited_for
    names_created_in_advance_cost_nothing_of_a_learning_run
    a_recording_that_its_workload_removes_is_kept
    another_users_file_lends_a_map_neither_owner_nor_permissions
    another_user_cannot_hold_a_lock
    another_user_gets_the_reason_and_no_state
    another_user_cannot_move_or_enter_the_pins
    what_another_user_created_in_place_of_the_pins_is_moved_away
    a_flood_of_left_over_tasks_does_not_keep_a_run_from_ending
    a_left_over_task_does_not_keep_the_name_of_its_domain
}

/// A user without privileges, who owns the folders that a workload writes to.
const USER: u32 = 65_534;

/// Makes a folder that the user owns.
fn users_folder(lab: &Lab, name: &str) -> String {
    let path = lab.path(name);
    fs::create_dir(&path).unwrap();
    chown(&path, Some(USER), Some(USER)).unwrap();
    path
}

/// Makes a script of root that runs as root some day.
fn victim(lab: &Lab) -> String {
    lab.script("victim", "#!/bin/sh\n")
}

fn assert_untouched(victim: &str) {
    assert_eq!(fs::read_to_string(victim).unwrap(), "#!/bin/sh\n");
}

/// Runs a script as the user.
fn as_user(lab: &Lab, script: &str) -> Job {
    let user = USER.to_string();
    let mut command = lab.command("setpriv");
    command
        .args(["--reuid", &user, "--regid", &user, "--clear-groups"])
        .args(["python3", "-uc", script]);
    Job::start(&mut command, "python3 as an unprivileged user")
}

/// Returns the file in which Ambit says that it kept something.
fn kept(stderr: &str) -> String {
    let (_, rest) = stderr
        .split_once("/var/lib/ambit/kept/")
        .unwrap_or_else(|| panic!("nothing was kept: {stderr}"));
    let name = rest
        .split([':', '\n', ' '])
        .next()
        .expect("the first of some");
    format!("/var/lib/ambit/kept/{name}")
}

/// The content of a kept file. Only root can read it.
fn kept_text(stderr: &str) -> String {
    let path = kept(stderr);
    let found = fs::metadata(&path).unwrap();
    assert_eq!((found.uid(), found.mode() & 0o7777), (0, 0o600));
    let folder = fs::metadata("/var/lib/ambit/kept").unwrap();
    assert_eq!((folder.uid(), folder.mode() & 0o7777), (0, 0o700));
    fs::read_to_string(path).unwrap()
}

fn a_link_planted_beside_a_map_is_replaced_and_not_followed(lab: &Lab) {
    let (folder, victim) = (users_folder(lab, "web"), victim(lab));
    let planted = format!("{folder}/web.map.stats");
    symlink(&victim, &planted).unwrap();
    lab.learn("web/web.map", &act("true")).succeeds();
    assert_untouched(&victim);
    let found = fs::symlink_metadata(&planted).unwrap();
    assert!(found.is_file(), "the link was not replaced");
    assert_eq!(found.mode() & 0o111, 0, "the figures can be executed");
    assert_ne!(fs::read_to_string(planted).unwrap(), "");
}

fn a_link_planted_in_place_of_a_map_is_refused(lab: &Lab) {
    let (folder, victim) = (users_folder(lab, "web"), victim(lab));
    symlink(&victim, format!("{folder}/web.map")).unwrap();
    symlink(lab.path("."), format!("{folder}/deeper")).unwrap();
    for map in ["web/web.map", "web/deeper/web.map"] {
        lab.learn(map, &act("true"))
            .exits(1)
            .complains("symbolic link")
            .says(&[]);
    }
    lab.learn("known.map", &act("true")).succeeds();
    let (known, planted) = (lab.path("known.map"), lab.path("web/web.map"));
    let stats = format!("{folder}/stats");
    symlink(&victim, &stats).unwrap();
    for attempt in [
        &["map", "merge", &known, "-o", &planted] as &[&str],
        &["map", "seal", &planted],
        &["run", "-m", &known, "--stats", &stats, "--", "true"],
    ] {
        lab.ambit(attempt.iter().copied())
            .exits(1)
            .complains("symbolic link");
    }
    assert_untouched(&victim);
    assert!(!Path::new(&lab.path("web.map")).exists());
}

fn a_link_in_the_owners_own_folder_is_followed(lab: &Lab) {
    fs::create_dir(lab.path("maps")).unwrap();
    symlink("maps/web.map", lab.path("web.map")).unwrap();
    lab.learn("web.map", &act("true")).succeeds();
    lab.ambit(["map", "seal", &lab.path("web.map")]).succeeds();
    assert!(lab.map("maps/web.map").text.contains("sealed:"));
    assert!(Path::new(&lab.path("maps/web.map.stats")).is_file());
    assert!(Path::new(&lab.path("web.map")).is_symlink());
}

/// Starts to learn what opens a file, into a folder of the user.
fn learning(lab: &Lab) -> Job {
    let known = lab.path("known");
    let job = lab.learning(
        "web/web.map",
        &["--domain", "web"],
        &act(&format!("open-r {known} , wait-line")),
    );
    job.until("open-r: ok");
    job
}

fn a_link_planted_during_a_learning_run_costs_nothing_of_it(lab: &Lab) {
    let (folder, victim) = (users_folder(lab, "web"), victim(lab));
    let mut job = learning(lab);
    for name in ["web.map", "web.map.stats"] {
        symlink(&victim, format!("{folder}/{name}")).unwrap();
    }
    job.say("\n");
    let run = job.finish().exits(2).complains("was replaced by something");
    assert!(kept_text(&run.stderr_text()).contains(&format!("file.open r {}", lab.path("known"))));
    assert_untouched(&victim);
}

fn a_folder_replaced_during_a_learning_run_costs_nothing_of_it(lab: &Lab) {
    let folder = users_folder(lab, "web");
    fs::create_dir(lab.path("elsewhere")).unwrap();
    chown(lab.path("."), Some(USER), None).unwrap();
    let mut job = learning(lab);
    fs::rename(&folder, lab.path("moved")).unwrap();
    symlink(lab.path("elsewhere"), &folder).unwrap();
    job.say("\n");
    let run = job.finish().exits(2).complains("kept in");
    assert!(kept_text(&run.stderr_text()).contains(&format!("file.open r {}", lab.path("known"))));
    for name in ["elsewhere", "moved"] {
        assert_eq!(fs::read_dir(lab.path(name)).unwrap().count(), 0, "{name}");
    }
}

fn a_map_replaced_during_a_learning_run_costs_nothing_of_it(lab: &Lab) {
    users_folder(lab, "web");
    let mut job = learning(lab);
    lab.file("web/web.map", "not a map\n");
    job.say("\n");
    let run = job.finish().exits(2).complains("the learned map is in");
    assert!(kept_text(&run.stderr_text()).contains(&format!("file.open r {}", lab.path("known"))));
    assert_eq!(lab.map("web/web.map").text, "not a map\n");
    // Control: the same without a hand in between.
    fs::remove_file(lab.path("web/web.map")).unwrap();
    let mut job = learning(lab);
    job.say("\n");
    job.finish().succeeds();
    lab.map("web/web.map")
        .must_have(&format!("file.open r {}", lab.path("known")));
}

fn a_pipe_planted_during_a_learning_run_is_not_waited_for(lab: &Lab) {
    let folder = users_folder(lab, "web");
    let mut job = learning(lab);
    for name in ["web.map", "web.map.stats"] {
        lab.outside(["mkfifo", &format!("{folder}/{name}")])
            .succeeds();
    }
    job.say("\n");
    let run = job.finish().exits(2);
    assert!(kept_text(&run.stderr_text()).contains(&format!("file.open r {}", lab.path("known"))));
}

fn names_created_in_advance_cost_nothing_of_a_learning_run(lab: &Lab) {
    let folder = users_folder(lab, "web");
    // The parent of the workload is the process that writes the map.
    let script = format!(
        "i=0; while [ $i -lt 100 ]; do : >{folder}/.ambit-$PPID-$i-web.map; : >{folder}/.ambit-$PPID-$i-web.map.stats; \
         i=$((i+1)); done"
    );
    lab.learn("web/web.map", &line(&["sh", "-c", &script]))
        .succeeds();
    lab.ambit(["map", "check", &lab.path("web/web.map")])
        .succeeds();
    assert!(Path::new(&lab.path("web/web.map.stats")).is_file());
}

fn a_recording_that_its_workload_removes_is_kept(lab: &Lab) {
    users_folder(lab, "web");
    let recording = lab.path("web/rec");
    let options = ["--record", recording.as_str()];
    let run = |script: &str| lab.learning("map", &options, &line(&["sh", "-c", script]));
    let removed = run(&format!("rm {recording}; echo forged >{recording}")).finish();
    let text = removed
        .complains("cannot write the recording")
        .stderr_text();
    let map = lab.path("map");
    lab.ambit(["replay", "-m", &map, &kept(&text)]).succeeds();
    assert_eq!(fs::read_to_string(&recording).unwrap(), "forged\n");
    // Control: a recording that stays in its place.
    fs::remove_file(&recording).unwrap();
    let kept = run("true").finish().succeeds().stderr_text();
    assert!(!kept.contains("kept in"), "{kept}");
    lab.ambit(["replay", "-m", &map, &recording]).succeeds();
}

fn another_users_file_lends_a_map_neither_owner_nor_permissions(lab: &Lab) {
    let folder = users_folder(lab, "web");
    let path = format!("{folder}/web.map");
    lab.learn("web/web.map", &act("true")).succeeds();
    chown(&path, Some(USER), Some(USER)).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o4777)).unwrap();
    lab.learn("web/web.map", &act("true")).succeeds();
    let found = fs::metadata(&path).unwrap();
    assert_eq!((found.uid(), found.mode() & 0o7133), (0, 0));
    // Control: in a folder of root, the permissions that root gave stay.
    lab.learn("map", &act("true")).succeeds();
    fs::set_permissions(lab.path("map"), Permissions::from_mode(0o600)).unwrap();
    lab.learn("map", &act("true")).succeeds();
    assert_eq!(fs::metadata(lab.path("map")).unwrap().mode() & 0o777, 0o600);
}

fn another_user_cannot_hold_a_lock(lab: &Lab) {
    // Creates the directory and its locks.
    lab.learn("first.map", &act("true")).succeeds();
    let locks: Vec<_> = fs::read_dir("/run/ambit")
        .unwrap()
        .map(|entry| entry.unwrap().path().display().to_string())
        .filter(|path| path.contains(".lock"))
        .collect();
    assert!(locks.len() >= 3, "{locks:?}");
    for path in &locks {
        let found = fs::metadata(path).unwrap();
        assert_eq!((found.uid(), found.mode() & 0o077), (0, 0), "{path}");
    }
    let script = format!(
        "import fcntl\n\
         held = []\n\
         for path in {locks:?} + ['/run/ambit', '/run/ambit.lock', '/run/ambit.users', '/run/ambit.tasks']:\n\
         \x20   try:\n\
         \x20       file = open(path) if path != '/run/ambit' else __import__('os').open(path, 0)\n\
         \x20       fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)\n\
         \x20       held.append((path, file))\n\
         \x20   except OSError: pass\n\
         print('held:', len(held))\n\
         __import__('time').sleep(3600)\n"
    );
    let attacker = as_user(lab, &script);
    assert_eq!(attacker.until("held: "), "0");
    lab.learn("map", &act("true")).succeeds();
    lab.ambit(["trust", "source", "tap:attacked"]).succeeds();
    attacker.signal(libc::SIGKILL);
    attacker.finish().dies_by(libc::SIGKILL);
}

fn another_user_gets_the_reason_and_no_state(lab: &Lab) {
    lab.ambit(["trust", "source"]).succeeds();
    let user = USER.to_string();
    lab.outside([
        "setpriv",
        "--reuid",
        &user,
        "--regid",
        &user,
        "--clear-groups",
        "ambit",
        "trust",
        "source",
    ])
    .exits(2)
    .complains("only root may use /run/ambit");
}

fn another_user_cannot_move_or_enter_the_pins(lab: &Lab) {
    const FILE_SYSTEM: &str = "/sys/fs/bpf";
    let script = "import os\n\
         done = []\n\
         for name, attack in [\n\
         \x20   ('create', lambda: os.mkdir('/sys/fs/bpf/theirs')),\n\
         \x20   ('move', lambda: os.rename('/sys/fs/bpf/ambit', '/sys/fs/bpf/gone')),\n\
         \x20   ('over', lambda: os.rename('/sys/fs/bpf/theirs', '/sys/fs/bpf/ambit')),\n\
         \x20   ('remove', lambda: os.rmdir('/sys/fs/bpf/ambit')),\n\
         \x20   ('list', lambda: os.listdir('/sys/fs/bpf/ambit')),\n\
         \x20   ('unpin', lambda: os.unlink('/sys/fs/bpf/ambit/core')),\n\
         ]:\n\
         \x20   try:\n\
         \x20       attack()\n\
         \x20       done.append(name)\n\
         \x20   except OSError: pass\n\
         print('done:', *done)\n";
    let mut holder = lab.learning("map", &["--domain", "held"], &act("true , wait-line"));
    holder.until("true: ok");
    let before = super::live::pinned();
    // As the kernel mounts it without an option.
    fs::set_permissions(FILE_SYSTEM, Permissions::from_mode(0o1777)).unwrap();
    let attacker = as_user(lab, script);
    let done = attacker.until("done:");
    attacker.finish();
    fs::set_permissions(FILE_SYSTEM, Permissions::from_mode(0o700)).unwrap();
    let _ = fs::remove_dir("/sys/fs/bpf/theirs");
    // Creating a directory of one's own is the control.
    assert_eq!(done.trim(), "create");
    assert_eq!(super::live::pinned(), before);
    holder.say("\n");
    holder.finish().succeeds();
}

fn what_another_user_created_in_place_of_the_pins_is_moved_away(lab: &Lab) {
    let (map, user) = (lab.path("map"), USER.to_string());
    let act = crate::harness::act_path();
    // A file system of its own, in a mount namespace of its own: nothing of this Ambit is pinned there.
    let script = format!(
        "mount -t bpf bpf /sys/fs/bpf && stat -c 'mode %a' /sys/fs/bpf && \
         setpriv --reuid {user} --regid {user} --clear-groups mkdir /sys/fs/bpf/ambit && \
         ambit trust ls; echo refused $?; \
         ambit run --learn -o {map} -- {act} true && stat -c '%n: %u %a' /sys/fs/bpf/ambit*"
    );
    let run = lab
        .outside(["unshare", "-m", "sh", "-c", &script])
        .succeeds()
        .complains("belongs to the user 65534")
        .complains("another user had created");
    let lines = run.lines();
    assert!(lines.contains(&"mode 1777".to_owned()), "{lines:?}");
    assert!(lines.contains(&"refused 2".to_owned()), "{lines:?}");
    assert!(lines.contains(&"true: ok".to_owned()), "{lines:?}");
    let foreign = lines
        .iter()
        .find(|line| line.starts_with("/sys/fs/bpf/ambit-foreign-"));
    assert!(
        foreign.is_some_and(|line| line.contains(": 65534 ")),
        "{lines:?}"
    );
    let own = lines
        .iter()
        .find(|line| line.starts_with("/sys/fs/bpf/ambit: "));
    assert!(
        own.is_none_or(|line| line == "/sys/fs/bpf/ambit: 0 700"),
        "{lines:?}"
    );
}

fn a_flood_of_left_over_tasks_does_not_keep_a_run_from_ending(lab: &Lab) {
    let (known, act_path) = (lab.path("known"), crate::harness::act_path());
    let flood = |times: u32, end: &str| {
        let one =
            format!("setsid {act_path} loop {times} open-r {known} >/dev/null 2>&1 </dev/null &");
        line(&[
            "bash",
            "-c",
            &format!("for i in 1 2 3 4; do {one} done; {end}"),
        ])
    };
    lab.learn("map", &flood(10, "wait; echo over")).succeeds();
    // Recorded, so that each operation is a record. The command ends at once, its loops do not.
    let end_flood = || drop(lab.outside(["pkill", "-KILL", "-f", "loop 2000000000"]));
    let (map, recording) = (lab.path("map"), lab.path("rec"));
    let flooded = flood(2_000_000_000, "echo over");
    // Enforcing waits two seconds for left-over tasks, and then no longer.
    let began = Instant::now();
    lab.enforcing("map", &["--record", &recording], &flooded)
        .finish()
        .succeeds()
        .says(&["over"]);
    let enforced = began.elapsed();
    end_flood();
    fs::remove_file(&recording).unwrap();
    // An audit waits for them until a signal.
    let options = ["--record", recording.as_str(), "--domain", "audited"];
    let job = lab.ambit_job(words(&["run", "-m", &map], &options, &flooded));
    job.until("over");
    eventually("the flood is recorded", || {
        fs::metadata(&recording).unwrap().len() > 1 << 16
    });
    let began = Instant::now();
    job.signal(libc::SIGTERM);
    job.finish();
    let audited = began.elapsed();
    end_flood();
    let limit = Duration::from_mins(1);
    assert!(
        enforced < limit && audited < limit,
        "the runs took {enforced:?} and {audited:?}"
    );
}

fn a_left_over_task_does_not_keep_the_name_of_its_domain(lab: &Lab) {
    let (known, secret) = (lab.path("known"), lab.file("secret", "x"));
    let (go, out) = (lab.path("go"), lab.path("out"));
    let act_path = crate::harness::act_path();
    let service = |words: &str, then: &str| {
        line(&[
            "bash",
            "-c",
            &format!("setsid {act_path} {words} >>{out} 2>&1 </dev/null & {then}"),
        ])
    };
    lab.learn("map", &service(&format!("open-r {known}"), "wait"))
        .succeeds();
    // Again, with the file that exists now.
    lab.learn("map", &service(&format!("open-r {known}"), "wait"))
        .succeeds();
    fs::write(&out, "").unwrap();
    let options = ["--domain", "service"];
    let left = format!("wait-file {go} , open-r {secret} , open-r {known}");
    lab.enforcing("map", &options, &service(&left, "true"))
        .finish()
        .succeeds();
    // The service starts again, although a task of its first run is left.
    lab.enforcing("map", &options, &act(&format!("open-r {known}")))
        .finish()
        .complains("has left tasks behind");
    // The task that is left stays confined.
    fs::write(&go, "").unwrap();
    let said = || fs::read_to_string(&out).unwrap();
    eventually("the task that was left has ended", || {
        said().lines().count() == 3
    });
    assert_eq!(said(), "wait-file: ok\nopen-r: errno EPERM\nopen-r: ok\n");
}
