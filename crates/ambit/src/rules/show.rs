// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Rules as they were understood, and as the kernel runs them.

use std::fmt::Write as _;
use std::path::PathBuf;

use ambit_event::escape;
use ambit_policy::compile;
use ambit_policy::rule::Rule;
use anyhow::anyhow;

use super::files::{self, Set};
use super::load::{compiled, hooks};
use super::loaded::{Loaded, actions, current, severity};
use super::sources::Sources;
use crate::exit::{Failure, Outcome};
use crate::out::{Style, count, note, print};

pub(super) fn main(paths: &[PathBuf], id: Option<&str>, asm: bool) -> Result<Outcome, Failure> {
    let (mut set, loaded) = if paths.is_empty() {
        let Some((_, loaded, set)) = current()? else {
            note!("no rules are loaded; name files to see theirs");
            return Ok(Outcome::SUCCESS);
        };
        (set, Some(loaded))
    } else {
        (
            files::read(paths).map_err(|failure| hint(failure, paths))?,
            None,
        )
    };
    if let Some(id) = id {
        set.rules.retain(|rule| rule.id == id);
        if set.rules.is_empty() {
            return Err(Failure::usage(anyhow!(
                "there is no rule `{}`",
                escape::line(id)
            )));
        }
    }
    if asm {
        return assembly(&set, loaded.filter(|_| id.is_none()).as_ref());
    }
    let style = Style::stdout();
    let mut out = String::new();
    for rule in &set.rules {
        describe(rule, style, &mut out);
    }
    print(&out)
}

/// A rule's id is easily given where a file's name is wanted.
fn hint(failure: Failure, paths: &[PathBuf]) -> Failure {
    match paths {
        [path] if !path.exists() && path.components().count() == 1 => Failure::usage(anyhow!(
            "{:#}; for a rule that holds, `ambit rules show --id {}`",
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
    let mut done = actions(rule.actions).join(", ");
    if let Some(seconds) = rule.taint_seconds {
        let _ = write!(done, " (the taint ends after {})", count(seconds, "second"));
    }
    line("title", &rule.title);
    line("severity", severity(rule.severity));
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

fn assembly(set: &Set, loaded: Option<&Loaded>) -> Result<Outcome, Failure> {
    let mut sources = Sources::read()?;
    sources.name_all(&compile::sources(&set.rules), 0)?;
    let compiled = compiled(&set.rules, &sources, &hooks())?;
    let style = Style::stdout();
    let mut out = String::new();
    for hook in &compiled.hooks {
        let verified = match loaded.and_then(|loaded| loaded.verified.get(hook.hook.name())) {
            Some(verified) => format!("the verifier looked at {verified}"),
            None if loaded.is_some() => {
                "this kernel does not tell what its verifier looked at".to_owned()
            }
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
    print(&out)
}
