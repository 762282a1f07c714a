// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Random conditions in their text form.

use std::net::IpAddr;

use ambit_event::Op;
use ambit_policy::condition::Text;
use ambit_policy::field::{Field, fields};

use crate::literal::{expression, list, text};
use crate::{Near, Random};

/// The material that conditions are made of.
pub(crate) struct Draw<'a> {
    pub(crate) random: &'a mut Random,
    pub(crate) near: &'a Near,
    pub(crate) ops: &'a [Op],
    pub(crate) sources: &'a [String],
}

impl Draw<'_> {
    /// Returns a condition of at most `levels` levels. The checker may reject it, for example as never true.
    pub(crate) fn condition(&mut self, depth: usize) -> String {
        if depth == 0 || self.random.once_in(3) {
            return self.test();
        }
        let one = self.condition(depth - 1);
        match self.random.below(12) {
            0 | 1 => format!("!({one})"),
            2 => format!(
                "({one} ? {} : {})",
                self.condition(depth - 1),
                self.condition(depth - 1)
            ),
            3 => format!("(({one}) == ({}))", self.condition(depth - 1)),
            4..=7 => format!("({one} && {})", self.condition(depth - 1)),
            _ => format!("({one} || {})", self.condition(depth - 1)),
        }
    }

    fn test(&mut self) -> String {
        let Some(&op) = self.random.pick(self.ops) else {
            return "true".to_owned();
        };
        let known: Vec<&'static Field> = fields().iter().filter(|field| field.is_of(op)).collect();
        let own: Vec<&'static Field> = known
            .iter()
            .copied()
            .filter(|field| !field.ops.is_empty())
            .collect();
        // Fields of the object are as frequent as all fields of the task.
        let field = if own.is_empty() || self.random.once_in(2) {
            self.random.pick(&known)
        } else {
            self.random.pick(&own)
        };
        let Some(&field) = field else {
            return "true".to_owned();
        };
        match field.type_name() {
            "string" => {
                let texts = field.text().map_or(&[][..], |text| self.near.texts(text));
                self.text_test(field.name, texts)
            }
            "number" => self.number_test(field, op),
            "bool" => match self.random.below(4) {
                0 => format!("!{}", field.name),
                1 => format!("{} == {}", field.name, self.random.once_in(2)),
                _ => field.name.to_owned(),
            },
            "word" => self.word_test(field, op),
            "address" => self.address_test(field.name),
            "source" => {
                let source = self.source();
                self.compared(field.name, &text(source.as_bytes()))
            }
            _ => self.list_test(field),
        }
    }

    fn source(&mut self) -> String {
        let sources = self.sources;
        self.random.pick(sources).cloned().unwrap_or_default()
    }

    /// `==` or `!=`, with the sides in either order.
    fn compared(&mut self, subject: &str, constant: &str) -> String {
        let how = if self.random.once_in(3) { "!=" } else { "==" };
        if self.random.once_in(6) {
            format!("{constant} {how} {subject}")
        } else {
            format!("{subject} {how} {constant}")
        }
    }

    fn text_test(&mut self, subject: &str, near: &[Vec<u8>]) -> String {
        let sample = self.random.pick(near).cloned().unwrap_or_default();
        let cut = self.random.below(sample.len());
        let (head, tail) = sample.split_at_checked(cut).unwrap_or_default();
        let shorter = self.random.below(tail.len()) + 1;
        let middle = tail.get(..shorter.min(8)).unwrap_or(tail);
        match self.random.below(12) {
            0 | 1 => self.compared(subject, &text(&sample)),
            2..=4 => {
                let count = 2 + self.random.below(8);
                let items: Vec<String> = (0..count)
                    .map(|_| text(self.random.pick(near).map_or(&b"/x"[..], Vec::as_slice)))
                    .collect();
                format!("{subject} in {}", list(items))
            }
            5 | 6 => format!("{subject}.startsWith({})", text(head)),
            7 | 8 => format!("{subject}.endsWith({})", text(tail)),
            9 => format!("{subject}.contains({})", text(middle)),
            10 => {
                let expression = expression(self.random, &sample);
                format!("{subject}.matches({})", text(expression.as_bytes()))
            }
            _ => self.compared(subject, "\"\""),
        }
    }

    fn number_near(&mut self, field: &Field, op: Op) -> u64 {
        let sample = self.random.pick(self.near.numbers(field, op)).copied();
        let sample = sample.unwrap_or(0);
        match self.random.below(8) {
            0 => sample.wrapping_add(1),
            1 => sample.saturating_sub(1),
            2 => 0,
            3 => self.random.next() % 70_000,
            _ => sample,
        }
    }

    fn number_test(&mut self, field: &Field, op: Op) -> String {
        let value = self.number_near(field, op);
        if self.random.once_in(4) {
            let count = 1 + self.random.below(12);
            let items: Vec<String> = (0..count)
                .map(|_| self.number_near(field, op).to_string())
                .collect();
            return format!("{} in {}", field.name, list(items));
        }
        let how = ["==", "!=", "<", "<=", ">", ">="];
        let how = self.random.pick(&how).copied().unwrap_or("==");
        format!("{} {how} {value}", field.name)
    }

    fn word(&mut self, field: &Field, op: Op) -> String {
        if let Some(value) = self.random.pick(self.near.numbers(field, op))
            && self.random.once_in(2)
        {
            return value.to_string();
        }
        let words = field.values();
        let words = if field.name == "op" {
            self.ops.iter().map(|op| op.name()).collect()
        } else {
            words
        };
        text(self.random.pick(&words).copied().unwrap_or("x").as_bytes())
    }

    fn word_test(&mut self, field: &Field, op: Op) -> String {
        if self.random.once_in(3) {
            let count = 1 + self.random.below(4);
            let items: Vec<String> = (0..count).map(|_| self.word(field, op)).collect();
            return format!("{} in {}", field.name, list(items));
        }
        let word = self.word(field, op);
        self.compared(field.name, &word)
    }

    fn address(&mut self) -> IpAddr {
        let sample = self.random.pick(&self.near.addresses).copied();
        let sample = sample.unwrap_or(IpAddr::from([127, 0, 0, 1]));
        match sample {
            IpAddr::V4(v4) if self.random.once_in(8) => v4.to_ipv6_mapped().into(),
            IpAddr::V4(v4) if self.random.once_in(6) => {
                let one = 1_u32.checked_shl(u32::try_from(self.random.below(32)).unwrap_or(0));
                IpAddr::V4((v4.to_bits() ^ one.unwrap_or(1)).into())
            }
            other => other,
        }
    }

    fn network(&mut self) -> String {
        let (address, bits, width) = match self.address() {
            IpAddr::V4(v4) => (u128::from(v4.to_bits()), self.random.below(33), 32),
            IpAddr::V6(v6) => (v6.to_bits(), self.random.below(129), 128),
        };
        let host = u32::try_from(width - bits).unwrap_or(0);
        let base = address & u128::MAX.checked_shl(host).unwrap_or(0);
        match u32::try_from(base) {
            Ok(base) if width == 32 => format!("{}/{bits}", std::net::Ipv4Addr::from_bits(base)),
            _ => format!("{}/{bits}", std::net::Ipv6Addr::from_bits(base)),
        }
    }

    fn address_test(&mut self, name: &str) -> String {
        let kinds = [
            "isLoopback",
            "isPrivate",
            "isUnspecified",
            "isMulticast",
            "isLinkLocal",
        ];
        match self.random.below(8) {
            0 => self.compared(name, "\"\""),
            1 | 2 => {
                let kind = self.random.pick(&kinds).copied().unwrap_or("isLoopback");
                format!("ip({name}).{kind}()")
            }
            3 | 4 => format!("cidr(\"{}\").containsIP({name})", self.network()),
            5 => {
                let items: Vec<String> =
                    (0..3).map(|_| format!("\"{}\"", self.address())).collect();
                format!("{name} in {}", list(items))
            }
            6 => {
                let family = if self.random.once_in(2) { "4" } else { "6" };
                self.compared(&format!("ip({name}).family()"), family)
            }
            _ => {
                let address = format!("\"{}\"", self.address());
                self.compared(name, &address)
            }
        }
    }

    fn list_test(&mut self, field: &Field) -> String {
        if !field.values().is_empty() && field.name != "task.trust" {
            let words = field.values();
            let word = self.random.pick(&words).copied().unwrap_or("x");
            return format!("{} in {}", text(word.as_bytes()), field.name);
        }
        if field.name == "task.trust" {
            if self.random.once_in(4) {
                return format!("{}.size() == 0", field.name);
            }
            let source = self.source();
            return format!("{} in {}", text(source.as_bytes()), field.name);
        }
        let near = self.near.texts(Text::Chain);
        if self.random.once_in(3) {
            let sample = self.random.pick(near).cloned().unwrap_or_default();
            return format!("{} in {}", text(&sample), field.name);
        }
        let how = if self.random.once_in(3) {
            "all"
        } else {
            "exists"
        };
        let one = self.text_test("e", near);
        let body = match self.random.below(4) {
            0 => format!("{one} && {}", self.text_test("e", near)),
            1 => format!("{one} || {}", self.text_test("e", near)),
            2 => format!("!({one})"),
            _ => one,
        };
        format!("{}.{how}(e, {body})", field.name)
    }
}
