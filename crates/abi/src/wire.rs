// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The structures of `abi.h`.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::{ALLOWED_MAX, AS_MAX, CHAIN_MAX, FAMILIES, NAME_MAX, SKIPS};

/// A keyed fingerprint: SipHash-1-3 with 128 bits of output, as two words.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(C)]
pub struct Fp {
    /// The first word.
    pub lo: u64,
    /// The second word.
    pub hi: u64,
}

impl Fp {
    /// Stands for "none", and for the domain where a point has no subject.
    pub const ZERO: Self = Self { lo: 0, hi: 0 };

    /// True if this is [`Fp::ZERO`].
    pub const fn is_zero(self) -> bool {
        self.lo == 0 && self.hi == 0
    }
}

impl core::ops::BitXor for Fp {
    type Output = Self;

    fn bitxor(self, other: Self) -> Self {
        Self {
            lo: self.lo ^ other.lo,
            hi: self.hi ^ other.hi,
        }
    }
}

impl core::fmt::Display for Fp {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:016x}{:016x}", self.lo, self.hi)
    }
}

/// What a subject's fingerprint is made of (`struct ambit_subject`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Subject {
    /// `Op::Name` of the executable.
    pub exe: Fp,
    /// `Op::Name` of the script, or zero.
    pub script: Fp,
    /// Executables before it, nearest first.
    pub via: [Fp; CHAIN_MAX - 1],
    /// Invoked name if it differs from the file's, zero filled.
    pub as_name: [u8; AS_MAX],
}

impl Subject {
    /// The launcher: no executable, no script, nothing before it.
    pub const ZERO: Self = Self {
        exe: Fp::ZERO,
        script: Fp::ZERO,
        via: [Fp::ZERO; CHAIN_MAX - 1],
        as_name: [0; AS_MAX],
    };
}

/// A trust bit's first cause (`struct ambit_cause`).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Cause {
    /// `CLOCK_BOOTTIME`.
    pub time_ns: u64,
    /// The point, or zero.
    pub key: Fp,
    /// As the initial pid namespace numbers it.
    pub tgid: u32,
    /// The operation's argument.
    pub arg: u32,
    /// The operation.
    pub op: u16,
    /// The hook.
    pub hook: u8,
    /// Bit number, one of `TRUST_*`.
    pub source: u8,
    /// Zero.
    pub pad: u32,
}

/// What a task carries (`struct ambit_label`).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Label {
    /// The domain's slot.
    pub domain: u16,
    /// Mask of `LABEL_*`.
    pub flags: u16,
    /// Trust bits; set means not trusted by that source.
    pub trust: u32,
    /// Who acts.
    pub subject: Fp,
    /// Own executable first.
    pub chain: [Fp; CHAIN_MAX],
    /// The exec under way: its subject.
    pub next_subject: Fp,
    /// The exec under way: its executable.
    pub next_exe: Fp,
    /// The exec under way: its first image.
    pub next_first: Fp,
    /// Cause of the first trust bit.
    pub cause: Cause,
    /// The exec under way: its flags.
    pub next_flags: u32,
    /// The clock of `struct ambit_shared` at the label's last update.
    pub taps_seen: u32,
    /// The domain's serial number: a slot that was used again has another one.
    pub serial: u64,
    /// Generation of the rules that allowed points of a hook.
    pub allowed_at: u64,
    /// The hook.
    pub allowed_hook: u32,
    /// How many of `allowed` are used.
    pub allowed_count: u32,
    /// Fingerprints of operation, argument and object; 0 for an object that cannot be represented.
    pub allowed: [Fp; ALLOWED_MAX],
}

/// The response to tasks with one of these trust bits; other tasks are not affected (`struct ambit_gate`).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Gate {
    /// Refused.
    pub deny: u32,
    /// Killed; overrides `deny`.
    pub kill: u32,
}

/// A domain's settings (`struct ambit_domain`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Domain {
    /// A [`crate::Mode`].
    pub mode: u32,
    /// Mask of `DOMAIN_*`.
    pub flags: u32,
    /// Executables in a subject, 1 to [`CHAIN_MAX`].
    pub chain: u32,
    /// The process that made the domain.
    pub owner_pid: u32,
    /// Its start time in clock ticks since boot, as in `/proc/PID/stat`.
    pub owner_start: u64,
    /// Of this use of the slot, since boot.
    pub serial: u64,
    /// How many pattern results may be kept in the set.
    pub cache_max: u64,
    /// By family, the [`crate::Response`] to an operation outside the map.
    pub outside: [u8; FAMILIES],
    /// By family, the response to untrusted tasks.
    pub gates: [Gate; FAMILIES],
    /// Trust bits that its map names.
    pub named: u32,
    /// Zero.
    pub pad: u32,
    /// Zero filled.
    pub name: [u8; NAME_MAX],
}

