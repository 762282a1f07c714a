// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A map as JSON: the file's keys and texts, with `-` in keys written as `_`.

use std::collections::BTreeMap;

use ambit_abi::{Op, Response};
use ambit_event::text::{object_text, write_digest};
use ambit_event::{Object, Subject, escape};
use ambit_model::{Entry, FAMILIES, Map, OwnResponses, Responses};
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(super) struct View<'m> {
    ambit: u32,
    domain: &'m str,
    chain: u32,
    coverage: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    incomplete: Option<u64>,
    /// True if the map is unchanged since it was sealed; absent if it was never sealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    sealed: Option<bool>,
    respond: Respond<'m>,
    start: Vec<String>,
    subjects: Vec<SubjectView<'m>>,
}

#[derive(Debug, Serialize)]
struct Respond<'m> {
    outside: BTreeMap<&'static str, &'static str>,
    untrusted: BTreeMap<&'static str, &'static str>,
    /// Gates of single sources, for the sources that the map names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    untrusted_by: BTreeMap<&'m str, BTreeMap<&'static str, &'static str>>,
}

#[derive(Debug, Serialize)]
struct SubjectView<'m> {
    id: &'m str,
    exe: Option<String>,
    #[serde(rename = "as")]
    as_name: Option<String>,
    script: Option<String>,
    via: Vec<String>,
    digest: Vec<String>,
    script_digest: Vec<String>,
    creds: Vec<String>,
    allow: Vec<String>,
}

impl<'m> View<'m> {
    pub(super) fn of(map: &'m Map) -> Self {
        let start = map.start.iter().map(|object| {
            let mut text = String::new();
            object.write(Op::Exec, &mut text);
            text
        });
        Self {
            ambit: 1,
            domain: &map.domain,
            chain: map.chain,
            coverage: map.coverage.name(),
            incomplete: map.incomplete,
            sealed: map.sealed.map(|_| map.is_sealed()),
            respond: Respond {
                outside: responses(map.outside),
                untrusted: responses(map.untrusted),
                untrusted_by: map
                    .untrusted_by
                    .iter()
                    .map(|(source, own)| (&**source, own_responses(own)))
                    .collect(),
            },
            start: start.collect(),
            subjects: map
                .subjects
                .iter()
                .map(|(subject, entry)| view(subject, entry))
                .collect(),
        }
    }
}

fn view<'m>(subject: &Subject, entry: &'m Entry) -> SubjectView<'m> {
    let name = |object: &Object| object_text(Op::Name, object);
    let digest = |sha256: &[u8; 32]| {
        let mut text = String::new();
        write_digest(&mut text, sha256);
        text
    };
    let mut allow: Vec<String> = entry.allow.iter().map(ToString::to_string).collect();
    allow.sort_unstable();
    SubjectView {
        id: &entry.id,
        exe: subject.exe.as_ref().map(name),
        as_name: subject.as_name.as_deref().map(escape::name),
        script: subject.script.as_ref().map(name),
        via: subject.via.iter().map(name).collect(),
        digest: entry.digests.iter().map(digest).collect(),
        script_digest: entry.script_digests.iter().map(digest).collect(),
        creds: entry.creds.iter().map(ToString::to_string).collect(),
        allow,
    }
}

fn own_responses(own: &OwnResponses) -> BTreeMap<&'static str, &'static str> {
    let said = FAMILIES.iter().zip(own);
    said.filter_map(|(family, response)| Some((family.name(), (*response)?.name())))
        .collect()
}

fn responses(table: Responses) -> BTreeMap<&'static str, &'static str> {
    let named = |response: &Response| response.name();
    FAMILIES
        .iter()
        .map(|family| family.name())
        .zip(table.iter().map(named))
        .collect()
}
