// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `docs/events.schema.json` describes what is serialised, exactly: no field is missing from it and none is superfluous.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use ambit_abi::{self as abi, EventKind, Fp, Hook, Mode, Op, Reason, Response, RuleEvent};
use ambit_event::{
    ChangeKind, ChangedProcess, Event, FirstCause, Fork, Loss, Object, Path, RawEvent, Record,
    Registry, RingRecord, RuleHit, RuleName, RuleOutcome, RuleRecord, Secret, Subject, TrustChange,
    Violation,
};
use serde_json::{Value, json};
use zerocopy::{FromZeros, IntoBytes};

fn schema() -> Value {
    serde_json::from_str(include_str!("../../../docs/events.schema.json")).unwrap()
}

/// Validates a value, with the keywords that the schema uses. Returns what is wrong.
fn validate(root: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let known = [
        "$ref",
        "$schema",
        "$defs",
        "title",
        "description",
        "type",
        "enum",
        "pattern",
        "minimum",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "anyOf",
        "oneOf",
    ];
    for keyword in schema.as_object().unwrap().keys() {
        assert!(
            known.contains(&keyword.as_str()),
            "{keyword} is not implemented here"
        );
    }
    if let Some(name) = schema["$ref"].as_str() {
        let target = root.pointer(name.strip_prefix('#').unwrap()).unwrap();
        validate(root, target, value, at)?;
    }
    if let Some(values) = schema["enum"].as_array()
        && !values.contains(value)
    {
        return Err(format!("{at}: {value} is not one of the names"));
    }
    check_type(schema, value, at)?;
    for (word, at_most) in [("anyOf", usize::MAX), ("oneOf", 1)] {
        if let Some(schemas) = schema[word].as_array() {
            let results: Vec<_> = schemas
                .iter()
                .map(|one| validate(root, one, value, at))
                .collect();
            let fits = results.iter().filter(|result| result.is_ok()).count();
            if fits == 0 || fits > at_most {
                return Err(format!("{at}: fits {fits} of {word}: {results:?}"));
            }
        }
    }
    if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
        for (index, value) in values.iter().enumerate() {
            validate(root, items, value, &format!("{at}[{index}]"))?;
        }
    }
    let (Some(fields), Some(value)) = (schema["properties"].as_object(), value.as_object()) else {
        return Ok(());
    };
    assert_eq!(schema["additionalProperties"], json!(false), "{at}");
    for name in schema["required"].as_array().unwrap() {
        let name = name.as_str().unwrap();
        if !value.contains_key(name) {
            return Err(format!("{at}: `{name}` is missing"));
        }
    }
    for (name, value) in value {
        let field = fields
            .get(name)
            .ok_or_else(|| format!("{at}: `{name}` is not described"))?;
        validate(root, field, value, &format!("{at}.{name}"))?;
    }
    Ok(())
}

