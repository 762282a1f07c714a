// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The programs of rules: the attached program of a hook, and the compiled rules that replace a function of it.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ambit_abi::Hook;
use libbpf_rs::btf::Btf;
use libbpf_rs::btf::types::Func;
use libbpf_rs::{Link, libbpf_sys};

use crate::error::{Error, bpf, io as io_error};
use crate::pins;

/// The kernel's name for the programs of a set, and the licence that the kernel requires of them.
const NAME: &CStr = c"ambit_rules";
const LICENSE: &CStr = c"GPL";
/// How long to wait until the kernel has detached the replacement of two sets ago.
const PATIENCE: Duration = Duration::from_secs(20);

/// The program that evaluates rules at a hook. A link keeps it attached.
pub(super) struct HookProgram {
    pub(super) hook: Hook,
    pub(super) program: OwnedFd,
    /// Exists once the program is attached, which happens after the first rules for the hook are in place.
    pub(super) pin: PathBuf,
}

impl HookProgram {
    /// Opens the program behind a pinned link.
    pub(super) fn attached(hook: Hook, pin: PathBuf) -> Result<Self, Error> {
        let info = Link::open(&pin)
            .and_then(|link| link.info())
            .map_err(bpf("read a link of the rules"))?;
        // SAFETY: the argument is a number.
        let program = owned(unsafe { libbpf_sys::bpf_prog_get_fd_by_id(info.prog_id) })
            .map_err(io_error("open a program of the rules"))?;
        Ok(Self { hook, program, pin })
    }

    /// Attaches the program, if it is not. In the active set it has no rules.
    pub(super) fn attach(&self) -> Result<(), Error> {
        if self.pin.exists() {
            return Ok(());
        }
        let link = attach(&self.program).map_err(io_error("attach a program of the rules"))?;
        pins::pin(link.as_fd(), &self.pin)
    }
}

/// Attaches a program to the hook or function that it was loaded for.
fn attach(program: &OwnedFd) -> io::Result<OwnedFd> {
    // SAFETY: an open descriptor of a loaded program; programs of this kind have no name here.
    owned(unsafe { libbpf_sys::bpf_raw_tracepoint_open(std::ptr::null(), program.as_raw_fd()) })
}

/// The compiled rules of a hook, in place of a function that does nothing.
pub(super) struct Replacement {
    link: OwnedFd,
    /// How many instructions the verifier processed; none if this kernel does not report that.
    pub(super) verified: Option<u32>,
}

impl Replacement {
    pub(super) fn load(
        target: &HookProgram,
        instructions: &[u64],
        function: &str,
    ) -> Result<Self, Error> {
        let info = info_of(&target.program)?;
        let btf = owned(
            // SAFETY: the argument is a number.
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
                prog_btf_fd: btf.as_raw_fd().unsigned_abs(),
                func_info: std::ptr::from_ref(&record).cast(),
                func_info_cnt: 1,
                func_info_rec_size: bytes(size_of::<libbpf_sys::bpf_func_info>()),
                attach_prog_fd: target.program.as_raw_fd().unsigned_abs(),
                attach_btf_id: id,
                log_level: level,
                log_size: if level == 0 { 0 } else { bytes(log.len()) },
                log_buf: if level == 0 {
                    std::ptr::null_mut()
                } else {
                    log.as_mut_ptr().cast()
                },
                ..Default::default()
            };
            // SAFETY: everything that the options point to lives longer than the call, and has the size given.
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
            hook: target.hook,
            log: String::from_utf8_lossy(log.split(|byte| *byte == 0).next().unwrap_or_default())
                .into_owned(),
            source,
        })?;
        loop {
            match attach(&replacement) {
                Ok(link) => {
                    return Ok(Self {
                        link,
                        verified: info_of(&replacement)?.verified,
                    });
                }
                // The function has the replacement of two sets ago until the kernel has released its unpinned link,
                // which it does once no CPU can be running it.
                Err(error)
                    if error.raw_os_error() == Some(libc::EBUSY) && start.elapsed() < PATIENCE =>
                {
                    std::thread::sleep(Duration::from_millis(2));
                }
                Err(error) => return Err(io_error("replace a function by the rules")(error)),
            }
        }
    }

    pub(super) fn pin(&self, path: &Path) -> Result<(), Error> {
        pins::pin(self.link.as_fd(), path)
    }
}

/// What the kernel reports about a program.
struct Info {
    id: u32,
    btf_id: u32,
    verified: Option<u32>,
}

fn info_of(program: &OwnedFd) -> Result<Info, Error> {
    let mut info = libbpf_sys::bpf_prog_info::default();
    let mut size = bytes(size_of::<libbpf_sys::bpf_prog_info>());
    // SAFETY: an open descriptor, and a structure with its size.
    let result = unsafe {
        libbpf_sys::bpf_obj_get_info_by_fd(
            program.as_raw_fd(),
            (&raw mut info).cast(),
            &raw mut size,
        )
    };
    if result < 0 {
        return Err(io_error("read the kernel's information about a program")(
            io::Error::from_raw_os_error(-result),
        ));
    }
    Ok(Info {
        id: info.id,
        btf_id: info.btf_id,
        verified: (info.verified_insns > 0).then_some(info.verified_insns),
    })
}

fn bytes(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

/// Owns a descriptor that libbpf returned; a negative number is an error.
fn owned(fd: i32) -> io::Result<OwnedFd> {
    if fd < 0 {
        return Err(io::Error::from_raw_os_error(-fd));
    }
    // SAFETY: the call that returned it created it, and nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
