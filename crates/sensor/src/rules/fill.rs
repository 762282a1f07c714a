// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Writes the data of a set of rules into its half of the maps: everything but the programs.

use ambit_abi::{self as abi, Hook, RuleCount, RuleHook, RuleSet};
use libbpf_rs::MapType;

use super::set::Rules;
use crate::error::Error;
use crate::host::Host;
use crate::maps::{Inner, Outer};

fn index(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn short(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

/// Writes all but the programs into the half that is not active.
pub(super) fn fill(host: &Host, rules: &Rules, next: u64) -> Result<(), Error> {
    let half = u32::try_from(next & 1).unwrap_or(0);
    let mut slots = Slots {
        outer: host.rule_automata()?,
        half,
        used: 0,
    };
    let mut set = RuleSet {
        generation: next,
        ..RuleSet::default()
    };
    for text in &rules.texts {
        let first = slots.put(&text.automata)?;
        for (slots, value) in [
            (&mut set.first, first),
            (&mut set.count, text.automata.len()),
        ] {
            if let Some(slot) = slots.get_mut(text.text) {
                *slot = short(value);
            }
        }
    }
    fill_hooks(host, rules, half, &mut slots)?;
    let counts = host.rule_counts()?;
    for rule in 0..index(rules.count.min(abi::RULE_MAX)) {
        let at = half * index(abi::RULE_MAX) + rule;
        counts.write(&at, &RuleCount::default(), "reset a rule's count")?;
    }
    host.rule_sets()?
        .write(&half, &set, "write the set of rules")
}

fn fill_hooks(host: &Host, rules: &Rules, half: u32, slots: &mut Slots) -> Result<(), Error> {
    let hooks = host.rule_hooks()?;
    // Hooks with the same tests share their automata.
    let mut shared: Vec<(&[Vec<u8>], usize)> = Vec::new();
    for &hook in Hook::ALL {
        let mut settings = RuleHook::default();
        if let Some(program) = rules.programs.iter().find(|program| program.hook == hook) {
            let automata = program.automata.as_slice();
            let first = match shared.iter().find(|(other, _)| *other == automata) {
                Some((_, first)) => *first,
                None => slots.put(automata)?,
            };
            shared.push((automata, first));
            settings = program.settings;
            settings.first = short(first);
            settings.count = short(automata.len());
        }
        let at = half * index(abi::HOOKS) + hook as u32;
        hooks.write(&at, &settings, "write the rules of a hook")?;
    }
    Ok(())
}

/// The slots of a half for automata, filled one after the other.
struct Slots {
    outer: Outer,
    half: u32,
    used: usize,
}

impl Slots {
    /// Creates and loads automata. Returns the slot of the first.
    fn put(&mut self, automata: &[Vec<u8>]) -> Result<usize, Error> {
        let first = self.used;
        for bytes in automata {
            if self.used >= abi::RULE_SLOTS {
                return Err(Error::TooManyAutomata(self.used + 1));
            }
            let map = Inner {
                map_type: MapType::Array,
                name: "ambit_rule_dfa",
                key_bytes: 4,
                value_bytes: bytes.len(),
                max_entries: 1,
                flags: 0,
            }
            .create("create an automaton of the rules")?;
            let map = Outer::of(map);
            map.write_bytes(&0, bytes, "load an automaton of the rules")?;
            let at = self.half * index(abi::RULE_SLOTS) + index(self.used);
            self.outer.put(
                at,
                map.handle(),
                "put an automaton of the rules into its slot",
            )?;
            self.used += 1;
        }
        Ok(first)
    }
}
