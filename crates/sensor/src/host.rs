// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The handle on a kernel part that is pinned on this host: its configuration, and its maps with their types.

use std::path::Path;

use ambit_abi::{
    Config, Domain, DomainState, INTERPRETER_MAX, Label, Request, RuleCount, RuleHook, RuleSet,
    RuleState, Shared, SpreadCount, Stat, Trust,
};
use libbpf_rs::{MapCore, MapFlags, MapHandle};
use zerocopy::FromBytes;

use crate::bpffs;
use crate::error::{Error, bpf};
use crate::mapped::MappedWords;
use crate::maps::{Map, Opaque, Outer};
use crate::pins::Pins;

/// The name under which the configuration is pinned.
pub(crate) const CONFIG_MAP: &str = "config";

/// A kernel part that is pinned.
#[derive(Debug)]
pub(crate) struct Host {
    pins: Pins,
    config: Config,
}

impl Host {
    /// Returns the kernel part; none if it is not pinned, or not completely.
    pub(crate) fn open(pin_dir: &Path) -> Result<Option<Self>, Error> {
        if !bpffs::exists(pin_dir)? {
            return Ok(None);
        }
        let pins = Pins::new(pin_dir);
        let last = pins.last();
        match last.try_exists() {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(source) => return Err(Error::PinDirectory { path: last, source }),
        }
        let map = MapHandle::from_pinned_path(pins.map(CONFIG_MAP))
            .map_err(bpf("open the loaded configuration"))?;
        let value = map
            .lookup(&0_u32.to_ne_bytes(), MapFlags::ANY)
            .map_err(bpf("read the loaded configuration"))?
            .ok_or(Error::Layout("no configuration"))?;
        // Another version may have a longer one.
        let (config, _) = Config::read_from_prefix(&value)
            .map_err(|_| Error::Layout("the configuration is too short"))?;
        Ok(Some(Self { pins, config }))
    }

    pub(crate) fn pins(&self) -> &Pins {
        &self.pins
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    fn map<K, V>(&self, name: &str) -> Result<Map<K, V>, Error> {
        Map::open(&self.pins.map(name))
    }

    pub(crate) fn domains(&self) -> Result<Map<u32, Domain>, Error> {
        self.map("domains")
    }

    pub(crate) fn domain_states(&self) -> Result<Map<u32, DomainState>, Error> {
        self.map("domain_states")
    }

    /// By domain and hook.
    pub(crate) fn stats(&self) -> Result<Map<u32, Stat>, Error> {
        self.map("stats")
    }

    /// By pidfd.
    pub(crate) fn labels(&self) -> Result<Map<i32, Label>, Error> {
        self.map("labels")
    }

    /// The maps that contain a map for each domain: points, ring, shortcut, automaton.
    pub(crate) fn domain_maps(&self) -> Result<[Outer; 6], Error> {
        Ok([
            self.sets()?,
            self.map("rings")?,
            self.map("shortcuts")?,
            self.map("automata")?,
            self.map("slot_pools")?,
            self.map("repeats")?,
        ])
    }

    /// The size of a scratch slot, whose type only the kernel part knows.
    pub(crate) fn slot_bytes(&self) -> Result<usize, Error> {
        let slots: Map<u32, Opaque> = self.map("slots")?;
        usize::try_from(slots.handle().value_size())
            .map_err(|_| Error::Layout("a scratch slot is too large"))
    }

    pub(crate) fn sets(&self) -> Result<Outer, Error> {
        self.map("sets")
    }

    pub(crate) fn requests(&self) -> Result<Map<u32, Request>, Error> {
        self.map("requests")
    }

    pub(crate) fn rule_states(&self) -> Result<Map<u32, RuleState>, Error> {
        self.map("rule_states")
    }

    pub(crate) fn rule_sets(&self) -> Result<Map<u32, RuleSet>, Error> {
        self.map("rule_sets")
    }

    pub(crate) fn rule_hooks(&self) -> Result<Map<u32, RuleHook>, Error> {
        self.map("rule_hooks")
    }

    pub(crate) fn rule_counts(&self) -> Result<Map<u32, RuleCount>, Error> {
        self.map("rule_counts")
    }

    pub(crate) fn rule_failures(&self) -> Result<Map<u32, u64>, Error> {
        self.map("rule_failures")
    }

    pub(crate) fn rule_automata(&self) -> Result<Outer, Error> {
        self.map("rule_automata")
    }

    pub(crate) fn rule_ring(&self) -> Result<Map<Opaque, Opaque>, Error> {
        self.map("rule_ring")
    }

    pub(crate) fn shared(&self) -> Result<Map<u32, Shared>, Error> {
        self.map("shared")
    }

    /// The variables that programs and taps share, word by word.
    pub(crate) fn shared_words(&self) -> Result<MappedWords, Error> {
        let words = size_of::<Shared>() / size_of::<u64>();
        MappedWords::of(self.shared()?.handle(), words)
    }

    pub(crate) fn spread_counts(&self) -> Result<Map<u32, SpreadCount>, Error> {
        self.map("spread_counts")
    }

    /// Trust bits of files.
    pub(crate) fn file_marks(&self) -> Result<Map<Opaque, Trust>, Error> {
        self.map("marks")
    }

    /// Number of file marks by owner.
    pub(crate) fn mark_owners(&self) -> Result<Map<u32, u32>, Error> {
        self.map("mark_owners")
    }

    /// Trust bits of descriptors that were passed to another process.
    pub(crate) fn descriptor_marks(&self) -> Result<Map<Opaque, Trust>, Error> {
        self.map("passed")
    }

    pub(crate) fn interpreters(&self) -> Result<Map<[u8; INTERPRETER_MAX], u32>, Error> {
        self.map("interpreters")
    }
}
