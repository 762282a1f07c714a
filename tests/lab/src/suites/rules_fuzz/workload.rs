// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A workload that performs steps: its user, chain of executables, cgroup, domain and trust.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};

use ambit_policy::condition::{Number, Text};
use ambit_policy::facts::Facts;
use ambit_rulegen::Random;

use super::scene::Scene;
use super::step::{Prepared, Step};
use crate::harness::{Lab, act_path};

/// One run of the exerciser. Its groups are children of it, each with steps of its own.
#[derive(Clone, Debug)]
pub(super) struct Workload {
    /// Its folder below the test's folder.
    dir: String,
    uid: u32,
    cgroup: &'static str,
    domain: Option<&'static str>,
    untrusted: bool,
    /// The executables, its own first.
    chain: Vec<Vec<u8>>,
    pub(super) groups: Vec<Vec<Step>>,
}

/// Result of a run: for each group its process, and a line for each step that it reached.
pub(super) struct Done {
    pub(super) pids: Vec<u64>,
    pub(super) lines: Vec<Vec<String>>,
}

/// Executables with paths of this length or more have no path in rules.
const LONG: usize = 255;

impl Workload {
    pub(super) fn draw(lab: &Lab, random: &mut Random, index: usize, groups: usize) -> Self {
        let dir = lab.path(&format!("p{index}"));
        let uid = *random.pick(&[0, 0, 1000, 4242]).expect("some");
        let domain = random.once_in(4).then_some("fz.domain");
        // A domain cannot start with an untrusted command.
        let untrusted = domain.is_none() && random.once_in(3);
        let names = ["sh", "nginx", "x.so", "it's", "\u{e4}"];
        let mut chain: Vec<Vec<u8>> = Vec::new();
        for at in 0..4 {
            let name = random.pick(&names).expect("some");
            let folder = if at == 0 { "last" } else { "before" };
            let mut path = format!("{dir}/{folder}/{at}");
            if at > 0 && random.once_in(8) {
                path = format!("{path}/{}/{}", "l".repeat(120), "o".repeat(120));
            }
            chain.push(format!("{path}/{name}").into_bytes());
        }
        let mut scene = Scene {
            random,
            tree: format!("{dir}/tree").into_bytes(),
            uid,
            labelled: domain.is_some(),
            // No name that is used repeatedly ends or begins like this.
            number: u16::try_from(1000 * (index + 1)).expect("few"),
        };
        let groups = (0..groups).map(|_| scene.group()).collect();
        Self {
            uid,
            cgroup: random.pick(&["/", "/fz", "/fz/inner"]).expect("some"),
            dir,
            domain,
            untrusted,
            chain,
            groups,
        }
    }

    /// Returns the facts about a group's task at its fork. Its process number is a made-up one.
    pub(super) fn facts(&self, pid: u64) -> Facts {
        let mut facts = Facts::default();
        for number in [Number::Uid, Number::Gid, Number::RealUid] {
            facts.set_number(number, self.uid.into());
        }
        facts.set_number(Number::Caps, if self.uid == 0 { all_caps() } else { 0 });
        facts.set_number(Number::Pid, pid);
        facts.set_number(Number::Labelled, self.domain.is_some().into());
        facts.set_text(Text::Cgroup, self.cgroup.as_bytes().to_vec());
        facts.set_text(Text::Domain, self.domain.unwrap_or("").as_bytes().to_vec());
        facts.set_chain(
            self.chain
                .iter()
                .map(|path| {
                    if path.len() < LONG {
                        path.clone()
                    } else {
                        Vec::new()
                    }
                })
                .collect(),
        );
        if self.untrusted {
            facts.distrust("operator");
        }
        facts
    }

    /// Conditions that are true only for the tasks of groups, not for the programs that start them nor for the test itself.
    pub(super) fn bounds(&self) -> [String; 2] {
        let dir = &self.dir;
        [
            format!("object.path.startsWith(\"{dir}/tree/\")"),
            format!("task.comm.startsWith(\"fz\") && subject.path.startsWith(\"{dir}/last/\")"),
        ]
    }

    /// Makes everything that the steps need, from scratch. No rules may be loaded.
    pub(super) fn prepare(&self) -> Vec<UnixListener> {
        if Path::new(&self.dir).exists() {
            fs::remove_dir_all(&self.dir).expect("cannot remove what an earlier run left");
        }
        let mut listeners = Vec::new();
        for (at, program) in self.chain.iter().enumerate() {
            let program = program.clone();
            let prepared = match at {
                0 => Prepared::Program(program),
                _ => Prepared::Runner(program),
            };
            made(&prepared, self.uid);
        }
        made(
            &Prepared::Folder(format!("{}/tree", self.dir).into_bytes()),
            self.uid,
        );
        let steps = self.groups.iter().flatten();
        for prepared in steps.flat_map(|step| &step.prepared) {
            listeners.extend(made(prepared, self.uid));
        }
        owned(Path::new(&format!("{}/tree", self.dir)), self.uid);
        let cgroup = format!("/sys/fs/cgroup{}", self.cgroup);
        fs::create_dir_all(cgroup).expect("cannot make a cgroup");
        listeners
    }

