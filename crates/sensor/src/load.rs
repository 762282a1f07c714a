// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Opening, fitting to this kernel, loading, attaching and pinning the object.

use std::collections::BTreeSet;
use std::ffi::{CString, OsStr};
use std::fs;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::Path;
use std::sync::Mutex;

use ambit_abi::{Config, Coverage, Hook};
use ambit_failpoint::fail_point;
use libbpf_rs::btf::Btf;
use libbpf_rs::btf::types::Func;
use libbpf_rs::{
    ErrorKind, MapCore, Object, ObjectBuilder, OpenObject, PrintLevel, libbpf_sys, set_print,
};
use zerocopy::IntoBytes;

use crate::error::{Error, io};
use crate::full;
use crate::kernel::{CONFIG_MAP, LoadOptions};
use crate::spread;

/// The last of what libbpf printed, for errors.
static LOG: Mutex<String> = Mutex::new(String::new());
const LOG_BYTES: usize = 64 * 1024;

#[allow(
    clippy::needless_pass_by_value,
    reason = "libbpf-rs wants this signature"
)]
fn keep_log(_: PrintLevel, message: String) {
    let Ok(mut log) = LOG.lock() else { return };
    log.push_str(&message);
    if log.len() > LOG_BYTES {
        let mut cut = log.len() - LOG_BYTES;
        while !log.is_char_boundary(cut) {
            cut += 1;
        }
        log.drain(..cut);
    }
}

/// The hook a program's section names: `lsm/file_open` and `lsm.s/file_open`.
pub(crate) fn hook_of(section: &str) -> Option<Hook> {
    let name = section
        .strip_prefix("lsm/")
        .or_else(|| section.strip_prefix("lsm.s/"))?;
    Hook::from_name(name)
}

/// When a program is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Always: it keeps labels, trust and chains.
    Base,
    /// With the first domain.
    Core,
    /// With the first domain of full coverage.
    Full,
    /// With the first rule that names its hook.
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
    "trust_tasks",
    "lineage_tasks",
];
/// Pinned last of all: whoever sees it sees a whole kernel part.
pub(crate) const LAST: &str = "trust_tasks";
/// Pinned last of the core.
pub(crate) const CORE: &str = "core";
/// The section of what taps and rules share with every program.
const SHARED: &[u8] = b".bss.shared";

/// The part that a program belongs to.
pub(crate) fn part_of(name: &OsStr, section: &OsStr) -> Part {
    let name = name.to_str().unwrap_or_default();
    let hook = section.to_str().and_then(hook_of);
    if BASE.contains(&name) {
        Part::Base
    } else if name.starts_with("rules_") {
        Part::Rules
    } else if name.starts_with("spread_") {
        Part::Spread
    } else if hook.is_some_and(|hook| hook.coverage() == Coverage::Full) {
        Part::Full
    } else {
        Part::Core
    }
}

/// The running kernel's type information.
pub(crate) fn kernel_btf() -> Result<Btf<'static>, Error> {
    let path = "/sys/kernel/btf/vmlinux";
    fs::metadata(path).map_err(Error::NoBtf)?;
    Btf::from_path(path).map_err(|e| Error::NoBtf(std::io::Error::other(e.to_string())))
}

/// Which of our hooks the running kernel offers, by its BTF.
pub(crate) fn hooks_offered() -> Result<Vec<(Hook, bool)>, Error> {
    let btf = kernel_btf()?;
    // One way through: looking a name up walks over all types, of which a kernel has a hundred thousand.
    let offered: BTreeSet<Hook> = btf
        .type_by_kind::<Func<'_>>()
        .filter_map(|function| {
            Hook::from_name(function.name()?.to_str()?.strip_prefix("bpf_lsm_")?)
        })
        .collect();
    Ok(Hook::ALL
        .iter()
        .map(|&hook| (hook, offered.contains(&hook)))
        .collect())
}

