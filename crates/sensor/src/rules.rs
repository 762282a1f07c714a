// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Rules: loading what they were compiled to, and exchanging it for what holds.
//!
//! A set of rules has half of each map, by the parity of its generation. All of a new set is in place, in the half that
//! nobody reads, before one write makes it the set that holds; what the kernel refuses changes nothing.

use std::collections::BTreeSet;
use std::ffi::{CStr, OsStr};
use std::fs;
use std::io;
use std::mem::offset_of;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ambit_abi::{self as abi, Hook, RuleCount, RuleHook, RuleSet, RuleState, Shared};
use ambit_failpoint::fail_point;
use libbpf_rs::btf::Btf;
use libbpf_rs::btf::types::Func;
use libbpf_rs::{Iter, Link, MapCore, MapFlags, MapHandle, MapType, libbpf_sys};
use zerocopy::{FromBytes, IntoBytes};

use crate::error::{Error, bpf, io as io_error};
use crate::kernel::{Kernel, LoadOptions, lock};
use crate::load::{self, Part, entries, gone, load_over, pin_fd};
use crate::words::Words;
use crate::{Ring, domain};

/// Below the pin directory: the links of the rules' programs.
const LINKS: &str = "rules";
/// Functions that a set replaces, by the parity of its generation.
const FUNCTIONS: [&str; 2] = ["rules_a", "rules_b"];
/// Those that know from less.
const QUICK: [&str; 2] = ["quick_a", "quick_b"];
/// Those that are asked before the object is put together.
const EARLY: [&str; 2] = ["early_a", "early_b"];
/// Words of a rule's count.
const COUNT_WORDS: usize = size_of::<RuleCount>() / size_of::<u64>();
/// The kernel's name of a set's programs, and what they are licensed under, as the kernel wants to know.
const NAME: &CStr = c"ambit_rules";
const LICENSE: &CStr = c"GPL";
/// How long to wait for the kernel to let go of what was replaced two sets ago.
const PATIENCE: Duration = Duration::from_secs(20);

/// The rules of a hook, compiled.
#[derive(Clone, Debug)]
pub struct RuleProgram {
    /// The hook.
    pub hook: Hook,
    /// Instructions of a function from `struct ambit_facts *` to a mask of actions, as `struct bpf_insn`.
    pub instructions: Vec<u64>,
    /// From less, to a mask of the texts that rules need which might apply; none where `settings` say so.
    pub quick: Option<Vec<u64>>,
    /// Before the object is put together; none where `settings` say so.
    pub early: Option<Vec<u64>>,
    /// What its bits stand for, and what it reads; where its automata are is filled in here.
    pub settings: RuleHook,
    /// Automata of the object (`struct ambit_rule_automaton`).
    pub automata: Vec<Vec<u8>>,
}

/// Automata of a text that all hooks share.
#[derive(Clone, Debug)]
pub struct RuleText {
    /// `abi::RULE_TEXT_*`.
    pub text: usize,
    /// `struct ambit_rule_automaton`.
    pub automata: Vec<Vec<u8>>,
}

/// A set of rules, compiled.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// By hook.
    pub programs: Vec<RuleProgram>,
    /// By text.
    pub texts: Vec<RuleText>,
    /// How many rules there are.
    pub count: usize,
    /// Load the programs of all hooks anew, so that they are asked before any other.
    pub renew: bool,
}

/// What loading made.
#[derive(Clone, Debug)]
pub struct RulesLoaded {
    /// The set's number.
    pub generation: u64,
    /// By hook, the instructions that the verifier looked at; none where this kernel does not tell.
    pub verified: Vec<(Hook, u32)>,
}

/// Whether programs of rules are attached.
pub(crate) fn are_pinned(options: &LoadOptions) -> bool {
    entries(&options.pin_dir.join(LINKS)).is_ok_and(|links| !links.is_empty())
}

