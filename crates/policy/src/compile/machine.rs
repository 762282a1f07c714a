// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Builds the table of states for a test of a text: the automaton of the text, behind the object's kind byte if the
//! field is one of an object.

use std::collections::{BTreeSet, HashMap};

use ambit_automaton::{Table, reduce};

use super::language::{Language, MARK, MachineError, Position};
use super::network::{Networks, Progress};
use crate::condition::{Text, TextTest};
use ambit_abi as abi;
use ambit_event::Marker;

/// Limit of entries of a table before reduction.
const ENTRIES: usize = 512 * 1024;

/// How a table reports that a test is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// By the state at the end of the text.
    Ends,
    /// By a state on the way, for tests that can be searched for; otherwise by the state at the end.
    Marks,
}

/// Builds the smallest table for a test of a text.
pub(super) fn build(field: Text, test: &TextTest, form: Form) -> Result<Table, MachineError> {
    if form == Form::Marks
        && let Some(language) = Language::of_searches(test)
        && let Ok(table) = table(field, &language)
    {
        return Ok(table);
    }
    table(field, &Language::of_whole_texts(test)?)
}

fn table(field: Text, language: &Language<'_>) -> Result<Table, MachineError> {
    let mut builder = Builder::new(field, language);
    match field {
        Text::Comm | Text::Cgroup | Text::Domain => {
            let [start] = builder.text(false, [b""])?;
            builder.table.start = start;
        }
        _ => builder.below_kinds(field)?,
    }
    Ok(reduce(&builder.table))
}

struct Builder<'b> {
    language: &'b Language<'b>,
    /// A byte of each class.
    samples: Vec<u8>,
    table: Table,
}

/// The states of a text's automaton, with their numbers in the table.
struct Walk {
    /// The state from which no test can become true.
    sink: u32,
    numbers: HashMap<Position, u32>,
    queue: Vec<(u32, Position)>,
}

impl<'b> Builder<'b> {
    fn new(field: Text, language: &'b Language<'b>) -> Self {
        let (byte_classes, samples) = byte_classes(field, language);
        let width = samples.len();
        Self {
            language,
            samples,
            table: Table {
                width,
                byte_classes,
                start: 0,
                output: vec![0],
                next: vec![0; width],
            },
        }
    }

    /// Adds a state with transitions to itself.
    fn state(&mut self, output: u32) -> Result<u32, MachineError> {
        if self.table.next.len() > ENTRIES {
            return Err(MachineError::TooLarge);
        }
        let number = u32::try_from(self.table.output.len()).map_err(|_| MachineError::TooLarge)?;
        let own = std::iter::repeat_n(number, self.table.width);
        self.table.output.push(output);
        self.table.next.extend(own);
        Ok(number)
    }

    fn output(&self, state: u32) -> u32 {
        let state = usize::try_from(state).unwrap_or(usize::MAX);
        self.table.output.get(state).copied().unwrap_or(0)
    }

    fn lead(&mut self, from: u32, class: usize, to: u32) {
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let at = from.saturating_mul(self.table.width).saturating_add(class);
        if let Some(slot) = self.table.next.get_mut(at) {
            *slot = to;
        }
    }

    fn lead_all(&mut self, from: u32, to: u32) {
        for class in 0..self.table.width {
            self.lead(from, class, to);
        }
    }

    fn lead_byte(&mut self, from: u32, byte: u8, to: u32) {
        let class = self.table.byte_classes.get(usize::from(byte)).copied();
        self.lead(from, class.unwrap_or(0), to);
    }

    /// Adds the root state and, for each kind byte, the automaton of the field's text. For kinds without the field,
    /// the text is empty.
    fn below_kinds(&mut self, field: Text) -> Result<(), MachineError> {
        let language = self.language;
        let empty = language.output(language.start);
        let root = self.state(empty)?;
        let absent = self.state(empty)?;
        self.table.start = root;
        self.lead_all(root, absent);
        match field {
            Text::ObjectName => {
                let [start] = self.text(false, [b""])?;
                self.lead_byte(root, abi::KIND_ABSTRACT, start);
                self.lead_byte(root, abi::KIND_WORD, start);
            }
            Text::ObjectAddress => {
                let v4 = self.address(&language.v4)?;
                self.lead_byte(root, abi::KIND_INET4, v4);
                let v6 = self.address(&language.v6)?;
                self.lead_byte(root, abi::KIND_INET6, v6);
            }
            _ => {
                let [path, memfd, fs] = self.text(true, [b"", b"memfd:", b"fs:"])?;
                self.lead_byte(root, abi::KIND_PATH, path);
                self.lead_byte(root, abi::KIND_DELETED, path);
                self.lead_byte(root, abi::KIND_FOREIGN, path);
                self.lead_byte(root, abi::KIND_MEMFD, memfd);
                self.lead_byte(root, abi::KIND_FSTYPE, fs);
            }
        }
        Ok(())
    }