/// The hook that stands in where one is not offered, with the kernel's reason.
pub(crate) fn stand_in(hook: Hook) -> Option<&'static str> {
    match hook {
        Hook::FileTruncate => {
            Some("not in kernels before 6.2, where path_truncate sees ftruncate and O_TRUNC")
        }
        Hook::InodeSetAcl | Hook::InodeRemoveAcl => {
            Some("not in kernels before 6.2, where inode_setxattr and inode_removexattr see ACLs")
        }
        Hook::FileIoctlCompat => Some("not in this kernel, where file_ioctl sees 32-bit callers"),
        _ => None,
    }
}

/// Tells this object from others.
pub(crate) fn build_id() -> u64 {
    // FNV-1a: an identity, not a defence.
    crate::OBJECT.iter().fold(0xcbf2_9ce4_8422_2325, |h, &b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// libbpf puts the object's name, which is an address here, before the section's.
pub(crate) fn is_config(name: &OsStr) -> bool {
    name.as_encoded_bytes().ends_with(b".rodata")
}

fn ephemeral_ports() -> (u16, u16) {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let mut numbers = text.split_whitespace().filter_map(|n| n.parse().ok());
    (
        numbers.next().unwrap_or(32768),
        numbers.next().unwrap_or(60999),
    )
}

/// Scratch slots: four a CPU, a power of two between 8 and 64.
fn slots() -> u32 {
    let cpus = std::thread::available_parallelism().map_or(64, std::num::NonZero::get);
    u32::try_from((cpus * 4).next_power_of_two())
        .unwrap_or(64)
        .clamp(8, 64)
}

/// The state that SipHash-1-3 with 128 bits of output begins with.
fn sip_state(k0: u64, k1: u64) -> [u64; 4] {
    [
        k0 ^ 0x736f_6d65_7073_6575,
        k1 ^ 0x646f_7261_6e64_6f6d ^ 0xee,
        k0 ^ 0x6c79_6765_6e65_7261,
        k1 ^ 0x7465_6462_7974_6573,
    ]
}

fn config() -> Result<Config, Error> {
    let mut secret = [0_u8; 16];
    fs::File::open("/dev/urandom")
        .and_then(|mut f| f.read_exact(&mut secret))
        .map_err(io("read random bytes for the fingerprints' secret"))?;
    let [k0, k1] = zerocopy::transmute!(secret);
    let (port_low, port_high) = ephemeral_ports();
    Ok(Config {
        key0: k0,
        key1: k1,
        sip: sip_state(k0, k1),
        build: build_id(),
        port_low,
        port_high,
        slot_mask: slots() - 1,
    })
}

pub(crate) fn open() -> Result<OpenObject, Error> {
    if let Ok(mut log) = LOG.lock() {
        log.clear();
    }
    set_print(Some((PrintLevel::Info, keep_log)));
    ObjectBuilder::default()
        .open_memory(crate::OBJECT)
        .map_err(load_error)
}

pub(crate) fn load_error(source: libbpf_rs::Error) -> Error {
    let log = LOG.lock().map(|l| l.clone()).unwrap_or_default();
    let program = log
        .lines()
        .filter_map(|l| {
            l.strip_prefix("libbpf: prog '")?
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

/// Load one trivial program of ours, or say why the kernel refuses: the only test that tells.
pub(crate) fn trial() -> Result<(), Error> {
    let mut object = open()?;
    for mut program in object.progs_mut() {
        let wanted = program.section().to_str() == Some("lsm/bprm_creds_for_exec");
        program.set_autoload(wanted);
    }
    object.load().map(drop).map_err(load_error)
}

/// The hooks of one level that this kernel offers. That one is missing is an error, unless another stands in or that
/// was allowed.
pub(crate) fn wanted(options: &LoadOptions, level: Coverage) -> Result<Vec<Hook>, Error> {
    let (there, missing): (Vec<_>, Vec<_>) = hooks_offered()?
        .into_iter()
        .filter(|(hook, _)| hook.coverage() == level)
        .partition(|(_, there)| *there);
    let missing: Vec<Hook> = missing
        .into_iter()
        .map(|(hook, _)| hook)
        .filter(|hook| stand_in(*hook).is_none() && !options.allow_missing.contains(hook))
        .collect();
    if missing.is_empty() {
        Ok(there.into_iter().map(|(hook, _)| hook).collect())
    } else {
        Err(Error::MissingHooks(missing))
    }
}

/// Load and attach what keeps labels, and the core that this kernel offers where it is asked for, and pin it below
/// `options.pin_dir`.
pub(crate) fn load(options: &LoadOptions) -> Result<(), Error> {
    let wanted = wanted(options, Coverage::Core)?;
    let mut object = open()?;
    let config = config()?;
    for mut map in object.maps_mut() {
        if is_config(map.name()) {
            map.set_initial_value(config.as_bytes())
                .map_err(load_error)?;
        } else if map.name() == "slots" {
            map.set_max_entries(config.slot_mask + 1)
                .map_err(load_error)?;
        }
    }
    for mut program in object.progs_mut() {
        let hook = program.section().to_str().and_then(hook_of);
        let offered = hook.is_none_or(|hook| wanted.contains(&hook));
        let asked = match part_of(program.name(), program.section()) {
            Part::Base => true,
            Part::Core => options.core,
            Part::Full | Part::Rules | Part::Spread => false,
        };
        program.set_autoload(offered && asked);
    }
    let mut object = object.load().map_err(load_error)?;
    // A half-pinned object is worse than none.
    let result = pin(&mut object, options);
    if result.is_err() {
        let _ = remove(&options.pin_dir);
    }
    result
}

/// What a map is pinned as.
pub(crate) fn pin_name(map: &OsStr) -> &OsStr {
    if is_config(map) {
        OsStr::new(CONFIG_MAP)
    } else if map.as_encoded_bytes().ends_with(SHARED) {
        OsStr::new("shared")
    } else {
        map
    }
}

fn pin(object: &mut Object, options: &LoadOptions) -> Result<(), Error> {
    let dir = &options.pin_dir;
    let directory = |path: &Path| {
        fs::create_dir_all(path).map_err(|source| Error::PinDirectory {
            path: path.to_owned(),
            source,
        })
    };
    directory(&dir.join("links"))?;
    directory(&dir.join("maps"))?;
    for mut map in object.maps_mut() {
        let name = pin_name(map.name()).to_owned();
        map.pin(dir.join("maps").join(name)).map_err(load_error)?;
    }
    fail_point!("load-maps-pinned");
    // Labels and their inheritance first, so that no decision meets a half-labelled family.
    let links = dir.join("links");
    pin_programs(object, &links, |name| BASE.contains(&name) && name != LAST)?;
    fail_point!("load-base-pinned");
    if options.core {
        pin_programs(object, &links, |name| !BASE.contains(&name))?;
        fail_point!("load-core-pinned");
        mark(object, dir, CORE)?;
    }
    fail_point!("load-before-last");
    pin_programs(object, &links, |name| name == LAST)?;
    fail_point!("load-after-last");
    Ok(())
}

/// Attaches those programs that were loaded and are meant, and pins their links in a directory.
pub(crate) fn pin_programs(
    object: &mut Object,
    dir: &Path,
    meant: impl Fn(&str) -> bool,
) -> Result<(), Error> {
    for program in object.progs_mut() {
        if !program.autoload() || !program.name().to_str().is_some_and(&meant) {
            continue;
        }
        let mut link = program.attach().map_err(load_error)?;
        link.pin(dir.join(program.name())).map_err(load_error)?;
    }
    Ok(())
}

/// Pins a sign that a part is there, whole.
pub(crate) fn mark(object: &Object, dir: &Path, name: &str) -> Result<(), Error> {
    let mut maps = object.maps();
    let config = maps
        .find(|map| is_config(map.name()))
        .ok_or(Error::Layout("no configuration"))?;
    pin_fd(config.as_fd(), &dir.join(name))
}

/// Pins what a descriptor stands for, wherever else it is pinned.
pub(crate) fn pin_fd(fd: BorrowedFd<'_>, path: &Path) -> Result<(), Error> {
    let failed = |source| Error::PinDirectory {
        path: path.to_owned(),
        source,
    };
    let name =
        CString::new(path.as_os_str().as_encoded_bytes()).map_err(|error| failed(error.into()))?;
    // SAFETY: a valid descriptor and a string that ends with NUL.
    let result = unsafe { libbpf_sys::bpf_obj_pin(fd.as_raw_fd(), name.as_ptr()) };
    if result < 0 {
        return Err(failed(std::io::Error::from_raw_os_error(-result)));
    }
    Ok(())
}

/// The programs that are meant, and no other, with the maps that are pinned.
pub(crate) fn load_over(
    dir: &Path,
    meant: impl Fn(Part, Option<Hook>, &str) -> bool,
) -> Result<Object, Error> {
    let mut object = open()?;
    for mut map in object.maps_mut() {
        let path = dir.join("maps").join(pin_name(map.name()));
        map.reuse_pinned_map(path).map_err(load_error)?;
    }
    for mut program in object.progs_mut() {
        let hook = program.section().to_str().and_then(hook_of);
        let name = program.name().to_string_lossy().into_owned();
        let part = part_of(program.name(), program.section());
        program.set_autoload(meant(part, hook, &name));
    }
    object.load().map_err(load_error)
}

/// Load and attach the core over a base that is pinned, if it is not there.
pub(crate) fn extend_core(options: &LoadOptions) -> Result<bool, Error> {
    let dir = &options.pin_dir;
    if dir.join(CORE).exists() {
        return Ok(false);
    }
    let wanted = wanted(options, Coverage::Core)?;
    // What a killed loader left half-way.
    cut_core(dir)?;
    let mut object = load_over(dir, |part, hook, _| {
        part == Part::Core && hook.is_none_or(|hook| wanted.contains(&hook))
    })?;
    let result = pin_programs(&mut object, &dir.join("links"), |_| true).and_then(|()| {
        fail_point!("extend-core-pinned");
        mark(&object, dir, CORE)
    });
    if result.is_err() {
        let _ = cut_core(dir);
    }
    result.map(|()| true)
}

/// Detach what only domains need.
pub(crate) fn cut_core(dir: &Path) -> Result<(), Error> {
    gone(fs::remove_file(dir.join(CORE)))?;
    for program in open()?.progs() {
        if part_of(program.name(), program.section()) == Part::Core {
            gone(fs::remove_file(dir.join("links").join(program.name())))?;
        }
    }
    Ok(())
}

/// Unpin everything: the programs detach when the last link goes.
pub(crate) fn remove(dir: &Path) -> Result<(), Error> {
    full::unmark(dir)?;
    gone(fs::remove_file(dir.join(CORE)))?;
    // First the pin that `Kernel::open` looks for: what is partly removed must not be found.
    gone(fs::remove_file(dir.join("links").join(LAST)))?;
    fail_point!("remove-last-gone");
    for part in [spread::LINKS, "rules", "links", "maps"] {
        for entry in entries(&dir.join(part))? {
            fs::remove_file(entry.path()).map_err(io("remove a pin"))?;
        }
        gone(fs::remove_dir(dir.join(part)))?;
        if part == "links" {
            fail_point!("remove-links-gone");
        }
    }
    gone(fs::remove_dir(dir))
}

/// What is pinned in a directory; nothing where there is none.
pub(crate) fn entries(dir: &Path) -> Result<Vec<fs::DirEntry>, Error> {
    let entries = fs::read_dir(dir).and_then(Iterator::collect);
    match entries {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries.map_err(io("read the pin directory")),
    }
}

/// Removed, or never there.
pub(crate) fn gone(removed: std::io::Result<()>) -> Result<(), Error> {
    match removed {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(io("remove a pin")),
    }
}
