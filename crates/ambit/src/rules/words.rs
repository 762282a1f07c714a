// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Words for what rules have, in lists and records.

use ambit_policy::rule::{Actions, Severity};

/// The words of a rule's actions.
pub(crate) fn actions(actions: Actions) -> Vec<&'static str> {
    actions.words().collect()
}

/// The word of a severity.
pub(crate) fn severity(severity: Severity) -> &'static str {
    severity.word()
}
