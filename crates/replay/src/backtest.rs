// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A map evaluated over recorded operations: the operations outside the map, and the lines of the map that were used.
//! Each point is evaluated once per dictionary of the recording and its answer kept, so memory does not grow with the
//! length of a recording.

use std::collections::HashMap;
use std::io;

use ambit_abi::{self as abi, Coverage, Family, Op, Response};
use ambit_event::{Content, EventKind, Object, Operation, Reason, Subject, trust_names};
use ambit_model::{Entry, Explanation, FAMILIES, Map, Matcher, Responses, RuleObject, Violation};
use ambit_recording::{EventAt, Point, Reader};

/// Most different operations outside the map that are kept. Others are only counted.
const OUTSIDE_MAX: usize = 10_000;

/// An operation that the map would not allow.
#[derive(Debug)]
pub struct OutsideOperation {
    /// The violation that the map would report, with its reason and response.
    pub violation: Violation,
    /// The response when it was recorded.
    pub recorded_response: Response,
    /// Number of occurrences.
    pub times: u64,
}

impl OutsideOperation {
    /// Explains why the map does not allow it, which change would, and how the responses then and now differ.
    pub fn explain(&self, map: &Map) -> Explanation {
        let mut violation = self.violation.clone();
        violation.event.count = u32::try_from(self.times).unwrap_or(u32::MAX);
        let mut explanation = map.explain(&violation);
        let then = match self.recorded_response {
            Response::Log => "allowed when it was recorded",
            _ => "refused when it was recorded",
        };
        let now = match violation.event.response {
            Response::Log => "the map would only log it",
            Response::Kill => "the map would refuse it and kill the process",
            _ => "the map would refuse it",
        };
        explanation.response = format!("{then}; {now}");
        explanation
    }
}

/// Violations with equal keys are counted as one. The last part is true for a refusal by the trust gate.
type ViolationKey = (Option<Subject>, Operation, Content, bool);

/// A map that is evaluated over recordings, and its results so far.
pub struct Backtest<'m> {
    matcher: Matcher<'m>,
    /// The different operations outside the map, in the order of their first occurrence.
    pub outside: Vec<OutsideOperation>,
    index: HashMap<ViolationKey, usize>,
    /// Number of occurrences of operations outside the map.
    pub times: u64,
    /// Number of occurrences that are in none of `outside`, which was full.
    pub dropped: u64,
    /// The part of the map that allowed something.
    pub used: Map,
    /// Answers by the recording's point number.
    known: Vec<PointVerdicts>,
}

/// The answers for a point: for trusted tasks, and for tasks that the trust gate keeps from it.
#[derive(Clone, Copy, Default)]
struct PointVerdicts {
    open: Verdict,
    gated: Verdict,
}

#[derive(Clone, Copy, Default)]
enum Verdict {
    #[default]
    Unknown,
    Allowed,
    /// Outside the map, with its index.
    Outside(usize),
    /// Outside the map, and not kept.
    Dropped,
}

/// The response of a table for a family. Families that maps do not know are refused.
fn response_for(table: Responses, family: Option<Family>) -> Response {
    FAMILIES
        .iter()
        .zip(table)
        .find(|(known, _)| Some(**known) == family)
        .map_or(Response::Deny, |(_, response)| response)
}

impl<'m> Backtest<'m> {
    /// Prepares a map for recordings of a host with these ephemeral ports.
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

    /// The map.
    pub fn map(&self) -> &'m Map {
        self.matcher.map()
    }

    pub(crate) fn coverage(&self) -> Coverage {
        self.matcher.map().coverage
    }

    /// Drops the answers that are kept by point number: the recording is about to reuse the numbers.
    pub(crate) fn forget(&mut self) {
        self.known.clear();
    }

    /// Evaluates an operation. Returns true if it is outside the map.
    #[inline]
    pub(crate) fn event<R: io::Read>(&mut self, reader: &Reader<R>, at: EventAt) -> bool {
        if at.point >= self.known.len() {
            self.known.resize(at.point + 1, PointVerdicts::default());
        }
        let gate = self.gate(reader, at);
        let gated = gate != Response::Log;
        let known = self
            .known
            .get(at.point)
            .map(|known| if gated { known.gated } else { known.open });
        let verdict = match known {
            None | Some(Verdict::Unknown) => {
                let verdict = self.evaluate(reader, at, gate);
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
                self.dropped += 1;
                true
            }
            Verdict::Allowed | Verdict::Unknown => false,
        }
    }

    /// Returns the map's response to an operation of a task with these trust bits, regardless of its lines; `Log` if it
    /// has none. Recordings do not have the names of the bits of rules and taps: for these the map's general response
    /// counts.
    fn gate<R: io::Read>(&self, reader: &Reader<R>, at: EventAt) -> Response {
        // The model's bit came from the map of that time, and this map may decide otherwise.
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
                response_for(self.map().gate(name.map(String::as_str)), family)
            })
            .max()
            .unwrap_or(Response::Log)
    }

    fn evaluate<R: io::Read>(
        &mut self,
        reader: &Reader<R>,
        at: EventAt,
        gate: Response,
    ) -> Verdict {
        let Some((point, (mut event, _), shape)) = reader
            .point(at.point)
            .zip(reader.event(at))
            .zip(reader.shape(at.shape))
            .map(|((point, event), shape)| (point, event, shape))
        else {
            return Verdict::Dropped;
        };
        let Some(operation) = self.matcher.map().decided(point.operation) else {
            return Verdict::Allowed;
        };
        let gated = gate != Response::Log;
        if !gated
            && self
                .matcher
                .would_allow(point.subject.as_ref(), operation, &point.content)
        {
            self.mark_used(point, operation);
            return Verdict::Allowed;
        }
        let key = (
            point.subject.clone(),
            operation,
            point.content.clone(),
            gated,
        );
        if let Some(index) = self.index.get(&key) {
            return Verdict::Outside(*index);
        }
        if self.outside.len() >= OUTSIDE_MAX {
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
            response_for(self.matcher.map().outside, operation.op.family())
        };
        let index = self.outside.len();
        self.outside.push(OutsideOperation {
            violation: Violation {
                event,
                subject: point.subject.clone(),
            },
            recorded_response: shape.response,
            times: 0,
        });
        self.index.insert(key, index);
        Verdict::Outside(index)
    }

    /// Adds all lines of the map that allow a point to `used`.
    fn mark_used(&mut self, point: &Point, operation: Operation) {
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
