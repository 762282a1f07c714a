// SPDX-License-Identifier: Apache-2.0 OR MIT
//! eBPF instructions: encoding and listing.

use std::fmt::{self, Write};

/// An instruction, as the kernel's `struct bpf_insn`. A constant of 64 bits takes two.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Insn(u64);

/// A register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Reg {
    /// The result.
    R0 = 0,
    /// The argument; later a scratch register.
    R1 = 1,
    /// A scratch register.
    R2 = 2,
    /// The facts.
    R6 = 6,
    /// The actions of the rules that matched.
    R7 = 7,
    /// The word of tests that was loaded last.
    R8 = 8,
    /// The results of shared conditions.
    R9 = 9,
}

/// Comparisons of unsigned numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    Equal,
    Greater,
    GreaterEqual,
    NotEqual,
    Less,
    LessEqual,
}

const LD_IMM64: u8 = 0x18;
const LDX_WORD: u8 = 0x61;
const LDX_DOUBLE: u8 = 0x79;
const STX_WORD: u8 = 0x63;
const ST_DOUBLE: u8 = 0x7a;
const EXIT: u8 = 0x95;
const JA: u8 = 0x05;
const JSET32: u8 = 0x46;
/// Takes the operand from a register and not from the instruction.
const FROM_REGISTER: u8 = 0x08;
const ALU64: u8 = 0x07;
const ALU32: u8 = 0x04;
const JMP: u8 = 0x05;
const ADD: u8 = 0x00;
const SUB: u8 = 0x10;
const OR: u8 = 0x40;
const AND: u8 = 0x50;
const RSH: u8 = 0x70;
const MOV: u8 = 0xb0;

impl Insn {
    /// Encodes an instruction.
    pub const fn new(opcode: u8, dst: u8, src: u8, off: i16, imm: i32) -> Self {
        let [off0, off1] = off.to_le_bytes();
        let [imm0, imm1, imm2, imm3] = imm.to_le_bytes();
        let registers = dst & 15 | src << 4;
        Self(u64::from_le_bytes([
            opcode, registers, off0, off1, imm0, imm1, imm2, imm3,
        ]))
    }

    /// The instruction as the kernel reads it.
    pub const fn raw(self) -> u64 {
        self.0
    }

    /// The operation code.
    pub const fn opcode(self) -> u8 {
        let [opcode, ..] = self.0.to_le_bytes();
        opcode
    }

    /// The register that it changes or compares.
    pub const fn dst(self) -> u8 {
        let [_, registers, ..] = self.0.to_le_bytes();
        registers & 15
    }

    /// The register that it reads.
    pub const fn src(self) -> u8 {
        let [_, registers, ..] = self.0.to_le_bytes();
        registers >> 4
    }

    /// The offset, in bytes of memory or in instructions.
    pub const fn off(self) -> i16 {
        let [_, _, low, high, ..] = self.0.to_le_bytes();
        i16::from_le_bytes([low, high])
    }

    /// The constant.
    pub const fn imm(self) -> i32 {
        let [_, _, _, _, bytes @ ..] = self.0.to_le_bytes();
        i32::from_le_bytes(bytes)
    }

    /// True for the first half of a 64-bit constant load.
    pub const fn is_wide(self) -> bool {
        self.opcode() == LD_IMM64
    }

    pub(super) const fn load_word(dst: Reg, src: Reg, off: i16) -> Self {
        Self::new(LDX_WORD, dst as u8, src as u8, off, 0)
    }

    pub(super) const fn load(dst: Reg, src: Reg, off: i16) -> Self {
        Self::new(LDX_DOUBLE, dst as u8, src as u8, off, 0)
    }

    pub(super) const fn store_word(dst: Reg, off: i16, src: Reg) -> Self {
        Self::new(STX_WORD, dst as u8, src as u8, off, 0)
    }

    pub(super) const fn store_zero(dst: Reg, off: i16) -> Self {
        Self::new(ST_DOUBLE, dst as u8, 0, off, 0)
    }

    pub(super) const fn mov(dst: Reg, src: Reg) -> Self {
        Self::new(ALU64 | MOV | FROM_REGISTER, dst as u8, src as u8, 0, 0)
    }

    pub(super) const fn mov_imm(dst: Reg, imm: i32) -> Self {
        Self::new(ALU64 | MOV, dst as u8, 0, 0, imm)
    }

