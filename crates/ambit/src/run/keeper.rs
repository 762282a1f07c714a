// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What is done for a domain whose `ambit run` has ended or was killed while its tasks go on: their violations are
//! recorded, and with the last task goes what is pinned.

use std::time::Duration;

use ambit_abi::Mode;
use ambit_sensor::{Domain, Kernel, LoadOptions, Ring};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{Plan, Recorder, Stats};
use crate::store;

/// How often it is asked whether there are tasks left.
const LOOK: Timespec = Timespec {
    tv_sec: 1,
    tv_nsec: 0,
};

pub(super) fn keep(plan: &Plan, options: &LoadOptions, domain: &Domain, recorder: &mut Recorder) {
    if !domain.is_current() {
        return;
    }
    // The recording is that of the process which was killed; it ends where that did.
    recorder.stop_recording();
    // Nobody would write what is learned from now on: it stays unread, and so is not learned.
    let mut ring = match plan.mode {
        Mode::Learn => None,
        _ => domain.ring().ok(),
    };
    if let Ok(run) = store::runs().load(&plan.domain) {
        recorder.take_over(run.violations);
    }
    loop {
        let tasks = domain.state().map_or(0, |state| state.tasks);
        while let Some(ring) = &mut ring
            && matches!(ring.consume(&mut |record| recorder.take(record)), Ok(1..))
        {}
        if tasks <= 0 || !domain.is_current() {
            break;
        }
        wait(ring.as_ref());
    }
    recorder.end(Stats::of(domain, recorder).map_or(0, |stats| stats.violations_lost()));
    // Whoever else finds it dead frees it as well.
    let _ = domain.close();
    if let Ok(Some(kernel)) = Kernel::open(options) {
        let _ = kernel.release();
    }
}

fn wait(ring: Option<&Ring>) {
    let waited = ring.map(|ring| {
        let fd = ring.fd();
        poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&LOOK))
    });
    if !matches!(waited, Some(Ok(_))) {
        std::thread::sleep(Duration::from_secs(1));
    }
}
