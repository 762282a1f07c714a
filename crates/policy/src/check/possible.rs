// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Finds conditions that no event passes. In addition to [`super::relate`], which compares pairs of tests, it handles
//! three or more tests that contradict each other only together, regular expressions, and fields that depend on each
//! other. The search is bounded; at the bound, the answer is that some event may pass.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use ambit_event::Op;
use ambit_event::canonical::{Fault, acts_on_links};

use super::canonical::{Property, Shape, properties, shape};
use super::cases::{Case, NUMBERS, cases};
use super::parts::{all_hold, likely, may_be_in, number, pattern};
use super::relate::clash;
use super::text::not;
use crate::condition::{Condition, Number, NumberTest, Text, TextTest};
use crate::interpret::text_holds;
use crate::regex::{Regex, Walk};

/// Limit of choices between alternatives.
const CHOICES: usize = 1024;
/// Limit of steps of all automata together.
const STEPS: usize = 100_000;
/// How often the limits may be used up before the search stops.
const TIMES: usize = 8;

/// The search, for rules of these operations.
pub(crate) struct Possible {
    ops: NumberTest,
    cases: Arc<[Case]>,
    /// The object may be a link that is not followed.
    acts_on_links: bool,
    known: Known,
    regexes: HashMap<String, Option<Arc<Regex>>>,
    /// For each part, a text that passes it.
    samples: HashMap<(Text, TextTest), Option<Vec<u8>>>,
    choices: usize,
    steps: usize,
    /// The remaining choices and steps for further conditions.
    spare: (usize, usize),
}

/// Result of a search for a text.
#[derive(PartialEq, Eq)]
enum Walked {
    Text(Vec<u8>),
    Nowhere,
    Unknown,
}

/// The knowledge that a search uses. Less than all finds the reason why no event passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Known {
    /// Everything.
    #[default]
    All,
    /// At most one property of texts, and the fields that each kind of object has if the second is set.
    Only(Option<Property>, bool),
    /// Everything but one property.
    AllBut(Property),
}

/// Why no event passes a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// No text of a field has this property and passes.
    Property(Property),
    /// No object has such fields.
    Object,
    /// Other reasons, or several.
    Other,
}

impl Possible {
    pub(crate) fn new(ops: &[Op]) -> Self {
        let numbers = ops.iter().map(|op| u64::from(u16::from(*op))).collect();
        Self {
            ops: NumberTest::In(numbers),
            cases: cases(ops).into(),
            acts_on_links: ops.iter().any(|op| acts_on_links(*op)),
            known: Known::All,
            regexes: HashMap::new(),
            samples: HashMap::new(),
            choices: 0,
            steps: 0,
            spare: (TIMES * CHOICES, TIMES * STEPS),
        }
    }

    /// Continues with rules of other operations and the remaining bounds.
    pub(crate) fn again(&mut self, ops: &[Op]) {
        Self {
            ops: self.ops,
            cases: self.cases,
            acts_on_links: self.acts_on_links,
            samples: self.samples,
            ..
        } = Self::new(ops);
    }

    /// True if no event passes the condition.
    pub(crate) fn never(&mut self, condition: &Condition) -> bool {
        self.never_all(&[condition])
    }

    /// True if no event passes all conditions.
    pub(crate) fn never_all(&mut self, conditions: &[&Condition]) -> bool {
        self.bounded(|possible| !possible.some(conditions.to_vec(), Vec::new(), Vec::new()))
    }

    /// Returns why no event passes all of these conditions, which must be so.
    pub(crate) fn why(&mut self, conditions: &[&Condition]) -> Reason {
        let mut fields = BTreeSet::new();
        for condition in conditions {
            text_fields(condition, &mut fields);
        }
        let mut asked: Vec<Property> = Vec::new();
        for property in fields.into_iter().flat_map(|field| self.properties(field)) {
            if !asked.contains(&property) {
                asked.push(property);
            }
        }
        let alone = asked.iter().map(|property| (Some(*property), false));
        let with_object = asked.iter().map(|property| (Some(*property), true));
        let known = alone.chain([(None, true)]).chain(with_object);
        // Without any of this, the tests contradict each other.
        let plain = std::iter::once((None, false));
        let found = plain.chain(known).find(|(property, object)| {
            self.known = Known::Only(*property, *object);
            self.never_all(conditions)
        });
        // Several properties are the reason together: name one that is needed.
        let needed = asked.into_iter().find(|property| {
            self.known = Known::AllBut(*property);
            found.is_none() && !self.never_all(conditions) && self.steps > 0
        });
        self.known = Known::All;
        match (found, needed) {
            (Some((Some(property), _)), _) | (None, Some(property)) => Reason::Property(property),
            (Some((None, true)), _) => Reason::Object,
            _ => Reason::Other,
        }
    }

