// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Compiled rules: results as defined by the conditions, and bounded cost.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod drawn;
mod generate;
mod machine;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::time::{Duration, Instant};

use ambit_event::{Hook, Object, Op, Path};
use ambit_policy::compile::{
    Automaton, CompileError, Compiled, HookProgram, PathProgram, compile, sources,
};
use ambit_policy::condition::{Condition, Number, NumberTest, Text, TextTest};
use ambit_policy::rule::{Actions, Marks, Rule, Severity};
use proptest::collection::vec;
use proptest::prelude::*;
use world::{World, fired, holds};

fn rule(id: &str, on: &[Op], when: Condition, actions: Actions) -> Rule {
    Rule {
        id: id.to_owned(),
        title: String::new(),
        severity: Severity::Info,
        techniques: Vec::new(),
        references: Vec::new(),
        on: on.to_vec(),
        when,
        actions,
        taint_seconds: None,
        examples: Vec::new(),
        line: 1,
        file: String::new(),
        text: String::new(),
        marks: Marks::default(),
    }
}

fn bits() -> BTreeMap<String, u8> {
    let bits = [("operator", 0), ("rule:a", 31), ("rule:b", 63)];
    bits.map(|(name, bit)| (name.to_owned(), bit)).into()
}

fn path(text: &str) -> Object {
    Object::Path(Path::new(text.as_bytes()).unwrap())
}

fn path_is(text: &str) -> Condition {
    path_test(TextTest::In([text.as_bytes().to_vec()].into()))
}

fn path_test(test: TextTest) -> Condition {
    Condition::Text(Text::ObjectPath, test)
}

fn number_is(number: Number, value: u64) -> Condition {
    Condition::Number(number, NumberTest::In([value].into()))
}

fn open(when: Condition) -> Rule {
    rule("r", &[Op::FileOpen], when, Actions::AUDIT)
}

/// Rules at `file_open`.
fn opens(conditions: Vec<Condition>) -> Vec<Rule> {
    let rules = conditions.into_iter().enumerate();
    let rules = rules
        .map(|(index, when)| rule(&format!("r{index}"), &[Op::FileOpen], when, Actions::AUDIT));
    rules.collect()
}

fn at_open(rules: &[Rule]) -> Compiled {
    compile(rules, &bits(), &[Hook::FileOpen]).unwrap()
}

/// Returns the matching rules by index, their actions, and the number of executed instructions.
fn evaluate(compiled: &Compiled, program: &HookProgram, world: &World) -> (Vec<usize>, u64, usize) {
    let mut facts = world.facts(compiled, program);
    let outcome = machine::run(&program.instructions, Some(&mut facts));
    let rules = fired(&facts)
        .into_iter()
        .map(|bit| program.rules[bit])
        .collect();
    (rules, outcome.result, outcome.executed)
}

/// Compares compiled programs with the conditions.
fn compare(rules: &[Rule], hook: Hook, worlds: &[World]) -> Result<(), TestCaseError> {
    let compiled = compile(rules, &bits(), &[hook]).unwrap();
    for program in &compiled.hooks {
        machine::check(&program.instructions);
        machine::check_tests(&program.instructions);
        if let Some(prefilter) = &program.prefilter {
            machine::check(prefilter);
            machine::check_tests(prefilter);
        }
        if let Some(path_program) = &program.path_program {
            machine::check(&path_program.instructions);
            machine::check_tests(&path_program.instructions);
        }
    }
    for world in worlds {
        let expected = expected(rules, world);
        let does = expected.iter().map(|index| rules[*index].actions.0);
        let does = u64::from(does.fold(0, |all, own| all | own));
        let Some(program) = compiled.hooks.first() else {
            prop_assert!(expected.is_empty(), "{world:?}");
            continue;
        };
        let (found, result, _) = evaluate(&compiled, program, world);
        prop_assert_eq!(&found, &expected, "{:?}\n{}", world, program.listing());
        prop_assert_eq!(result, does);
        if let Some(prefilter) = &program.prefilter {
            // Texts that the prefilter does not read, or does not report as needed, are filled with ones, then with
            // zeros.
            for other in [u8::MAX, 0] {
                let mut facts = world.facts(&compiled, program);
                world::fill_texts_beside(&mut facts, 1, other);
                let needed = machine::run(prefilter, Some(&mut facts)).result;
                prop_assert!(needed != 0 || expected.is_empty(), "{world:?}");
                let mut facts = world.facts(&compiled, program);
                world::fill_texts_beside(&mut facts, needed | 1, other);
                machine::run(&program.instructions, Some(&mut facts));
                let bits = fired(&facts).into_iter();
                let found: Vec<usize> = bits.map(|bit| program.rules[bit]).collect();
                prop_assert_eq!(&found, &expected, "{:?} {:b}", world, needed);
            }
        }
        if let Some(path_program) = &program.path_program {
            compare_path_program(rules, &compiled, program, path_program, world)?;
        }
        prop_assert_eq!(machine::run(&program.instructions, None).result, 0);
    }
    Ok(())
}

