// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Measures what learning adds to whole jobs: everything between the start of `ambit run` and its end, with the map written.

use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::DIR;
use super::workload::{Keeper, ambit, now};

/// A job: its name, what prepares it once, and the shell command that is measured.
const JOBS: [(&str, fn(), &str); 3] = [
    ("make", sources, "make -sB -C /tmp/bench/sources"),
    (
        "git clone",
        repository,
        "rm -rf /tmp/bench/clone && git clone -q file:///tmp/bench/repository /tmp/bench/clone",
    ),
    (
        "tar",
        || {},
        "tar -cf /tmp/bench/lib.tar -C /usr/lib python3.11",
    ),
];

/// Returns a row for each job: instructions of the guest, or waiting, without Ambit, in the first learning run, and in one
/// that extends the map.
pub(super) fn measure() -> Value {
    let keeper = Keeper::start();
    let rows = JOBS.iter().map(|(name, prepare, job)| {
        eprintln!("bench: learning, {name}");
        prepare();
        let map = format!("{DIR}/learned");
        for file in [map.clone(), format!("{map}.stats")] {
            let _ = fs::remove_file(file);
        }
        let plain = || spent(Command::new("sh").args(["-c", job]));
        // The first run fills the kernel's caches.
        plain();
        let without = plain();
        let learning = || {
            let mut command = ambit(&["--learn", "-o", &map, "--domain", "learned"]);
            spent(command.args(["sh", "-c", job]))
        };
        json!({"job": name, "without": without, "first": learning(), "again": learning()})
    });
    let rows = rows.collect();
    drop(keeper);
    rows
}

fn spent(command: &mut Command) -> u64 {
    let before = now();
    let status = command.stdout(Stdio::null()).status();
    let status = status.unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}");
    now() - before
}

/// Makes a program of 48 files.
fn sources() {
    let folder = format!("{DIR}/sources");
    fs::create_dir_all(&folder).expect("cannot create a folder");
    let mut main = String::from("#include <stdio.h>\n");
    let mut objects = String::new();
    for unit in 0..48 {
        let text = format!("int unit_{unit}(int x) {{ return x * {unit} + 1; }}\n");
        fs::write(format!("{folder}/unit_{unit}.c"), text).expect("cannot write a source");
        write!(objects, " unit_{unit}.o").expect("strings take all");
        writeln!(main, "int unit_{unit}(int);").expect("strings take all");
    }
    main.push_str("int main(void) { return printf(\"%d\\n\", unit_3(2)) < 0; }\n");
    fs::write(format!("{folder}/main.c"), main).expect("cannot write a source");
    let rules = format!("program: main.o{objects}\n\t$(CC) -o $@ $^\n");
    fs::write(format!("{folder}/Makefile"), rules).expect("cannot write a makefile");
}

/// Makes a repository of three hundred files.
fn repository() {
    let folder = format!("{DIR}/repository");
    for number in 0..300 {
        let directory = format!("{folder}/part-{}", number % 10);
        fs::create_dir_all(&directory).expect("cannot create a folder");
        let text = format!("file {number}\n").repeat(20);
        fs::write(format!("{directory}/file-{number}"), text).expect("cannot write a file");
    }
    spent(Command::new("sh").args([
        "-c",
        "cd /tmp/bench/repository && git init -q && git add . && \
         git -c user.name=bench -c user.email=bench@localhost commit -qm files",
    ]));
}
