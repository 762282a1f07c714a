// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Frames: a kind, a length, a checksum, a payload. An incomplete frame is not delivered.

use std::io::{self, Read, Write};

use crate::{FRAME_MAX, MAGIC};

/// Bytes of a frame before its payload.
pub(crate) const HEAD: usize = 9;

/// The kind of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Header,
    Events,
    Losses,
    End,
    Forks,
    /// A kind of a later version, which readers skip.
    Other,
}

impl Kind {
    const fn byte(self) -> u8 {
        match self {
            Self::Header => 1,
            Self::Events => 2,
            Self::Losses => 3,
            Self::End => 4,
            Self::Forks => 5,
            Self::Other => u8::MAX,
        }
    }

    const fn of(byte: u8) -> Self {
        match byte {
            1 => Self::Header,
            2 => Self::Events,
            3 => Self::Losses,
            4 => Self::End,
            5 => Self::Forks,
            _ => Self::Other,
        }
    }
}

/// Writes a frame with one call, so that frames of several writers do not mix.
pub(crate) fn write(out: &mut impl Write, kind: Kind, payload: &[u8]) -> io::Result<()> {
    let length = u32::try_from(payload.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    if payload.len() > FRAME_MAX {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let (kind, length) = ([kind.byte()], length.to_le_bytes());
    let sum = crc(&[&kind, &length, payload]).to_le_bytes();
    out.write_all(&[&kind[..], &length, &sum, payload].concat())
}

/// The result of reading a frame.
pub(crate) enum Frame {
    /// The payload is in the buffer.
    Whole(Kind),
    /// The source has ended.
    Nothing,
    /// The source ended within a frame, after this many of its bytes.
    Cut(u64),
    /// The length or the checksum is wrong.
    Damaged,
}

/// Reads the next frame's payload into the buffer.
pub(crate) fn read(source: &mut impl Read, payload: &mut Vec<u8>) -> io::Result<Frame> {
    let mut head = [0; HEAD];
    let found = fill(source, &mut head)?;
    if found < HEAD {
        return Ok(match found {
            0 => Frame::Nothing,
            found => Frame::Cut(u64::try_from(found).unwrap_or(u64::MAX)),
        });
    }
    let [kind, a, b, c, d, sum @ ..] = head;
    let length = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    if length > FRAME_MAX {
        return Ok(Frame::Damaged);
    }
    payload.resize(length, 0);
    let found = fill(source, payload)?;
    if found < length {
        return Ok(Frame::Cut(u64::try_from(HEAD + found).unwrap_or(u64::MAX)));
    }
    if crc(&[&[kind], &[a, b, c, d], payload]) != u32::from_le_bytes(sum) {
        return Ok(Frame::Damaged);
    }
    Ok(Frame::Whole(Kind::of(kind)))
}

/// Reads until the buffer is full or the source ends. Returns the number of bytes.
pub(crate) fn fill(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match source.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Length of the file's beginning, before its first frame.
pub(crate) const START: usize = MAGIC.len() + 4;

/// Returns the CRC-32 of the pieces' concatenation.
fn crc(pieces: &[&[u8]]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for piece in pieces {
        hasher.update(piece);
    }
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn computes_the_published_check_value() {
        assert_eq!(crc(&[b"123456789"]), 0xcbf4_3926);
        assert_eq!(crc(&[b"1234", b"", b"56789"]), 0xcbf4_3926);
    }
}