/// The rules that match, by their conditions.
fn expected(rules: &[Rule], world: &World) -> Vec<usize> {
    let applies = |index: &usize| {
        let rule = &rules[*index];
        rule.on.contains(&world.op) && holds(&rule.when, world, &bits())
    };
    (0..rules.len()).filter(applies).collect()
}

/// Checks that rules excluded by the path program do not match.
fn compare_path_program(
    rules: &[Rule],
    compiled: &Compiled,
    program: &HookProgram,
    path_program: &PathProgram,
    world: &World,
) -> Result<(), TestCaseError> {
    let mut world = world.clone();
    if path_program.object {
        // The path cache has entries only for files with a path.
        let Object::Path(_) = world.object else {
            return Ok(());
        };
        world.numbers[Number::Kind as usize] = ambit_abi::KIND_PATH.into();
        world.numbers[Number::Unrepresentable as usize] = 0;
    }
    if world.number(Number::Trust) == 0 {
        world.numbers[Number::Cause as usize] = 255;
    }
    let expected = expected(rules, &world);
    let run = |stage: u16, numbers: u32, texts: u64, other: u8| {
        let mut facts = world.facts(compiled, program);
        world.stage(&mut facts, stage, numbers, other);
        world::fill_texts_beside(&mut facts, texts, other);
        let answer = machine::run(&path_program.instructions, Some(&mut facts)).result;
        let answered = u64::from(ambit_abi::PATH_PROGRAM_PRESENT);
        assert_eq!(answer & answered, answered, "{stage}");
        answer & !answered
    };
    for other in [u8::MAX, 0] {
        let classes = if path_program.object {
            run(ambit_abi::PATH_PROGRAM_PATH, 0, 1, other)
        } else {
            ambit_abi::PATH_PROGRAM_NUMBERS.into()
        };
        let kind = |kind: u8| classes & u64::from(kind) != 0;
        let needs = run(ambit_abi::PATH_PROGRAM_REST, path_program.numbers, 0, other);
        let rest = needs != 0
            && run(
                ambit_abi::PATH_PROGRAM_EXACT,
                path_program.numbers,
                needs & !1,
                other,
            ) != 0;
        let evaluated = kind(ambit_abi::PATH_PROGRAM_OBJECT)
            || kind(ambit_abi::PATH_PROGRAM_TRUST) && world.number(Number::Trust) != 0
            || kind(ambit_abi::PATH_PROGRAM_NUMBERS) && rest;
        prop_assert!(
            evaluated || expected.is_empty(),
            "{world:?} {classes:b} {needs:b}"
        );
        if !path_program.object {
            prop_assert_eq!(rest, !expected.is_empty(), "{:?}", world);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_hook_with_one_operation_finds_the_matching_rules(
        conditions in vec(generate::condition(), 1..8),
        worlds in vec(generate::world(&[Op::FileOpen]), 12),
    ) {
        compare(&opens(conditions), Hook::FileOpen, &worlds)?;
    }

    #[test]
    fn a_hook_with_several_operations_evaluates_the_rules_of_each(
        conditions in vec((generate::condition(), 1_usize..8, 0_u8..64), 1..6),
        worlds in vec(generate::world(&[Op::FileCreate, Op::FileMknod, Op::NetBind]), 12),
    ) {
        let ops = [Op::FileCreate, Op::FileMknod, Op::NetBind];
        let rules = conditions.into_iter().enumerate().map(|(index, (when, on, actions))| {
            let on: Vec<Op> = (0..3).filter(|bit| on & 1 << bit != 0).map(|bit| ops[bit]).collect();
            rule(&format!("r{index}"), &on, when, Actions(actions))
        });
        compare(&rules.collect::<Vec<_>>(), Hook::PathMknod, &worlds)?;
    }

    #[test]
    fn rules_that_share_conditions_find_the_same(
        parts in vec(generate::condition(), 2..4),
        rules in vec((0_usize..4, 0_usize..4, any::<bool>(), any::<bool>()), 2..9),
        worlds in vec(generate::world(&[Op::FileOpen]), 12),
    ) {
        let part = |index: usize| parts[index % parts.len()].clone();
        let conditions = rules.into_iter().map(|(left, right, both, not)| {
            let pair = vec![part(left), part(right)];
            let joined = if both { Condition::And(pair) } else { Condition::Or(pair) };
            if not { Condition::Not(Box::new(joined)) } else { joined }
        });
        compare(&opens(conditions.collect()), Hook::FileOpen, &worlds)?;
    }
}

proptest! {
    // Each case compiles a hundred tests and more.
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn many_searches_at_once_find_the_matching_rules(
        (conditions, worlds) in generate::searches(100..200),
    ) {
        compare(&opens(conditions), Hook::FileOpen, &worlds)?;
    }
}

/// Rules with one path each.
fn many(count: usize) -> Vec<Rule> {
    let conditions = (0..count).map(|index| path_is(&format!("/usr/bin/program-{index}")));
    opens(conditions.collect())
}

#[test]
fn a_rule_that_does_not_match_costs_next_to_nothing() {
    let compiled = at_open(&many(100));
    let program = &compiled.hooks[0];
    let (found, _, executed) = evaluate(
        &compiled,
        program,
        &World::new(Op::FileOpen, path("/etc/x")),
    );
    assert_eq!(found, []);
    assert!(executed <= 40, "{executed} instructions");
    let object = path("/usr/bin/program-77");
    let (found, result, executed) = evaluate(&compiled, program, &World::new(Op::FileOpen, object));
    assert_eq!((found, result), (vec![77], 1));
    assert!(executed <= 120, "{executed} instructions");
}

#[test]
fn rules_without_a_test_of_a_text_cost_few_instructions_each() {
    let rules = opens(
        (0..100)
            .map(|uid| number_is(Number::Uid, 1000 + uid))
            .collect(),
    );
    let compiled = at_open(&rules);
    let world = World::new(Op::FileOpen, path("/etc/x"));
    let (found, _, executed) = evaluate(&compiled, &compiled.hooks[0], &world);
    assert_eq!(found, []);
    assert!(executed <= 330, "{executed} instructions");
}

#[test]
fn the_prefilter_reports_only_texts_of_rules_that_may_match() {
    let is = |text, value: &str| Condition::Text(text, TextTest::In([value.into()].into()));
    let compiled = at_open(&opens(vec![
        Condition::And(vec![path_is("/a"), is(Text::Comm, "x")]),
        Condition::And(vec![path_is("/b"), is(Text::Executable, "/x")]),
        path_is("/c"),
    ]));
    let program = &compiled.hooks[0];
    let prefilter = program.prefilter.as_deref().unwrap();
    let needed = |text: &str| {
        let mut facts = World::new(Op::FileOpen, path(text)).facts(&compiled, program);
        machine::run(prefilter, Some(&mut facts)).result
    };
    let object = 1 << ambit_abi::RULE_TEXT_OBJECT;
    assert_eq!(needed("/a"), object | 1 << ambit_abi::RULE_TEXT_COMM);
    assert_eq!(needed("/b"), object | 1 << ambit_abi::RULE_TEXT_EXE);
    assert_eq!(needed("/c"), object);
    assert_eq!(needed("/d"), 0);
}

#[test]
fn the_path_program_reports_the_classes_of_rules_that_may_match() {
    let and = |parts: &[Condition]| Condition::And(parts.to_vec());
    let writes = Condition::Number(Number::Arg, NumberTest::AnyBit(2));
    let compiled = at_open(&opens(vec![
        and(&[path_is("/a"), number_is(Number::Uid, 7)]),
        and(&[writes.clone(), number_is(Number::Gid, 8)]),
        and(&[path_is("/b"), Condition::Trust(Some("rule:a".to_owned()))]),
        and(&[writes, Condition::Trust(None)]),
    ]));
    let program = &compiled.hooks[0];
    let path_program = program.path_program.as_ref().unwrap();
    assert!(path_program.object);
    assert_eq!(
        path_program.numbers & (1 << Number::Uid as u32 | 1 << Number::Gid as u32),
        1 << Number::Gid as u32,
        "numbers that only rules with a path read are left out"
    );
    let classes = |text: &str, arg: u64| {
        let mut world = World::new(Op::FileOpen, path(text));
        world.numbers[Number::Arg as usize] = arg;
        let mut facts = world.facts(&compiled, program);
        world.stage(&mut facts, ambit_abi::PATH_PROGRAM_PATH, 0, u8::MAX);
        let kinds = machine::run(&path_program.instructions, Some(&mut facts)).result;
        u8::try_from(kinds).unwrap() & !ambit_abi::PATH_PROGRAM_PRESENT
    };
    let (object, numbers, trust) = (
        ambit_abi::PATH_PROGRAM_OBJECT,
        ambit_abi::PATH_PROGRAM_NUMBERS,
        ambit_abi::PATH_PROGRAM_TRUST,
    );
    assert_eq!(classes("/c", 1), 0);
    assert_eq!(classes("/a", 1), object);
    assert_eq!(classes("/c", 2), numbers | trust);
    assert_eq!(classes("/b", 1), trust);
    // No stage: the path program answers 0.
    let mut facts = World::new(Op::FileOpen, path("/a")).facts(&compiled, program);
    assert_eq!(
        machine::run(&path_program.instructions, Some(&mut facts)).result,
        0
    );
}

#[test]
fn shared_conditions_are_evaluated_once() {
    let or = |parts: &[(Number, u64)]| {
        let parts = parts.iter();
        Condition::Or(
            parts
                .map(|(number, value)| number_is(*number, *value))
                .collect(),
        )
    };
    let shared = or(&[
        (Number::Uid, 7),
        (Number::Gid, 8),
        (Number::Pid, 9),
        (Number::Arg, 5),
    ]);
    let rules = (0..20).map(|kind| {
        Condition::And(vec![
            shared.clone(),
            Condition::Not(Box::new(number_is(Number::Relation, kind))),
        ])
    });
    let compiled = at_open(&opens(rules.collect()));
    let program = &compiled.hooks[0];
    let listing = program.listing();
    assert!(listing.contains("; shared condition 0"), "{listing}");
    assert_eq!(
        listing.matches("r1 == 9 goto").count() + listing.matches("r1 != 9 goto").count(),
        2
    );
    let mut world = World::new(Op::FileOpen, path("/x"));
    assert_eq!(evaluate(&compiled, program, &world).0, []);
    world.numbers[Number::Gid as usize] = 8;
    world.numbers[Number::Relation as usize] = 3;
    assert_eq!(evaluate(&compiled, program, &world).0.len(), 19);
}

#[test]
fn no_test_is_decided_by_one_before_it() {
    let cap = |bit: u32| Condition::Number(Number::Caps, NumberTest::AnyBit(1 << (bit % 40)));
    let rules = (0..200).map(|index| {
        let other = Condition::Not(Box::new(cap(index + 3)));
        if index % 2 == 0 {
            Condition::And(vec![cap(index), other])
        } else {
            Condition::Or(vec![cap(index), other])
        }
    });
    let compiled = at_open(&opens(rules.collect()));
    machine::check_tests(&compiled.hooks[0].instructions);
}

#[test]
fn two_hundred_rules_of_one_hook_compile_at_once() {
    let mut rules = many(150);
    for index in 0..50 {
        let texts = [
            TextTest::EndsWith(format!(".{index}").into_bytes()),
            TextTest::StartsWith(format!("/srv/{index}/").into_bytes()),
        ];
        rules.push(open(path_test(TextTest::And(texts.into()))));
    }
    let start = Instant::now();
    let compiled = at_open(&rules);
    let took = start.elapsed();
    let program = &compiled.hooks[0];
    machine::check(&program.instructions);
    let object = path("/srv/17/x.17");
    assert_eq!(
        evaluate(&compiled, program, &World::new(Op::FileOpen, object)).0,
        [167]
    );
    // Debug builds take many times as long.
    let limit = Duration::from_secs(if cfg!(debug_assertions) { 30 } else { 1 });
    assert!(took < limit, "{took:?}");
}

#[test]
fn the_limit_of_rules_fits_and_one_more_is_rejected() {
    let rules = many(512);
    let compiled = at_open(&rules);
    let object = path("/usr/bin/program-511");
    let world = World::new(Op::FileOpen, object);
    assert_eq!(evaluate(&compiled, &compiled.hooks[0], &world).0, [511]);
    let error = compile(&many(513), &bits(), &[Hook::FileOpen]).unwrap_err();
    assert!(matches!(
        error,
        CompileError::TooManyRules {
            hook: Hook::FileOpen,
            rules: 513
        }
    ));
    assert!(error.to_string().contains("file_open"), "{error}");
}

#[test]
fn the_bytes_are_the_structure_that_the_kernel_part_walks() {
    let compiled = at_open(&opens(vec![
        path_is("/a"),
        path_test(TextTest::StartsWith(b"/proc/{pid}/".to_vec())),
    ]));
    let automaton = &compiled.hooks[0].object[0];
    assert!(!automaton.has_marks());
    let bytes = automaton.to_bytes();
    assert_eq!(bytes.len(), HEAD + 256 + (65_536 + 256) * 2 + 2048 * 32);
    assert_eq!(bytes.len(), Automaton::SIZE);
    for (text, row) in [
        (&b"P/a"[..], 1),
        (b"X/a", 1),
        (b"P/ab", 0),
        (b"P/proc/\0p/exe", 2),
        (b"P/proc/\0s/exe", 0),
        (b"M/a", 0),
        (b"-", 0),
    ] {
        assert_eq!(
            walk(&bytes, text),
            [row, 0, 0, 0],
            "{}",
            text.escape_ascii()
        );
        assert_eq!(automaton.run(text), [row, 0, 0, 0]);
    }
}

#[test]
fn the_bytes_have_marks_where_the_kernel_part_looks_for_them() {
    let mut conditions = vec![
        path_test(TextTest::Contains(b"needle".to_vec())),
        path_test(TextTest::EndsWith(b"needle".to_vec())),
        path_test(TextTest::StartsWith(b"/proc/{pid}".to_vec())),
    ];
    conditions.extend(haystack(100));
    let compiled = at_open(&opens(conditions));
    let [automaton] = &compiled.hooks[0].object[..] else {
        panic!("{} automata", compiled.hooks[0].object.len());
    };
    assert!(automaton.has_marks());
    let bytes = automaton.to_bytes();
    let rules = |text: &[u8]| {
        let row = walk(&bytes, text);
        assert_eq!(row, automaton.run(text));
        row.map(u64::count_ones).iter().sum::<u32>()
    };
    for (text, found) in [
        (&b"P/a/needle/b"[..], 1),
        (b"P/a/needle", 2),
        (b"P/proc/\0p/needles", 2),
        (b"P/proc/\0s/needles", 1),
        (b"P/.hay7-/.hay8-/needle", 4),
        (b"P/a/needl/e", 0),
        (b"M/needle", 2),
        (b"-needle", 0),
    ] {
        assert_eq!(rules(text), found, "{}", text.escape_ascii());
    }
}

/// Bytes before the classes.
const HEAD: usize = 16;

/// Runs an automaton over a text as the kernel part does, which checks for sinks from time to time.
fn walk(bytes: &[u8], text: &[u8]) -> [u64; 4] {
    let word = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let (mut state, marking, sinks) = (word(0), word(4), word(8));
    assert_ne!(sinks, 0, "what is dead is a sink");
    let entry = |state: usize| {
        let at = HEAD + 256 + 2 * state;
        usize::from(u16::from_ne_bytes([bytes[at], bytes[at + 1]]))
    };
    let mut found = [0; 4];
    let mut add = |row: usize| {
        for (word, found) in found.iter_mut().enumerate() {
            let at = HEAD + 256 + (65_536 + 256) * 2 + 32 * row + 8 * word;
            *found |= u64::from_ne_bytes(bytes[at..at + 8].try_into().unwrap());
        }
    };
    for byte in text {
        let class = usize::from(bytes[HEAD + usize::from(*byte)]);
        assert_ne!(class, 0);
        let before = state;
        state = entry(before + class);
        assert!(state < 65_536);
        assert!(before >= sinks || state == before, "{before} is no sink");
        if marking != 0 && state >= marking {
            add(entry(state) + 1);
        }
    }
    add(entry(state));
    found
}

/// Conditions that search for different texts.
fn haystack(count: usize) -> impl Iterator<Item = Condition> {
    let text = |index: usize| format!("/.hay{index}-").into_bytes();
    (0..count).map(move |index| path_test(TextTest::Contains(text(index))))
}

#[test]
fn a_search_in_each_of_the_most_rules_fits() {
    for (count, automata) in [(200, 1), (512, 2)] {
        let compiled = at_open(&opens(haystack(count).collect()));
        let program = &compiled.hooks[0];
        assert_eq!(program.object.len(), automata, "{count} rules");
        let text = format!("/x/.hay7-/.hay{0}-x/.hay{0}", count - 1);
        let world = World::new(Op::FileOpen, path(&text));
        assert_eq!(evaluate(&compiled, program, &world).0, [7, count - 1]);
        assert_eq!(
            evaluate(
                &compiled,
                program,
                &World::new(Op::FileOpen, path("/.hay7"))
            )
            .0,
            []
        );
    }
}

#[test]
fn a_test_that_contradicts_itself_among_many_never_applies() {
    let contains = TextTest::Contains(b"a".to_vec());
    let never = vec![contains.clone(), TextTest::Not(Box::new(contains))];
    let mut conditions: Vec<Condition> = haystack(100).collect();
    conditions.push(path_test(TextTest::And(never)));
    let worlds = [World::new(Op::FileOpen, path("/a/.hay5-"))];
    compare(&opens(conditions), Hook::FileOpen, &worlds).unwrap();
}

#[test]
fn few_searches_are_found_without_marks() {
    let compiled = at_open(&opens(haystack(3).collect()));
    assert!(!compiled.hooks[0].object[0].has_marks());
}

#[test]
fn one_executable_of_the_chain_passes_all_of_a_test_among_many() {
    let both = TextTest::And(vec![
        TextTest::Contains(b"python".to_vec()),
        TextTest::EndsWith(b"-tool".to_vec()),
    ]);
    let mut conditions = vec![
        Condition::Text(Text::Chain, both.clone()),
        Condition::Text(Text::Executable, both),
    ];
    conditions.extend((0..100).map(|index| {
        let text = format!("/.hay{index}-").into_bytes();
        Condition::Text(Text::Chain, TextTest::Contains(text))
    }));
    let compiled = at_open(&opens(conditions));
    assert!(compiled.chain.iter().any(Automaton::has_marks));
    for (chain, expected) in [
        (&["/bin/python-tool", "/.hay9-/sh"][..], &[0, 1, 11][..]),
        (&["/bin/sh", "/bin/python-tool"], &[0]),
        (&["/bin/python", "/bin/x-tool"], &[]),
        (&["/.hay3-/a", "/.hay4-/b"], &[5, 6]),
        (&[], &[]),
    ] {
        let mut world = World::new(Op::FileOpen, path("/x"));
        world.chain = chain.iter().map(|text| path(text)).collect();
        assert_eq!(evaluate(&compiled, &compiled.hooks[0], &world).0, expected);
    }
}

#[test]
fn tests_that_do_not_fit_one_automaton_are_spread() {
    // Each further search doubles the states.
    let searches = |count: usize| {
        let searches =
            (0..count).map(|index| path_test(TextTest::Matches(format!("x{index}y.*z{index}w"))));
        opens(searches.collect())
    };
    let compiled = at_open(&searches(14));
    let program = &compiled.hooks[0];
    assert!(program.object.len() > 1);
    let object = path("/x3y/z3w/x12y/z12w/x5y");
    assert_eq!(
        evaluate(&compiled, program, &World::new(Op::FileOpen, object)).0,
        [3, 12]
    );
    let error = compile(&searches(60), &bits(), &[Hook::FileOpen]).unwrap_err();
    assert!(
        matches!(error, CompileError::TestsTooLarge { .. }),
        "{error}"
    );
}

#[test]
fn a_list_that_is_too_long_for_one_automaton_is_spread() {
    let list = |from: u64, count: u64| {
        let texts = (from..from + count).map(|index| {
            // Names with few common parts.
            let name = index.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            format!("/opt/{name:016x}").into_bytes()
        });
        texts.collect::<BTreeSet<_>>()
    };
    let texts = list(0, 300);
    let greatest = texts.last().unwrap().clone();
    let compiled = at_open(&opens(vec![
        path_test(TextTest::In(texts)),
        Condition::Not(Box::new(path_test(TextTest::In(list(1000, 5))))),
    ]));
    let program = &compiled.hooks[0];
    assert!(program.object.len() > 1);
    let object = Object::Path(Path::new(greatest).unwrap());
    assert_eq!(
        evaluate(&compiled, program, &World::new(Op::FileOpen, object)).0,
        [0, 1]
    );
    let world = World::new(Op::FileOpen, path("/opt/0"));
    assert_eq!(evaluate(&compiled, program, &world).0, [1]);
}

#[test]
fn a_test_that_fits_no_automaton_is_named() {
    let rules = [
        open(path_is("/a")),
        rule(
            "greedy",
            &[Op::FileOpen],
            path_test(TextTest::Matches("a.{20}b".to_owned())),
            Actions::AUDIT,
        ),
    ];
    let error = compile(&rules, &bits(), &[Hook::FileOpen]).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, CompileError::TestTooLarge { .. }), "{text}");
    assert!(
        text.contains("greedy") && text.contains("a.{20}b"),
        "{text}"
    );
}