    /// Does the steps. The shell that starts the exerciser waits until it is untrusted.
    pub(super) fn run(&self, lab: &Lab) -> Done {
        let mut command = lab.command("sh");
        let script = format!(
            "read go; echo $$ >/sys/fs/cgroup{}/cgroup.procs; exec \"$@\"",
            self.cgroup
        );
        command.args(["-c", &script, "sh"]);
        if let Some(domain) = self.domain {
            let map = format!("{}/map", self.dir);
            command.args(["ambit", "run", "--learn", "-q", "--domain", domain]);
            command.args(["-o", &map, "--"]);
        }
        if self.uid != 0 {
            let id = self.uid.to_string();
            command.args(["setpriv", "--reuid", &id, "--regid", &id]);
            command.args(["--clear-groups", "--"]);
        }
        self.exerciser(&mut command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("cannot start the exerciser");
        if self.untrusted {
            let pid = child.id().to_string();
            lab.ambit(["trust", "set", "--pid", &pid, "--reason", "fuzz"])
                .succeeds();
        }
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(b"go\n").expect("the shell reads");
        drop(stdin);
        let output = child.wait_with_output().expect("cannot wait");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut done = Done {
            pids: Vec::new(),
            lines: Vec::new(),
        };
        for line in said.lines() {
            if let Some(pid) = line.strip_prefix("pid: ok ") {
                done.pids.push(pid.parse().expect("a number"));
                done.lines.push(Vec::new());
            } else {
                let own = done.lines.last_mut();
                own.expect("a group says its number first")
                    .push(line.to_owned());
            }
        }
        assert_eq!(
            done.pids.len(),
            self.groups.len(),
            "{} with {said}",
            output.status
        );
        done
    }

    /// Returns the command line: the executables in order, and the work of the last one.
    fn exerciser(&self, command: &mut Command) {
        for program in self.chain.iter().rev() {
            command.arg(OsStr::from_bytes(program));
        }
        for (at, group) in self.groups.iter().enumerate() {
            if at > 0 {
                command.arg(",");
            }
            command.args(["fork", "{", "pid"]);
            for step in group {
                command.arg(",").args(step.words());
            }
            command.arg("}");
        }
    }
}

/// Returns root's capabilities here, which are this process's own.
fn all_caps() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("procfs");
    let caps = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:\t"));
    u64::from_str_radix(caps.expect("a set"), 16).expect("a mask")
}

fn made(prepared: &Prepared, uid: u32) -> Option<UnixListener> {
    let (Prepared::File(path, _)
    | Prepared::Folder(path)
    | Prepared::Program(path)
    | Prepared::Runner(path)
    | Prepared::Listener(path)) = prepared;
    let path = Path::new(OsStr::from_bytes(path));
    let folder = match prepared {
        Prepared::Folder(_) => path,
        _ => path.parent().expect("it is in a folder"),
    };
    fs::create_dir_all(folder).expect("cannot make a folder");
    match prepared {
        Prepared::Folder(_) => None,
        Prepared::Listener(_) if path.exists() => None,
        Prepared::Listener(_) => {
            let listener = UnixListener::bind(path).expect("cannot listen");
            Some(listener)
        }
        // The exerciser is static, so that running it opens nothing else.
        Prepared::Program(_) => linked(Path::new(&act_path()), "fz-act", path),
        Prepared::Runner(_) => linked(Path::new("/usr/bin/env"), "fz-env", path),
        Prepared::File(_, mode) => {
            fs::write(path, "fuzz\n").expect("cannot write");
            chown(path, Some(uid), Some(uid)).expect("cannot chown");
            fs::set_permissions(path, fs::Permissions::from_mode(*mode)).expect("cannot chmod");
            None
        }
    }
}

/// One copy of a program has all the names.
fn linked(program: &Path, copy: &str, path: &Path) -> Option<UnixListener> {
    let copy = Path::new("/var/tmp/lab").join(copy);
    if !copy.exists() {
        fs::copy(program, &copy).expect("cannot copy a program");
    }
    fs::hard_link(copy, path).expect("cannot link");
    None
}

/// The folders are the exerciser's own, and so are sockets.
fn owned(folder: &Path, uid: u32) {
    chown(folder, Some(uid), Some(uid)).expect("cannot chown");
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let kind = entry.file_type().expect("a type");
        if kind.is_dir() {
            owned(&entry.path(), uid);
        } else if !kind.is_file() {
            chown(entry.path(), Some(uid), Some(uid)).expect("cannot chown");
        }
    }
}
