// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Events: objects in canonical form, their text form, fingerprints, and the records of the kernel part.
//!
//! This crate owns the canonical form, which tests compare with the kernel part's, and [`Record`], the one type of all that
//! Ambit reports. It does no I/O and does not know clocks, maps and patterns; those are in `ambit-model`. Every string of a
//! workload is hostile and leaves this crate escaped.

pub mod address;
pub mod arguments;
pub mod canonical;
mod creds;
mod error;
pub mod escape;
mod fingerprint;
mod hex;
mod json;
pub mod lex;
mod named;
pub mod names;
mod nearest;
mod number;
mod object;
mod operation;
mod output;
mod path;
mod record;
mod registry;
mod ring;
mod rule;
mod subject;
pub mod text;
mod violation;
mod word;

pub use ambit_abi::{EventKind, Family, Fp, Hook, Mode, Op, Reason, Response};
pub use creds::Creds;
pub use error::{ObjectError, RecordError, TextError, TextErrorKind};
pub use fingerprint::{Secret, fingerprint, key};
pub use hex::Hex;
pub use json::{Described, trust_names};
pub use named::named;
pub use nearest::{edit_distance, nearest};
pub use object::{Inet, Ipc, Object, Port, Relation};
pub use operation::{Operation, SplitRule};
pub use output::{ChangeKind, ChangedProcess, Fork, Loss, Record, TrustChange};
pub use path::{Marker, Path};
pub use record::{Content, Event, RawEvent};
pub use registry::Registry;
pub use ring::RingRecord;
pub use rule::{RuleHit, RuleName, RuleOutcome, RuleRecord};
pub use subject::{Subject, SubjectRecord};
pub use violation::{FirstCause, SubjectBytes, SubjectText, Violation};
