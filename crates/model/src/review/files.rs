// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Checks of lines about files and memory: secrets, sensitive places, set-user-id files, executable memory, wide patterns.

use ambit_abi::{self as abi, Op};
use ambit_event::Object;

use super::context::{Checked, lies_in};
use super::kind::FindingKind as Kind;
use super::kind::Severity;
use super::tables::{Use, places};
use crate::generalize::writes;
use crate::pattern::{PathPattern, Piece};
use crate::{Rule, RuleObject};

/// Secrets that equal control of the machine.
const ALL_SECRETS: [&str; 2] = ["memory of the kernel", "whole disks"];
/// As many names behind a pattern are few.
const FEW: usize = 3;
/// Requests of ioctl(2) that put input into a terminal, from `asm-generic/ioctls.h` and `linux/tiocl.h`.
const TYPES: [u32; 2] = [0x5412, 0x541c];

/// True if the operation may read the content of its file.
fn reads(rule: &Rule) -> bool {
    let operation = rule.operation();
    matches!(
        operation.op,
        Op::FileOpen | Op::FileReceive | Op::FileInherit
    ) && operation.arg & abi::OPEN_READ != 0
}

/// True if the operation may change a file or a directory.
fn changes(rule: &Rule) -> bool {
    match rule.operation().op {
        Op::FileReceive | Op::FileInherit => {
            rule.operation().arg & (abi::OPEN_WRITE | abi::OPEN_APPEND) != 0
        }
        Op::FileLock | Op::FileFcntl | Op::FileSetxattr | Op::FileRemovexattr => false,
        op => op.family() == Some(abi::Family::File) && writes(rule.operation()),
    }
}

