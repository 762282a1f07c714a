// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The handle on the kernel part, loaded now or found pinned.

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;

use ambit_abi::{Config, Coverage, Hook};
use libbpf_rs::{MapCore, MapFlags, MapHandle};
use rustix::fs::{FlockOperation, flock};
use zerocopy::FromBytes;

use crate::error::{Error, bpf, io};
use crate::full::LeftOut;
use crate::{
    Domain, DomainInfo, DomainSpec, TaskInfo, domain, full, load, probe, rules, spread, tasks,
};

pub(crate) const CONFIG_MAP: &str = "config";
const LOCK: &str = "/run/ambit.lock";
/// Locked shared by each process that may yet make a domain, so that nobody unpins what it is about to use.
const USERS: &str = "/run/ambit.users";

/// Where and how to load.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// A directory of the BPF file system.
    pub pin_dir: PathBuf,
    /// Hooks that may be missing.
    pub allow_missing: Vec<Hook>,
    /// Say more in errors.
    pub verbose: bool,
    /// Load the programs that decide for domains; without, only labels, trust and chains are kept.
    pub core: bool,
    /// Load the programs of full coverage, too.
    pub full: bool,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            pin_dir: "/sys/fs/bpf/ambit".into(),
            allow_missing: Vec::new(),
            verbose: false,
            core: true,
            full: false,
        }
    }
}

/// The loaded kernel part.
#[derive(Debug)]
pub struct Kernel {
    pub(crate) options: LoadOptions,
    config: Config,
    user: Option<File>,
    left_out: Vec<LeftOut>,
    outrun: bool,
}

/// Held while something is made, changed or removed; released when dropped.
pub(crate) struct Lock {
    _file: File,
}

pub(crate) fn lock() -> Result<Lock, Error> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(LOCK)
        .map_err(io("open /run/ambit.lock"))?;
    flock(&file, FlockOperation::LockExclusive)
        .map_err(|e| io("lock /run/ambit.lock")(e.into()))?;
    Ok(Lock { _file: file })
}

fn use_kernel_part() -> Result<File, Error> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(USERS)
        .map_err(io("open /run/ambit.users"))?;
    flock(&file, FlockOperation::LockShared).map_err(|e| io("lock /run/ambit.users")(e.into()))?;
    Ok(file)
}

/// Loads what is asked for and not there: what is left out, and whether rules have to be renewed to run before it.
fn extend(options: &LoadOptions) -> Result<(Vec<LeftOut>, bool), Error> {
    let mut news = options.core && load::extend_core(options)?;
    let mut left_out = Vec::new();
    if options.full {
        news |= !full::is_there(options);
        left_out = full::extend(options)?;
    }
    Ok((left_out, news && rules::are_pinned(options)))
}

impl Kernel {
    /// Use the kernel part that is pinned, or load, attach and pin it.
    ///
    /// # Errors
    /// Everything that [`Error`] names about privileges, the kernel and the object.
    pub fn attach(options: &LoadOptions) -> Result<Self, Error> {
        probe::privileges()?;
        let _lock = lock()?;
        let user = use_kernel_part()?;
        if let Some(kernel) = Self::open(options)? {
            if kernel.config.build == load::build_id() {
                let (left_out, outrun) = extend(options)?;
                return Ok(Self {
                    user: Some(user),
                    left_out,
                    outrun,
                    ..kernel
                });
            }
            let names: Vec<String> = kernel
                .collect_garbage()?
                .into_iter()
                .map(|d| d.name)
                .collect();
            if rules::generation(&kernel)? != 0 {
                return Err(Error::OtherVersionHasRules);
            }
            if spread::is_pinned(options) {
                return Err(Error::OtherVersionSpreads);
            }
            if !names.is_empty() {
                return Err(Error::OtherVersion(names.join(", ")));
            }
            load::remove(&options.pin_dir)?;
        }
        probe::requirements()?;
        // What a killed loader left half-way.
        load::remove(&options.pin_dir)?;
        load::load(options)?;
        let (left_out, _) = extend(options)?;
        let kernel =
            Self::open(options)?.ok_or(Error::Layout("it was pinned but cannot be found"))?;
        Ok(Self {
            user: Some(user),
            left_out,
            ..kernel
        })
    }

    /// The kernel part, if it is loaded.
    ///
    /// # Errors
    /// [`Error::Privileges`] if that can't be seen for want of them, [`Error::Layout`] if the pins are not those of a
    /// kernel part.
    pub fn open(options: &LoadOptions) -> Result<Option<Self>, Error> {
        // Pinned last of all: whoever sees it sees a whole kernel part.
        let last = options.pin_dir.join("links").join(load::LAST);
        match last.try_exists() {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            // Whoever may not look is not told that nothing is there.
            Err(source) => {
                probe::privileges()?;
                return Err(Error::PinDirectory { path: last, source });
            }
        }
        let path = options.pin_dir.join("maps").join(CONFIG_MAP);
        let map =
            MapHandle::from_pinned_path(path).map_err(bpf("open the loaded configuration"))?;
        let value = map
            .lookup(&0_u32.to_ne_bytes(), MapFlags::ANY)
            .map_err(bpf("read the loaded configuration"))?
            .ok_or(Error::Layout("no configuration"))?;
        let (config, _) = Config::read_from_prefix(&value)
            .map_err(|_| Error::Layout("the configuration is too short"))?;
        Ok(Some(Self {
            options: options.clone(),
            config,
            user: None,
            left_out: Vec::new(),
            outrun: false,
        }))
    }

