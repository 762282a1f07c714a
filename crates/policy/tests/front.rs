// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Rule files: the good, the wrong, and the hostile.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::too_many_lines,
    reason = "a test may panic, and tables are long"
)]

use ambit_event::Op;
use ambit_policy::condition::{Condition, Number, NumberTest, Text, TextTest};
use ambit_policy::file::{check_set, read};
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

/// What is said about a condition: message, the part of it that is marked, and help.
fn wrong(on: &str, condition: &str) -> String {
    let text = file(&format!(
        "id: a\non: [{on}]\ndo: audit\nwhen: |\n  {condition}"
    ));
    let errors = read("web.rules", text.as_bytes()).expect_err(condition);
    let [error] = errors.errors() else {
        panic!("not one error:\n{errors}")
    };
    assert_eq!(error.line, 7, "{errors}");
    let marked: String = error
        .text
        .as_deref()
        .unwrap()
        .chars()
        .skip(error.column - 1)
        .take(error.width)
        .collect();
    let help = error.kind.help().map(|help| format!(" ({help})"));
    format!("{} @ {marked}{}", error.kind, help.unwrap_or_default())
}

/// That it is said, whatever the help is if none is expected.
fn says(said: &str, expected: &str) {
    let without_help = said.rsplit_once(" (").map_or(said, |(said, _)| said);
    assert!(said == expected || without_help == expected, "{said}");
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
fn reads_what_people_write() {
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
fn an_error_shows_the_line_and_what_to_write() {
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
        "none of the rule's operations has the field `object.port` @ object.port (it is there for net.bind, net.connect, \
         net.listen, net.accept, net.send)"
    );
    // One operation that has it is enough.
    when("exec, net.connect", "object.port == 80");
}

#[test]
fn comparisons_that_never_or_always_hold_are_errors() {
    for (on, condition, expected) in [
        (
            "net.connect",
            "object.port > 70000",
            "this never holds: the number is from 0 to 65535 @ object.port > 70000",
        ),
        (
            "net.connect",
            "object.port == -1",
            "this never holds: the number is from 0 to 65535 @ object.port == -1",
        ),
        (
            "net.connect",
            "object.port != -1",
            "this always holds: the number is from 0 to 65535 @ object.port != -1",
        ),
        (
            "net.connect",
            "object.port <= 65535",
            "this always holds: the number is from 0 to 65535 @ object.port <= 65535",
        ),
        (
            "net.connect",
            "0 > object.port",
            "this never holds: the number is from 0 to 65535 @ 0 > object.port",
        ),
        (
            "exec",
            "task.comm == \"a-name-of-sixteen\"",
            "this never holds: the text has at most 15 bytes @ task.comm == \"a-name-of-sixteen\"",
        ),
        (
            "exec",
            "object.path == \"sh\"",
            "this never holds: a path begins with `/`, `memfd:` or `fs:` @ object.path == \"sh\"",
        ),
        (
            "exec",
            "object.path in [\"/bin/sh\", \"sh\"]",
            "this never holds: a path begins with `/`, `memfd:` or `fs:` @ \"sh\"",
        ),
        (
            "exec",
            "subject.chain.exists(e, e == \"sh\")",
            "this never holds: a path begins with `/`, `memfd:` or `fs:` @ e == \"sh\"",
        ),
        (
            "exec",
            "object.path.startsWith(\"bin/\")",
            "this never holds: a path begins with `/`, `memfd:` or `fs:` @ object.path.startsWith(\"bin/\")",
        ),
        (
            "exec",
            "object.path.contains(\"\")",
            "this always holds: the empty text is in every text @ object.path.contains(\"\")",
        ),
        (
            "exec",
            "task.uid == 1 && task.gid == 0 && task.uid == 2",
            "this never holds: it contradicts `task.uid == 1` @ task.uid == 2",
        ),
        (
            "exec",
            "task.uid < 5 && task.uid > 4",
            "this never holds: it contradicts `task.uid < 5` @ task.uid > 4",
        ),
        (
            "exec",
            "task.uid != 1 || task.uid != 2",
            "this always holds: it holds wherever `task.uid != 1` does not @ task.uid != 2",
        ),
        (
            "exec",
            "object.path == \"/a\" && object.path.startsWith(\"/b\")",
            "this never holds: it contradicts `object.path == \"/a\"` @ object.path.startsWith(\"/b\")",
        ),
        (
            "exec, file.open",
            "op == \"exec\" && object.read",
            "this never holds: it contradicts `op == \"exec\"` @ object.read",
        ),
        (
            "exec",
            "op == \"exec\"",
            "this always holds: the rule is about this operation only @ op == \"exec\"",
        ),
        (
            "exec",
            "false",
            "this never holds: it does not depend on the event @ false",
        ),
        (
            "exec",
            "task.uid in []",
            "this never holds: the list is empty @ task.uid in []",
        ),
    ] {
        says(&wrong(on, condition), expected);
    }
    assert_eq!(
        wrong("exec", "object.path == \"/bin/../sh\""),
        "this never holds: a component of the path is `.` or `..` @ object.path == \"/bin/../sh\" (paths are compared as \
         the kernel has them, without `.`, `..` and doubled or trailing slashes)"
    );
}

#[test]
fn what_contradicts_only_together_or_by_an_expression_never_holds() {
    let contradicts = |on: &str, condition: &str, expected: &str| {
        let (shown, at) = expected.split_once(" @ ").unwrap();
        says(
            &wrong(on, condition),
            &format!(
                "this never holds: it contradicts `{shown}` @ {at} (join what may hold one without the other with `||`)"
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
        (
            r#"object.unrepresentable && object.path == "/x""#,
            r#"object.unrepresentable @ object.path == "/x""#,
        ),
    ] {
        contradicts("exec", condition, expected);
    }
    contradicts(
        "exec, file.open",
        "op != \"exec\" && op != \"file.open\"",
        "op != \"exec\" @ op != \"file.open\"",
    );
    contradicts(
        "net.connect",
        "ip(object.address).family() == 4 && object.address == \"::1\"",
        "ip(object.address).family() == 4 @ object.address == \"::1\"",
    );
    contradicts(
        "net.connect",
        "object.address == \"10.0.0.1\" && object.path == \"/run/x\"",
        "object.address == \"10.0.0.1\" @ object.path == \"/run/x\"",
    );
    for (condition, expected) in [
        (
            r#"object.path.matches("^etc/")"#,
            "this never holds: no path is like that",
        ),
        (
            r#"object.path.matches("[a&&b]")"#,
            "this never holds: no path is like that",
        ),
        (
            r#"object.path.startsWith("/etc/../")"#,
            "this never holds: no path is like that",
        ),
        (
            r#"task.comm.matches("^a-name-of-sixteen$")"#,
            "this never holds: no text of at most 15 bytes is like that",
        ),
        (
            r#"object.path.matches(".*")"#,
            "this always holds: every text of the field is like that",
        ),
        (
            "task.uid == 0 ? task.uid == 1 : task.uid == 0",
            "this never holds: its parts contradict each other",
        ),
    ] {
        assert!(wrong("exec", condition).starts_with(&format!("{expected} @ {condition}")));
    }
}

#[test]
fn what_may_hold_is_taken_however_it_is_joined() {
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
    // What nests is not looked at again and again.
    let mut nested = "task.uid == 70000".to_owned();
    for uid in 0..30 {
        nested = format!("task.gid != {uid} && (task.uid == {uid} || {nested})");
    }
    when("exec", &nested);
}

#[test]
fn what_is_no_text_number_word_or_address_is_told() {
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
            "\"10.0.0\" is no IP address @ \"10.0.0\"",
        ),
        (
            "net.connect",
            "cidr(\"10.0.0.0/33\").containsIP(object.address)",
            "\"10.0.0.0/33\" is no network @ \"10.0.0.0/33\" (such as `10.0.0.0/8` or `fd00::/8`)",
        ),
        (
            "net.connect",
            "cidr(\"10.1.0.0/8\").containsIP(object.address)",
            "the network has bits behind its prefix @ \"10.1.0.0/8\" (did you mean `10.0.0.0/8`?)",
        ),
        (
            "task.signal",
            "object.signal == \"KIL\"",
            "`object.signal` is never \"KIL\" @ \"KIL\" (did you mean `KILL`?)",
        ),
        (
            "task.signal",
            "object.relation == 2",
            "`object.relation` is a word, which is not compared with a number @ 2",
        ),
        (
            "exec",
            "\"sys_admn\" in task.caps",
            "`task.caps` is never \"sys_admn\" @ \"sys_admn\" (did you mean `sys_admin`?)",
        ),
        (
            "exec",
            "task.uid == \"root\"",
            "`task.uid` is a number, which is not compared with a string @ \"root\"",
        ),
        (
            "exec",
            "task.comm > \"a\"",
            "a string is compared with `==`, `!=` and `in` only @ task.comm > \"a\"",
        ),
        (
            "exec",
            "object.path == subject.path",
            "a field is compared with constants only @ object.path == subject.path (compare each with what it may be)",
        ),
        (
            "exec",
            "1 == 1",
            "there is no field in this comparison @ 1 == 1",
        ),
        (
            "exec",
            "task.uid && true",
            "a number is neither true nor false @ task.uid",
        ),
        (
            "exec",
            "object.path.startWith(\"/a\")",
            "unknown function `startWith` @ startWith (did you mean `startsWith`?)",
        ),
        (
            "exec",
            "task.uid.startsWith(\"/a\")",
            "`startsWith` is for a field that is a string @ task.uid",
        ),
        (
            "exec",
            "subject.chain.exists(e, task.uid == 0)",
            "only tests of `e` stand in here @ task.uid",
        ),
        (
            "exec",
            "\"bad\" in task.trust",
            "\"bad\" is no source of trust @ \"bad\" (sources are `rule:ID`, `tap:NAME`, `model`, `operator`, `engine` and `tap`)",
        ),
        (
            "exec",
            "task.trust.size() == 2",
            "`size` takes nothing, and is compared with 0 @ task.trust.size() == 2",
        ),
    ] {
        says(&wrong(on, condition), expected);
    }
}

#[test]
fn what_is_no_condition_is_told() {
    for (condition, expected) in [
        (
            "task.uid = 0",
            "expected `==` @ = (values are compared with `==`)",
        ),
        ("task.uid == 0 & true", "expected `&&` @ &"),
        (
            "task.uid + 1 == 2",
            "arithmetic is not part of conditions @ +",
        ),
        (
            "0 < task.uid < 5",
            "chained comparisons are not part of conditions @ < (join them with `&&`)",
        ),
        (
            "subject.chain[0] == \"/a\"",
            "indexing is not part of conditions @ [ (`subject.path` is the first of the chain, `subject.parent` the second)",
        ),
        ("task.comm == \"a", "the string does not end @ \"a"),
        (
            "object.path.matches(\"a\\.b\")",
            "no such escape in a string @ \\. (a backslash is doubled, or the string is a raw one: r\"…\")",
        ),
        (
            "task.uid == 99999999999999999999",
            "not a whole number of 64 bits @ 99999999999999999999",
        ),
        (
            "task.uid == 1.5",
            "fractions are not part of conditions @ 1",
        ),
        ("(task.uid == 1", "expected `)` @ "),
    ] {
        says(&wrong("exec", condition), expected);
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
fn what_is_wrong_with_a_file_is_told_at_its_place() {
    for (text, expected) in [
        ("", "the file is empty"),
        ("ambit: 1\n", "expected the key `ambit-rules` first"),
        (
            "ambit-rules: 2\n",
            "unknown version of the rules' format; this program reads version 1",
        ),
        (
            "ambit-rules: 1\nrules: &a []\n",
            "anchors are not used in rules",
        ),
        (
            &file("id: a\non: exec\nwhen: !task.labelled\ndo: deny"),
            "tags are not used in rules",
        ),
        (
            &file("id: a b\non: exec\ndo: deny"),
            "expected an id: 1 to 63 of `A-Za-z0-9._-`",
        ),
        (&file("id: a\non: exce\ndo: deny"), "unknown operation"),
        (
            &file("id: a\non: exec.creds\ndo: deny"),
            "rules are not asked about `exec.creds`",
        ),
        (&file("id: a\non: exec\ndo: dney"), "unknown action"),
        (
            &file("id: a\non: exec\ndo: [allow, kill]"),
            "a rule does not `allow` what it refuses",
        ),
        (
            &file("id: a\non: exec\ndo: deny\nfor-seconds: 5"),
            "`for-seconds` is how long a taint lasts, and this rule sets none",
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
        (
            &file("id: a\non: exec\ndo: deny\nid: b"),
            "the key is here twice",
        ),
        (&file("id: a\non: exec"), "the key `do` is missing"),
        (
            &file("id: a\non: exec\ndo: deny\nfor: .x"),
            "expected `host`, `domains`, or a domain's name: 1 to 63 of `A-Za-z0-9._-`",
        ),
        (
            &file("id: a\non: exec\ndo: deny\nfor: web\nwhen: task.domain == \"db\""),
            "this rule never applies: its condition holds for no task that it is for",
        ),
        (
            &file("id: a\non: exec\ndo: deny\ntitle: \"a\\u001b[2J\""),
            "there is a hidden character in this text",
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
fn the_first_errors_are_shown_and_the_rest_is_counted() {
    let many = vec!["task.xid == 0"; 30].join(" && ");
    let shown = errors(&file(&format!("id: a\non: exec\ndo: deny\nwhen: {many}")));
    assert_eq!(shown.matches("error:").count(), 20);
    assert!(shown.ends_with("and 10 more errors"), "{shown}");
}

#[test]
fn help_says_what_is_to_be_written_instead() {
    for (lines, expected) in [
        (
            "when: \"rule:a\" in task.trust",
            "in quotes, it is `when: '\"rule:a\" in task.trust'`",
        ),
        (
            "when: !(task.comm == 'a')",
            "in quotes, it is `when: '!(task.comm == ''a'')'`",
        ),
        ("when: &a x", "write it out where it is wanted"),
        (
            "severity: urgent",
            "it is info, low, medium, high or critical",
        ),
        ("severity: HIGH", "did you mean `high`?"),
        ("wehn: task.uid == 0", "did you mean `when`?"),
        (
            "responsible: me",
            "known are id, title, severity, attack, references, on, for, when, do, for-seconds, examples",
        ),
        ("for-seconds: 5", "add `taint` to `do`, or take it out"),
        (
            "when:",
            "such as `task.uid == 0`; without `when`, a rule always applies",
        ),
        (
            "when: task.uid == 0 and task.gid == 0",
            "conditions are joined with `&&`, `||` and `!`",
        ),
        (
            "when: not task.labelled",
            "conditions are joined with `&&`, `||` and `!`",
        ),
        (
            "when: task.uid == 010",
            "an octal number is written in hexadecimal, 0x8 here",
        ),
        (
            "when: task.uid == 0o755",
            "an octal number is written in hexadecimal, 0x1ed here",
        ),
        (
            "when: task.uid == 00",
            "an octal number is written in hexadecimal, 0x0 here",
        ),
        ("when: task.uid == 09", "leave the zeros out"),
        (
            "when: task.uid == '0'",
            "a number stands there without quotes",
        ),
        (
            "when: object.path == /tmp/x",
            "a text, as a path is, stands in quotes",
        ),
        (
            "when: object.path == “/tmp/x”",
            "a text stands in straight quotes",
        ),
        (
            "when: object.path in '/tmp/x'",
            "such as `[\"/usr/bin/dash\", \"/usr/bin/bash\"]`",
        ),
        (
            "when: object.path.startsWith('/a', '/b')",
            "join several with `||`",
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
            "`ambit rules fields` names them, and `file.*` is all of a family",
        ),
    ] {
        let shown = errors(&file(&format!("id: a\non: {on}\ndo: audit")));
        assert!(shown.ends_with(&format!(" help: {expected}")), "{shown}");
    }
    // A slip in a key is one error.
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

/// The first line of what is said, the place, and the help.
fn told(rules_text: &str) -> (String, String, String) {
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
        "error: rules `b` and `a` contradict each other: under the same condition, one allows what the other refuses
 --> web.rules:4:29
  |
4 |   - {id: b, on: 'exec', do: allow, when: task.gid == 1 && task.uid == 0}
  |                             ^^^^^ help: the other one is at web.rules:3"
    );
    assert_eq!(
        told(
            "  - {id: a, on: 'net.*', do: kill, when: task.uid < 10}\n  - {id: b, on: net.connect, do: allow, when: task.uid == 3 && object.port == 53}\n"
        ),
        (
            "error: rule `b` never takes effect: rule `a` refuses all that it allows".to_owned(),
            " --> web.rules:4:34".to_owned(),
            "the other one is at web.rules:3; refusing goes before allowing".to_owned(),
        )
    );
    // What is wider than what is refused, or does more than to allow, has an effect.
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
fn a_rule_that_others_overrule_is_an_error_however_that_is_written() {
    let deny = |id: &str, on: &str, when: &str| {
        format!("  - {{id: {id}, on: [{on}], do: deny, when: '{when}'}}\n")
    };
    let rule = |does: &str, on: &str, when: &str| {
        format!("  - {{id: c, on: [{on}], do: [{does}], when: '{when}'}}\n")
    };
    let one = "error: rule `c` never takes effect: rule `a` refuses all that it allows";
    let all = "error: rule `c` never takes effect: other rules together refuse all that it allows";
    let taint = "error: rule `c` never taints or untaints: rule `a` allows all that it is about";
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
        // What is left of it has an effect.
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
        assert_eq!(told(&text).0, expected, "{text}");
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
  |          ^ help: the other one is at web.rules:3"
    );
    assert_eq!(
        set(
            "  - {id: shell, on: exec, do: taint}\n  - id: b\n    on: file.open\n    do: deny\n    when: |\n      task.uid == 0\n      && \"rule:shel\" in task.trust\n"
        ),
        "error: rule `b` asks about the source `rule:shel`, which no rule sets
 --> web.rules:9:10
  |
9 |       && \"rule:shel\" in task.trust
  |          ^^^^^^^^^^^ help: did you mean `rule:shell`?"
    );
    assert_eq!(
        told(
            "  - {id: shell, on: exec, do: deny}\n  - {id: b, on: file.open, do: deny, when: task.cause == \"rule:shell\"}\n"
        ),
        (
            "error: rule `b` asks about the source `rule:shell`, which no rule sets".to_owned(),
            " --> web.rules:4:58".to_owned(),
            "rule `shell` does not `taint`, at web.rules:3".to_owned(),
        )
    );
    assert_eq!(
        told("  - {id: b, on: file.open, do: deny, when: '\"rule:x\" in task.trust'}\n").2,
        "a rule with `do: taint` and that id would set it"
    );
}

#[test]
fn nesting_is_bounded_and_what_is_written_out_does_not_explode() {
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
