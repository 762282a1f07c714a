// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The pattern of the attacks: an operation that would do more than the map allows, by a way that another hook sees, or none.
//!
//! Outside every domain the attack has its effect, which shows that this kernel has the way. In a domain whose map was
//! learned from a plain operation, its control, it is refused, has no effect and is recorded; the control still works. With the
//! recorded operation in the map the attack succeeds.

use std::fs;

use super::{Lab, Watcher, act, eventually, skip};

/// An operation of the exerciser that a map refuses.
pub(crate) struct Attack<'a> {
    lab: &'a Lab,
    operation: String,
    record: String,
    control: String,
    options: &'a [&'a str],
    refused: Vec<&'a str>,
    lacking: Vec<(&'a str, &'a str)>,
    ineffective: Option<&'a str>,
    also: Vec<String>,
    before: Box<dyn Fn() + 'a>,
    effect: Option<Effect<'a>>,
}

/// Returns whether the operation had its effect. The argument is the expected answer: an expected effect is waited for.
type Effect<'a> = Box<dyn Fn(bool) -> bool + 'a>;

impl Lab {
    /// Starts the test of an attack, and of the operation that is recorded when it is refused. A record that ends in `*` is a
    /// prefix.
    pub(crate) fn attack(
        &self,
        operation: impl Into<String>,
        record: impl Into<String>,
    ) -> Attack<'_> {
        Attack {
            lab: self,
            operation: operation.into(),
            record: record.into(),
            control: "true".to_owned(),
            options: &[],
            refused: vec!["errno EPERM"],
            lacking: Vec::new(),
            ineffective: None,
            also: Vec::new(),
            before: Box::new(|| {}),
            effect: None,
        }
    }
}

impl<'a> Attack<'a> {
    /// Sets the plain operations, separated by commas, from which the map is learned and which must work beside the attack.
    pub(crate) fn control(mut self, control: impl Into<String>) -> Self {
        self.control = control.into();
        self
    }

    /// Adds a rule to the learned map.
    pub(crate) fn with_rule(mut self, rule: impl Into<String>) -> Self {
        self.also.push(rule.into());
        self
    }

    /// Sets options of `ambit run` for learning, for instance `--coverage core`.
    pub(crate) fn learned_with(mut self, options: &'a [&'a str]) -> Self {
        self.options = options;
        self
    }

    /// Adds a result that also means that it was refused: `errno ENOMEM` or `signal SEGV`, for calls that have no EPERM.
    pub(crate) fn or(mut self, result: &'a str) -> Self {
        self.refused.push(result);
        self
    }

    /// Skips the test, with a reason, if the attack has this result outside every domain: the kernel lacks the way.
    pub(crate) fn lacking(mut self, result: &'a str, reason: &'a str) -> Self {
        self.lacking.push((result, reason));
        self
    }

    /// Skips the test, with a reason, if the attack succeeds without an effect outside every domain.
    pub(crate) fn ineffective(mut self, reason: &'a str) -> Self {
        self.ineffective = Some(reason);
        self
    }

    /// Sets a function that prepares each run.
    pub(crate) fn before(mut self, before: impl Fn() + 'a) -> Self {
        self.before = Box::new(before);
        self
    }

    /// Sets the function that returns, after each run, whether the attack had its effect. Without one, the effect is the
    /// result `ok`.
    pub(crate) fn effect(mut self, effect: impl Fn() -> bool + 'a) -> Self {
        self.effect = Some(Box::new(move |_| effect()));
        self
    }

    /// The same, for an effect that has to be waited for if it is expected.
    pub(crate) fn effect_as_expected(mut self, effect: impl Fn(bool) -> bool + 'a) -> Self {
        self.effect = Some(Box::new(effect));
        self
    }

    /// Sets a watcher at which something arrives if the attack has its effect.
    pub(crate) fn arrives_at(mut self, watcher: &'a impl Watcher) -> Self {
        let before = self.before;
        self.before = Box::new(move || {
            before();
            // Drops late arrivals of the run before.
            watcher.arrived();
        });
        self.effect = Some(Box::new(|expected| {
            if expected {
                eventually("something arrived", || watcher.arrived());
            }
            expected || watcher.arrived()
        }));
        self
    }

    /// Without a function, the result of the operation has shown it already.
    fn had_effect(&self, expected: bool) -> bool {
        self.effect
            .as_ref()
            .map_or(expected, |effect| effect(expected))
    }

    /// The attack works outside every domain, or the test is skipped.
    fn works_outside(&self) {
        (self.before)();
        let run = self.lab.outside(act(&self.operation));
        let lines = run.lines();
        let result = lines.last().map_or("", |line| result_of(line));
        if let Some((_, reason)) = self.lacking.iter().find(|(lack, _)| *lack == result) {
            skip(&format!("{}: {result}: {reason}", self.operation));
        }
        if run.status.code() != Some(0) {
            run.fail("the attack should work outside every domain");
        }
        let effect = self.had_effect(true);
        if !effect && let Some(reason) = self.ineffective {
            skip(&format!("{}: {reason}", self.operation));
        }
        assert!(
            effect,
            "{} had no effect outside every domain",
            self.operation
        );
    }

    /// Runs the whole test.
    pub(crate) fn check(self) {
        let (lab, operation) = (self.lab, &self.operation);
        self.works_outside();

        let known = format!("file.open r {}", lab.path("known"));
        let control = format!("open-r {} , {}", lab.path("known"), self.control);
        // Learning would add to an earlier map.
        let _ = fs::remove_file(lab.path("map"));
        (self.before)();
        lab.learning("map", self.options, &act(&control))
            .finish()
            .succeeds();
        let mut map = lab.map("map");
        // The control may need other rules that a prefix covers.
        if !self.record.ends_with('*') {
            map.must_not_have(&self.record);
        }
        for rule in &self.also {
            map = map.with_also(&known, rule);
        }
        lab.write_map("map", &map);

        (self.before)();
        let run = lab.enforce("map", &act(&format!("{control} , {operation} , {control}")));
        let results: Vec<String> = run
            .lines()
            .iter()
            .map(|line| result_of(line).to_owned())
            .collect();
        let attacks = operation.split(" , ").count();
        let controls = control.split(" , ").count();
        // The last step of the attack is the one that is refused.
        let right = results.len() == attacks + 2 * controls
            && results.iter().enumerate().all(|(at, result)| {
                if at == controls + attacks - 1 {
                    self.refused.contains(&result.as_str())
                } else {
                    result.starts_with("ok")
                }
            });
        let run = run.expect(right, "only the attack should be refused");
        assert!(
            !self.had_effect(false),
            "{operation} had its effect though it was refused"
        );
        run.violates(&self.record).harmless_on_a_terminal();

        // A prefix is no rule.
        if !self.record.ends_with('*') {
            lab.write_map("more.map", &map.with_also(&known, &self.record));
            (self.before)();
            lab.enforce("more.map", &act(operation))
                .succeeds()
                .within_the_map();
            assert!(
                self.had_effect(true),
                "{operation} had no effect though its record is in the map"
            );
        }
    }
}

/// The part of the exerciser's line after the operation's name.
fn result_of(line: &str) -> &str {
    line.split_once(": ").map_or("", |(_, result)| result)
}
