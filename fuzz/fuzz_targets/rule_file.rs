// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Rule files are read or rejected; rules that were read can be evaluated on any event.
#![no_main]

use ambit_event::escape;
use ambit_policy::facts::Facts;
use ambit_policy::file::{check_set, read};
use ambit_policy::interpret::decide;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    match read("fuzz.yaml", bytes) {
        Ok(rules) => {
            let _ = check_set(&rules);
            decide(&rules, &Facts::default());
        }
        Err(errors) => {
            let shown = errors.to_string();
            assert!(
                shown
                    .lines()
                    .all(|line| !line.chars().any(escape::is_hidden))
            );
        }
    }
});
