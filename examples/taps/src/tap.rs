// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Loads a tap's object with Ambit's maps in place of its own; independent of the programs in it.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use libbpf_rs::{Map, MapCore, Object, ObjectBuilder, OpenObject, ProgramMut};

/// The directory of Ambit's maps while it is loaded.
const MAPS: &str = "/sys/fs/bpf/ambit/maps";
/// The maps of `ambit_tap.h`.
const AMBITS: [&str; 2] = ["taps", "shared"];

/// A tap in the kernel.
pub(crate) struct Tap {
    object: Object,
}

impl Tap {
    /// Loads an object of `bpf/` that lowers the trust bit `bit`.
    pub(crate) fn load(object: &[u8], bit: u32) -> Result<Self> {
        ensure!(
            rustix::process::geteuid().is_root(),
            "loading BPF programs takes root"
        );
        for name in AMBITS {
            let path = Path::new(MAPS).join(name);
            let there = path
                .try_exists()
                .with_context(|| format!("cannot look for {}", path.display()))?;
            if !there {
                bail!(
                    "Ambit is not loaded: there is no {}; `ambit rules load FILE` loads it, and so does `ambit run`",
                    path.display()
                );
            }
        }
        let mut object = ObjectBuilder::default()
            .open_memory(object)
            .context("cannot read the tap's object")?;
        prepare(&mut object, bit)?;
        let object = object.load().context("cannot load the tap")?;
        Ok(Self { object })
    }

    /// Returns a program by its name in C.
    pub(crate) fn program(&self, name: &str) -> Result<ProgramMut<'_>> {
        self.object
            .progs_mut()
            .find(|program| program.name() == name)
            .with_context(|| format!("the tap has no program {name}"))
    }

    /// Returns a map by its name in C.
    pub(crate) fn map(&self, name: &str) -> Result<Map<'_>> {
        self.object
            .maps()
            .find(|map| map.name() == name)
            .with_context(|| format!("the tap has no map {name}"))
    }
}

fn prepare(object: &mut OpenObject, bit: u32) -> Result<()> {
    for mut map in object.maps_mut() {
        let name = map.name().to_string_lossy().into_owned();
        if AMBITS.contains(&name.as_str()) {
            map.reuse_pinned_map(Path::new(MAPS).join(&name))
                .with_context(|| format!("cannot use Ambit's map `{name}`"))?;
        } else if name.ends_with(".rodata") {
            // The section contains `cfg_bit` only.
            map.set_initial_value(&bit.to_ne_bytes())
                .context("cannot tell the tap its trust bit")?;
        }
    }
    Ok(())
}
