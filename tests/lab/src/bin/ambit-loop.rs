// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The loops that are measured, and the small static program that one of them runs.
//!
//! ```text
//! ambit-loop LOOP...    warms each loop up, measures it, prints `LOOP NANOSECONDS-PER-ITERATION`
//! ambit-loop now        prints the monotonic clock: the workload's first instruction, as good as can be had
//! ambit-loop sleep      sleeps
//! ambit-loop            does nothing: the program to run
//! ```
//!
//! If the guest's clock counts instructions, nanoseconds are instructions. `calibrate` is a loop of a thousand instructions,
//! to check that. The program has no Rust runtime, because the runtime opens files before `main` and the program that
//! `fork_exec` runs must not.

#![no_main]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::ffi::{CStr, CString, c_char, c_int};
use std::time::Duration;

const FILE: &CStr = c"/usr/lib/demo/a-file-thirty.txt";
/// 60 bytes; no map has it.
const OUTSIDE: &CStr = c"/usr/lib/demo/a-folder-in-it/outside-of-what-the-map-has.txt";
const CREATED: &CStr = c"/tmp/created";
const SELF: &CStr = c"/usr/bin/ambit-loop";
const PORT: u16 = 7777;
/// Files of `open_many`, in a folder of their own.
const FOLDER: &str = "/usr/lib/demo/many";
const MANY: usize = 2000;
/// Number of measurements; the result is their median.
const ROUNDS: usize = 3;

#[unsafe(no_mangle)]
extern "C" fn main(count: c_int, words: *const *const c_char) -> c_int {
    let count = usize::try_from(count).unwrap_or_default();
    // SAFETY: the C library passes `count` C strings that live as long as the process.
    let words = (1..count).map(|at| unsafe { CStr::from_ptr(*words.add(at)) });
    for word in words {
        let word = word.to_str().expect("a loop's name");
        match word {
            "now" => println!("{}", now()),
            "sleep" => std::thread::sleep(Duration::MAX),
            _ => measure(word),
        }
    }
    0
}

fn measure(name: &str) {
    let (iterations, mut body): (u32, Box<dyn FnMut()>) = match name {
        "calibrate" => (20_000, Box::new(calibrate)),
        "open_close" => (2000, Box::new(open_close)),
        "open_outside" => (2000, Box::new(open_outside)),
        "open_many" => (2000, open_many()),
        "fork_exec" => (60, Box::new(fork_exec)),
        "connect_accept" => (300, connect_accept()),
        "mmap_exec" => (1000, mmap_exec()),
        "create_unlink" => (500, Box::new(create_unlink)),
        _ => panic!("no loop {name}"),
    };
    for pause in [1200, 1200, 0] {
        body();
        // The kernel part caches a digest only if the file was not changed within this second: a second change would have the same
        // time.
        std::thread::sleep(Duration::from_millis(pause));
    }
    (0..iterations / 2).for_each(|_| body());
    let mut rounds = [0; ROUNDS];
    for round in &mut rounds {
        let begun = now();
        (0..iterations).for_each(|_| body());
        *round = now() - begun;
    }
    rounds.sort_unstable();
    let each = rounds[ROUNDS / 2] * 10 / u64::from(iterations);
    println!("{name} {}.{}", each / 10, each % 10);
}

fn now() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the kernel writes to a live structure.
    check(unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) });
    let [seconds, rest] = [time.tv_sec, time.tv_nsec].map(|part| u64::try_from(part).unwrap());
    seconds * 1_000_000_000 + rest
}

fn check(result: c_int) -> c_int {
    assert!(result >= 0, "{}", std::io::Error::last_os_error());
    result
}

fn close(fd: c_int) {
    // SAFETY: a number.
    check(unsafe { libc::close(fd) });
}

/// A thousand instructions: two for each turn.
fn calibrate() {
    // SAFETY: counts a register of its own down.
    unsafe {
        std::arch::asm!("2: dec {0}", "jnz 2b", inout(reg) 500_u64 => _, options(nomem, nostack));
    }
}

fn open_close() {
    // SAFETY: the path is a C string.
    close(check(unsafe { libc::open(FILE.as_ptr(), libc::O_RDONLY) }));
}

