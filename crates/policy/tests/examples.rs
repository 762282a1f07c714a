// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The results of rules for events, and the examples of rules.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::too_many_lines,
    reason = "a test may panic, and tables are long"
)]

use ambit_event::Op;
use ambit_policy::condition::{Number, Text};
use ambit_policy::examples::run_examples;
use ambit_policy::facts::Facts;
use ambit_policy::field::{can_match, fields};
use ambit_policy::file::read;
use ambit_policy::interpret::{Prepared, carry_out, decide, holds};
use ambit_policy::rule::Rule;
use proptest::prelude::*;

fn rules(text: &str) -> Vec<Rule> {
    match read(
        "x.rules",
        format!("ambit-rules: 1\nrules:\n{text}").as_bytes(),
    ) {
        Ok(rules) => rules,
        Err(errors) => panic!("{errors}"),
    }
}

/// Evaluates a condition on an event, both given as text.
fn fires(op: &str, condition: &str, event: &str) -> bool {
    let rules = rules(&format!(
        "  - id: a\n    on: {op}\n    do: audit\n    when: |\n      {condition}\n    examples:\n      - {{event: {{{event}}}, expect: true}}\n"
    ));
    run_examples(&rules)[0].passed()
}

/// Returns the error of an example's event.
fn wrong(event: &str) -> String {
    let text = format!(
        "ambit-rules: 1\nrules:\n  - id: a\n    on: [exec, net.connect]\n    do: audit\n    examples:\n      - event: {event}\n        expect: true\n"
    );
    let errors = read("x.rules", text.as_bytes()).unwrap_err();
    let [error] = errors.errors() else {
        panic!("not one error:\n{errors}")
    };
    let help = error.kind.help().map(|help| format!(" ({help})"));
    format!(
        "{} @ {}{}",
        error.kind,
        error.marked(),
        help.unwrap_or_default()
    )
}

