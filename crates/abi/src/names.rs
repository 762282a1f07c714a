// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reads an enumeration's variant from the string that holds its name.

use core::fmt;

use serde_core::de::{Error, Visitor};

/// Looks a name up in an enumeration.
#[derive(Debug)]
pub struct Names<T> {
    /// The enumeration, for errors.
    pub of: &'static str,
    /// Returns the variant of a name.
    pub find: fn(&str) -> Option<T>,
}

impl<T> Visitor<'_> for Names<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the name of a {}", self.of)
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<T, E> {
        (self.find)(name).ok_or_else(|| E::custom(format_args!("unknown {}", self.of)))
    }
}
