// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Domains: made, filled, read and freed.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use ambit_abi::{
    self as abi, Coverage, DomainState, Fp, Hook, Label, Member, Mode, Response, Stat,
};
use ambit_failpoint::fail_point;
use libbpf_rs::{MapCore, MapFlags, MapHandle, MapType, libbpf_sys};
use zerocopy::{FromBytes, IntoBytes};

use crate::error::{Error, bpf, io};
use crate::{Kernel, Ring, probe, tasks};

/// What a domain is made of.
#[derive(Clone, Debug)]
pub struct DomainSpec<'a> {
    /// At most 63 bytes.
    pub name: &'a str,
    /// What to do outside the map.
    pub mode: Mode,
    /// Executables in a subject, 1 to 4.
    pub chain: u32,
    /// Mask of `abi::DOMAIN_*`.
    pub flags: u32,
    /// How much is decided; the kernel part must have been attached for it.
    pub coverage: Coverage,
    /// By family, the response outside the map.
    pub outside: [Response; abi::FAMILIES],
    /// By family, what is done about untrusted tasks.
    pub gates: [abi::Gate; abi::FAMILIES],
    /// Trust bits that the map names, which nobody else may be given.
    pub named: u32,
    /// Keys of the points that the domain may do.
    pub keys: &'a [Fp],
    /// Pages of the automaton (`struct ambit_dfa`), where the map has patterns.
    pub dfa: Option<&'a [u8]>,
    /// Room for points, those in `keys` included.
    pub set_capacity: u32,
    /// How many pattern results may be kept in the set.
    pub cache_max: u64,
    /// Size of the ring: a power of two and a multiple of the page size.
    pub ring_bytes: u32,
    /// Whether every decided operation is handed over, not first occurrences and violations only.
    pub record: bool,
}

/// A domain as found in the kernel.
#[derive(Clone, Debug)]
pub struct DomainInfo {
    /// Its slot.
    pub id: u16,
    /// Its name.
    pub name: String,
    /// Its mode.
    pub mode: Mode,
    /// How much is decided.
    pub coverage: Coverage,
    /// Trust bits that its map names.
    pub named: u32,
    /// Tasks alive in it.
    pub tasks: i64,
    /// Who made it.
    pub owner_pid: u32,
    /// Whether that process still runs.
    pub owner_alive: bool,
}

/// A domain that this process made.
#[derive(Debug)]
pub struct Domain {
    id: u16,
    serial: u64,
    record: bool,
    set: MapHandle,
    capacity: u32,
    coverage: Coverage,
    labels: MapHandle,
    domains: MapHandle,
    states: MapHandle,
    stats: MapHandle,
    ring: MapHandle,
    outer: [MapHandle; OUTER.len()],
}

/// Maps that hold a map for each domain.
const OUTER: [&str; 4] = ["sets", "rings", "shortcuts", "automata"];

fn outer_maps(kernel: &Kernel) -> Result<[MapHandle; OUTER.len()], Error> {
    let [sets, rings, shortcuts, automata] = OUTER;
    Ok([
        kernel.map(sets)?,
        kernel.map(rings)?,
        kernel.map(shortcuts)?,
        kernel.map(automata)?,
    ])
}

fn lookup<T: FromBytes>(map: &MapHandle, id: u16, doing: &'static str) -> Result<T, Error> {
    let value = map
        .lookup(&u32::from(id).to_ne_bytes(), MapFlags::ANY)
        .map_err(bpf(doing))?
        .ok_or(Error::Layout("a slot is missing"))?;
    T::read_from_bytes(&value).map_err(|_| Error::Layout("a value has another size"))
}

fn update(map: &MapHandle, id: u16, value: &[u8], doing: &'static str) -> Result<(), Error> {
    map.update(&u32::from(id).to_ne_bytes(), value, MapFlags::ANY)
        .map_err(bpf(doing))
}

pub(crate) fn inner(
    map_type: MapType,
    name: &str,
    sizes: (usize, usize),
    max_entries: u32,
    flags: u32,
    doing: &'static str,
) -> Result<MapHandle, Error> {
    let opts = libbpf_sys::bpf_map_create_opts {
        sz: size_of::<libbpf_sys::bpf_map_create_opts>() as libbpf_sys::size_t,
        map_flags: flags,
        ..Default::default()
    };
    let size = |n| u32::try_from(n).unwrap_or(u32::MAX);
    MapHandle::create(
        map_type,
        Some(name),
        size(sizes.0),
        size(sizes.1),
        max_entries,
        &opts,
    )
    .map_err(bpf(doing))
}

