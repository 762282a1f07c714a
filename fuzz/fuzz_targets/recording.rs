// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Recordings are read to their end or to the damage; all values are checked before use.
#![no_main]

use ambit_event::escape;
use ambit_recording::{Header, Item, Reader, Summary, Writer};

/// Returns an event frame with a correct checksum, so that decoding reaches its entries.
fn framed(payload: &[u8]) -> Vec<u8> {
    let writer = Writer::new(Vec::new(), &Header::new()).expect("a vector takes all");
    let mut bytes = writer.end(&Summary::default()).expect("a vector takes all");
    // Replaces the end frame by the payload.
    let mut reader = Reader::new(&bytes[..]).expect("just written");
    let header = reader.read_bytes();
    let _ = reader.next_item();
    bytes.truncate(usize::try_from(header).unwrap_or(0));
    let length = u32::try_from(payload.len()).unwrap_or(0).to_le_bytes();
    let mut sum = u32::MAX;
    for byte in [&[2][..], &length, payload].concat() {
        sum ^= u32::from(byte);
        for _ in 0..8 {
            sum = sum >> 1 ^ (0xedb8_8320 & (sum & 1).wrapping_neg());
        }
    }
    bytes.extend([2]);
    bytes.extend(length);
    bytes.extend((!sum).to_le_bytes());
    bytes.extend(payload);
    bytes
}

fn read(bytes: &[u8]) {
    let Ok(mut reader) = Reader::new(bytes) else { return };
    while let Some(item) = reader.next_item().expect("a slice reads") {
        if let Item::Event(at) = item {
            let (event, _) = reader.event(at).expect("an event is whole");
            assert!(!event.rule().chars().any(escape::is_hidden));
        }
    }
    assert!(reader.stop().is_some());
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    read(bytes);
    read(&framed(bytes));
});
