// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit trust source`: the names of trust bits, for authors of taps.

use std::collections::BTreeSet;
use std::fmt::Write;

use ambit_event::escape;
use ambit_hoststate::{TrustSources, locks};
use ambit_model::is_source;
use anyhow::anyhow;

use crate::exit::{Exit, Failure, Outcome};
use crate::out::Style;
use crate::stdout::print;

pub(super) fn main(name: Option<&str>) -> Result<Outcome, Failure> {
    match name {
        Some(name) => print(&format!("{}\n", bit(name)?)),
        None => list(),
    }
}

fn list() -> Result<Outcome, Failure> {
    let mut all: Vec<(u8, String)> = TrustSources::read()?
        .all()
        .into_iter()
        .map(|(name, bit)| (bit, name))
        .collect();
    all.sort();
    let mut out = format!("{}\n", Style::stdout().bold("BIT  NAME"));
    for (bit, name) in all {
        let _ = writeln!(out, "{bit:>3}  {}", escape::name(name.as_bytes()));
    }
    print(&out)
}

/// Returns the bit of a name. Assigns one first if the name has no bit.
fn bit(name: &str) -> Result<u8, Failure> {
    if let Some(bit) = TrustSources::read()?.all().get(name) {
        return Ok(*bit);
    }
    // Built-in names have a fixed bit.
    if !is_source(name) {
        return Err(Failure::usage(anyhow!(
            "`{}` is not the name of a trust source; use `tap:` or `rule:` followed by 1 to 63 of A-Z, a-z, 0-9, `.`, `_` and `-`",
            escape::line(name)
        )));
    }
    let lock = locks::write_host_state()?;
    let names = BTreeSet::from([name.to_owned()]);
    let sources = TrustSources::reserve(names, super::open()?.as_ref(), &lock)?;
    sources.all().get(name).copied().ok_or_else(|| {
        Failure::new(
            Exit::Trouble,
            anyhow!("`{}` got no trust bit", escape::line(name)),
        )
    })
}
