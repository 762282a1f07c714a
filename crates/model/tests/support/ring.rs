// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Records of the ring buffer, as the kernel part writes them.

use ambit_abi::{self as abi, EventKind, Fp, Hook, Response};
use ambit_event::Operation;
use zerocopy::IntoBytes;

/// Returns a record of a learning domain. `more` sets further fields of its header.
pub(crate) fn record(
    kind: EventKind,
    operation: Operation,
    subject: Fp,
    key: Fp,
    object: &[u8],
    more: impl FnOnce(&mut abi::Event),
) -> Vec<u8> {
    let mut header = abi::Event {
        kind: kind.into(),
        hook: Hook::FileOpen.into(),
        op: operation.op.into(),
        arg: operation.arg,
        object_len: object.len().try_into().unwrap(),
        mode: 1,
        response: Response::Deny.into(),
        key,
        subject,
        count: 1,
        ..abi::Event::default()
    };
    more(&mut header);
    [header.as_bytes(), object].concat()
}
