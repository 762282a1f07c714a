// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Explains a violation and proposes the smallest change of the map that allows it.

use std::fmt;

use ambit_abi::{EventKind, Op, Reason, Response};
use ambit_event::text::write_digest;
use ambit_event::{Object, Operation, Subject, edit_distance, escape, named, trust_names};
use serde::Serialize;

use crate::learn::Violation;
use crate::{Map, Rule};

/// Number of rules that an explanation shows.
const NEAREST_MAX: usize = 3;

/// A violation, explained as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The attempted operation as a rule. If the object has no canonical form: the operation and the known part of the
    /// object.
    pub attempted: String,
    /// The subject, if it is known.
    pub subject: Option<Subject>,
    /// The subject's id in the map; `None` if the map does not contain the subject.
    pub id: Option<String>,
    /// The reason why the operation is a violation.
    pub reason: String,
    /// The response.
    pub response: String,
    /// The most similar rules of the map, the most similar first.
    pub nearest: Vec<NearRule>,
    /// Lines of a map file to add; `None` if no line can allow the operation.
    pub change: Option<String>,
    /// The sources of the task's trust bits.
    pub trust: Vec<String>,
    /// Number of violations of this point so far.
    pub count: u32,
}

/// A rule of the map and its subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NearRule {
    /// The id of the rule's subject.
    pub id: String,
    /// The rule.
    pub rule: String,
}

/// A violation cannot be accepted into a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// The kernel part never described the subject.
    #[error("the subject was never described, so no rule can be written for it")]
    UnknownSubject,
    /// The object has no canonical form.
    #[error("the object has no canonical form, so no rule can name it")]
    Unrepresentable,
    /// The launcher attempted something other than starting a program.
    #[error("the launcher can only be allowed to start programs")]
    Launcher,
    /// No subject of the map runs the file with this digest.
    #[error("the map has no subject that runs this file")]
    NoSubject,
    /// The violation's subject has more executables than the map's `chain` permits.
    #[error("the subject has more executables than the map's `chain` permits")]
    Chain,
}

impl Map {
    /// Explains a violation, with the most similar rules and the smallest change.
    pub fn explain(&self, violation: &Violation) -> Explanation {
        let event = &violation.event;
        let subject = violation.subject.as_ref();
        let id = subject
            .and_then(|subject| self.subjects.get(subject))
            .map(|entry| entry.id.clone());
        let after = self.accept(violation).ok();
        Explanation {
            attempted: event.rule(),
            subject: subject.cloned(),
            reason: reason(self, violation),
            response: response(event.response).to_owned(),
            nearest: self.nearest(violation),
            change: after.and_then(|after| change(self, &after)),
            trust: trust_names(event.trust),
            count: event.count.max(1),
            id,
        }
    }

    /// Returns the map with the smallest change that allows the violation.
    pub fn accept(&self, violation: &Violation) -> Result<Self, AcceptError> {
        let event = &violation.event;
        let object = event.object().ok_or(AcceptError::Unrepresentable)?;
        let mut map = self.clone();
        if let (Op::ExecDigest, Object::Digest { sha256, of }) = (event.operation.op, object) {
            return if map.accept_digest(of, sha256) {
                Ok(map)
            } else {
                Err(AcceptError::NoSubject)
            };
        }
        let subject = violation
            .subject
            .as_ref()
            .ok_or(AcceptError::UnknownSubject)?;
        let operation = event.wanted(object);
        let rule = Rule::of_point(operation, object.clone());
        if subject.is_launcher() {
            if operation.op != Op::Exec {
                return Err(AcceptError::Launcher);
            }
            map.start.insert(rule.object().clone());
            return Ok(map);
        }
        let deepest = usize::try_from(self.chain).unwrap_or(1).saturating_sub(1);
        if subject.via.len() > deepest {
            return Err(AcceptError::Chain);
        }
        let new = !map.subjects.contains_key(subject);
        let entry = map.subject_mut(subject);
        match (event.operation.op, object) {
            (Op::ExecCreds, Object::Creds(creds)) => {
                // An empty set already permits any credentials.
                if new || !entry.creds.is_empty() {
                    entry.creds.insert(*creds);
                }
            }
            _ => {
                entry.allow.insert(rule);
            }
        }
        map.normalise();
        Ok(map)
    }

