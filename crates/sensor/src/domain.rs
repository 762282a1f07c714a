// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Domains: creates, fills, reads and frees them.

use std::os::fd::{AsRawFd, BorrowedFd};

use ambit_abi::{
    self as abi, Coverage, DomainState, Fp, Hook, Label, Member, Mode, Response, Stat,
};
use ambit_failpoint::fail_point;
use libbpf_rs::{MapHandle, MapType, libbpf_sys};

use crate::error::{Error, io, processes};
use crate::host::Host;
use crate::maps::{Inner, Map, Outer, at_once};
use crate::ring::Ring;
use crate::{clock, locks, tasks};

/// What a domain is created from.
#[derive(Clone, Debug)]
pub struct DomainSpec<'a> {
    /// At most 63 bytes.
    pub name: &'a str,
    /// What to do with operations outside the map.
    pub mode: Mode,
    /// The number of executables in a subject, 1 to 4.
    pub chain: u32,
    /// Mask of `abi::DOMAIN_*`.
    pub flags: u32,
    /// Which hooks decide. The kernel part must have been attached with that coverage.
    pub coverage: Coverage,
    /// By family, the response to an operation outside the map.
    pub outside: [Response; abi::FAMILIES],
    /// By family, the response to untrusted tasks.
    pub gates: [abi::Gate; abi::FAMILIES],
    /// Trust bits that the map names. They must not be assigned to another source while the domain exists.
    pub named: u32,
    /// Keys of the points in the map.
    pub keys: &'a [Fp],
    /// Pages of the automaton (`struct ambit_dfa`), if the map has patterns.
    pub dfa: Option<&'a [u8]>,
    /// Capacity for points, those in `keys` included.
    pub set_capacity: u32,
    /// How many results of patterns may be cached in the set.
    pub cache_max: u64,
    /// Size of the ring: a power of two and a multiple of the page size.
    pub ring_bytes: u32,
    /// True to emit every decided operation, false to emit first occurrences and violations.
    pub record: bool,
}

/// A domain that is loaded.
#[derive(Clone, Debug)]
pub struct DomainInfo {
    /// Its slot.
    pub id: u16,
    /// Its name.
    pub name: String,
    /// Its mode.
    pub mode: Mode,
    /// Which hooks decide.
    pub coverage: Coverage,
    /// True if writes to files that were opened for appending are decided.
    pub append: bool,
    /// Trust bits that its map names.
    pub named: u32,
    /// How many tasks are alive in it.
    pub tasks: i64,
    /// The process that created it.
    pub owner_pid: u32,
    /// True if that process is alive.
    pub owner_alive: bool,
}

/// A domain that this process created.
#[derive(Debug)]
pub struct Domain {
    id: u16,
    serial: u64,
    record: bool,
    set: Map<u64, Member>,
    capacity: u32,
    coverage: Coverage,
    labels: Map<i32, Label>,
    domains: Map<u32, abi::Domain>,
    states: Map<u32, DomainState>,
    stats: Map<u32, Stat>,
    ring: MapHandle,
    outer: [Outer; 6],
    namesakes: Vec<u32>,
}

/// Writes the map's points into the domain's set.
fn fill(set: &Map<u64, Member>, keys: &[Fp]) -> Result<(), Error> {
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
        let keys: Vec<u64> = chunk.iter().map(|key| key.lo).collect();
        let member = |key: &&Fp| Member {
            hi: key.hi,
            origin: abi::ORIGIN_LOADED,
            hits: abi::HITS_MAX,
        };
        let members: Vec<Member> = chunk.iter().map(member).collect();
        set.write_all(&keys, &members, "load the map's points")?;
    }
    Ok(())
}

