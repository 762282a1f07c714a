// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How often a rule would have applied, and to what.

use std::collections::BTreeSet;

use ambit_policy::interpret::Partly;
use ambit_policy::rule::{Actions, Rule};

/// Different operations of a rule that are shown.
const EXAMPLES: usize = 3;

/// What is counted of a rule.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) applied: u64,
    /// It is not known whether it would have applied.
    pub(super) undecided: u64,
    /// The fields that would have to be known.
    pub(super) missing: BTreeSet<&'static str>,
    pub(super) refused: u64,
    pub(super) killed: u64,
    pub(super) allowed: u64,
    pub(super) tainted: u64,
    pub(super) untainted: u64,
    /// It did less than it says, since another rule goes before it.
    pub(super) overruled: u64,
    /// By whom and what, and how often.
    pub(super) examples: Vec<((String, String), u64)>,
    /// Times that are not in the examples.
    pub(super) others: u64,
}

impl Tally {
    /// It applied.
    pub(super) fn applied(
        &mut self,
        rule: &Rule,
        index: usize,
        partly: &Partly,
        text: &(String, String),
    ) {
        let is = |actions| rule.actions.has(actions);
        let allows = is(Actions::ALLOW);
        let acts = allows || partly.allowed != Some(true);
        self.applied += 1;
        self.refused += u64::from(is(Actions::DENY) || is(Actions::KILL));
        self.killed += u64::from(is(Actions::KILL));
        self.allowed += u64::from(allows && partly.allowed == Some(true));
        self.tainted += u64::from(partly.taints.contains(&(index, true)));
        self.untainted += u64::from(is(Actions::UNTAINT) && acts && partly.allowed.is_some());
        let idle = (is(Actions::TAINT) || is(Actions::UNTAINT)) && !acts;
        self.overruled += u64::from(idle || (allows && partly.allowed == Some(false)));
        if let Some((_, times)) = self.examples.iter_mut().find(|(known, _)| known == text) {
            *times += 1;
        } else if self.examples.len() < EXAMPLES {
            self.examples.push((text.clone(), 1));
        } else {
            self.others += 1;
        }
    }
}
