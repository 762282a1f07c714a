// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Which trust bit is whose: names of rules and taps get theirs when they are first loaded, and keep it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use ambit_abi::TRUST_NAMED;
use anyhow::{Context, anyhow};
use rustix::fs::{FlockOperation, flock};

use crate::exit::{Exit, Failure, OrExit};

/// Names of trust bits, for as long as the machine runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    by_name: BTreeMap<String, u8>,
}

/// Bits of those who have no name of their own.
const FIXED: [(&str, u8); 4] = [("model", 0), ("operator", 2), ("engine", 3), ("tap", 4)];

fn path() -> PathBuf {
    PathBuf::from("/run/ambit/sources.json")
}

impl Sources {
    /// Held from reading them to writing them down; released when dropped.
    pub(crate) fn lock() -> Result<File, Failure> {
        fs::create_dir_all("/run/ambit")
            .and_then(|()| File::open("/run/ambit"))
            .and_then(|folder| {
                flock(&folder, FlockOperation::LockExclusive)?;
                Ok(folder)
            })
            .context("locking /run/ambit")
            .or_exit(Exit::Trouble)
    }

    /// Those that are known since the machine was started.
    pub(crate) fn read() -> Result<Self, Failure> {
        match fs::read(path()) {
            Ok(bytes) => Ok(Self {
                by_name: serde_json::from_slice(&bytes)
                    .context("reading /run/ambit/sources.json")
                    .or_exit(Exit::Trouble)?,
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Failure::new(Exit::Trouble, error)),
        }
    }

    /// For a list: the names of bits, `bitN` for one without.
    pub(crate) fn names(&self, bits: u32) -> Vec<String> {
        (0..32_u8)
            .filter(|bit| bits >> bit & 1 == 1)
            .map(|bit| self.name(bit))
            .collect()
    }

    /// The name of a bit.
    pub(crate) fn name(&self, bit: u8) -> String {
        self.by_name
            .iter()
            .find(|(_, own)| **own == bit)
            .map_or_else(
                || ambit_event::trust_names(1 << bit).concat(),
                |(name, _)| name.clone(),
            )
    }

    /// Every name with its bit.
    pub(crate) fn all(&self) -> BTreeMap<String, u8> {
        let mut all = self.by_name.clone();
        all.extend(FIXED.map(|(name, bit)| (name.to_owned(), bit)));
        all
    }

    /// Gives each name a bit. One whose name is not wanted any more is given away only if no task has it (`borne`).
    pub(crate) fn name_all(
        &mut self,
        wanted: &BTreeSet<String>,
        borne: u32,
    ) -> Result<(), Failure> {
        for name in wanted {
            if FIXED.iter().any(|(fixed, _)| fixed == name) || self.by_name.contains_key(name) {
                continue;
            }
            let first = u8::try_from(TRUST_NAMED).unwrap_or(8);
            let free = (first..32).find(|bit| self.by_name.values().all(|own| own != bit));
            let bit = if let Some(bit) = free {
                bit
            } else {
                let given_up = self
                    .by_name
                    .iter()
                    .find(|(name, bit)| {
                        !wanted.contains(*name)
                            && !name.starts_with("tap:")
                            && borne >> **bit & 1 == 0
                    })
                    .map(|(name, bit)| (name.clone(), *bit));
                let (old, bit) = given_up.ok_or_else(|| {
                    Failure::usage(anyhow!(
                        "there are {} trust bits for rules and taps, and `{name}` would need one more; take fewer \
                         rules that taint",
                        32 - first
                    ))
                })?;
                self.by_name.remove(&old);
                bit
            };
            self.by_name.insert(name.clone(), bit);
        }
        Ok(())
    }

    /// Writes them down.
    pub(crate) fn write(&self) -> Result<(), Failure> {
        let bytes = serde_json::to_vec(&self.by_name)
            .context("writing JSON")
            .or_exit(Exit::Trouble)?;
        fs::create_dir_all("/run/ambit")
            .and_then(|()| ambit_journal::replace(&path(), &bytes, 0o644))
            .context("writing /run/ambit/sources.json")
            .or_exit(Exit::Trouble)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(of: impl IntoIterator<Item = usize>) -> BTreeSet<String> {
        of.into_iter().map(|n| format!("rule:r{n}")).collect()
    }

    #[test]
    fn a_name_keeps_its_bit_while_others_come_and_go() {
        let mut sources = Sources::default();
        sources.name_all(&names([1, 2]), 0).unwrap();
        let before = sources.all();
        sources.name_all(&names([2, 3]), 0).unwrap();
        assert_eq!(before.get("rule:r2"), sources.all().get("rule:r2"));
        assert_eq!(sources.all().get("operator"), Some(&2));
    }

    #[test]
    fn a_bit_that_a_task_has_is_not_given_to_another_name() {
        let mut sources = Sources::default();
        sources.name_all(&names(0..24), 0).unwrap();
        assert!(sources.clone().name_all(&names([99]), u32::MAX).is_err());
        let borne = !(1 << 10);
        sources.name_all(&names([99]), borne).unwrap();
        assert_eq!(sources.all().get("rule:r99"), Some(&10));
    }
}