    /// Adds the states of a text; returns those after each of these prefixes.
    fn text<const N: usize>(
        &mut self,
        markers: bool,
        prefixes: [&[u8]; N],
    ) -> Result<[u32; N], MachineError> {
        let language = self.language;
        let mut walk = Walk {
            sink: self.state(language.holds(&BTreeSet::new()))?,
            numbers: HashMap::new(),
            queue: Vec::new(),
        };
        let mut starts = [0; N];
        for (start, prefix) in starts.iter_mut().zip(prefixes) {
            *start = self.number(&mut walk, language.follow(language.start, prefix))?;
        }
        let mut done = 0;
        while let Some((from, state)) = walk.queue.get(done).copied() {
            done += 1;
            for class in 0..self.samples.len() {
                let byte = self.samples.get(class).copied().unwrap_or(0);
                let to = if markers && byte == 0 {
                    self.marker(&mut walk, state)?
                } else {
                    self.number(&mut walk, language.step(state, byte))?
                };
                self.lead(from, class, to);
            }
        }
        Ok(starts)
    }

    /// Returns the table's number of an automaton state.
    fn number(&mut self, walk: &mut Walk, position: Position) -> Result<u32, MachineError> {
        if self.language.is_over(position) {
            return Ok(walk.sink);
        }
        if let Some(number) = walk.numbers.get(&position) {
            return Ok(*number);
        }
        let number = self.state(self.language.output(position))?;
        walk.numbers.insert(position, number);
        walk.queue.push((number, position));
        Ok(number)
    }

    /// Adds the state behind a marker's NUL. Its letter leads to the state that the marker's name in braces leads to.
    fn marker(&mut self, walk: &mut Walk, from: Position) -> Result<u32, MachineError> {
        let mut targets = Vec::with_capacity(Marker::ALL.len());
        for marker in Marker::ALL {
            let name = format!("{{{}}}", marker.name());
            let to = self.language.follow(from, name.as_bytes());
            targets.push((marker.letter(), self.number(walk, to)?));
        }
        // Canonical texts neither end here nor continue with another letter. All other bytes lead to the target of
        // the first letter, so that reduction can merge states.
        let Some((_, first)) = targets.first().copied() else {
            return Ok(walk.sink);
        };
        // If all letters lead to one state, this state has the same output, so that reduction can merge both. Marks
        // are excluded: they are set with the letter.
        let output = match self.output(first) {
            output if output != MARK && targets.iter().all(|(_, to)| *to == first) => output,
            _ => 0,
        };
        let after = self.state(output)?;
        self.lead_all(after, first);
        for (letter, to) in targets {
            self.lead_byte(after, letter, to);
        }
        Ok(after)
    }

    /// Adds the states of addresses of one family: the protocol byte, then the address bytes until every network is
    /// decided.
    fn address(&mut self, networks: &Networks) -> Result<u32, MachineError> {
        let language = self.language;
        let empty = language.accepted(language.start);
        let start = self.state(language.holds(&empty))?;
        let mut numbers: HashMap<Progress, u32> = HashMap::new();
        let mut queue = vec![networks.start()];
        let mut done = 0;
        while let Some(progress) = queue.get(done).cloned() {
            done += 1;
            let known = progress.holds.union(&empty).copied().collect();
            let number = self.state(language.holds(&known))?;
            numbers.insert(progress.clone(), number);
            if progress.is_decided() {
                continue;
            }
            for byte in self.samples.clone() {
                let next = networks.step(&progress, byte);
                if !queue.contains(&next) {
                    queue.push(next);
                }
            }
        }
        let number = |progress: &Progress| numbers.get(progress).copied().unwrap_or(0);
        self.lead_all(start, number(&networks.start()));
        for progress in queue.iter().filter(|progress| !progress.is_decided()) {
            for class in 0..self.samples.len() {
                let byte = self.samples.get(class).copied().unwrap_or(0);
                let next = networks.step(progress, byte);
                self.lead(number(progress), class, number(&next));
            }
        }
        Ok(start)
    }
}

/// Returns the class of each byte (bytes of a class are never distinguished), and one byte of each class.
fn byte_classes(field: Text, language: &Language<'_>) -> (Vec<usize>, Vec<u8>) {
    let mut alone = BTreeSet::new();
    if !matches!(field, Text::Comm | Text::Cgroup | Text::Domain) {
        alone.insert(0);
        alone.extend(Marker::ALL.map(Marker::letter));
        alone.extend([
            abi::KIND_PATH,
            abi::KIND_DELETED,
            abi::KIND_FOREIGN,
            abi::KIND_MEMFD,
            abi::KIND_FSTYPE,
            abi::KIND_ABSTRACT,
            abi::KIND_WORD,
            abi::KIND_INET4,
            abi::KIND_INET6,
        ]);
    }
    let mut cuts = language.v4.cuts();
    cuts.extend(language.v6.cuts());
    let mut numbers = HashMap::new();
    let mut samples = Vec::new();
    let mut classes = Vec::with_capacity(256);
    for byte in 0..=u8::MAX {
        let own = alone.contains(&byte).then_some(byte);
        let known = language.class(byte);
        let network = cuts.range(..=byte).count();
        let fresh = samples.len();
        let class = *numbers.entry((own, known, network)).or_insert(fresh);
        if class == fresh {
            samples.push(byte);
        }
        classes.push(class);
    }
    (classes, samples)
}