#[test]
fn events_and_conditions_agree_on_every_kind_of_field() {
    for (op, condition, event, expected) in [
        (
            "exec",
            "task.uid == 33 && task.gid != 0",
            "op: exec, task.uid: 33, task.gid: 0x21",
            true,
        ),
        ("exec", "task.uid >= 1000", "op: exec, task.uid: 999", false),
        (
            "exec",
            "task.labelled && task.domain == \"web\"",
            "op: exec, task.domain: web",
            true,
        ),
        (
            "exec",
            "task.labelled",
            "op: exec, task.labelled: false",
            false,
        ),
        (
            "exec",
            "\"sys_admin\" in task.caps",
            "op: exec, task.caps: [net_raw, sys_admin]",
            true,
        ),
        (
            "exec",
            "\"sys_admin\" in task.caps",
            "op: exec, task.caps: [net_raw]",
            false,
        ),
        (
            "exec",
            "task.untrusted && task.trust.size() > 0",
            "op: exec, task.trust: [model]",
            true,
        ),
        (
            "exec",
            "\"rule:x\" in task.trust",
            "op: exec, task.trust: [model, 'rule:x']",
            true,
        ),
        (
            "exec",
            "task.cause == \"rule:x\"",
            "op: exec, task.trust: [model, 'rule:x']",
            false,
        ),
        (
            "exec",
            "task.cause == \"rule:x\" && \"model\" in task.trust",
            "op: exec, task.trust: [model], task.cause: rule:x",
            true,
        ),
        ("exec", "task.cause == \"\"", "op: exec", true),
        (
            "exec",
            "task.untrusted",
            "op: exec, task.untrusted: true",
            true,
        ),
        (
            "exec",
            "subject.path == \"/a\" && subject.parent == \"/b\"",
            "op: exec, subject.chain: [/a, /b]",
            true,
        ),
        (
            "exec",
            "subject.path == \"/a\" && \"/b\" in subject.chain",
            "op: exec, subject.path: /a, subject.parent: /b",
            true,
        ),
        (
            "exec",
            "subject.chain.all(e, e.startsWith(\"/usr/\"))",
            "op: exec, subject.chain: [/usr/a, /b]",
            false,
        ),
        (
            "exec",
            "subject.chain.exists(e, e.startsWith(\"/usr/\") && !e.endsWith(\"a\"))",
            "op: exec, subject.chain: [/usr/a, /b]",
            false,
        ),
        (
            "exec",
            "object.deleted",
            "op: exec, object.path: /a, object.deleted: true",
            true,
        ),
        (
            "exec",
            "object.path.startsWith(\"memfd:\")",
            "op: exec, object.path: 'memfd:x'",
            true,
        ),
        (
            "exec",
            "object.setuid && object.uid == 0 && object.type == \"file\"",
            "op: exec, object.setuid: true, object.type: file",
            true,
        ),
        (
            "exec",
            "object.type == \"file\"",
            "op: exec, object.type: dir",
            false,
        ),
        (
            "file.open",
            "object.write && !object.read",
            "op: file.open, object.write: true",
            true,
        ),
        (
            "file.open",
            "object.write",
            "op: file.open, object.append: true",
            true,
        ),
        (
            "file.receive",
            "object.append",
            "op: file.receive, object.write: true, object.append: true",
            true,
        ),
        (
            "file.open",
            "object.write && !object.append",
            "op: file.open, object.append: true",
            false,
        ),
        (
            "file.open",
            "object.append",
            "op: file.open, object.write: true",
            false,
        ),
        (
            "file.open",
            "object.path.matches(\"^/etc/(shadow|gshadow)$\")",
            "op: file.open, object.path: /etc/shadow-",
            false,
        ),
        (
            "file.rename",
            "object.end == \"to\"",
            "op: file.rename, object.end: to",
            true,
        ),
        (
            "[kernel.load, file.open]",
            "object.kind == \"other\"",
            "op: file.open",
            false,
        ),
        (
            "net.connect",
            "object.address == \"::ffff:10.0.0.1\"",
            "op: net.connect, object.address: 10.0.0.1",
            true,
        ),
        (
            "net.connect",
            "ip(object.address).isLoopback()",
            "op: net.connect, object.address: '::1'",
            true,
        ),
        (
            "net.connect",
            "ip(object.address).isPrivate()",
            "op: net.connect, object.address: 172.32.0.1",
            false,
        ),
        (
            "net.connect",
            "ip(object.address).family() == 6",
            "op: net.connect, object.address: 'fd00::1'",
            true,
        ),
        (
            "net.connect",
            "cidr(\"10.0.0.0/8\").containsIP(ip(object.address))",
            "op: net.connect, object.address: 10.255.0.1",
            true,
        ),
        (
            "net.connect",
            "cidr(\"0.0.0.0/0\").containsIP(object.address)",
            "op: net.connect, object.address: '::1'",
            false,
        ),
        (
            "net.connect",
            "object.address == \"\" && object.name == \"x\"",
            "op: net.connect, object.name: x",
            true,
        ),
        (
            "net.connect",
            "object.address in [\"10.0.0.1\", \"10.0.0.2\"] && object.port in [80, 443]",
            "op: net.connect, object.address: 10.0.0.2, object.port: 443",
            true,
        ),
        (
            "net.connect",
            "object.protocol == \"udp\" ? object.port == 53 : object.port == 80",
            "op: net.connect, object.protocol: tcp, object.port: 80",
            true,
        ),
        (
            "task.signal",
            "object.signal in [\"KILL\", 34] && object.relation != \"self\"",
            "op: task.signal, object.signal: 34, object.relation: child",
            true,
        ),
        (
            "kernel.bpf",
            "object.command == \"prog-load\"",
            "op: kernel.bpf, object.command: prog-load",
            true,
        ),
        (
            "[file.open, task.setuid]",
            "object.uid == 7",
            "op: task.setuid, object.uid: 7",
            true,
        ),
    ] {
        assert_eq!(
            fires(op, condition, event),
            expected,
            "{condition} of {event}"
        );
    }
}

