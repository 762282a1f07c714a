// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The facade: everything that can be done with the kernel part, loaded now or found pinned.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;

use ambit_abi::{self as abi, Coverage, Hook, REQUEST_CLEAR, REQUEST_SET, RuleCount, Spread};

use crate::domain::{self, Domain, DomainInfo, DomainSpec};
use crate::error::Error;
use crate::full::{self, LeftOut};
use crate::host::Host;
use crate::options::LoadOptions;
use crate::pins::Pins;
use crate::ring::Ring;
use crate::rules::{self, Rules, RulesLoaded};
use crate::spread::{self, SpreadState};
use crate::tasks::{self, TaskInfo};
use crate::{append, base, bpffs, facts, locks, object, preemption};

/// The loaded kernel part.
#[derive(Debug)]
pub struct Kernel {
    host: Host,
    user: Option<File>,
    left_out: Vec<LeftOut>,
    displaced: Option<PathBuf>,
    rules_need_reload: bool,
}

/// Loads what `options` ask for and is not loaded. Returns the hooks that were left out, and whether rules must be
/// loaded again so that they run before the new programs.
fn extend(options: &LoadOptions, pins: &Pins) -> Result<(Vec<LeftOut>, bool), Error> {
    let mut extended = options.core && base::extend_core(options, pins)?;
    let mut left_out = Vec::new();
    if options.full {
        extended |= !pins.has_full();
        left_out = full::extend(options, pins)?;
    }
    Ok((left_out, extended && pins.has_rules()))
}

/// Removes a kernel part of another build, if nothing uses it.
fn remove_other_version(host: &Host) -> Result<(), Error> {
    let domains: Vec<String> = collect_garbage(host)?
        .into_iter()
        .map(|domain| domain.name)
        .collect();
    if rules::generation(host)? != 0 {
        return Err(Error::OtherVersionHasRules);
    }
    if host.pins().has_spread() {
        return Err(Error::OtherVersionSpreads);
    }
    if !domains.is_empty() {
        return Err(Error::OtherVersion { domains });
    }
    host.pins().remove_all()
}

/// Frees the domains that nothing uses any more. Returns those that are left. The caller has `locks::change`.
fn collect_garbage(host: &Host) -> Result<Vec<DomainInfo>, Error> {
    let mut left = Vec::new();
    for info in domain::list(host)? {
        // The count of tasks may be too high. Another build's tasks cannot be listed: then the count decides.
        let deserted = || tasks::members(host, info.id).is_ok_and(|members| members.is_empty());
        if info.owner_alive || (info.tasks > 0 && !deserted()) {
            left.push(info);
        } else {
            domain::free(host, info.id)?;
        }
    }
    Ok(left)
}

impl Kernel {
    /// Uses the kernel part that is pinned. Loads, attaches and pins it first if it is not.
    ///
    /// # Errors
    /// Everything that [`Error`] has about privileges, the kernel and the object.
    pub fn attach(options: &LoadOptions) -> Result<Self, Error> {
        facts::privileges()?;
        let _lock = locks::change()?;
        let user = Some(locks::user()?);
        let pins = Pins::new(&options.pin_dir);
        let displaced = bpffs::clear_way(&options.pin_dir)?;
        if let Some(host) = Host::open(&options.pin_dir)? {
            if host.config().build == object::BUILD_ID {
                // An earlier version let everybody list it.
                bpffs::create(&options.pin_dir)?;
                let (left_out, rules_need_reload) = extend(options, &pins)?;
                return Ok(Self {
                    host,
                    user,
                    left_out,
                    displaced,
                    rules_need_reload,
                });
            }
            remove_other_version(&host)?;
        }
        facts::requirements()?;
        preemption::require_labels()?;
        // A loader that was killed may have left some pins.
        pins.remove_all()?;
        bpffs::create(&options.pin_dir)?;
        base::load(options, &pins)?;
        let (left_out, _) = extend(options, &pins)?;
        let host = Host::open(&options.pin_dir)?
            .ok_or(Error::Layout("it was pinned but cannot be found"))?;
        Ok(Self {
            host,
            user,
            left_out,
            displaced,
            rules_need_reload: false,
        })
    }

    /// Returns the kernel part if it is loaded, and none otherwise.
    ///
    /// # Errors
    /// [`Error::Privileges`] if this process may not read the pins, [`Error::Layout`] if they do not belong to a kernel
    /// part.
    pub fn open(options: &LoadOptions) -> Result<Option<Self>, Error> {
        let host = Host::open(&options.pin_dir).or_else(|error| {
            // Permission denied is an error, not "not loaded".
            facts::privileges().and(Err(error))
        })?;
        Ok(host.map(|host| Self {
            host,
            user: None,
            left_out: Vec::new(),
            displaced: None,
            rules_need_reload: false,
        }))
    }

