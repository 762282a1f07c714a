// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Keeps what libbpf prints while an object is opened, loaded and attached, for error messages.
//!
//! libbpf has one print callback per process, and no other way to get at the verifier's log. Only this file sets it: the
//! first capture installs ours, the last one restores the one from before. Each thread has its own text, since libbpf
//! calls back in the thread that called it.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};

use libbpf_rs::{PrintCallback, PrintLevel, set_print};

/// Only the end is kept: the verifier's log ends with the reason.
const BYTES: usize = 64 * 1024;

struct Installed {
    captures: usize,
    before: Option<(PrintLevel, PrintCallback)>,
}

static INSTALLED: Mutex<Installed> = Mutex::new(Installed {
    captures: 0,
    before: None,
});

thread_local! {
    static TEXT: RefCell<String> = const { RefCell::new(String::new()) };
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "libbpf-rs wants this signature"
)]
fn keep(_: PrintLevel, message: String) {
    TEXT.with_borrow_mut(|text| {
        text.push_str(&message);
        if text.len() > BYTES {
            let mut cut = text.len() - BYTES;
            while !text.is_char_boundary(cut) {
                cut += 1;
            }
            text.drain(..cut);
        }
    });
}

/// Captures what libbpf prints in this thread, from its start until it is dropped.
#[derive(Debug)]
pub(crate) struct Capture {
    /// The text belongs to a thread, and so does this.
    _thread: PhantomData<*const ()>,
}

impl Capture {
    pub(crate) fn start() -> Self {
        TEXT.with_borrow_mut(String::clear);
        let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
        if installed.captures == 0 {
            installed.before = set_print(Some((PrintLevel::Info, keep)));
        }
        installed.captures += 1;
        Self {
            _thread: PhantomData,
        }
    }

    /// Returns the text that libbpf printed since the last capture of this thread started.
    #[expect(
        clippy::unused_self,
        reason = "there is a text only while it is captured"
    )]
    pub(crate) fn text(&self) -> String {
        TEXT.with_borrow(String::clone)
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
        installed.captures -= 1;
        if installed.captures == 0 {
            set_print(installed.before.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thread_captures_its_own_text() {
        let capture = Capture::start();
        keep(PrintLevel::Warn, "here".to_owned());
        std::thread::spawn(|| {
            let capture = Capture::start();
            keep(PrintLevel::Warn, "there".to_owned());
            assert_eq!(capture.text(), "there");
        })
        .join()
        .unwrap();
        assert_eq!(capture.text(), "here");
        drop(capture);
        assert_eq!(Capture::start().text(), "");
    }

    #[test]
    fn the_end_of_a_long_text_is_kept() {
        let capture = Capture::start();
        keep(PrintLevel::Warn, "ä".repeat(BYTES));
        keep(PrintLevel::Warn, "end".to_owned());
        let text = capture.text();
        assert!(text.len() <= BYTES && text.ends_with("äend"));
    }
}
