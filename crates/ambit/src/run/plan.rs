// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Checks the command line and the map before anything is loaded.

use std::fs;
use std::path::{Path, PathBuf};

use ambit_abi::{Coverage, Mode};
use ambit_files::Target;
use ambit_model::{Map, Version};
use ambit_session::Command;
use anyhow::anyhow;

use super::Args;
use crate::exit::Failure;
use crate::map;
use crate::out::shown;

/// The coverage of new maps without --coverage.
const NEW_MAPS: Coverage = Coverage::Full;

/// A run that can begin.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) mode: Mode,
    pub(super) domain: String,
    /// Learning: the map as it was before. Otherwise: the map to enforce or to audit.
    pub(super) map: Map,
    /// Learning: the text of that map; empty if it is new.
    pub(super) text: String,
    /// The file of the map, which learning may create.
    pub(super) path: PathBuf,
    /// Learning: the same file, in a directory that is held until the map is written.
    pub(super) target: Option<Target>,
    /// The file of the counters.
    pub(super) counters: Option<Target>,
    /// Learning: true if the map existed.
    pub(super) existed: bool,
    pub(super) command: Command,
}

impl Plan {
    pub(super) fn new(args: &Args) -> Result<Self, Failure> {
        let path_variable = std::env::var_os("PATH");
        let find = || Command::find(args.command.clone(), path_variable.as_deref());
        match (&args.output, &args.map) {
            (Some(output), None) => Self::learning(args, output, find()?),
            (None, Some(map)) => Self::with_map(args, map, find()?),
            _ => Err(Failure::usage(anyhow!(
                "choose a mode: `--learn -o MAP`, `-m MAP` (audit) or `-m MAP --enforce`"
            ))),
        }
    }

    fn learning(args: &Args, path: &Path, command: Command) -> Result<Self, Failure> {
        let target = map::target(path, "map")?;
        let (before, text) = map::read_if_there(&target)?.unzip();
        if before.as_ref().is_some_and(|map| map.sealed.is_some()) {
            return Err(Failure::usage(anyhow!(
                "{0} is sealed, and learning would change it; learn into another file, or remove its line `sealed:` first",
                shown(path)
            )));
        }
        let existed = before.is_some();
        let mut map = before.unwrap_or_else(|| {
            let domain = args.domain.clone().unwrap_or_else(|| command.domain());
            let mut map = Map::new(domain);
            map.version = Version::Two;
            map.chain = args.chain.unwrap_or(map.chain);
            map.coverage = args.coverage.unwrap_or(NEW_MAPS);
            map
        });
        if let Some(chain) = args.chain.filter(|chain| *chain != map.chain) {
            return Err(Failure::usage(anyhow!(
                "{} was learned with `chain: {}`; learn into another file to use --chain {chain}",
                shown(path),
                map.chain
            )));
        }
        if let Some(coverage) = args.coverage.filter(|coverage| *coverage != map.coverage) {
            return Err(Failure::usage(anyhow!(
                "{} was learned with `coverage: {}`; learn into another file to use --coverage {coverage}",
                shown(path),
                map.coverage
            )));
        }
        map.normalise();
        Ok(Self {
            mode: Mode::Learn,
            domain: args.domain.clone().unwrap_or_else(|| map.domain.clone()),
            map,
            text: text.unwrap_or_default(),
            path: path.to_owned(),
            target: Some(target),
            counters: counters(args)?,
            existed,
            command,
        })
    }

    fn with_map(args: &Args, path: &Path, command: Command) -> Result<Self, Failure> {
        let map = map::read_reporting(path, true)?;
        if let Some(missed) = map.incomplete
            && args.enforce
            && !args.allow_incomplete
        {
            return Err(Failure::usage(anyhow!(
                "{0} is incomplete: learning has missed {missed} operations, which enforcing would refuse; `ambit map status {0}` \
                 tells why; learn again into a new file, or give --allow-incomplete",
                shown(path)
            )));
        }
        if map.is_seal_broken() && args.enforce {
            return Err(Failure::usage(anyhow!(
                "{0} was changed since it was sealed; check it and seal it again (`ambit map seal {0}`), or remove its line \
                 `sealed:`",
                shown(path)
            )));
        }
        Ok(Self {
            mode: if args.enforce {
                Mode::Enforce
            } else {
                Mode::Audit
            },
            domain: args.domain.clone().unwrap_or_else(|| map.domain.clone()),
            map,
            text: String::new(),
            path: fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()),
            target: None,
            counters: counters(args)?,
            existed: true,
            command,
        })
    }
}

/// Holds the directory of the counters' file.
fn counters(args: &Args) -> Result<Option<Target>, Failure> {
    let path = args.stats.as_deref();
    path.map(|path| map::target(path, "counters to"))
        .transpose()
}
