// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Map files are read or rejected; a map that was read prints as itself.
#![no_main]

use ambit_event::escape;
use ambit_model::Map;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    match Map::parse_bytes(bytes, "fuzz.map") {
        Ok(map) => {
            let text = map.to_string();
            let again = Map::parse(&text, "printed").expect("a printed map is a map");
            assert_eq!(again, map);
            assert_eq!(again.to_string(), text);
            assert_eq!(map.merge(&map).expect("a map merges with itself"), map);
        }
        Err(errors) => {
            let shown = errors.to_string();
            assert!(shown.lines().all(|line| !line.chars().any(escape::is_hidden)));
        }
    }
});
