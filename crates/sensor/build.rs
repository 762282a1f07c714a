// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Compiles `bpf/` to one object, which the crate embeds with a number that identifies it.

use std::env;
use std::fs;
use std::path::PathBuf;

use libbpf_cargo::SkeletonBuilder;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bpf = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../bpf");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let object = out.join("ambit.bpf.o");
    println!("cargo::rerun-if-changed={}", bpf.display());
    println!("cargo::rerun-if-env-changed=AMBIT_CLANG");
    // Atomics that return a value need -mcpu=v3, which 6.1 has.
    SkeletonBuilder::new()
        .source(bpf.join("ambit.bpf.c"))
        .obj(&object)
        .clang(env::var("AMBIT_CLANG").unwrap_or_else(|_| "clang-19".into()))
        .clang_args(["-mcpu=v3", "-Wall", "-Werror"])
        .build()?;
    fs::write(
        out.join("ambit.bpf.id"),
        id(&fs::read(&object)?).to_le_bytes(),
    )?;
    Ok(())
}

/// FNV-1a. Nothing relies on it against an attacker.
fn id(object: &[u8]) -> u64 {
    object.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