fn fill(set: &MapHandle, keys: &[Fp]) -> Result<(), Error> {
    const BATCH: usize = 4096;
    let mut sorted: Vec<&Fp> = keys.iter().collect();
    sorted.sort_unstable_by_key(|key| (key.lo, key.hi));
    sorted.dedup();
    if sorted
        .windows(2)
        .any(|pair| matches!(pair, [a, b] if a.lo == b.lo))
    {
        return Err(Error::SameKey);
    }
    for chunk in sorted.chunks(BATCH) {
        let first: Vec<u64> = chunk.iter().map(|key| key.lo).collect();
        let member = |key: &&Fp| Member {
            hi: key.hi,
            origin: abi::ORIGIN_LOADED,
            hits: abi::HITS_MAX,
        };
        let rest: Vec<Member> = chunk.iter().map(member).collect();
        let count = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
        set.update_batch(
            first.as_bytes(),
            rest.as_bytes(),
            count,
            MapFlags::ANY,
            MapFlags::ANY,
        )
        .map_err(bpf("load the map's points"))?;
    }
    Ok(())
}

/// An automaton's pages.
fn automaton(dfa: &[u8]) -> Result<MapHandle, Error> {
    let pages = u32::try_from(dfa.len() / abi::DFA_PAGE_SIZE).unwrap_or(u32::MAX);
    let map = inner(
        MapType::Array,
        "ambit_dfa",
        (4, abi::DFA_PAGE_SIZE),
        pages,
        libbpf_sys::BPF_F_INNER_MAP,
        "make the domain's automaton",
    )?;
    for (number, page) in (0..pages).zip(dfa.chunks_exact(abi::DFA_PAGE_SIZE)) {
        map.update(&number.to_ne_bytes(), page, MapFlags::ANY)
            .map_err(bpf("load the domain's automaton"))?;
    }
    Ok(map)
}

/// The boot clock in nanoseconds: no slot is used twice within one.
pub(crate) fn serial() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let (seconds, nanoseconds) = (now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs());
    seconds * 1_000_000_000 + nanoseconds
}

fn responses(table: [Response; abi::FAMILIES]) -> [u8; abi::FAMILIES] {
    table.map(|r| r as u8)
}

pub(crate) fn list(kernel: &Kernel) -> Result<Vec<DomainInfo>, Error> {
    let domains = kernel.map("domains")?;
    let states = kernel.map("domain_states")?;
    let mut found = Vec::new();
    for id in 1..u16::try_from(abi::DOMAINS).unwrap_or(u16::MAX) {
        let d: abi::Domain = lookup(&domains, id, "read a domain")?;
        let mode = Mode::try_from(d.mode).unwrap_or(Mode::Free);
        if mode == Mode::Free {
            continue;
        }
        let state: DomainState = lookup(&states, id, "read a domain's state")?;
        let name = d.name.split(|&b| b == 0).next().unwrap_or_default();
        found.push(DomainInfo {
            id,
            name: String::from_utf8_lossy(name).into_owned(),
            mode,
            coverage: if d.flags & abi::DOMAIN_FULL == 0 {
                Coverage::Core
            } else {
                Coverage::Full
            },
            named: d.named,
            tasks: state.tasks,
            owner_pid: d.owner_pid,
            owner_alive: probe::start_time(d.owner_pid) == Some(d.owner_start),
        });
    }
    Ok(found)
}

/// What the kernel part reads of a domain.
fn settings(spec: &DomainSpec<'_>) -> abi::Domain {
    let mut name = [0; abi::NAME_MAX];
    for (to, from) in name
        .iter_mut()
        .take(abi::NAME_MAX - 1)
        .zip(spec.name.bytes())
    {
        *to = from;
    }
    let owner_pid = std::process::id();
    abi::Domain {
        mode: u32::from(spec.mode as u8),
        flags: spec.flags
            | if spec.dfa.is_some() {
                abi::DOMAIN_PATTERNS
            } else {
                0
            }
            | match spec.coverage {
                Coverage::Core => 0,
                Coverage::Full => abi::DOMAIN_FULL,
            },
        chain: spec.chain,
        owner_pid,
        owner_start: probe::start_time(owner_pid).unwrap_or(0),
        serial: serial(),
        cache_max: spec.cache_max,
        outside: responses(spec.outside),
        gates: spec.gates,
        named: spec.named,
        pad: 0,
        name,
    }
}

