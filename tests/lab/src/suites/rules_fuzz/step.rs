// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Steps of the exerciser, and the operations on which rules are evaluated for them.

use std::fmt::Write as _;
use std::net::IpAddr;

use ambit_event::Op;
use ambit_policy::condition::{Number, Text};
use ambit_policy::facts::Facts;

/// The object of one operation, to which the facts about the task are added.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) op: Op,
    texts: Vec<(Text, Vec<u8>)>,
    numbers: Vec<(Number, u64)>,
}

impl Ask {
    pub(super) fn new(op: Op, kind: u8) -> Self {
        let numbers = vec![
            (Number::Op, u16::from(op).into()),
            (Number::Kind, kind.into()),
        ];
        Self {
            op,
            texts: Vec::new(),
            numbers,
        }
    }

    pub(super) fn path(op: Op, path: &[u8]) -> Self {
        Self::new(op, ambit_abi::KIND_PATH).text(Text::ObjectPath, path)
    }

    pub(super) fn inet(op: Op, protocol: u64, address: IpAddr, port: u16) -> Self {
        let address = address.to_canonical();
        let kind = match address {
            IpAddr::V4(_) => ambit_abi::KIND_INET4,
            IpAddr::V6(_) => ambit_abi::KIND_INET6,
        };
        Self::new(op, kind)
            .text(Text::ObjectAddress, address.to_string().as_bytes())
            .number(Number::Protocol, protocol)
            .number(Number::Port, port)
    }

    pub(super) fn socket(family: i32, kind: i32, protocol: i32) -> Self {
        let number = |value: i32| u64::try_from(value).expect("small");
        Self::new(Op::NetSocket, ambit_abi::KIND_SOCKET)
            .number(Number::Family, number(family))
            .number(Number::SocketType, number(kind))
            .number(Number::Protocol, number(protocol))
    }

    pub(super) fn text(mut self, text: Text, value: &[u8]) -> Self {
        self.texts.push((text, value.to_vec()));
        self
    }

    pub(super) fn number(mut self, number: Number, value: impl Into<u64>) -> Self {
        self.numbers.push((number, value.into()));
        self
    }

    /// Returns the facts about a task and this object.
    pub(super) fn of(&self, task: &Facts) -> Facts {
        let mut facts = task.clone();
        for (text, value) in &self.texts {
            facts.set_text(*text, value.clone());
        }
        for (number, value) in &self.numbers {
            facts.set_number(*number, *value);
        }
        facts
    }
}

/// The change that a step makes to its task, unless it is refused.
#[derive(Clone, Debug)]
pub(super) enum Effect {
    None,
    Comm(Vec<u8>),
    NoNewPrivs,
    DropCap(u8),
    /// It prints nothing on success, and it is the last step of its group.
    Become,
}

/// A file that must exist.
#[derive(Clone, Debug)]
pub(super) enum Prepared {
    /// With these permission bits.
    File(Vec<u8>, u32),
    Folder(Vec<u8>),
    /// A copy of the exerciser.
    Program(Vec<u8>),
    /// A program that runs its argument.
    Runner(Vec<u8>),
    /// A listening socket.
    Listener(Vec<u8>),
}

/// One operation of the exerciser.
#[derive(Clone, Debug)]
pub(super) struct Step {
    words: Vec<Vec<u8>>,
    pub(super) asks: Vec<Ask>,
    pub(super) effect: Effect,
    pub(super) prepared: Vec<Prepared>,
}

impl Step {
    pub(super) fn new(words: &[&[u8]], asks: Vec<Ask>) -> Self {
        Self {
            words: words.iter().map(|word| word.to_vec()).collect(),
            asks,
            effect: Effect::None,
            prepared: Vec::new(),
        }
    }

    pub(super) fn effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }

    pub(super) fn prepare(mut self, prepared: Prepared) -> Self {
        self.prepared.push(prepared);
        self
    }

    /// The exerciser's arguments.
    pub(super) fn words(&self) -> Vec<String> {
        self.words.iter().map(|word| escaped(word)).collect()
    }
}

/// Returns a word as the exerciser reads it.
fn escaped(word: &[u8]) -> String {
    word.iter().fold(String::new(), |mut text, byte| {
        match byte {
            b'\\' | b'{' | b'}' | b',' | 0..=b' ' | 127.. => {
                let _ = write!(text, "\\x{byte:02x}");
            }
            plain => text.push(char::from(*plain)),
        }
        text
    })
}
