// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a point is made of: objects in canonical form, their text form, fingerprints, and events as user space keeps
//! them.
//!
//! This crate owns the definition that the kernel part is checked against. It does no I/O, knows no
//! clock, and knows nothing of maps and patterns: those are in `ambit-model`. Every string that comes from a workload
//! is hostile and leaves this crate escaped.

pub mod address;
mod creds;
mod error;
pub mod escape;
mod fingerprint;
mod hex;
mod json;
pub mod lex;
pub mod names;
mod nearest;
mod object;
mod operation;
mod path;
mod record;
mod registry;
pub mod text;
mod violation;

pub use ambit_abi::{EventKind, Family, Fp, Hook, Mode, Op, Reason, Response};
pub use creds::Creds;
pub use error::{ObjectError, RecordError, TextError, TextErrorKind};
pub use fingerprint::{Secret, fingerprint, key};
pub use hex::Hex;
pub use json::{Described, trust_names};
pub use nearest::{edit_distance, nearest};
pub use object::{Inet, Ipc, Object, Port, Relation};
pub use operation::{Operation, SplitRule};
pub use path::{Marker, Path};
pub use record::{Content, Event, RawEvent};
pub use registry::{Registry, Subject, SubjectRecord};
pub use violation::{FirstCause, SubjectBytes, SubjectText, Violation};