#[test]
fn a_wrong_expression_is_named() {
    let rules = [
        open(path_is("/a")),
        open(path_test(TextTest::Matches("(".to_owned()))),
    ];
    let error = compile(&rules, &bits(), &[Hook::FileOpen]).unwrap_err();
    assert!(matches!(&error, CompileError::Expression { test, .. } if test == "matches(\"(\")"));
}

#[test]
fn hooks_have_programs_if_rules_can_match() {
    let on = [Op::FileOpen, Op::FileCreate, Op::ExecDigest, Op::NetBind];
    let bound = Condition::Number(Number::Op, NumberTest::In([0x0302].into()));
    let rules = [
        rule(
            "a",
            &on,
            Condition::Const(true),
            Actions::DENY.with(Actions::TAINT),
        ),
        rule("b", &on, bound, Actions::AUDIT),
    ];
    let compiled = compile(&rules, &bits(), Hook::ALL).unwrap();
    let hooks: Vec<Hook> = compiled.hooks.iter().map(|program| program.hook).collect();
    let expected = [
        Hook::FileOpen,
        Hook::PathMknod,
        Hook::PathLink,
        Hook::SocketBind,
        Hook::SctpBindConnect,
        Hook::InodeCreate,
    ];
    assert_eq!(hooks, expected);
    // A rule that never matches at a hook takes no bit there.
    assert_eq!(compiled.hooks[0].rules, [0]);
    assert_eq!(compiled.hooks[1].rules, [0, 1]);
    assert_eq!(sources(&rules).into_iter().collect::<Vec<_>>(), ["rule:a"]);
}