fn check_type(schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let types = match &schema["type"] {
        Value::Null => return Ok(()),
        Value::Array(types) => types.clone(),
        one => vec![one.clone()],
    };
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if !types.contains(&json!(found)) {
        return Err(format!("{at}: {found} instead of {types:?}"));
    }
    if value.is_number() && value.as_u64().is_none() {
        return Err(format!("{at}: {value} is not a natural number"));
    }
    let fits = match (schema["pattern"].as_str(), value.as_str()) {
        (Some("^([0-9a-f]{2})*$"), Some(text)) => text.len() % 2 == 0 && is_hex(text),
        (Some("^[0-9a-f]{32}$"), Some(text)) => text.len() == 32 && is_hex(text),
        (Some("^v[1-9][0-9]*$"), Some(text)) => text
            .strip_prefix('v')
            .is_some_and(|number| number.parse::<u64>().is_ok_and(|number| number > 0)),
        (Some(utc), Some(text)) if utc.ends_with("\\.[0-9]{3}Z$") => {
            let shape: String = text
                .chars()
                .map(|c| if c.is_ascii_digit() { '0' } else { c })
                .collect();
            shape == "0000-00-00T00:00:00.000Z"
        }
        (Some(pattern), Some(_)) => panic!("the pattern {pattern} is not implemented here"),
        _ => true,
    };
    if fits {
        Ok(())
    } else {
        Err(format!("{at}: {value} has another form"))
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn assert_valid(record: &Record, name: &str) {
    let root = schema();
    let value = serde_json::to_value(record).unwrap();
    validate(&root, &root, &value, "event").unwrap();
    validate(&root, &root["$defs"][name], &value, name).unwrap();
    // Every field is needed, except where the schema says otherwise.
    for field in value.as_object().unwrap().keys() {
        let mut less = value.clone();
        less.as_object_mut().unwrap().remove(field);
        let optional = name == "point" && field == "by";
        let result = validate(&root, &root["$defs"][name], &less, name);
        assert_eq!(result.is_ok(), optional, "{name} without {field}");
    }
}

const UTC: &str = "2026-01-31T12:34:56.789Z";

fn subject() -> Subject {
    Subject {
        exe: Some(path("/bin/cat")),
        as_name: Some(b"dog"[..].into()),
        script: None,
        via: vec![path("/bin/sh")],
    }
}

fn path(text: &str) -> Object {
    Object::Path(Path::new(text.as_bytes()).unwrap())
}

fn event(kind: EventKind, reason: Reason, fp: Fp, object: &[u8]) -> Event {
    let raw = RawEvent {
        header: abi::Event {
            kind: kind.into(),
            hook: Hook::PathUnlink.into(),
            op: Op::FileUnlink.into(),
            mode: 3,
            response: Response::Deny.into(),
            reason: reason.into(),
            trust: 5,
            subject: fp,
            key: Fp { lo: 7, hi: 7 },
            object_len: u16::try_from(object.len()).unwrap(),
            count: 1,
            ..abi::Event::new_zeroed()
        },
        object,
    };
    RingRecord::new(raw).unwrap().event().unwrap().clone()
}

#[test]
fn operations_fit_the_schema_with_and_without_their_subject() {
    let bytes = path("/tmp/x").to_bytes();
    let secret = Secret::new([3; 16]);
    let mut registry = Registry::new(secret);
    let fp = registry.add_subject(&subject());
    let event = event(EventKind::Point, Reason::Outside, fp, &bytes);
    assert_valid(&Record::Point(Box::new(event.clone())), "point");
    let root = schema();
    let described = serde_json::to_value(event.described(&registry)).unwrap();
    assert_eq!(described["by"]["exe"], json!("/bin/cat"));
    validate(&root, &root, &described, "event").unwrap();
}

#[test]
fn violations_fit_the_schema() {
    let bytes = path("/tmp/x").to_bytes();
    let event = event(EventKind::Violation, Reason::Gate, Fp::ZERO, &bytes);
    let mut violation = Violation::new("v1".to_owned(), &event, Some(&subject()), UTC.to_owned());
    assert_valid(&Record::Violation(Box::new(violation.clone())), "violation");
    violation.cause = Some(FirstCause {
        source: "model".to_owned(),
        violation: Some("v1".to_owned()),
        pid: 4,
        time: UTC.to_owned(),
    });
    violation.by = None;
    violation.object = None;
    assert_valid(&Record::Violation(Box::new(violation)), "violation");
}

#[test]
fn rule_hits_fit_the_schema() {
    let bytes = path("/tmp/x").to_bytes();
    let header = RuleEvent {
        op: Op::FileUnlink.into(),
        hook: Hook::PathUnlink.into(),
        outcome: abi::RULE_DENY,
        object_len: u16::try_from(bytes.len()).unwrap(),
        port: 80,
        domain: 2,
        ..RuleEvent::new_zeroed()
    };
    let record = [header.as_bytes(), &bytes, b"padding"].concat();
    let record = RuleRecord::parse(&record).unwrap();
    for rule in [
        None,
        Some(RuleName {
            id: "r".to_owned(),
            severity: "high",
            attack: vec!["T1059".to_owned()],
        }),
    ] {
        let hit = RuleHit::new(
            &record,
            rule,
            vec!["audit", "deny"],
            vec!["model".to_owned()],
            UTC.to_owned(),
        );
        assert_eq!(hit.operation, "file.unlink /tmp/x");
        assert_valid(&Record::RuleHit(Box::new(hit)), "rule_hit");
    }
}

#[test]
fn changes_of_trust_forks_and_losses_fit_the_schema() {
    let change = TrustChange {
        time: UTC.to_owned(),
        kind: ChangeKind::Set,
        processes: vec![ChangedProcess {
            pid: 1,
            comm: "sh".to_owned(),
            trust: vec!["tap".to_owned()],
        }],
        domain: None,
        sources: vec!["operator".to_owned()],
        seconds: Some(60),
        reason: Some("test".to_owned()),
        uid: 0,
        sudo_user: None,
        failed: None,
    };
    assert_valid(&Record::TrustChange(Box::new(change)), "trust_change");
    let fork = Fork {
        parent: 1,
        child: 2,
        time_ns: 3,
    };
    assert_valid(&Record::Fork(fork), "fork");
    let loss = Loss {
        hook: "file_open".to_owned(),
        lost: 3,
    };
    assert_valid(&Record::Loss(loss), "loss");
}

#[test]
fn the_schema_has_every_name_and_no_other() {
    fn names<T: serde::Serialize>(all: &[T]) -> Value {
        serde_json::to_value(all).unwrap()
    }
    let defs = schema()["$defs"].clone();
    assert_eq!(defs["hook"]["enum"], names(Hook::ALL));
    assert_eq!(defs["op"]["enum"], names(Op::ALL));
    assert_eq!(defs["mode"]["enum"], names(Mode::ALL));
    assert_eq!(defs["response"]["enum"], names(Response::ALL));
    assert_eq!(defs["reason"]["enum"], names(Reason::ALL));
    let kinds: Vec<_> = EventKind::ALL
        .iter()
        .filter(|kind| **kind != EventKind::Fork)
        .collect();
    assert_eq!(defs["point"]["properties"]["kind"]["enum"], names(&kinds));
    assert_eq!(
        defs["rule_hit"]["properties"]["outcome"]["enum"],
        names(&RuleOutcome::ALL)
    );
    assert_eq!(
        defs["trust_change"]["properties"]["verb"]["enum"],
        names(&[ChangeKind::Set, ChangeKind::Clear])
    );
}
