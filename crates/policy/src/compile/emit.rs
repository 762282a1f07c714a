// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Conditions as jumps.
//!
//! The verifier follows both ways of every test. It gives one of them up where it was before with registers that it
//! need not know: so nothing that is tested twice may be in a register that lives on, or what the first test told of it
//! decides the second, and every rule doubles the ways.

use super::assemble::{Assembler, Label};
use super::insn::{Compare, Insn, Reg};
use super::node::{Leaf, Node, Values};
use super::wire::{self, Place};
use crate::condition::Number;

/// How many values are compared one by one.
const CHAIN: usize = 8;
/// Values of so many bits fit a word.
const SPAN: u64 = 64;

/// Which of a condition's labels stands right behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    True,
    False,
}

/// What was read: masks of texts and of numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reads {
    pub(super) texts: u32,
    pub(super) numbers: u32,
}

/// Writes conditions.
#[derive(Default)]
pub(super) struct Emitter {
    pub(super) asm: Assembler,
    pub(super) reads: Reads,
    /// The word in R8, and which of its bits were tested since it was loaded.
    word: Option<(i16, u32)>,
    /// Whether there is no way around this place.
    straight: bool,
}

impl Emitter {
    pub(super) fn new() -> Self {
        Self {
            straight: true,
            ..Self::default()
        }
    }

    /// What follows is reached whatever came before.
    pub(super) fn join(&mut self) {
        self.straight = true;
    }

    /// Goes on only if any of these bits is set, of which there are several. Each can be tested after it: that one of
    /// them is set says nothing of any.
    pub(super) fn skip(&mut self, at: i16, mask: u32, on: Label, off: Label) {
        let register = self.word(at, mask);
        self.jump(Insn::if_set(register, mask), on, off, Next::True);
        self.word = Some((at, 0));
    }

    /// Jumps to one of two labels.
    pub(super) fn branch(&mut self, node: &Node, yes: Label, no: Label, next: Next) {
        match node {
            Node::Const(value) => {
                if *value != (next == Next::True) {
                    let label = if *value { yes } else { no };
                    self.asm.jump(Insn::goto(), label);
                }
            }
            Node::Leaf(leaf) => self.leaf(leaf, yes, no, next),
            Node::Not(leaf) => self.leaf(leaf, no, yes, next.other()),
            Node::And(nodes) => self.sequence(nodes, yes, no, next, true),
            Node::Or(nodes) => self.sequence(nodes, yes, no, next, false),
        }
    }

    /// Parts of which all must be `all`, or else the rest is not asked.
    fn sequence(&mut self, nodes: &[Node], yes: Label, no: Label, next: Next, all: bool) {
        let Some((last, before)) = nodes.split_last() else {
            return;
        };
        for node in before {
            let on = self.asm.label();
            if all {
                self.branch(node, on, no, Next::True);
            } else {
                self.branch(node, yes, on, Next::False);
            }
            self.asm.bind(on);
        }
        self.branch(last, yes, no, next);
    }

    fn leaf(&mut self, leaf: &Leaf, yes: Label, no: Label, next: Next) {
        match leaf {
            Leaf::Bits { at, mask } => {
                let register = self.word(*at, *mask);
                self.jump(Insn::if_set(register, *mask), yes, no, next);
            }
            Leaf::Shared(bit) => {
                // Not tested in R9 itself; and what is computed from a copy tells nothing of R9.
                self.asm.push(Insn::mov(Reg::R1, Reg::R9));
                self.asm.push(Insn::and_imm(Reg::R1, 1 << bit));
                self.test(Compare::NotEqual, 0, yes, no, next);
            }
            Leaf::Number(number, test) => self.number(*number, test, yes, no, next),
            // All texts have bits by now.
            Leaf::Text(..) => self.asm.jump(Insn::goto(), no),
        }
        self.straight = false;
    }

