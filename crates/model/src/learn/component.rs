// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Splits a path into its directory and its last component.

/// Returns the last component.
pub(super) fn last(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

/// Returns everything before the last component, with the slash.
pub(super) fn parent(path: &[u8]) -> &[u8] {
    path.get(..path.len().saturating_sub(last(path).len()))
        .unwrap_or_default()
}
