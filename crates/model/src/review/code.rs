// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Files that a subject can change and that it or others execute.

use std::collections::{BTreeSet, HashMap};
use std::sync::OnceLock;

use ambit_abi::{self as abi, Op};
use ambit_event::{Object, Subject};

use super::chain::file_name;
use super::context::{Cause, CauseLine, Checked, Context, lies_in};
use super::kind::FindingKind as Kind;
use super::kind::Severity;
use super::tables::{Class, Use, class_of, place};
use crate::generalize::{Place, Target};
use crate::pattern::PathKind;
use crate::{Rule, RuleObject};

/// How a file is executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum How {
    Program,
    Script,
    Library,
    /// An interpreter reads it.
    Source,
}

/// An execution of a file that the map allows.
struct Execution<'m> {
    /// `None` for the launcher.
    by: Option<&'m Subject>,
    how: How,
    cause: Cause<'m>,
}

/// All executions of files, by object.
pub(super) struct Executions<'m> {
    exact: HashMap<Object, Vec<Execution<'m>>>,
    patterns: Vec<(Place, &'m RuleObject, Execution<'m>)>,
}

/// True if the object may be a source file of an interpreter.
fn is_source(object: &RuleObject) -> bool {
    static SOURCES: OnceLock<Option<Place>> = OnceLock::new();
    SOURCES
        .get_or_init(|| place("**/*.{cjs,jar,js,lua,mjs,php,phtml,pl,pm,py,pyc,R,rb,sh,tcl}"))
        .as_ref()
        .is_some_and(|sources| sources.meets(&Target::new(object)))
}

impl<'m> Executions<'m> {
    pub(super) fn of(context: &Context<'m>) -> Self {
        let mut this = Self {
            exact: HashMap::new(),
            patterns: Vec::new(),
        };
        let map = context.map;
        let scripts: BTreeSet<&Object> = map
            .subjects
            .keys()
            .filter_map(|subject| subject.script.as_ref())
            .collect();
        let program = |object: &RuleObject| match object.as_exact() {
            Some(object) if scripts.contains(object) => How::Script,
            _ => How::Program,
        };
        for object in &map.start {
            let cause = Cause {
                subject: None,
                line: CauseLine::Start(object),
            };
            this.add(object, None, program(object), cause);
        }
        for (subject, entry) in &map.subjects {
            let interpreter = subject
                .exe
                .as_ref()
                .and_then(|exe| class_of(file_name(exe)?))
                .is_some_and(|class| matches!(class, Class::Shell | Class::Interpreter));
            for (key, object, how) in [
                ("exe", &subject.exe, How::Program),
                ("script", &subject.script, How::Script),
            ] {
                if let Some(object) = object {
                    let mut text = format!("{key}: ");
                    ambit_event::text::write_object(&mut text, Op::Name, object);
                    let cause = Cause {
                        subject: Some(subject),
                        line: CauseLine::Key(text),
                    };
                    let object = object.clone();
                    this.add_exact(&object, Some(subject), how, cause);
                }
            }
            for rule in &entry.allow {
                let how = match rule.operation().op {
                    Op::Exec => program(rule.object()),
                    Op::MapExec => How::Library,
                    Op::FileOpen
                        if interpreter
                            && rule.operation().arg & abi::OPEN_READ != 0
                            && is_source(rule.object()) =>
                    {
                        How::Source
                    }
                    _ => continue,
                };
                let cause = Cause {
                    subject: Some(subject),
                    line: CauseLine::Rule(rule),
                };
                this.add(rule.object(), Some(subject), how, cause);
            }
        }
        this
    }

    fn add(&mut self, object: &'m RuleObject, by: Option<&'m Subject>, how: How, cause: Cause<'m>) {
        match object {
            RuleObject::Exact(object) => self.add_exact(object, by, how, cause),
            RuleObject::Path(pattern) if pattern.kind() == PathKind::Path => {
                let execution = Execution { by, how, cause };
                self.patterns
                    .push((Place::new(pattern.clone()), object, execution));
            }
            _ => {}
        }
    }

    fn add_exact(&mut self, object: &Object, by: Option<&'m Subject>, how: How, cause: Cause<'m>) {
        if matches!(object, Object::Path(_)) {
            self.exact
                .entry(object.clone())
                .or_default()
                .push(Execution { by, how, cause });
        }
    }

