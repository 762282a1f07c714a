// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Assembler for instructions with labels and forward jumps.

use super::insn::Insn;

/// A jump target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label(usize);

/// Instructions under construction. All jumps go forward and stay inside, so the code can be placed anywhere.
#[derive(Default)]
pub(super) struct Assembler {
    code: Code,
    labels: Vec<Option<usize>>,
    jumps: Vec<(usize, Label)>,
}

/// Instructions with comments. A comment is stored with the number of the instruction that it precedes.
#[derive(Clone, Debug, Default)]
pub(super) struct Code {
    pub(super) instructions: Vec<Insn>,
    pub(super) comments: Vec<(usize, String)>,
}

impl Code {
    /// Appends.
    pub(super) fn extend(&mut self, other: Self) {
        let base = self.instructions.len();
        let comments = other.comments.into_iter();
        self.comments
            .extend(comments.map(|(at, text)| (base + at, text)));
        self.instructions.extend(other.instructions);
    }
}

impl Assembler {
    pub(super) fn push(&mut self, insn: Insn) {
        self.code.instructions.push(insn);
    }

    pub(super) fn comment(&mut self, text: String) {
        let at = self.code.instructions.len();
        self.code.comments.push((at, text));
    }

    pub(super) fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// Places the label here.
    pub(super) fn bind(&mut self, label: Label) {
        if let Some(slot) = self.labels.get_mut(label.0) {
            *slot = Some(self.code.instructions.len());
        }
    }

    pub(super) fn jump(&mut self, insn: Insn, label: Label) {
        self.jumps.push((self.code.instructions.len(), label));
        self.push(insn);
    }

    /// Returns the instructions; `None` if a jump does not fit 16 bits.
    pub(super) fn finish(mut self) -> Option<Code> {
        for (at, label) in self.jumps {
            let target = self.labels.get(label.0).copied().flatten()?;
            let off = i16::try_from(target.checked_sub(at + 1)?).ok()?;
            let insn = self.code.instructions.get_mut(at)?;
            *insn = insn.to(off);
        }
        Some(self.code)
    }
}