impl<'m> Checked<'_, 'm> {
    pub(super) fn check_file(&mut self, rule: &'m Rule) {
        if reads(rule) {
            self.check_secrets(rule);
        }
        if changes(rule) && !lies_in(Use::Harmless, rule.object()) {
            self.check_changes(rule);
        }
        self.check_special(rule);
        self.check_memory(rule);
        if let RuleObject::Path(pattern) = rule.object() {
            self.check_width(rule, pattern);
        }
    }

    fn check_secrets(&mut self, rule: &'m Rule) {
        let sensitive = self.context.sensitive;
        // A name says less than a directory of secrets.
        let mut secrets = sensitive.secrets(rule.object());
        if lies_in(Use::Public, rule.object()) && secrets.all(|secret| secret.is_anywhere) {
            return;
        }
        let RuleObject::Path(pattern) = rule.object() else {
            if let Some(secret) = sensitive.secrets(rule.object()).next() {
                let severity = if ALL_SECRETS.contains(&secret.reason) {
                    Severity::Critical
                } else {
                    Severity::High
                };
                let text = format!(
                    "It can read files that may hold secrets: {}.",
                    secret.reason
                );
                self.hit(Kind::ReadsSecrets, severity, text, rule);
            }
            return;
        };
        // Any directory may have a file that is named as a key.
        let is_whole = pattern.pieces().contains(&Piece::StarStar);
        let severity = sensitive
            .secrets(rule.object())
            .map(|secret| may_cover(Severity::High, secret.is_anywhere, is_whole))
            .max();
        if let Some(severity) = severity {
            let text = "It can read files by a pattern that may cover credentials or keys.";
            self.hit(Kind::ReadsSecrets, severity, text, rule);
        }
    }

    fn check_changes(&mut self, rule: &'m Rule) {
        let object = rule.object();
        for known in places(Use::Undo, object) {
            let text = format!("It can change {}, and so undo Ambit.", known.meaning);
            self.hit(Kind::UndoesAmbit, known.severity, text, rule);
        }
        let RuleObject::Path(pattern) = object else {
            let worst = places(Use::Write, object).max_by_key(|known| known.severity);
            if let Some(known) = worst {
                let text = format!("It can change {}.", known.meaning);
                self.hit(Kind::WritesSensitive, known.severity, text, rule);
            } else if let Some(place) = self.context.sensitive.places(rule).next() {
                let text = format!(
                    "It can change files in a sensitive place: {}.",
                    place.reason
                );
                self.hit(Kind::WritesSensitive, Severity::Medium, text, rule);
            }
            return;
        };
        let is_whole = pattern.pieces().contains(&Piece::StarStar);
        let known = places(Use::Write, object).map(|known| {
            let severity = may_cover(known.severity, known.is_anywhere, is_whole);
            (severity, known.meaning)
        });
        let listed = self.context.sensitive.places(rule).map(|place| {
            let severity = may_cover(Severity::Medium, place.is_anywhere, is_whole);
            (severity, place.reason)
        });
        // Of several places, the first one of the worst is named.
        let mut worst: Option<(Severity, &str)> = None;
        for (severity, meaning) in known.chain(listed) {
            if worst.is_none_or(|(known, _)| known < severity) {
                worst = Some((severity, meaning));
            }
        }
        if let Some((severity, meaning)) = worst {
            let text = format!(
                "It can change files by a pattern that may cover a sensitive place: {meaning}."
            );
            self.hit(Kind::WritesSensitive, severity, text, rule);
        }
    }

    fn check_special(&mut self, rule: &'m Rule) {
        let operation = rule.operation();
        match operation.op {
            Op::FileCreate | Op::FileChmod if operation.arg != 0 => {
                let text = "It can set the set-user-id or set-group-id bit of files: every user then runs them with the \
                            rights of their owner or group.";
                self.hit(Kind::SetIdFiles, Severity::High, text, rule);
            }
            Op::FileSetxattr if is_word(rule, b"security.capability") => {
                let text = "It can give capabilities to programs: every user then runs them with these capabilities.";
                let severity = if self.may_use(&[31]) {
                    Severity::High
                } else {
                    Severity::Low
                };
                self.hit(Kind::SetIdFiles, severity, text, rule);
            }
            Op::FileIoctl if TYPES.contains(&operation.arg) => {
                let text = "It can put input into a terminal (TIOCSTI, TIOCLINUX): the shell there runs it, also outside the domain.";
                self.hit(Kind::Terminal, Severity::High, text, rule);
            }
            _ => {}
        }
    }

    fn check_memory(&mut self, rule: &'m Rule) {
        let operation = rule.operation();
        let text = match (operation.op, rule.object()) {
            (Op::MapAnon, _) => {
                "It can make anonymous memory executable, as just-in-time compilers do: injected machine code runs within the map."
            }
            (Op::MapExec, _) if operation.arg & abi::MAP_DIRTY != 0 => {
                "It can execute its own changes of mapped files: injected machine code runs within the map."
            }
            (Op::MapExec, _) if operation.arg & abi::MAP_WRITE != 0 => {
                "It can execute mapped files while it writes to them: injected machine code runs within the map."
            }
            (Op::MapExec, RuleObject::Exact(Object::Memfd(_) | Object::FsType(_))) => {
                "It can execute memory that has no file: injected machine code runs within the map."
            }
            (Op::MapExec, RuleObject::Path(pattern))
                if pattern.kind() == crate::pattern::PathKind::Memfd =>
            {
                "It can execute memory that has no file: injected machine code runs within the map."
            }
            _ => return,
        };
        self.hit(Kind::ExecutableMemory, Severity::Medium, text, rule);
    }

    fn check_width(&mut self, rule: &'m Rule, pattern: &PathPattern) {
        let open = has_star(pattern.pieces());
        let seen = self.context.seen.by_rule(self.subject, rule);
        let few = seen.map(|seen| seen.len()).filter(|seen| *seen <= FEW);
        let severity = match rule.operation().op {
            _ if !open => Severity::Low,
            Op::Exec | Op::MapExec => Severity::Medium,
            _ if changes(rule) => Severity::Medium,
            _ => Severity::Low,
        };
        let text = match few {
            Some(0) => "A pattern covers names of which none was seen.".to_owned(),
            Some(1) => "A pattern covers many names, but only one was seen.".to_owned(),
            Some(few) => format!("A pattern covers many names, but only {few} were seen."),
            None if open => "A pattern with `*` or `**` covers every name at its place.".to_owned(),
            None => return,
        };
        self.hit(Kind::WidePattern, severity, text, rule);
    }
}

/// Returns the severity of a pattern that may cover a place. A place that is in every directory is covered by accident.
fn may_cover(severity: Severity, is_anywhere: bool, is_whole: bool) -> Severity {
    match (is_anywhere, is_whole) {
        (false, _) => severity,
        (true, true) => severity.min(Severity::Medium),
        (true, false) => severity.min(Severity::Low),
    }
}

fn is_word(rule: &Rule, word: &[u8]) -> bool {
    matches!(rule.object(), RuleObject::Exact(Object::Word(found)) if **found == *word)
}

fn has_star(pieces: &[Piece]) -> bool {
    pieces.iter().any(|piece| match piece {
        Piece::Star | Piece::StarStar => true,
        Piece::Either(alternatives) => alternatives.iter().any(|one| has_star(one)),
        Piece::Bytes(_) | Piece::Class(_) => false,
    })
}
