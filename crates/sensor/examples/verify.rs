// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Loads the kernel part and prints what the verifier had to look at, program by program.

use ambit_sensor::{Kernel, LoadOptions};
use libbpf_rs::query::ProgInfoIter;

fn main() -> Result<(), ambit_sensor::Error> {
    let start = std::time::Instant::now();
    let kernel = Kernel::attach(&LoadOptions {
        full: true,
        ..LoadOptions::default()
    })?;
    println!("loaded and attached in {:?}", start.elapsed());
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
    kernel.release().map(drop)
}
