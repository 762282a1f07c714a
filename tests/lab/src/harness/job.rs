// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Starts programs, writes to and reads from them, waits for them with a deadline, and shows their output on failure.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long a test waits for the end of a command or for a condition. Emulation is slow, above all next to other machines,
/// but nothing that works takes this long.
const DEADLINE: Duration = Duration::from_mins(8);
/// Pause between two checks of a condition.
const TICK: Duration = Duration::from_millis(10);

/// A running program.
pub(crate) struct Job {
    line: String,
    child: Child,
    stdout: Stream,
    stderr: Stream,
}

/// The output of a program so far; a thread reads it.
struct Stream {
    bytes: Arc<Mutex<Vec<u8>>>,
    pipe: RawFd,
    reader: std::thread::JoinHandle<()>,
}

impl Stream {
    fn of(mut source: impl Read + AsRawFd + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&bytes);
        let pipe = source.as_raw_fd();
        let reader = std::thread::spawn(move || {
            let mut buffer = vec![0; 65536];
            loop {
                while !has_input(pipe) {}
                // Locked before the read: `is_drained` must not run between the read and the append.
                let mut sink = sink.lock().unwrap();
                let Ok(count @ 1..) = source.read(&mut buffer) else {
                    // Stays open: `is_drained` uses the number.
                    std::mem::forget(source);
                    return;
                };
                sink.extend_from_slice(&buffer[..count]);
            }
        });
        Self {
            bytes,
            pipe,
            reader,
        }
    }

    /// Returns true if everything written so far has been read.
    fn is_drained(&self) -> bool {
        let _bytes = self.bytes.lock().unwrap();
        let mut left: libc::c_int = 0;
        // SAFETY: an open pipe, and a live integer that the kernel writes to.
        unsafe { libc::ioctl(self.pipe, libc::FIONREAD, &raw mut left) };
        left == 0
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    /// Returns everything written before the call. Does not wait for the end of the pipe, which a daemon may keep open.
    fn finish(self) -> Vec<u8> {
        eventually("the program's output is read", || self.is_drained());
        std::mem::take(&mut *self.bytes.lock().unwrap())
    }
}

impl Job {
    /// Starts a program with pipes for its output and, for `ambit`, for its input.
    pub(crate) fn start(command: &mut Command, line: &str) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        if line.starts_with("ambit ") {
            command.stdin(Stdio::piped());
        }
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {line}: {error}"));
        let stdout = Stream::of(child.stdout.take().expect("piped"));
        let stderr = Stream::of(child.stderr.take().expect("piped"));
        Self {
            line: line.to_owned(),
            child,
            stdout,
            stderr,
        }
    }

    /// Writes to the program's standard input.
    pub(crate) fn say(&mut self, text: &str) {
        let stdin = self.child.stdin.as_mut().expect("input is open");
        stdin
            .write_all(text.as_bytes())
            .and_then(|()| stdin.flush())
            .expect("cannot write to the job");
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: i32) {
        let pid = i32::try_from(self.child.id()).expect("process numbers are small");
        // SAFETY: two numbers; the child has not been waited for, so that the number is still its own.
        unsafe { libc::kill(pid, signal) };
    }

    /// Waits for a line on its standard output that starts with `start`; returns the rest of the line.
    pub(crate) fn until(&self, start: &str) -> String {
        self.until_lines(&format!("a line {start:?}"), |lines| {
            let line = lines.iter().find(|line| line.starts_with(start))?;
            Some(line[start.len()..].to_owned())
        })
    }

    /// Waits until `answer` returns something for the complete lines on the standard output.
    pub(crate) fn until_lines<T>(&self, what: &str, answer: impl Fn(&[&str]) -> Option<T>) -> T {
        let deadline = Instant::now() + DEADLINE;
        loop {
            // Checked before the output is read; in the other order the last lines could be missed.
            let ended = self.stdout.reader.is_finished();
            let text = self.stdout.text();
            let complete = text.rfind('\n').map_or("", |end| &text[..end]);
            let lines: Vec<&str> = complete.lines().collect();
            if let Some(answer) = answer(&lines) {
                return answer;
            }
            assert!(
                !ended && Instant::now() < deadline,
                "{}\nnever wrote {what}\n{}",
                self.line,
                self.so_far()
            );
            std::thread::sleep(TICK);
        }
    }

    /// Waits until the process has stopped at a fail point.
    pub(crate) fn until_stopped(&mut self) {
        let stat = format!("/proc/{}/stat", self.child.id());
        eventually(&format!("{} has stopped", self.line), || {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                panic!(
                    "{}\nended without stopping: {status}\n{}",
                    self.line,
                    self.so_far()
                );
            }
            let stat = std::fs::read_to_string(&stat).unwrap_or_default();
            state_in(&stat) == Some('T')
        });
    }

    fn so_far(&self) -> String {
        shown(self.stdout.text().as_bytes(), self.stderr.text().as_bytes())
    }

    /// Closes its input and waits for its end.
    pub(crate) fn finish(self) -> Run {
        self.finish_within(DEADLINE)
    }

    pub(crate) fn finish_within(mut self, limit: Duration) -> Run {
        drop(self.child.stdin.take());
        let deadline = Instant::now() + limit;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                break status;
            }
            if Instant::now() > deadline {
                let _ = self.child.kill();
                panic!(
                    "{}\nstill ran after {} s\n{}",
                    self.line,
                    limit.as_secs(),
                    self.so_far()
                );
            }
            std::thread::sleep(TICK);
        };
        Run {
            line: self.line,
            status,
            stdout: self.stdout.finish(),
            stderr: self.stderr.finish(),
        }
    }
}

