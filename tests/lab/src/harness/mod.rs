// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the suites are written with. It knows how `ambit` is called and what its files look like, and nothing of
//! what it should decide.

mod job;
mod map;
mod programs;
mod pty;
mod refusal;
mod stats;
mod watch;

pub(crate) use job::{
    Job, Run, children_of, descendants, end_orphans, eventually, eventually_contains, has_exited,
};
pub(crate) use map::{Map, Subject};
pub(crate) use programs::{AT_START, programs, programs_at_start};
pub(crate) use pty::Pty;
pub(crate) use stats::Stats;
pub(crate) use watch::{Client, Sniffer, TcpWatch, UdpWatch, UnixWatch, Watcher};

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The exit status of a test that can't be had on this machine.
pub(crate) const SKIPPED: i32 = 77;

/// A test's folder, and the commands it uses. The folder's path is always the same, so that it can be in a map.
pub(crate) struct Lab {
    dir: PathBuf,
    /// What new maps get where the test does not say.
    coverage: Option<&'static str>,
}

impl Lab {
    /// For the test of a suite.
    pub(crate) fn new(suite: &str, name: &str) -> Self {
        let dir = Path::new("/var/tmp/lab").join(name);
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).expect("cannot make the test's folder");
        let lab = Self {
            dir,
            // Its tests are about loading, many times over, and core coverage is loaded in less than half the time.
            coverage: (suite == "unload").then_some("core"),
        };
        lab.file("known", "known\n");
        lab
    }

    /// A path in the test's folder.
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

    /// `ambit ARGS…`, to its end.
    pub(crate) fn ambit<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Run {
        self.ambit_job(arguments).finish()
    }

    /// `ambit ARGS…`, started.
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
        let mut command = self.command("ambit-failpoints");
        command.args(&arguments).env("AMBIT_FAIL_POINT", point);
        let mut job = Job::start(&mut command, &shown("ambit", &arguments));
        job.until_stopped();
        job.signal(libc::SIGKILL);
        job.finish().dies_by(libc::SIGKILL);
    }

    /// Any program, to its end, outside every domain.
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

    /// A command in the test's folder with an environment that is always the same.
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

    /// `ambit`'s words to learn a command.
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

    /// Runs a command under a map of the test's folder, refusing what is outside.
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

    /// Runs a command under a map of the test's folder, recording what is outside.
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

    /// The violations that `ambit explain` tells of, as JSON objects.
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

/// The exerciser's command line, from words between blanks.
pub(crate) fn act(words: &str) -> Vec<String> {
    std::iter::once(act_path())
        .chain(words.split_whitespace().map(str::to_owned))
        .collect()
}

/// Where the exerciser is: beside this program.
pub(crate) fn act_path() -> String {
    let path = std::env::current_exe()
        .expect("this program has a path")
        .with_file_name("ambit-act");
    path.to_str().expect("a plain path").to_owned()
}

/// A command line from string slices.
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

/// Ends the test where this machine can't show it.
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
