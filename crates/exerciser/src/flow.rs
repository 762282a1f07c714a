// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Runs steps: sequence, loops, children and threads, and prints how each operation ended.

use std::time::Duration;

use crate::child::child;
use crate::outcome::{Done, Failure};
use crate::parse::{Step, resolve};
use crate::{
    append, bpf, code, descriptor, exec, file, harmless, ipc, look, memory, mount, mqueue, net,
    route, sctp, signal, sys, system, task, uring,
};

/// Prints an error about the arguments and exits.
pub(crate) fn usage(message: &str) -> ! {
    eprintln!("ambit-act: {message}");
    std::process::exit(2)
}

/// Runs a step. Inside a loop (`index` is known) nothing is printed; the loop prints its first failure.
pub(crate) fn run(step: &Step, index: Option<u64>) -> Result<(), Failure> {
    match step {
        Step::Op(words) => {
            let words: Result<Vec<_>, _> = words.iter().map(|word| resolve(word, index)).collect();
            let words = words.unwrap_or_else(|message| usage(&message));
            let name = String::from_utf8_lossy(&words[0]).into_owned();
            let done = operation(&name, &words[1..]);
            if let Err(Failure::Usage(message)) = &done {
                usage(&format!("{name}: {message}"));
            }
            if index.is_none() {
                say(&name, &done);
            }
            done.map(|_| ())
        }
        Step::Loop(count, inner) => {
            let mut result = Ok(());
            for index in 0..*count {
                let this = run(inner, Some(index));
                if result.is_ok() {
                    result = this;
                }
            }
            if index.is_none() {
                say(&label(inner), &result.clone().map(|()| None));
            }
            result
        }
        Step::Child(birth, inner) => {
            let result = child(*birth, &|| i32::from(run(inner, index).is_err()));
            // An exit status of 1 means that the child has printed why.
            if index.is_none() && !matches!(result, Ok(()) | Err(Failure::Status(1))) {
                say(&label(inner), &result.clone().map(|()| None));
            }
            result
        }
        Step::Thread(inner) => std::thread::scope(|scope| scope.spawn(|| run(inner, index)).join())
            .unwrap_or_else(|_| usage("the thread panicked")),
        Step::All(steps) => {
            let mut result = Ok(());
            for step in steps {
                let this = run(step, index);
                if result.is_ok() {
                    result = this;
                }
            }
            result
        }
    }
}

fn label(step: &Step) -> String {
    match step {
        Step::Op(words) => String::from_utf8_lossy(&words[0]).into_owned(),
        Step::Loop(_, inner) | Step::Child(_, inner) | Step::Thread(inner) => label(inner),
        Step::All(_) => "all".to_owned(),
    }
}

/// Prints a line with one write, since other tasks print to the same pipe.
fn say(name: &str, done: &Done) {
    let line = match done {
        Ok(None) => format!("{name}: ok\n"),
        Ok(Some(detail)) => format!("{name}: ok {detail}\n"),
        Err(failure) => format!("{name}: {failure}\n"),
    };
    // SAFETY: a live string and its length. An error cannot be reported anywhere else.
    let _ = unsafe { libc::write(1, line.as_ptr().cast(), line.len()) };
}

fn operation(name: &str, words: &[Vec<u8>]) -> Done {
    let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
    let modules = [
        own,
        file::operation,
        append::operation,
        harmless::operation,
        memory::operation,
        code::operation,
        exec::operation,
        net::operation,
        route::operation,
        sctp::operation,
        task::operation,
        signal::operation,
        uring::operation,
        descriptor::operation,
        ipc::operation,
        mqueue::operation,
        mount::operation,
        system::operation,
        bpf::operation,
        look::operation,
    ];
    modules
        .iter()
        .find_map(|module| module(name, &words))
        .unwrap_or_else(|| {
            Err(Failure::Usage(
                "no such operation, or not its arguments".to_owned(),
            ))
        })
}

/// Operations that no hook sees: waiting, synchronising with a test, and attributes of the exerciser itself.
fn own(name: &str, words: &[&[u8]]) -> Option<Done> {
    Some(match (name, words) {
        ("sleep", [ms]) => sys::number(ms).map(|ms| {
            std::thread::sleep(Duration::from_millis(ms));
            None
        }),
        ("wait-file", [path]) => wait_file(path),
        ("wait-line", []) => wait_line(),
        ("pid", []) => Ok(Some(std::process::id().to_string())),
        ("say", [text]) => sys::write_all(&1, text).map(|()| None),
        ("exit", [status]) => match sys::number(status) {
            // SAFETY: takes a number and ends the process.
            Ok(status) => unsafe { libc::_exit(status) },
            Err(failure) => Err(failure),
        },
        ("true", []) => Ok(None),
        _ => return None,
    })
}

/// Waits until a file exists. `stat` passes none of Ambit's hooks.
fn wait_file(path: &[u8]) -> Done {
    let path = sys::c(path)?;
    for _ in 0..6000 {
        // SAFETY: the struct is valid if all its bytes are zero.
        let mut stat: libc::stat = unsafe { std::mem::zeroed() };
        // SAFETY: a C string and a live buffer.
        if unsafe { libc::stat(path.as_ptr(), &raw mut stat) } == 0 {
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Err(Failure::Errno(libc::ETIMEDOUT))
}

/// Waits for a line or the end of standard input.
fn wait_line() -> Done {
    let mut byte = [0_u8];
    loop {
        // SAFETY: a live buffer of one byte.
        let read = sys::check(unsafe { libc::read(0, byte.as_mut_ptr().cast(), 1) } as i64)?;
        if read == 0 || byte[0] == b'\n' {
            return Ok(None);
        }
    }
}