    /// The descriptor whose lock marks the kernel part as used by this process. A process that is forked from this one
    /// and must not keep it in use closes its copy.
    pub fn user_lock(&self) -> Option<BorrowedFd<'_>> {
        self.user.as_ref().map(File::as_fd)
    }

    /// Returns what the operator should know: the hooks of full coverage whose program this kernel refused, and what another user
    /// had created in place of the pin directory.
    pub fn notices(&self) -> Vec<String> {
        let displaced = self.displaced.iter().map(|path| {
            format!(
                "another user had created the directory of Ambit's pins; it was renamed to {}",
                path.display()
            )
        });
        let left_out = self
            .left_out
            .iter()
            .map(|left| format!("not decided on this kernel: {left}"));
        displaced.chain(left_out).collect()
    }

    /// True if programs were attached after the programs of the loaded rules. Load the rules again, with [`Rules::renew`], so that
    /// they are evaluated first.
    pub fn rules_need_reload(&self) -> bool {
        self.rules_need_reload
    }

    /// The key of all fingerprints.
    pub fn secret(&self) -> [u8; 16] {
        let config = self.host.config();
        zerocopy::transmute!([config.key0, config.key1])
    }

    /// The first and the last of the host's ephemeral ports.
    pub fn ephemeral_ports(&self) -> (u16, u16) {
        let config = self.host.config();
        (config.port_low, config.port_high)
    }

    /// Creates a domain with its set of points, its automaton and its ring.
    ///
    /// # Errors
    /// [`Error::DomainExists`], [`Error::TooManyDomains`], [`Error::SetTooSmall`].
    pub fn create_domain(&self, spec: &DomainSpec<'_>) -> Result<Domain, Error> {
        let _lock = locks::change()?;
        collect_garbage(&self.host)?;
        if spec.flags & abi::DOMAIN_APPEND != 0 {
            append::extend(self.host.pins())?;
        }
        domain::create(&self.host, spec)
    }

    /// Returns the domains that are loaded.
    ///
    /// # Errors
    /// Reading the maps failed.
    pub fn domains(&self) -> Result<Vec<DomainInfo>, Error> {
        domain::list(&self.host)
    }

    /// Returns all tasks that have a label or lost trust.
    ///
    /// # Errors
    /// Running the iterator failed.
    pub fn tasks(&self) -> Result<Vec<TaskInfo>, Error> {
        tasks::list(&self.host)
    }

    /// Returns the trust bits that a task has, that a file or descriptor is marked with, or that a domain's map names.
    /// None of them may be assigned to another source.
    ///
    /// # Errors
    /// Reading the maps or running the iterator failed.
    pub fn trust_bits_in_use(&self) -> Result<u32, Error> {
        let tasks = self.tasks()?.into_iter().fold(0, |bits, task| {
            bits | task.label.trust | task.trust.map_or(0, |trust| trust.bits)
        });
        let named = self
            .domains()?
            .iter()
            .fold(0, |bits, domain| bits | domain.named);
        Ok(tasks | named | spread::marked(&self.host)?)
    }

    /// Sets trust bits of a process, with a label or without, for that many seconds or for ever. Returns how many threads
    /// it has.
    ///
    /// # Errors
    /// [`Error::NoSuchProcess`].
    pub fn set_trust(&self, pid: u32, bits: u32, seconds: Option<u32>) -> Result<usize, Error> {
        tasks::change(&self.host, pid, REQUEST_SET, bits, seconds.unwrap_or(0))
    }

    /// Clears trust bits of a process, pending reports of taps included. Returns how many threads it has.
    ///
    /// # Errors
    /// [`Error::NoSuchProcess`].
    pub fn clear_trust(&self, pid: u32, bits: u32) -> Result<usize, Error> {
        tasks::change(&self.host, pid, REQUEST_CLEAR, bits, 0)
    }

    /// Removes what nothing uses: dead domains, and the kernel part if no domain is left. Returns true if the kernel part
    /// was removed.
    ///
    /// # Errors
    /// Removing a pin failed.
    pub fn release(self) -> Result<bool, Error> {
        let _lock = locks::change()?;
        let left = collect_garbage(&self.host)?;
        // Others may have attached and not created their domain yet. The last of them removes the kernel part.
        drop(self.user);
        if !locks::no_users()? {
            return Ok(false);
        }
        let pins = self.host.pins();
        if !left.is_empty() {
            if left.iter().all(|domain| domain.coverage == Coverage::Core) {
                full::cut(pins)?;
            }
            if left.iter().all(|domain| !domain.append) {
                append::cut(pins)?;
            }
            return Ok(false);
        }
        if pins.has_rules() || pins.has_spread() {
            full::cut(pins)?;
            append::cut(pins)?;
            base::cut_core(pins)?;
            return Ok(false);
        }
        pins.remove_all()?;
        Ok(true)
    }

    /// Returns the hooks at which this kernel can evaluate rules.
    ///
    /// # Errors
    /// [`Error::NoBtf`].
    pub fn rule_hooks() -> Result<Vec<Hook>, Error> {
        rules::hooks()
    }

    /// Replaces the active rules by these, at once for all hooks. Calls `ready` after everything is in place and before the
    /// set becomes active.
    ///
    /// # Errors
    /// [`Error::Rules`], [`Error::NoRuleHook`], [`Error::TooManyAutomata`], and the error of `ready`. After any of these,
    /// the rules from before are still active.
    pub fn load_rules<E: From<Error>>(
        &self,
        rules: &Rules,
        ready: impl FnOnce(&RulesLoaded) -> Result<(), E>,
    ) -> Result<RulesLoaded, E> {
        rules::load(&self.host, rules, ready)
    }

    /// Ends all rules. Returns true if there were some. `empty_ring` drops the records in the ring, which would take the place
    /// of the next set's; the caller must be the ring's reader then.
    ///
    /// # Errors
    /// Removing a pin failed.
    pub fn unload_rules(&self, empty_ring: bool) -> Result<bool, Error> {
        rules::unload(&self.host, empty_ring)
    }

    /// Returns the generation of the active set of rules; 0 if no rules are loaded.
    ///
    /// # Errors
    /// Reading the map failed.
    pub fn rules_generation(&self) -> Result<u64, Error> {
        rules::generation(&self.host)
    }

    /// Returns how often each of the first `count` rules of the active set matched.
    ///
    /// # Errors
    /// Reading the map failed.
    pub fn rule_counts(&self, count: usize) -> Result<Vec<RuleCount>, Error> {
        rules::counts(&self.host, count)
    }

    /// Returns by hook how often rules could not be evaluated since the kernel part was loaded. Hooks without a
    /// failure are left out.
    ///
    /// # Errors
    /// Reading the map failed.
    pub fn rule_failures(&self) -> Result<Vec<(Hook, u64)>, Error> {
        rules::failures(&self.host)
    }

    /// Returns a reader of the records of rules. There is one ring on the host, which must have one reader at a time.
    ///
    /// # Errors
    /// Mapping the ring failed.
    pub fn rule_ring(&self) -> Result<Ring, Error> {
        rules::ring(&self.host)
    }

    /// Switches a kind of spread on. Returns true if it was off.
    ///
    /// # Errors
    /// [`Error::Load`] if the kernel has none of the functions that the kind needs, or refuses a program.
    pub fn spread_on(&self, kind: Spread) -> Result<bool, Error> {
        spread::switch_on(&self.host, kind)
    }

    /// Switches a kind of spread off and deletes its marks. Returns true if it was on.
    ///
    /// # Errors
    /// Removing a pin failed.
    pub fn spread_off(&self, kind: Spread) -> Result<bool, Error> {
        spread::switch_off(&self.host, kind)
    }

    /// Replaces the names of interpreters: programs that execute the files they read, which matters to kind `file`. The
    /// names are compared with the names of executables up to the first digit, dot or dash. `many` are programs with many names (multi-call
    /// binaries), which are interpreters only when they were invoked by a name in `one`.
    ///
    /// # Errors
    /// [`Error::Bpf`] for more than `INTERPRETERS` of them.
    pub fn set_interpreters(&self, one: &[String], many: &[String]) -> Result<(), Error> {
        spread::set_interpreters(&self.host, one, many)
    }

    /// Returns the names that [`Kernel::set_interpreters`] got, sorted, and cut to the length that programs compare.
    ///
    /// # Errors
    /// Opening the map failed.
    pub fn interpreters(&self) -> Result<Vec<String>, Error> {
        spread::interpreters(&self.host)
    }

    /// Returns the state of each kind of spread that can be switched.
    ///
    /// # Errors
    /// Reading a map or a pin failed.
    pub fn spread(&self) -> Result<Vec<SpreadState>, Error> {
        spread::states(&self.host)
    }
}
