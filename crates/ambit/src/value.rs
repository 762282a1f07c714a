// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Parsers of argument values that several verbs take.

/// Parses the name of a domain.
pub(crate) fn domain_name(text: &str) -> Result<String, String> {
    if ambit_model::is_domain_name(text) {
        Ok(text.to_owned())
    } else {
        Err("a domain name has 1 to 63 characters of `A-Za-z0-9._-` and does not begin with `.` or `-`".to_owned())
    }
}
