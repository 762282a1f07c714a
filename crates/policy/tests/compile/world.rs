// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Events as the kernel part sees them, with the simplest possible evaluation of conditions.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use ambit_event::{Inet, Marker, Object, Op};
use ambit_policy::compile::{Automaton, Compiled, HookProgram};
use ambit_policy::condition::{Condition, Number, NumberTest, Text, TextTest};
use regex_automata::dfa::Automaton as _;
use regex_automata::dfa::dense::DFA;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};

const TEXTS: usize = 7;
const WORDS: usize = 16;
const MATCH: usize = Number::COUNT * 8;
const FIRED: usize = MATCH + TEXTS * WORDS * 8;
const FIRED_WORDS: usize = 8;

/// An event.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) op: Op,
    pub(crate) object: Object,
    /// [`Object::None`] stands for an unknown executable.
    pub(crate) chain: Vec<Object>,
    pub(crate) comm: Vec<u8>,
    pub(crate) cgroup: Vec<u8>,
    pub(crate) domain: Vec<u8>,
    /// By index; the operation is stored separately.
    pub(crate) numbers: [u64; Number::COUNT],
}

impl World {
    pub(crate) fn new(op: Op, object: Object) -> Self {
        Self {
            op,
            object,
            chain: Vec::new(),
            comm: Vec::new(),
            cgroup: Vec::new(),
            domain: Vec::new(),
            numbers: [0; Number::COUNT],
        }
    }

    pub(crate) fn number(&self, number: Number) -> u64 {
        match number {
            Number::Op => u16::from(self.op).into(),
            other => self.numbers[other as usize],
        }
    }

    /// The facts as the kernel part passes them to a program. Fields that the program does not read are filled with
    /// ones.
    pub(crate) fn facts(&self, compiled: &Compiled, program: &HookProgram) -> Vec<u8> {
        let mut words = vec![u64::MAX; (FIRED / 8) + FIRED_WORDS];
        for (index, word) in words.iter_mut().take(Number::COUNT).enumerate() {
            if program.numbers & 1 << index != 0 {
                *word = self.numbers[index];
            }
        }
        if program.numbers & 1 != 0 {
            words[0] = u16::from(self.op).into();
        }
        let chain = &compiled.chain;
        let link = |index: usize| self.chain.get(index).map(executable);
        let parts: [(Vec<Vec<u8>>, &[Automaton]); TEXTS] = [
            (vec![self.object.to_bytes()], &program.object),
            (link(0).into_iter().collect(), chain),
            (link(1).into_iter().collect(), chain),
            (self.chain.iter().map(executable).collect(), chain),
            (vec![self.comm.clone()], &compiled.comm),
            (vec![self.cgroup.clone()], &compiled.cgroup),
            (vec![self.domain.clone()], &compiled.domain),
        ];
        for (text, (texts, automata)) in parts.into_iter().enumerate() {
            if program.needs & 1 << text == 0 {
                continue;
            }
            let own = &mut words[Number::COUNT + text * WORDS..][..WORDS];
            own.fill(0);
            for text in texts {
                for (automaton, own) in automata.iter().zip(own.chunks_mut(4)) {
                    for (word, row) in own.iter_mut().zip(automaton.run(&text)) {
                        *word |= row;
                    }
                }
            }
        }
        words.into_iter().flat_map(u64::to_ne_bytes).collect()
    }
}

impl World {
    /// Facts for a stage of a path program: only the argument and the numbers of a mask are known.
    pub(crate) fn stage(&self, facts: &mut [u8], stage: u16, numbers: u32, other: u8) {
        let op = u64::from(u16::from(self.op)) | u64::from(stage) << ambit_abi::PATH_PROGRAM_STAGE;
        for (index, number) in facts[..MATCH].chunks_mut(8).enumerate() {
            let value = match index {
                0 => op,
                1 => self.numbers[1],
                _ if numbers >> index & 1 == 1 => self.numbers[index],
                _ => u64::from_ne_bytes([other; 8]),
            };
            number.copy_from_slice(&value.to_ne_bytes());
        }
    }
}

/// The bytes of an executable; empty if it is unknown.
fn executable(object: &Object) -> Vec<u8> {
    match object {
        Object::None => Vec::new(),
        known => known.to_bytes(),
    }
}

/// Fills the tests of all texts that are not in a mask.
pub(crate) fn fill_texts_beside(facts: &mut [u8], mask: u64, byte: u8) {
    let texts = facts[MATCH..FIRED].chunks_mut(WORDS * 8).enumerate();
    for (_, text) in texts.filter(|(text, _)| mask >> text & 1 == 0) {
        text.fill(byte);
    }
}

/// The marks that a program set.
pub(crate) fn fired(facts: &[u8]) -> Vec<usize> {
    let words = facts[FIRED..].chunks(8);
    let words = words.map(|word| u64::from_ne_bytes(word.try_into().unwrap()));
    let bits = words.enumerate().flat_map(|(index, word)| {
        let set = (0..64).filter(move |bit| word & 1 << bit != 0);
        set.map(move |bit| index * 64 + bit)
    });
    bits.collect()
}