    /// A register with the word at this offset, of which these bits were not tested since it was loaded.
    fn word(&mut self, at: i16, mask: u32) -> Reg {
        match wire::place(at) {
            Place::Number(number) => self.reads.numbers |= 1 << number,
            Place::Text(text) => self.reads.texts |= 1 << text,
        }
        if let Some((own, tested)) = &mut self.word
            && *own == at
            && *tested & mask == 0
        {
            *tested |= mask;
            return Reg::R8;
        }
        let register = if self.straight { Reg::R8 } else { Reg::R1 };
        self.asm.push(Insn::load_word(register, Reg::R6, at));
        if self.straight {
            self.word = Some((at, mask));
        }
        register
    }

    /// Jumps by an instruction that jumps if it is so.
    fn jump(&mut self, insn: Insn, yes: Label, no: Label, next: Next) {
        self.asm.jump(insn, yes);
        if next == Next::True {
            self.asm.jump(Insn::goto(), no);
        }
    }

    /// Compares R1.
    fn test(&mut self, compare: Compare, value: u64, yes: Label, no: Label, next: Next) {
        let (compare, label) = match next {
            Next::True => (compare.opposite(), no),
            Next::False => (compare, yes),
        };
        let insn = if let Some(imm) = constant(value) {
            Insn::if_imm(compare, Reg::R1, imm)
        } else {
            self.wide(value);
            Insn::if_reg(compare, Reg::R1, Reg::R2)
        };
        self.asm.jump(insn, label);
    }

    /// Puts a constant in R2.
    fn wide(&mut self, value: u64) {
        for half in Insn::wide(Reg::R2, value) {
            self.asm.push(half);
        }
    }

    fn number(&mut self, number: Number, test: &Values, yes: Label, no: Label, next: Next) {
        self.reads.numbers |= 1 << (number as u32);
        self.asm
            .push(Insn::load(Reg::R1, Reg::R6, wire::number(number)));
        match test {
            Values::Less(limit) => self.test(Compare::Less, *limit, yes, no, next),
            Values::Greater(limit) => self.test(Compare::Greater, *limit, yes, no, next),
            Values::In(values) => {
                let values: Vec<u64> = values.iter().copied().collect();
                self.among(&values, yes, no, next);
            }
        }
    }

    /// Whether R1 is one of these, which are sorted.
    fn among(&mut self, values: &[u64], yes: Label, no: Label, next: Next) {
        let (Some(first), Some((last, before))) = (values.first(), values.split_last()) else {
            return;
        };
        if values.len() <= CHAIN {
            for value in before {
                self.test(Compare::Equal, *value, yes, no, Next::False);
            }
            self.test(Compare::Equal, *last, yes, no, next);
        } else if last - first < SPAN {
            let bits = values
                .iter()
                .fold(0, |bits, value| bits | 1 << (value - first));
            match constant(*first) {
                Some(0) => {}
                Some(imm) => self.asm.push(Insn::sub_imm(Reg::R1, imm)),
                None => {
                    self.wide(*first);
                    self.asm.push(Insn::sub(Reg::R1, Reg::R2));
                }
            }
            let inside = self.asm.label();
            self.test(Compare::Less, SPAN, inside, no, Next::True);
            self.asm.bind(inside);
            self.wide(bits);
            self.asm.push(Insn::shift_right(Reg::R2, Reg::R1));
            self.jump(Insn::if_set(Reg::R2, 1), yes, no, next);
        } else {
            let (low, high) = values.split_at(values.len() / 2);
            let Some(middle) = high.first() else {
                return;
            };
            let (below, above) = (self.asm.label(), self.asm.label());
            self.test(Compare::Less, *middle, below, above, Next::False);
            self.asm.bind(above);
            self.among(high, yes, no, Next::False);
            self.asm.jump(Insn::goto(), no);
            self.asm.bind(below);
            self.among(low, yes, no, next);
        }
    }
}

impl Next {
    const fn other(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
        }
    }
}

impl Compare {
    const fn opposite(self) -> Self {
        match self {
            Self::Equal => Self::NotEqual,
            Self::NotEqual => Self::Equal,
            Self::Less => Self::GreaterEqual,
            Self::GreaterEqual => Self::Less,
            Self::Greater => Self::LessEqual,
            Self::LessEqual => Self::Greater,
        }
    }
}

/// What an instruction can hold, which is extended by its sign.
fn constant(value: u64) -> Option<i32> {
    i32::try_from(value.cast_signed()).ok()
}
