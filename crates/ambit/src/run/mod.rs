// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit run`: runs a command in a domain of its own, from before its first instruction to the end of its last task.
//!
//! This module turns the command line into a plan, shows what a session reports and chooses the exit code. The session
//! itself is in `ambit-session`.

mod args;
mod ending;
mod figures;
mod plan;
mod show;

pub(crate) use args::Args;
use plan::Plan;

use std::collections::{BTreeSet, HashMap};
use std::thread;

use ambit_abi::{self as abi, Coverage, Fp, Mode};
use ambit_event::{Secret, Subject};
use ambit_hoststate::locks::WriteLock;
use ambit_hoststate::{TrustSources, locks, rules};
use ambit_journal::{Clock, Hex, Run};
use ambit_launch::Keeper;
use ambit_model::{Compiled, Learner, Map, compile};
use ambit_recording::Header;
use ambit_sensor::{Domain, DomainSpec, Kernel, LoadOptions};
use ambit_session::{
    Gates, NewRecording, Recorder, Report, Stats, Watch, causes_of_tasks, keep, responses,
    run as run_session,
};
use anyhow::Context;

use crate::exit::{Exit, Failure, OrExit, Outcome};
use crate::out::{note, shown};
use crate::store;

/// Number of pattern results that the kernel part may cache.
const PATTERN_CACHE: u32 = 16_384;
/// Room in the set for the names and subjects that the kernel part describes.
const DESCRIPTIONS: u32 = 8_192;

pub(crate) fn main(args: &Args) -> Result<Outcome, Failure> {
    let plan = Plan::new(args)?;
    let options = LoadOptions {
        allow_missing: args.allow_missing.clone(),
        full: plan.map.coverage == Coverage::Full,
        ..LoadOptions::default()
    };
    let recording = args
        .record
        .as_deref()
        .map(NewRecording::create)
        .transpose()?;
    let attached = Kernel::attach(&options);
    if let Err(error) = &attached
        && args.verbose
        && let Some(log) = error.log()
    {
        note!("messages of libbpf and the verifier:\n{}", log.trim_end());
    }
    let kernel = attached?;
    if let Err(error) = rules::reload(&kernel) {
        note!(
            "cannot reload the rules, so operations that they allow may be refused: {:#}",
            anyhow::Error::from(error)
        );
    }
    for notice in kernel.notices() {
        note!("{notice}");
    }
    let outcome = in_domain(args, &plan, &kernel, &options, recording);
    // The exit code is the workload's. The next run removes pins that stay.
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
    recording: Option<NewRecording>,
) -> Result<Outcome, Failure> {
    let secret = Secret::new(kernel.secret());
    let compiled = compiled(plan, kernel, secret)?;
    let launcher = Subject::LAUNCHER.fingerprint(&secret);
    let domain = {
        // Held until the domain uses its trust bits: without it, another process could assign them to another source.
        let lock = locks::write_host_state()?;
        let gates = gates(&plan.map, kernel, &lock)?;
        kernel.create_domain(&spec(args, plan, compiled.as_ref(), &gates))?
    };
    if let Some(notice) = domain.notice() {
        note!("{notice}");
    }
    let counters = Box::new(|| domain.stats().ok());
    let mut recorder = match compiled {
        None => {
            let without = args.without.iter().copied().collect();
            let mut learner = Learner::new(secret).without(without);
            learner.preload(&plan.map);
            Recorder::learn(learner, counters, show::notices(args))
        }
        Some(compiled) => {
            let mut report = show::notices(args);
            let watch = watch(plan, options.clone(), &mut report);
            Recorder::watch(watch, compiled.registry, counters, report)
        }
    };
    if let Some(recording) = recording {
        recorder.record(recording.begin(&header(plan, kernel.ephemeral_ports()))?);
    }
    let began = Clock::now_utc();
    let keeper = Keeper::start(kernel.user_lock(), || {
        keep(plan.mode, options, &domain, &mut recorder);
    });
    let keeper = keeper
        .map_err(anyhow::Error::from)
        .inspect_err(|error| {
            note!("nothing will clean up the domain if this process is killed: {error:#}");
        })
        .ok();
    let ended = run_session(&domain, &plan.command, plan.mode, launcher, &mut recorder);
    let stats = Stats::read(&domain, recorder.delivery());
    let hits = hits(plan, &domain);
    let collected = recorder.into_collected();
    let left = ended.as_ref().map_or(0, |ended| ended.stragglers);
    while_closing(&domain, keeper, left, plan, || {
        let result = ending::SessionResult {
            collected,
            ended: ended?,
            stats: stats?,
            hits,
            began,
        };
        ending::finish(args, plan, result)
    })
}

