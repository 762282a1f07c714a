// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Paths in messages.

use std::path::Path;

/// A path as text that cannot control a terminal.
pub(crate) fn shown(path: &Path) -> String {
    ambit_event::escape::name(path.as_os_str().as_encoded_bytes())
}