    /// The descriptor whose lock marks the kernel part as used by this process. A process that is forked from this one
    /// and must not keep it in use closes its copy.
    pub fn user_lock(&self) -> Option<BorrowedFd<'_>> {
        self.user.as_ref().map(File::as_fd)
    }

    pub(crate) fn map(&self, name: &str) -> Result<MapHandle, Error> {
        MapHandle::from_pinned_path(self.options.pin_dir.join("maps").join(OsStr::new(name)))
            .map_err(bpf("open a pinned map"))
    }

    /// The hooks of full coverage that the kernel has and refuses to have decided.
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// Whether programs were attached after those of the rules that are loaded: rules have to be loaded once more, with
    /// programs of their own, so that they are asked first.
    pub fn rules_outrun(&self) -> bool {
        self.outrun
    }

    /// The key of all fingerprints.
    pub fn secret(&self) -> [u8; 16] {
        zerocopy::transmute!([self.config.key0, self.config.key1])
    }

    /// The host's ephemeral ports, both ends included.
    pub fn ephemeral_ports(&self) -> (u16, u16) {
        (self.config.port_low, self.config.port_high)
    }

    /// Make a domain with its set of points, its automaton and its ring.
    ///
    /// # Errors
    /// [`Error::DomainExists`], [`Error::TooManyDomains`], [`Error::SetTooSmall`].
    pub fn create_domain(&self, spec: &DomainSpec<'_>) -> Result<Domain, Error> {
        let _lock = lock()?;
        self.collect_garbage()?;
        domain::create(self, spec)
    }

    /// The domains that are loaded.
    ///
    /// # Errors
    /// Reading the maps failed.
    pub fn domains(&self) -> Result<Vec<DomainInfo>, Error> {
        domain::list(self)
    }

    /// All labelled tasks.
    ///
    /// # Errors
    /// Running the iterator failed.
    pub fn tasks(&self) -> Result<Vec<TaskInfo>, Error> {
        tasks::list(self)
    }

    /// The trust bits that some task has, that is marked on a file or descriptor, or that a domain's map names: nobody
    /// else may be given one of them.
    ///
    /// # Errors
    /// Reading the maps or running the iterator failed.
    pub fn borne_trust(&self) -> Result<u32, Error> {
        let tasks = self.tasks()?.into_iter().fold(0, |bits, task| {
            bits | task.label.trust | task.trust.map_or(0, |trust| trust.bits)
        });
        let named = self
            .domains()?
            .iter()
            .fold(0, |bits, domain| bits | domain.named);
        Ok(tasks | named | spread::marked(self)?)
    }

    /// Set trust bits of a process, labelled or not, for so many seconds or for ever: how many threads it has.
    ///
    /// # Errors
    /// [`Error::NoSuchProcess`].
    pub fn set_trust(&self, pid: u32, bits: u32, seconds: Option<u32>) -> Result<usize, Error> {
        tasks::change(self, pid, ambit_abi::ASK_SET, bits, seconds.unwrap_or(0))
    }

    /// Clear trust bits of a process: how many threads it has. With all bits, what taps have said of it and was not
    /// taken in yet goes as well.
    ///
    /// # Errors
    /// [`Error::NoSuchProcess`].
    pub fn clear_trust(&self, pid: u32, bits: u32) -> Result<usize, Error> {
        tasks::change(self, pid, ambit_abi::ASK_CLEAR, bits, 0)
    }

    /// Remove domains that nobody uses any more: the ones that are left. Its caller holds the lock.
    fn collect_garbage(&self) -> Result<Vec<DomainInfo>, Error> {
        let mut left = Vec::new();
        for info in self.domains()? {
            // Who is there counts, where that can be told: not of another build.
            let deserted =
                || tasks::members_locked(self, info.id).is_ok_and(|members| members.is_empty());
            let used = info.owner_alive || (info.tasks > 0 && !deserted());
            if used {
                left.push(info);
            } else {
                domain::free(self, info.id)?;
            }
        }
        Ok(left)
    }

    /// Remove what nobody uses: dead domains, and everything if no domain is left (then true).
    ///
    /// # Errors
    /// Removing a pin failed.
    pub fn release(self) -> Result<bool, Error> {
        let _lock = lock()?;
        let left = self.collect_garbage()?;
        // Others attached and have yet to make their domain; whoever is last removes.
        drop(self.user);
        let users = use_kernel_part()?;
        if flock(&users, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Ok(false);
        }
        let dir = &self.options.pin_dir;
        let kept = rules::are_pinned(&self.options) || spread::is_pinned(&self.options);
        if left.is_empty() && kept {
            full::cut_back(dir)?;
            load::cut_core(dir)?;
            return Ok(false);
        }
        if !left.is_empty() {
            if left.iter().all(|domain| domain.coverage == Coverage::Core) {
                full::cut_back(dir)?;
            }
            return Ok(false);
        }
        load::remove(dir)?;
        Ok(true)
    }
}