/// Creates and loads the map of an automaton's pages.
fn automaton(dfa: &[u8]) -> Result<MapHandle, Error> {
    let pages = u32::try_from(dfa.len() / abi::DFA_PAGE_SIZE).unwrap_or(u32::MAX);
    let map = Inner {
        map_type: MapType::Array,
        name: "ambit_dfa",
        key_bytes: 4,
        value_bytes: abi::DFA_PAGE_SIZE,
        max_entries: pages,
        flags: libbpf_sys::BPF_F_INNER_MAP,
    }
    .create("create the domain's automaton")?;
    let map = Outer::of(map);
    for (number, page) in (0..pages).zip(dfa.chunks_exact(abi::DFA_PAGE_SIZE)) {
        map.write_bytes(&number, page, "load the domain's automaton")?;
    }
    MapHandle::try_from(map.handle()).map_err(crate::error::bpf("load the domain's automaton"))
}

fn responses(table: [Response; abi::FAMILIES]) -> [u8; abi::FAMILIES] {
    table.map(|r| r as u8)
}

/// Returns the domains that are loaded.
pub(crate) fn list(host: &Host) -> Result<Vec<DomainInfo>, Error> {
    let domains = host.domains()?;
    let states = host.domain_states()?;
    let mut found = Vec::new();
    for id in 1..u16::try_from(abi::DOMAINS).unwrap_or(u16::MAX) {
        let settings = domains.read(&id.into(), "read a domain")?;
        let mode = Mode::try_from(settings.mode).unwrap_or(Mode::Free);
        if mode == Mode::Free {
            continue;
        }
        let state = states.read(&id.into(), "read a domain's state")?;
        let name = settings.name.split(|&byte| byte == 0).next();
        found.push(DomainInfo {
            id,
            name: String::from_utf8_lossy(name.unwrap_or_default()).into_owned(),
            mode,
            coverage: if settings.flags & abi::DOMAIN_FULL == 0 {
                Coverage::Core
            } else {
                Coverage::Full
            },
            append: settings.flags & abi::DOMAIN_APPEND != 0,
            named: settings.named,
            tasks: state.tasks,
            owner_pid: settings.owner_pid,
            owner_alive: clock::start_time(settings.owner_pid) == Some(settings.owner_start),
        });
    }
    Ok(found)
}

/// The settings that the kernel part reads.
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
        owner_start: clock::start_time(owner_pid).unwrap_or(0),
        serial: clock::boot_ns(),
        cache_max: spec.cache_max,
        outside: responses(spec.outside),
        gates: spec.gates,
        named: spec.named,
        pad: 0,
        name,
    }
}

/// Returns an error if the domain cannot be created, or else a free slot, and the processes that an earlier domain of the same
/// name has left behind. They do not keep the name: a workload could prevent that its service starts again.
fn free_slot(host: &Host, spec: &DomainSpec<'_>) -> Result<(u16, Vec<u32>), Error> {
    let taken = list(host)?;
    let mut left = Vec::new();
    for other in taken.iter().filter(|domain| domain.name == spec.name) {
        let members = tasks::members(host, other.id).unwrap_or_default();
        if other.owner_alive {
            return Err(Error::DomainExists {
                name: spec.name.to_owned(),
                pids: members.into_iter().collect(),
            });
        }
        left.extend(members);
    }
    let last = u16::try_from(abi::DOMAINS).unwrap_or(u16::MAX);
    let id = (1..last)
        .find(|id| taken.iter().all(|domain| domain.id != *id))
        .ok_or(Error::TooManyDomains(abi::DOMAINS - 1))?;
    if spec.keys.len() > usize::try_from(spec.set_capacity).unwrap_or(usize::MAX) {
        return Err(Error::SetTooSmall {
            points: spec.keys.len(),
            capacity: spec.set_capacity,
        });
    }
    Ok((id, left))
}