/// The path of an object, or the text that replaces it.
pub(crate) fn path(object: &Object) -> Vec<u8> {
    let mut out = Vec::new();
    match object {
        Object::Path(path) | Object::Deleted(path) | Object::Foreign(path) => {
            let mut bytes = path.as_bytes().iter();
            while let Some(byte) = bytes.next() {
                if *byte == 0 {
                    let marker = Marker::from_letter(*bytes.next().unwrap()).unwrap();
                    out.extend_from_slice(format!("{{{}}}", marker.name()).as_bytes());
                } else {
                    out.push(*byte);
                }
            }
        }
        Object::Memfd(name) => {
            out.extend_from_slice(b"memfd:");
            out.extend_from_slice(name);
        }
        Object::FsType(name) => {
            out.extend_from_slice(b"fs:");
            out.extend_from_slice(name);
        }
        _ => {}
    }
    out
}

pub(crate) fn name(object: &Object) -> Vec<u8> {
    match object {
        Object::Abstract(name) | Object::Word(name) => name.to_vec(),
        _ => Vec::new(),
    }
}

/// Evaluates a condition.
pub(crate) fn holds(condition: &Condition, world: &World, sources: &BTreeMap<String, u8>) -> bool {
    let on = |text: &[u8], test| text_holds(test, text, None);
    match condition {
        Condition::Const(value) => *value,
        Condition::Not(inner) => !holds(inner, world, sources),
        Condition::And(all) => all.iter().all(|inner| holds(inner, world, sources)),
        Condition::Or(any) => any.iter().any(|inner| holds(inner, world, sources)),
        Condition::Number(number, test) => {
            let value = world.number(*number);
            match test {
                NumberTest::In(values) => values.contains(&value),
                NumberTest::Less(limit) => value < *limit,
                NumberTest::Greater(limit) => value > *limit,
                NumberTest::AnyBit(mask) => value & mask != 0,
            }
        }
        Condition::Text(field, test) => match field {
            Text::ObjectPath => on(&path(&world.object), test),
            Text::ObjectName => on(&name(&world.object), test),
            Text::ObjectAddress => {
                let address = match &world.object {
                    Object::Inet(Inet { address, .. }) => Some(*address),
                    _ => None,
                };
                text_holds(test, b"", address)
            }
            Text::Executable => on(&world.chain.first().map(path).unwrap_or_default(), test),
            Text::Parent => on(&world.chain.get(1).map(path).unwrap_or_default(), test),
            Text::Chain => world.chain.iter().any(|link| on(&path(link), test)),
            Text::Comm => on(&world.comm, test),
            Text::Cgroup => on(&world.cgroup, test),
            Text::Domain => on(&world.domain, test),
        },
        Condition::Trust(None) => world.number(Number::Trust) != 0,
        Condition::Trust(Some(source)) => sources
            .get(source)
            .is_some_and(|bit| world.number(Number::Trust) >> bit & 1 == 1),
        Condition::Cause(source) => sources
            .get(source)
            .is_some_and(|bit| world.number(Number::Cause) == u64::from(*bit)),
    }
}

fn text_holds(test: &TextTest, bytes: &[u8], address: Option<IpAddr>) -> bool {
    match test {
        TextTest::Not(inner) => !text_holds(inner, bytes, address),
        TextTest::And(all) => all.iter().all(|inner| text_holds(inner, bytes, address)),
        TextTest::Or(any) => any.iter().any(|inner| text_holds(inner, bytes, address)),
        TextTest::In(texts) => texts.contains(bytes),
        TextTest::StartsWith(with) => bytes.starts_with(with),
        TextTest::EndsWith(with) => bytes.ends_with(with),
        TextTest::Contains(with) => {
            with.is_empty() || bytes.windows(with.len()).any(|part| part == with)
        }
        TextTest::Matches(regex) => search(regex, bytes),
        TextTest::Network(networks) => networks.iter().any(|(network, bits)| {
            let (network, own, all) = match (network, address) {
                (IpAddr::V4(network), Some(IpAddr::V4(own))) => {
                    (network.to_bits().into(), own.to_bits().into(), 32)
                }
                (IpAddr::V6(network), Some(IpAddr::V6(own))) => {
                    (network.to_bits(), own.to_bits(), 128)
                }
                _ => return false,
            };
            let differs: u128 = network ^ own;
            differs.checked_shr(all - u32::from(*bits)).unwrap_or(0) == 0
        }),
    }
}

fn search(regex: &str, text: &[u8]) -> bool {
    thread_local! {
        static BUILT: RefCell<HashMap<String, DFA<Vec<u32>>>> = RefCell::default();
    }
    BUILT.with_borrow_mut(|built| {
        if !built.contains_key(regex) {
            built.insert(regex.to_owned(), automaton(regex));
        }
        let input = Input::new(text).anchored(Anchored::No);
        built[regex].try_search_fwd(&input).unwrap().is_some()
    })
}

fn automaton(regex: &str) -> DFA<Vec<u32>> {
    DFA::builder()
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .thompson(regex_automata::nfa::thompson::Config::new().utf8(false))
        .build(regex)
        .unwrap()
}