/// What the kernel part counts of a domain (`struct ambit_domain_state`).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct DomainState {
    /// Alive and labelled.
    pub tasks: i64,
    /// Learned since the domain was made.
    pub points: u64,
    /// Pattern results kept in the set.
    pub cached: u64,
    /// Points that the set had no room for.
    pub full: u64,
}

/// Counters of one hook in one domain on one CPU (`struct ambit_stat`).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Stat {
    /// Calls that had to be decided: matched + learned + violations + skipped.
    pub evaluated: u64,
    /// In the map.
    pub matched: u64,
    /// Added to the map.
    pub learned: u64,
    /// Outside the map.
    pub violations: u64,
    /// Of the violations: an untrusted task at a gate.
    pub gated: u64,
    /// Records, delivered or lost.
    pub emitted: u64,
    /// Of these: the ring had no room.
    pub lost: u64,
    /// Violations not emitted: repetitions.
    pub suppressed: u64,
    /// Of the lost: records for a recording only.
    pub unrecorded: u64,
    /// By [`crate::SkipReason`].
    pub skipped: [u64; SKIPS],
}

/// What the ring carries; the object's bytes follow (`struct ambit_event`).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Event {
    /// A [`crate::EventKind`].
    pub kind: u8,
    /// A [`crate::Hook`].
    pub hook: u8,
    /// The domain's slot.
    pub domain: u16,
    /// An [`crate::Op`].
    pub op: u16,
    /// Bytes of the object that follow.
    pub object_len: u16,
    /// The operation's argument.
    pub arg: u32,
    /// A [`crate::Mode`].
    pub mode: u8,
    /// A [`crate::Response`].
    pub response: u8,
    /// A [`crate::Reason`].
    pub reason: u8,
    /// Zero.
    pub pad: u8,
    /// `CLOCK_BOOTTIME`.
    pub time_ns: u64,
    /// Fingerprint of (op, arg, object) xor subject.
    pub key: Fp,
    /// Who acted.
    pub subject: Fp,
    /// As the initial pid namespace numbers it.
    pub tgid: u32,
    /// As the initial pid namespace numbers it.
    pub tid: u32,
    /// As the task itself sees it.
    pub ns_tgid: u32,
    /// Trust bits after this event.
    pub trust: u32,
    /// Create, mkdir, chmod: mode bits.
    pub extra: u32,
    /// Violations: how often this point was outside, so far.
    pub count: u32,
    /// Untrusted: chosen by the task.
    pub comm: [u8; 16],
}

/// The value of a domain's set (`struct ambit_member`); the key is the first half of the point's fingerprint.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Member {
    /// The second half.
    pub hi: u64,
    /// One of `ORIGIN_*`.
    pub origin: u32,
    /// How often trusted tasks did it while learning, up to [`crate::HITS_MAX`].
    pub hits: u32,
}

/// The configuration that is fixed at load (`struct ambit_config`).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Config {
    /// First half of the `SipHash` key.
    pub key0: u64,
    /// Second half of the `SipHash` key.
    pub key1: u64,
    /// `SipHash`'s state before the first block.
    pub sip: [u64; 4],
    /// Tells this object from others.
    pub build: u64,
    /// Lowest ephemeral port of the host.
    pub port_low: u16,
    /// Highest ephemeral port of the host.
    pub port_high: u16,
    /// Scratch slots, less one.
    pub slot_mask: u32,
}

/// A request to the task iterator (`struct ambit_request`).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Request {
    /// One of `REQUEST_*`.
    pub kind: u32,
    /// The process, as the initial pid namespace numbers it.
    pub tgid: u32,
    /// The trust bits to set or to clear.
    pub bits: u32,
    /// How long they last, in seconds; 0 for ever.
    pub seconds: u32,
    /// Start time of the process, on `CLOCK_BOOTTIME`; 0 for any process of that number.
    pub start_ns: u64,
}

/// The task iterator's answer for each task that it listed or changed (`struct ambit_task`).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Task {
    /// The process.
    pub tgid: u32,
    /// The thread.
    pub tid: u32,
    /// Untrusted: chosen by the task.
    pub comm: [u8; 16],
    /// When it started, on `CLOCK_BOOTTIME`.
    pub start_ns: u64,
    /// Its label; all zero without one.
    pub label: Label,
    /// The process's trust, set for a leader only. If `bits` is 0, the other fields are undefined.
    pub trust: crate::Trust,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_header() {
        assert_eq!(size_of::<Fp>(), 16);
        assert_eq!(size_of::<Subject>(), 144);
        assert_eq!(size_of::<Cause>(), 40);
        assert_eq!(size_of::<Label>(), 272);
        assert_eq!(size_of::<Domain>(), 256);
        assert_eq!(size_of::<DomainState>(), 32);
        assert_eq!(size_of::<Stat>(), 200);
        assert_eq!(size_of::<Event>(), 96);
    }
}
