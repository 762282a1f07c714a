// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit trust source`: names of trust bits, for taps and for whoever writes them.

use std::collections::BTreeSet;
use std::fmt::Write;

use ambit_event::escape;
use ambit_model::is_source;
use anyhow::anyhow;

use crate::exit::{Exit, Failure, Outcome};
use crate::out::{Style, print};
use crate::rules::Sources;

pub(super) fn main(name: Option<&str>) -> Result<Outcome, Failure> {
    match name {
        Some(name) => print(&format!("{}\n", bit(name)?)),
        None => list(),
    }
}

fn list() -> Result<Outcome, Failure> {
    let mut all: Vec<(u8, String)> = Sources::read()?
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

/// The bit of a name, which it has from now on.
fn bit(name: &str) -> Result<u8, Failure> {
    if let Some(bit) = Sources::read()?.all().get(name) {
        return Ok(*bit);
    }
    // Others have one already.
    if !is_source(name) {
        return Err(Failure::usage(anyhow!(
            "`{}` is no name of a source; it is `tap:` or `rule:` and then 1 to 63 of A-Z, a-z, 0-9, `.`, `_` and `-`",
            escape::line(name)
        )));
    }
    let _lock = Sources::lock()?;
    let mut sources = Sources::read()?;
    let mut wanted = BTreeSet::from([name.to_owned()]);
    let mut borne = 0;
    if let Some(kernel) = super::open()? {
        borne = kernel.trust_bits_in_use()?;
        // Rules that hold set their bits whether a task has them yet or not.
        if kernel.rules_generation()? != 0 {
            wanted.extend(sources.all().into_keys());
        }
    }
    sources.name_all(&wanted, borne)?;
    sources.write()?;
    sources.all().get(name).copied().ok_or_else(|| {
        Failure::new(
            Exit::Trouble,
            anyhow!("`{}` got no trust bit", escape::line(name)),
        )
    })
}

/// The bits of names as `trust ls` writes them, `bitN` for one without a name included.
pub(super) fn bits(names: &[String]) -> Result<u32, Failure> {
    let sources = Sources::read()?;
    names.iter().try_fold(0, |bits, name| {
        let bit = (0..32_u8).find(|bit| sources.name(*bit) == *name);
        let bit = bit.ok_or_else(|| {
            Failure::usage(anyhow!(
                "there is no source `{}`; `ambit trust source` lists them",
                escape::line(name)
            ))
        })?;
        Ok(bits | 1 << bit)
    })
}
