// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Processes that are started paused. Signals are sent to processes of their own, so that tests can run in parallel.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::ffi::OsString;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;

use ambit_launch::{Error, Paused, Running, Signals};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::WaitId;

fn argv(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

fn sh(script: &str) -> Paused {
    Paused::new(Path::new("/bin/sh"), &argv(&["sh", "-c", script]), None).unwrap()
}

fn end(running: &mut Running) -> ExitStatus {
    loop {
        if let Some(status) = running.try_wait().unwrap() {
            return status;
        }
        let process = running.pidfd();
        let _ = poll(&mut [PollFd::new(&process, PollFlags::IN)], None);
    }
}

#[test]
fn a_paused_process_executes_nothing_before_it_is_resumed() {
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let arguments = argv(&["sh", "-c", "echo started"]);
    let paused = Paused::new(Path::new("/bin/sh"), &arguments, Some(writer.as_fd())).unwrap();
    drop(writer);
    let command = std::fs::read(format!("/proc/{}/cmdline", paused.pid())).unwrap();
    assert_ne!(command, b"sh\0-c\0echo started\0");
    let mut running = paused.resume().unwrap();
    assert!(running.wait_for_exec().unwrap().is_none());
    let mut output = String::new();
    reader.read_to_string(&mut output).unwrap();
    assert_eq!(output, "started\n");
    assert_eq!(end(&mut running).code(), Some(0));
}

#[test]
fn a_paused_process_that_is_dropped_executes_nothing() {
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let arguments = argv(&["sh", "-c", "echo started"]);
    let paused = Paused::new(Path::new("/bin/sh"), &arguments, Some(writer.as_fd())).unwrap();
    drop((paused, writer));
    let mut output = String::new();
    reader.read_to_string(&mut output).unwrap();
    assert_eq!(output, "");
}

#[test]
fn the_status_is_that_of_the_program() {
    for code in [0, 1, 126, 255] {
        let mut running = sh(&format!("exit {code}")).resume().unwrap();
        assert_eq!(end(&mut running).code(), Some(code));
        assert_eq!(end(&mut running).code(), Some(code), "asked again");
    }
    for signal in [libc::SIGTERM, libc::SIGKILL, libc::SIGPIPE] {
        let mut running = sh(&format!("kill -{signal} $$")).resume().unwrap();
        assert_eq!(end(&mut running).signal(), Some(signal));
    }
}

#[test]
fn the_error_of_execve_is_reported() {
    let paused = Paused::new(Path::new("/nonexistent"), &argv(&["nonexistent"]), None).unwrap();
    let mut running = paused.resume().unwrap();
    let error = running.wait_for_exec().unwrap().expect("an error");
    assert_eq!(error.raw_os_error(), Some(libc::ENOENT));
    assert_eq!(end(&mut running).code(), Some(126));
}

#[test]
fn the_status_is_known_where_a_parent_ignored_ended_children() {
    const CHILD: &str = "AMBIT_TEST_IGNORES_CHILDREN";
    if std::env::var_os(CHILD).is_some() {
        let mut running = sh("exit 7").resume().unwrap();
        assert_eq!(end(&mut running).code(), Some(7));
        return;
    }
    // A process of its own, since an action belongs to all threads.
    let name = "the_status_is_known_where_a_parent_ignored_ended_children";
    let program = std::env::current_exe().unwrap();
    let ended = std::process::Command::new("env")
        .arg("--ignore-signal=CHLD")
        .arg(program)
        .args(["--exact", name])
        .env(CHILD, "1")
        .output()
        .unwrap();
    assert!(ended.status.success(), "{ended:?}");
}

#[test]
fn an_argument_with_a_nul_byte_is_refused() {
    let result = Paused::new(Path::new("/bin/true"), &argv(&["a\0b"]), None);
    assert!(matches!(result, Err(Error::NulByte)));
}

#[test]
fn processes_start_while_other_threads_allocate() {
    use std::sync::atomic::{AtomicBool, Ordering};
    /// Ends the threads also after a failed assertion: the scope waits for them before the test fails.
    struct Stop<'a>(&'a AtomicBool);
    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _stop = Stop(&stop);
        for _ in 0..3 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    drop(std::hint::black_box(vec![0_u8; 100_000]));
                }
            });
        }
        for _ in 0..50 {
            let mut running = sh("exit 7").resume().unwrap();
            assert_eq!(end(&mut running).code(), Some(7));
        }
    });
}