    /// Adds a digest to every subject that runs the file and restricts digests. Returns false if no subject runs it.
    fn accept_digest(&mut self, of: &Object, sha256: &[u8; 32]) -> bool {
        let mut runs = false;
        for (subject, entry) in &mut self.subjects {
            for (object, digests) in [
                (&subject.exe, &mut entry.digests),
                (&subject.script, &mut entry.script_digests),
            ] {
                if object.as_ref() == Some(of) {
                    runs = true;
                    if !digests.is_empty() {
                        digests.insert(*sha256);
                    }
                }
            }
        }
        runs
    }

    fn nearest(&self, violation: &Violation) -> Vec<NearRule> {
        let event = &violation.event;
        let Some(object) = event.object() else {
            return Vec::new();
        };
        if matches!(event.operation.op, Op::ExecDigest | Op::ExecCreds) {
            return Vec::new();
        }
        let operation = event.wanted(object);
        let target = Target::new(operation, &operation.rule(object));
        let mut found: Vec<(usize, bool, String, &str)> = Vec::new();
        for (subject, entry) in &self.subjects {
            let other = violation.subject.as_ref() != Some(subject);
            for rule in &entry.allow {
                let Some(distance) = target.distance(rule) else {
                    continue;
                };
                found.push((
                    distance + usize::from(other),
                    other,
                    rule.to_string(),
                    &entry.id,
                ));
                // Only the nearest rules are shown, so the candidates are cut from time to time.
                if found.len() >= 4096 {
                    found.sort();
                    found.truncate(NEAREST_MAX);
                }
            }
        }
        found.sort();
        found.truncate(NEAREST_MAX);
        found
            .into_iter()
            .map(|(_, _, rule, id)| NearRule {
                id: id.to_owned(),
                rule,
            })
            .collect()
    }
}

/// The operation of a violation and the path components of its object, for comparison with rules.
struct Target {
    operation: Operation,
    parts: Vec<String>,
}

impl Target {
    fn new(operation: Operation, rule: &str) -> Self {
        Self {
            operation,
            parts: parts(rule),
        }
    }

    /// Returns the distance of a rule; `None` if it is unrelated.
    fn distance(&self, rule: &Rule) -> Option<usize> {
        let operation = rule.operation();
        let penalty = match operation.op {
            _ if operation == self.operation => 0,
            op if op == self.operation.op => 1,
            op if op.family() == self.operation.op.family() => 3,
            _ => return None,
        };
        let theirs = parts(&rule.to_string());
        let distance = edit_distance(&self.parts, &theirs);
        // Rules that have only the root directory in common are unrelated.
        (distance < self.parts.len().max(theirs.len())).then_some(2 * distance + penalty)
    }
}

