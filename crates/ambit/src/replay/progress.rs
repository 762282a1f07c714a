// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A progress bar for long replays.

use std::io::{IsTerminal, Write, stderr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ambit_replay::Progress;

/// Minimum time between two drawings.
const PAUSE: Duration = Duration::from_millis(100);
const WIDTH: u64 = 30;

/// A bar on standard error, if that is a terminal.
pub(super) struct ProgressBar {
    on: bool,
    total_bytes: u64,
    began: Instant,
    drawn: Option<Instant>,
}

impl ProgressBar {
    pub(super) fn new(files: &[PathBuf], quiet: bool) -> Self {
        let size = |path| std::fs::metadata(path).map_or(0, |found| found.len());
        Self {
            on: stderr().is_terminal() && !quiet,
            total_bytes: files.iter().map(size).sum(),
            began: Instant::now(),
            drawn: None,
        }
    }

    /// Draws the bar, unless it was drawn just before.
    pub(super) fn update(&mut self, progress: Progress) {
        let now = Instant::now();
        if !self.on || self.drawn.is_some_and(|last| now - last < PAUSE) {
            return;
        }
        self.drawn = Some(now);
        let share = |parts: u64| {
            let done = (progress.bytes * parts).checked_div(self.total_bytes);
            done.unwrap_or(0).min(parts)
        };
        let done = usize::try_from(share(WIDTH)).unwrap_or(0);
        let left = usize::try_from(WIDTH).unwrap_or(0).saturating_sub(done);
        let millis = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let rate = (progress.events / 100).checked_div(millis).unwrap_or(0);
        let _ = write!(
            stderr().lock(),
            "\r[{}{}] {:3} %  {}.{} M events/s ",
            "#".repeat(done),
            "-".repeat(left),
            share(100),
            rate / 10,
            rate % 10,
        );
    }
}

impl Drop for ProgressBar {
    fn drop(&mut self) {
        if self.drawn.is_some() {
            let _ = write!(stderr().lock(), "\r\x1b[K");
        }
    }
}
