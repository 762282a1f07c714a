// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A terminal whose keyboard and screen belong to the test.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::eventually;

/// A program that runs in a terminal of its own.
pub(crate) struct Pty {
    child: Child,
    keyboard: File,
    screen: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
    seen: usize,
}

impl Pty {
    pub(crate) fn start(command: &mut Command) -> Self {
        let (mut master, mut slave) = (0, 0);
        let size = libc::winsize {
            ws_row: 24,
            ws_col: 80,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        // SAFETY: two live integers to write to, a live size, no name and no settings.
        let opened = unsafe {
            libc::openpty(
                &raw mut master,
                &raw mut slave,
                std::ptr::null_mut(),
                std::ptr::null(),
                &raw const size,
            )
        };
        assert_eq!(
            opened,
            0,
            "cannot open a terminal: {}",
            std::io::Error::last_os_error()
        );
        // SAFETY: `openpty` has just returned these descriptors; nothing else owns them.
        let (master, slave) =
            unsafe { (OwnedFd::from_raw_fd(master), OwnedFd::from_raw_fd(slave)) };
        // SAFETY: a descriptor and a flag. The program must not inherit the test's end.
        unsafe {
            libc::fcntl(
                std::os::fd::AsRawFd::as_raw_fd(&master),
                libc::F_SETFD,
                libc::FD_CLOEXEC,
            )
        };
        let ends = [
            slave.try_clone().expect("cannot dup"),
            slave.try_clone().expect("cannot dup"),
        ];
        let [input, output] = ends;
        command.stdin(input).stdout(output).stderr(slave);
        // SAFETY: two system calls on numbers, allowed between fork and exec.
        unsafe {
            command.pre_exec(|| {
                libc::setsid();
                libc::ioctl(0, libc::TIOCSCTTY, 0);
                Ok(())
            });
        }
        let child = command
            .spawn()
            .expect("cannot start a program in a terminal");
        // Drop this process's copies of the program's end: while one is open, reading the screen does not end.
        command
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        let keyboard = File::from(master);
        let mut reader = keyboard.try_clone().expect("cannot dup");
        let screen = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&screen);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                sink.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        Self {
            child,
            keyboard,
            screen,
            reader,
            seen: 0,
        }
    }

    pub(crate) fn keys(&mut self, keys: &str) {
        self.keyboard
            .write_all(keys.as_bytes())
            .expect("cannot type");
    }

    /// Waits until the screen shows a text, after the last text that was waited for.
    pub(crate) fn until(&mut self, text: &str) {
        let start = self.seen;
        let mut end = start;
        eventually(&format!("the screen shows {text:?}"), || {
            let screen = self.screen.lock().unwrap();
            let found = screen[start..]
                .windows(text.len())
                .position(|window| window == text.as_bytes());
            let Some(at) = found else {
                assert!(
                    !self.reader.is_finished(),
                    "the screen never showed {text:?}:\n{}",
                    shown(&screen)
                );
                return false;
            };
            end = start + at + text.len();
            true
        });
        self.seen = end;
    }

    /// Waits for the end of the program and reads the rest of the screen. The terminal hangs up when its session leader ends.
    pub(crate) fn finish(mut self) -> (ExitStatus, String) {
        let mut status = None;
        eventually("the program in the terminal has ended", || {
            status = self.child.try_wait().expect("a child can be waited for");
            status.is_some()
        });
        eventually("the screen is read to its end", || {
            self.reader.is_finished()
        });
        let screen = shown(&self.screen.lock().unwrap());
        (status.unwrap(), screen)
    }
}

fn shown(screen: &[u8]) -> String {
    screen.escape_ascii().to_string().replace("\\n", "\n")
}
