// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit run`: a command in a domain of its own, from before its first instruction to the end of its last task.

mod args;
mod command;
mod ending;
mod figures;
mod gates;
mod keeper;
mod plan;
mod recorder;
mod session;
mod stats;
mod tape;
mod watch;

pub(crate) use args::Args;
use command::Command;
use gates::Gates;
use plan::Plan;
use recorder::Recorder;
use session::Ended;
use stats::Stats;
use tape::Blank;
use watch::{Tell, Watch};

use std::collections::HashMap;

use ambit_abi::{self as abi, Coverage, Fp, Mode, Response};
use ambit_event::{Secret, Subject};
use ambit_hoststate::{locks, rules};
use ambit_journal::{Clock, Hex, Run};
use ambit_launch::Keeper;
use ambit_model::{Compiled, FAMILIES, Learner, Responses, compile};
use ambit_sensor::{Domain, DomainSpec, Kernel, LoadOptions};
use anyhow::Context;

use crate::exit::{Exit, Failure, OrExit, Outcome};
use crate::out::{note, shown};

/// How many results of patterns the kernel part may keep.
const PATTERN_CACHE: u32 = 16_384;
/// Room in the set for the names and subjects that the kernel part describes.
const DESCRIPTIONS: u32 = 8_192;

pub(crate) fn main(args: &Args) -> Result<Outcome, Failure> {
    let plan = Plan::new(args)?;
    let options = LoadOptions {
        allow_missing: args.allow_missing.clone(),
        verbose: args.verbose,
        full: plan.map.coverage == Coverage::Full,
        ..LoadOptions::default()
    };
    let mut blank = args.record.as_deref().map(Blank::new).transpose()?;
    let attached = Kernel::attach(&options);
    if attached.is_err() {
        blank.take().into_iter().for_each(Blank::discard);
    }
    let kernel = attached?;
    if let Err(error) = rules::reload(&kernel) {
        note!(
            "the active rules could not be reloaded, so that the map is evaluated before rules that allow more: {:#}",
            anyhow::Error::from(error)
        );
    }
    for left in kernel.left_out() {
        note!("not decided on this kernel: {left}");
    }
    let outcome = in_domain(args, &plan, &kernel, &options, blank);
    // The workload's end is what counts; what stays pinned is found by the next run.
    if let Err(error) = kernel.release() {
        note!(
            "cannot unload the kernel part: {:#}",
            anyhow::Error::from(error)
        );
    }
    outcome
}

fn in_domain(
    args: &Args,
    plan: &Plan,
    kernel: &Kernel,
    options: &LoadOptions,
    blank: Option<Blank>,
) -> Result<Outcome, Failure> {
    let secret = Secret::new(kernel.secret());
    let compiled = compiled(plan, kernel, secret)?;
    let launcher = Subject::LAUNCHER.fingerprint(&secret);
    let domain = {
        // Until the domain says which bits it means, they could be given to another source.
        let lock = locks::write_host_state()?;
        let gates = Gates::of(&plan.map, kernel, &lock)?;
        kernel.create_domain(&spec(args, plan, compiled.as_ref(), &gates))?
    };
    let mut recorder = match compiled {
        None => {
            let mut learner = Learner::new(secret);
            learner.preload(&plan.map);
            Recorder::learn(learner)
        }
        Some(compiled) => Recorder::watch(watch(args, plan, options.clone()), compiled.registry),
    };
    if let Some(blank) = blank {
        recorder.record(blank.begin(plan, kernel.ephemeral_ports())?);
    }
    let began = Clock::now_utc();
    let keeper = Keeper::start(kernel.user_lock(), || {
        keeper::keep(plan, options, &domain, &mut recorder);
    });
    let keeper = keeper
        .map_err(anyhow::Error::from)
        .inspect_err(|error| {
            note!("nothing will clean up the domain if this process is killed: {error:#}");
        })
        .ok();
    let ended = session::run(&domain, &plan.command, plan.mode, launcher, &mut recorder);
    let stats = Stats::of(&domain, &recorder);
    let hits = hits(plan, &domain);
    close(&domain, keeper, ended.as_ref().ok(), plan);
    let rest = ending::Rest {
        recorder,
        ended: ended?,
        stats: stats?,
        hits,
        began,
    };
    ending::finish(args, plan, rest)
}