/// Creates a domain. The caller has `locks::change`.
pub(crate) fn create(host: &Host, spec: &DomainSpec<'_>) -> Result<Domain, Error> {
    let (id, namesakes) = free_slot(host, spec)?;
    let set = Inner {
        map_type: MapType::Hash,
        name: "ambit_set",
        key_bytes: size_of::<u64>(),
        value_bytes: size_of::<Member>(),
        max_entries: spec.set_capacity.max(1),
        flags: libbpf_sys::BPF_F_NO_PREALLOC,
    }
    .create("create the domain's set")?;
    let set = Map::of(set);
    fill(&set, spec.keys)?;
    let ring = Inner {
        map_type: MapType::RingBuf,
        name: "ambit_ring",
        key_bytes: 0,
        value_bytes: 0,
        max_entries: spec.ring_bytes,
        flags: 0,
    }
    .create("create the domain's ring buffer")?;
    let shortcut = Inner {
        map_type: MapType::Array,
        name: "ambit_shortcut",
        key_bytes: 4,
        value_bytes: abi::SHORTCUT_SIZE,
        max_entries: 1,
        flags: 0,
    }
    .create("create the domain's shortcut")?;
    let automaton = spec.dfa.map(automaton).transpose()?;
    let slots = Inner {
        map_type: MapType::Array,
        name: "ambit_slots",
        key_bytes: 4,
        value_bytes: host.slot_bytes()?,
        max_entries: host.config().slot_mask + 1,
        flags: libbpf_sys::BPF_F_INNER_MAP,
    }
    .create("create the domain's scratch slots")?;
    let repeats = Inner {
        map_type: MapType::LruHash,
        name: "ambit_repeats",
        key_bytes: size_of::<Fp>() + size_of::<u64>(),
        value_bytes: 4,
        max_entries: abi::REPEATS,
        flags: 0,
    }
    .create("create the domain's table of repetitions")?;
    let outer = host.domain_maps()?;
    let inner = [
        Some(set.handle()),
        Some(&ring),
        Some(&shortcut),
        automaton.as_ref(),
        Some(&slots),
        Some(&repeats),
    ];
    let put: Vec<(&Outer, &MapHandle)> = outer
        .iter()
        .zip(inner)
        .filter_map(|(outer, inner)| Some((outer, inner?)))
        .collect();
    at_once(&put, |(outer, inner)| {
        outer.put(id.into(), inner, "put a map into its slot")
    })?;

    fail_point!("domain-maps-in-slot");
    let settings = settings(spec);
    let domain = Domain {
        id,
        serial: settings.serial,
        record: spec.record,
        set,
        capacity: spec.set_capacity.max(1),
        coverage: spec.coverage,
        labels: host.labels()?,
        domains: host.domains()?,
        states: host.domain_states()?,
        stats: host.stats()?,
        ring,
        outer,
        namesakes,
    };
    for &hook in Hook::ALL {
        let zero = Stat::default();
        domain
            .stats
            .write_each_cpu(&stat_index(id, hook), &zero, "reset the counters")?;
    }
    domain.states.write(
        &id.into(),
        &DomainState::default(),
        "reset the domain's state",
    )?;
    domain
        .domains
        .write(&id.into(), &settings, "write the domain's settings")?;
    fail_point!("domain-created");
    Ok(domain)
}

fn stat_index(id: u16, hook: Hook) -> u32 {
    u32::from(id) * u32::try_from(abi::HOOKS).unwrap_or(0) + hook as u32
}

/// Frees a slot in which no task is left. The caller has `locks::change`.
pub(crate) fn free(host: &Host, id: u16) -> Result<(), Error> {
    release(&host.domains()?, &host.domain_maps()?, id)
}

fn release(domains: &Map<u32, abi::Domain>, outer: &[Outer], id: u16) -> Result<(), Error> {
    let empty = [0_u8; size_of::<abi::Domain>()];
    domains.write_bytes(&id.into(), &empty, "free the domain's slot")?;
    fail_point!("domain-slot-free");
    at_once(outer, |map| {
        map.delete(&id.into(), "free the domain's maps")
    })
}

impl Domain {
    /// The slot.
    pub fn id(&self) -> u16 {
        self.id
    }

