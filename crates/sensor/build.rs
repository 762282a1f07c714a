// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Compiles `bpf/` to one object, which the crate embeds.

use std::env;
use std::path::PathBuf;

use libbpf_cargo::SkeletonBuilder;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bpf = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../bpf");
    let object = PathBuf::from(env::var("OUT_DIR")?).join("ambit.bpf.o");
    println!("cargo::rerun-if-changed={}", bpf.display());
    println!("cargo::rerun-if-env-changed=AMBIT_CLANG");
    // Atomics that return a value need -mcpu=v3, which 6.1 has.
    SkeletonBuilder::new()
        .source(bpf.join("ambit.bpf.c"))
        .obj(&object)
        .clang(env::var("AMBIT_CLANG").unwrap_or_else(|_| "clang-19".into()))
        .clang_args(["-mcpu=v3", "-Wall", "-Werror"])
        .build()?;
    Ok(())
}
