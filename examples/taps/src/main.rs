// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Three example taps: BPF programs outside Ambit that report untrusted processes to it. `bpf/` has the BPF programs.
//! This program loads and attaches them, and detaches them when its standard input is closed or a signal ends it.

mod tap;

use std::fs::File;
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use libbpf_rs::{Link, MapCore, MapFlags, UprobeOpts};

use tap::Tap;

const SHM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/shm.bpf.o"));
const PACKET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/packet.bpf.o"));
const INTEGRITY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/integrity.bpf.o"));

/// The root cgroup: its programs see the packets of the whole machine.
const ROOT_CGROUP: &str = "/sys/fs/cgroup";

/// Report untrusted processes to Ambit until standard input is closed
#[derive(Debug, Parser)]
enum Cli {
    /// Report processes that execute a file below /dev/shm
    Shm {
        #[command(flatten)]
        bit: Bit,
    },
    /// Report processes whose sockets receive packets from given addresses
    Packet {
        #[command(flatten)]
        bit: Bit,
        /// An address; may be given more than once
        #[arg(long, required = true, num_args = 1..)]
        address: Vec<IpAddr>,
    },
    /// Report processes that call a function with a first argument other than 0
    Integrity {
        #[command(flatten)]
        bit: Bit,
        /// The program or library that contains the function
        #[arg(long)]
        program: PathBuf,
        /// The function's name
        #[arg(long)]
        symbol: String,
    },
}

#[derive(Debug, clap::Args)]
struct Bit {
    /// The trust bit, as `ambit trust source tap:NAME` prints it
    #[arg(long = "bit", value_name = "N", value_parser = clap::value_parser!(u32).range(8..=31))]
    number: u32,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ambit-taps: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<()> {
    let _attached = match cli {
        Cli::Shm { bit } => shm(bit.number),
        Cli::Packet { bit, address } => packet(bit.number, address),
        Cli::Integrity {
            bit,
            program,
            symbol,
        } => integrity(bit.number, program, symbol),
    }?;
    let mut stdout = io::stdout();
    writeln!(stdout, "ready")
        .and_then(|()| stdout.flush())
        .context("cannot say that the tap is ready")?;
    io::copy(&mut io::stdin(), &mut io::sink()).context("cannot wait for standard input")?;
    Ok(())
}

fn shm(bit: u32) -> Result<Vec<Link>> {
    let tap = Tap::load(SHM, bit)?;
    Ok(vec![tap.program("shm_exec")?.attach().context(
        "cannot attach to the tracepoint sched_process_exec",
    )?])
}

fn packet(bit: u32, addresses: &[IpAddr]) -> Result<Vec<Link>> {
    let tap = Tap::load(PACKET, bit)?;
    let map = tap.map("addresses")?;
    for address in addresses {
        let key = match address {
            IpAddr::V4(address) => address.to_ipv6_mapped(),
            IpAddr::V6(address) => *address,
        };
        map.update(&key.octets(), &[1], MapFlags::ANY)
            .with_context(|| format!("cannot watch for {address}"))?;
    }
    let cgroup = File::open(ROOT_CGROUP).with_context(|| format!("cannot open {ROOT_CGROUP}"))?;
    // Attached first, so that sockets are recorded before packets are checked.
    ["packet_gone", "packet_made", "packet_came"]
        .into_iter()
        .map(|name| {
            tap.program(name)?
                .attach_cgroup(cgroup.as_raw_fd())
                .with_context(|| format!("cannot attach to {ROOT_CGROUP}, which has to be cgroup2"))
        })
        .collect()
}

fn integrity(bit: u32, program: &Path, symbol: &str) -> Result<Vec<Link>> {
    let tap = Tap::load(INTEGRITY, bit)?;
    let at = UprobeOpts {
        func_name: Some(symbol.to_owned()),
        ..UprobeOpts::default()
    };
    let link = tap
        .program("integrity_found")?
        // -1: in every process.
        .attach_uprobe_with_opts(-1, program, 0, at)
        .with_context(|| {
            format!(
                "cannot attach to {symbol} of {}; has the file such a symbol?",
                program.display()
            )
        })?;
    Ok(vec![link])
}