    fn bounded<T>(&mut self, ask: impl FnOnce(&mut Self) -> T) -> T {
        let (choices, steps) = (CHOICES.min(self.spare.0), STEPS.min(self.spare.1));
        (self.choices, self.steps) = (choices, steps);
        let answer = ask(self);
        self.spare.0 -= choices - self.choices;
        self.spare.1 -= steps - self.steps;
        answer
    }

    /// True if an event may pass all remaining conditions, one alternative of each of `any`, and the tests chosen so
    /// far.
    fn some<'c>(
        &mut self,
        mut left: Vec<&'c Condition>,
        mut any: Vec<&'c [Condition]>,
        mut chosen: Vec<&'c Condition>,
    ) -> bool {
        let Some(choices) = self.choices.checked_sub(1) else {
            return true;
        };
        self.choices = choices;
        while let Some(next) = left.pop() {
            match next {
                Condition::Const(true) => {}
                Condition::Const(false) => return false,
                Condition::And(items) => left.extend(items),
                Condition::Or(items) => any.push(items),
                test if chosen.iter().any(|other| clash(other, test)) => return false,
                test => chosen.push(test),
            }
        }
        match any.pop() {
            None => self.together(&chosen),
            Some(items) => {
                // Cheap tests first.
                let (soon, late): (Vec<_>, Vec<_>) =
                    items.iter().partition(|item| !has_regex(item));
                soon.into_iter()
                    .chain(late)
                    .any(|item| self.some(vec![item], any.clone(), chosen.clone()))
            }
        }
    }

    /// True if an event may pass all of these single tests.
    fn together(&mut self, chosen: &[&Condition]) -> bool {
        let mut numbers: BTreeMap<Number, Vec<(bool, NumberTest)>> = BTreeMap::new();
        let mut texts: BTreeMap<Text, Vec<TextTest>> = BTreeMap::new();
        // Tests that no executable of the chain passes.
        let mut unchained: Vec<TextTest> = Vec::new();
        let mut chained: Vec<&TextTest> = Vec::new();
        numbers
            .entry(Number::Op)
            .or_default()
            .push((true, self.ops.clone()));
        for one in chosen {
            match one {
                Condition::Number(number, test) => {
                    numbers
                        .entry(*number)
                        .or_default()
                        .push((true, test.clone()));
                }
                Condition::Text(Text::Chain, test) => chained.push(test),
                Condition::Text(field, test) => {
                    texts.entry(*field).or_default().push(test.clone());
                }
                Condition::Not(inner) => match inner.as_ref() {
                    Condition::Number(number, test) => {
                        numbers
                            .entry(*number)
                            .or_default()
                            .push((false, test.clone()));
                    }
                    Condition::Text(Text::Chain, test) => unchained.push(not(test.clone())),
                    _ => {}
                },
                _ => {}
            }
        }
        if self.is_there(&texts, Text::Domain) {
            let one = NumberTest::In(BTreeSet::from([1]));
            numbers
                .entry(Number::Labelled)
                .or_default()
                .push((true, one));
        }
        // Both are in the chain unless they are empty.
        for field in [Text::Executable, Text::Parent] {
            if self.is_there(&texts, field)
                && let Some(tests) = texts.get_mut(&field)
            {
                tests.extend(unchained.iter().cloned());
            }
        }
        numbers.values().all(|tests| number(tests))
            && texts.iter().all(|(field, tests)| self.text(*field, tests))
            && chained.into_iter().all(|test| {
                let mut of_one = unchained.clone();
                of_one.push(test.clone());
                self.text(Text::Chain, &of_one)
            })
            && self.some_object(&numbers, &texts)
    }

    /// True if an operation may have an object that passes.
    fn some_object(
        &mut self,
        numbers: &BTreeMap<Number, Vec<(bool, NumberTest)>>,
        texts: &BTreeMap<Text, Vec<TextTest>>,
    ) -> bool {
        if matches!(self.known, Known::Only(_, false)) {
            return true;
        }
        let of = |field| texts.get(&field).map_or(&[][..], Vec::as_slice);
        let [path, name, address] =
            [Text::ObjectPath, Text::ObjectName, Text::ObjectAddress].map(of);
        let cases = Arc::clone(&self.cases);
        cases.iter().any(|case| {
            let fits = |of: &Number| {
                let own = case.numbers.iter().filter(|(number, ..)| number == of);
                let own = own.map(|(_, is, test)| (*is, test.clone()));
                let all: Vec<_> = numbers
                    .get(of)
                    .into_iter()
                    .flatten()
                    .cloned()
                    .chain(own)
                    .collect();
                number(&all)
            };
            NUMBERS.iter().all(fits)
                && (case.is_named || self.passes(name, b""))
                && match case.address {
                    Some(kind) => may_be_in(kind, address),
                    None => self.passes(address, b""),
                }
                && match &case.path {
                    Some(start) => {
                        let mut all = path.to_vec();
                        all.push(start.clone());
                        path.is_empty() || self.text(Text::ObjectPath, &all)
                    }
                    None => self.passes(path, b""),
                }
        })
    }

    /// True if the empty text does not pass.
    fn is_there(&mut self, texts: &BTreeMap<Text, Vec<TextTest>>, field: Text) -> bool {
        let of_field = texts.get(&field);
        of_field.is_some_and(|tests| !self.passes(tests, b""))
    }

    fn passes(&mut self, tests: &[TextTest], text: &[u8]) -> bool {
        let mut patterns = Vec::new();
        for test in tests {
            test.parts(&mut patterns);
        }
        for part in patterns {
            if let TextTest::Matches(pattern) = part {
                self.regex(pattern);
            }
        }
        let matches = |pattern: &str, text: &[u8]| {
            let regex = self.regexes.get(pattern).and_then(Option::as_deref);
            regex.is_some_and(|regex| regex.is_match(text))
        };
        tests.iter().all(|test| text_holds(test, text, &matches))
    }

    /// True if a text may pass all of these.
    fn text(&mut self, field: Text, tests: &[TextTest]) -> bool {
        let mut flat: Vec<&TextTest> = tests.iter().collect();
        let mut all = Vec::new();
        while let Some(test) = flat.pop() {
            match test {
                TextTest::And(items) => flat.extend(items),
                TextTest::In(list) => {
                    let shape = self.shape(field);
                    return list
                        .iter()
                        .any(|text| shape.has(text) && self.passes(tests, text));
                }
                test => test.parts(&mut all),
            }
        }
        let has_regex = all.iter().any(|part| matches!(part, TextTest::Matches(_)));
        let shape = self.shape(field);
        // Pairs of tests without regular expressions were compared before.
        if !has_regex && shape.is_any() {
            return true;
        }
        let likely = likely(&all);
        if likely
            .iter()
            .any(|text| shape.has(text) && self.passes(tests, text))
        {
            return true;
        }
        // A text that passes one of the parts usually passes all tests.
        let sampled = has_regex && self.known == Known::All;
        for part in all.into_iter().filter(|_| sampled) {
            if let Some(sample) = self.sample(field, part)
                && self.passes(tests, &sample)
            {
                return true;
            }
        }
        self.walk(field, tests) != Walked::Nowhere
    }

    /// Returns a text of a field that passes a part.
    fn sample(&mut self, field: Text, part: &TextTest) -> Option<Vec<u8>> {
        let key = (field, part.clone());
        if let Some(known) = self.samples.get(&key) {
            return known.clone();
        }
        let sample = match self.walk(field, std::slice::from_ref(part)) {
            Walked::Text(text) => Some(text),
            _ => None,
        };
        self.samples.insert(key, sample.clone());
        sample
    }

    /// Searches for a possible text of the field that passes all tests, shortest first.
    fn walk(&mut self, field: Text, tests: &[TextTest]) -> Walked {
        let mut all = Vec::new();
        for test in tests {
            test.parts(&mut all);
        }
        let mut machines: Vec<Arc<Regex>> = Vec::new();
        let mut number: HashMap<&TextTest, usize> = HashMap::new();
        for part in all {
            if !number.contains_key(part)
                && let Some(regex) = pattern(part).and_then(|pattern| self.regex(&pattern))
            {
                number.insert(part, machines.len());
                machines.push(regex);
            }
        }
        let Shape { every, none } = self.shape(field);
        let every_at = every.as_ref().map(|_| machines.len());
        machines.extend(every);
        let none_at = none.as_ref().map(|_| machines.len());
        machines.extend(none);
        let bytes = told_apart(&machines);
        let start: Vec<Walk> = machines.iter().map(|machine| machine.start()).collect();
        let mut seen = HashSet::from([start.clone()]);
        let mut queue = VecDeque::from([(start, Vec::new())]);
        while let Some((at, text)) = queue.pop_front() {
            let walk = |index: Option<usize>| index.and_then(|index| at.get(index));
            if walk(every_at) == Some(&Walk::Dead)
                || walk(none_at) == Some(&Walk::Found)
                || all_hold(tests, &|part| {
                    walk(number.get(part).copied()).and_then(|walk| walk.decided())
                }) == Some(false)
            {
                continue;
            }
            let ends = |index: Option<usize>| {
                let index = index?;
                Some(machines.get(index)?.ends(*at.get(index)?))
            };
            if ends(every_at) != Some(false) && ends(none_at) != Some(true) {
                match all_hold(tests, &|part| ends(number.get(part).copied())) {
                    Some(true) => return Walked::Text(text),
                    None => return Walked::Unknown,
                    Some(false) => {}
                }
            }
            for byte in &bytes {
                let Some(steps) = self.steps.checked_sub(1) else {
                    return Walked::Unknown;
                };
                self.steps = steps;
                let pairs = machines.iter().zip(&at);
                let next: Vec<Walk> = pairs.map(|(regex, at)| regex.step(*at, *byte)).collect();
                if !seen.contains(&next) {
                    seen.insert(next.clone());
                    let mut text = text.clone();
                    text.push(*byte);
                    queue.push_back((next, text));
                }
            }
        }
        Walked::Nowhere
    }

    /// Returns the properties of a field's texts.
    fn properties(&self, field: Text) -> Vec<Property> {
        let mut all = properties(field);
        if field == Text::ObjectPath && self.acts_on_links {
            all.retain(|property| *property != Property::Without(Fault::LinkItself));
        }
        all
    }

    /// Returns the properties of a field's texts, as far as the search uses them.
    fn shape(&self, field: Text) -> Shape {
        let of_field = self.properties(field);
        match self.known {
            Known::All => shape(&of_field),
            Known::Only(property, _) => {
                let only = of_field.into_iter().filter(|of| Some(*of) == property);
                shape(&only.collect::<Vec<_>>())
            }
            Known::AllBut(property) => {
                let others = of_field.into_iter().filter(|of| *of != property);
                shape(&others.collect::<Vec<_>>())
            }
        }
    }

    fn regex(&mut self, pattern: &str) -> Option<Arc<Regex>> {
        if let Some(known) = self.regexes.get(pattern) {
            return known.clone();
        }
        let regex = Regex::new(pattern).ok().map(Arc::new);
        self.regexes.insert(pattern.to_owned(), regex.clone());
        regex
    }
}

/// Collects the text fields that a condition tests.
fn text_fields(condition: &Condition, out: &mut BTreeSet<Text>) {
    match condition {
        Condition::Not(inner) => text_fields(inner, out),
        Condition::And(items) | Condition::Or(items) => {
            for item in items {
                text_fields(item, out);
            }
        }
        Condition::Text(field, _) => {
            out.insert(*field);
        }
        _ => {}
    }
}

fn has_regex(condition: &Condition) -> bool {
    match condition {
        Condition::Not(inner) => has_regex(inner),
        Condition::And(items) | Condition::Or(items) => items.iter().any(has_regex),
        Condition::Text(_, test) => {
            let mut all = Vec::new();
            test.parts(&mut all);
            all.iter().any(|part| matches!(part, TextTest::Matches(_)))
        }
        _ => false,
    }
}

/// Returns one byte of each class that the automata distinguish.
fn told_apart(machines: &[Arc<Regex>]) -> Vec<u8> {
    let mut seen: HashSet<Vec<u8>> = HashSet::new();
    (0..=u8::MAX)
        .filter(|byte| {
            let kinds = machines.iter().map(|machine| machine.kind(*byte));
            seen.insert(kinds.collect())
        })
        .collect()
}
