// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Scenario 12: unusual names and addresses are represented exactly, escaped in every output, and never confused with
//! others.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use super::tests;
use crate::harness::{Lab, TcpWatch, UnixWatch, Watcher, act, line};

tests! { "scenarios":
    s12_a_name_with_a_newline_is_one_line_and_no_other_name
    s12_a_name_with_quotes_and_blanks_is_kept
    s12_a_name_that_is_not_utf8_is_kept_byte_by_byte
    s12_a_name_that_looks_like_a_pattern_matches_only_itself
    s12_a_name_that_looks_like_a_placeholder_matches_only_itself
    s12_a_name_that_looks_like_another_line_adds_none
    s12_a_path_of_4095_bytes_is_kept
    s12_a_longer_path_is_outside_every_map
    s12_a_memfd_has_its_name_however_it_is_changed
    s12_an_abstract_name_with_nuls_is_kept_byte_by_byte
    s12_an_abstract_name_is_no_prefix_of_another
    s12_dissolving_an_association_is_the_same_whatever_the_stack_held
    s12_the_bytes_after_an_address_are_not_part_of_it
    s12_an_address_shorter_than_its_family_is_outside_every_map
}

/// Escapes for the exerciser's arguments, in which blanks end a word.
fn escaped(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|&byte| {
            if byte.is_ascii_alphanumeric() || b"/._-".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("\\x{byte:02x}")
            }
        })
        .collect()
}

/// A file with this name is learned as one clean line of text; a file whose name differs in one byte is refused.
fn learned_and_not_taken_for(lab: &Lab, name: &[u8], others: &[&[u8]]) {
    let dir = lab.path("d");
    fs::create_dir_all(&dir).unwrap();
    let full = |name: &[u8]| [dir.as_bytes(), b"/", name].concat();
    for name in [&[name], others].concat() {
        fs::write(OsStr::from_bytes(&full(name)), "x").unwrap();
    }
    let open = |name: &[u8]| format!("open-r {}", escaped(&full(name)));
    lab.learn("map", &act(&open(name)))
        .succeeds()
        .harmless_on_a_terminal();
    let map = lab.map("map");
    let clean = |c: char| !c.is_control() || c == '\n';
    assert!(
        map.text.chars().all(clean),
        "control characters in the map: {:?}",
        map.text
    );
    let rules = map
        .rules()
        .into_iter()
        .filter(|rule| rule.contains(&dir))
        .count();
    assert_eq!(rules, 1, "one open should be one line:\n{}", map.text);
    lab.ambit(["map", "check", &lab.path("map")]).succeeds();
    lab.enforce("map", &act(&open(name)))
        .succeeds()
        .within_the_map();
    for other in others {
        let run = lab
            .enforce("map", &act(&format!("{} , {}", open(other), open(name))))
            .exits(1);
        let run = run
            .says(&["open-r: errno EPERM", "open-r: ok"])
            .harmless_on_a_terminal();
        let one = run.violations().len() == 1;
        run.expect(one, "one violation was expected");
        lab.ambit(["explain"]).succeeds().harmless_on_a_terminal();
    }
}

fn s12_a_name_with_a_newline_is_one_line_and_no_other_name(lab: &Lab) {
    learned_and_not_taken_for(lab, b"a\nb", &[b"a b", b"a\\nb", b"a\\x0ab", b"ab"]);
}

fn s12_a_name_with_quotes_and_blanks_is_kept(lab: &Lab) {
    learned_and_not_taken_for(
        lab,
        b" 'a' \"b\" # c: ",
        &[b"'a' \"b\" # c: ", b" 'a' \"b\" # c:", b" 'a' \"b\" "],
    );
}

fn s12_a_name_that_is_not_utf8_is_kept_byte_by_byte(lab: &Lab) {
    learned_and_not_taken_for(
        lab,
        b"a\xff\xc3b",
        &[b"a\xfe\xc3b", b"a\xef\xbf\xbdb", b"a\xff\xffb"],
    );
}

