// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Trust sources: assigns trust bits to names. A rule or tap gets a bit when its name is first needed and keeps it.

use std::collections::{BTreeMap, BTreeSet};

use ambit_abi::TRUST_NAMED;
use ambit_event::names::TRUST_SOURCES;
use ambit_files::RunDir;

use crate::error::Error;
use crate::locks::WriteLock;
use crate::paths;

/// The first bit that can be assigned to a name.
const FIRST: u8 = 8;
const _: () = assert!(FIRST as u32 == TRUST_NAMED);

/// The names of trust bits, until the next boot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustSources {
    by_name: BTreeMap<String, u8>,
}

impl TrustSources {
    /// Reads the names with bits of this boot. Needs no lock: the file is replaced as a whole.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn read() -> Result<Self, Error> {
        let Some(run) = RunDir::find()? else {
            return Ok(Self::default());
        };
        match run.read(paths::SOURCES_FILE)? {
            Some(bytes) => serde_json::from_slice(&bytes)
                .map(|by_name| Self { by_name })
                .map_err(|source| Error::Damaged {
                    path: run.path().join(paths::SOURCES_FILE),
                    source,
                }),
            None => Ok(Self::default()),
        }
    }

    /// Writes the file, for other processes.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, _lock: &WriteLock) -> Result<(), Error> {
        let bytes = serde_json::to_vec(&self.by_name).map_err(|source| Error::Encode {
            name: paths::SOURCES_FILE.to_owned(),
            source,
        })?;
        Ok(RunDir::open()?.replace(paths::SOURCES_FILE, &bytes)?)
    }

    /// Returns the names of bits, `bitN` for a bit without a name.
    pub fn names(&self, bits: u32) -> Vec<String> {
        (0..32_u8)
            .filter(|bit| bits >> bit & 1 == 1)
            .map(|bit| self.name(bit))
            .collect()
    }

    /// Returns the name of a bit, `bitN` for a bit without a name.
    pub fn name(&self, bit: u8) -> String {
        self.by_name
            .iter()
            .find(|(_, own)| **own == bit)
            .map_or_else(
                || ambit_event::trust_names(1 << bit).concat(),
                |(name, _)| name.clone(),
            )
    }

    /// Returns true if a bit belongs to a rule.
    pub fn is_of_rule(&self, bit: u8) -> bool {
        self.name(bit).starts_with("rule:")
    }

    /// Returns true if every assignable bit among these has a name.
    pub fn know(&self, bits: u32) -> bool {
        (FIRST..32)
            .filter(|bit| bits >> bit & 1 == 1)
            .all(|bit| self.by_name.values().any(|own| *own == bit))
    }

    /// Returns the bits of names, as [`Self::name`] returns the names.
    ///
    /// # Errors
    /// [`Error::UnknownSource`].
    pub fn bits(&self, names: &[String]) -> Result<u32, Error> {
        names.iter().try_fold(0, |bits, name| {
            (0..32_u8)
                .find(|bit| self.name(*bit) == *name)
                .map(|bit| bits | 1 << bit)
                .ok_or_else(|| Error::UnknownSource(name.clone()))
        })
    }

    /// Returns every name with its bit, including the built-in names.
    pub fn all(&self) -> BTreeMap<String, u8> {
        let mut all = self.by_name.clone();
        let fixed = TRUST_SOURCES
            .iter()
            .filter_map(|(bit, name)| Some(((*name).to_owned(), u8::try_from(*bit).ok()?)));
        all.extend(fixed);
        all
    }

    /// Assigns a bit to each of these names. If no bit is free, a bit is reclaimed from another name if the bit is not
    /// `in_use`. Names of taps keep their bits: programs outside of Ambit have them compiled in.
    ///
    /// # Errors
    /// [`Error::NoFreeTrustBit`].
    pub fn assign(&mut self, names: &BTreeSet<String>, in_use: u32) -> Result<(), Error> {
        for name in names {
            if TRUST_SOURCES.iter().any(|(_, fixed)| fixed == name)
                || self.by_name.contains_key(name)
            {
                continue;
            }
            let free = (FIRST..32).find(|bit| self.by_name.values().all(|own| own != bit));
            let bit = match free {
                Some(bit) => bit,
                None => self
                    .reclaim(names, in_use)
                    .ok_or_else(|| Error::NoFreeTrustBit {
                        name: name.clone(),
                        total: 32 - FIRST,
                    })?,
            };
            self.by_name.insert(name.clone(), bit);
        }
        Ok(())
    }

    /// Removes a name that is not needed and whose bit is not in use. Returns the bit.
    fn reclaim(&mut self, needed: &BTreeSet<String>, in_use: u32) -> Option<u8> {
        let name = self
            .by_name
            .iter()
            .find(|(name, bit)| {
                !needed.contains(*name) && !name.starts_with("tap:") && in_use >> **bit & 1 == 0
            })
            .map(|(name, _)| name.clone())?;
        self.by_name.remove(&name)
    }
}

