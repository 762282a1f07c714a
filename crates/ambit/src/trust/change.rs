// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit trust set` and `clear`: an operator changes trust bits by hand.

use ambit_abi::TRUST_OPERATOR;
use ambit_event::escape;
use ambit_hoststate::TrustSources;
use ambit_hoststate::trust::{self, Changed, Order};
use ambit_hoststate::trust_log::{self, ChangeKind};
use ambit_sensor::Kernel;
use anyhow::anyhow;
use rustix::process::getuid;

use crate::exit::{Failure, Outcome};
use crate::out::{count, note, shown};

const REASON_MAX: usize = 1000;

/// The processes to change
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Target {
    /// One process, by its number outside of any container
    #[arg(long)]
    pid: Option<u32>,
    /// Every process of a domain
    #[arg(long, value_name = "NAME")]
    domain: Option<String>,
}

/// Parses `--reason`: not empty, and short.
pub(super) fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("give a reason in a few words".to_owned());
    }
    if text.len() > REASON_MAX {
        return Err(format!("the reason is longer than {REASON_MAX} bytes"));
    }
    Ok(escape::line(text))
}

pub(super) fn set(
    kernel: &Kernel,
    target: &Target,
    seconds: Option<u32>,
    reason: Option<&str>,
) -> Result<Outcome, Failure> {
    let order = order(
        ChangeKind::Set,
        1 << TRUST_OPERATOR,
        vec!["operator".to_owned()],
        reason,
    );
    let order = Order { seconds, ..order };
    let (name, changed) = carry_out(&order, kernel, target)?;
    let end = seconds.map_or_else(String::new, |seconds| {
        format!(" for {}", count(seconds, "second"))
    });
    note!("{name} is untrusted{end} ({changed})");
    Ok(Outcome::SUCCESS)
}

pub(super) fn clear(
    kernel: &Kernel,
    target: &Target,
    sources: &[String],
    reason: &str,
) -> Result<Outcome, Failure> {
    let (bits, names) = if sources.is_empty() {
        (u32::MAX, vec!["all".to_owned()])
    } else {
        (TrustSources::read()?.bits(sources)?, sources.to_vec())
    };
    let order = order(ChangeKind::Clear, bits, names, Some(reason));
    let (name, changed) = carry_out(&order, kernel, target)?;
    if sources.is_empty() {
        note!("{name} is trusted again ({changed})");
    } else {
        note!("{name}: cleared {} ({changed})", sources.join(", "));
    }
    Ok(Outcome::SUCCESS)
}

fn order(kind: ChangeKind, bits: u32, sources: Vec<String>, reason: Option<&str>) -> Order<'_> {
    let user = std::env::var_os("SUDO_USER").filter(|user| !user.is_empty() && user.len() <= 256);
    Order {
        kind,
        bits,
        sources,
        seconds: None,
        reason,
        uid: getuid().as_raw(),
        sudo_user: user.map(shown),
    }
}

/// Changes the target. Returns its name, and the number of processes and threads that changed.
fn carry_out(
    order: &Order<'_>,
    kernel: &Kernel,
    target: &Target,
) -> Result<(String, String), Failure> {
    let (target, name) = match (&target.domain, target.pid) {
        (Some(domain), _) => (
            trust::Target::Domain(domain),
            format!("domain {}", escape::line(domain)),
        ),
        (None, Some(pid)) => (trust::Target::Process(pid), format!("process {pid}")),
        (None, None) => return Err(Failure::usage(anyhow!("give --pid or --domain"))),
    };
    let mut changed = order.carry_out(kernel, target)?;
    for error in std::mem::take(&mut changed.not_logged) {
        note!(
            "cannot write a record to {}: {:#}",
            shown(trust_log::path()),
            anyhow::Error::from(error)
        );
    }
    let text = match target {
        trust::Target::Process(_) => count(changed.threads, "thread"),
        trust::Target::Domain(_) => totals(&changed),
    };
    Ok((name, text))
}

fn totals(changed: &Changed) -> String {
    let processes = match changed.processes {
        1 => "1 process".to_owned(),
        number => format!("{number} processes"),
    };
    format!("{processes}, {}", count(changed.threads, "thread"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_short_text_that_cannot_control_a_terminal() {
        assert_eq!(reason(" it was me\x1b "), Ok("it was me\\x1b".to_owned()));
        assert!(reason("  ").is_err());
        assert!(reason(&"x".repeat(1001)).is_err());
    }
}
