// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Properties of all maps.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use ambit_abi::Op;
use ambit_event::{Content, Object, Operation, Secret, Subject, fingerprint, key};
use ambit_model::{
    Automaton, AutomatonError, CompileError, Map, Matcher, Rule, Version, compile, run,
};
use proptest::prelude::*;
use support::config;

/// Returns the map without ids, and in version 1: neither has an effect on the allowed operations.
fn nameless(map: &Map) -> Map {
    let mut map = map.clone();
    map.version = Version::One;
    map.groups.clear();
    map.subjects.values_mut().for_each(|entry| entry.id.clear());
    map
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn a_rule_s_text_is_the_rule(rule in support::rule()) {
        let text = rule.to_string();
        let parsed = Rule::parse(&text);
        prop_assert_eq!(parsed.as_ref(), Ok(&rule), "{}", text);
        prop_assert!(!text.chars().any(ambit_event::escape::is_hidden), "{:?}", text);
    }

    #[test]
    fn a_printed_map_is_the_map_and_prints_the_same(map in support::map()) {
        let text = map.to_string();
        match Map::parse(&text, "printed") {
            Ok(parsed) => {
                prop_assert_eq!(&parsed, &map, "{}", text);
                prop_assert_eq!(parsed.to_string(), text);
                prop_assert_eq!(parsed.digest(), map.digest());
            }
            Err(errors) => prop_assert!(false, "{}\n{}", errors, text),
        }
    }

    #[test]
    fn a_map_has_the_same_digest_by_names_and_by_numbers(map in support::map()) {
        let names = map.to_string();
        let rules: Vec<&Rule> = map.subjects.values().flat_map(|entry| &entry.allow).collect();
        let numbers = names.lines().map(|line| {
            let item = line.trim_start().strip_prefix("- ");
            let shown = rules.iter().find(|rule| item == Some(&*rule.named()));
            shown.map_or_else(|| line.to_owned(), |rule| line.replace(&rule.named(), &rule.to_string()))
        });
        let numbers: String = numbers.map(|line| line + "\n").collect();
        let parsed = Map::parse(&numbers, "numbers").unwrap();
        prop_assert_eq!(parsed.digest(), map.digest());
        prop_assert_eq!(parsed.state(), map.state());
        prop_assert_eq!(parsed.to_string(), names);
    }

    #[test]
    fn no_comment_is_lost_when_a_map_changes(
        a in support::map(),
        b in support::map(),
        at in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..8),
    ) {
        let mut lines: Vec<String> = a.to_string().lines().map(str::to_owned).collect();
        for (number, (index, beside)) in at.iter().enumerate() {
            let place = index.index(lines.len());
            if *beside && !lines[place].contains(" # note") && !lines[place].starts_with('#') {
                lines[place] = format!("{} # note {number}", lines[place]);
            } else {
                lines.insert(place, format!("# note {number}"));
            }
        }
        let old = lines.join("\n");
        prop_assert_eq!(Map::parse(&old, "old").unwrap(), a.clone());
        for new in [&a, &b] {
            let text = new.print_keeping(&old);
            prop_assert_eq!(&Map::parse(&text, "new").unwrap(), new, "{}", text);
            for number in 0..at.len() {
                prop_assert_eq!(text.matches(&format!("# note {number}")).count(), 1, "{}", text);
            }
        }
        prop_assert_eq!(a.print_keeping(&a.print_keeping(&old)), a.print_keeping(&old));
    }

    #[test]
    fn merging_is_commutative_and_idempotent(a in support::map(), b in support::map()) {
        let merged = a.merge(&b).unwrap();
        prop_assert_eq!(&merged, &b.merge(&a).unwrap());
        prop_assert_eq!(a.merge(&a).unwrap(), a.clone());
        prop_assert_eq!(nameless(&merged.merge(&a).unwrap()), nameless(&merged));
    }

    /// Tested with operations that both maps decide at their coverage.
    #[test]
    fn merged_maps_allow_operations_of_both_maps(a in support::map(), b in support::map()) {
        let merged = a.merge(&b).unwrap();
        let matcher = Matcher::new(&merged, 32768..=60999);
        for (subject, entry) in a.subjects.iter().chain(&b.subjects) {
            for rule in &entry.allow {
                if let Some(object) = rule.object().as_exact() {
                    let content = Content::Object(object.clone());
                    let allowed = matcher.would_allow(Some(subject), rule.operation(), &content);
                    prop_assert!(allowed, "{rule}");
                }
            }
        }
    }

    #[test]
    fn merging_is_associative(a in support::map(), b in support::map(), c in support::map()) {
        let left = a.merge(&b).unwrap().merge(&c).unwrap();
        let right = a.merge(&b.merge(&c).unwrap()).unwrap();
        prop_assert_eq!(nameless(&left), nameless(&right));
        prop_assert_eq!(left.digest(), right.digest());
        prop_assert_eq!(left.state(), right.state());
    }

    #[test]
    fn a_diff_is_empty_for_equal_maps_only(a in support::map(), b in support::map()) {
        prop_assert!(a.diff(&a).is_empty());
        prop_assert_eq!(a.diff(&b).is_empty(), nameless(&a) == nameless(&b));
    }

    #[test]
    fn noise_is_an_error_and_never_a_panic(text in "(?s).{0,200}") {
        let _ = Map::parse(&text, "noise").map_err(|errors| errors.to_string());
        let _ = Rule::parse(&text);
    }

    #[test]
    fn a_map_with_a_hole_is_read_or_refused(map in support::map(), at in 0usize..4000, with in "(?s).{0,3}") {
        let mut text = map.to_string();
        let at = (0..=at % (text.len() + 1)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let end = (at + 2..=text.len()).find(|end| text.is_char_boundary(*end)).unwrap_or(text.len());
        text.replace_range(at..end.max(at), &with);
        let shown = Map::parse(&text, "holed").map_err(|errors| errors.to_string()).err().unwrap_or_default();
        prop_assert!(shown.lines().all(|line| !line.chars().any(ambit_event::escape::is_hidden)), "{:?}", shown);
    }
}

