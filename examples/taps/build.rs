// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Compiles each tap of `bpf/` to an object, which the program embeds.

use std::env;
use std::path::PathBuf;

use libbpf_cargo::SkeletonBuilder;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let header = here.join("../../include");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let include = format!("-I{}", header.display());
    println!("cargo::rerun-if-changed={}", here.join("bpf").display());
    println!("cargo::rerun-if-changed={}", header.display());
    println!("cargo::rerun-if-env-changed=AMBIT_CLANG");
    for tap in ["shm", "packet", "integrity"] {
        SkeletonBuilder::new()
            .source(here.join("bpf").join(format!("{tap}.bpf.c")))
            .obj(out.join(format!("{tap}.bpf.o")))
            .clang(env::var("AMBIT_CLANG").unwrap_or_else(|_| "clang-19".into()))
            .clang_args(["-mcpu=v3", "-Wall", "-Werror", &include])
            .build()?;
    }
    Ok(())
}
