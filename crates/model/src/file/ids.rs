// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Names of users and groups, as comments beside lines with their numbers.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ambit_abi::Op;
use ambit_event::{Creds, Object, Operation};

use super::comments::{split, unquoted};
use crate::{Map, Rule, RuleObject};

/// Longest name of a user or group, as useradd(8) permits it.
const NAME_MAX: usize = 32;

/// The names of a host's users and groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdNames {
    users: BTreeMap<u32, String>,
    groups: BTreeMap<u32, String>,
}

impl IdNames {
    /// Reads the texts of `/etc/passwd` and `/etc/group`. Lines in another form are left out, and so are names with other
    /// characters than `A-Za-z0-9._@-`. The first name of a number counts.
    pub fn parse(passwd: &str, group: &str) -> Self {
        Self {
            users: names(passwd),
            groups: names(group),
        }
    }

    /// Returns the comment beside a line of a map; `None` if it has no number with a name, or none but 0.
    fn comment(&self, content: &str) -> Option<String> {
        let item = unquoted(content.trim().strip_prefix("- ")?.trim());
        let ids: Vec<(u32, &BTreeMap<u32, String>)> = if let Ok(creds) = Creds::parse(&item) {
            vec![(creds.uid, &self.users), (creds.gid, &self.groups)]
        } else {
            // Nearly all lines are about other operations, and need not be parsed.
            let names = match Operation::split(&item).ok()?.operation.op {
                Op::TaskSetuid => &self.users,
                Op::TaskSetgid => &self.groups,
                _ => return None,
            };
            let rule = Rule::parse(&item).ok()?;
            let RuleObject::Exact(Object::Ids {
                real,
                effective,
                saved,
            }) = *rule.object()
            else {
                return None;
            };
            if real == effective && effective == saved {
                vec![(real, names)]
            } else {
                vec![(real, names), (effective, names), (saved, names)]
            }
        };
        // Everyone knows 0.
        if !ids
            .iter()
            .any(|(id, names)| *id != 0 && names.contains_key(id))
        {
            return None;
        }
        let mut out = String::from("# ");
        for (index, (id, names)) in ids.into_iter().enumerate() {
            if index > 0 {
                out.push(':');
            }
            // Writing to a String does not fail.
            let _ = match names.get(&id) {
                Some(name) => write!(out, "{name}"),
                None => write!(out, "{id}"),
            };
        }
        Some(out)
    }
}

fn names(text: &str) -> BTreeMap<u32, String> {
    let mut out = BTreeMap::new();
    for line in text.lines() {
        let mut fields = line.split(':');
        let (Some(name), Some(id)) = (fields.next(), fields.nth(1)) else {
            continue;
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._@-".contains(&byte);
        if let Ok(id) = id.parse()
            && (1..=NAME_MAX).contains(&name.len())
            && name.bytes().all(plain)
        {
            out.entry(id).or_insert_with(|| name.to_owned());
        }
    }
    out
}

impl Map {
    /// Returns the canonical text with the comments of `old`, as [`Map::print_keeping`] does, and with the names of users and
    /// groups beside lines that have no comment. The names that `old` has for this reason are written again, so that they
    /// disappear with their lines.
    pub fn print_naming(&self, old: &str, names: &IdNames) -> String {
        let old: String = old
            .lines()
            .map(|line| unnamed(line, names) + "\n")
            .collect();
        let text = self.print_keeping(&old);
        let lines = text.lines().map(|line| match names.comment(line) {
            Some(comment) if split(line).1.is_none() => format!("{line} {comment}\n"),
            _ => format!("{line}\n"),
        });
        lines.collect()
    }
}

/// Returns a line without the comment that names its users and groups. Other comments are a person's.
fn unnamed(line: &str, names: &IdNames) -> String {
    if !line.contains('#') {
        return line.to_owned();
    }
    let (content, comment) = split(line);
    if comment.is_some() && names.comment(content).as_deref() == comment {
        content.trim_end().to_owned()
    } else {
        line.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/false\nweb:x:33:33::/:/bin/sh\n\
                          bad\u{1b}:x:34:34::/:/bin/sh\nbroken\n:x:35:35::/:/bin/sh\n";
    const GROUP: &str = "root:x:0:\nadm:x:4:\nwww-data:x:33:\n";
    const MAP: &str = "\
ambit: 1
domain: web
chain: 2
subjects:
  - id: httpd
    exe: /usr/sbin/httpd
    creds:
      - uid=0 gid=0 caps=all
      - uid=33 gid=4 caps=-
    allow:
      - task.setgid 33
      - task.setuid 0
      - task.setuid 0:33:77
      - task.setuid 33 # the pages' owner
      - task.setuid 34
";

    fn map(text: &str) -> Map {
        Map::parse(text, "map").unwrap()
    }

    fn named() -> (String, IdNames) {
        let names = IdNames::parse(PASSWD, GROUP);
        (map(MAP).print_naming(MAP, &names), names)
    }

    #[test]
    fn users_and_groups_that_the_host_knows_are_named_beside_their_lines() {
        let (text, _) = named();
        let expected = MAP
            .replace("gid=4 caps=-", "gid=4 caps=- # www-data:adm")
            .replace("setgid 33", "setgid 33 # www-data")
            .replace("0:33:77", "0:33:77 # root:www-data:77");
        assert_eq!(text, expected);
        assert_eq!(map(&text).digest(), map(MAP).digest());
    }

    #[test]
    fn names_do_not_grow_when_the_map_is_written_again() {
        let (text, names) = named();
        assert_eq!(map(&text).print_naming(&text, &names), text);
        assert_eq!(map(&text).print_keeping(&text), text);
    }

    #[test]
    fn a_name_disappears_with_its_line_and_a_person_s_comment_does_not() {
        let (text, names) = named();
        let fewer: String = text
            .lines()
            .filter(|line| !line.contains("task.set") && !line.contains("allow:"))
            .map(|line| line.to_owned() + "\n")
            .collect();
        let fewer = map(&fewer).print_naming(&text, &names);
        assert!(!fewer.contains("# www-data\n"), "{fewer}");
        assert!(fewer.contains("# the pages' owner"), "{fewer}");
        assert!(fewer.contains("caps=- # www-data:adm"), "{fewer}");
    }

    #[test]
    fn a_host_without_names_adds_no_comments() {
        let (text, _) = named();
        assert_eq!(map(MAP).print_naming(MAP, &IdNames::default()), MAP);
        assert_eq!(map(&text).print_naming(&text, &IdNames::default()), text);
    }
}