/// Returns how often each learned point occurred. A map is complete without it.
fn hits(plan: &Plan, domain: &Domain) -> HashMap<Fp, u32> {
    if plan.mode != Mode::Learn {
        return HashMap::new();
    }
    let hits = domain.hits().inspect_err(|error| {
        note!("cannot read how often each point occurred: {error}");
    });
    hits.unwrap_or_default().into_iter().collect()
}

fn header(plan: &Plan, ephemeral: (u16, u16)) -> Header {
    Header {
        domain: plan.domain.clone(),
        mode: plan.mode.name().to_owned(),
        chain: plan.map.chain,
        coverage: plan.map.coverage.name().to_owned(),
        ephemeral,
        command: plan.command.argv.iter().map(shown).collect(),
        began: Clock::now_utc(),
        map: (plan.mode != Mode::Learn).then(|| hex::encode(plan.map.digest())),
        ..Header::new()
    }
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
        flags: if digests { abi::DOMAIN_DIGESTS } else { 0 }
            | if plan.mode == Mode::Learn || plan.map.appends() {
                abi::DOMAIN_APPEND
            } else {
                0
            },
        coverage: plan.map.coverage,
        outside: responses(plan.map.outside),
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

/// Assigns bits to the trust sources that a map names, and returns the map's gates.
fn gates(map: &Map, kernel: &Kernel, lock: &WriteLock) -> Result<Gates, Failure> {
    let names: BTreeSet<String> = map.untrusted_by.keys().cloned().collect();
    let sources = if names.is_empty() {
        TrustSources::read()?
    } else {
        TrustSources::reserve(names, Some(kernel), lock)?
    };
    Ok(Gates::new(map, &sources.all()))
}

fn watch(plan: &Plan, options: LoadOptions, report: &mut Report<'_>) -> Watch {
    let run = Run {
        ambit: ambit_journal::FORMAT,
        domain: plan.domain.clone(),
        mode: plan.mode,
        map: shown(&plan.path),
        map_bytes: Hex(plan.path.as_os_str().as_encoded_bytes().to_vec()),
        command: plan.command.argv.iter().map(shown).collect(),
        began: Clock::now_utc(),
    };
    let (watch, notice) = Watch::begin(&store::runs(), run, causes_of_tasks(options));
    notice.into_iter().for_each(report);
    watch
}

/// Removes the domain while `finish` runs, because the kernel lets that wait for some ten milliseconds. If tasks are left in the
/// domain, the keeper removes it after their end.
fn while_closing<T>(
    domain: &Domain,
    keeper: Option<Keeper>,
    left: i64,
    plan: &Plan,
    finish: impl FnOnce() -> T,
) -> T {
    if left > 0 {
        let what = match plan.mode {
            Mode::Learn => "their further operations are not learned",
            Mode::Audit => "their operations outside the map are stored until they end",
            _ => "the map is enforced and their violations are stored until they end",
        };
        note!(
            "{} still running in the domain `{}`: {what}",
            if left == 1 {
                "1 task is".to_owned()
            } else {
                format!("{left} tasks are")
            },
            plan.domain
        );
        return finish();
    }
    let close = || match domain.close() {
        Ok(()) => true,
        Err(error) => {
            note!("{:#}", anyhow::Error::from(error));
            false
        }
    };
    let (finished, closed) = thread::scope(|scope| {
        let closing = thread::Builder::new().spawn_scoped(scope, close);
        let finished = finish();
        // Without a thread, it is closed now.
        let closed = closing.map_or_else(|_| close(), |thread| thread.join().unwrap_or(false));
        (finished, closed)
    });
    if closed {
        keeper.into_iter().for_each(Keeper::dismiss);
    }
    finished
}