fn open_outside() {
    // SAFETY: the path is a C string.
    close(check(unsafe {
        libc::open(OUTSIDE.as_ptr(), libc::O_RDONLY)
    }));
}

/// Opens many files in turn, more than the per-CPU cache has room for.
fn open_many() -> Box<dyn FnMut()> {
    std::fs::create_dir_all(FOLDER).expect("cannot make a folder");
    let paths: Vec<CString> = (0..MANY)
        .map(|at| {
            let path = format!("{FOLDER}/file-number-{at:04}.txt");
            std::fs::write(&path, "").expect("cannot write a file");
            CString::new(path).unwrap()
        })
        .collect();
    let mut turn = 0;
    Box::new(move || {
        turn = (turn + 1) % paths.len();
        // SAFETY: the path is a C string.
        close(check(unsafe {
            libc::open(paths[turn].as_ptr(), libc::O_RDONLY)
        }));
    })
}

fn create_unlink() {
    let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL;
    // SAFETY: the path is a C string.
    close(check(unsafe { libc::open(CREATED.as_ptr(), flags, 0o600) }));
    // SAFETY: the path is a C string.
    check(unsafe { libc::unlink(CREATED.as_ptr()) });
}

fn fork_exec() {
    // SAFETY: this process has one thread; the child only executes.
    let child = check(unsafe { libc::fork() });
    if child == 0 {
        let words = [SELF.as_ptr(), std::ptr::null()];
        // SAFETY: lists of C strings that end with null.
        unsafe { libc::execve(words[0], words.as_ptr(), words[1..].as_ptr().cast()) };
        // SAFETY: takes a number and does not return.
        unsafe { libc::_exit(1) };
    }
    let mut status = 0;
    // SAFETY: the kernel writes to a live number.
    check(unsafe { libc::waitpid(child, &raw mut status, 0) });
    assert_eq!(status, 0, "the program was not run");
}

fn mmap_exec() -> Box<dyn FnMut()> {
    // SAFETY: the path is a C string.
    let file = check(unsafe { libc::open(SELF.as_ptr(), libc::O_RDONLY) });
    Box::new(move || {
        let protection = libc::PROT_READ | libc::PROT_EXEC;
        let nowhere = std::ptr::null_mut();
        // SAFETY: a new mapping, at an address that the kernel chooses.
        let place = unsafe { libc::mmap(nowhere, 4096, protection, libc::MAP_PRIVATE, file, 0) };
        assert_ne!(place, libc::MAP_FAILED, "mmap");
        // SAFETY: the mapping from the line above.
        check(unsafe { libc::munmap(place, 4096) });
    })
}

/// Client and server in one process: `connect` succeeds before `accept` is called.
fn connect_accept() -> Box<dyn FnMut()> {
    let address = libc::sockaddr_in {
        sin_family: u16::try_from(libc::AF_INET).unwrap(),
        sin_port: PORT.to_be(),
        sin_addr: libc::in_addr {
            s_addr: u32::from_be_bytes([127, 0, 0, 1]).to_be(),
        },
        sin_zero: [0; 8],
    };
    let length = u32::try_from(size_of_val(&address)).unwrap();
    // SAFETY: takes numbers.
    let socket =
        || check(unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_TCP) });
    let listener = socket();
    let on: c_int = 1;
    // SAFETY: the option is a live number of that size.
    check(unsafe {
        libc::setsockopt(
            listener,
            libc::SOL_SOCKET,
            libc::SO_REUSEADDR,
            (&raw const on).cast(),
            4,
        )
    });
    // SAFETY: the address is a live structure of that length.
    check(unsafe { libc::bind(listener, (&raw const address).cast(), length) });
    // SAFETY: takes numbers.
    check(unsafe { libc::listen(listener, 16) });
    Box::new(move || {
        let client = socket();
        // SAFETY: the address is a live structure of that length.
        check(unsafe { libc::connect(client, (&raw const address).cast(), length) });
        let nobody: *mut u32 = std::ptr::null_mut();
        // SAFETY: null means that the address isn't wanted.
        let server = check(unsafe { libc::accept(listener, nobody.cast(), nobody) });
        close(client);
        close(server);
    })
}
