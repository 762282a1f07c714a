// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What can be typed after `ambit run`.

use std::ffi::OsString;
use std::path::PathBuf;

use ambit_abi::{Coverage, Hook};

use crate::cli::domain_name;

/// Run a command, and learn what it does or hold it to a map
///
/// With --learn what the command and all it starts do is added to a map. With -m what is outside the map is recorded,
/// and with --enforce refused. The command's own exit status is handed on.
// What can be typed is a list of switches.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, override_usage = "ambit run --learn -o MAP [OPTIONS] -- CMD [ARG]...\n       ambit run -m MAP [--enforce] [OPTIONS] -- CMD [ARG]...")]
pub(crate) struct Args {
    /// Learn: add what the command does to the map given with -o
    #[arg(long, requires = "output", conflicts_with = "map")]
    pub(super) learn: bool,
    /// The map to write, or to add to
    #[arg(short, long, value_name = "MAP", requires = "learn")]
    pub(super) output: Option<PathBuf>,
    /// The map to hold the command to
    #[arg(short, long, value_name = "MAP")]
    pub(super) map: Option<PathBuf>,
    /// Refuse what is outside the map, instead of only recording it
    #[arg(long, requires = "map")]
    pub(super) enforce: bool,
    /// Name of the domain; the map's otherwise, or the command's
    #[arg(long, value_name = "NAME", value_parser = domain_name)]
    pub(super) domain: Option<String>,
    /// How many executables of a chain tell subjects apart, for a new map [default: 2]
    #[arg(long, value_name = "N", requires = "learn", value_parser = clap::value_parser!(u32).range(1..=4))]
    pub(super) chain: Option<u32>,
    /// How much of the kernel's surface is learned, for a new map: `core`, or `full` [default: full]
    #[arg(long, value_name = "LEVEL", requires = "learn", value_parser = coverage)]
    pub(super) coverage: Option<Coverage>,
    /// Write every operation that is decided to this new file, for `ambit replay`
    #[arg(long, value_name = "FILE")]
    pub(super) record: Option<PathBuf>,
    /// Room for events that were not read yet; K and M may follow [default: 1M, 16M with --record]
    #[arg(long, value_name = "BYTES", value_parser = ring_size)]
    ring_size: Option<u32>,
    /// How many points may be learned
    #[arg(long, value_name = "N", default_value_t = 65_536, value_parser = clap::value_parser!(u32).range(1..=16_777_216))]
    pub(super) max_points: u32,
    /// Exit with status 3 where something was outside the map
    #[arg(long, requires = "map")]
    pub(super) fail_on_violation: bool,
    /// Enforce a map that learning left incomplete
    #[arg(long, requires = "enforce")]
    pub(super) allow_incomplete: bool,
    /// Go on where the kernel lacks this hook (see `ambit doctor --hooks`)
    #[arg(long, value_name = "HOOK", value_delimiter = ',', value_parser = hook)]
    pub(super) allow_missing: Vec<Hook>,
    /// Write the counters of each hook to this file, as JSON
    #[arg(long, value_name = "FILE")]
    pub(super) stats: Option<PathBuf>,
    /// Write violations to standard error as JSON, one object a line
    #[arg(long)]
    pub(super) json: bool,
    /// Say nothing but errors
    #[arg(short, long)]
    pub(super) quiet: bool,
    /// Say more about loading
    #[arg(short, long)]
    pub(super) verbose: bool,
    /// The command and its arguments
    #[arg(
        value_name = "CMD",
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub(super) command: Vec<OsString>,
}

impl Args {
    /// Room for events that were not read yet, in bytes.
    pub(super) fn ring_bytes(&self) -> u32 {
        let default = if self.record.is_some() {
            16 << 20
        } else {
            1 << 20
        };
        self.ring_size.unwrap_or(default)
    }
}

const EXAMPLES: &str = "\
Examples:
  ambit run --learn -o web.map -- ./serve.sh      learn; again and again adds to the map
  ambit run -m web.map -- ./serve.sh              record what is outside the map
  ambit run -m web.map --enforce -- ./serve.sh    refuse it

Exit status: the command's own (its signal, if it died by one); 1 the command line or the map is wrong, 2 Ambit could
not do its work, 3 with --fail-on-violation, 126 and 127 as of env(1).";

/// The largest ring that makes sense; the kernel's own limit is not far.
const RING_MAX: u64 = 1 << 30;

fn ring_size(text: &str) -> Result<u32, String> {
    let (digits, unit) = match text.strip_suffix(['K', 'k']) {
        Some(digits) => (digits, 1 << 10),
        None => match text.strip_suffix(['M', 'm']) {
            Some(digits) => (digits, 1 << 20),
            None => (text, 1),
        },
    };
    let bytes = digits
        .parse::<u64>()
        .map_err(|_| "expected a number of bytes, such as 65536, 64K or 1M".to_owned())?
        .saturating_mul(unit);
    if !(4096..=RING_MAX).contains(&bytes) {
        return Err("a ring has 4K to 1024M".to_owned());
    }
    u32::try_from(bytes.next_power_of_two()).map_err(|_| "a ring has 4K to 1024M".to_owned())
}

fn coverage(text: &str) -> Result<Coverage, String> {
    Coverage::from_name(text).ok_or_else(|| "`core` or `full`".to_owned())
}

fn hook(text: &str) -> Result<Hook, String> {
    Hook::from_name(text).ok_or_else(|| "no hook of Ambit's; see `ambit doctor --hooks`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_is_rounded_up_to_a_power_of_two() {
        assert_eq!(ring_size("4096"), Ok(4096));
        assert_eq!(ring_size("5000"), Ok(8192));
        assert_eq!(ring_size("64K"), Ok(65_536));
        assert_eq!(ring_size("1M"), Ok(1 << 20));
    }

    #[test]
    fn a_ring_without_room_is_an_error() {
        for text in [
            "0",
            "4095",
            "",
            "K",
            "-1",
            "1G",
            "2000M",
            "99999999999999999999",
        ] {
            assert!(ring_size(text).is_err(), "{text}");
        }
    }
}
