// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The embedded object: which programs it has, and opening, loading, attaching and pinning it.

use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::OnceLock;

use ambit_abi::{self as abi, Config, Coverage, Hook};
use libbpf_rs::{ErrorKind, MapCore, Object, ObjectBuilder, OpenObject};
use zerocopy::IntoBytes;

use crate::error::{Error, io};
use crate::host::CONFIG_MAP;
use crate::log::Capture;
use crate::pins::{self, Pins};

/// The kernel part, as compiled from `bpf/`.
pub const OBJECT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/ambit.bpf.o"));

/// When a program is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Always: it maintains labels, trust and chains.
    Base,
    /// With the first domain.
    Core,
    /// With the first domain of full coverage.
    Full,
    /// With the first domain that has files which are opened for appending.
    Append,
    /// With the first rule for its hook.
    Rules,
    /// When a kind of spread is switched on.
    Spread,
}

const BASE: [&str; 7] = [
    "task_task_alloc",
    "task_exited",
    "task_task_free",
    "exec_begins",
    "exec_committed",
    pins::LAST,
    "lineage_tasks",
];

/// The section of the variables that taps and rules share with every program.
const SHARED: &[u8] = b".bss.shared";

/// A program of the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) part: Part,
    /// None for iterators and tracing programs.
    pub(crate) hook: Option<Hook>,
}

impl Program {
    fn new(name: &OsStr, section: &OsStr) -> Self {
        let name = name.to_string_lossy().into_owned();
        let hook = section.to_str().and_then(hook_of);
        let part = if BASE.contains(&name.as_str()) {
            Part::Base
        } else if name.starts_with("rules_") {
            Part::Rules
        } else if name.starts_with("spread_") {
            Part::Spread
        } else if name.starts_with("append_") {
            Part::Append
        } else if hook.is_some_and(|hook| hook.coverage() == Coverage::Full) {
            Part::Full
        } else {
            Part::Core
        };
        Self { name, part, hook }
    }
}

/// Returns the hook that a section names: `lsm/file_open` and `lsm.s/file_open`.
fn hook_of(section: &str) -> Option<Hook> {
    let name = section
        .strip_prefix("lsm/")
        .or_else(|| section.strip_prefix("lsm.s/"))?;
    Hook::from_name(name)
}

/// Returns all programs of the object, which is opened for this once per process: it does not change.
pub(crate) fn programs() -> Result<&'static [Program], Error> {
    static PROGRAMS: OnceLock<Vec<Program>> = OnceLock::new();
    if let Some(programs) = PROGRAMS.get() {
        return Ok(programs);
    }
    let opened = Opened::new()?;
    let programs = opened
        .object
        .progs()
        .map(|program| Program::new(program.name(), program.section()))
        .collect();
    Ok(PROGRAMS.get_or_init(|| programs))
}

/// Identifies this object. The build script computes it, because the object is large.
pub(crate) const BUILD_ID: u64 =
    u64::from_le_bytes(*include_bytes!(concat!(env!("OUT_DIR"), "/ambit.bpf.id")));

/// libbpf prefixes the section with the object's name, which is an address here.
fn is_config(map: &OsStr) -> bool {
    map.as_encoded_bytes().ends_with(b".rodata")
}

/// Returns the name under which a map is pinned.
fn pin_name(map: &OsStr) -> &OsStr {
    if is_config(map) {
        OsStr::new(CONFIG_MAP)
    } else if map.as_encoded_bytes().ends_with(SHARED) {
        OsStr::new("shared")
    } else {
        map
    }
}

fn load_error(source: libbpf_rs::Error, log: &Capture) -> Error {
    let log = log.text();
    let program = log
        .lines()
        .filter_map(|line| {
            line.strip_prefix("libbpf: prog '")?
                .split_once('\'')
                .map(|(name, _)| name.to_owned())
        })
        .next_back();
    if source.kind() == ErrorKind::PermissionDenied && !log.contains("BEGIN PROG LOAD LOG") {
        return Error::KernelRefuses;
    }
    Error::Load {
        program,
        log,
        source,
    }
}

/// The object before it is loaded.
pub(crate) struct Opened {
    object: OpenObject,
    log: Capture,
}

impl Opened {
    pub(crate) fn new() -> Result<Self, Error> {
        let log = Capture::start();
        match ObjectBuilder::default().open_memory(OBJECT) {
            Ok(object) => Ok(Self { object, log }),
            Err(error) => Err(load_error(error, &log)),
        }
    }

    /// Sets the configuration, and the number of scratch slots that it implies.
    pub(crate) fn configure(&mut self, config: &Config) -> Result<(), Error> {
        for mut map in self.object.maps_mut() {
            let set = if is_config(map.name()) {
                map.set_initial_value(config.as_bytes())
            } else if map.name() == "slots" {
                map.set_max_entries((config.slot_mask + 1) * (abi::SLOT_GROUPS + 1))
            } else {
                Ok(())
            };
            set.map_err(|error| load_error(error, &self.log))?;
        }
        Ok(())
    }

