// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Rule files: valid ones, wrong ones, and hostile input.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::too_many_lines,
    reason = "a test may panic, and tables are long"
)]

use ambit_event::Op;
use ambit_policy::condition::{Condition, Number, NumberTest, Text, TextTest};
use ambit_policy::file::{RuleError, check_set, read, read_all, read_checked};
use ambit_policy::rule::{Actions, Rule, Severity};
use proptest::prelude::*;

/// A file with one rule of these lines.
fn file(lines: &str) -> String {
    let mut text = "ambit-rules: 1\nrules:\n".to_owned();
    for (index, line) in lines.lines().enumerate() {
        text.push_str(if index == 0 { "  - " } else { "    " });
        text.push_str(line);
        text.push('\n');
    }
    text
}

fn rules(text: &str) -> Vec<Rule> {
    match read("web.rules", text.as_bytes()) {
        Ok(rules) => rules,
        Err(errors) => panic!("{errors}"),
    }
}

fn errors(text: &str) -> String {
    match read("web.rules", text.as_bytes()) {
        Ok(rules) => panic!("this was read:\n{text}\nas\n{rules:?}"),
        Err(errors) => errors.to_string(),
    }
}

/// The condition of a rule on these operations.
fn when(on: &str, condition: &str) -> Condition {
    let text = file(&format!(
        "id: a\non: [{on}]\ndo: audit\nwhen: |\n  {condition}"
    ));
    rules(&text).remove(0).when
}

