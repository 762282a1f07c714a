// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How far a long reading has come, on a terminal.

use std::io::{IsTerminal, Write, stderr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The clock is asked once in so many events.
const STRIDE: u64 = 1 << 16;
const PAUSE: Duration = Duration::from_millis(100);
const WIDTH: u64 = 30;

/// A bar on standard error; nothing where that is no terminal.
pub(crate) struct Progress {
    on: bool,
    total: u64,
    /// Bytes and events of the files before this one.
    before: (u64, u64),
    last: (u64, u64),
    began: Instant,
    drawn: Option<Instant>,
}

impl Progress {
    pub(crate) fn over(files: &[PathBuf], quiet: bool) -> Self {
        let size = |path| std::fs::metadata(path).map_or(0, |found| found.len());
        Self {
            on: stderr().is_terminal() && !quiet,
            total: files.iter().map(size).sum(),
            before: (0, 0),
            last: (0, 0),
            began: Instant::now(),
            drawn: None,
        }
    }

    /// So many events of the file were read; `bytes` are asked for where they are shown.
    #[inline]
    pub(crate) fn at(&mut self, events: u64, bytes: impl FnOnce() -> u64) {
        if self.on && events.is_multiple_of(STRIDE) {
            self.draw(bytes(), events);
        }
    }

    /// The next file begins.
    pub(crate) fn next(&mut self, bytes: u64, events: u64) {
        self.before = (self.before.0 + bytes, self.before.1 + events);
    }

    fn draw(&mut self, bytes: u64, events: u64) {
        let now = Instant::now();
        if self.drawn.is_some_and(|last| now - last < PAUSE) {
            return;
        }
        self.drawn = Some(now);
        self.last = (self.before.0 + bytes, self.before.1 + events);
        let part = (self.last.0 * WIDTH)
            .checked_div(self.total)
            .unwrap_or(0)
            .min(WIDTH);
        let done = usize::try_from(part).unwrap_or(0);
        let left = usize::try_from(WIDTH).unwrap_or(0).saturating_sub(done);
        let millis = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let rate = (self.last.1 / 100).checked_div(millis).unwrap_or(0);
        let percent = (self.last.0 * 100)
            .checked_div(self.total)
            .unwrap_or(0)
            .min(100);
        let _ = write!(
            stderr().lock(),
            "\r[{}{}] {percent:3} %  {}.{} M events/s ",
            "#".repeat(done),
            "-".repeat(left),
            rate / 10,
            rate % 10,
        );
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.drawn.is_some() {
            let _ = write!(stderr().lock(), "\r\x1b[K");
        }
    }
}