    /// Returns what the operator should know, if an earlier domain of the same name has left processes behind.
    pub fn notice(&self) -> Option<String> {
        if self.namesakes.is_empty() {
            return None;
        }
        Some(format!(
            "an earlier run of this domain has left tasks behind{}; they stay confined by its map, and their violations are not stored any more",
            processes(&self.namesakes)
        ))
    }

    /// Labels a process that has one thread and has not executed the workload yet; its next exec starts the workload. Until
    /// then, and for that exec, its subject is `subject`.
    ///
    /// # Errors
    /// The kernel refused the label.
    pub fn label(&self, pidfd: BorrowedFd<'_>, subject: Fp) -> Result<(), Error> {
        let state = self.state()?;
        let counted = DomainState {
            tasks: state.tasks + 1,
            ..state
        };
        self.states
            .write(&self.id.into(), &counted, "count the first task")?;
        let record = if self.record { abi::LABEL_RECORD } else { 0 };
        let full = match self.coverage {
            Coverage::Core => 0,
            Coverage::Full => abi::LABEL_FULL,
        };
        let label = Label {
            domain: self.id,
            serial: self.serial,
            flags: abi::LABEL_LAUNCHING | abi::LABEL_DELIVERED | record | full,
            subject,
            ..Label::default()
        };
        self.labels
            .write(&pidfd.as_raw_fd(), &label, "label the first task")
    }

    /// Returns the number of tasks, of points and so on.
    ///
    /// # Errors
    /// Reading the map failed.
    pub fn state(&self) -> Result<DomainState, Error> {
        self.states.read(&self.id.into(), "read the domain's state")
    }

    /// Returns the counters by hook, summed over CPUs, of the hooks that evaluated or emitted something.
    ///
    /// # Errors
    /// Reading the map failed.
    pub fn stats(&self) -> Result<Vec<(Hook, Stat)>, Error> {
        let mut all = Vec::new();
        for &hook in Hook::ALL {
            let mut sum = Stat::default();
            let index = stat_index(self.id, hook);
            for one in self.stats.read_each_cpu(&index, "read the counters")? {
                add(&mut sum, &one);
            }
            if sum.evaluated > 0 || sum.emitted > 0 {
                all.push((hook, sum));
            }
        }
        Ok(all)
    }

    /// Returns the learned points, and how often each was seen, its first occurrence included; see `abi::Member`. Keys of
    /// described names and subjects are among them.
    ///
    /// # Errors
    /// Reading the set failed.
    pub fn hits(&self) -> Result<Vec<(Fp, u32)>, Error> {
        /// Room for the keys of names and subjects.
        const DESCRIPTIONS: u64 = 65_536;
        let count = self.state()?.points.saturating_add(DESCRIPTIONS);
        let count = u32::try_from(count).unwrap_or(u32::MAX).min(self.capacity);
        let entries = self.set.entries(count, "read the domain's set")?;
        Ok(entries
            .into_iter()
            .filter(|(_, member)| member.origin == abi::ORIGIN_LEARNED)
            .map(|(lo, member)| (Fp { lo, hi: member.hi }, member.hits))
            .collect())
    }

    /// Returns a reader of the domain's ring.
    ///
    /// # Errors
    /// Mapping the ring failed.
    pub fn ring(&self) -> Result<Ring, Error> {
        Ring::new(&self.ring)
    }

    /// True as long as the slot belongs to this domain: another process may have freed it.
    pub fn is_current(&self) -> bool {
        self.domains
            .read(&self.id.into(), "read the domain's settings")
            .is_ok_and(|found| {
                found.mode != u32::from(Mode::Free as u8) && found.serial == self.serial
            })
    }

    /// Frees the slot. The domain must have no task.
    ///
    /// # Errors
    /// Writing the maps failed.
    pub fn close(&self) -> Result<(), Error> {
        let _lock = locks::change()?;
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