#[test]
fn a_stored_set_with_tests_that_are_never_or_always_true_is_read_and_keeps_its_tests() {
    for (on, condition) in [
        ("exec", r#"object.path == "bash""#),
        ("exec", r#"object.path != "bash""#),
        ("exec", r#"object.path in ["/bin/sh", "sh"]"#),
        ("exec", r#"object.path.startsWith("/proc/self/")"#),
        ("exec", r#"object.path.startsWith("bin")"#),
        ("exec", r#"object.path.contains("")"#),
        ("exec", "object.path in []"),
        ("exec", r#"object.path == "/a" && object.path == "/b""#),
        ("exec", r#"object.path != "/a" || object.path != "/b""#),
        (
            "exec",
            r#"object.path == "/a" && (task.uid == 0 || object.path == "/b")"#,
        ),
        ("exec", r#""sh" in subject.chain"#),
        ("exec", r#"subject.chain.exists(e, e == "/a" && e == "/b")"#),
        ("exec", r#"subject.chain.all(e, e != "/a" || e != "/b")"#),
        ("exec", "task.uid > 4294967295"),
        ("exec", "task.uid >= 0"),
        ("exec", r#"op == "exec""#),
        ("exec", "false"),
        ("file.unlink", r#"object.path.startsWith("memfd:")"#),
        ("file.unlink", "object.deleted"),
        ("net.connect", r#"object.path == "/x" && object.port == 22"#),
        ("net.socket", "object.family == 4294967296"),
    ] {
        let text = file(&format!(
            "id: a\non: [{on}]\nfor: domains\ndo: taint\nwhen: |\n  {condition}"
        ));
        assert!(read("a", text.as_bytes()).is_err(), "{condition}");
        let rules = match read_checked([("a", text.as_bytes())]) {
            Ok(rules) => rules,
            Err(errors) => panic!("{condition}: {errors}"),
        };
        let sources = [("rule:a".to_owned(), 8)].into_iter().collect();
        let hooks = ambit_abi::Hook::ALL;
        ambit_policy::compile::compile(&rules, &sources, hooks).expect(condition);
    }
    let stored = file("id: a\non: exec\ndo: audit\nwhen: object.path == \"bash\"");
    let rules = read_checked([("a", stored.as_bytes())]).unwrap();
    let names = [b"bash".to_vec()].into();
    let test = Condition::Text(Text::ObjectPath, TextTest::In(names));
    assert_eq!(rules[0].when, test);
}

#[test]
fn a_stored_set_with_rules_without_effect_is_read() {
    let deny = "ambit-rules: 1\nrules:\n  - {id: a, on: exec, do: deny}\n";
    let allow = "ambit-rules: 1\nrules:\n  - {id: b, on: exec, do: allow}\n  \
                 - {id: c, on: exec, do: audit, when: '\"rule:none\" in task.trust', examples: [{expect: maybe}]}\n";
    let files = [("a", deny.as_bytes()), ("b", allow.as_bytes())];
    assert!(read_all(files).is_err());
    assert_eq!(read_checked(files).unwrap().len(), 3);
    let wrong = "ambit-rules: 1\nrules:\n  - {id: a, on: exec, do: deny, when: task.uidd == 0}\n";
    assert!(read_checked([("a", wrong.as_bytes())]).is_err());
}

/// Returns the error of a condition: message, the marked part, and help.
fn wrong(on: &str, condition: &str) -> String {
    let text = file(&format!(
        "id: a\non: [{on}]\ndo: audit\nwhen: |\n  {condition}"
    ));
    let errors = read("web.rules", text.as_bytes()).expect_err(condition);
    let [error] = errors.errors() else {
        panic!("not one error:\n{errors}")
    };
    assert_eq!(error.line, 7, "{errors}");
    let help = error.kind.help().map(|help| format!(" ({help})"));
    format!(
        "{} @ {}{}",
        error.kind,
        error.marked(),
        help.unwrap_or_default()
    )
}

/// Compares an error with the expected one; the help only if one is expected.
fn compare(found: &str, expected: &str) {
    let without_help = found.rsplit_once(" (").map_or(found, |(found, _)| found);
    assert!(found == expected || without_help == expected, "{found}");
}

const EXAMPLE: &str = r#"ambit-rules: 1
rules:
  - id: no-shell-under-web
    title: A web server starts a shell
    severity: high
    attack: [T1059.004]
    references: [https://attack.mitre.org/techniques/T1059/004/]
    on: [exec]
    for: host
    when: object.path in ["/bin/sh", "/usr/bin/bash"] && subject.chain.exists(e, e.startsWith("/usr/sbin/nginx"))
    do: [deny, taint]
    for-seconds: 600
    examples:
      - name: nginx runs a shell
        event: { op: exec, object.path: /bin/sh, subject.chain: [/usr/sbin/nginx] }
        expect: true
        run: "nginx-shell"
      - name: a shell run by hand
        event: { op: exec, object.path: /bin/sh, subject.chain: [/usr/bin/bash] }
        expect: false
  - id: untrusted-may-not-talk
    on: [net.connect, net.send]
    when: '"rule:no-shell-under-web" in task.trust && !ip(object.address).isLoopback()'
    do: deny
  - id: read-of-credentials
    on: file.open
    when: object.path.matches("/etc/(shadow|gshadow)") && task.uid != 0
    do: audit
"#;

#[test]
fn reads_a_complete_file() {
    let rules = rules(EXAMPLE);
    check_set(&rules).unwrap();
    let [shell, talk, read] = rules.as_slice() else {
        panic!("{rules:?}")
    };
    assert_eq!(shell.severity, Severity::High);
    assert_eq!(shell.techniques, ["T1059.004"]);
    assert_eq!(shell.actions, Actions::DENY.with(Actions::TAINT));
    assert_eq!(shell.taint_seconds, Some(600));
    assert_eq!((shell.line, shell.file.as_str()), (3, "web.rules"));
    assert_eq!(shell.examples.len(), 2);
    assert_eq!(shell.examples[0].run.as_deref(), Some("nginx-shell"));
    assert!(shell.text.starts_with("object.path in"));
    assert_eq!(talk.on, [Op::NetConnect, Op::NetSend]);
    let Condition::And(items) = &talk.when else {
        panic!("{:?}", talk.when)
    };
    assert!(matches!(
        items.as_slice(),
        [
            Condition::Text(Text::ObjectAddress, TextTest::Not(_)),
            Condition::Trust(Some(_))
        ]
    ));
    assert_eq!(read.on, [Op::FileOpen]);
}

#[test]
fn an_error_shows_the_line_and_a_suggestion() {
    let text =
        file("id: a\non: [exec]\nwhen: objct.path == \"/bin/sh\" && task.uid == 0\ndo: audit");
    assert_eq!(
        errors(&text),
        "error: unknown field `objct.path`
 --> web.rules:5:11
  |
5 |     when: objct.path == \"/bin/sh\" && task.uid == 0
  |           ^^^^^^^^^^ help: did you mean `object.path`?"
    );
}

#[test]
fn a_field_of_other_operations_is_an_error_that_names_them() {
    assert_eq!(
        wrong("exec", "object.port == 80"),
        "no operation of this rule has the field `object.port` @ object.port (operations with this field: net.bind, net.connect, \
         net.listen, net.accept, net.send)"
    );
    // One operation that has it is enough.
    when("exec, net.connect", "object.port == 80");
}

#[test]
fn comparisons_that_are_never_or_always_true_are_errors() {
    for (on, condition, expected) in [
        (
            "net.connect",
            "object.port > 70000",
            "this is never true: the number is from 0 to 65535 @ object.port > 70000",
        ),
        (
            "net.connect",
            "object.port == -1",
            "this is never true: the number is from 0 to 65535 @ object.port == -1",
        ),
        (
            "net.connect",
            "object.port != -1",
            "this is always true: the number is from 0 to 65535 @ object.port != -1",
        ),
        (
            "net.connect",
            "object.port <= 65535",
            "this is always true: the number is from 0 to 65535 @ object.port <= 65535",
        ),
        (
            "net.connect",
            "0 > object.port",
            "this is never true: the number is from 0 to 65535 @ 0 > object.port",
        ),
        (
            "exec",
            "task.comm == \"a-name-of-sixteen\"",
            "this is never true: the text has at most 15 bytes @ task.comm == \"a-name-of-sixteen\"",
        ),
        (
            "exec",
            "object.path == \"sh\"",
            "this is never true: a path begins with `/`, `memfd:` or `fs:` @ object.path == \"sh\"",
        ),
        (
            "exec",
            "object.path in [\"/bin/sh\", \"sh\"]",
            "this is never true: a path begins with `/`, `memfd:` or `fs:` @ \"sh\"",
        ),
        (
            "exec",
            "subject.chain.exists(e, e == \"sh\")",
            "this is never true: a path begins with `/`, `memfd:` or `fs:` @ e == \"sh\"",
        ),
        (
            "exec",
            "object.path.startsWith(\"bin/\")",
            "this is never true: a path begins with `/`, `memfd:` or `fs:` @ object.path.startsWith(\"bin/\")",
        ),
        (
            "exec",
            "object.path.contains(\"\")",
            "this is always true: every text contains the empty text @ object.path.contains(\"\")",
        ),
        (
            "exec",
            "task.uid == 1 && task.gid == 0 && task.uid == 2",
            "this is never true: it contradicts `task.uid == 1` @ task.uid == 2",
        ),
        (
            "exec",
            "task.uid < 5 && task.uid > 4",
            "this is never true: it contradicts `task.uid < 5` @ task.uid > 4",
        ),
        (
            "exec",
            "task.uid != 1 || task.uid != 2",
            "this is always true: it is true whenever `task.uid != 1` is false @ task.uid != 2",
        ),
        (
            "exec",
            "object.path == \"/a\" && object.path.startsWith(\"/b\")",
            "this is never true: it contradicts `object.path == \"/a\"` @ object.path.startsWith(\"/b\")",
        ),
        (
            "exec, file.open",
            "op == \"exec\" && object.read",
            "this is never true: it contradicts `op == \"exec\"` @ object.read",
        ),
        (
            "exec",
            "op == \"exec\"",
            "this is always true: the rule has no other operation @ op == \"exec\"",
        ),
        (
            "exec",
            "false",
            "this is never true: it does not depend on the event @ false",
        ),
        (
            "exec",
            "task.uid in []",
            "this is never true: the list is empty @ task.uid in []",
        ),
    ] {
        compare(&wrong(on, condition), expected);
    }
    assert_eq!(
        wrong("exec", "object.path == \"/bin/../sh\""),
        "this is never true: a path has no component `.` or `..` @ object.path == \"/bin/../sh\" (write \"/sh\")"
    );
}

#[test]
fn contradictions_of_several_tests_or_of_regular_expressions_are_errors() {
    let contradicts = |on: &str, condition: &str, expected: &str| {
        let (shown, at) = expected.split_once(" @ ").unwrap();
        compare(
            &wrong(on, condition),
            &format!(
                "this is never true: it contradicts `{shown}` @ {at} (join alternatives with `||` instead of `&&`)"
            ),
        );
    };
    for (condition, expected) in [
        (
            r#"object.path.matches("^/etc/") && object.path == "/usr/bin/x""#,
            r#"object.path.matches("^/etc/") @ object.path == "/usr/bin/x""#,
        ),
        (
            r#"object.path.matches("^/etc/") && object.path.startsWith("/usr/")"#,
            r#"object.path.matches("^/etc/") @ object.path.startsWith("/usr/")"#,
        ),
        (
            r#"object.path.matches("^/[a-z]+$") && task.uid == 0 && object.path.endsWith("/b/c")"#,
            r#"object.path.matches("^/[a-z]+$") && task.uid == 0 @ object.path.endsWith("/b/c")"#,
        ),
        (
            r#"object.path.matches("^/(a|b)$") && !(object.path in ["/a", "/b"])"#,
            r#"object.path.matches("^/(a|b)$") @ !(object.path in ["/a", "/b"])"#,
        ),
        (
            "task.gid == 5 || (task.uid in [1, 2] && task.uid != 1 && task.uid != 2)",
            "task.uid in [1, 2] && task.uid != 1 @ task.uid != 2",
        ),
        (
            "task.uid >= 5 && task.uid <= 5 && task.uid != 5",
            "task.uid >= 5 && task.uid <= 5 @ task.uid != 5",
        ),
        (
            "task.uid == 0 && (task.uid == 1 || task.gid == 5)",
            "task.uid == 0 @ task.uid == 1",
        ),
        (
            "task.domain == \"web\" && !task.labelled",
            "task.domain == \"web\" @ !task.labelled",
        ),
        (
            r#"subject.path == "/a" && !("/a" in subject.chain)"#,
            r#"subject.path == "/a" @ !("/a" in subject.chain)"#,
        ),
        (
            r#"subject.chain.all(e, e == "/a") && subject.parent == "/b""#,
            r#"subject.chain.all(e, e == "/a") @ subject.parent == "/b""#,
        ),
    ] {
        contradicts("exec", condition, expected);
    }
    contradicts(
        "exec, file.open",
        "op != \"exec\" && op != \"file.open\"",
        "op != \"exec\" @ op != \"file.open\"",
    );
    assert!(
        wrong(
            "net.connect",
            "ip(object.address).family() == 4 && object.address == \"::1\""
        )
        .starts_with(
            "this is never true: it contradicts `ip(object.address).family() == 4`: no object of these operations has such a \
             value of `object.address` @ object.address == \"::1\""
        )
    );
    for (condition, expected) in [
        (
            r#"object.path.matches("^etc/")"#,
            "this is never true: no path can pass this test",
        ),
        (
            r#"object.path.matches("[a&&b]")"#,
            "this is never true: no path can pass this test",
        ),
        (
            r#"object.path.startsWith("/etc/../")"#,
            "this is never true: a path has no component `.` or `..`",
        ),
        (
            r#"task.comm.matches("^a-name-of-sixteen$")"#,
            "this is never true: no text of at most 15 bytes can pass this test",
        ),
        (
            r#"object.path.matches(".*")"#,
            "this is always true: every text of the field passes this test",
        ),
        (
            "task.uid == 0 ? task.uid == 1 : task.uid == 0",
            "this is never true: its parts contradict each other",
        ),
    ] {
        assert!(wrong("exec", condition).starts_with(&format!("{expected} @ {condition}")));
    }
}

#[test]
fn conditions_that_can_be_true_are_accepted_in_any_form() {
    for condition in [
        r#"object.path.matches("^/usr/") && object.path.endsWith("/sh") && object.path != "/usr/sh""#,
        r#"object.path.matches("^/(a|b)$") && object.path != "/a""#,
        r#"object.path.matches(r"/\.[^/]*$") && object.path.startsWith("/home/")"#,
        r#"object.path.matches("[/:]x$") && object.path.contains("//")"#,
        r#"object.path.matches("(?x) ^/etc/ # of the host") && object.path.endsWith("d")"#,
        r#"object.path == "" && !object.unrepresentable"#,
        r#"subject.path == "" && !("/a" in subject.chain)"#,
        r#"subject.chain.exists(e, e.matches("^/a")) && subject.chain.exists(e, e.matches("^/b"))"#,
        r#"task.domain == "" && !task.labelled"#,
        "(task.uid == 0 || task.gid == 0) && (task.uid == 1 || task.gid == 1)",
        "task.uid >= 5 && task.uid <= 6 && task.uid != 5",
        r#"task.comm.matches("^a{15}$")"#,
    ] {
        when("exec", condition);
    }
    when(
        "net.connect",
        "object.address != \"\" && ip(object.address).family() == 6 && object.path == \"\"",
    );
    // Nested conditions are not checked repeatedly.
    let mut nested = "task.uid == 70000".to_owned();
    for uid in 0..30 {
        nested = format!("task.gid != {uid} && (task.uid == {uid} || {nested})");
    }
    when("exec", &nested);
}

#[test]
fn wrong_values_are_reported() {
    for (on, condition, expected) in [
        (
            "exec",
            "object.path.matches(\"(a\")",
            "not a regular expression: unclosed group @ \"(a\"",
        ),
        (
            "exec",
            "object.path.matches(r\"\\pL\")",
            "not a regular expression: Unicode not allowed here @ r\"\\pL\"",
        ),
        (
            "net.connect",
            "object.address == \"10.0.0\"",
            "\"10.0.0\" is not an IP address @ \"10.0.0\"",
        ),
        (
            "net.connect",
            "cidr(\"10.0.0.0/33\").containsIP(object.address)",
            "\"10.0.0.0/33\" is not a network @ \"10.0.0.0/33\" (for example `10.0.0.0/8` or `fd00::/8`)",
        ),
        (
            "net.connect",
            "cidr(\"10.1.0.0/8\").containsIP(object.address)",
            "the network has address bits set beyond its prefix @ \"10.1.0.0/8\" (did you mean `10.0.0.0/8`?)",
        ),
        (
            "task.signal",
            "object.signal == \"KIL\"",
            "`object.signal` cannot have the value \"KIL\" @ \"KIL\" (did you mean `KILL`?)",
        ),
        (
            "task.signal",
            "object.relation == 2",
            "`object.relation` is a word and cannot be compared with a number @ 2",
        ),
        (
            "exec",
            "\"sys_admn\" in task.caps",
            "`task.caps` cannot have the value \"sys_admn\" @ \"sys_admn\" (did you mean `sys_admin`?)",
        ),
        (
            "exec",
            "task.uid == \"root\"",
            "`task.uid` is a number and cannot be compared with a string @ \"root\"",
        ),
        (
            "exec",
            "task.comm > \"a\"",
            "a string can only be compared with `==`, `!=` and `in` @ task.comm > \"a\"",
        ),
        (
            "exec",
            "object.path == subject.path",
            "a field can only be compared with constants @ object.path == subject.path (compare each field with a constant)",
        ),
        ("exec", "1 == 1", "this comparison has no field @ 1 == 1"),
        (
            "exec",
            "task.uid && true",
            "expected a test that is true or false, found a number @ task.uid",
        ),
        (
            "exec",
            "object.path.startWith(\"/a\")",
            "unknown function `startWith` @ startWith (did you mean `startsWith`?)",
        ),
        (
            "exec",
            "task.uid.startsWith(\"/a\")",
            "`startsWith` can only be used on a field that is a string @ task.uid",
        ),
        (
            "exec",
            "subject.chain.exists(e, task.uid == 0)",
            "only tests of `e` are possible here @ task.uid",
        ),
        (
            "exec",
            "\"bad\" in task.trust",
            "\"bad\" is not a trust source @ \"bad\" (sources are `rule:ID`, `tap:NAME`, `model`, `operator`, `engine` and `tap`)",
        ),
        (
            "exec",
            "task.trust.size() == 2",
            "`size` takes no argument and can only be compared with 0 @ task.trust.size() == 2",
        ),
    ] {
        compare(&wrong(on, condition), expected);
    }
}

#[test]
fn syntax_errors_are_reported() {
    for (condition, expected) in [
        (
            "task.uid = 0",
            "expected `==` @ = (compare values with `==`)",
        ),
        ("task.uid == 0 & true", "expected `&&` @ &"),
        (
            "task.uid + 1 == 2",
            "arithmetic is not supported in conditions @ +",
        ),
        (
            "0 < task.uid < 5",
            "chained comparisons are not supported in conditions @ < (join them with `&&`)",
        ),
        (
            "subject.chain[0] == \"/a\"",
            "indexing is not supported in conditions @ [ (use `subject.path` for the first element of the chain, `subject.parent` for the second)",
        ),
        ("task.comm == \"a", "unterminated string @ \"a"),
        (
            "object.path.matches(\"a\\.b\")",
            "unknown escape in a string @ \\. (double the backslash, or use a raw string: r\"…\")",
        ),
        (
            "task.uid == 99999999999999999999",
            "not a 64-bit integer @ 99999999999999999999",
        ),
        (
            "task.uid == 1.5",
            "fractions are not supported in conditions @ 1",
        ),
        ("(task.uid == 1", "expected `)` @ "),
    ] {
        compare(&wrong("exec", condition), expected);
    }
}

#[test]
fn tests_of_one_text_become_one_test() {
    let condition = when(
        "exec",
        r#"object.path.startsWith("/bin/") && !object.path.endsWith("sh") && task.uid == 0"#,
    );
    let Condition::And(items) = condition else {
        panic!("{condition:?}")
    };
    assert!(matches!(
        items.as_slice(),
        [
            Condition::Number(Number::Uid, NumberTest::In(_)),
            Condition::Text(Text::ObjectPath, TextTest::And(_))
        ]
    ));
    assert_eq!(
        when(
            "exec",
            r#"object.path == "/a" || object.path in ["/b", "/a"] || "/c" == object.path"#
        ),
        when("exec", r#"object.path in ["/c", "/b", "/a"]"#)
    );
    assert_eq!(
        when("exec", r#"subject.chain.all(e, e != "/a")"#),
        when("exec", r#"!("/a" in subject.chain)"#)
    );
    assert_eq!(
        when(
            "exec",
            r#"subject.chain.exists(e, e == "/a") || subject.chain.exists(e, e == "/b")"#
        ),
        when("exec", r#"subject.chain.exists(x, x in ["/a", "/b"])"#)
    );
}

#[test]
fn a_number_of_some_operations_is_zero_for_the_others() {
    let condition = when("file.open, file.rename", "object.write");
    assert_eq!(
        condition,
        when(
            "file.open, file.rename",
            "op == \"file.open\" && object.write"
        )
    );
    let condition = when("exec, net.connect", "object.port < 1024");
    assert_eq!(
        condition,
        when("exec, net.connect", "op == \"exec\" || object.port < 1024")
    );
}

#[test]
fn one_name_for_two_operations_is_the_field_of_each() {
    assert_eq!(
        when("net.socket, net.connect", "object.protocol == \"udp\""),
        when("net.socket", "object.protocol == \"udp\"")
    );
    let condition = when("exec, task.setuid", "object.uid == 0");
    let Condition::Or(items) = condition else {
        panic!("{condition:?}")
    };
    assert_eq!(items.len(), 2);
}

#[test]
fn places_in_quotes_and_blocks_are_those_of_the_file() {
    for (lines, place) in [
        ("when: 'task.comm == \"it''s\" && task.xid == 0'", "5:36"),
        (r#"when: "task.comm == \"a\" && task.xid == 0""#, "5:34"),
        ("when: |\n  task.comm == \"a\" &&\n    task.xid == 0", "7:9"),
        ("when: >-\n  task.comm == \"a\"\n  && task.xid == 0", "7:10"),
        ("when: task.comm == \"a\"\n  && task.xid == 0", "6:10"),
    ] {
        let text = file(&format!("id: a\non: exec\n{lines}\ndo: audit"));
        let shown = errors(&text);
        assert!(shown.contains(&format!("web.rules:{place}\n")), "{shown}");
        assert!(
            shown.contains("did you mean `task.uid`?") || shown.contains("did you mean"),
            "{shown}"
        );
        let marks = shown.chars().filter(|c| *c == '^').count();
        assert_eq!(marks, "task.xid".len(), "{shown}");
    }
}

#[test]
fn errors_of_the_file_format_are_reported_one_each() {
    for (text, expected) in [
        ("", "the file is empty"),
        ("ambit: 1\n", "expected `ambit-rules` as the first key"),
        (
            "ambit-rules: 2\n",
            "unsupported version of the rule format; this program reads version 1",
        ),
        (
            "ambit-rules: 1\nrules: &a []\n",
            "YAML anchors are not supported",
        ),
        (
            &file("id: a\non: exec\nwhen: !task.labelled\ndo: deny"),
            "YAML tags are not supported",
        ),
        (
            &file("id: a b\non: exec\ndo: deny"),
            "expected an id: 1 to 63 of `A-Za-z0-9._-`",
        ),
        (&file("id: a\non: exce\ndo: deny"), "unknown operation"),
        (
            &file("id: a\non: exec.creds\ndo: deny"),
            "rules cannot match `exec.creds`",
        ),
        (&file("id: a\non: exec\ndo: dney"), "unknown action"),
        (
            &file("id: a\non: exec\ndo: [allow, kill]"),
            "`allow` cannot be combined with `deny` or `kill`",
        ),
        (
            &file("id: a\non: exec\ndo: deny\nfor-seconds: 5"),
            "`for-seconds` needs the action `taint`",
        ),
        (
            &file("id: a\non: exec\ndo: taint\nfor-seconds: 0"),
            "expected a number of seconds, from 1 to 4294967295",
        ),
        (
            &file("id: a\non: exec\ndo: deny\nseverity: hihg"),
            "unknown severity",
        ),
        (
            &file("id: a\non: exec\ndo: deny\nattack: 1059"),
            "expected a technique such as `T1059` or `T1059.004`",
        ),
        (&file("id: a\non: exec\ndo: deny\nif: x"), "unknown key"),
        (&file("id: a\non: exec\ndo: deny\nid: b"), "duplicate key"),
        (&file("id: a\non: exec"), "the key `do` is missing"),
        (
            &file("id: a\non: exec\ndo: deny\nfor: .x"),
            "expected `host`, `domains`, or a domain's name: 1 to 63 of `A-Za-z0-9._-`",
        ),
        (
            &file("id: a\non: exec\ndo: deny\nfor: web\nwhen: task.domain == \"db\""),
            "this rule never matches: its condition excludes every task that `for` selects",
        ),
        (
            &file("id: a\non: exec\ndo: deny\ntitle: \"a\\u001b[2J\""),
            "this text contains a hidden character",
        ),
    ] {
        let shown = errors(text);
        assert!(
            shown.starts_with(&format!("error: {expected}\n")),
            "{shown}"
        );
        assert_eq!(shown.matches("error:").count(), 1, "{shown}");
    }
}

#[test]
fn a_family_is_all_of_its_operations_and_the_scope_part_of_the_condition() {
    let text = file("id: a\non: ['net.*', exec]\nfor: [web, db]\ndo: kill");
    let rule = rules(&text).remove(0);
    assert_eq!(rule.on.len(), 10);
    assert!(rule.on.contains(&Op::NetTun) && rule.on.contains(&Op::Exec));
    assert!(
        matches!(rule.when, Condition::Text(Text::Domain, TextTest::In(names)) if names.len() == 2)
    );
    let files = rules(&file("id: a\non: file.*\ndo: audit")).remove(0);
    assert!(!files.on.contains(&Op::FileInherit));
}

#[test]
fn hostile_characters_are_shown_escaped() {
    let shown = errors(&file(
        "id: a\non: exec\ndo: deny\nwhen: task.comm == \"\u{202e}evil\" && \u{1b}",
    ));
    assert!(
        !shown.contains('\u{202e}') && !shown.contains('\u{1b}'),
        "{shown}"
    );
    let shown = read("a\u{1b}.rules", b"\xff").unwrap_err().to_string();
    assert!(shown.contains("a\\x1b.rules:1:1"), "{shown}");
}

#[test]
fn the_first_50_errors_of_a_file_are_shown_and_the_others_counted() {
    let many = vec!["task.xid == 0"; 60].join(" && ");
    let shown = errors(&file(&format!("id: a\non: exec\ndo: deny\nwhen: {many}")));
    assert_eq!(shown.matches("error:").count(), 50);
    assert!(
        shown.ends_with("\n\nand 10 more errors in web.rules"),
        "{shown}"
    );
}

/// The places and messages of all errors of these files, one a line.
fn all_errors(files: &[(&str, &str)]) -> Vec<String> {
    let files = files.iter().map(|(name, text)| (*name, text.as_bytes()));
    let errors = read_all(files).unwrap_err();
    let line = |error: &RuleError| format!("{}:{}: {}", error.file, error.line, error.kind);
    errors.errors().iter().map(line).collect()
}

const SEVERAL_ERRORS: &str = "ambit-rules: 1
rules:
  - id: denies
    on: exec
    do: deny
    when: task.uid == 0
  - id: syntax
    on: exec
    do: audit
    when: task.uid = 0
  - id: allows
    on: exec
    do: allow
    when: task.uid == 0
  - id: field
    on: exec
    do: audit
    when: task.nosuch == 0
    examples:
      - expect: true
        event: {op: file.open}
  - id: operation
    on: exce
    do: dney
    when: task.uid == \"0
";

#[test]
fn every_error_of_a_file_is_reported_and_contradictions_as_well() {
    let mut expected = vec![
        "a:10: expected `==`",
        "a:13: rules `allows` and `denies` contradict each other: they have the same condition, and one allows what the \
         other refuses",
        "a:18: unknown field `task.nosuch`",
        "a:21: this operation is not in the rule's `on`",
        "a:23: unknown operation",
        "a:24: unknown action",
        "a:25: unterminated string",
    ];
    assert_eq!(all_errors(&[("a", SEVERAL_ERRORS)]), expected);
    // Files that are not YAML do not keep the errors of other files from being reported.
    let broken = "ambit-rules: 1\nrules:\n  - id: \"a\n";
    let found = all_errors(&[("b", broken), ("a", SEVERAL_ERRORS), ("c", "")]);
    assert!(found[0].starts_with("b:3: not YAML: "), "{found:?}");
    expected.push("c:1: the file is empty");
    assert_eq!(found[1..], expected);
}

#[test]
fn rules_of_several_files_are_checked_against_each_other() {
    let one = file("id: a\non: exec\ndo: deny");
    let other = file("id: a\non: exec\ndo: allow");
    assert_eq!(
        all_errors(&[("x", &one), ("y", &other)]),
        [
            "y:3: another rule has the id `a`",
            "y:5: rules `a` and `a` contradict each other: they have the same condition, and one allows what the other \
             refuses"
        ]
    );
}

#[test]
fn a_fault_that_an_unreadable_rule_may_explain_is_not_reported() {
    let asks = file("id: a\non: exec\ndo: deny\nwhen: task.cause == 'rule:b'");
    let sets = file("id: b\non: exec\ndo: taint\nwhen: task.xid == 0");
    assert_eq!(
        all_errors(&[("x", &asks), ("y", &sets)]),
        ["y:6: unknown field `task.xid`"]
    );
}

#[test]
fn each_file_has_its_own_limit_of_errors() {
    let many = |count: usize| {
        let many = vec!["task.xid == 0"; count].join(" && ");
        file(&format!("id: a\non: exec\ndo: deny\nwhen: {many}"))
    };
    let (x, y) = (many(51), many(70));
    let files = [("x", x.as_bytes()), ("y", y.as_bytes())];
    let errors = read_all(files).unwrap_err();
    assert_eq!((errors.errors().len(), errors.more()), (100, 21));
    let shown = errors.to_string();
    assert!(
        shown.ends_with("\n\nand 1 more error in x\n\nand 20 more errors in y"),
        "{shown}"
    );
}

#[test]
fn a_file_of_one_huge_line_is_read_without_copying_the_line_for_each_rule() {
    let rules: Vec<String> = (0..20_000)
        .map(|id| {
            format!("{{id: r{id}, on: exec, do: audit, when: 'task.cause == \"rule:r{id}x\"'}}")
        })
        .collect();
    let text = format!("{{ambit-rules: 1, rules: [{}]}}", rules.join(", "));
    let rules = read("x", text.as_bytes()).unwrap();
    let marks = rules.iter().flat_map(|rule| {
        let sources = rule.marks.sources.iter().map(|(_, mark)| mark);
        sources.chain([&rule.marks.id, &rule.marks.actions])
    });
    let kept = marks.map(|mark| mark.excerpt.as_str().len()).max();
    assert!(
        kept.is_some_and(|kept| (60..=240).contains(&kept)),
        "{kept:?} bytes"
    );
}

#[test]
fn help_suggests_a_correction() {
    for (lines, expected) in [
        (
            "when: \"rule:a\" in task.trust",
            "quote it: `when: '\"rule:a\" in task.trust'`",
        ),
        (
            "when: !(task.comm == 'a')",
            "quote it: `when: '!(task.comm == ''a'')'`",
        ),
        ("when: &a x", "write the value out at each place"),
        (
            "severity: urgent",
            "severities are info, low, medium, high and critical",
        ),
        ("severity: HIGH", "did you mean `high`?"),
        ("wehn: task.uid == 0", "did you mean `when`?"),
        (
            "responsible: me",
            "known keys: id, title, severity, attack, references, on, for, when, do, for-seconds, examples",
        ),
        (
            "for-seconds: 5",
            "add `taint` to `do`, or remove `for-seconds`",
        ),
        (
            "when:",
            "for example `task.uid == 0`; a rule without `when` always matches",
        ),
        (
            "when: task.uid == 0 and task.gid == 0",
            "join conditions with `&&`, `||` and `!`",
        ),
        (
            "when: not task.labelled",
            "join conditions with `&&`, `||` and `!`",
        ),
        (
            "when: task.uid == 010",
            "write octal numbers in hexadecimal, here 0x8",
        ),
        (
            "when: task.uid == 0o755",
            "write octal numbers in hexadecimal, here 0x1ed",
        ),
        (
            "when: task.uid == 00",
            "write octal numbers in hexadecimal, here 0x0",
        ),
        ("when: task.uid == 09", "remove the leading zeros"),
        ("when: task.uid == '0'", "write the number without quotes"),
        ("when: object.path == /tmp/x", "quote texts, paths included"),
        ("when: object.path == “/tmp/x”", "use straight quotes"),
        (
            "when: object.path in '/tmp/x'",
            "for example `[\"/usr/bin/dash\", \"/usr/bin/bash\"]`",
        ),
        (
            "when: object.path.startsWith('/a', '/b')",
            "join several calls with `||`",
        ),
        (
            "when: '\"CAP_SYS_ADMIN\" in task.caps'",
            "did you mean `sys_admin`?",
        ),
        ("when: uid == 0", "did you mean `task.uid`?"),
        (
            "when: op == 'file.open'",
            "the rule's `on` has no such operation",
        ),
    ] {
        let shown = errors(&file(&format!("id: a\non: exec\n{lines}\ndo: audit")));
        assert_eq!(shown.matches("error:").count(), 1, "{shown}");
        assert!(shown.ends_with(&format!(" help: {expected}")), "{shown}");
    }
    for (on, expected) in [
        ("connect", "did you mean `net.connect`?"),
        ("execve", "did you mean `exec`?"),
        (
            "'*'",
            "`ambit rules fields` lists operations; `file.*` selects all of a family",
        ),
    ] {
        let shown = errors(&file(&format!("id: a\non: {on}\ndo: audit")));
        assert!(shown.ends_with(&format!(" help: {expected}")), "{shown}");
    }
    // A misspelt key is one error, without a second one for the missing key.
    let shown = errors(&file("idd: a\nonn: exec\ndoo: audit"));
    assert_eq!(shown.matches("error: unknown key").count(), 3, "{shown}");
    assert_eq!(shown.matches("error:").count(), 3, "{shown}");
}

fn set(rules_text: &str) -> String {
    let rules = rules(&format!("ambit-rules: 1\nrules:\n{rules_text}"));
    match check_set(&rules) {
        Ok(()) => String::new(),
        Err(errors) => errors.to_string(),
    }
}

/// Returns the first error's message, place and help.
fn first_error(rules_text: &str) -> (String, String, String) {
    let shown = set(rules_text);
    let line = |index| shown.lines().nth(index).unwrap_or_default().to_owned();
    let help = shown
        .split_once("help: ")
        .map_or("", |(_, help)| help)
        .to_owned();
    (line(0), line(1), help)
}

#[test]
fn rules_that_contradict_each_other_are_errors() {
    assert_eq!(
        set("  - {id: a, on: exec, do: deny, when: task.uid == 0 && task.gid == 1}\n  - {id: b, on: 'exec', do: allow, when: task.gid == 1 && task.uid == 0}\n"),
        "error: rules `b` and `a` contradict each other: they have the same condition, and one allows what the other refuses
 --> web.rules:4:29
  |
4 |   - {id: b, on: 'exec', do: allow, when: task.gid == 1 && task.uid == 0}
  |                             ^^^^^ help: the other rule is at web.rules:3"
    );
    assert_eq!(
        first_error(
            "  - {id: a, on: 'net.*', do: kill, when: task.uid < 10}\n  - {id: b, on: net.connect, do: allow, when: task.uid == 3 && object.port == 53}\n"
        ),
        (
            "error: rule `b` has no effect: rule `a` refuses everything it allows".to_owned(),
            " --> web.rules:4:34".to_owned(),
            "the other rule is at web.rules:3; `deny` and `kill` take precedence over `allow`"
                .to_owned(),
        )
    );
    // A rule that allows more than the other refuses, or that does more than allow, has an effect.
    assert_eq!(
        set(
            "  - {id: a, on: exec, do: deny, when: task.uid == 3}\n  - {id: b, on: exec, do: allow, when: task.uid < 10}\n"
        ),
        ""
    );
    assert_eq!(
        set(
            "  - {id: a, on: exec, do: deny, when: task.uid < 10}\n  - {id: b, on: exec, do: [allow, taint], when: task.uid == 3}\n"
        ),
        ""
    );
}

#[test]
fn a_rule_that_others_overrule_is_an_error_in_any_form() {
    let deny = |id: &str, on: &str, when: &str| {
        format!("  - {{id: {id}, on: [{on}], do: deny, when: '{when}'}}\n")
    };
    let rule = |does: &str, on: &str, when: &str| {
        format!("  - {{id: c, on: [{on}], do: [{does}], when: '{when}'}}\n")
    };
    let one = "error: rule `c` has no effect: rule `a` refuses everything it allows";
    let all = "error: rule `c` has no effect: other rules together refuse everything it allows";
    let taint = "error: rule `c` never taints or untaints: rule `a` allows everything it matches";
    let tmp = r#"object.path.startsWith("/tmp/")"#;
    for (text, expected) in [
        (
            deny("a", "exec", r#"object.path.matches("^/tmp/")"#)
                + &rule("allow", "exec", r#"object.path == "/tmp/x""#),
            one,
        ),
        (
            deny("a", "exec", tmp)
                + &rule("allow", "exec", r#"object.path.matches("^/tmp/[a-z]+$")"#),
            one,
        ),
        (
            deny("a", "exec", tmp) + &rule("allow, audit", "exec", r#"object.path == "/tmp/x""#),
            one,
        ),
        (
            deny("a", "exec", "task.labelled") + &rule("allow", "exec", r#"task.domain == "web""#),
            one,
        ),
        (
            deny("a", "exec", "task.uid == 1")
                + &deny("b", "exec", "task.uid == 2")
                + &rule("allow", "exec", "task.uid in [1, 2]"),
            all,
        ),
        (
            deny("a", "exec", "task.uid < 5")
                + &deny("b", "file.open", "task.uid < 6")
                + &rule("allow", "exec, file.open", "task.uid == 4"),
            all,
        ),
        (
            deny("a", "exec", "task.uid == 1").replace("deny", "allow")
                + &rule("taint", "exec", "task.uid == 1 && task.gid == 2"),
            taint,
        ),
        // The rule allows other events, so it has an effect.
        (
            deny("a", "exec", "task.uid < 5")
                + &deny("b", "file.open", "task.uid < 4")
                + &rule("allow", "exec, file.open", "task.uid == 4"),
            "",
        ),
        (
            deny("a", "exec", "task.uid == 1")
                + &deny("b", "exec", "task.uid == 2")
                + &rule("allow", "exec", "task.uid in [1, 2, 3]"),
            "",
        ),
        (
            deny("a", "exec", r#"object.path.matches("/tmp/")"#)
                + &rule("allow", "exec", r#"object.path.endsWith("/x")"#),
            "",
        ),
        (
            deny("a", "exec", "task.uid == 1").replace("deny", "allow")
                + &deny("b", "exec", "task.gid == 2")
                + &rule("taint", "exec", "task.uid == 1"),
            "",
        ),
        (
            deny("a", "exec", "task.uid == 1").replace("deny", "allow")
                + &rule("taint", "exec", "task.uid in [1, 2]"),
            "",
        ),
    ] {
        assert_eq!(first_error(&text).0, expected, "{text}");
    }
}

#[test]
fn ids_are_unique_and_sources_are_set_by_some_rule() {
    assert_eq!(
        set("  - {id: a, on: exec, do: deny}\n  - {id: a, on: file.open, do: deny}\n"),
        "error: another rule has the id `a`
 --> web.rules:4:10
  |
4 |   - {id: a, on: file.open, do: deny}
  |          ^ help: the other rule is at web.rules:3"
    );
    assert_eq!(
        set(
            "  - {id: shell, on: exec, do: taint}\n  - id: b\n    on: file.open\n    do: deny\n    when: |\n      task.uid == 0\n      && \"rule:shel\" in task.trust\n"
        ),
        "error: rule `b` tests the trust source `rule:shel`, which no rule sets
 --> web.rules:9:10
  |
9 |       && \"rule:shel\" in task.trust
  |          ^^^^^^^^^^^ help: did you mean `rule:shell`?"
    );
    assert_eq!(
        first_error(
            "  - {id: shell, on: exec, do: deny}\n  - {id: b, on: file.open, do: deny, when: task.cause == \"rule:shell\"}\n"
        ),
        (
            "error: rule `b` tests the trust source `rule:shell`, which no rule sets".to_owned(),
            " --> web.rules:4:58".to_owned(),
            "rule `shell` at web.rules:3 does not `taint`".to_owned(),
        )
    );
    assert_eq!(
        first_error("  - {id: b, on: file.open, do: deny, when: '\"rule:x\" in task.trust'}\n").2,
        "write a rule with this id and `do: taint`"
    );
}

#[test]
fn nesting_and_the_size_of_expanded_conditions_are_bounded() {
    for deep in ["(", "!", "[", "ip(", "task.labelled ? ", "a.b("] {
        assert!(ambit_policy::cel::parse(&deep.repeat(10_000)).is_err());
    }
    let chained = format!("a{}", ".b()".repeat(10_000));
    assert!(ambit_policy::cel::parse(&chained).is_err());
    let mut condition = "task.uid == 0".to_owned();
    for _ in 0..30 {
        condition = format!("({condition} ? task.gid == 1 : task.gid == 2)");
    }
    assert!(ambit_policy::check::condition(&condition, &[Op::Exec]).is_err());
    let long = "a".repeat(70_000);
    assert!(ambit_policy::cel::parse(&long).is_err());
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,80}") {
        let _ = ambit_policy::cel::parse(&text);
        let _ = read("x", text.as_bytes());
    }

    #[test]
    fn nothing_that_looks_like_a_condition_makes_the_checker_panic(
        words in proptest::collection::vec(proptest::sample::select(vec![
            "object.path", "task.uid", "task.trust", "subject.chain", "object.address", "op", "e", "==", "!=", "<", ">=",
            "in", "&&", "||", "!", "?", ":", "(", ")", "[", "]", ",", ".", "0", "1", "-1", "70000", "\"/a\"", "\"\"",
            "'exec'", "\"10.0.0.1\"", "true", "false", "startsWith(", "matches(", "exists(e,", "all(e,", "size()", "ip(",
            "cidr(\"10.0.0.0/8\")", ".containsIP(", ".isLoopback()", ".family()", "\u{e9}", "\\", "'",
        ]), 0..24),
    ) {
        let text = words.join(" ");
        let file = file(&format!("id: a\non: [exec, net.connect]\ndo: audit\nwhen: |\n  {text}"));
        if let Err(errors) = read("x", file.as_bytes()) {
            let _ = errors.to_string();
        }
    }
}
