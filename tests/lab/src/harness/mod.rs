// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Helpers of the suites. They know how to call `ambit` and how to read its files, but not how it should decide.

mod attack;
mod fuse;
mod job;
mod map;
mod programs;
mod pty;
mod refusal;
mod stats;
mod watch;

pub(crate) use attack::Attack;
pub(crate) use fuse::{Fuse, FuseFiles};
pub(crate) use job::{
    Job, Run, children_of, descendants, end_orphans, eventually, eventually_contains, has_exited,
};
pub(crate) use map::{Map, Subject};
pub(crate) use programs::{AT_START, programs, programs_at_start};
pub(crate) use pty::Pty;
pub(crate) use stats::Stats;
pub(crate) use watch::{Client, SctpWatch, Sniffer, TcpWatch, UdpWatch, UnixWatch, Watcher};

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Exit status of a test that cannot run on this machine.
pub(crate) const SKIPPED: i32 = 77;

/// The folder of a test, and the commands it uses. The path never changes, so that it can be in a map.
pub(crate) struct Lab {
    dir: PathBuf,
    /// Coverage of new maps, if the test does not choose one.
    coverage: Option<&'static str>,
}

impl Lab {
    /// Makes the folder for a test.
    pub(crate) fn new(suite: &str, name: &str) -> Self {
        let dir = Path::new("/var/tmp/lab").join(name);
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).expect("cannot make the test's folder");
        let lab = Self {
            dir,
            // This suite loads the kernel part many times; core coverage loads in less than half the time of full coverage.
            coverage: (suite == "unload").then_some("core"),
        };
        lab.file("known", "known\n");
        lab
    }

    /// Returns a path in the test's folder.
    pub(crate) fn path(&self, name: &str) -> String {
        self.dir
            .join(name)
            .to_str()
            .expect("names of tests are plain")
            .to_owned()
    }

    /// Makes a file in the test's folder.
    pub(crate) fn file(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::write(&path, text).unwrap_or_else(|error| panic!("cannot write {path}: {error}"));
        path
    }

    /// Makes an executable script in the test's folder.
    pub(crate) fn script(&self, name: &str, text: &str) -> String {
        let path = self.file(name, text);
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .expect("cannot chmod");
        path
    }

    /// Makes a copy of the exerciser in the test's folder.
    pub(crate) fn copy_of_act(&self, name: &str) -> String {
        let path = self.path(name);
        let _ = fs::remove_file(&path);
        fs::copy(act_path(), &path).expect("cannot copy the exerciser");
        path
    }

    /// Runs `ambit ARGS…`.
    pub(crate) fn ambit<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Run {
        self.ambit_job(arguments).finish()
    }

    /// Starts `ambit ARGS…`.
    pub(crate) fn ambit_job<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Job {
        let arguments: Vec<OsString> = arguments
            .into_iter()
            .map(|argument| argument.as_ref().into())
            .collect();
        Job::start(
            self.command("ambit").args(&arguments),
            &shown("ambit", &arguments),
        )
    }

    /// Starts `ambit ARGS…` with fail points, and kills it when it has stopped at one.
    pub(crate) fn killed_at<S: AsRef<OsStr>>(
        &self,
        point: &str,
        arguments: impl IntoIterator<Item = S>,
    ) {
        let arguments: Vec<OsString> = arguments
            .into_iter()
            .map(|argument| argument.as_ref().into())
            .collect();
        assert!(
            Path::new("/usr/bin/ambit-failpoints").exists(),
            "ambit-failpoints is missing: run `cargo xtask build --failpoints`"
        );
        let mut command = self.command("ambit-failpoints");
        command.args(&arguments).env("AMBIT_FAIL_POINT", point);
        let mut job = Job::start(&mut command, &shown("ambit", &arguments));
        job.until_stopped();
        job.signal(libc::SIGKILL);
        job.finish().dies_by(libc::SIGKILL);
    }

    /// Runs any program, outside every domain.
    pub(crate) fn outside<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Run {
        let mut words = words.into_iter().map(|word| word.as_ref().to_os_string());
        let program = words.next().expect("a program");
        let arguments: Vec<OsString> = words.collect();
        Job::start(
            self.command(&program).args(&arguments),
            &shown(&program.to_string_lossy(), &arguments),
        )
        .finish()
    }

    /// Returns a command that runs in the test's folder with a fixed environment.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.dir)
            .env_clear()
            .env("HOME", &self.dir)
            .env("LC_ALL", "C")
            .env("TERM", "xterm");
        command.env(
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        );
        command.env("AMBIT_LAB", "1");
        command
    }

    /// Learns a command into a map of the test's folder.
    pub(crate) fn learn(&self, map: &str, command: &[String]) -> Run {
        self.learning(map, &[], command).finish()
    }

    /// Starts learning, with options.
    pub(crate) fn learning(&self, map: &str, options: &[&str], command: &[String]) -> Job {
        self.ambit_job(self.learning_words(map, options, command))
    }

    /// Returns the arguments of `ambit` to learn a command.
    pub(crate) fn learning_words(
        &self,
        map: &str,
        options: &[&str],
        command: &[String],
    ) -> Vec<String> {
        let map = self.path(map);
        let mut first = vec!["run", "--learn", "-o", &map];
        if let Some(coverage) = self.coverage
            && !options.contains(&"--coverage")
        {
            first.extend(["--coverage", coverage]);
        }
        words(&first, options, command)
    }

    /// Enforces a map of the test's folder on a command.
    pub(crate) fn enforce(&self, map: &str, command: &[String]) -> Run {
        self.enforcing(map, &[], command).finish()
    }

    /// Starts enforcing, with options.
    pub(crate) fn enforcing(&self, map: &str, options: &[&str], command: &[String]) -> Job {
        let map = self.path(map);
        self.ambit_job(words(
            &["run", "-m", &map, "--enforce", "--json"],
            options,
            command,
        ))
    }

    /// Audits a command with a map of the test's folder: violations are only recorded.
    pub(crate) fn audit(&self, map: &str, command: &[String]) -> Run {
        let map = self.path(map);
        self.ambit(words(&["run", "-m", &map, "--json"], &[], command))
    }

    /// Reads a map of the test's folder.
    pub(crate) fn map(&self, name: &str) -> Map {
        Map::read(&self.path(name))
    }

    /// Writes a map to the test's folder.
    pub(crate) fn write_map(&self, name: &str, map: &Map) {
        self.file(name, &map.text);
    }

    /// Returns the violations that `ambit explain` lists, as JSON objects.
    pub(crate) fn explained(&self, options: &[&str]) -> Vec<serde_json::Value> {
        let run = self
            .ambit(words(&["explain", "--json"], options, &[]))
            .succeeds();
        let values: Vec<serde_json::Value> = serde_json::Deserializer::from_slice(&run.stdout)
            .into_iter()
            .collect::<Result<_, _>>()
            .unwrap_or_else(|error| run.fail(&format!("not JSON: {error}")));
        values
            .into_iter()
            .flat_map(|value| match value {
                serde_json::Value::Array(values) => values,
                value => vec![value],
            })
            .collect()
    }
}

