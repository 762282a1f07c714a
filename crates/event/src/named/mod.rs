// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Lines with the kernel's names in place of numbers.
//!
//! Canonical text writes some numbers as such: requests of ioctl(2), commands of quotactl(2), most protocols of sockets, and
//! families of addresses. Digests, statistics, recordings and JSON contain canonical text, so it cannot change when a table
//! of names grows. Map files and terminals show the line that [`named`] returns. Both are read as the same rule.

mod requests;
mod tables;

use std::borrow::Cow;

use ambit_abi::Op;

pub(crate) use requests::{names as request_names, number_of as request_number};
pub(crate) use tables::{inet_number, protocols, quota_number};

use crate::number::plain_number;
use crate::text::Form;
use crate::word::cut;
use crate::{Operation, names};

/// Least number of a command of `io_uring` that is encoded like a request of ioctl(2), with the driver's letter and a size.
/// Smaller ones differ between drivers.
const ENCODED: u32 = 0x1_0000;

/// Returns a line of canonical text with names in place of numbers that have one. A text that is not a rule is returned as it
/// is.
pub fn named(line: &str) -> Cow<'_, str> {
    named_words(line).map_or(Cow::Borrowed(line), Cow::Owned)
}

fn named_words(line: &str) -> Option<String> {
    let split = Operation::split(line).ok()?;
    let Operation { op, arg } = split.operation;
    let argument = match op {
        Op::FileIoctl => requests::name_of(arg, split.object),
        Op::UringCmd if arg >= ENCODED => requests::name_of(arg, split.object),
        Op::KernelQuota => names::name_of(&tables::QUOTA_COMMANDS, arg),
        _ => None,
    };
    if let Some(argument) = argument {
        let object = split.object;
        let blank = if object.is_empty() { "" } else { " " };
        return Some(format!("{} {argument}{blank}{object}", op.name()));
    }
    let object = match Form::of(op) {
        Form::Address => address(split.object),
        Form::Socket => socket(split.object),
        _ => None,
    }?;
    Some(format!("{} {object}", op.name()))
}

/// Names the family of `family 40`, and the protocol of `proto47 10.0.0.1`.
fn address(text: &str) -> Option<String> {
    let (first, at) = cut(text, 0);
    let rest = text.get(at..)?;
    if first == "family" {
        let name = names::name_of(&names::FAMILIES, plain_number(rest)?)?;
        return Some(format!("family {name}"));
    }
    let name = tables::inet_name(plain_number(first.strip_prefix("proto")?)?)?;
    Some(format!("{name} {rest}"))
}

/// Names the protocol of a socket.
fn socket(text: &str) -> Option<String> {
    let (family, second) = cut(text, 0);
    let (_, third) = cut(text, second);
    let family = names::number_of(&names::FAMILIES, family)?;
    let protocol = plain_number(text.get(third..)?)?;
    let name = names::name_of(protocols(u16::try_from(family).ok()?), protocol)?;
    Some(format!("{}{name}", text.get(..third)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_have_a_name_are_named() {
        for (canonical, expected) in [
            ("file.ioctl 0x5401 /dev/tty", "file.ioctl TCGETS /dev/tty"),
            ("file.ioctl 0x5402 /srv/{n}", "file.ioctl 0x5402 /srv/{n}"),
            ("file.ioctl 0xffff /a", "file.ioctl 0xffff /a"),
            ("kernel.quota 0x800007", "kernel.quota getquota"),
            ("uring.cmd 0x1 /dev/x", "uring.cmd 0x1 /dev/x"),
            ("net.socket inet stream 0", "net.socket inet stream ip"),
            ("net.socket inet6 raw 47", "net.socket inet6 raw gre"),
            ("net.socket inet stream tcp", "net.socket inet stream tcp"),
            ("net.socket packet raw 768", "net.socket packet raw all"),
            ("net.socket unix dgram 0", "net.socket unix dgram 0"),
            ("net.connect family 40", "net.connect family vsock"),
            ("net.connect family 99", "net.connect family 99"),
            ("net.send proto47 10.0.0.0/8", "net.send gre 10.0.0.0/8"),
            ("net.send proto200 10.0.0.1", "net.send proto200 10.0.0.1"),
            ("net.connect tcp 10.0.0.1:1", "net.connect tcp 10.0.0.1:1"),
            ("task.signal child 34", "task.signal child 34"),
            ("creds: any", "creds: any"),
            ("", ""),
        ] {
            assert_eq!(named(canonical), expected);
        }
    }
}
