// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The pattern of most tests. An operation is learned; under the learned map it is allowed and has its effect. Without its
//! line in the map it is refused and has no effect, and the learned operations before and after it still succeed.

use super::{Lab, Run, Watcher, act, eventually};

/// An operation that a map without its rule refuses.
pub(crate) struct Refusal<'a> {
    lab: &'a Lab,
    operation: String,
    rule: String,
    narrower: Option<String>,
    errno: &'a str,
    before: Box<dyn Fn() + 'a>,
    /// Returns whether the operation had its effect. The argument is the expected answer: an expected effect is waited for.
    effect: Box<dyn Fn(bool) -> bool + 'a>,
    watcher: Option<&'a dyn Watcher>,
}

impl Lab {
    /// Starts the test of an operation of the exerciser and the rule that allows it.
    pub(crate) fn refusal(
        &self,
        operation: impl Into<String>,
        rule: impl Into<String>,
    ) -> Refusal<'_> {
        Refusal {
            lab: self,
            operation: operation.into(),
            rule: rule.into(),
            narrower: None,
            errno: "EPERM",
            before: Box::new(|| {}),
            effect: Box::new(|_| panic!("the test says no effect")),
            watcher: None,
        }
    }

    /// Checks that an untrusted task's operation is refused if its family is gated, and that it succeeds without a gate or with
    /// trust.
    pub(crate) fn gated<'a>(
        &'a self,
        family: &str,
        operation: &str,
        before: impl Fn() + 'a,
        effect: impl Fn() -> bool + 'a,
    ) {
        let known = self.path("known");
        let secret = self.file("secret", "secret\n");
        // The operation that costs the trust belongs to another family than the gated one.
        let (violation, refused) = match family {
            "file" => ("socket inet dgram 17".to_owned(), "socket: errno EPERM"),
            _ => (format!("open-r {secret}"), "open-r: errno EPERM"),
        };
        let within = act(&format!("open-r {known} , {operation}"));
        let violating = act(&format!("{violation} , {operation}"));
        before();
        all_ok(&self.learn("plain.map", &within).succeeds());
        assert!(effect(), "{operation} had no effect while learning");
        let gated = self
            .map("plain.map")
            .with_respond(&format!("untrusted: {{{family}: deny}}"));
        self.write_map("gated.map", &gated);

        before();
        all_ok(
            &self
                .enforce("gated.map", &within)
                .succeeds()
                .within_the_map(),
        );
        assert!(
            effect(),
            "{operation} had no effect though the task was trusted"
        );

        before();
        let run = self.enforce("plain.map", &violating).exits(1);
        let lines = run.lines();
        let run = run.expect(
            lines.first().is_some_and(|line| line == refused),
            "the violation should be refused",
        );
        run.expect(
            lines[1..].iter().all(|line| line.contains(": ok")),
            "one refusal spread without a gate",
        );
        assert!(
            effect(),
            "{operation} had no effect though nothing gates it"
        );

        before();
        let run = self.enforce("gated.map", &violating).exits(1);
        run.says(&[refused, &format!("{}: errno EPERM", name_of(operation))])
            .expect_gate();
        assert!(
            !effect(),
            "{operation} had its effect though it was refused"
        );
    }
}

impl Run {
    /// The last violation names the gate as its reason.
    pub(crate) fn expect_gate(self) -> Self {
        let last = self.violations().pop();
        let right = last.is_some_and(|last| {
            last.to_string().contains("gate") || last.to_string().contains("untrusted")
        });
        self.expect(right, "the last violation should be one of the gate")
    }
}

impl<'a> Refusal<'a> {
    /// Sets the errno that the program gets, if the kernel turns EPERM into another one.
    pub(crate) fn errno(mut self, name: &'a str) -> Self {
        self.errno = name;
        self
    }

    /// Replaces the rule by a narrower one instead of removing it, if the rule also allows operations that must go on working.
    pub(crate) fn narrowed_to(mut self, rule: impl Into<String>) -> Self {
        self.narrower = Some(rule.into());
        self
    }

    /// Sets a function that prepares each run.
    pub(crate) fn before(mut self, before: impl Fn() + 'a) -> Self {
        self.before = Box::new(before);
        self
    }

    /// Sets the function that returns, after each run, whether the operation had its effect.
    pub(crate) fn effect(mut self, effect: impl Fn() -> bool + 'a) -> Self {
        self.effect = Box::new(move |_| effect());
        self
    }

    /// Sets a watcher at which something arrives if the operation has its effect.
    pub(crate) fn arrives_at(mut self, watcher: &'a impl Watcher) -> Self {
        self.effect = Box::new(|expected| {
            if expected {
                eventually("something arrived", || watcher.arrived());
            }
            expected || watcher.arrived()
        });
        self.watcher = Some(watcher);
        self
    }

    /// Prepares a run, and drops late arrivals of the run before.
    fn prepare(&self) {
        (self.before)();
        if let Some(watcher) = self.watcher {
            watcher.arrived();
        }
    }

    /// For operations whose success only the program itself can see.
    pub(crate) fn without_trace(self) -> WithoutTrace<'a> {
        WithoutTrace(self)
    }

    pub(crate) fn check(self) {
        self.run(true);
    }

    fn run(&self, traces: bool) {
        let (lab, operation) = (self.lab, &self.operation);
        let command = act(&format!(
            "open-r {known} , {operation} , open-r {known}",
            known = lab.path("known")
        ));
        self.prepare();
        all_ok(&lab.learn("full.map", &command).succeeds());
        assert!(
            !traces || (self.effect)(true),
            "{operation} had no effect while learning"
        );
        let full = lab.map("full.map");
        full.must_have(&self.rule);

        self.prepare();
        all_ok(
            &lab.enforce("full.map", &command)
                .succeeds()
                .within_the_map(),
        );
        assert!(
            !traces || (self.effect)(true),
            "{operation} had no effect though it is in the map"
        );

        let less = match &self.narrower {
            Some(rule) => full.with_instead(&self.rule, rule),
            None => full.without(&self.rule),
        };
        lab.write_map("less.map", &less);
        self.prepare();
        let refused = format!("{}: errno {}", name_of(operation), self.errno);
        let run = lab.enforce("less.map", &command).exits(1);
        run.says(&["open-r: ok", &refused, "open-r: ok"])
            .violates(&self.rule);
        assert!(
            !traces || !(self.effect)(false),
            "{operation} had its effect though it was refused"
        );
    }
}

/// See `Refusal::without_trace`.
pub(crate) struct WithoutTrace<'a>(Refusal<'a>);

impl WithoutTrace<'_> {
    pub(crate) fn check(self) {
        self.0.run(false);
    }
}

fn all_ok(run: &Run) {
    if !run.lines().iter().all(|line| line.contains(": ok")) {
        run.fail("all should be ok");
    }
}

/// The name under which the exerciser reports a step.
fn name_of(operation: &str) -> &str {
    let mut words = operation.split_whitespace();
    loop {
        match words.next().expect("an operation") {
            "fork" | "thread" | "clone3" | "double-fork" => {}
            "loop" => {
                words.next();
            }
            name => return name,
        }
    }
}
