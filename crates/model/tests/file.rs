// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reading map files: the good, the wrong, and the hostile.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Write;

use ambit_abi::{Family, Response};
use ambit_model::{FAMILIES, Map, MapErrors};

const HEAD: &str = "ambit: 1\ndomain: web\n";

fn errors(text: &str) -> MapErrors {
    match Map::parse(text, "web.map") {
        Ok(map) => panic!("this was read:\n{text}\nas\n{map}"),
        Err(errors) => errors,
    }
}

/// Line, column, message and help of the only error.
fn only(text: &str) -> (usize, usize, String, Option<String>) {
    let errors = errors(text);
    let [error] = errors.errors() else {
        panic!("not one error:\n{errors}")
    };
    (
        error.line,
        error.column,
        error.kind.to_string(),
        error.kind.help(),
    )
}

fn subject(lines: &str) -> String {
    format!("{HEAD}subjects:\n  - exe: /bin/x\n{lines}")
}

#[test]
fn every_family_can_have_a_response() {
    for family in Family::ALL {
        let name = family.name();
        let text = format!("{HEAD}respond: {{outside: {{default: log, {name}: kill}}}}\n");
        let map = Map::parse(&text, "web.map").unwrap();
        let killed: Vec<Family> = FAMILIES
            .into_iter()
            .zip(map.outside)
            .filter(|(_, response)| *response == Response::Kill)
            .map(|(family, _)| family)
            .collect();
        assert_eq!(killed, [*family], "see docs/adding.md");
    }
}