/// An exited program and its output.
pub(crate) struct Run {
    pub(crate) line: String,
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Run {
    /// Fails the test and shows the program's output.
    pub(crate) fn fail(&self, what: &str) -> ! {
        panic!(
            "{what}\n{}\n{}\n{}",
            self.line,
            self.status,
            shown(&self.stdout, &self.stderr)
        )
    }

    pub(crate) fn expect(self, condition: bool, what: &str) -> Self {
        if condition { self } else { self.fail(what) }
    }

    pub(crate) fn succeeds(self) -> Self {
        self.exits(0)
    }

    pub(crate) fn exits(self, code: i32) -> Self {
        let right = self.status.code() == Some(code);
        self.expect(right, &format!("should have exited with {code}"))
    }

    pub(crate) fn dies_by(self, signal: i32) -> Self {
        let right = self.status.signal() == Some(signal);
        self.expect(right, &format!("should have died by signal {signal}"))
    }

    /// Standard output is exactly these lines.
    pub(crate) fn says(self, expected: &[&str]) -> Self {
        let right = self.lines() == expected;
        self.expect(right, &format!("should have said {expected:#?}"))
    }

    /// Standard error contains this text.
    pub(crate) fn complains(self, of: &str) -> Self {
        let right = self.stderr_text().contains(of);
        self.expect(right, &format!("should have complained of {of:?}"))
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        String::from_utf8_lossy(&self.stdout)
            .lines()
            .map(str::to_owned)
            .collect()
    }

    pub(crate) fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Returns the violations that `--json` wrote to standard error.
    pub(crate) fn violations(&self) -> Vec<Value> {
        self.stderr_text()
            .lines()
            // The workload may have written the start of a line before it.
            .filter_map(|line| line.get(line.find("{\"id\":")?..))
            .map(|line| {
                serde_json::from_str(line)
                    .unwrap_or_else(|error| self.fail(&format!("not JSON ({error}): {line}")))
            })
            .collect()
    }

    /// There was no violation.
    pub(crate) fn within_the_map(self) -> Self {
        let none = self.violations().is_empty();
        self.expect(none, "something was outside the map")
    }

    /// There were violations, all of them by this rule.
    pub(crate) fn violates(self, rule: &str) -> Self {
        let violations = self.violations();
        let right =
            !violations.is_empty() && violations.iter().all(|violation| mentions(violation, rule));
        self.expect(
            right,
            &format!("should have violated the map by {rule:?} alone"),
        )
    }

    /// There was a violation by this rule, and perhaps others.
    pub(crate) fn violates_also(self, rule: &str) -> Self {
        let right = self
            .violations()
            .iter()
            .any(|violation| mentions(violation, rule));
        self.expect(right, &format!("should have violated the map by {rule:?}"))
    }

    /// The output contains no control characters except tabs and line ends.
    pub(crate) fn harmless_on_a_terminal(self) -> Self {
        let text = [self.stdout.as_slice(), &self.stderr].concat();
        let control = |c: char| c.is_control() && c != '\n' && c != '\t';
        let right = std::str::from_utf8(&text).is_ok_and(|text| !text.chars().any(control));
        self.expect(right, "wrote what a terminal would act on")
    }
}

/// Returns true if a text in the value is this rule; a rule that ends in `*` is a prefix.
pub(crate) fn mentions(value: &Value, rule: &str) -> bool {
    match value {
        Value::String(text) => match rule.strip_suffix('*') {
            Some(start) => text.starts_with(start),
            None => text == rule,
        },
        Value::Array(values) => values.iter().any(|value| mentions(value, rule)),
        Value::Object(fields) => fields.values().any(|value| mentions(value, rule)),
        _ => false,
    }
}

fn shown(stdout: &[u8], stderr: &[u8]) -> String {
    let mut text = String::new();
    for (name, bytes) in [("stdout", stdout), ("stderr", stderr)] {
        let _ = writeln!(text, "--- {name}");
        for line in bytes.split(|&byte| byte == b'\n').take(200) {
            let _ = writeln!(
                text,
                "{}",
                line.escape_ascii()
                    .to_string()
                    .replace("\\\"", "\"")
                    .replace("\\'", "'")
            );
        }
    }
    text
}

/// Waits until a condition is true. At the deadline it fails the test and names the condition.
#[track_caller]
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(
            Instant::now() < deadline,
            "not true after {} s: {what}",
            DEADLINE.as_secs()
        );
        std::thread::sleep(TICK);
    }
}

