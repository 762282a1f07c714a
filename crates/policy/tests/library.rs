// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The library of rules, attacked: variants of each rule's examples that an attacker can choose. What a variant gets past
//! is written down with the rule, in a comment `# Not covered:`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use ambit_event::Op;
use ambit_policy::condition::{Number, Text};
use ambit_policy::facts::Facts;
use ambit_policy::file::read;
use ambit_policy::interpret::holds;
use ambit_policy::rule::Rule;

const LOADER: &str = "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2";

/// A variant of an event: its name in comments, and the change. `None` if the event has nothing to change.
type Variant = (&'static str, fn(&Facts) -> Option<Facts>);

/// The variants, with the words of the comments.
const VARIANTS: [Variant; 4] = [
    ("another program", another_program),
    ("the loader", by_the_loader),
    ("a long path", with_a_long_path),
    ("another place", at_another_place),
];

fn is_exec(facts: &Facts) -> bool {
    facts.number(Number::Op) == u64::from(u16::from(Op::Exec))
}

/// Replaces the task's executable.
fn run_by(facts: &Facts, executable: &str) -> Option<Facts> {
    let mut chain = facts.chain().to_vec();
    *chain.first_mut()? = executable.as_bytes().to_vec();
    let mut changed = facts.clone();
    changed.set_chain(chain);
    Some(changed)
}

/// The same is done by a program that the rule does not know: another interpreter, or a copy under another name.
fn another_program(facts: &Facts) -> Option<Facts> {
    run_by(facts, "/opt/tools/bin/other")
}

/// The dynamic loader runs the program, which is then no executable of its own.
fn by_the_loader(facts: &Facts) -> Option<Facts> {
    if !is_exec(facts) {
        return run_by(facts, LOADER);
    }
    let mut changed = facts.clone();
    changed.set_text(Text::ObjectPath, LOADER.into());
    Some(changed)
}

/// The program was copied into a directory with a path of more than 255 bytes: it is the empty text in the chain.
fn with_a_long_path(facts: &Facts) -> Option<Facts> {
    if !is_exec(facts) {
        return run_by(facts, "");
    }
    moved(facts, &format!("/srv{}", "/deep".repeat(60)))
}

/// The object was copied, linked or mounted to another directory.
fn at_another_place(facts: &Facts) -> Option<Facts> {
    moved(facts, "/srv/copy")
}

fn moved(facts: &Facts, directory: &str) -> Option<Facts> {
    let path = String::from_utf8(facts.text(Text::ObjectPath).to_vec()).unwrap();
    // Files of the kernel have no other place.
    let is_fixed = ["/proc/", "/sys/", "/dev/"]
        .iter()
        .any(|top| path.starts_with(top));
    if !path.starts_with('/') || (is_fixed && !path.starts_with("/dev/shm/")) {
        return None;
    }
    let name = path.rsplit('/').next().unwrap();
    let mut changed = facts.clone();
    changed.set_text(Text::ObjectPath, format!("{directory}/{name}").into_bytes());
    Some(changed)
}

/// Returns the variants that get past a rule.
fn past(rule: &Rule) -> Vec<&'static str> {
    let examples = || rule.examples.iter().filter(|example| example.applies);
    let passes = |(_, change): &&Variant| {
        examples()
            .any(|example| change(&example.facts).is_some_and(|facts| !holds(&rule.when, &facts)))
    };
    VARIANTS
        .iter()
        .filter(passes)
        .map(|(name, _)| *name)
        .collect()
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            found.push(path);
        }
    }
}

#[test]
fn what_variants_get_past_a_rule_is_written_down_with_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules");
    let mut found = Vec::new();
    files(&folder, &mut found);
    found.sort();
    let mut wrong = Vec::new();
    let mut count = 0;
    for path in found {
        let text = fs::read_to_string(&path).unwrap();
        let rules = read("rules", text.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"));
        let ends = rules
            .iter()
            .skip(1)
            .map(|rule| rule.line)
            .chain([usize::MAX]);
        for (rule, end) in rules.iter().zip(ends) {
            count += 1;
            let lines = text
                .lines()
                .skip(rule.line - 1)
                .take(end.saturating_sub(rule.line));
            let written = lines
                .map(str::trim)
                .find_map(|line| line.strip_prefix("# Not covered: "))
                .unwrap_or_default();
            let expected = past(rule).join(", ");
            if written.trim_end_matches('.') != expected {
                let file = path.strip_prefix(&folder).unwrap().display().to_string();
                wrong.push(format!(
                    "{file}:{}:{}:# Not covered: {expected}.",
                    rule.line, rule.id
                ));
            }
        }
    }
    assert!(count > 100, "only {count} rules");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_library_records_a_program_in_a_temporary_directory_that_the_loader_runs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules/base/execution.yaml");
    let rules = read("execution", fs::read_to_string(folder).unwrap().as_bytes()).unwrap();
    let rule = rules
        .iter()
        .find(|rule| rule.id == "library-from-temporary")
        .unwrap();
    for (path, by, expected) in [
        ("/tmp/b/prog", LOADER, true),
        ("/dev/shm/prog", LOADER, true),
        ("/var/tmp/x", "", true),
        ("/tmp/b/prog", "/tmp/b/prog", false),
        ("/usr/bin/prog", LOADER, false),
    ] {
        let mut facts = Facts::default();
        facts.set_number(Number::Op, u64::from(u16::from(Op::MapExec)));
        facts.set_text(Text::ObjectPath, path.into());
        facts.set_chain(vec![by.into(), b"/usr/bin/dash".to_vec()]);
        assert_eq!(holds(&rule.when, &facts), expected, "{path} by {by}");
    }
}
