// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Rules: each prints as one text, and errors lie within the text.
#![no_main]

use ambit_event::escape;
use ambit_model::Rule;

libfuzzer_sys::fuzz_target!(|text: &str| {
    match Rule::parse(text) {
        Ok(rule) => {
            let canonical = rule.to_string();
            assert!(!canonical.chars().any(escape::is_hidden));
            assert_eq!(Rule::parse(&canonical).as_ref(), Ok(&rule));
        }
        Err(error) => assert!(error.span.start <= error.span.end && error.span.end <= text.len()),
    }
});