#[test]
fn errors_of_an_event_are_reported_at_their_place() {
    for (event, expected) in [
        ("{task.uid: 0}", "the key `op` is missing @ {"),
        (
            "{op: file.open}",
            "this operation is not in the rule's `on` @ file.open (`on` has exec, net.connect)",
        ),
        (
            "{op: exce}",
            "unknown operation @ exce (did you mean `exec`?)",
        ),
        (
            "{op: exec, task.iud: 0}",
            "unknown field `task.iud` @ task.iud (did you mean `task.uid`?)",
        ),
        (
            "{op: net.connect, object.deleted: maybe}",
            "expected `true` or `false` for `object.deleted` @ maybe",
        ),
        (
            "{op: net.connect, object.port: 65536}",
            "expected a number from 0 to 65535 for `object.port` @ 65536",
        ),
        (
            "{op: net.connect, object.address: host}",
            "expected an IP address for `object.address` @ host",
        ),
        (
            "{op: net.connect, object.protocol: tpc}",
            "expected one of its words for `object.protocol` @ tpc (did you mean `tcp`?)",
        ),
        (
            "{op: exec, task.trust: [me]}",
            "expected a trust source: `rule:ID`, `tap:NAME`, `model`, `operator`, `engine` or `tap` for `task.trust` @ [",
        ),
        (
            "{op: exec, subject.chain: /a}",
            "expected a list of at most 4 texts for `subject.chain` @ /a",
        ),
        (
            "{op: exec, subject.path: /a, subject.chain: [/a]}",
            "`subject.path` and `subject.chain` cannot be given together @ {",
        ),
        ("{op: exec, op: exec}", "duplicate key @ op"),
    ] {
        let said = wrong(event);
        let without_help = said
            .rsplit_once(" (")
            .map_or(said.as_str(), |(said, _)| said);
        assert!(said == expected || without_help == expected, "{said}");
    }
    assert!(wrong("{op: exec, object.port: 1}").starts_with("no operation of this rule has"));
}

#[test]
fn refusing_precedes_allowing_and_allowing_precedes_the_taints_of_others() {
    let rules = rules(
        "  - {id: t, on: exec, do: taint}\n  - {id: a, on: exec, do: allow, when: task.uid < 5}\n  - {id: d, on: exec, do: kill, when: task.uid == 3}\n  - {id: o, on: file.open, do: deny}\n",
    );
    let ask = |uid| {
        let mut facts = Facts::default();
        facts.set_number(Number::Op, u64::from(u16::from(Op::Exec)));
        facts.set_number(Number::Uid, uid);
        decide(&rules, &facts)
    };
    let plain = ask(9);
    assert_eq!(
        (plain.fired, plain.taints),
        (vec![0], vec!["rule:t".to_owned()])
    );
    let allowed = ask(1);
    assert_eq!(allowed.fired, [0, 1]);
    assert!(allowed.allowed && !allowed.refused && allowed.taints.is_empty());
    let killed = ask(3);
    assert_eq!(killed.fired, [0, 1, 2]);
    assert!(killed.refused && killed.killed && !killed.allowed);
    assert_eq!(killed.taints, ["rule:t"]);
}

#[test]
fn rules_act_in_order_and_the_first_cause_stays_while_a_bit_is_set() {
    let set = rules(
        "  - {id: t, on: exec, do: taint}\n  - {id: u, on: exec, do: untaint}\n  - {id: a, on: exec, do: [allow, taint], when: task.uid == 1}\n",
    );
    let ask = |set: &[Rule], uid, sources: &[&str]| {
        let mut facts = Facts::default();
        facts.set_number(Number::Op, u64::from(u16::from(Op::Exec)));
        facts.set_number(Number::Uid, uid);
        for source in sources {
            facts.distrust(source);
        }
        carry_out(set, &decide(set, &facts), &mut facts);
        let left: Vec<String> = facts.trust().iter().cloned().collect();
        (left.join(" "), facts.cause().unwrap_or("").to_owned())
    };
    let both = |left: &str, cause: &str| (left.to_owned(), cause.to_owned());
    assert_eq!(ask(&set, 0, &["operator"]), both("rule:t", "operator"));
    assert_eq!(ask(&set[1..], 0, &["operator"]), both("", ""));
    assert_eq!(
        ask(&set[1..], 0, &["model", "operator"]),
        both("model", "model")
    );
    // If a rule allows, only it acts.
    assert_eq!(
        ask(&set, 1, &["operator"]),
        both("operator rule:a", "operator")
    );
    assert_eq!(ask(&set, 1, &[]), both("rule:a", "rule:a"));
}

#[test]
fn the_table_of_fields_is_sound() {
    for field in fields() {
        assert!(field.ops.iter().all(|op| can_match(*op)), "{}", field.name);
        assert!(!field.doc.is_empty() && !field.type_name().is_empty());
        let twins = fields().iter().filter(|other| other.name == field.name);
        for twin in twins.filter(|twin| !std::ptr::eq(*twin, field)) {
            assert_eq!(twin.type_name(), field.type_name(), "{}", field.name);
            assert!(!field.ops.is_empty() && !field.ops.iter().any(|op| twin.is_of(*op)));
        }
    }
}

