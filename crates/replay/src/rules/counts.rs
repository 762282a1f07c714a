// SPDX-License-Identifier: Apache-2.0 OR MIT
//! How often a rule would have matched, and on which operations.

use std::collections::BTreeSet;

use ambit_policy::interpret::Partly;
use ambit_policy::rule::{Actions, Rule};

/// Number of different operations that are kept as examples of a rule.
const EXAMPLES_MAX: usize = 3;

/// The results of a rule: how many operations it would have matched, and how many of these it would have refused and so
/// on.
#[derive(Debug, Default)]
pub struct RuleCounts {
    /// Operations that it matches.
    pub matched: u64,
    /// Operations for which the recording does not show whether it matches.
    pub undecided: u64,
    /// The fields that were missing for these.
    pub missing: BTreeSet<&'static str>,
    /// Operations that it refuses.
    pub refused: u64,
    /// Operations whose process it kills.
    pub killed: u64,
    /// Operations that it allows regardless of the map.
    pub allowed: u64,
    /// Operations that it taints the process for.
    pub tainted: u64,
    /// Operations that it clears the operator's bit for.
    pub untainted: u64,
    /// Operations that it matches without full effect, because another rule has precedence.
    pub overruled: u64,
    /// The first different operations, as subject and operation, with their number of occurrences.
    pub examples: Vec<((String, String), u64)>,
    /// Number of occurrences of all other operations.
    pub others: u64,
}

impl RuleCounts {
    /// Counts an operation that the rule matches.
    pub(super) fn count_match(
        &mut self,
        rule: &Rule,
        index: usize,
        partly: &Partly,
        text: &(String, String),
    ) {
        let is = |actions| rule.actions.has(actions);
        let allows = is(Actions::ALLOW);
        let acts = allows || partly.allowed != Some(true);
        self.matched += 1;
        self.refused += u64::from(is(Actions::DENY) || is(Actions::KILL));
        self.killed += u64::from(is(Actions::KILL));
        self.allowed += u64::from(allows && partly.allowed == Some(true));
        self.tainted += u64::from(partly.taints.contains(&(index, true)));
        self.untainted += u64::from(is(Actions::UNTAINT) && acts && partly.allowed.is_some());
        let idle = (is(Actions::TAINT) || is(Actions::UNTAINT)) && !acts;
        self.overruled += u64::from(idle || (allows && partly.allowed == Some(false)));
        if let Some((_, times)) = self.examples.iter_mut().find(|(known, _)| known == text) {
            *times += 1;
        } else if self.examples.len() < EXAMPLES_MAX {
            self.examples.push((text.clone(), 1));
        } else {
            self.others += 1;
        }
    }
}
