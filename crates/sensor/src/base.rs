// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Loads and pins the base and the core, and detaches the core.

use std::fs;

use ambit_abi::{Config, Coverage};
use ambit_failpoint::fail_point;
use rustix::io::retry_on_intr;
use rustix::rand::{GetRandomFlags, getrandom};

use crate::error::{Error, io};
use crate::object::{self, Loaded, Opened, Part, Program};
use crate::offered;
use crate::options::LoadOptions;
use crate::pins::{self, LAST, Pins};

fn ephemeral_ports() -> (u16, u16) {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let mut numbers = text.split_whitespace().filter_map(|n| n.parse().ok());
    (
        numbers.next().unwrap_or(32768),
        numbers.next().unwrap_or(60999),
    )
}

/// Scratch slots of a domain: four for each CPU, rounded up to a power of two between 8 and 64.
fn slots() -> u32 {
    let cpus = std::thread::available_parallelism().map_or(64, std::num::NonZero::get);
    u32::try_from((cpus * 4).next_power_of_two())
        .unwrap_or(64)
        .clamp(8, 64)
}

/// The initial state of SipHash-1-3 with 128 bits of output.
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
    // Unlike /dev/urandom, this waits until the kernel's generator is seeded.
    let filled = retry_on_intr(|| getrandom(&mut secret, GetRandomFlags::empty()));
    filled.map_err(|errno| io("read random bytes for the fingerprints' secret")(errno.into()))?;
    let [k0, k1] = zerocopy::transmute!(secret);
    let (port_low, port_high) = ephemeral_ports();
    Ok(Config {
        key0: k0,
        key1: k1,
        sip: sip_state(k0, k1),
        build: object::BUILD_ID,
        port_low,
        port_high,
        slot_mask: slots() - 1,
    })
}

/// Loads, attaches and pins the base, and the core if `options` ask for it.
pub(crate) fn load(options: &LoadOptions, pins: &Pins) -> Result<(), Error> {
    let wanted = offered::wanted(&options.allow_missing, Coverage::Core)?;
    let mut opened = Opened::new()?;
    opened.configure(&config()?)?;
    let mut object = opened.load(|program| {
        let part = match program.part {
            Part::Base => true,
            Part::Core => options.core,
            Part::Full | Part::Append | Part::Rules | Part::Spread => false,
        };
        part && program.hook.is_none_or(|hook| wanted.contains(&hook))
    })?;
    let result = pin(&mut object, options, pins);
    if result.is_err() {
        // The next attempt would take a part of the pins for the whole.
        let _ = pins.remove_all();
    }
    result
}

fn pin(object: &mut Loaded, options: &LoadOptions, pins: &Pins) -> Result<(), Error> {
    let (maps, links) = (pins.maps(), pins.links());
    pins::create_dir(&links)?;
    pins::create_dir(&maps)?;
    object.pin_maps(pins)?;
    fail_point!("load-maps-pinned");
    // The base first: a decision needs the label of a task and of its whole family.
    let is_base = |program: &Program| program.part == Part::Base;
    object.attach(&links, |program| is_base(program) && program.name != LAST)?;
    fail_point!("load-base-pinned");
    if options.core {
        object.attach(&links, |program| !is_base(program))?;
        fail_point!("load-core-pinned");
        object.mark(&pins.core_mark())?;
    }
    fail_point!("load-before-last");
    object.attach(&links, |program| program.name == LAST)?;
    fail_point!("load-after-last");
    Ok(())
}

/// Loads and attaches the core over a base that is pinned. Returns false if it was loaded already.
pub(crate) fn extend_core(options: &LoadOptions, pins: &Pins) -> Result<bool, Error> {
    if pins.has_core() {
        return Ok(false);
    }
    let wanted = offered::wanted(&options.allow_missing, Coverage::Core)?;
    // A loader that was killed may have left some of it.
    cut_core(pins)?;
    let mut object = object::load_with_pinned_maps(pins, |program| {
        program.part == Part::Core && program.hook.is_none_or(|hook| wanted.contains(&hook))
    })?;
    let result = object.attach(&pins.links(), |_| true).and_then(|()| {
        fail_point!("extend-core-pinned");
        object.mark(&pins.core_mark())
    });
    if result.is_err() {
        let _ = cut_core(pins);
    }
    result.map(|()| true)
}

/// Detaches the core.
pub(crate) fn cut_core(pins: &Pins) -> Result<(), Error> {
    pins::remove_file(&pins.core_mark())?;
    for program in object::programs()? {
        if program.part == Part::Core {
            pins::remove_file(&pins.link(&program.name))?;
        }
    }
    Ok(())
}