pub(crate) fn create(kernel: &Kernel, spec: &DomainSpec<'_>) -> Result<Domain, Error> {
    let taken = list(kernel)?;
    if let Some(other) = taken.iter().find(|d| d.name == spec.name) {
        return Err(Error::DomainExists {
            name: spec.name.to_owned(),
            pids: tasks::members_locked(kernel, other.id)
                .unwrap_or_default()
                .into_iter()
                .collect(),
        });
    }
    let last = u16::try_from(abi::DOMAINS).unwrap_or(u16::MAX);
    let id = (1..last)
        .find(|id| taken.iter().all(|d| d.id != *id))
        .ok_or(Error::TooManyDomains(abi::DOMAINS - 1))?;
    if spec.keys.len() > usize::try_from(spec.set_capacity).unwrap_or(usize::MAX) {
        return Err(Error::SetTooSmall {
            points: spec.keys.len(),
            capacity: spec.set_capacity,
        });
    }

    let no_prealloc = libbpf_sys::BPF_F_NO_PREALLOC;
    let set = inner(
        MapType::Hash,
        "ambit_set",
        (size_of::<u64>(), size_of::<Member>()),
        spec.set_capacity.max(1),
        no_prealloc,
        "make the domain's set",
    )?;
    fill(&set, spec.keys)?;
    let ring = inner(
        MapType::RingBuf,
        "ambit_ring",
        (0, 0),
        spec.ring_bytes,
        0,
        "make the domain's ring buffer",
    )?;
    let shortcut = inner(
        MapType::Array,
        "ambit_shortcut",
        (4, abi::SHORTCUT_SIZE),
        1,
        0,
        "make the domain's shortcut",
    )?;
    let outer = outer_maps(kernel)?;
    let put = |outer: &MapHandle, inner: &MapHandle| {
        update(
            outer,
            id,
            &inner.as_fd().as_raw_fd().to_ne_bytes(),
            "put a map into its slot",
        )
    };
    put(&outer[0], &set)?;
    put(&outer[1], &ring)?;
    put(&outer[2], &shortcut)?;
    if let Some(dfa) = spec.dfa {
        put(&outer[3], &automaton(dfa)?)?;
    }

    fail_point!("domain-maps-in-slot");
    let settings = settings(spec);
    let domain = Domain {
        id,
        serial: settings.serial,
        record: spec.record,
        set,
        capacity: spec.set_capacity.max(1),
        coverage: spec.coverage,
        labels: kernel.map("labels")?,
        domains: kernel.map("domains")?,
        states: kernel.map("domain_states")?,
        stats: kernel.map("stats")?,
        ring,
        outer,
    };
    clear_stats(&domain.stats, id)?;
    update(
        &domain.states,
        id,
        DomainState::default().as_bytes(),
        "reset the domain's state",
    )?;
    update(
        &domain.domains,
        id,
        settings.as_bytes(),
        "write the domain's settings",
    )?;
    fail_point!("domain-created");
    Ok(domain)
}

fn stat_index(id: u16, hook: Hook) -> [u8; 4] {
    (u32::from(id) * u32::try_from(abi::HOOKS).unwrap_or(0) + hook as u32).to_ne_bytes()
}

fn clear_stats(stats: &MapHandle, id: u16) -> Result<(), Error> {
    let cpus = libbpf_rs::num_possible_cpus().map_err(bpf("count CPUs"))?;
    let zero = vec![Stat::default().as_bytes().to_vec(); cpus];
    for hook in Hook::ALL {
        stats
            .update_percpu(&stat_index(id, *hook), &zero, MapFlags::ANY)
            .map_err(bpf("reset the counters"))?;
    }
    Ok(())
}

/// Free a slot: no task carries its label any more.
pub(crate) fn free(kernel: &Kernel, id: u16) -> Result<(), Error> {
    release(&kernel.map("domains")?, &outer_maps(kernel)?, id)
}

fn release(domains: &MapHandle, outer: &[MapHandle; OUTER.len()], id: u16) -> Result<(), Error> {
    let empty = vec![0_u8; size_of::<abi::Domain>()];
    update(domains, id, &empty, "free the domain's slot")?;
    fail_point!("domain-slot-free");
    for map in outer {
        match map.delete(&u32::from(id).to_ne_bytes()) {
            Err(e) if e.kind() != libbpf_rs::ErrorKind::NotFound => {
                return Err(bpf("free the domain's maps")(e));
            }
            _ => {}
        }
    }
    Ok(())
}

impl Domain {
    /// The slot.
    pub fn id(&self) -> u16 {
        self.id
    }

