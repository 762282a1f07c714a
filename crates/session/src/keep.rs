// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The keeper: continues the session of an `ambit run` that was killed or did not wait for all tasks.

use std::time::Duration;

use ambit_abi::Mode;
use ambit_sensor::{Domain, Kernel, LoadOptions};

use crate::{Error, Next, Pump, Recorder, Stats};

/// Time between two looks at whether tasks are left.
const LOOK: Duration = Duration::from_secs(1);

/// Stores violations until the last task of the domain has ended, then removes the domain and, if no other is left,
/// the kernel part. Errors are dropped: the session has no user any more.
pub fn keep(mode: Mode, options: &LoadOptions, domain: &Domain, recorder: &mut Recorder<'_>) {
    if !domain.is_current() {
        return;
    }
    recorder.take_over();
    let left = || domain.is_current() && domain.state().is_ok_and(|state| state.tasks > 0);
    // No map would be written from now on. The records of `learn` stay unread, so that they are not learned.
    let ring = match mode {
        Mode::Learn => None,
        _ => domain.ring().ok(),
    };
    let read = ring.map(|ring| {
        Pump::new(ring).run(&[], recorder, || {
            Ok::<_, Error>(if left() {
                Next::Wait(Some(LOOK))
            } else {
                Next::Stop(())
            })
        })
    });
    if !matches!(read, Some(Ok(()))) {
        while left() {
            std::thread::sleep(LOOK);
        }
    }
    recorder
        .end(Stats::read(domain, recorder.delivery()).map_or(0, |stats| stats.violations_lost()));
    // Another process may have freed the domain in the meantime.
    let _ = domain.close();
    if let Ok(Some(kernel)) = Kernel::open(options) {
        let _ = kernel.release();
    }
}
