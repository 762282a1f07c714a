// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Progress on standard error: a spinner on a terminal, plain lines elsewhere.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// One step that takes a while; says how it went when finished, and nothing more when dropped.
pub(crate) struct Step {
    what: String,
    bar: Option<ProgressBar>,
    started: Instant,
}

impl Step {
    /// Announces a step: "downloading QEMU".
    pub(crate) fn start(what: impl Into<String>) -> Self {
        let what = what.into();
        let bar = io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) =
                ProgressStyle::with_template("{spinner} {prefix} {elapsed:.dim} {wide_msg:.dim}")
            {
                bar.set_style(style);
            }
            bar.set_prefix(what.clone());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        if bar.is_none() {
            eprintln!("xtask: {what}");
        }
        Self {
            what,
            bar,
            started: Instant::now(),
        }
    }

    /// Shows a detail beside the step, on a terminal only.
    pub(crate) fn detail(&self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.to_owned());
        }
    }

    /// Leaves one line that says how long the step took.
    pub(crate) fn done(self) {
        let seconds = self.started.elapsed().as_secs_f32();
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        eprintln!("xtask: {}: {seconds:.1} s", self.what);
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