    /// Both halves.
    pub(super) const fn wide(dst: Reg, value: u64) -> [Self; 2] {
        let [low @ .., _, _, _, _] = value.to_le_bytes();
        let [_, _, _, _, high @ ..] = value.to_le_bytes();
        [
            Self::new(LD_IMM64, dst as u8, 0, 0, i32::from_le_bytes(low)),
            Self::new(0, 0, 0, 0, i32::from_le_bytes(high)),
        ]
    }

    pub(super) const fn add_imm(dst: Reg, imm: i32) -> Self {
        Self::new(ALU64 | ADD, dst as u8, 0, 0, imm)
    }

    pub(super) const fn sub_imm(dst: Reg, imm: i32) -> Self {
        Self::new(ALU64 | SUB, dst as u8, 0, 0, imm)
    }

    pub(super) const fn sub(dst: Reg, src: Reg) -> Self {
        Self::new(ALU64 | SUB | FROM_REGISTER, dst as u8, src as u8, 0, 0)
    }

    pub(super) const fn and_imm(dst: Reg, imm: i32) -> Self {
        Self::new(ALU64 | AND, dst as u8, 0, 0, imm)
    }

    pub(super) const fn or_imm(dst: Reg, imm: i32) -> Self {
        Self::new(ALU64 | OR, dst as u8, 0, 0, imm)
    }

    /// Clears the upper half.
    pub(super) const fn or_word(dst: Reg, imm: i32) -> Self {
        Self::new(ALU32 | OR, dst as u8, 0, 0, imm)
    }

    pub(super) const fn shift_right(dst: Reg, by: Reg) -> Self {
        Self::new(ALU64 | RSH | FROM_REGISTER, dst as u8, by as u8, 0, 0)
    }

    pub(super) const fn goto() -> Self {
        Self::new(JA, 0, 0, 0, 0)
    }

    /// Jumps if any of these bits of the lower half is set.
    pub(super) const fn if_set(dst: Reg, mask: u32) -> Self {
        Self::new(JSET32, dst as u8, 0, 0, mask.cast_signed())
    }

    /// The constant is extended by its sign to 64 bits.
    pub(super) const fn if_imm(compare: Compare, dst: Reg, imm: i32) -> Self {
        Self::new(JMP | compare.code(), dst as u8, 0, 0, imm)
    }

    pub(super) const fn if_reg(compare: Compare, dst: Reg, src: Reg) -> Self {
        Self::new(
            JMP | FROM_REGISTER | compare.code(),
            dst as u8,
            src as u8,
            0,
            0,
        )
    }

    pub(super) const fn exit() -> Self {
        Self::new(EXIT, 0, 0, 0, 0)
    }

    /// The same, jumping this far.
    pub(super) const fn to(self, off: i16) -> Self {
        Self::new(self.opcode(), self.dst(), self.src(), off, self.imm())
    }
}

impl Compare {
    const fn code(self) -> u8 {
        match self {
            Self::Equal => 0x10,
            Self::Greater => 0x20,
            Self::GreaterEqual => 0x30,
            Self::NotEqual => 0x50,
            Self::Less => 0xa0,
            Self::LessEqual => 0xb0,
        }
    }
}

impl fmt::Debug for Insn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Insn({self})")
    }
}

/// In LLVM's notation. Shows only the lower half of a 64-bit constant; see [`listing`].
impl fmt::Display for Insn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (dst, src, off, imm) = (self.dst(), self.src(), self.off(), self.imm());
        let opcode = self.opcode();
        match opcode {
            LD_IMM64 => write!(f, "r{dst} = {:#x} ll", imm.cast_unsigned()),
            LDX_WORD => write!(f, "w{dst} = *(u32 *)(r{src} {})", Signed(off)),
            LDX_DOUBLE => write!(f, "r{dst} = *(u64 *)(r{src} {})", Signed(off)),
            STX_WORD => write!(f, "*(u32 *)(r{dst} {}) = w{src}", Signed(off)),
            ST_DOUBLE => write!(f, "*(u64 *)(r{dst} {}) = {imm}", Signed(off)),
            EXIT => f.write_str("exit"),
            JA => write!(f, "goto {off:+}"),
            JSET32 => write!(f, "if w{dst} & {imm:#x} goto {off:+}"),
            _ => {
                let operand = if opcode & FROM_REGISTER == 0 {
                    Operand::Constant(imm)
                } else {
                    Operand::Register(src)
                };
                let wide = if opcode & 7 == ALU32 { 'w' } else { 'r' };
                match (opcode & 7, opcode & 0xf0) {
                    (JMP, code) => match comparison(code) {
                        Some(sign) => write!(f, "if r{dst} {sign} {operand} goto {off:+}"),
                        None => write!(f, "unknown {:#018x}", self.0),
                    },
                    (ALU64 | ALU32, MOV) => write!(f, "{wide}{dst} = {operand}"),
                    (ALU64 | ALU32, ADD) => write!(f, "{wide}{dst} += {operand}"),
                    (ALU64 | ALU32, SUB) => write!(f, "{wide}{dst} -= {operand}"),
                    (ALU64 | ALU32, OR) => write!(f, "{wide}{dst} |= {operand:#}"),
                    (ALU64 | ALU32, AND) => write!(f, "{wide}{dst} &= {operand:#}"),
                    (ALU64 | ALU32, RSH) => write!(f, "{wide}{dst} >>= {operand}"),
                    _ => write!(f, "unknown {:#018x}", self.0),
                }
            }
        }
    }
}

