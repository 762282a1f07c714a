// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Loads the kernel part and prints what the verifier had to look at, program by program.

use ambit_abi::RuleHook;
use ambit_sensor::{Kernel, LoadOptions, RuleProgram, Rules};
use libbpf_rs::query::ProgInfoIter;

fn main() -> Result<(), ambit_sensor::Error> {
    let start = std::time::Instant::now();
    let kernel = Kernel::attach(&LoadOptions {
        full: true,
        ..LoadOptions::default()
    })?;
    println!("loaded and attached in {:?}", start.elapsed());
    // Rules that never apply: r0 = 0; exit.
    let instructions = vec![0xb7, 0x95];
    let start = std::time::Instant::now();
    let programs: Vec<_> = Kernel::rule_hooks()?
        .into_iter()
        .map(|hook| RuleProgram {
            hook,
            instructions: instructions.clone(),
            prefilter: None,
            path_program: None,
            settings: RuleHook::default(),
            automata: Vec::new(),
        })
        .collect();
    let count = programs.len();
    let rules = Rules {
        programs,
        ..Rules::default()
    };
    kernel.load_rules(&rules, |_| Ok::<_, ambit_sensor::Error>(()))?;
    println!("rules of {count} hooks in {:?}", start.elapsed());
    let mut programs: Vec<_> = ProgInfoIter::default().collect();
    programs.sort_by_key(|p| std::cmp::Reverse(p.verified_insns));
    for p in programs {
        println!(
            "{:>8} verified  {:>6} bytes  {}",
            p.verified_insns,
            p.xlated_prog_insns.len(),
            p.name.to_string_lossy()
        );
    }
    kernel.unload_rules(true)?;
    kernel.release().map(drop)
}
