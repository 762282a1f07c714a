// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The kernel's names for requests of ioctl(2).

use std::collections::HashMap;
use std::sync::OnceLock;

/// The table; its first lines describe its format.
const TABLE: &str = include_str!("ioctls.txt");

/// Beginnings of terminals' paths in canonical form. `/dev/ttyS0` begins with `/dev/tty`.
const TERMINALS: [&str; 4] = ["/dev/pts/", "/dev/tty", "/dev/console", "/dev/ptmx"];

/// Where a request's name is certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Certain {
    Everywhere,
    OnTerminals,
    Nowhere,
}

struct Requests {
    names: HashMap<u32, (&'static str, Certain)>,
    numbers: HashMap<&'static str, u32>,
}

fn requests() -> &'static Requests {
    static REQUESTS: OnceLock<Requests> = OnceLock::new();
    REQUESTS.get_or_init(|| {
        let mut out = Requests {
            names: HashMap::new(),
            numbers: HashMap::new(),
        };
        for (number, certain, names) in lines() {
            if let Some(first) = names.first() {
                out.names.insert(number, (first, certain));
            }
            out.numbers
                .extend(names.into_iter().map(|name| (name, number)));
        }
        out
    })
}

/// Returns the lines of the table.
fn lines() -> impl Iterator<Item = (u32, Certain, Vec<&'static str>)> {
    let rows = TABLE.lines().filter(|line| !line.starts_with('#'));
    rows.filter_map(|line| {
        let mut words = line.split(' ').peekable();
        let number = words.next()?.strip_prefix("0x")?;
        let number = u32::from_str_radix(number, 16).ok()?;
        let certain = match words.peek() {
            Some(&"tty") => Certain::OnTerminals,
            Some(&"no") => Certain::Nowhere,
            _ => Certain::Everywhere,
        };
        let names = words.skip(usize::from(certain != Certain::Everywhere));
        Some((number, certain, names.collect()))
    })
}

/// Returns the name of a request to the object with this text, if no driver has another request with its number.
pub(super) fn name_of(number: u32, object: &str) -> Option<&'static str> {
    let (name, certain) = requests().names.get(&number)?;
    let is_certain = match certain {
        Certain::Everywhere => true,
        Certain::OnTerminals => TERMINALS.iter().any(|start| object.starts_with(start)),
        Certain::Nowhere => false,
    };
    is_certain.then_some(*name)
}

/// Returns the number of a request.
pub(crate) fn number_of(name: &str) -> Option<u32> {
    requests().numbers.get(name).copied()
}

/// Returns the names, for [`crate::nearest`].
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    lines().flat_map(|(_, _, names)| names)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_line_of_the_table_is_read_and_names_and_numbers_are_unique() {
        let rows = TABLE.lines().filter(|line| !line.starts_with('#'));
        assert_eq!(lines().count(), rows.count());
        let numbers: BTreeSet<u32> = lines().map(|(number, ..)| number).collect();
        assert_eq!(numbers.len(), lines().count());
        let all: BTreeSet<&str> = names().collect();
        assert_eq!(all.len(), names().count());
        for (number, _, names) in lines() {
            assert!(!names.is_empty(), "{number:#x}");
            for name in names {
                assert_eq!(number_of(name), Some(number));
                assert!(name.bytes().all(|byte| byte.is_ascii_uppercase()
                    || byte.is_ascii_digit()
                    || byte == b'_'));
            }
        }
    }

    #[test]
    fn a_number_that_drivers_share_has_a_name_only_where_it_is_certain() {
        assert_eq!(name_of(0x5401, "/srv/x"), Some("TCGETS"));
        assert_eq!(name_of(0x5402, "/dev/pts/{n}"), Some("TCSETS"));
        assert_eq!(name_of(0x5402, "/dev/sequencer"), None);
        assert_eq!(name_of(2, "/srv/x"), None);
        assert_eq!(number_of("FIGETBSZ"), Some(2));
    }
}
