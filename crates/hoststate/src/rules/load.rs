// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Loads, unloads and reloads the active rule set.

use ambit_abi as abi;
use ambit_failpoint::fail_point;
use ambit_policy::compile;
use ambit_sensor::{Kernel, LoadOptions};

use super::description::Description;
use super::link::{check_hooks, compile_for, link};
use crate::error::Error;
use crate::locks::{self, Level, WriteLock};
use crate::rule_files::RuleSet;
use crate::sources::TrustSources;

/// The size of a rule set that was loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadSummary {
    /// Number of rules.
    pub rules: usize,
    /// Number of files.
    pub files: usize,
    /// Number of hooks at which the rules are evaluated.
    pub hooks: usize,
}

/// The result of [`reload`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// No program was attached after the programs of the rules, or no rules are active.
    NotNeeded,
    /// The same rules are active with new programs.
    Done,
}

/// Returns the options for rules, which do not need the programs that decide for domains.
fn options() -> LoadOptions {
    LoadOptions {
        core: false,
        ..LoadOptions::default()
    }
}

/// Makes this set the active one: at all hooks at once, or not at all.
///
/// # Errors
/// The rules do not fit this kernel, or the kernel part cannot be loaded. The old rules then stay active.
pub fn load(set: RuleSet) -> Result<LoadSummary, Error> {
    let kernel = Kernel::attach(&options())?;
    let loaded = locks::write_host_state().and_then(|lock| load_into(&kernel, set, None, &lock));
    if loaded.is_err() {
        // Unload the kernel part if nothing else uses it.
        let _ = kernel.release();
    }
    loaded
}

/// Unloads all rules. Returns true if a set was active. `empty_ring` drops their records that were not read; the caller has the
/// lock of the ring's reader then.
///
/// # Errors
/// The kernel part cannot be changed.
pub fn unload(empty_ring: bool) -> Result<bool, Error> {
    let Some(kernel) = Kernel::open(&options())? else {
        return Ok(false);
    };
    let were_active = {
        let _lock = locks::write_host_state()?;
        let were_active = kernel.unload_rules(empty_ring)?;
        fail_point!("unload-before-forget");
        Description::remove_all_but(0);
        were_active
    };
    kernel.release()?;
    Ok(were_active)
}

/// Loads the active rules again if other programs were attached after theirs: the last attached program runs first, and
/// rules must be evaluated before the map.
///
/// # Errors
/// As for [`load`]. The rules stay active with their old programs.
pub fn reload(kernel: &Kernel) -> Result<Reload, Error> {
    if !kernel.rules_need_reload() {
        return Ok(Reload::NotNeeded);
    }
    // Taken before the description is read: another process may be loading other rules.
    let lock = locks::write_host_state()?;
    let Some(mut active) = Description::read_locked(kernel, lock.as_read())? else {
        return Ok(Reload::NotNeeded);
    };
    let set = RuleSet::parse_active(std::mem::take(&mut active.texts))?;
    load_into(kernel, set, Some(&active), &lock)?;
    Ok(Reload::Done)
}

/// `active` describes the same rules if they are active already.
fn load_into(
    kernel: &Kernel,
    set: RuleSet,
    active: Option<&Description>,
    lock: &WriteLock,
) -> Result<LoadSummary, Error> {
    if set.rules.len() > abi::RULE_MAX {
        return Err(Error::TooManyRules {
            count: set.rules.len(),
            max: abi::RULE_MAX,
        });
    }
    let hooks = Kernel::rule_hooks()?;
    check_hooks(&set.rules, &hooks)?;
    let sources_before = TrustSources::read()?;
    let mut sources = sources_before.clone();
    sources.assign(&compile::sources(&set.rules), kernel.trust_bits_in_use()?)?;
    let compiled = compile_for(&set.rules, &sources, &hooks)?;
    sources.write(lock)?;
    fail_point!("rules-sources-written");
    let summary = LoadSummary {
        rules: set.rules.len(),
        files: set.texts.len(),
        hooks: compiled.hooks.len(),
    };
    let generation_before = kernel.rules_generation()?;
    let linked = link(&set.rules, &compiled, &sources, active.is_some());
    // Called when all programs are loaded and before they are active.
    let describe = |loaded: &_| {
        let _level = Level::KernelPart.enter();
        Description::new(loaded, set.texts, active).write()?;
        fail_point!("rules-description-written");
        Ok(())
    };
    match kernel.load_rules(&linked, describe) {
        Ok(loaded) => {
            fail_point!("rules-loaded");
            Description::remove_all_but(loaded.generation);
            Ok(summary)
        }
        Err(error) => {
            // The old rules are still active: assign the bits that `assign` reclaimed to their names again.
            if kernel
                .rules_generation()
                .is_ok_and(|generation| generation == generation_before)
            {
                let _ = sources_before.write(lock);
            }
            Err(error)
        }
    }
}
