// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The description file of the active rule set.

use std::collections::BTreeMap;
use std::path::Path;

use ambit_files::{RUN_DIR, RunDir};
use ambit_sensor::{Kernel, LoadOptions, RulesLoaded};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::locks::{self, ReadLock};
use crate::paths;
use crate::rule_files::{RuleSet, SourceText};

/// The properties of a rule set that the kernel part does not know.
#[derive(Debug, Serialize, Deserialize)]
pub struct Description {
    generation: u64,
    /// The first generation of the same rules: a reload gives them a new one.
    since: u64,
    /// The texts of the rule files.
    pub(super) texts: Vec<SourceText>,
    /// Number of instructions that the verifier processed, by hook.
    verified: BTreeMap<String, u32>,
}

/// The active rule set.
#[derive(Debug)]
pub struct Active {
    /// The kernel part that evaluates it.
    pub kernel: Kernel,
    /// Its description, without the texts, which are in `set`.
    pub description: Description,
    /// Its rules.
    pub set: RuleSet,
}

/// Returns the active rule set; `None` if no rules are active.
///
/// # Errors
/// The kernel part or the description cannot be read.
pub fn active() -> Result<Option<Active>, Error> {
    let Some(kernel) = Kernel::open(&LoadOptions::default())? else {
        return Ok(None);
    };
    let Some(mut description) = Description::read(&kernel)? else {
        return Ok(None);
    };
    let set = RuleSet::parse_active(std::mem::take(&mut description.texts))?;
    Ok(Some(Active {
        kernel,
        description,
        set,
    }))
}

/// Returns the active rule set if the kernel part that evaluates it has not this secret. `unload` removes a kernel part that
/// nothing else uses, and the next `load` creates another one with a ring of its own.
///
/// # Errors
/// As for [`active`].
pub fn active_elsewhere(secret: [u8; 16]) -> Result<Option<Active>, Error> {
    match Kernel::open(&LoadOptions::default())? {
        Some(kernel) if kernel.secret() != secret => active(),
        _ => Ok(None),
    }
}

impl Description {
    /// Describes a set that is about to become active. On a reload, `reloaded` is the old description of the same rules.
    pub(super) fn new(
        loaded: &RulesLoaded,
        texts: Vec<SourceText>,
        reloaded: Option<&Self>,
    ) -> Self {
        Self {
            generation: loaded.generation,
            since: reloaded.map_or(loaded.generation, |before| before.since),
            texts,
            verified: loaded
                .verified
                .iter()
                .map(|(hook, count)| (hook.name().to_owned(), *count))
                .collect(),
        }
    }

    /// Returns true if a record with this generation was made by these rules.
    pub fn covers(&self, generation: u64) -> bool {
        (self.since..=self.generation).contains(&generation)
    }

    /// Returns the number of instructions of a hook's program that the verifier processed; `None` if the kernel does not
    /// report it.
    pub fn verified(&self, hook: &str) -> Option<u32> {
        self.verified.get(hook).copied()
    }

    /// Writes the file.
    pub(super) fn write(&self) -> Result<(), Error> {
        let name = paths::rules_file(self.generation);
        match serde_json::to_vec(self) {
            Ok(bytes) => Ok(RunDir::open()?.replace(&name, &bytes)?),
            Err(source) => Err(Error::Encode { name, source }),
        }
    }

    /// Removes the description files of all generations but this one; 0 removes all. A file that cannot be removed is
    /// left: nothing reads it.
    pub(super) fn remove_all_but(generation: u64) {
        let Ok(Some(run)) = RunDir::find() else {
            return;
        };
        for name in run.list().unwrap_or_default() {
            let described = paths::rules_file_generation(&name);
            if described.is_some_and(|described| described != generation) {
                let _ = run.remove(&name);
            }
        }
    }

    /// Reads the description of the active set; `None` if no rules are active.
    fn read(kernel: &Kernel) -> Result<Option<Self>, Error> {
        let generation = kernel.rules_generation()?;
        if generation == 0 {
            return Ok(None);
        }
        if let Some(description) = Self::of(generation)? {
            return Ok(Some(description));
        }
        // Another process loaded rules after the generation was read, and removed this description. Wait until it has
        // finished.
        Self::read_locked(kernel, &locks::read_host_state()?)
    }

    /// As [`Self::read`]; the lock keeps other processes from loading rules.
    pub(super) fn read_locked(kernel: &Kernel, _lock: &ReadLock) -> Result<Option<Self>, Error> {
        let generation = kernel.rules_generation()?;
        if generation == 0 {
            return Ok(None);
        }
        Self::of(generation)?.map(Some).ok_or_else(|| {
            Error::DescriptionMissing(Path::new(RUN_DIR).join(paths::rules_file(generation)))
        })
    }

    /// Reads the description of a generation; `None` if there is no file.
    fn of(generation: u64) -> Result<Option<Self>, Error> {
        let Some(run) = RunDir::find()? else {
            return Ok(None);
        };
        let name = paths::rules_file(generation);
        let Some(bytes) = run.read(&name)? else {
            return Ok(None);
        };
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|source| Error::Damaged {
                path: run.path().join(name),
                source,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(generation: u64) -> RulesLoaded {
        RulesLoaded {
            generation,
            verified: Vec::new(),
        }
    }

    #[test]
    fn a_reload_covers_the_generations_from_before_and_a_new_set_does_not() {
        let first = Description::new(&loaded(4), Vec::new(), None);
        let again = Description::new(&loaded(7), Vec::new(), Some(&first));
        assert!(again.covers(4) && again.covers(7) && !again.covers(8));
        let other = Description::new(&loaded(9), Vec::new(), None);
        assert!(!other.covers(7));
    }
}