/// Makes `clone3` fail in this thread and its children, as systemd's `RestrictNamespaces=` does.
fn hide_clone3() {
    let number_is_clone3 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    let statement = |code: u32, k: u32| libc::sock_filter {
        code: u16::try_from(code).unwrap(),
        jt: 0,
        jf: u8::from(code == number_is_clone3),
        k,
    };
    let answer = libc::BPF_RET | libc::BPF_K;
    let errno = libc::ENOSYS.cast_unsigned();
    let mut filter = [
        // The number of the system call is the first word of `seccomp_data`.
        statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0),
        statement(number_is_clone3, u32::try_from(libc::SYS_clone3).unwrap()),
        statement(answer, libc::SECCOMP_RET_ERRNO | errno),
        statement(answer, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog {
        len: 4,
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: numbers, and a program that lives longer than the call.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        let set = libc::SECCOMP_SET_MODE_FILTER;
        assert_eq!(
            libc::syscall(libc::SYS_seccomp, set, 0, &raw const program),
            0
        );
        assert_eq!(libc::syscall(libc::SYS_clone3, 0, 0), -1);
    }
    let error = std::io::Error::last_os_error();
    assert_eq!(error.raw_os_error(), Some(libc::ENOSYS));
}

#[test]
fn a_process_starts_where_clone3_is_hidden() {
    std::thread::spawn(|| {
        hide_clone3();
        let mut running = sh("kill -0 $$ && exit 7").resume().unwrap();
        assert!(running.wait_for_exec().unwrap().is_none());
        assert_eq!(end(&mut running).code(), Some(7));
        drop(sh("exit 1"));
        let mut running = sh("grep -q '^SigBlk:.0*$' /proc/self/status")
            .resume()
            .unwrap();
        assert_eq!(end(&mut running).code(), Some(0), "a signal is blocked");
    })
    .join()
    .unwrap();
}

// One test, since signals reach the process of all tests.
#[test]
fn signals_are_counted_and_forwarded_also_those_from_before() {
    let own = rustix::process::getpid();
    let signals = Signals::catch().unwrap();

    let mut running = sh("exec sleep 60").resume().unwrap();
    assert!(running.wait_for_exec().unwrap().is_none());
    let forwarding = signals.forward_to(running.pidfd()).unwrap();
    rustix::process::kill_process(own, rustix::process::Signal::TERM).unwrap();
    assert_eq!(end(&mut running).signal(), Some(libc::SIGTERM));
    drop(forwarding);
    assert_eq!(signals.last(), Some(libc::SIGTERM));
    assert_eq!(signals.count(), 1);

    rustix::process::kill_process(own, rustix::process::Signal::INT).unwrap();
    rustix::process::kill_process(own, rustix::process::Signal::USR1).unwrap();
    while signals.last() != Some(libc::SIGINT) {
        std::thread::yield_now();
    }
    let mut running = sh("exec sleep 60").resume().unwrap();
    assert!(running.wait_for_exec().unwrap().is_none());
    let forwarding = signals.forward_to(running.pidfd()).unwrap();
    let signal = end(&mut running).signal();
    assert!(
        matches!(signal, Some(libc::SIGINT | libc::SIGUSR1)),
        "{signal:?}"
    );
    drop(forwarding);
    assert_eq!(signals.count(), 2);

    // A paused process has none of the handlers.
    let ends_by_a_signal = || {
        let paused = sh("exit 1");
        let process = paused.pidfd().try_clone_to_owned().unwrap();
        rustix::process::pidfd_send_signal(&process, rustix::process::Signal::TERM).unwrap();
        let _ = poll(&mut [PollFd::new(&process, PollFlags::IN)], None);
        let options = rustix::process::WaitIdOptions::EXITED;
        let ended = rustix::process::waitid(WaitId::PidFd(process.as_fd()), options);
        ended.unwrap().unwrap().terminating_signal()
    };
    assert_eq!(ends_by_a_signal(), Some(libc::SIGTERM));
    let forked = std::thread::spawn(move || {
        hide_clone3();
        ends_by_a_signal()
    });
    assert_eq!(forked.join().unwrap(), Some(libc::SIGTERM));
}
