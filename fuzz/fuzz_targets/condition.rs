// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Conditions: errors lie within the text, and the negation of an accepted condition is its negation.
#![no_main]

use ambit_event::Op;
use ambit_policy::check::condition;
use ambit_policy::condition::Number;
use ambit_policy::facts::Facts;
use ambit_policy::field::can_match;
use ambit_policy::interpret::holds;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let ops: Vec<Op> = Op::ALL.iter().copied().filter(|op| can_match(*op)).collect();
    match condition(text, &ops) {
        Ok(taken) => {
            // With a line break, because the text may end in a comment.
            let Ok(opposite) = condition(&format!("!({text}\n)"), &ops) else {
                return;
            };
            for op in ops {
                let mut facts = Facts::default();
                facts.set_number(Number::Op, u16::from(op).into());
                assert_ne!(holds(&taken, &facts), holds(&opposite, &facts), "{op}");
            }
        }
        Err(errors) => {
            for error in errors {
                assert!(error.span.start <= error.span.end && error.span.end <= text.len());
            }
        }
    }
});