fn s12_a_name_that_looks_like_a_pattern_matches_only_itself(lab: &Lab) {
    learned_and_not_taken_for(lab, b"a*{b,c}", &[b"ax", b"ab", b"axb", b"a*b"]);
}

fn s12_a_name_that_looks_like_a_placeholder_matches_only_itself(lab: &Lab) {
    learned_and_not_taken_for(lab, b"{n}{tmp}", &[b"1abcdef", b"12", b"{n}abcdef"]);
}

fn s12_a_name_that_looks_like_another_line_adds_none(lab: &Lab) {
    learned_and_not_taken_for(lab, b"x\n      - exec **", &[b"x"]);
}

/// A directory chain below the test's folder whose whole path has between 256 and 55 bytes less than that.
fn deep(lab: &Lab, length: usize) -> String {
    let mut path = lab.path("deep");
    while path.len() < length - 256 {
        path.push('/');
        path.push_str(&"d".repeat(200));
    }
    // Made step by step with relative names: the whole path may be too long for a system call.
    let steps: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let script = format!(
        "cd /; for d in {}; do mkdir -p $d && cd -P ./$d || exit 1; done",
        steps.join(" ")
    );
    lab.outside(["bash", "-c", &script]).succeeds();
    path
}

fn s12_a_path_of_4095_bytes_is_kept(lab: &Lab) {
    let dir = deep(lab, 4095);
    let name = |byte: char| format!("{dir}/{}", byte.to_string().repeat(4095 - dir.len() - 1));
    let (a, b) = (name('a'), name('b'));
    assert_eq!(a.len(), 4095);
    fs::write(&a, "x").expect("a path of 4,095 bytes");
    fs::write(&b, "x").unwrap();
    lab.learn("map", &act(&format!("open-r {a}"))).succeeds();
    lab.map("map").must_have(&format!("file.open r {a}"));
    let run = lab
        .enforce("map", &act(&format!("open-r {b} , open-r {a}")))
        .exits(1);
    run.says(&["open-r: errno EPERM", "open-r: ok"])
        .violates(&format!("file.open r {b}"));
}

fn s12_a_longer_path_is_outside_every_map(lab: &Lab) {
    let dir = deep(lab, 4095);
    let file = "f".repeat(255);
    let enter = dir
        .split('/')
        .skip(1)
        .fold(String::new(), |all, step| all + "chdir " + step + " , ");
    let command = act(&format!(
        "chdir / , {enter}create {file} , open-r {file} , open-r {}",
        lab.path("known")
    ));
    lab.learn("map", &command).succeeds().complains("long");
    assert!(
        !lab.map("map").text.contains(&file),
        "what can't be represented should not be in the map"
    );
    let run = lab
        .enforcing("map", &["--allow-incomplete"], &command)
        .finish()
        .exits(1);
    let lines = run.lines();
    let last = &lines[lines.len() - 3..];
    let right = last == ["create: errno EPERM", "open-r: errno EPERM", "open-r: ok"];
    run.expect(right, "only what is too long should be refused");
}

fn s12_an_abstract_name_with_nuls_is_kept_byte_by_byte(lab: &Lab) {
    let _known = UnixWatch::abstract_stream(b"lab\0a\0\xff");
    let other = UnixWatch::abstract_stream(b"lab\0b\0\xff");
    let connect = |byte: char| format!("connect abstract:lab\\x00{byte}\\x00\\xff");
    lab.learn("map", &act(&connect('a'))).succeeds();
    lab.map("map")
        .must_have(r"net.connect unix @lab\x00a\x00\xff");
    let run = lab
        .enforce("map", &act(&format!("{} , {}", connect('b'), connect('a'))))
        .exits(1);
    run.says(&["connect: errno EPERM", "connect: ok"])
        .violates(r"net.connect unix @lab\x00b\x00\xff");
    assert!(!other.arrived(), "the connection was made");
}

