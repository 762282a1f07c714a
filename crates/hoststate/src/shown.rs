// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Paths in messages.

use std::path::Path;

/// Returns a path as text without control characters.
pub(crate) fn shown(path: &Path) -> String {
    ambit_event::escape::name(path.as_os_str().as_encoded_bytes())
}