/// Waits until a file contains a text. At the deadline it fails the test and shows the file.
#[track_caller]
pub(crate) fn eventually_contains(path: &str, text: &str) {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let content = std::fs::read_to_string(path).unwrap_or_default();
        if content.contains(text) {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{path} never contained {text:?} but {content:?}"
        );
        std::thread::sleep(TICK);
    }
}

/// Waits for input or the end of a descriptor; false if the wait was interrupted.
fn has_input(fd: RawFd) -> bool {
    let mut poll = libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one live structure.
    unsafe { libc::poll(&raw mut poll, 1, -1) > 0 }
}

/// A process's state in the text of its `/proc/PID/stat`: the letter after its name, which is in parentheses.
fn state_in(stat: &str) -> Option<char> {
    stat.rsplit_once(") ")?.1.chars().next()
}

/// Returns true if a process has exited, also if its parent has not waited for it yet.
pub(crate) fn has_exited(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| {
        matches!(state_in(&stat), Some('Z' | 'X') | None)
    })
}

/// The processes that descend from this one, itself excluded.
pub(crate) fn descendants(pid: u32) -> Vec<u32> {
    let mut found = children_of(&pid.to_string());
    let mut at = 0;
    while let Some(next) = found.get(at) {
        let below = children_of(&next.to_string());
        found.extend(below);
        at += 1;
    }
    found
}

/// Kills and reaps processes that a test left behind; they are children of this process, the subreaper.
pub(crate) fn end_orphans(except: Option<u32>) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let mut children = children();
        children.retain(|pid| except != Some(pid.cast_unsigned()));
        if children.is_empty() {
            return;
        }
        if Instant::now() > deadline {
            for pid in children {
                let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
                eprintln!("a process does not end: {}", stat.unwrap_or_default());
            }
            return;
        }
        for pid in children {
            // SAFETY: a child that was not waited for yet.
            unsafe {
                libc::kill(pid, libc::SIGKILL);
                libc::waitpid(pid, std::ptr::null_mut(), libc::WNOHANG);
            }
        }
        std::thread::sleep(TICK);
    }
}

fn children() -> Vec<i32> {
    children_of("self")
        .into_iter()
        .map(u32::cast_signed)
        .collect()
}

/// Returns the children of all threads of a process.
pub(crate) fn children_of(process: &str) -> Vec<u32> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{process}/task")) else {
        return Vec::new();
    };
    threads
        .flatten()
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .collect::<Vec<_>>()
        })
        .collect()
}
