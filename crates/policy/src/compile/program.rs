// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Compiles a hook's rules to one program.
//!
//! A prologue is followed by sections. Each section tests the operation and is skipped as a whole if it is another
//! one, so all jumps are short. In a section, rules that require a bit of the same word form a group: one test of all
//! these bits skips the group.

use ambit_abi::{self as abi, Op, RULE_FIRED};

use super::assemble::Code;
use super::emit::{Emitter, Next, Reads};
use super::insn::{Compare, Insn, Reg};
use super::node::{Leaf, Node};
use super::{share, weigh, wire};
use crate::condition::Number;
use crate::rule::Actions;

/// Limit of instructions of a group; larger groups are cut in two.
const GROUP: usize = 8_000;
/// Limit of instructions of a section, which one jump must be able to skip.
const SECTION: usize = 32_000;
/// Mask of the answer: the actions of rules, or the texts they need.
const ACTIONS: i32 = 255;

/// A rule of a hook, for one of its operations.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Bit of `fired`.
    pub(super) bit: usize,
    pub(super) id: String,
    pub(super) actions: Actions,
    pub(super) when: Node,
}

/// The rules of an operation; none of them is constantly false.
pub(super) struct Part {
    pub(super) op: Op,
    /// The stage of a path program, else 0.
    pub(super) stage: u16,
    pub(super) entries: Vec<Entry>,
}

/// A rule is too long for a jump. Has the rule's bit.
#[derive(Debug)]
pub(super) struct TooLong(pub(super) usize);

/// Writes the program. With `only`, the hook has a single operation, which needs no test.
pub(super) fn write(parts: Vec<Part>, only: bool) -> Result<(Code, Reads), TooLong> {
    let mut code = Code::default();
    let mut reads = Reads::default();
    start(&mut code.instructions);
    for part in parts {
        for section in sections(part.entries, &mut reads)? {
            if only {
                code.extend(section);
                continue;
            }
            reads.numbers |= 1 << (Number::Op as u32);
            let number =
                i32::from(u16::from(part.op)) | i32::from(part.stage) << abi::PATH_PROGRAM_STAGE;
            let length = i16::try_from(section.instructions.len()).unwrap_or(i16::MAX);
            let at = code.instructions.len();
            code.comments.push((at, format!("operation {}", part.op)));
            code.instructions
                .push(Insn::load(Reg::R1, Reg::R6, wire::number(Number::Op)));
            let other = Insn::if_imm(Compare::NotEqual, Reg::R1, number);
            code.instructions.push(other.to(length));
            code.extend(section);
        }
    }
    code.comments
        .push((code.instructions.len(), "what the rules do".to_owned()));
    code.instructions.extend([
        Insn::mov(Reg::R0, Reg::R7),
        Insn::and_imm(Reg::R0, ACTIONS),
        Insn::exit(),
    ]);
    Ok((code, reads))
}

/// Writes the prologue: returns if there are no facts, and clears the marks. R7 and R9 are set to 0 by a load, whose
/// value the verifier does not know: a known value would differ from path to path, and prevent pruning.
fn start(out: &mut Vec<Insn>) {
    out.extend([
        Insn::if_imm(Compare::NotEqual, Reg::R1, 0).to(2),
        Insn::mov_imm(Reg::R0, 0),
        Insn::exit(),
        Insn::mov(Reg::R6, Reg::R1),
    ]);
    // Clears all words: the kernel part reads all of them, and they may have marks of another hook's rules.
    out.extend((0..RULE_FIRED).map(|word| Insn::store_zero(Reg::R6, wire::fired(word))));
    out.extend([
        Insn::load(Reg::R7, Reg::R6, wire::fired(0)),
        Insn::load(Reg::R9, Reg::R6, wire::fired(0)),
    ]);
}

/// Compiles the rules of an operation, in sections that a jump can skip.
fn sections(mut entries: Vec<Entry>, reads: &mut Reads) -> Result<Vec<Code>, TooLong> {
    let mut conditions: Vec<Node> = entries.iter().map(|entry| entry.when.clone()).collect();
    let shared = share::share(&mut conditions);
    for (entry, when) in entries.iter_mut().zip(conditions) {
        entry.when = weigh::order(when);
    }
    let mut sections = Vec::new();
    let mut section = Code::default();
    let first = entries.first().map_or(0, |entry| entry.bit);
    for (bit, node) in shared.into_iter().enumerate() {
        append(
            &mut sections,
            &mut section,
            shared_bit(bit, node, reads).ok_or(TooLong(first))?,
        );
    }
    for group in groups(entries) {
        for code in group_code(&group, reads)? {
            append(&mut sections, &mut section, code);
        }
    }
    sections.push(section);
    Ok(sections)
}

fn append(sections: &mut Vec<Code>, section: &mut Code, code: Code) {
    if section.instructions.len() + code.instructions.len() > SECTION {
        sections.push(std::mem::take(section));
    }
    section.extend(code);
}

/// Sets a bit of R9 if a condition is true.
fn shared_bit(bit: usize, node: Node, reads: &mut Reads) -> Option<Code> {
    let mut emitter = Emitter::new();
    let (yes, no) = (emitter.asm.label(), emitter.asm.label());
    emitter.asm.comment(format!("shared condition {bit}"));
    emitter.branch(&weigh::order(node), yes, no, Next::True);
    emitter.asm.bind(yes);
    // The bit was 0, so adding sets it. The verifier does not track the sum with an unknown value, while it would
    // track an OR.
    emitter.asm.push(Insn::add_imm(Reg::R9, 1 << bit));
    emitter.asm.bind(no);
    finish(emitter, reads)
}

