// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A small eBPF interpreter that rejects what the verifier rejects.

use std::collections::BTreeSet;

use ambit_policy::compile::Insn;

/// The address of the facts.
const BASE: u64 = 0x10_0000;

/// The result of a run.
pub(crate) struct Outcome {
    pub(crate) result: u64,
    pub(crate) executed: usize,
}

/// Runs a program over facts.
pub(crate) fn run(program: &[Insn], facts: Option<&mut [u8]>) -> Outcome {
    let mut registers: [Option<u64>; 11] = [None; 11];
    let mut none = [];
    registers[1] = Some(if facts.is_some() { BASE } else { 0 });
    let memory = facts.unwrap_or(&mut none);
    let mut pc = 0;
    let mut executed = 0;
    loop {
        let insn = program[pc];
        executed += 1;
        pc += 1;
        let (dst, src) = (usize::from(insn.dst()), usize::from(insn.src()));
        let read = |register: usize| registers[register].expect("a register is set before");
        let imm = i64::from(insn.imm()).cast_unsigned();
        let place = |base: u64, size: usize| {
            let at = usize::try_from(base.wrapping_add_signed(insn.off().into()) - BASE).unwrap();
            assert_eq!(at % size, 0, "aligned");
            at..at + size
        };
        let operand = || {
            if insn.opcode() & 8 == 0 {
                imm
            } else {
                read(src)
            }
        };
        match insn.opcode() {
            0x18 => {
                let high = u64::from(program[pc].imm().cast_unsigned());
                registers[dst] = Some(high << 32 | u64::from(insn.imm().cast_unsigned()));
                pc += 1;
            }
            0x61 => {
                let bytes = memory[place(read(src), 4)].try_into().unwrap();
                registers[dst] = Some(u32::from_ne_bytes(bytes).into());
            }
            0x79 => {
                let bytes = memory[place(read(src), 8)].try_into().unwrap();
                registers[dst] = Some(u64::from_ne_bytes(bytes));
            }
            0x63 => {
                let [a, b, c, d, ..] = read(src).to_le_bytes();
                memory[place(read(dst), 4)].copy_from_slice(&[a, b, c, d]);
            }
            0x7a => memory[place(read(dst), 8)].copy_from_slice(&imm.to_ne_bytes()),
            0x95 => {
                return Outcome {
                    result: read(0),
                    executed,
                };
            }
            0xb7 | 0xbf => registers[dst] = Some(operand()),
            0x07 => registers[dst] = Some(read(dst).wrapping_add(imm)),
            0x17 | 0x1f => registers[dst] = Some(read(dst).wrapping_sub(operand())),
            0x47 => registers[dst] = Some(read(dst) | imm),
            0x44 => registers[dst] = Some((read(dst) | imm) & 0xffff_ffff),
            0x57 => registers[dst] = Some(read(dst) & imm),
            0x7f => registers[dst] = Some(read(dst) >> read(src)),
            opcode => {
                let jumps = match opcode {
                    0x05 => true,
                    0x15 | 0x1d => read(dst) == operand(),
                    0x55 | 0x5d => read(dst) != operand(),
                    0x25 | 0x2d => read(dst) > operand(),
                    0x35 | 0x3d => read(dst) >= operand(),
                    0xa5 | 0xad => read(dst) < operand(),
                    0xb5 | 0xbd => read(dst) <= operand(),
                    0x46 => read(dst) & u64::from(insn.imm().cast_unsigned()) != 0,
                    _ => panic!("unknown instruction {insn}"),
                };
                if jumps {
                    pc = pc.strict_add_signed(insn.off().into());
                }
            }
        }
    }
}

/// Checks the form of a program as the verifier does: no jump goes backwards, out of the program or into the middle
/// of a constant, and every instruction is reachable.
pub(crate) fn check(program: &[Insn]) {
    let mut seen = BTreeSet::new();
    let mut queue = vec![0];
    while let Some(at) = queue.pop() {
        if !seen.insert(at) {
            continue;
        }
        let insn = program.get(at).expect("a way leads out of the program");
        match insn.opcode() {
            0x95 => continue,
            0x18 => {
                seen.insert(at + 1);
                queue.push(at + 2);
                continue;
            }
            0x00 => panic!("a way leads into a constant"),
            _ => {}
        }
        if matches!(insn.opcode() & 7, 5 | 6) {
            assert!(insn.off() >= 0, "a way leads backwards");
            queue.push(at + 1 + usize::from(insn.off().unsigned_abs()));
        }
        if insn.opcode() != 0x05 {
            queue.push(at + 1);
        }
    }
    assert_eq!(seen.len(), program.len(), "unreachable instructions");
}

/// Checks that the verifier cannot decide a test from an earlier one. The first test of a word may test several bits
/// at once, which reveals nothing about a single bit.
pub(crate) fn check_tests(program: &[Insn]) {
    let mut first = true;
    let mut tested = 0;
    for insn in program {
        match (insn.opcode(), insn.dst()) {
            (0x61, 8) => (first, tested) = (true, 0),
            (0x46, 8) => {
                let mask = insn.imm().cast_unsigned();
                assert_eq!(tested & mask, 0, "a bit is tested twice");
                if !first || mask.is_power_of_two() {
                    tested |= mask;
                }
                first = false;
            }
            (opcode, 7 | 9) => assert!(opcode & 7 != 5 && opcode & 7 != 6, "{insn}"),
            _ => {}
        }
    }
}