    /// Returns the executions of files below a directory, for a rule that puts another directory in its place.
    fn below(&self, object: &RuleObject) -> Vec<(Option<&Object>, &Execution<'m>)> {
        let RuleObject::Exact(Object::Path(directory)) = object else {
            return Vec::new();
        };
        let is_below = |exact: &&Object| {
            matches!(exact, Object::Path(path) if path
                .as_bytes()
                .strip_prefix(directory.as_bytes())
                .is_some_and(|rest| rest.starts_with(b"/")))
        };
        let found = self.exact.iter().filter(|(exact, _)| is_below(exact));
        found
            .flat_map(|(exact, executions)| executions.iter().map(move |one| (Some(exact), one)))
            .collect()
    }

    /// Returns the executions of files that the object of a rule may name, each with the executed object if it is exact.
    fn of_files(&self, object: &RuleObject) -> Vec<(Option<&Object>, &Execution<'m>)> {
        let mut found: Vec<(Option<&Object>, &Execution<'m>)> = Vec::new();
        match object {
            RuleObject::Exact(exact) => {
                if let Some((exact, executions)) = self.exact.get_key_value(exact) {
                    found.extend(executions.iter().map(|one| (Some(exact), one)));
                }
            }
            RuleObject::Path(pattern) if pattern.kind() == PathKind::Path => {
                for (exact, executions) in &self.exact {
                    if pattern.matches(exact) {
                        found.extend(executions.iter().map(|one| (Some(exact), one)));
                    }
                }
            }
            _ => return found,
        }
        let target = Target::new(object);
        let patterns = self.patterns.iter();
        let met =
            patterns.filter(|(place, executed, _)| *executed == object || place.meets(&target));
        found.extend(met.map(|(_, _, one)| (None, one)));
        found
    }
}

/// True if the operation can decide the content of a file that is executed under this name.
fn fills(rule: &Rule) -> bool {
    let operation = rule.operation();
    match operation.op {
        Op::FileOpen | Op::FileReceive | Op::FileInherit => {
            operation.arg & (abi::OPEN_WRITE | abi::OPEN_APPEND) != 0
        }
        Op::FileRename | Op::FileLink => operation.arg == abi::END_TO,
        _ => false,
    }
}

impl<'m> Checked<'_, 'm> {
    pub(super) fn check_code(&mut self, rule: &'m Rule, executions: &Executions<'m>) {
        if !fills(rule) || lies_in(Use::Harmless, rule.object()) {
            return;
        }
        let mut found: Vec<(usize, Severity, &str, Cause<'m>)> = Vec::new();
        let mut executed = executions.of_files(rule.object());
        if rule.operation().op == Op::FileRename {
            executed.extend(executions.below(rule.object()));
        }
        for (object, one) in executed {
            // The reader's line may be a pattern for all kinds of files.
            if one.how == How::Source && !is_source(rule.object()) {
                continue;
            }
            let by_others = one.by != Some(self.subject);
            let bound = object.is_some_and(|object| self.context.is_bound(object));
            let (severity, text) = match (one.how, bound, by_others) {
                (How::Program, true, _) => (
                    Severity::Low,
                    "It can change programs that the map starts, but only programs with the listed digests start.",
                ),
                (How::Script, true, _) => (
                    Severity::Medium,
                    "It can change scripts that the map starts. The listed digests are checked when a script starts, and \
                     the interpreter reads the file again afterwards.",
                ),
                (How::Program | How::Script, false, true) => (
                    Severity::High,
                    "It can change programs that the launcher or other subjects start or run, and so decide their actions.",
                ),
                (How::Program | How::Script, false, false) => (
                    Severity::Medium,
                    "It can change programs that it starts or runs itself, so the change outlasts the attack.",
                ),
                (How::Library, _, true) => (
                    Severity::High,
                    "It can change files that other subjects map executable, and so decide their actions.",
                ),
                (How::Library, _, false) => (
                    Severity::Medium,
                    "It can change files that it maps executable itself, so the change outlasts the attack.",
                ),
                (How::Source, _, true) => (
                    Severity::Medium,
                    "It can change source files that interpreters among the other subjects read.",
                ),
                (How::Source, _, false) => (
                    Severity::Low,
                    "It can change source files that it reads as an interpreter.",
                ),
            };
            let kind = match one.how {
                How::Program | How::Script => 0,
                How::Library => 1,
                How::Source => 2,
            };
            found.push((kind, severity, text, one.cause.clone()));
        }
        // Of the same kind of execution, only the worst is reported.
        let worst = |kind: usize| {
            let of_kind = found.iter().filter(move |(one, ..)| *one == kind);
            of_kind.map(|(_, severity, ..)| *severity).max()
        };
        let worst = [0, 1, 2].map(worst);
        found.retain(|(kind, severity, ..)| worst.get(*kind) == Some(&Some(*severity)));
        found.sort();
        for (_, severity, text, cause) in found {
            let causes = vec![self.cause(rule), cause];
            self.push(Kind::WritesCode, severity, text, causes);
        }
    }
}