/// How often each learned point was met. Nothing that a map needs.
fn hits(plan: &Plan, domain: &Domain) -> HashMap<Fp, u32> {
    if plan.mode != Mode::Learn {
        return HashMap::new();
    }
    let hits = domain.hits().inspect_err(|error| {
        note!("how often each point was seen is not known: {error}");
    });
    hits.unwrap_or_default().into_iter().collect()
}

fn compiled(plan: &Plan, kernel: &Kernel, secret: Secret) -> Result<Option<Compiled>, Failure> {
    if plan.mode == Mode::Learn {
        return Ok(None);
    }
    let (first, last) = kernel.ephemeral_ports();
    let compiled = compile(&plan.map, secret, &(first..=last))
        .with_context(|| format!("cannot use the map {}", shown(&plan.path)))
        .or_exit(Exit::Usage)?;
    for warning in &compiled.warnings {
        note!("{}: {warning}", shown(&plan.path));
    }
    Ok(Some(compiled))
}

fn spec<'a>(
    args: &Args,
    plan: &'a Plan,
    compiled: Option<&'a Compiled>,
    gates: &Gates,
) -> DomainSpec<'a> {
    let keys = compiled.map_or(&[][..], |compiled| &compiled.keys);
    let dfa = compiled.and_then(|compiled| compiled.dfa.as_deref());
    let known = u32::try_from(keys.len()).unwrap_or(u32::MAX);
    let more = match plan.mode {
        Mode::Learn => args.max_points,
        _ => 0,
    };
    let cache = dfa.map_or(0, |_| PATTERN_CACHE);
    let digests = compiled.is_none_or(|compiled| compiled.digests);
    DomainSpec {
        name: &plan.domain,
        mode: plan.mode,
        chain: plan.map.chain,
        flags: if digests { abi::DOMAIN_DIGESTS } else { 0 },
        coverage: plan.map.coverage,
        outside: by_family(plan.map.outside),
        gates: gates.by_family,
        named: gates.named,
        keys,
        dfa,
        set_capacity: known
            .saturating_add(more)
            .saturating_add(cache)
            .saturating_add(DESCRIPTIONS),
        cache_max: cache.into(),
        ring_bytes: args.ring_bytes(),
        record: args.record.is_some(),
    }
}

/// A map's table in the kernel part's order. Families that maps do not know are refused.
fn by_family(table: Responses) -> [Response; abi::FAMILIES] {
    let mut out = [Response::Deny; abi::FAMILIES];
    for (family, response) in FAMILIES.iter().zip(table) {
        if let Some(slot) = out.get_mut(usize::from(u8::from(*family))) {
            *slot = response;
        }
    }
    out
}

fn watch(args: &Args, plan: &Plan, options: LoadOptions) -> Watch {
    let tell = match (args.json, args.quiet) {
        (true, _) => Tell::Json,
        (false, false) => Tell::Lines,
        (false, true) => Tell::Nothing,
    };
    let run = Run {
        ambit: ambit_journal::FORMAT,
        domain: plan.domain.clone(),
        mode: plan.mode,
        map: shown(&plan.path),
        map_bytes: Hex(plan.path.as_os_str().as_encoded_bytes().to_vec()),
        command: plan.command.argv.iter().map(shown).collect(),
        began: Clock::now_utc(),
    };
    let cause_of = Box::new(move |pid, tid| {
        let kernel = Kernel::open(&options).ok()??;
        let tasks = kernel.tasks().ok()?;
        let task = tasks
            .iter()
            .find(|task| task.tid == tid)
            .or_else(|| tasks.iter().find(|task| task.tgid == pid))?;
        (task.label.trust != 0).then_some(task.label.cause)
    });
    Watch::begin(run, tell, cause_of)
}

/// Frees the domain, unless tasks go on in it: then its keeper does when they have ended.
fn close(domain: &Domain, keeper: Option<Keeper>, ended: Option<&Ended>, plan: &Plan) {
    let left = ended.map_or(0, |ended| ended.stragglers);
    if left > 0 {
        let what = match plan.mode {
            Mode::Learn => "what they do from now on is not learned",
            Mode::Audit => "what they do outside the map is recorded until their end",
            _ => "what is outside the map is refused to them and recorded until their end",
        };
        note!("{left} tasks of the domain `{}` go on; {what}", plan.domain);
        return;
    }
    match domain.close() {
        Ok(()) => keeper.into_iter().for_each(Keeper::dismiss),
        Err(error) => note!("{:#}", anyhow::Error::from(error)),
    }
}
