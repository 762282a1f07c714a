// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Random rules through all stages: read, checked, compiled and run, compared with the interpreter.

use ambit_event::{Hook, Inet, Object, Op};
use ambit_policy::compile::compile;
use ambit_policy::condition::{Number, Text};
use ambit_policy::facts::Facts;
use ambit_policy::file::read;
use ambit_policy::interpret::Prepared;
use ambit_rulegen::{Near, Random};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::world::{self, World};
use crate::{bits, evaluate, generate};

/// The event for the interpreter.
fn facts(world: &World) -> Facts {
    let mut facts = Facts::default();
    for field in ambit_policy::field::fields() {
        if let Some(number) = field.number() {
            facts.set_number(number, world.number(number));
        }
    }
    facts.set_number(Number::Op, world.number(Number::Op));
    facts.set_number(Number::Caps, world.number(Number::Caps));
    facts.set_number(Number::FileMode, world.number(Number::FileMode));
    facts.set_text(Text::ObjectPath, world::path(&world.object));
    facts.set_text(Text::ObjectName, world::name(&world.object));
    if let Object::Inet(Inet { address, .. }) = &world.object {
        facts.set_text(Text::ObjectAddress, address.to_string().into_bytes());
    }
    facts.set_chain(world.chain.iter().map(world::path).collect());
    facts.set_text(Text::Comm, world.comm.clone());
    facts.set_text(Text::Cgroup, world.cgroup.clone());
    facts.set_text(Text::Domain, world.domain.clone());
    for (source, bit) in bits() {
        if world.number(Number::Trust) >> bit & 1 == 1 {
            facts.distrust(&source);
        }
    }
    facts
}

/// Values as the kernel part passes them: numbers within their ranges, and a cause if trust was lowered.
fn as_the_kernel_has_it(mut world: World) -> World {
    for (number, mask) in [
        (Number::Kind, 0xff),
        (Number::Unrepresentable, 1),
        (Number::Labelled, 1),
        (Number::Container, 1),
        (Number::NoNewPrivs, 1),
        (Number::ExeUnknown, 1),
        (Number::ForeignMounts, 1),
        (Number::FileMode, 0xffff),
        (Number::Port, 0xffff),
    ] {
        world.numbers[number as usize] &= mask;
    }
    world.numbers[Number::Kind as usize] = u64::from(world.object.to_bytes()[0]);
    let known = bits().into_values().fold(0, |all, bit| all | 1_u64 << bit);
    let trust = &mut world.numbers[Number::Trust as usize];
    *trust &= known;
    let trust = *trust;
    let first = bits().into_iter().find(|(_, bit)| trust >> bit & 1 == 1);
    world.numbers[Number::Cause as usize] = first.map_or(255, |(_, bit)| bit.into());
    world
}

const OPS: &[Op] = &[
    Op::Exec,
    Op::FileOpen,
    Op::FileCreate,
    Op::FileMknod,
    Op::FileRename,
    Op::FileChmod,
    Op::NetBind,
    Op::NetConnect,
    Op::NetSocket,
    Op::TaskSignal,
    Op::TaskSetuid,
];

/// The hooks that evaluate rules for it.
fn hook_of(op: Op) -> Hook {
    match op {
        Op::FileCreate => Hook::PathMknod,
        _ => *Hook::ALL
            .iter()
            .find(|hook| hook.ops().contains(&op))
            .unwrap(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn drawn_rules_do_what_the_interpreter_says(
        seed in any::<u64>(),
        worlds in vec(generate::world(OPS), 16),
    ) {
        let worlds: Vec<World> = worlds.into_iter().map(as_the_kernel_has_it).collect();
        let events: Vec<Facts> = worlds.iter().map(facts).collect();
        let near = Near::of(&events).with_sources(&["operator"]);
        let drawn = ambit_rulegen::rules(&mut Random::new(seed), &near, 12, &[]);
        let text = ambit_rulegen::file(&drawn);
        let mut rules = read("drawn", text.as_bytes()).unwrap();
        // The trust sources of these tests.
        for rule in &mut rules {
            rule.id = rule.id.replace("t0", "a").replace("t1", "b");
        }
        let prepared = Prepared::new(&rules);
        for (world, facts) in worlds.iter().zip(&events) {
            let hook = hook_of(world.op);
            let compiled = compile(&rules, &bits(), &[hook]).unwrap();
            let expected = prepared.decide(facts);
            let Some(program) = compiled.hooks.first() else {
                prop_assert!(expected.fired.is_empty(), "{world:?}\n{text}");
                continue;
            };
            let (found, does, _) = evaluate(&compiled, program, world);
            prop_assert_eq!(&found, &expected.fired, "{:?}\n{}", world, text);
            prop_assert_eq!(does & 0b10 != 0, expected.refused);
        }
    }

    #[test]
    fn some_drawn_rules_apply_and_some_do_not(
        seed in any::<u64>(),
        worlds in vec(generate::world(OPS), 16),
    ) {
        let events: Vec<Facts> = worlds.into_iter().map(as_the_kernel_has_it).map(|world| facts(&world)).collect();
        let near = Near::of(&events).with_sources(&["operator"]);
        let drawn = ambit_rulegen::rules(&mut Random::new(seed), &near, 40, &[]);
        prop_assert!(drawn.len() >= 36, "only {} rules are taken", drawn.len());
        let rules = read("drawn", ambit_rulegen::file(&drawn).as_bytes()).unwrap();
        let prepared = Prepared::new(&rules);
        let asked = events.iter().map(|facts| {
            let op = facts.number(Number::Op);
            rules.iter().filter(|rule| rule.on.iter().any(|on| u64::from(u16::from(*on)) == op)).count()
        });
        let asked: usize = asked.sum();
        let applied: usize = events.iter().map(|facts| prepared.decide(facts).fired.len()).sum();
        prop_assert!(applied * 8 > asked && applied * 8 < asked * 7, "{applied} of {asked}");
    }
}