#[test]
fn tested_trust_sources_are_listed() {
    let when = Condition::And(vec![
        Condition::Trust(Some("operator".to_owned())),
        Condition::Not(Box::new(Condition::Cause("rule:b".to_owned()))),
    ]);
    let listed: Vec<String> = sources(&[open(when)]).into_iter().collect();
    assert_eq!(listed, ["operator", "rule:b"]);
}

#[test]
fn a_long_program_has_no_jump_that_is_too_far() {
    let rules = (0..400_u64).map(|index| {
        let values = (0..150).map(|value| value * 1_000_003 + index).collect();
        Condition::Number(Number::Arg, NumberTest::In(values))
    });
    let rules: Vec<Rule> = opens(rules.collect())
        .into_iter()
        .map(|rule| Rule {
            on: vec![Op::FileCreate, Op::NetBind],
            ..rule
        })
        .collect();
    let compiled = compile(&rules, &bits(), &[Hook::PathMknod]).unwrap();
    let program = &compiled.hooks[0];
    assert!(program.instructions.len() > 70_000);
    machine::check(&program.instructions);
    let mut world = World::new(Op::NetBind, path("/x"));
    world.numbers[Number::Arg as usize] = 100 * 1_000_003 + 399;
    assert_eq!(evaluate(&compiled, program, &world).0, [399]);
    world.op = Op::FileMknod;
    assert_eq!(evaluate(&compiled, program, &world).0, []);
}