fn finish(emitter: Emitter, reads: &mut Reads) -> Option<Code> {
    reads.texts |= emitter.reads.texts;
    reads.numbers |= emitter.reads.numbers;
    let code = emitter.asm.finish()?;
    (code.instructions.len() <= SECTION).then_some(code)
}

/// Rules that first test a bit of the same word, sorted by their bits; or all other rules.
struct Group {
    key: Option<i16>,
    entries: Vec<(u32, Entry)>,
}

fn groups(entries: Vec<Entry>) -> Vec<Group> {
    let mut keyed: Vec<(Option<(i16, u32)>, Entry)> = entries
        .into_iter()
        .map(|entry| (key(&entry.when), entry))
        .collect();
    keyed.sort_by_key(|(key, _)| *key);
    let mut groups: Vec<Group> = Vec::new();
    for (key, entry) in keyed {
        let (at, mask) = key.unzip();
        let member = (mask.unwrap_or(0), entry);
        match groups.last_mut() {
            Some(group) if group.key == at => group.entries.push(member),
            _ => groups.push(Group {
                key: at,
                entries: vec![member],
            }),
        }
    }
    groups
}

/// Returns the word and the bits that a condition requires, if it tests these first.
fn key(when: &Node) -> Option<(i16, u32)> {
    let first = match when {
        Node::And(nodes) => nodes.first()?,
        other => other,
    };
    match first {
        Node::Leaf(Leaf::Bits { at, mask }) => Some((*at, *mask)),
        _ => None,
    }
}

/// Returns the rest of a condition after its first test.
fn rest(when: &Node) -> Node {
    match when {
        Node::And(nodes) => match nodes.split_first() {
            Some((_, [only])) => only.clone(),
            Some((_, rest)) => Node::And(rest.to_vec()),
            None => Node::Const(true),
        },
        _ => Node::Const(true),
    }
}

/// Compiles a group, in several pieces if it is long.
fn group_code(group: &Group, reads: &mut Reads) -> Result<Vec<Code>, TooLong> {
    let mut emitter = Emitter::new();
    match group.key {
        Some(at) => keyed(&mut emitter, at, &group.entries),
        None => {
            for (_, entry) in &group.entries {
                rule(&mut emitter, entry, &entry.when);
                emitter.join();
            }
        }
    }
    let code = finish(emitter, reads);
    let (low, high) = group.entries.split_at(group.entries.len() / 2);
    match code {
        Some(code) if low.is_empty() || code.instructions.len() <= GROUP => Ok(vec![code]),
        _ if low.is_empty() => Err(TooLong(high.first().map_or(0, |(_, entry)| entry.bit))),
        _ => {
            let mut pieces = Vec::new();
            for entries in [low, high] {
                let half = Group {
                    key: group.key,
                    entries: entries.to_vec(),
                };
                pieces.extend(group_code(&half, reads)?);
            }
            Ok(pieces)
        }
    }
}

/// Compiles rules that require a bit of one word.
fn keyed(emitter: &mut Emitter, at: i16, entries: &[(u32, Entry)]) {
    let all = entries.iter().fold(0, |all, (mask, _)| all | mask);
    let end = emitter.asm.label();
    let by_bits: Vec<&[(u32, Entry)]> = entries
        .chunk_by(|(left, _), (right, _)| left == right)
        .collect();
    if by_bits.len() > 1 {
        let on = emitter.asm.label();
        emitter.skip(at, all, on, end);
        emitter.asm.bind(on);
    }
    for same in by_bits {
        let Some((mask, _)) = same.first() else {
            continue;
        };
        let (on, next) = (emitter.asm.label(), emitter.asm.label());
        let bits = Node::Leaf(Leaf::Bits { at, mask: *mask });
        emitter.branch(&bits, on, next, Next::True);
        emitter.asm.bind(on);
        for (_, entry) in same {
            rule(emitter, entry, &rest(&entry.when));
        }
        emitter.asm.bind(next);
        emitter.join();
    }
    emitter.asm.bind(end);
}

/// Compiles a rule: the rest of its condition, and its actions.
fn rule(emitter: &mut Emitter, entry: &Entry, when: &Node) {
    let (yes, no) = (emitter.asm.label(), emitter.asm.label());
    emitter.asm.comment(format!("rule {}", entry.id));
    emitter.branch(when, yes, no, Next::True);
    emitter.asm.bind(yes);
    let actions = i32::from(entry.actions.0) & ACTIONS;
    if actions != 0 {
        emitter.asm.push(Insn::or_imm(Reg::R7, actions));
    }
    let at = wire::fired_half(entry.bit / 32);
    let bit = 1_u32 << (entry.bit % 32);
    emitter.asm.push(Insn::load_word(Reg::R1, Reg::R6, at));
    emitter.asm.push(Insn::or_word(Reg::R1, bit.cast_signed()));
    emitter.asm.push(Insn::store_word(Reg::R6, at, Reg::R1));
    emitter.asm.bind(no);
}
