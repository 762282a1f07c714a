// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The arguments of `ambit run`.

use std::ffi::OsString;
use std::path::PathBuf;

use ambit_abi::{Coverage, Hook};
use ambit_model::Heuristic;

use crate::value::domain_name;

/// Run a command, and learn its behaviour or check it against a map
///
/// With --learn, the operations of the command and all its descendants are added to a map; if it cannot be written at the end,
/// it is kept in /var/lib/ambit/kept. With -m, operations outside
/// the map are stored for `ambit explain`; with --enforce, they are refused, too. The exit status is the command's.
// Each of these booleans is a switch of the command line.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, override_usage = "ambit run --learn -o MAP [OPTIONS] -- CMD [ARG]...\n       ambit run -m MAP [--enforce] [OPTIONS] -- CMD [ARG]...")]
pub(crate) struct Args {
    /// Learn: add the command's operations to the map given with -o
    #[arg(long, requires = "output", conflicts_with = "map")]
    pub(super) learn: bool,
    /// The map to create or extend
    #[arg(short, long, value_name = "MAP", requires = "learn")]
    pub(super) output: Option<PathBuf>,
    /// The map to check the command against
    #[arg(short, long, value_name = "MAP")]
    pub(super) map: Option<PathBuf>,
    /// Refuse operations outside the map, and do not only store them
    #[arg(long, requires = "map")]
    pub(super) enforce: bool,
    /// Name of the domain [default: the map's; for a new map the command's name]
    #[arg(long, value_name = "NAME", value_parser = domain_name)]
    pub(super) domain: Option<String>,
    /// For a new map: how many executables of the chain belong to a subject [default: 2]
    #[arg(long, value_name = "N", requires = "learn", value_parser = clap::value_parser!(u32).range(1..=4))]
    pub(super) chain: Option<u32>,
    /// For a new map: the hooks that are covered, `core` or `full` [default: full]
    #[arg(long, value_name = "LEVEL", requires = "learn", value_parser = coverage)]
    pub(super) coverage: Option<Coverage>,
    /// Write every decided operation to this new file, for `ambit replay`
    #[arg(long, value_name = "FILE")]
    pub(super) record: Option<PathBuf>,
    /// Size of the ring buffer, as bytes or with K or M [default: 1M, 16M with --record]
    #[arg(long, value_name = "BYTES", value_parser = ring_size)]
    ring_size: Option<u32>,
    /// Maximum number of points to learn
    #[arg(long, value_name = "N", default_value_t = 65_536, value_parser = clap::value_parser!(u32).range(1..=16_777_216))]
    pub(super) max_points: u32,
    /// Learn without this heuristic, to see its effect; docs/learning.md lists them
    #[arg(
        long,
        value_name = "HEURISTIC",
        requires = "learn",
        value_delimiter = ',',
        hide_short_help = true
    )]
    pub(super) without: Vec<Heuristic>,
    /// Exit with status 3 if an operation was outside the map
    #[arg(long, requires = "map")]
    pub(super) fail_on_violation: bool,
    /// Enforce the map even if it is incomplete
    #[arg(long, requires = "enforce")]
    pub(super) allow_incomplete: bool,
    /// Continue if the kernel lacks this hook; list hooks with `ambit doctor --hooks`
    #[arg(long, value_name = "HOOK", value_delimiter = ',', value_parser = hook)]
    pub(super) allow_missing: Vec<Hook>,
    /// Write the counters of each hook to this file, as JSON
    #[arg(long, value_name = "FILE")]
    pub(super) stats: Option<PathBuf>,
    /// Write violations to standard error as JSON, one object per line
    #[arg(long)]
    pub(super) json: bool,
    /// Show errors and warnings only
    #[arg(short, long)]
    pub(super) quiet: bool,
    /// If the kernel refuses the kernel part, print all messages of libbpf and the verifier
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
    /// Returns the size of the ring buffer in bytes.
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
  ambit run --learn -o web.map -- ./serve.sh      learn; repeat it to extend the map
  ambit run -m web.map -- ./serve.sh              audit: store operations outside the map
  ambit run -m web.map --enforce -- ./serve.sh    refuse them, too

Exit status: the command's (or its signal, if it died by one); 1 for an error in the command line or the map, 2
if Ambit failed, 3 with --fail-on-violation, 126 and 127 as env(1).";

/// Maximum size of a ring buffer, in bytes.
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
        return Err("the size must be between 4K and 1024M".to_owned());
    }
    u32::try_from(bytes.next_power_of_two())
        .map_err(|_| "the size must be between 4K and 1024M".to_owned())
}

fn coverage(text: &str) -> Result<Coverage, String> {
    Coverage::from_name(text).ok_or_else(|| "expected `core` or `full`".to_owned())
}

fn hook(text: &str) -> Result<Hook, String> {
    Hook::from_name(text)
        .ok_or_else(|| "unknown hook; list hooks with `ambit doctor --hooks`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_a_ring_up_to_a_power_of_two() {
        assert_eq!(ring_size("4096"), Ok(4096));
        assert_eq!(ring_size("5000"), Ok(8192));
        assert_eq!(ring_size("64K"), Ok(65_536));
        assert_eq!(ring_size("1M"), Ok(1 << 20));
    }

    #[test]
    fn refuses_sizes_out_of_range() {
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