#[test]
fn the_listing_names_the_rules() {
    let when = Condition::And(vec![
        path_is("/bin/sh"),
        Condition::Not(Box::new(number_is(Number::Uid, 0))),
    ]);
    let rules = [rule("no-shell", &[Op::FileOpen], when, Actions::DENY)];
    let compiled = at_open(&rules);
    let mut expected = String::new();
    for line in [
        "    0: if r1 != 0 goto +2",
        "    1: r0 = 0",
        "    2: exit",
        "    3: r6 = r1",
        "    4: *(u64 *)(r6 + 1096) = 0",
        "    5: *(u64 *)(r6 + 1104) = 0",
        "    6: *(u64 *)(r6 + 1112) = 0",
        "    7: *(u64 *)(r6 + 1120) = 0",
        "    8: *(u64 *)(r6 + 1128) = 0",
        "    9: *(u64 *)(r6 + 1136) = 0",
        "   10: *(u64 *)(r6 + 1144) = 0",
        "   11: *(u64 *)(r6 + 1152) = 0",
        "   12: r7 = *(u64 *)(r6 + 1096)",
        "   13: r9 = *(u64 *)(r6 + 1096)",
        "   14: w8 = *(u32 *)(r6 + 200)",
        "   15: if w8 & 0x1 goto +1",
        "   16: goto +6",
        "; rule no-shell",
        "   17: r1 = *(u64 *)(r6 + 88)",
        "   18: if r1 == 0 goto +4",
        "   19: r7 |= 0x2",
        "   20: w1 = *(u32 *)(r6 + 1096)",
        "   21: w1 |= 0x1",
        "   22: *(u32 *)(r6 + 1096) = w1",
        "; what the rules do",
        "   23: r0 = r7",
        "   24: r0 &= 0xff",
        "   25: exit",
    ] {
        writeln!(expected, "{line}").unwrap();
    }
    assert_eq!(compiled.hooks[0].listing(), expected);
}