    /// Label a process of one thread that has not run anything of the workload yet; its next exec starts it. What it
    /// does until then, that exec included, is done by `subject`.
    ///
    /// # Errors
    /// The kernel refused the label.
    pub fn label(&self, pidfd: BorrowedFd<'_>, subject: Fp) -> Result<(), Error> {
        let state: DomainState = self.state()?;
        let counted = DomainState {
            tasks: state.tasks + 1,
            ..state
        };
        update(
            &self.states,
            self.id,
            counted.as_bytes(),
            "count the first task",
        )?;
        let record = if self.record { abi::LABEL_RECORD } else { 0 };
        let full = match self.coverage {
            Coverage::Core => 0,
            Coverage::Full => abi::LABEL_FULL,
        };
        let label = Label {
            domain: self.id,
            flags: abi::LABEL_LAUNCHING | abi::LABEL_DELIVERED | record | full,
            subject,
            ..Label::default()
        };
        self.labels
            .update(
                &pidfd.as_raw_fd().to_ne_bytes(),
                label.as_bytes(),
                MapFlags::ANY,
            )
            .map_err(bpf("label the first task"))
    }

    /// Tasks alive, points learned and so on.
    ///
    /// # Errors
    /// Reading the map failed.
    pub fn state(&self) -> Result<DomainState, Error> {
        lookup(&self.states, self.id, "read the domain's state")
    }

    /// Counters by hook, summed over CPUs, of the hooks that were asked.
    ///
    /// # Errors
    /// Reading the map failed.
    pub fn stats(&self) -> Result<Vec<(Hook, Stat)>, Error> {
        let mut all = Vec::new();
        for &hook in Hook::ALL {
            let Some(per_cpu) = self
                .stats
                .lookup_percpu(&stat_index(self.id, hook), MapFlags::ANY)
                .map_err(bpf("read the counters"))?
            else {
                continue;
            };
            let mut sum = Stat::default();
            for bytes in &per_cpu {
                let one = Stat::read_from_bytes(bytes)
                    .map_err(|_| Error::Layout("a counter has another size"))?;
                add(&mut sum, &one);
            }
            if sum.evaluated > 0 || sum.emitted > 0 {
                all.push((hook, sum));
            }
        }
        Ok(all)
    }

    /// How often each point that was learned has been met since, its first occurrence included; see `abi::Member`.
    /// Names and subjects that were described are among them.
    ///
    /// # Errors
    /// Reading the set failed.
    pub fn hits(&self) -> Result<Vec<(Fp, u32)>, Error> {
        /// Beside the points: names and subjects.
        const DESCRIPTIONS: u64 = 65_536;
        let mut all = Vec::new();
        // In one batch: the library takes a batch that the kernel did not fill for the last one.
        let count = self.state()?.points.saturating_add(DESCRIPTIONS);
        let batches = self
            .set
            .lookup_batch(
                u32::try_from(count).unwrap_or(u32::MAX).min(self.capacity),
                MapFlags::ANY,
                MapFlags::ANY,
            )
            .map_err(bpf("read the domain's set"))?;
        for (key, value) in batches {
            let lo = u64::read_from_bytes(&key)
                .map_err(|_| Error::Layout("a set's key has another size"))?;
            let member = Member::read_from_bytes(&value)
                .map_err(|_| Error::Layout("a set's value has another size"))?;
            if member.origin == abi::ORIGIN_LEARNED {
                all.push((Fp { lo, hi: member.hi }, member.hits));
            }
        }
        Ok(all)
    }

    /// The reader of the domain's ring.
    ///
    /// # Errors
    /// Mapping the ring failed.
    pub fn ring(&self) -> Result<Ring, Error> {
        Ring::new(&self.ring)
    }

    /// Whether the slot is this domain's still: false once somebody has freed it.
    pub fn is_current(&self) -> bool {
        lookup(&self.domains, self.id, "read the domain's settings").is_ok_and(
            |found: abi::Domain| {
                found.mode != u32::from(Mode::Free as u8) && found.serial == self.serial
            },
        )
    }

    /// Free the slot, once no task is left in the domain.
    ///
    /// # Errors
    /// Writing the maps failed.
    pub fn close(&self) -> Result<(), Error> {
        let _lock = crate::kernel::lock()?;
        if !self.is_current() {
            return Ok(());
        }
        if self.state()?.tasks > 0 {
            return Err(io("free a domain that has tasks")(
                std::io::ErrorKind::ResourceBusy.into(),
            ));
        }
        release(&self.domains, &self.outer, self.id)
    }
}

fn add(sum: &mut Stat, one: &Stat) {
    sum.evaluated += one.evaluated;
    sum.matched += one.matched;
    sum.learned += one.learned;
    sum.violations += one.violations;
    sum.gated += one.gated;
    sum.emitted += one.emitted;
    sum.lost += one.lost;
    sum.suppressed += one.suppressed;
    sum.unrecorded += one.unrecorded;
    for (to, from) in sum.skipped.iter_mut().zip(one.skipped) {
        *to += from;
    }
}