const fn comparison(code: u8) -> Option<&'static str> {
    Some(match code {
        0x10 => "==",
        0x20 => ">",
        0x30 => ">=",
        0x50 => "!=",
        0xa0 => "<",
        0xb0 => "<=",
        _ => return None,
    })
}

enum Operand {
    Constant(i32),
    Register(u8),
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(value) if f.alternate() => write!(f, "{value:#x}"),
            Self::Constant(value) => write!(f, "{value}"),
            Self::Register(number) => write!(f, "r{number}"),
        }
    }
}

/// `+ 8` or `- 8`.
struct Signed(i16);

impl fmt::Display for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { '-' } else { '+' };
        write!(f, "{sign} {}", self.0.unsigned_abs())
    }
}

/// Instructions as text, one a line with its number; each comment stands before the instruction of its number.
pub fn listing(instructions: &[Insn], comments: &[(usize, String)]) -> String {
    let mut out = String::new();
    let mut comments = comments.iter().peekable();
    let mut rest = instructions.iter().enumerate();
    while let Some((at, insn)) = rest.next() {
        while let Some((_, comment)) = comments.next_if(|(before, _)| *before <= at) {
            // Writing to a String does not fail.
            let _ = writeln!(out, "; {comment}");
        }
        if insn.is_wide() {
            let high = rest.next().map_or(0, |(_, second)| second.imm());
            let value =
                u64::from(high.cast_unsigned()) << 32 | u64::from(insn.imm().cast_unsigned());
            let _ = writeln!(out, "{at:5}: r{} = {value:#x} ll", insn.dst());
        } else {
            let _ = writeln!(out, "{at:5}: {insn}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_encoded_as_the_kernel_reads_it() {
        let load = Insn::load(Reg::R1, Reg::R6, 8);
        assert_eq!(load.raw(), 0x0000_0000_0008_6179);
        assert_eq!(Insn::exit().raw(), 0x95);
        let jump = Insn::if_imm(Compare::NotEqual, Reg::R1, -2).to(-3);
        assert_eq!(jump.raw(), 0xffff_fffe_fffd_0155);
        assert_eq!((jump.off(), jump.imm()), (-3, -2));
    }

    #[test]
    fn reads_as_llvm_writes_it() {
        let [low, high] = Insn::wide(Reg::R2, 0x1_2345_6789);
        let text = listing(
            &[
                Insn::load(Reg::R1, Reg::R6, 8),
                low,
                high,
                Insn::if_reg(Compare::Greater, Reg::R1, Reg::R2).to(2),
                Insn::if_set(Reg::R8, 0x8000_0000).to(1),
                Insn::or_word(Reg::R1, 4),
                Insn::store_word(Reg::R6, 1080, Reg::R1),
                Insn::exit(),
            ],
            &[(1, "rule a".to_owned())],
        );
        assert_eq!(
            text,
            "    0: r1 = *(u64 *)(r6 + 8)\n\
             ; rule a\n    \
                 1: r2 = 0x123456789 ll\n    \
                 3: if r1 > r2 goto +2\n    \
                 4: if w8 & 0x80000000 goto +1\n    \
                 5: w1 |= 0x4\n    \
                 6: *(u32 *)(r6 + 1080) = w1\n    \
                 7: exit\n"
        );
    }
}