/// Conditions of a few tests, as text.
fn condition() -> impl Strategy<Value = String> {
    let leaf = proptest::sample::select(vec![
        "task.uid == 1",
        "task.uid != 2",
        "task.uid < 2",
        "task.uid > 0",
        "task.uid in [0, 2]",
        "object.port == 1",
        "object.port <= 1",
        "op == \"exec\"",
        "object.path == \"/a\"",
        "object.path in [\"/a\", \"/b\"]",
        "object.path.startsWith(\"/a\")",
        "object.path.endsWith(\"b\")",
        "object.path.matches(\"b$\")",
        "\"/a\" in subject.chain",
        "subject.chain.exists(e, e.endsWith(\"b\"))",
        "subject.chain.all(e, e.endsWith(\"b\"))",
        "task.untrusted",
        "\"model\" in task.trust",
        "task.cause == \"model\"",
        "\"chown\" in task.caps",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(4, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("(({a}) == ({b}))")),
            (inner.clone(), inner.clone(), inner)
                .prop_map(|(a, b, c)| format!("(({a}) ? ({b}) : ({c}))")),
        ]
    })
}

fn some_facts() -> Vec<Facts> {
    let mut all = Vec::new();
    for op in [Op::Exec, Op::NetConnect] {
        for uid in 0..4 {
            for path in ["", "/a", "/b", "/ab"] {
                for (index, chain) in [&[][..], &["/a"], &["/b"], &["/a", "/ab"]]
                    .iter()
                    .enumerate()
                {
                    let mut facts = Facts::default();
                    facts.set_number(Number::Op, u64::from(u16::from(op)));
                    facts.set_number(Number::Uid, uid);
                    facts.set_number(Number::Caps, uid);
                    // An object has a path or a port.
                    let has_port = op == Op::NetConnect && path.is_empty() && uid > 0;
                    facts.set_number(Number::Port, u64::from(has_port) * uid);
                    let kind = match path {
                        "" if has_port => ambit_abi::KIND_INET4,
                        "" => ambit_abi::KIND_NONE,
                        _ => ambit_abi::KIND_PATH,
                    };
                    facts.set_number(Number::Kind, kind.into());
                    facts.set_text(Text::ObjectPath, path.as_bytes().to_vec());
                    facts.set_chain(chain.iter().map(|text| text.as_bytes().to_vec()).collect());
                    for source in ["operator", "model"].iter().skip(index % 3) {
                        facts.distrust(source);
                    }
                    all.push(facts);
                }
            }
        }
    }
    all
}

/// Evaluates the condition step by step: each leaf on its own.
fn plainly(text: &str, facts: &Facts) -> bool {
    use ambit_policy::cel::{Comparison, Expr, ExprKind, parse};
    fn go(text: &str, expr: &Expr, facts: &Facts) -> bool {
        let is_bool = |expr: &Expr| {
            !matches!(
                expr.kind,
                ExprKind::Int(_) | ExprKind::Text(_) | ExprKind::List(_) | ExprKind::Name(_)
            )
        };
        match &expr.kind {
            ExprKind::Not(inner) => !go(text, inner, facts),
            ExprKind::And(items) => items.iter().all(|item| go(text, item, facts)),
            ExprKind::Or(items) => items.iter().any(|item| go(text, item, facts)),
            ExprKind::Choice(parts) => go(
                text,
                &parts[if go(text, &parts[0], facts) { 1 } else { 2 }],
                facts,
            ),
            ExprKind::Compare(Comparison::Equal, a, b) if is_bool(a) || is_bool(b) => {
                go(text, a, facts) == go(text, b, facts)
            }
            _ => {
                let leaf = text.get(expr.span.clone()).unwrap();
                let condition = ambit_policy::check::condition(leaf, &[Op::Exec, Op::NetConnect]);
                holds(&condition.unwrap(), facts)
            }
        }
    }
    go(text, &parse(text).unwrap(), facts)
}