/// The number of the set that holds; 0 for none.
pub(crate) fn generation(kernel: &Kernel) -> Result<u64, Error> {
    let state: RuleState = read(&kernel.map("rule_states")?, 0, "read which rules hold")?;
    Ok(state.generation)
}

fn read<T: FromBytes>(map: &MapHandle, at: u32, doing: &'static str) -> Result<T, Error> {
    let value = map
        .lookup(&at.to_ne_bytes(), MapFlags::ANY)
        .map_err(bpf(doing))?
        .ok_or(Error::Layout("a value is missing"))?;
    T::read_from_bytes(&value).map_err(|_| Error::Layout("a value has another size"))
}

fn write(map: &MapHandle, at: u32, value: &[u8], doing: &'static str) -> Result<(), Error> {
    map.update(&at.to_ne_bytes(), value, MapFlags::ANY)
        .map_err(bpf(doing))
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The program of the rules for a hook: its name in the object.
fn program_name(hook: Hook) -> Result<String, Error> {
    let object = load::open()?;
    object
        .progs()
        .find(|program| {
            load::part_of(program.name(), program.section()) == Part::Rules
                && program.section().to_str().and_then(load::hook_of) == Some(hook)
        })
        .map(|program| program.name().to_string_lossy().into_owned())
        .ok_or(Error::NoRuleHook(hook))
}

/// A program that asks the rules, and the link that keeps it attached.
struct Asker {
    hook: Hook,
    program: OwnedFd,
    /// There once it is attached, which is once its rules are in place.
    pin: PathBuf,
}

impl Kernel {
    /// The hooks that rules can be asked at on this kernel.
    ///
    /// # Errors
    /// [`Error::NoBtf`].
    pub fn rule_hooks() -> Result<Vec<Hook>, Error> {
        let object = load::open()?;
        let asked: BTreeSet<Hook> = object
            .progs()
            .filter(|program| load::part_of(program.name(), program.section()) == Part::Rules)
            .filter_map(|program| program.section().to_str().and_then(load::hook_of))
            .collect();
        Ok(load::hooks_offered()?
            .into_iter()
            .filter(|(hook, offered)| *offered && asked.contains(hook))
            .map(|(hook, _)| hook)
            .collect())
    }

    /// Exchanges the rules that hold for these, at once for all hooks. `ready` is called when all is in place, before they
    /// hold.
    ///
    /// # Errors
    /// [`Error::Rules`], [`Error::NoRuleHook`], [`Error::TooManyAutomata`], and what `ready` says; then the rules from
    /// before still hold.
    pub fn load_rules<E: From<Error>>(
        &self,
        rules: &Rules,
        ready: impl FnOnce(&RulesLoaded) -> Result<(), E>,
    ) -> Result<RulesLoaded, E> {
        let _lock = lock()?;
        let before_it = generation(self)?;
        let next = self.next_generation(before_it)?;
        self.keep_chains()?;
        self.fill(rules, next)?;
        fail_point!("rules-filled");
        let askers = self.askers(rules)?;
        let directory = self.options.pin_dir.join(LINKS);
        fs::create_dir_all(&directory).map_err(|source| Error::PinDirectory {
            path: directory.clone(),
            source,
        })?;
        let before: BTreeSet<PathBuf> = entries(&directory)?
            .iter()
            .map(fs::DirEntry::path)
            .filter(|path| belongs_to(path, before_it))
            .collect();
        // Of one who was killed while loading rules; it would be in the place of these.
        self.let_go(&before)?;
        let in_place = Self::place(rules, next, &askers, &directory)
            .map_err(E::from)
            .and_then(|(pins, loaded)| ready(&loaded).map(|()| (pins, loaded)));
        let (pins, loaded) = match in_place {
            Ok(placed) => placed,
            Err(error) => {
                let _ = self.let_go(&before);
                return Err(error);
            }
        };
        fail_point!("rules-before-activate");
        let state = RuleState { generation: next };
        write(
            &self.map("rule_states")?,
            0,
            state.as_bytes(),
            "make the rules hold",
        )?;
        fail_point!("rules-after-activate");
        // Who began with the old set must not find it gone.
        self.let_pass()?;
        if rules.renew && before_it != 0 {
            self.carry_counts(before_it, next, rules.count)?;
        }
        fail_point!("rules-before-unpin");
        let keep: BTreeSet<PathBuf> = pins
            .into_iter()
            .chain(askers.into_iter().map(|asker| asker.pin))
            .collect();
        self.let_go(&keep)?;
        Ok(loaded)
    }

    /// Puts the programs of a set in the place of the functions of its half. Answers their pins as well.
    fn place(
        rules: &Rules,
        next: u64,
        askers: &[Asker],
        directory: &Path,
    ) -> Result<(Vec<PathBuf>, RulesLoaded), Error> {
        let mut verified = Vec::new();
        let mut pins = Vec::new();
        for program in &rules.programs {
            let Some(asker) = askers.iter().find(|asker| asker.hook == program.hook) else {
                return Err(Error::NoRuleHook(program.hook));
            };
            let odd = usize::from(next & 1 == 1);
            let parts = [
                (Some(&program.instructions), FUNCTIONS[odd], "rules"),
                (program.quick.as_ref(), QUICK[odd], "quick"),
                (program.early.as_ref(), EARLY[odd], "early"),
            ];
            for (instructions, function, name) in parts {
                let Some(instructions) = instructions else {
                    continue;
                };
                let replacement = Replacement::load(asker, instructions, function)?;
                if name == "rules" {
                    verified.extend(replacement.verified.map(|count| (program.hook, count)));
                }
                let pin = directory.join(format!("{name}-{}-{next}", program.hook.name()));
                replacement.pin(&pin)?;
                pins.push(pin);
            }
        }
        fail_point!("rules-programs-pinned");
        Self::attach_askers(askers)?;
        fail_point!("rules-programs-attached");
        let loaded = RulesLoaded {
            generation: next,
            verified,
        };
        Ok((pins, loaded))
    }

    /// Ends all rules: true if there were some.
    ///
    /// # Errors
    /// Removing a pin failed.
    pub fn unload_rules(&self) -> Result<bool, Error> {
        let _lock = lock()?;
        let held = generation(self)? != 0;
        write(
            &self.map("rule_states")?,
            0,
            RuleState::default().as_bytes(),
            "end the rules",
        )?;
        fail_point!("unload-deactivated");
        // Nobody will ask for what they recorded, and it would be in the way of others' records.
        let mut ring = self.rule_ring()?;
        while ring.consume(&mut |_| {})? > 0 {}
        self.let_go(&BTreeSet::new())?;
        fail_point!("unload-unpinned");
        gone(fs::remove_dir(self.options.pin_dir.join(LINKS)))?;
        self.share_chains(0)?;
        Ok(held)
    }

    /// The number of the set of rules that holds; 0 for none.
    ///
    /// # Errors
    /// Reading the map failed.
    pub fn rules_generation(&self) -> Result<u64, Error> {
        generation(self)
    }

    /// How often each of the first `count` rules of the set that holds has applied.
    ///
    /// # Errors
    /// Reading the map failed.
    pub fn rule_counts(&self, count: usize) -> Result<Vec<RuleCount>, Error> {
        let half = generation(self)? & 1;
        let map = self.map("rule_counts")?;
        (0..count.min(abi::RULE_MAX))
            .map(|rule| {
                let at = half * abi::RULE_MAX as u64 + rule as u64;
                read(
                    &map,
                    u32::try_from(at).unwrap_or(0),
                    "read how often rules applied",
                )
            })
            .collect()
    }

    /// How often rules could not be asked, by hook, since the kernel part was loaded.
    ///
    /// # Errors
    /// Reading the map failed.
    pub fn rule_failures(&self) -> Result<Vec<(Hook, u64)>, Error> {
        let map = self.map("rule_failures")?;
        let mut all = Vec::new();
        for &hook in Hook::ALL {
            let count: u64 = read(&map, hook as u32, "read how often rules could not be asked")?;
            if count > 0 {
                all.push((hook, count));
            }
        }
        Ok(all)
    }

    /// The reader of the records of rules. There is one ring, which is read by one process at a time.
    ///
    /// # Errors
    /// Mapping the ring failed.
    pub fn rule_ring(&self) -> Result<Ring, Error> {
        Ring::new(&self.map("rule_ring")?)
    }

    /// A number that no set had before: what tasks keep of a set's tests goes by it. Its half is not that of the set that
    /// holds, also after sets that could not be loaded.
    fn next_generation(&self, holds: u64) -> Result<u64, Error> {
        let sets = self.map("rule_sets")?;
        let mut last = 1;
        for half in 0..2 {
            let set: RuleSet = read(&sets, half, "read the sets of rules")?;
            last = last.max(set.generation);
        }
        let next = last + 1;
        let same_half = holds != 0 && (holds ^ next) & 1 == 0;
        Ok(next + u64::from(same_half))
    }

    /// Says whether tasks have their chains of executables. The word beside it moves meanwhile: only this one is written.
    fn share_chains(&self, lineages: u64) -> Result<(), Error> {
        let words = Words::of(&self.map("shared")?, size_of::<Shared>() / size_of::<u64>())?;
        if let Some(word) = words.get(offset_of!(Shared, lineages) / size_of::<u64>()) {
            word.store(lineages, Ordering::SeqCst);
        }
        Ok(())
    }

    /// The same rules go on in the other half: so do their counts. Nothing is counted any more in the half of `before`.
    fn carry_counts(&self, before: u64, next: u64, rules: usize) -> Result<(), Error> {
        let half = abi::RULE_MAX * COUNT_WORDS;
        let words = Words::of(&self.map("rule_counts")?, 2 * half)?;
        let first = |generation: u64| if generation & 1 == 0 { 0 } else { half };
        for at in 0..rules.min(abi::RULE_MAX) * COUNT_WORDS {
            if let (Some(from), Some(to)) =
                (words.get(first(before) + at), words.get(first(next) + at))
            {
                to.fetch_add(from.load(Ordering::Relaxed), Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// From now on every task has its chain of executables.
    fn keep_chains(&self) -> Result<(), Error> {
        let map = self.map("shared")?;
        let shared: Shared = read(&map, 0, "read what programs share")?;
        if shared.lineages != 0 {
            return Ok(());
        }
        self.share_chains(1)?;
        let path = self.options.pin_dir.join("links").join("lineage_tasks");
        let link = Link::open(path).map_err(bpf("open the iterator of chains"))?;
        let mut said = Vec::new();
        io::Read::read_to_end(
            &mut Iter::new(&link).map_err(bpf("start the iterator of chains"))?,
            &mut said,
        )
        .map_err(io_error("read the iterator of chains"))?;
        Ok(())
    }

    /// Puts all but the programs into the half that nobody reads.
    fn fill(&self, rules: &Rules, next: u64) -> Result<(), Error> {
        let half = u32::try_from(next & 1).unwrap_or(0);
        let mut slots = Slots {
            outer: self.map("rule_automata")?,
            half,
            used: 0,
        };
        let mut set = RuleSet {
            generation: next,
            ..RuleSet::default()
        };
        for text in &rules.texts {
            let first = slots.put(&text.automata)?;
            for (place, value) in [
                (&mut set.first, first),
                (&mut set.count, text.automata.len()),
            ] {
                if let Some(slot) = place.get_mut(text.text) {
                    *slot = u16::try_from(value).unwrap_or(0);
                }
            }
        }
        let hooks = self.map("rule_hooks")?;
        // Hooks with the same tests have their automata together.
        let mut put: Vec<(&[Vec<u8>], usize)> = Vec::new();
        for &hook in Hook::ALL {
            let mut settings = RuleHook::default();
            if let Some(program) = rules.programs.iter().find(|program| program.hook == hook) {
                let automata = program.automata.as_slice();
                let first = match put.iter().find(|(own, _)| *own == automata) {
                    Some((_, first)) => *first,
                    None => slots.put(automata)?,
                };
                put.push((automata, first));
                settings = program.settings;
                settings.first = u16::try_from(first).unwrap_or(0);
                settings.count = u16::try_from(program.automata.len()).unwrap_or(0);
            }
            let at = half * small(abi::HOOKS) + hook as u32;
            write(&hooks, at, settings.as_bytes(), "write the rules of a hook")?;
        }
        let counts = self.map("rule_counts")?;
        for rule in 0..small(rules.count.min(abi::RULE_MAX)) {
            let at = half * small(abi::RULE_MAX) + rule;
            write(
                &counts,
                at,
                RuleCount::default().as_bytes(),
                "reset a rule's count",
            )?;
        }
        write(
            &self.map("rule_sets")?,
            half,
            set.as_bytes(),
            "write the set of rules",
        )
    }

    /// The programs that ask: those that are attached, and for the rest ones that are not yet.
    fn askers(&self, rules: &Rules) -> Result<Vec<Asker>, Error> {
        let directory = self.options.pin_dir.join(LINKS);
        let mut askers = Vec::new();
        let mut missing = BTreeSet::new();
        let pinned = entries(&directory)?;
        for program in &rules.programs {
            let attached = pinned.iter().map(fs::DirEntry::path).find(|path| {
                path.file_name()
                    .and_then(OsStr::to_str)
                    .and_then(|name| name.strip_prefix("ask-"))
                    .and_then(|name| name.split_once('-'))
                    .is_some_and(|(hook, _)| hook == program.hook.name())
            });
            match attached {
                Some(pin) if !rules.renew => askers.push(Asker {
                    hook: program.hook,
                    program: program_of(&pin)?,
                    pin,
                }),
                _ => {
                    missing.insert(program.hook);
                }
            }
        }
        if missing.is_empty() {
            return Ok(askers);
        }
        for hook in &missing {
            program_name(*hook)?;
        }
        let object = load_over(&self.options.pin_dir, |part, hook, _| {
            part == Part::Rules && hook.is_some_and(|hook| missing.contains(&hook))
        })?;
        for program in object.progs_mut().filter(|program| program.autoload()) {
            let Some(hook) = program.section().to_str().and_then(load::hook_of) else {
                continue;
            };
            askers.push(Asker {
                hook,
                program: duplicate(&program)?,
                pin: directory.join(format!("ask-{}-{}", hook.name(), domain::serial())),
            });
        }
        Ok(askers)
    }

    /// Attaches the programs that are not. The set that holds until now has no rules for them.
    fn attach_askers(askers: &[Asker]) -> Result<(), Error> {
        for asker in askers.iter().filter(|asker| !asker.pin.exists()) {
            // SAFETY: a valid descriptor of a loaded program; there is no name.
            let fd = unsafe {
                libbpf_sys::bpf_raw_tracepoint_open(std::ptr::null(), asker.program.as_raw_fd())
            };
            let link = owned(fd).map_err(io_error("attach a program of the rules"))?;
            pin_fd(link.as_fd(), &asker.pin)?;
        }
        Ok(())
    }

    /// Waits until every program that was running is done: what runs from now on sees the set that holds. The kernel
    /// waits so when a map of maps is changed (`maybe_wait_bpf_programs`); slot 0 of this one belongs to nobody.
    fn let_pass(&self) -> Result<(), Error> {
        let sets = self.map("sets")?;
        let inner = domain::inner(
            MapType::Hash,
            "ambit_pause",
            (size_of::<u64>(), size_of::<abi::Member>()),
            1,
            libbpf_sys::BPF_F_NO_PREALLOC,
            "wait for programs that run",
        )?;
        write(
            &sets,
            0,
            &inner.as_fd().as_raw_fd().to_ne_bytes(),
            "wait for programs that run",
        )?;
        sets.delete(&0_u32.to_ne_bytes())
            .map_err(bpf("wait for programs that run"))
    }

    /// Unpins what does not belong to the set that holds.
    fn let_go(&self, keep: &BTreeSet<PathBuf>) -> Result<(), Error> {
        // What asks goes before what answers: without its rules a program lets pass.
        let mut old: Vec<PathBuf> = entries(&self.options.pin_dir.join(LINKS))?
            .iter()
            .map(fs::DirEntry::path)
            .filter(|path| !keep.contains(path))
            .collect();
        old.sort_by_key(|path| {
            !path
                .file_name()
                .is_some_and(|name| name.as_encoded_bytes().starts_with(b"ask-"))
        });
        for path in old {
            gone(fs::remove_file(path))?;
        }
        Ok(())
    }
}

/// Whether a pin is of the set that has this number, or of a program that asks.
fn belongs_to(pin: &Path, generation: u64) -> bool {
    let name = pin.file_name().and_then(OsStr::to_str).unwrap_or_default();
    name.starts_with("ask-")
        || name
            .rsplit_once('-')
            .is_some_and(|(_, number)| number.parse() == Ok(generation))
}

/// Automata of a half, put one after the other.
struct Slots {
    outer: MapHandle,
    half: u32,
    used: usize,
}

impl Slots {
    /// The number of the first.
    fn put(&mut self, automata: &[Vec<u8>]) -> Result<usize, Error> {
        let first = self.used;
        for bytes in automata {
            if self.used >= abi::RULE_SLOTS {
                return Err(Error::TooManyAutomata(self.used + 1));
            }
            let map = domain::inner(
                MapType::Array,
                "ambit_rule_dfa",
                (4, bytes.len()),
                1,
                0,
                "make an automaton of the rules",
            )?;
            write(&map, 0, bytes, "load an automaton of the rules")?;
            let at = self.half * small(abi::RULE_SLOTS) + small(self.used);
            write(
                &self.outer,
                at,
                &map.as_fd().as_raw_fd().to_ne_bytes(),
                "put an automaton of the rules into its slot",
            )?;
            self.used += 1;
        }
        Ok(first)
    }
}

/// The compiled rules of a hook in place of the function that does nothing.
struct Replacement {
    link: OwnedFd,
    verified: Option<u32>,
}

impl Replacement {
    fn load(asker: &Asker, instructions: &[u64], function: &str) -> Result<Self, Error> {
        let info = info_of(&asker.program)?;
        let btf = owned(
            // SAFETY: plain numbers.
            unsafe { libbpf_sys::bpf_btf_get_fd_by_id(info.btf_id) },
        )
        .map_err(io_error(
            "open the type information of a program of the rules",
        ))?;
        let types =
            Btf::from_prog_id(info.id).map_err(bpf("read the types of the rules' programs"))?;
        let id = types
            .type_by_name::<Func<'_>>(function)
            .ok_or(Error::Layout(
                "a program of the rules has no function to replace",
            ))?
            .type_id();
        let id: u32 = id.into();
        let mut log = vec![0_u8; 1 << 20];
        let record = libbpf_sys::bpf_func_info {
            insn_off: 0,
            type_id: id,
        };
        let mut fd = -libc::EBUSY;
        let start = Instant::now();
        for level in [0, 1] {
            let mut options = libbpf_sys::bpf_prog_load_opts {
                sz: size_of::<libbpf_sys::bpf_prog_load_opts>() as libbpf_sys::size_t,
                prog_btf_fd: small_fd(&btf),
                func_info: std::ptr::from_ref(&record).cast(),
                func_info_cnt: 1,
                func_info_rec_size: small(size_of::<libbpf_sys::bpf_func_info>()),
                attach_prog_fd: small_fd(&asker.program),
                attach_btf_id: id,
                log_level: level,
                log_size: if level == 0 { 0 } else { small(log.len()) },
                log_buf: if level == 0 {
                    std::ptr::null_mut()
                } else {
                    log.as_mut_ptr().cast()
                },
                ..Default::default()
            };
            // SAFETY: everything that the options point to lives longer than the call.
            fd = unsafe {
                libbpf_sys::bpf_prog_load(
                    libbpf_sys::BPF_PROG_TYPE_EXT,
                    NAME.as_ptr(),
                    LICENSE.as_ptr(),
                    instructions.as_ptr().cast(),
                    instructions.len() as libbpf_sys::size_t,
                    &raw mut options,
                )
            };
            if fd >= 0 {
                break;
            }
        }
        let replacement = owned(fd).map_err(|source| Error::Rules {
            hook: asker.hook,
            log: String::from_utf8_lossy(log.split(|byte| *byte == 0).next().unwrap_or_default())
                .into_owned(),
            source,
        })?;
        loop {
            // SAFETY: a valid descriptor of a loaded program; there is no name.
            let link = unsafe {
                libbpf_sys::bpf_raw_tracepoint_open(std::ptr::null(), replacement.as_raw_fd())
            };
            match owned(link) {
                Ok(link) => {
                    return Ok(Self {
                        link,
                        verified: info_of(&replacement)?.verified,
                    });
                }
                // The kernel lets go of what was unpinned once nobody can be running it.
                Err(error)
                    if error.raw_os_error() == Some(libc::EBUSY) && start.elapsed() < PATIENCE =>
                {
                    std::thread::sleep(Duration::from_millis(2));
                }
                Err(error) => return Err(io_error("put the rules in place")(error)),
            }
        }
    }

    fn pin(&self, path: &Path) -> Result<(), Error> {
        pin_fd(self.link.as_fd(), path)
    }
}

/// What the kernel tells of a program.
struct Info {
    id: u32,
    btf_id: u32,
    verified: Option<u32>,
}

fn info_of(program: &OwnedFd) -> Result<Info, Error> {
    let mut info = libbpf_sys::bpf_prog_info::default();
    let mut size = small(size_of::<libbpf_sys::bpf_prog_info>());
    // SAFETY: the structure and its size belong together.
    let result = unsafe {
        libbpf_sys::bpf_obj_get_info_by_fd(
            program.as_raw_fd(),
            (&raw mut info).cast(),
            &raw mut size,
        )
    };
    if result < 0 {
        return Err(io_error("read what the kernel knows of a program")(
            io::Error::from_raw_os_error(-result),
        ));
    }
    Ok(Info {
        id: info.id,
        btf_id: info.btf_id,
        verified: (info.verified_insns > 0).then_some(info.verified_insns),
    })
}

fn small_fd(fd: &OwnedFd) -> u32 {
    fd.as_raw_fd().unsigned_abs()
}

/// The program behind a pinned link.
fn program_of(pin: &Path) -> Result<OwnedFd, Error> {
    let info = Link::open(pin)
        .and_then(|link| link.info())
        .map_err(bpf("read a link of the rules"))?;
    // SAFETY: plain numbers.
    owned(unsafe { libbpf_sys::bpf_prog_get_fd_by_id(info.prog_id) })
        .map_err(io_error("open a program of the rules"))
}

fn duplicate(program: &libbpf_rs::ProgramMut<'_>) -> Result<OwnedFd, Error> {
    program
        .as_fd()
        .try_clone_to_owned()
        .map_err(io_error("keep a program of the rules"))
}

/// A descriptor that a call of libbpf made, or the error that it answered.
fn owned(fd: i32) -> io::Result<OwnedFd> {
    if fd < 0 {
        return Err(io::Error::from_raw_os_error(-fd));
    }
    // SAFETY: it was made just now and belongs to nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
