// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A map asked about everything that was recorded: what it would not allow, and what of it was used. Each point is asked
//! for once, so that the length of a recording costs time only.

use std::collections::HashMap;
use std::io;

use ambit_abi::{self as abi, Coverage, Family, Op, Response};
use ambit_event::{Content, EventKind, Object, Operation, Reason, Subject, trust_names};
use ambit_model::{Entry, FAMILIES, Map, Matcher, Responses, RuleObject, Violation};
use ambit_recording::{EventAt, Point, Reader};

/// Different operations outside the map that are kept; the rest is counted.
const KEPT: usize = 10_000;

/// An operation that the map would not allow.
#[derive(Debug)]
pub(crate) struct Outside {
    /// As the map would have it: its reason, its response, how often it was done.
    pub(crate) violation: Violation,
    /// What was done about it when it was recorded.
    pub(crate) then: Response,
    pub(crate) times: u64,
}

/// What tells operations outside the map apart.
type Sameness = (Option<Subject>, Operation, Content, bool);

/// A map that is being asked.
pub(crate) struct Backtest<'m> {
    matcher: Matcher<'m>,
    pub(crate) outside: Vec<Outside>,
    index: HashMap<Sameness, usize>,
    /// How often something was outside, each time counted.
    pub(crate) times: u64,
    /// Different ones that there was no room for.
    pub(crate) dropped: u64,
    /// The part of the map that was used.
    pub(crate) used: Map,
    /// By point of the recording.
    known: Vec<Known>,
}

/// What is known of a point of the recording: by its number there, and the same where the task is kept from it.
#[derive(Clone, Copy, Default)]
struct Known {
    open: Verdict,
    gated: Verdict,
}

#[derive(Clone, Copy, Default)]
enum Verdict {
    #[default]
    NotAsked,
    Allowed,
    Outside(usize),
    /// Outside, and not kept.
    Dropped,
}

/// What a table says of a family; those that maps do not know are refused.
fn of_family(table: Responses, family: Option<Family>) -> Response {
    FAMILIES
        .iter()
        .zip(table)
        .find(|(known, _)| Some(**known) == family)
        .map_or(Response::Deny, |(_, response)| response)
}

impl<'m> Backtest<'m> {
    /// Of a map, on a host with these ephemeral ports.
    pub(crate) fn new(map: &'m Map, (first, last): (u16, u16)) -> Self {
        let mut used = Map::new(map.domain.clone());
        (used.chain, used.coverage, used.incomplete) = (map.chain, map.coverage, map.incomplete);
        (used.outside, used.untrusted) = (map.outside, map.untrusted);
        used.untrusted_by.clone_from(&map.untrusted_by);
        Self {
            matcher: Matcher::new(map, first..=last),
            outside: Vec::new(),
            index: HashMap::new(),
            times: 0,
            dropped: 0,
            used,
            known: Vec::new(),
        }
    }

