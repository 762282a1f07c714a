// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A guarded service beside a user and a workload that repeat all attacks on the host at the same time.

use std::fs;
use std::os::unix::fs::chown;
use std::time::{Duration, Instant};

use super::{setting, tests};
use crate::harness::{Job, Lab, Stats, act, act_path, has_exited, line};

tests! { "attacks_host":
    a_guarded_service_answers_the_same_beside_a_user_and_a_workload_that_attack
}

/// Requests to the service, at least.
const REQUESTS: usize = 60;
const USER: &str = "65534";

/// Ten minutes by hand: `AMBIT_LAB_ATTACK_SECONDS=600`.
pub(super) fn seconds() -> u64 {
    setting("AMBIT_LAB_ATTACK_SECONDS", 0)
}

/// Answers `get` with a file's content, and `steal` with the error of opening a file that it never opened while learning.
const SERVICE: &str = "
import sys
for line in sys.stdin:
    name = 'data' if line == 'get\\n' else 'secret'
    try:
        with open(sys.argv[1] + '/' + name) as file:
            print(file.read(), flush=True)
    except OSError as error:
        print(name, error.errno, flush=True)
print('ended', flush=True)
";

/// What another user can try: locks, pins, links and names where Ambit writes, and mounts of its own.
const USERS_ATTACKS: &str = "
import fcntl, os, subprocess, sys
folder, stop = sys.argv[1:]
rounds = 0
while not os.path.exists(stop):
    for path in ('/run/ambit.lock', '/run/ambit.users', '/run/ambit', '/run/ambit/rules.reader', '/sys/fs/bpf/ambit'):
        try:
            fcntl.flock(os.open(path, os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pass
    for path in ('/sys/fs/bpf/ambit', '/sys/fs/bpf/ambit-x', '/run/ambit/x'):
        try:
            os.mkdir(path)
            os.rmdir(path)
        except OSError:
            pass
    for name in ('web.map.stats', 'web.map.tmp', '.web.map', 'web.map.%d' % rounds):
        path = os.path.join(folder, name)
        try:
            os.symlink('/etc/passwd', path)
            os.unlink(path)
        except OSError:
            pass
    subprocess.run(['unshare', '-Urm', 'mount', '--bind', '/etc', folder], stderr=subprocess.DEVNULL)
    rounds += 1
print(rounds, 'rounds')
";

fn users_attacks(lab: &Lab, folder: &str, stop: &str) -> Job {
    let mut command = lab.command("setpriv");
    command
        .args(["--reuid", USER, "--regid", USER, "--clear-groups"])
        .args(["python3", "-uc", USERS_ATTACKS, folder, stop]);
    Job::start(&mut command, "python3 as an unprivileged user")
}

/// A shell that executes a large program, idles with long paths and rotates through violations, until the file `stop` exists.
fn workload(program: &str, file: &str, folder: &str, stop: &str, at_once: usize) -> Vec<String> {
    let act = act_path();
    let script = format!(
        "while :; do for ((i = 0; i < {at_once}; i++)); do \
           {program} true & chrt --idle 0 {act} loop 50 {{ chmod {file} 644 , open-r {file} }} & \
         done; {act} loop 500 mkdir {folder}/{{i}} ; wait; [ -e {stop} ] && break; done"
    );
    line(&["bash", "-c", &script])
}

fn a_guarded_service_answers_the_same_beside_a_user_and_a_workload_that_attack(lab: &Lab) {
    const SIZE: u64 = 20 << 20;
    let (stop, folder, stats) = (lab.path("stop"), lab.path("theirs"), lab.path("stats"));
    for folder in [&folder, &lab.path("made")] {
        fs::create_dir(folder).unwrap();
    }
    let user = USER.parse().ok();
    chown(&folder, user, user).unwrap();
    let large = lab.copy_of_act("large");
    let bytes = fs::File::options().write(true).open(&large).unwrap();
    bytes.set_len(SIZE).unwrap();
    drop(bytes);
    let mut long = lab.path("long");
    while long.len() < 3600 {
        long.push('/');
        long.push_str(&"d".repeat(200));
    }
    fs::create_dir_all(&long).unwrap();
    let long = format!("{long}/file");
    fs::write(&long, "x").unwrap();

    lab.file("data", "data");
    lab.file("secret", "secret");
    let root = lab.path("data").trim_end_matches("/data").to_owned();
    let service = line(&["python3", "-uc", SERVICE, &root]);
    let mut learning = lab.learning("service.map", &["--domain", "service"], &service);
    learning.say("get\n");
    learning.until("data");
    learning.finish().succeeds();
    let made = lab.path("made");
    lab.file("stop", "");
    // The workload learns to make no folders: each is a violation.
    let nowhere = format!("{made}/none/none");
    lab.learn("workload.map", &workload(&large, &long, &nowhere, &stop, 1))
        .succeeds();
    fs::remove_file(&stop).unwrap();

    let mut service = lab.enforcing(
        "service.map",
        &["--domain", "service", "--stats", &stats],
        &service,
    );
    let attacks = users_attacks(lab, &folder, &stop);
    let busy = lab.enforcing(
        "workload.map",
        &["--domain", "workload"],
        &workload(&large, &long, &made, &stop, 8),
    );
    let begun = Instant::now();
    let mut asked = 0;
    while asked < REQUESTS || begun.elapsed() < Duration::from_secs(seconds()) {
        for (request, answer) in [("get\n", "data"), ("steal\n", "secret 1")] {
            service.say(request);
            asked += 1;
            let last = service.until_lines(&format!("{asked} answers"), |lines| {
                (lines.len() >= asked).then(|| lines[asked - 1].to_owned())
            });
            assert_eq!(last, answer, "request {asked}");
        }
        if asked % 20 == 0 {
            // The control: a learning run where the user writes, and a verb that takes the locks.
            let _ = fs::remove_file(lab.path("theirs/web.map"));
            lab.learn("theirs/web.map", &act("true")).succeeds();
            lab.ambit(["trust", "ls", "--json"]).succeeds();
        }
    }
    for job in [&attacks, &busy] {
        assert!(!has_exited(job.pid()), "the attacks ended too early");
    }
    lab.file("stop", "");
    attacks.finish().succeeds();
    busy.finish_within(Duration::from_mins(3));
    let run = service.finish().succeeds();
    let violations = run.violations();
    assert_eq!(violations.len(), 1, "{violations:#?}");
    let stats = Stats::read(&stats);
    stats.must_add_up();
    for counter in ["skipped.full", "skipped.lost"] {
        assert_eq!(stats.sum(counter), 0, "{counter} of the service");
    }
    assert_eq!(usize::try_from(stats.sum("violations")), Ok(asked / 2));
    eprintln!(
        "figures: {asked} requests in {} s, each answered as without attacks",
        begun.elapsed().as_secs()
    );
}