#[test]
fn the_example_of_the_design_is_read_and_printed() {
    let text = "\
ambit: 1
domain: web
chain: 2
respond:
  outside: {net: kill}
  untrusted: {exec: deny, net: deny}
start:
  - /usr/bin/dash
subjects:
  - id: nginx
    exe: /usr/sbin/nginx
    as: nginx-debug
    script: /srv/x.sh
    via: [/usr/bin/dash]
    digest: ['sha256:0000000000000000000000000000000000000000000000000000000000000001']
    creds:
      - uid=0 gid=0 caps=all
      - uid=33 gid=33 caps=- nnp
    allow:
      - cap.use net_bind_service
      - file.open rw /var/log/nginx/*.log
";
    let map = Map::parse(text, "web.map").unwrap_or_else(|errors| panic!("{errors}"));
    let plain = text.replace("['sha", "[sha").replace("1']", "1]");
    assert_eq!(map.to_string(), plain);
}

#[test]
fn what_distrust_means_may_depend_on_whose_it_is() {
    let text = "\
ambit: 1
domain: web
chain: 2
respond:
  untrusted: {net: deny}
  untrusted-by:
    operator: {default: kill}
    rule:no-shell: {exec: deny, net: log}
";
    let map = Map::parse(text, "web.map").unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(map.to_string(), text);
    let net = FAMILIES
        .iter()
        .position(|family| *family == Family::Net)
        .unwrap();
    let of = |source| map.gate(source)[net];
    assert_eq!(of(None), Response::Deny);
    assert_eq!(of(Some("tap:x")), Response::Deny);
    assert_eq!(of(Some("operator")), Response::Kill);
    assert_eq!(of(Some("rule:no-shell")), Response::Log);
}

#[test]
fn a_source_that_cannot_be_is_an_error_with_its_place() {
    let text = "ambit: 1\ndomain: web\nchain: 2\nrespond:\n  untrusted-by:\n    rules:x: {exec: deny}\n    model: {exec: dney}\n";
    let errors = Map::parse(text, "web.map").unwrap_err().to_string();
    assert!(errors.contains("web.map:6:5"), "{errors}");
    assert!(errors.contains("`rule:ID`"), "{errors}");
    assert!(errors.contains("web.map:7:"), "{errors}");
}

#[test]
fn comments_order_and_spelling_do_not_matter() {
    let one = subject("    allow:\n      - exec /a\n      - file.open rw /b\n");
    let other = "\
ambit: 1   # the version
subjects:
  # what it is
  - allow: [ 'file.open r /b', \"exec /\\x61\", file.open rwa /b, file.open x /a ]
    exe: \"/bin/x\"
    id: 'x'
domain: web
respond: {outside: {default: deny}, untrusted: {default: log}}
chain: 2
";
    let one = Map::parse(&one, "one").unwrap_or_else(|errors| panic!("{errors}"));
    let other = Map::parse(other, "other").unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(one, other);
    assert_eq!(one.digest(), other.digest());
}

#[test]
fn the_digest_leaves_names_out() {
    let one = Map::parse(&subject("    id: a\n"), "one").unwrap();
    let mut other = Map::parse(&subject("    id: b\n"), "other").unwrap();
    other.domain = "other".to_owned();
    assert_eq!(one.digest(), other.digest());
    other.chain = 3;
    assert_ne!(one.digest(), other.digest());
}

#[test]
fn an_error_shows_the_line_the_place_and_the_way_out() {
    let text =
        subject("    allow:\n      - file.open r /etc/hosts\n      - file.opne r /etc/passwd\n");
    assert_eq!(
        errors(&text).to_string(),
        "\
error: unknown operation
 --> web.map:7:9
  |
7 |       - file.opne r /etc/passwd
  |         ^^^^^^^^^ help: did you mean `file.open`?"
    );
}

#[test]
fn an_error_inside_a_quoted_folded_or_block_text_has_its_own_place() {
    for (item, line, column) in [
        ("file.open rr /etc/hosts", 6, 19),
        ("'file.open rr /it''s'", 6, 20),
        ("'file.open r /it''s/\u{202e}'", 6, 29),
        ("\"file\\x2eopen rr /etc\"", 6, 23),
        ("file.open\n          rr /etc/hosts", 7, 11),
        ("|\n          file.open rr /etc/hosts", 7, 21),
    ] {
        let found = only(&subject(&format!("    allow:\n      - {item}\n")));
        assert_eq!((found.0, found.1), (line, column), "{item}: {found:?}");
    }
}

#[test]
fn what_is_no_map_gets_one_error() {
    assert_eq!(only("").2, "the file is empty");
    assert_eq!(only("# nothing\n").2, "the file is empty");
    assert_eq!(only("hello").2, "the first key must be `ambit`");
    assert_eq!(
        only("domain: web\nambit: 1\n").2,
        "the first key must be `ambit`"
    );
    assert_eq!(only("- a\n- b\n").2, "the first key must be `ambit`");
    let version = "unknown version of the map's format; this program reads versions 1 and 2";
    assert_eq!(
        only("ambit: 3\nnew: thing\n"),
        (1, 8, version.to_owned(), None)
    );
    assert_eq!(
        only(&format!("{HEAD}---\nambit: 1\n")).2,
        "a file has only one YAML document"
    );
}

#[test]
fn wrong_keys_and_values_are_pointed_at() {
    for (text, line, column, message, help) in [
        (
            format!("{HEAD}subject:\n"),
            3,
            1,
            "unknown key",
            Some("did you mean `subjects`?"),
        ),
        (
            format!("{HEAD}domain: x\n"),
            3,
            1,
            "the key occurs twice",
            None,
        ),
        (
            "ambit: 1\n".to_owned(),
            1,
            1,
            "the key `domain` is missing",
            None,
        ),
        (
            format!("{HEAD}chain: 5\n"),
            3,
            8,
            "expected a number from 1 to 4",
            None,
        ),
        (
            format!("{HEAD}chain: -1\n"),
            3,
            8,
            "expected a number from 1 to 4",
            None,
        ),
        (
            format!("{HEAD}respond: {{outside: {{net: kil}}}}\n"),
            3,
            26,
            "expected `log`, `deny` or `kill`",
            Some("did you mean `kill`?"),
        ),
        (
            format!("{HEAD}respond: {{inside: {{}}}}\n"),
            3,
            11,
            "unknown key",
            Some("did you mean `outside`?"),
        ),
        (
            format!("{HEAD}start: /bin/x\n"),
            3,
            8,
            "expected a list of paths",
            None,
        ),
        (
            format!("{HEAD}subjects:\n  - id: x\n"),
            4,
            5,
            "the key `exe` is missing",
            None,
        ),
        (
            subject("    digest: []\n"),
            5,
            13,
            "expected a list of digests, such as `sha256:…`",
            None,
        ),
        (
            subject("    digest: [sha256:12]\n"),
            5,
            14,
            "expected `sha256:` and 64 hex digits",
            None,
        ),
        (
            subject("    creds: [uid=0 gid=0 caps=net_admn]\n"),
            5,
            30,
            "unknown capability",
            Some("did you mean `net_admin`?"),
        ),
        (
            subject("    via: [/bin/a, /bin/b]\n"),
            5,
            10,
            "`via` has more than 1 paths, the most that `chain: 2` allows",
            Some("raise `chain`, or leave out the farthest"),
        ),
        (
            subject("    script: /a/*\n"),
            5,
            16,
            "a pattern cannot be used here",
            Some("write `\\*`, `\\{`, `\\}` for the characters themselves"),
        ),
        (
            subject("    allow:\n      - {a: b}\n"),
            6,
            9,
            "expected a rule, such as `file.open r /etc/hosts`",
            None,
        ),
        (
            subject("    allow: [net.connect tcp 10.0.0.0/40:1]\n"),
            5,
            38,
            "expected a prefix length of at most 32",
            None,
        ),
        (
            subject("    allow: ['file.open r /{pdi}']\n"),
            5,
            27,
            "unknown class",
            Some("did you mean `{pid}`?"),
        ),
        (
            subject("    allow:\n      - exec /a{b\n"),
            6,
            16,
            "the brace is never closed",
            None,
        ),
    ] {
        let found = only(&text);
        assert_eq!(
            (found.0, found.1, &*found.2, found.3.as_deref()),
            (line, column, message, help),
            "{text}"
        );
    }
    let named = only("ambit: 1\ndomain: a/b\n");
    assert_eq!((named.0, named.1), (2, 9));
}

#[test]
fn duplicates_name_the_other_one() {
    let text = format!("{HEAD}subjects:\n  - id: a\n    exe: /bin/x\n  - id: a\n    exe: /bin/y\n");
    assert_eq!(only(&text).3.as_deref(), Some("the other one is on line 4"));
    let text = format!(
        "{HEAD}subjects:\n  - id: a\n    exe: /bin/x\n  - id: b\n    exe: /bin/x\n    as: x\n"
    );
    let (line, _, message, _) = only(&text);
    assert_eq!(line, 6);
    assert!(
        message.starts_with("another entry is for the same"),
        "{message}"
    );
}

#[test]
fn anchors_aliases_and_tags_are_refused() {
    assert_eq!(
        only(&format!("{HEAD}start: &a [*a]\n")).2,
        "YAML anchors are not supported"
    );
    assert_eq!(
        only(&format!("{HEAD}start: !!set {{}}\n")).2,
        "YAML tags are not supported"
    );
    // An alias to nothing is not even YAML.
    assert_eq!(errors(&format!("{HEAD}start: [*b]\n")).errors().len(), 1);
}

#[test]
fn many_errors_are_counted_and_some_are_shown() {
    let mut text = subject("    allow:\n");
    for _ in 0..1000 {
        text.push_str("      - nothing\n");
    }
    let errors = errors(&text);
    assert_eq!(errors.errors().len(), 50);
    assert_eq!(errors.more(), 950);
    let shown = errors.to_string();
    assert!(
        shown.ends_with("\n\nand 950 more errors in web.map"),
        "{shown}"
    );
}

#[test]
fn hidden_characters_are_refused_and_never_shown() {
    let text = subject("    allow:\n      - \"exec /\u{202e}\\x1b[2J\"\n");
    let shown = errors(&text).to_string();
    assert!(shown.contains("/\\xe2\\x80\\xae"), "{shown}");
    assert!(
        !shown.contains('\u{202e}') && !shown.contains('\u{1b}'),
        "{shown}"
    );
    assert!(
        shown.contains("help: write it as `\\xe2\\x80\\xae`"),
        "{shown}"
    );
    let errors = Map::parse("nope", "a\u{1b}[2Jb").unwrap_err();
    assert!(errors.to_string().contains("a\\x1b[2Jb:1:1"));
}

#[test]
fn bytes_that_are_no_text_are_refused_where_they_begin() {
    let errors = Map::parse_bytes(b"ambit: 1\ndomain: \xff\n", "web.map").unwrap_err();
    let error = &errors.errors()[0];
    assert_eq!((error.line, error.column), (2, 9));
}

/// Returns the processor time of this thread in ticks of 10 ms (fields 14 and 15 of `/proc/PID/stat`). Other load of
/// the machine does not count.
fn ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
    let (_, after_name) = stat.rsplit_once(')').unwrap();
    let fields = after_name.split_whitespace().skip(11).take(2);
    fields.map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}

/// Parses a map and asserts a time that only linear parsing can meet, even unoptimised.
fn soon(text: &str) -> Result<Map, MapErrors> {
    let begun = ticks();
    let result = Map::parse(text, "large.map");
    let shown = result
        .as_ref()
        .err()
        .map_or(0, |errors| errors.to_string().len());
    assert!(shown < 100_000, "an error of {shown} bytes");
    let took = ticks() - begun;
    assert!(took < 2000, "took {took} ticks of 10 ms");
    result
}

#[test]
fn megabytes_of_noise_are_refused_at_once() {
    const SIZE: usize = 10 * 1024 * 1024;
    let mut state = 1u64;
    let noise: String = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        char::from(b' ' + u8::try_from(state >> 33 & 63).unwrap())
    })
    .take(SIZE)
    .collect();
    assert!(soon(&noise).is_err());
    assert!(soon(&format!("{HEAD}start: {noise}")).is_err());
    for unit in [
        "[", "{", "- ", "? ", "a: ", "\n", "\"", "'", "|", "&a ", "!", "\t", "[a, ", "{a: ",
    ] {
        assert!(soon(&unit.repeat(1024 * 1024)).is_err(), "{unit:?}");
        assert!(
            soon(&format!("{HEAD}start: {}", unit.repeat(100_000))).is_err(),
            "{unit:?}"
        );
    }
    assert!(soon(&" ".repeat(65 * 1024 * 1024)).is_err());
}

#[test]
fn deep_nesting_overflows_nothing() {
    let braces = format!("{HEAD}start: ['/{}']\n", "{a,".repeat(5000));
    assert!(soon(&braces).is_err());
    let mut deep = HEAD.to_owned();
    for depth in 0..5000 {
        let _ = writeln!(deep, "{}k:", " ".repeat(depth % 200));
    }
    assert!(soon(&deep).is_err());
}

#[test]
fn a_hundred_thousand_rules_are_read_in_linear_time() {
    let map = |rules: usize| {
        let mut text = subject("    allow:\n");
        for number in 0..rules {
            let _ = writeln!(
                text,
                "      - file.open r /usr/share/doc/package-{number}/copyright"
            );
        }
        text
    };
    let time = |rules: usize| {
        let text = map(rules);
        let begun = ticks();
        let map = soon(&text).unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(map.rule_count(), rules);
        ticks() - begun
    };
    let small = time(10_000);
    let large = time(100_000);
    assert!(
        large < (small + 1) * 40,
        "{small} ticks for ten thousand, {large} for a hundred thousand"
    );
}