proptest! {
    #[test]
    fn simplifying_keeps_the_meaning_and_rejected_conditions_are_constant(text in condition()) {
        use ambit_policy::check::{ConditionErrorKind, Why, condition};
        let all = some_facts();
        match condition(&text, &[Op::Exec, Op::NetConnect]) {
            Ok(condition) => {
                for facts in &all {
                    prop_assert_eq!(holds(&condition, facts), plainly(&text, facts), "{} {:?} {:?}", text, condition, facts);
                }
            }
            Err(errors) => {
                for error in errors {
                    let part = text.get(error.span.clone()).unwrap();
                    for facts in &all {
                        let holds = plainly(part, facts);
                        match &error.kind {
                            ConditionErrorKind::Never(
                                Why::Contradicts(other)
                                | Why::Form { beside: Some(other), .. }
                                | Why::Object { beside: Some(other), .. },
                            ) => {
                                prop_assert!(!(holds && plainly(other, facts)), "{text}: {error}");
                            }
                            ConditionErrorKind::Always(Why::Covers(other)) => {
                                prop_assert!(holds || plainly(other, facts), "{text}: {error}");
                            }
                            ConditionErrorKind::Never(_) => prop_assert!(!holds, "{text}: {error}"),
                            other => prop_assert!(false, "{text}: {other}"),
                        }
                    }
                }
            }
        }
    }
}

/// A rule's result for an event without known user, earlier executables and taint by `rule:t`.
fn answer(condition: &str) -> Option<bool> {
    let rules = rules(&format!(
        "  - id: t\n    on: net.connect\n    do: taint\n  - id: a\n    on: net.connect\n    do: audit\n    when: |\n      {condition}\n"
    ));
    let mut facts = Facts::default();
    facts.set_number(Number::Op, u64::from(u16::from(Op::NetConnect)));
    facts.set_number_unknown(Number::Uid);
    facts.set_number_among(Number::Port, vec![0..=0, 32_768..=32_770]);
    facts.set_chain(vec![b"/bin/cat".to_vec()]);
    facts.set_chain_open();
    facts.set_text_unknown(Text::Cgroup);
    facts.set_trust_unknown("rule:t");
    facts.set_cause_unknown();
    Prepared::new(&rules).judge(&rules[1], &facts)
}

#[test]
fn an_unknown_field_matters_only_if_the_result_depends_on_it() {
    for (condition, expected) in [
        ("task.uid == 0", None),
        ("task.uid != 0", None),
        ("task.uid == 0 && subject.path == \"/bin/sh\"", Some(false)),
        ("task.uid == 0 || subject.path == \"/bin/cat\"", Some(true)),
        ("task.uid == 0 || subject.path == \"/bin/sh\"", None),
        (
            "!(task.uid == 0 && subject.path == \"/bin/sh\")",
            Some(true),
        ),
        ("object.port == 80", Some(false)),
        ("object.port != 80", Some(true)),
        ("object.port == 0", None),
        ("object.port in [0, 32768, 32769, 32770]", Some(true)),
        ("object.port < 32771", Some(true)),
        ("object.port > 32770", Some(false)),
        ("object.port > 32769", None),
        ("subject.parent == \"/bin/sh\"", None),
        ("subject.chain.exists(e, e == \"/bin/cat\")", Some(true)),
        ("subject.chain.exists(e, e == \"/bin/sh\")", None),
        ("subject.chain.all(e, e == \"/bin/sh\")", Some(false)),
        ("task.cgroup == \"/x\"", None),
        ("\"rule:t\" in task.trust", None),
        ("\"operator\" in task.trust", Some(false)),
        ("task.untrusted", None),
        ("task.cause == \"rule:t\"", None),
        ("task.cause == \"operator\"", Some(false)),
    ] {
        assert_eq!(answer(condition), expected, "{condition}");
    }
}

proptest! {
    #[test]
    fn a_result_with_unknown_fields_is_the_result_with_all_fields(text in condition()) {
        let ops = [Op::Exec, Op::NetConnect];
        if let Ok(condition) = ambit_policy::check::condition(&text, &ops) {
            let mut rules = rules("  - {id: a, on: [exec, net.connect], do: audit}\n");
            rules[0].when = condition;
            let prepared = Prepared::new(&rules);
            for facts in some_facts() {
                let mut less = facts.clone();
                less.set_number_unknown(Number::Uid);
                less.set_chain(facts.chain().iter().take(1).cloned().collect());
                less.set_chain_open();
                if let Some(answer) = prepared.judge(&rules[0], &less) {
                    prop_assert_eq!(answer, prepared.applies(&rules[0], &facts), "{} {:?}", text, facts);
                } else {
                    prop_assert!(!prepared.missing(&rules[0], &less).is_empty(), "{}", text);
                }
            }
        }
    }
}
