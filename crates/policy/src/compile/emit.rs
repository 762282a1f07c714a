// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Compiles conditions to jumps.
//!
//! The verifier follows both branches of every test, and prunes a branch that reaches an instruction with a register
//! state that it has seen there. So a value that is tested twice must not stay in a live register: otherwise, the
//! result of the first test is part of the state, and each rule doubles the number of states.

use super::assemble::{Assembler, Label};
use super::insn::{Compare, Insn, Reg};
use super::node::{Leaf, Node, Values};
use super::wire::{self, Place};
use crate::condition::Number;

/// Up to this many values are compared one by one.
const CHAIN: usize = 8;
/// Values within this span are tested as bits of one word.
const SPAN: u64 = 64;

/// Tells which of a condition's two labels follows directly behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    True,
    False,
}

/// The texts and numbers that were read, as masks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reads {
    pub(super) texts: u32,
    pub(super) numbers: u32,
}

/// Emits conditions.
#[derive(Default)]
pub(super) struct Emitter {
    pub(super) asm: Assembler,
    pub(super) reads: Reads,
    /// The word in R8, and which of its bits were tested since it was loaded.
    word: Option<(i16, u32)>,
    /// True if every path passes this place.
    straight: bool,
}

impl Emitter {
    pub(super) fn new() -> Self {
        Self {
            straight: true,
            ..Self::default()
        }
    }

    /// The code that follows is reached on every path.
    pub(super) fn join(&mut self) {
        self.straight = true;
    }

    /// Continues only if any of several bits is set. Each of them can be tested afterwards, because the verifier
    /// learns nothing about a single one.
    pub(super) fn skip(&mut self, at: i16, mask: u32, on: Label, off: Label) {
        let register = self.word(at, mask);
        self.jump(Insn::if_set(register, mask), on, off, Next::True);
        self.word = Some((at, 0));
    }

    /// Emits a jump to one of two labels.
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

    /// Emits parts in order. The first part that is not `all` ends the evaluation.
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
                // R9 is not tested directly: the verifier would learn its bits. It learns nothing of R9 from a masked
                // copy.
                self.asm.push(Insn::mov(Reg::R1, Reg::R9));
                self.asm.push(Insn::and_imm(Reg::R1, 1 << bit));
                self.test(Compare::NotEqual, 0, yes, no, next);
            }
            Leaf::Number(number, test) => self.number(*number, test, yes, no, next),
            // At this point, all tests of texts are bits.
            Leaf::Text(..) => self.asm.jump(Insn::goto(), no),
        }
        self.straight = false;
    }

    /// Returns a register with the word at this offset. These bits were not tested since it was loaded.
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

    /// Emits an instruction that jumps if the test is true.
    fn jump(&mut self, insn: Insn, yes: Label, no: Label, next: Next) {
        self.asm.jump(insn, yes);
        if next == Next::True {
            self.asm.jump(Insn::goto(), no);
        }
    }

    /// Emits a comparison of R1.
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

    /// Loads a constant into R2.
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

    /// Emits the test that R1 is one of these sorted values.
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

/// Returns the value as an immediate operand, which the instruction sign-extends, if it fits.
fn constant(value: u64) -> Option<i32> {
    i32::try_from(value.cast_signed()).ok()
}