/// The names of trust bits for a reader of many records: reads the file again only after it was replaced.
#[derive(Debug)]
pub struct CachedSources {
    sources: TrustSources,
    file: Option<FileVersion>,
}

/// Identifies one version of the file: a replacement differs in at least one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileVersion {
    inode: u64,
    changed: (i64, u64),
    length: i64,
}

impl FileVersion {
    /// Returns the file's current version; `None` if there is no file.
    fn now() -> Result<Option<Self>, Error> {
        let Some(run) = RunDir::find()? else {
            return Ok(None);
        };
        let found = run.metadata(paths::SOURCES_FILE)?;
        Ok(found.map(|stat| Self {
            inode: stat.st_ino,
            changed: (stat.st_ctime, stat.st_ctime_nsec),
            length: stat.st_size,
        }))
    }
}

impl CachedSources {
    /// Reads the names.
    ///
    /// # Errors
    /// As for [`TrustSources::read`].
    pub fn read() -> Result<Self, Error> {
        // The version first: if the file is replaced in between, the next refresh reads it again.
        let file = FileVersion::now()?;
        Ok(Self {
            sources: TrustSources::read()?,
            file,
        })
    }

    /// Reads the names again if the file was replaced. Call this once per batch of records.
    ///
    /// # Errors
    /// As for [`TrustSources::read`].
    pub fn refresh(&mut self) -> Result<(), Error> {
        if FileVersion::now()? != self.file {
            *self = Self::read()?;
        }
        Ok(())
    }

    /// Returns the names of bits. Refreshes first if a bit has no name: the file may have been replaced.
    ///
    /// # Errors
    /// As for [`TrustSources::read`].
    pub fn names(&mut self, bits: u32) -> Result<Vec<String>, Error> {
        if !self.sources.know(bits) {
            self.refresh()?;
        }
        Ok(self.sources.names(bits))
    }
}

#[cfg(feature = "kernel")]
mod with_kernel {
    use std::collections::BTreeSet;

    use ambit_sensor::Kernel;

    use super::TrustSources;
    use crate::error::Error;
    use crate::locks::WriteLock;

    impl TrustSources {
        /// Assigns a bit to each of these names and writes the file. A name keeps its bit while a task, a mark or a domain
        /// uses the bit. While rules are active, every name keeps its bit, since rules may set bits at any time.
        /// `kernel` is `None` if no kernel part is loaded.
        ///
        /// # Errors
        /// Reading or writing the names or the kernel part failed; [`Error::NoFreeTrustBit`].
        pub fn reserve(
            mut names: BTreeSet<String>,
            kernel: Option<&Kernel>,
            lock: &WriteLock,
        ) -> Result<Self, Error> {
            let mut sources = Self::read()?;
            let mut in_use = 0;
            if let Some(kernel) = kernel {
                in_use = kernel.trust_bits_in_use()?;
                if kernel.rules_generation()? != 0 {
                    names.extend(sources.all().into_keys());
                }
            }
            sources.assign(&names, in_use)?;
            sources.write(lock)?;
            Ok(sources)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(of: impl IntoIterator<Item = usize>) -> BTreeSet<String> {
        of.into_iter().map(|n| format!("rule:r{n}")).collect()
    }

    #[test]
    fn a_name_keeps_its_bit_while_other_names_change() {
        let mut sources = TrustSources::default();
        sources.assign(&names([1, 2]), 0).unwrap();
        let before = sources.all();
        sources.assign(&names([2, 3]), 0).unwrap();
        assert_eq!(before.get("rule:r2"), sources.all().get("rule:r2"));
        assert_eq!(sources.all().get("operator"), Some(&2));
    }

    #[test]
    fn a_bit_in_use_is_not_given_to_another_name() {
        let mut sources = TrustSources::default();
        sources.assign(&names(0..24), 0).unwrap();
        assert!(matches!(
            sources.clone().assign(&names([99]), u32::MAX),
            Err(Error::NoFreeTrustBit { total: 24, .. })
        ));
        let in_use = !(1 << 10);
        sources.assign(&names([99]), in_use).unwrap();
        assert_eq!(sources.all().get("rule:r99"), Some(&10));
    }

    #[test]
    fn bits_without_a_name_have_a_number_by_which_they_can_be_given() {
        let mut sources = TrustSources::default();
        sources.assign(&names([1]), 0).unwrap();
        assert!(sources.know(1 << 8 | 1) && !sources.know(1 << 9));
        let given = ["operator", "rule:r1", "bit9"].map(str::to_owned);
        assert_eq!(sources.bits(&given).unwrap(), 1 << 2 | 1 << 8 | 1 << 9);
        assert!(sources.bits(&["rule:none".to_owned()]).is_err());
    }
}
