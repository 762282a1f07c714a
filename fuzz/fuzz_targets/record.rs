// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Ring records are decoded or rejected; decoded ones print escaped.
#![no_main]

use ambit_event::{Event, Object, Secret, escape};
use ambit_model::{Learner, Map};

libfuzzer_sys::fuzz_target!(|record: &[u8]| {
    if let Ok(event) = Event::parse(record) {
        let json = serde_json::to_string(&event).expect("an event is JSON");
        assert!(!json.chars().any(escape::is_hidden));
        let mut learner = Learner::new(Secret::new([0; 16]));
        learner.feed(event);
        let map = learner.finish(&Map::new("fuzz")).map;
        assert_eq!(Map::parse(&map.to_string(), "learned").expect("a learned map is a map"), map);
    }
    if let Ok(object) = Object::parse(record) {
        assert_eq!(object.to_bytes(), record);
    }
});
