// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit rules show`: rules as Ambit understood them, and the programs they compile to.

use std::fmt::Write as _;
use std::path::PathBuf;

use ambit_event::escape;
use ambit_hoststate::rules::{Description, active, compile_for, hooks};
use ambit_hoststate::{RuleSet, TrustSources};
use ambit_policy::compile;
use ambit_policy::rule::Rule;
use anyhow::anyhow;

use crate::exit::{Failure, Outcome};
use crate::out::{Style, count, note};
use crate::stdout::print;

pub(super) fn main(paths: &[PathBuf], id: Option<&str>, asm: bool) -> Result<Outcome, Failure> {
    let (mut set, description) = if paths.is_empty() {
        let Some(active) = active()? else {
            note!("no rules are loaded; name files to show theirs");
            return Ok(Outcome::SUCCESS);
        };
        (active.set, Some(active.description))
    } else {
        let set = RuleSet::read(paths).map_err(|error| hint(error.into(), paths))?;
        (set, None)
    };
    if let Some(id) = id {
        set.rules.retain(|rule| rule.id == id);
        if set.rules.is_empty() {
            return Err(Failure::usage(anyhow!("no rule `{}`", escape::line(id))));
        }
    }
    if asm {
        // The verifier's counts are for programs with all rules of the set.
        let description = description.filter(|_| id.is_none());
        return print(&assembly(&set, description.as_ref(), Style::stdout())?);
    }
    let style = Style::stdout();
    let mut out = String::new();
    for rule in &set.rules {
        describe(rule, style, &mut out);
    }
    print(&out)
}

/// Adds the right command if a rule's id was given as the name of a file.
fn hint(failure: Failure, paths: &[PathBuf]) -> Failure {
    match paths {
        [path] if !path.exists() && path.components().count() == 1 => Failure::usage(anyhow!(
            "{:#}; to show an active rule, use `ambit rules show --id {}`",
            failure.into_error(),
            escape::line(&path.to_string_lossy())
        )),
        _ => failure,
    }
}

fn describe(rule: &Rule, style: Style, out: &mut String) {
    let _ = writeln!(out, "{}", style.bold(&rule.id));
    let mut line = |name: &str, text: &str| {
        if !text.is_empty() {
            let _ = writeln!(out, "  {name:11}{}", escape::line(text));
        }
    };
    let on: Vec<&str> = rule.on.iter().map(|op| op.name()).collect();
    let mut done = rule.actions.words().collect::<Vec<_>>().join(", ");
    if let Some(seconds) = rule.taint_seconds {
        let _ = write!(done, " (the taint ends after {})", count(seconds, "second"));
    }
    line("title", &rule.title);
    line("severity", rule.severity.word());
    line("attack", &rule.techniques.join(", "));
    line("on", &on.join(", "));
    for text in rule.text.lines() {
        line("when", text);
    }
    line("do", &done);
    for reference in &rule.references {
        line("see", reference);
    }
    line("from", &format!("{}:{}", rule.file, rule.line));
}

/// Returns the programs of a set as text. `description` describes the active set; `None` if `set` is another one.
fn assembly(
    set: &RuleSet,
    description: Option<&Description>,
    style: Style,
) -> Result<String, Failure> {
    let mut sources = TrustSources::read()?;
    sources.assign(&compile::sources(&set.rules), 0)?;
    let compiled = compile_for(&set.rules, &sources, &hooks())?;
    let mut out = String::new();
    for hook in &compiled.hooks {
        let verified = match description.map(|loaded| loaded.verified(hook.hook.name())) {
            Some(Some(verified)) => format!("the verifier processed {verified}"),
            Some(None) => "this kernel does not report how many the verifier processed".to_owned(),
            None => "not loaded".to_owned(),
        };
        let entries: usize = hook.object.iter().map(compile::Automaton::entries).sum();
        let head = format!(
            "{}: {}, {}; {verified}; automata of the object: {}, {}",
            hook.hook,
            count(hook.rules.len(), "rule"),
            count(hook.instructions.len(), "instruction"),
            hook.object.len(),
            if entries == 1 {
                "1 entry".to_owned()
            } else {
                format!("{entries} entries")
            },
        );
        let _ = writeln!(out, "{}", style.bold(head));
        if let Some(program) = &hook.path_program {
            let _ = writeln!(
                out,
                "; path program, run before the path is built: {}",
                count(program.instructions.len(), "instruction")
            );
        }
        if let Some(prefilter) = &hook.prefilter {
            let _ = writeln!(
                out,
                "; prefilter, reads no text but the object: {}",
                count(prefilter.len(), "instruction")
            );
        }
        out.push_str(&hook.listing());
        out.push('\n');
    }
    Ok(out)
}
