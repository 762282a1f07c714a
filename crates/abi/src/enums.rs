// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Small enumerations of the wire.

/// A number that no variant of the enumeration has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Unknown {
    /// The enumeration's name.
    pub of: &'static str,
    /// The number found.
    pub value: u32,
}

impl core::fmt::Display for Unknown {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} is not a known {}", self.value, self.of)
    }
}

impl core::error::Error for Unknown {}

/// Defines an enumeration of the wire with its numbers and names, and the conversions between them.
macro_rules! wire_enum {
    ($(#[$meta:meta])* $name:ident: $repr:ident, $of:literal {
        $($(#[$vmeta:meta])* $variant:ident = $value:literal $text:literal,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr($repr)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$vmeta])* $variant = $value,)*
        }

        impl $name {
            /// Every variant, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name used in text and JSON.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }

            /// The variant of this name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }

        impl From<$name> for $repr {
            fn from(value: $name) -> Self {
                value as $repr
            }
        }

        impl TryFrom<$repr> for $name {
            type Error = $crate::Unknown;

            fn try_from(value: $repr) -> Result<Self, $crate::Unknown> {
                match value {
                    $($value => Ok(Self::$variant),)*
                    #[allow(clippy::useless_conversion)]
                    _ => Err($crate::Unknown { of: $of, value: u32::from(value) }),
                }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.name())
            }
        }

        /// The name as a string.
        #[cfg(feature = "serde")]
        impl serde_core::Serialize for $name {
            fn serialize<S: serde_core::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.name())
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde_core::Deserialize<'de> for $name {
            fn deserialize<D: serde_core::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_str($crate::names::Names { of: $of, find: Self::from_name })
            }
        }
    };
}

wire_enum! {
    /// What a domain does with points outside its set (`enum ambit_mode`).
    Mode: u32, "mode" {
        /// The slot is not in use.
        Free = 0 "free",
        /// New points are delivered and added.
        Learn = 1 "learn",
        /// Outside is recorded.
        Audit = 2 "audit",
        /// Outside is recorded and refused.
        Enforce = 3 "enforce",
    }
}

wire_enum! {
    /// Response to an operation that is not allowed (`enum ambit_response`).
    Response: u8, "response" {
        /// Recorded only.
        Log = 0 "log",
        /// Refused.
        Deny = 1 "deny",
        /// Refused, and the process killed.
        Kill = 2 "kill",
    }
}

wire_enum! {
    /// Why a hook did not look a point up, or learning did not keep it (`enum ambit_skip`).
    SkipReason: u8, "skip reason" {
        /// A kernel-internal repetition of a user's action.
        Kernel = 0 "kernel",
        /// Has no effect outside the descriptor.
        Benign = 1 "benign",
        /// Decided by another hook of the same action.
        Deferred = 2 "deferred",
        /// Ambit's own code, before the workload's exec.
        Launch = 3 "launch",
        /// Learning: untrusted tasks do not teach.
        Untrusted = 4 "untrusted",
        /// Learning: the point could not be delivered.
        Lost = 5 "lost",
        /// Learning: the object has no canonical form.
        Unrepresentable = 6 "unrepresentable",
        /// Learning: delivered, but the set is full.
        Full = 7 "full",
        /// A rule allowed it, regardless of the map.
        Allowed = 8 "allowed",
    }
}

wire_enum! {
    /// What a record of the ring is (`enum ambit_event_kind`).
    EventKind: u8, "event kind" {
        /// The object is an executable's or a script's.
        Name = 1 "name",
        /// The object is a `struct ambit_subject`.
        Subject = 2 "subject",
        /// A learned point.
        Point = 3 "point",
        /// A point outside the map.
        Violation = 4 "violation",
        /// Learning met an object without canonical form.
        Unrepresentable = 5 "unrepresentable",
        /// In the map, or learned before: for a recording.
        Match = 6 "match",
        /// A process was made; `extra` is its number. For a recording.
        Fork = 7 "fork",
    }
}

wire_enum! {
    /// Why a point was not allowed (`enum ambit_reason`).
    Reason: u8, "reason" {
        /// The point is not in the map.
        Outside = 0 "outside",
        /// The task is untrusted and the family gated.
        Gate = 1 "gate",
        /// A path or name longer than can be represented.
        TooLong = 2 "too_long",
        /// On a mount that belongs to no mount namespace any more.
        Unreachable = 3 "unreachable",
        /// An address shorter than its family's.
        ShortAddress = 4 "short_address",
        /// Ambit ran out of scratch memory.
        NoScratch = 5 "no_scratch",
        /// The executable is not the one in the map.
        Digest = 6 "digest",
        /// The credentials are not in the map.
        Creds = 7 "creds",
    }
}

wire_enum! {
    /// How distrust comes from one process to another (`enum ambit_spread`).
    Spread: u32, "way of spreading" {
        /// To children, always.
        Fork = 0 "fork",
        /// To a process that an untrusted process traces.
        Ptrace = 1 "ptrace",
        /// To a process that it signals.
        Signal = 2 "signal",
        /// To a process that executes a file that it wrote, or reads that file as a script.
        File = 3 "file",
        /// To a process that receives a descriptor from it.
        Descriptor = 4 "descriptor",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_names_its_variant_and_back() {
        for mode in Mode::ALL {
            assert_eq!(Mode::try_from(u32::from(*mode)), Ok(*mode));
            assert_eq!(Mode::from_name(mode.name()), Some(*mode));
        }
        for reason in Reason::ALL {
            assert_eq!(Reason::try_from(u8::from(*reason)), Ok(*reason));
        }
    }

    #[test]
    fn unknown_numbers_say_what_was_expected() {
        extern crate std;
        use std::string::ToString;
        let error = Response::try_from(9).unwrap_err();
        assert_eq!(error.to_string(), "9 is not a known response");
    }
}