    /// Uses the maps that are pinned in place of new ones.
    pub(crate) fn reuse_maps(&mut self, pins: &Pins) -> Result<(), Error> {
        for mut map in self.object.maps_mut() {
            let path = pins.map(pin_name(map.name()));
            map.reuse_pinned_map(path)
                .map_err(|error| load_error(error, &self.log))?;
        }
        Ok(())
    }

    /// Loads the programs that are wanted, and no others.
    pub(crate) fn load(mut self, wanted: impl Fn(&Program) -> bool) -> Result<Loaded, Error> {
        for mut program in self.object.progs_mut() {
            let load = wanted(&Program::new(program.name(), program.section()));
            program.set_autoload(load);
        }
        match self.object.load() {
            Ok(object) => Ok(Loaded {
                object,
                log: self.log,
            }),
            Err(error) => Err(load_error(error, &self.log)),
        }
    }
}

/// Loads the programs that are wanted, with the maps that are pinned.
pub(crate) fn load_with_pinned_maps(
    pins: &Pins,
    wanted: impl Fn(&Program) -> bool,
) -> Result<Loaded, Error> {
    let mut opened = Opened::new()?;
    opened.reuse_maps(pins)?;
    opened.load(wanted)
}

/// Loads one trivial program. No file of the system tells whether the kernel would refuse it.
pub(crate) fn trial() -> Result<(), Error> {
    let wanted = |program: &Program| {
        program.part != Part::Rules && program.hook == Some(Hook::BprmCredsForExec)
    };
    Opened::new()?.load(wanted).map(drop)
}

/// The object after some of its programs were loaded.
pub(crate) struct Loaded {
    object: Object,
    log: Capture,
}

impl Loaded {
    pub(crate) fn pin_maps(&mut self, pins: &Pins) -> Result<(), Error> {
        for mut map in self.object.maps_mut() {
            let path = pins.map(pin_name(map.name()));
            map.pin(path)
                .map_err(|error| load_error(error, &self.log))?;
        }
        Ok(())
    }

    /// Attaches the loaded programs that are wanted, and pins each link in `dir` under the program's name. Where a hook
    /// refuses its program, `refused` decides whether that is an error.
    fn attach_each(
        &mut self,
        dir: &Path,
        wanted: impl Fn(&Program) -> bool,
        mut refused: impl FnMut(&Program, libbpf_rs::Error) -> Result<(), libbpf_rs::Error>,
    ) -> Result<(), Error> {
        for program in self.object.progs_mut().filter(|program| program.autoload()) {
            let own = Program::new(program.name(), program.section());
            if !wanted(&own) {
                continue;
            }
            let pinned = match program.attach() {
                Ok(mut link) => link.pin(dir.join(&own.name)),
                Err(error) => refused(&own, error),
            };
            pinned.map_err(|error| load_error(error, &self.log))?;
        }
        Ok(())
    }

    /// Attaches the loaded programs that are wanted, and pins their links in `dir`.
    pub(crate) fn attach(
        &mut self,
        dir: &Path,
        wanted: impl Fn(&Program) -> bool,
    ) -> Result<(), Error> {
        self.attach_each(dir, wanted, |_, error| Err(error))
    }

    /// Attaches all loaded programs, and pins their links in `dir`. Returns the hooks that refused their program.
    pub(crate) fn attach_offered(
        &mut self,
        dir: &Path,
    ) -> Result<Vec<(Hook, libbpf_rs::Error)>, Error> {
        let mut all = Vec::new();
        self.attach_each(
            dir,
            |_| true,
            |program, error| match program.hook {
                Some(hook) => {
                    all.push((hook, error));
                    Ok(())
                }
                None => Err(error),
            },
        )?;
        Ok(all)
    }

    /// Pins a mark: a part is complete. It is another pin of the configuration, since only BPF objects can be pinned.
    pub(crate) fn mark(&self, path: &Path) -> Result<(), Error> {
        let mut maps = self.object.maps();
        let config = maps
            .find(|map| is_config(map.name()))
            .ok_or(Error::Layout("no configuration"))?;
        pins::pin(config.as_fd(), path)
    }

    /// The loaded programs that have a hook.
    pub(crate) fn hook_programs(&mut self) -> Result<Vec<(Hook, OwnedFd)>, Error> {
        let mut all = Vec::new();
        for program in self.object.progs_mut().filter(|program| program.autoload()) {
            if let Some(hook) = Program::new(program.name(), program.section()).hook {
                let fd = program.as_fd().try_clone_to_owned();
                all.push((hook, fd.map_err(io("duplicate a program's descriptor"))?));
            }
        }
        Ok(all)
    }
}