/// Returns the components of a rule's object.
fn parts(rule: &str) -> Vec<String> {
    let object = rule.split_once(' ').map_or("", |(_, object)| object);
    let object = object
        .find(['/', ':'])
        .and_then(|at| object.get(at..))
        .unwrap_or(object);
    object
        .split(['/', ' ', ':'])
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

fn reason(map: &Map, violation: &Violation) -> String {
    let event = &violation.event;
    let known = violation
        .subject
        .as_ref()
        .is_some_and(|subject| map.subjects.contains_key(subject));
    match event.reason {
        Reason::Gate => {
            let family = event.operation.op.family();
            let gated = family.map_or_else(
                || "this operation".to_owned(),
                |family| format!("`{family}` operations"),
            );
            format!("the task is untrusted, and the map has a gate for {gated} of untrusted tasks")
        }
        Reason::TooLong => "the path or name is too long for the canonical form".to_owned(),
        Reason::Unreachable => "the file is on a mount that was detached".to_owned(),
        Reason::ShortAddress => "the address is shorter than addresses of its family".to_owned(),
        Reason::NoScratch => "the kernel part had no free scratch memory".to_owned(),
        Reason::Digest => digest_reason(map, event.object()),
        Reason::Creds => "the map does not contain these credentials for this program".to_owned(),
        _ if event.kind == EventKind::Unrepresentable => {
            "the object has no canonical form".to_owned()
        }
        _ if violation.subject.is_none() => {
            "the subject is unknown: the kernel part never described it".to_owned()
        }
        _ if violation.subject.as_ref().is_some_and(Subject::is_launcher) => {
            "the map's `start` does not contain this program".to_owned()
        }
        _ if known => "no rule of this program allows it".to_owned(),
        _ => unknown_subject(map, violation.subject.as_ref()),
    }
}

/// Explains a violation of a subject that is not in the map; the map may contain its executable with another chain.
fn unknown_subject(map: &Map, subject: Option<&Subject>) -> String {
    let exe = subject.and_then(|subject| subject.exe.as_ref());
    let same = map
        .subjects
        .keys()
        .find(|known| exe.is_some() && known.exe.as_ref() == exe);
    match same {
        Some(known) => format!("the map contains this program only as {known}"),
        None => "the map does not contain this program".to_owned(),
    }
}

fn digest_reason(map: &Map, object: Option<&Object>) -> String {
    let Some(Object::Digest { sha256, of }) = object else {
        return "the executable's digest could not be computed".to_owned();
    };
    let known = crate::compile::digests_by_object(map)
        .remove(of)
        .unwrap_or_default();
    let mut out = String::from("binary changed: the map has ");
    for (index, old) in known.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write_digest(&mut out, old);
    }
    if known.is_empty() {
        out.push_str("no digest of it");
    }
    out.push_str("; it is now ");
    write_digest(&mut out, sha256);
    out
}

const fn response(response: Response) -> &'static str {
    match response {
        Response::Log => "allowed and recorded",
        Response::Deny => "refused",
        Response::Kill => "refused, and the process was killed",
        _ => "an unknown response",
    }
}

/// Returns the lines that `after` has and `before` does not, as a piece of a map file.
fn change(before: &Map, after: &Map) -> Option<String> {
    let mut more = Map::new(after.domain.clone());
    more.chain = after.chain;
    more.start = &after.start - &before.start;
    for (subject, entry) in &after.subjects {
        let mut entry = entry.clone();
        if let Some(old) = before.subjects.get(subject) {
            if *old == entry {
                continue;
            }
            entry.digests = &entry.digests - &old.digests;
            entry.script_digests = &entry.script_digests - &old.script_digests;
            entry.creds = &entry.creds - &old.creds;
            entry.allow = &entry.allow - &old.allow;
        }
        more.subjects.insert(subject.clone(), entry);
    }
    if more.start.is_empty() && more.subjects.is_empty() {
        return None;
    }
    let text = more.to_string();
    let at = [text.find("\nstart:"), text.find("\nsubjects:")]
        .into_iter()
        .flatten()
        .min()?;
    text.get(at + 1..).map(str::to_owned)
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", named(&self.attempted))?;
        let subject = match (&self.subject, &self.id) {
            (Some(subject), Some(id)) => format!("{} ({subject})", escape::line(id)),
            (Some(subject), None) => format!("{subject} (not in the map)"),
            (None, _) => "unknown".to_owned(),
        };
        writeln!(f, "  subject  {subject}")?;
        writeln!(f, "  reason   {}", self.reason)?;
        let times = if self.count > 1 {
            format!(", {} times so far", self.count)
        } else {
            String::new()
        };
        writeln!(f, "  response {}{times}", self.response)?;
        if !self.trust.is_empty() {
            writeln!(f, "  trust    bits set by {}", self.trust.join(", "))?;
        }
        for (index, near) in self.nearest.iter().enumerate() {
            let label = if index == 0 { "nearest " } else { "        " };
            writeln!(
                f,
                "  {label} {} ({})",
                named(&near.rule),
                escape::line(&near.id)
            )?;
        }
        if let Some(change) = &self.change {
            writeln!(f, "  to allow it, add")?;
            for line in change.lines() {
                writeln!(f, "    {line}")?;
            }
        }
        Ok(())
    }
}
