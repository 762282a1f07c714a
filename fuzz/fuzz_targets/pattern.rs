// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Patterns: the automaton agrees with the plain matcher. The first line is a pattern, the rest a path.
#![no_main]

use ambit_event::{Object, Path};
use ambit_model::{Automaton, RuleObject, run};

libfuzzer_sys::fuzz_target!(|input: (&str, &[u8])| {
    let (text, path) = input;
    if text.len() > 40 {
        return;
    }
    let (Ok(RuleObject::Path(pattern)), Ok(path)) = (RuleObject::parse_path(text), Path::new(path)) else {
        return;
    };
    let Ok(automaton) = Automaton::build(&[pattern.regex()]) else { return };
    for object in [Object::Path(path.clone()), Object::Deleted(path)] {
        let class = run(automaton.bytes(), &object.to_bytes());
        assert_eq!(class != 0, pattern.matches(&object), "{pattern} {object:?}");
    }
});
