// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Numbers of hooks, by kind.

use crate::{Decision, Offer};

/// Numbers of hooks by kind and availability.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Decided by the map.
    pub decided: usize,
    /// Decided by trust only.
    pub gated: usize,
    /// Keep labels.
    pub labels: usize,
    /// Left alone with a reason.
    pub alone: usize,
    /// Of all these: the kernel attaches no BPF program.
    pub refused: usize,
    /// Would be decided or keep labels, but the kernel has no such hook, or refuses it.
    pub missing: usize,
}

impl Sums {
    /// Counts the hooks of one kernel.
    pub fn of(hooks: impl IntoIterator<Item = (Decision, Offer)>) -> Self {
        let mut sums = Self::default();
        for (decision, offer) in hooks {
            let ours = !matches!(decision, Decision::Alone(_));
            sums.missing += usize::from(ours && offer != Offer::Offered);
            if offer == Offer::Absent {
                continue;
            }
            sums.refused += usize::from(offer == Offer::Refused);
            if ours && offer == Offer::Refused {
                continue;
            }
            match decision {
                Decision::Decided(_) => sums.decided += 1,
                Decision::Gated(_) => sums.gated += 1,
                Decision::Labels => sums.labels += 1,
                Decision::Alone(_) => sums.alone += 1,
            }
        }
        sums
    }
}