/// Returns the command line of the exerciser; blanks separate the words.
pub(crate) fn act(words: &str) -> Vec<String> {
    std::iter::once(act_path())
        .chain(words.split_whitespace().map(str::to_owned))
        .collect()
}

/// Returns the path of the exerciser, which is next to this program.
pub(crate) fn act_path() -> String {
    let path = std::env::current_exe()
        .expect("this program has a path")
        .with_file_name("ambit-act");
    path.to_str().expect("a plain path").to_owned()
}

/// Returns a command line made from string slices.
pub(crate) fn line(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// `AMBIT-WORDS OPTIONS -- COMMAND`
pub(crate) fn words(first: &[&str], options: &[&str], command: &[String]) -> Vec<String> {
    let mut all: Vec<String> = line(first);
    all.extend(line(options));
    if !command.is_empty() {
        all.push("--".to_owned());
        all.extend_from_slice(command);
    }
    all
}

/// Ends the test as skipped: it cannot run on this machine.
pub(crate) fn skip(reason: &str) -> ! {
    eprintln!("{reason}");
    std::process::exit(SKIPPED)
}

fn shown(program: &str, arguments: &[OsString]) -> String {
    let mut shown = program.to_owned();
    for argument in arguments {
        shown.push(' ');
        shown.push_str(&argument.as_encoded_bytes().escape_ascii().to_string());
    }
    shown
}