    pub(super) fn map(&self) -> &'m Map {
        self.matcher.map()
    }

    pub(super) fn coverage(&self) -> Coverage {
        self.matcher.map().coverage
    }

    /// Different operations outside the map, kept or not.
    pub(crate) fn different(&self) -> u64 {
        u64::try_from(self.outside.len())
            .unwrap_or(u64::MAX)
            .saturating_add(self.dropped)
    }

    /// Numbers of points begin anew.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    /// Asks about an operation; true if it is outside.
    #[inline]
    pub(super) fn event<R: io::Read>(&mut self, reader: &Reader<R>, at: EventAt) -> bool {
        if at.point >= self.known.len() {
            self.known.resize(at.point + 1, Known::default());
        }
        let gate = self.gate(reader, at);
        let gated = gate != Response::Log;
        let known = self
            .known
            .get(at.point)
            .map(|known| if gated { known.gated } else { known.open });
        let verdict = match known {
            None | Some(Verdict::NotAsked) => {
                let verdict = self.ask(reader, at, gate);
                if let Some(known) = self.known.get_mut(at.point) {
                    if gated {
                        known.gated = verdict;
                    } else {
                        known.open = verdict;
                    }
                }
                verdict
            }
            Some(verdict) => verdict,
        };
        match verdict {
            Verdict::Outside(index) => {
                self.times += 1;
                if let Some(outside) = self.outside.get_mut(index) {
                    outside.times += 1;
                }
                true
            }
            Verdict::Dropped => {
                self.times += 1;
                true
            }
            Verdict::Allowed | Verdict::NotAsked => false,
        }
    }

    /// What the map does about a task that was as untrusted, for being so. What bits of rules and taps are called is not
    /// recorded: these are as any other.
    fn gate<R: io::Read>(&self, reader: &Reader<R>, at: EventAt) -> Response {
        // What the model of the time thought of a task is not what this map would think.
        let trust =
            reader.shape(at.shape).map_or(0, |shape| shape.trust) & !(1 << abi::TRUST_MODEL);
        if trust == 0 {
            return Response::Log;
        }
        let family = reader
            .point(at.point)
            .and_then(|point| point.operation.op.family());
        (0..u32::BITS)
            .filter(|bit| trust >> bit & 1 == 1)
            .map(|bit| {
                let source = trust_names(1 << bit);
                let name = source.first().filter(|_| bit < abi::TRUST_NAMED);
                of_family(self.map().gate(name.map(String::as_str)), family)
            })
            .max()
            .unwrap_or(Response::Log)
    }

    fn ask<R: io::Read>(&mut self, reader: &Reader<R>, at: EventAt, gate: Response) -> Verdict {
        let Some((point, (mut event, _), shape)) = reader
            .point(at.point)
            .zip(reader.event(at))
            .zip(reader.shape(at.shape))
            .map(|((point, event), shape)| (point, event, shape))
        else {
            return Verdict::Dropped;
        };
        let Some(operation) = self.matcher.map().asks(point.operation) else {
            return Verdict::Allowed;
        };
        let gated = gate != Response::Log;
        if !gated
            && self
                .matcher
                .would_allow(point.subject.as_ref(), operation, &point.content)
        {
            self.use_lines(point, operation);
            return Verdict::Allowed;
        }
        let sameness = (
            point.subject.clone(),
            operation,
            point.content.clone(),
            gated,
        );
        if let Some(index) = self.index.get(&sameness) {
            return Verdict::Outside(*index);
        }
        if self.outside.len() >= KEPT {
            self.dropped += 1;
            return Verdict::Dropped;
        }
        let unrepresentable = matches!(point.content, Content::Unrepresentable(_));
        event.operation = operation;
        event.reason = match operation.op {
            _ if gated => Reason::Gate,
            _ if unrepresentable => shape.reason,
            Op::ExecDigest => Reason::Digest,
            Op::ExecCreds => Reason::Creds,
            _ => Reason::Outside,
        };
        event.kind = if unrepresentable {
            EventKind::Unrepresentable
        } else {
            EventKind::Violation
        };
        event.response = if gated {
            gate
        } else {
            of_family(self.matcher.map().outside, operation.op.family())
        };
        let index = self.outside.len();
        self.outside.push(Outside {
            violation: Violation {
                event,
                subject: point.subject.clone(),
            },
            then: shape.response,
            times: 0,
        });
        self.index.insert(sameness, index);
        Verdict::Outside(index)
    }

    /// Notes the lines of the map that allow a point, all of them.
    fn use_lines(&mut self, point: &Point, operation: Operation) {
        let Content::Object(object) = &point.content else {
            return;
        };
        let map = self.matcher.map();
        if let Object::Digest { sha256, of } = object {
            let of = Some(&**of);
            for (subject, entry) in &map.subjects {
                let own = subject.exe.as_ref() == of && entry.digests.contains(sha256);
                let script = subject.script.as_ref() == of && entry.script_digests.contains(sha256);
                if own || script {
                    let used = used_entry(&mut self.used, subject, entry);
                    used.digests.extend(own.then_some(*sha256));
                    used.script_digests.extend(script.then_some(*sha256));
                }
            }
            return;
        }
        let Some(subject) = &point.subject else {
            return;
        };
        let rules = self.matcher.rules(subject, operation, object);
        if subject.is_launcher() {
            let start: Vec<RuleObject> = rules.map(|rule| rule.object().clone()).collect();
            self.used.start.extend(start);
            return;
        }
        let Some(entry) = map.subjects.get(subject) else {
            return;
        };
        let used = used_entry(&mut self.used, subject, entry);
        if let Object::Creds(creds) = object {
            used.creds.extend(entry.creds.get(creds).copied());
        }
        used.allow.extend(rules.cloned());
    }
}

fn used_entry<'u>(used: &'u mut Map, subject: &Subject, entry: &Entry) -> &'u mut Entry {
    used.subjects
        .entry(subject.clone())
        .or_insert_with(|| Entry {
            id: entry.id.clone(),
            ..Entry::default()
        })
}