proptest! {
    #![proptest_config(config(48))]

    #[test]
    fn the_automaton_equals_the_reference_matcher(
        (patterns, objects) in proptest::collection::vec(support::pattern(), 1..4).prop_flat_map(|patterns| {
            let objects: Vec<_> = patterns.iter().map(|pattern| proptest::collection::vec(support::near(pattern), 4)).collect();
            (Just(patterns), objects)
        })
    ) {
        let regexes: Vec<String> = patterns.iter().map(ambit_model::pattern::PathPattern::regex).collect();
        let automaton = match Automaton::build(&regexes) {
            Ok(automaton) => automaton,
            // Some patterns need too many states.
            Err(AutomatonError::TooLarge) => return Ok(()),
            Err(error) => return Err(TestCaseError::fail(format!("{error:?}"))),
        };
        for object in objects.iter().flatten() {
            let class = run(automaton.bytes(), &object.to_bytes());
            let matching: Vec<usize> = patterns
                .iter()
                .enumerate()
                .filter(|(_, pattern)| pattern.matches(object))
                .map(|(index, _)| index)
                .collect();
            let found = class.checked_sub(1).map_or(&[][..], |class| &automaton.classes()[usize::from(class)]);
            prop_assert_eq!(found, &matching[..], "{:?} {:?}", object, patterns.iter().map(ToString::to_string).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_compiled_map_decides_like_the_matcher(
        map in support::map(),
        points in proptest::collection::vec(support::point(), 8),
    ) {
        let secret = Secret::new([7; 16]);
        let ephemeral = 32768..=60999;
        let compiled = match compile(&map, secret, &ephemeral) {
            Ok(compiled) => compiled,
            Err(CompileError::TooLarge { .. }) => return Ok(()),
            Err(error) => return Err(TestCaseError::fail(format!("{error:?}"))),
        };
        let matcher = Matcher::new(&map, ephemeral);
        // Evaluates the compiled map like the kernel part.
        let decide = |subject: &Subject, operation: Operation, object: &Object| {
            let fp = subject.fingerprint(&secret);
            let known = |key| compiled.keys.binary_search(&key).is_ok();
            known(key(&secret, fp, operation, object)) || compiled.dfa.as_ref().is_some_and(|dfa| {
                let class = run(dfa, &object.to_bytes());
                class != 0 && known(fingerprint(&secret, operation.op, operation.arg, &Object::Class(class).to_bytes()) ^ fp)
            })
        };
        let own = map.subjects.values().flat_map(|entry| &entry.allow).filter_map(|rule| {
            Some((rule.operation(), rule.object().as_exact()?.clone()))
        });
        let points: Vec<_> = points.into_iter().chain(own).collect();
        let launcher = Subject::LAUNCHER;
        for subject in map.subjects.keys().chain([&launcher]) {
            for (operation, object) in &points {
                prop_assert_eq!(
                    decide(subject, *operation, object),
                    matcher.allows(subject, *operation, object),
                    "{} {}", subject, operation.rule(object)
                );
            }
        }
        for (subject, entry) in &map.subjects {
            let any = Operation { op: Op::ExecCreds, arg: ambit_model::ANY_CREDS };
            prop_assert_eq!(decide(subject, any, &Object::None), entry.creds.is_empty());
            for creds in &entry.creds {
                prop_assert!(decide(subject, Operation::plain(Op::ExecCreds), &Object::Creds(*creds)));
            }
        }
    }
}