fn s12_an_abstract_name_is_no_prefix_of_another(lab: &Lab) {
    let names: [&[u8]; 3] = [b"lab-p", b"lab-p\0", b"lab-p\0\0"];
    let _watchers = names.map(UnixWatch::abstract_stream);
    lab.learn("map", &act("connect abstract:lab-p\\x00"))
        .succeeds();
    let run = lab.enforce("map", &act(
        "connect abstract:lab-p , connect abstract:lab-p\\x00 , connect abstract:lab-p\\x00\\x00",
    ));
    run.exits(1).says(&[
        "connect: errno EPERM",
        "connect: ok",
        "connect: errno EPERM",
    ]);
}

/// `AF_UNSPEC` with 28 bytes, of which only the family is significant.
fn s12_dissolving_an_association_is_the_same_whatever_the_stack_held(lab: &Lab) {
    lab.learn("map", &act("connect-unspec tcp 1 , connect-unspec udp 1"))
        .succeeds();
    lab.map("map").must_have("net.connect tcp unspec");
    lab.map("map").must_have("net.connect udp unspec");
    for seed in [2, 77, 254] {
        let command = act(&format!(
            "connect-unspec tcp {seed} , connect-unspec udp {seed}"
        ));
        lab.enforce("map", &command).succeeds().within_the_map();
    }
    lab.write_map(
        "less.map",
        &lab.map("map").without("net.connect udp unspec"),
    );
    lab.enforce(
        "less.map",
        &act("connect-unspec udp 1 , connect-unspec tcp 1"),
    )
    .exits(1)
    .says(&["connect-unspec: errno EPERM", "connect-unspec: ok"])
    .violates("net.connect udp unspec");
}

fn s12_the_bytes_after_an_address_are_not_part_of_it(lab: &Lab) {
    let _listener = TcpWatch::on("127.0.0.1:7201");
    lab.learn("map", &act("connect-garbage tcp:127.0.0.1:7201 1"))
        .succeeds();
    lab.map("map").must_have("net.connect tcp 127.0.0.1:7201");
    let command = act("connect-garbage tcp:127.0.0.1:7201 99 , connect tcp:127.0.0.1:7201");
    lab.enforce("map", &command).succeeds().within_the_map();
    let run = lab
        .enforce("map", &act("connect-garbage tcp:127.0.0.1:7202 1"))
        .exits(1);
    run.violates("net.connect tcp 127.0.0.1:7202");
}

fn s12_an_address_shorter_than_its_family_is_outside_every_map(lab: &Lab) {
    let _listener = TcpWatch::on("127.0.0.1:7203");
    let command = act(
        "connect-short tcp:127.0.0.1:7203 8 , connect-short tcp:127.0.0.1:7203 15 , connect tcp:127.0.0.1:7203",
    );
    lab.learn("map", &command).exits(1).says(&[
        "connect-short: errno EINVAL",
        "connect-short: errno EINVAL",
        "connect: ok",
    ]);
    let run = lab
        .enforcing("map", &["--allow-incomplete"], &command)
        .finish()
        .exits(1);
    run.says(&[
        "connect-short: errno EPERM",
        "connect-short: errno EPERM",
        "connect: ok",
    ]);
}

fn s12_a_memfd_has_its_name_however_it_is_changed(lab: &Lab) {
    let program = "import os; fd = os.memfd_create('scratch'); os.ftruncate(fd, 9); os.fchmod(fd, 0o640); \
                   os.fchown(fd, 0, 0); print('changed')";
    let command = line(&["python3", "-c", program]);
    lab.learn("map", &command).says(&["changed"]);
    let map = lab.map("map");
    for operation in ["truncate", "chmod", "chown"] {
        map.must_have(&format!("file.{operation} memfd:scratch"));
    }
    assert!(!map.text.contains("incomplete"), "{}", map.text);
    lab.enforce("map", &command)
        .says(&["changed"])
        .within_the_map();
}
