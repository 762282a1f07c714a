// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Words for what rules have, in lists and records.

use ambit_policy::rule::{Actions, Severity};

/// The words of a rule's actions.
pub(crate) fn actions(actions: Actions) -> Vec<&'static str> {
    [
        (Actions::AUDIT, "audit"),
        (Actions::DENY, "deny"),
        (Actions::ALLOW, "allow"),
        (Actions::TAINT, "taint"),
        (Actions::UNTAINT, "untaint"),
        (Actions::KILL, "kill"),
    ]
    .into_iter()
    .filter(|(action, _)| actions.has(*action))
    .map(|(_, word)| word)
    .collect()
}

/// The word of a severity.
pub(crate) const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}
