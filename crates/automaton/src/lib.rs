// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Minimises and compares deterministic automata that are stored as dense tables.
//!
//! The crate owns the table and its reduction: equivalent states become one state, equal columns become one byte class.
//! Behaviour maps and rules both compile to such tables. What an output number means, and how a table is laid out for
//! the kernel part, is for the caller; this crate knows neither patterns nor rules.
//!
//! The result is deterministic: states are numbered by the first state of each block, so equal tables give equal bytes.

use std::collections::{HashMap, HashSet};

/// A dense automaton over bytes.
///
/// State 0 is the dead state: it outputs 0 and leads to itself. `next` has `width` entries for each state, one for each
/// byte class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Number of byte classes.
    pub width: usize,
    /// The class of each of the 256 bytes, below `width`.
    pub byte_classes: Vec<usize>,
    /// The start state.
    pub start: u32,
    /// The output of each state; 0 is no output.
    pub output: Vec<u32>,
    /// The successor of each state for each byte class.
    pub next: Vec<u32>,
}

impl Table {
    /// True if the state leads only to itself.
    pub fn is_sink(&self, state: usize) -> bool {
        let targets = self.next.iter().skip(state * self.width);
        targets
            .take(self.width)
            .all(|target| usize::try_from(*target) == Ok(state))
    }
}

/// True if the other automaton accepts every text that this one accepts. Both accept in states with an output.
pub fn is_within(table: &Table, other: &Table) -> bool {
    let mut pairs: Vec<(usize, usize)> = (0..=usize::from(u8::MAX))
        .map(|byte| (class(table, byte), class(other, byte)))
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    let start = (table.start, other.start);
    let mut seen = HashSet::from([start]);
    let mut queue = vec![start];
    while let Some((state, beside)) = queue.pop() {
        if lookup(&table.output, state) != 0 && lookup(&other.output, beside) == 0 {
            return false;
        }
        for (class, class_beside) in &pairs {
            let next = (
                successor(table, state, *class),
                successor(other, beside, *class_beside),
            );
            // The dead state accepts nothing.
            if next.0 != 0 && seen.insert(next) {
                queue.push(next);
            }
        }
    }
    true
}

/// The class of a byte.
fn class(table: &Table, byte: usize) -> usize {
    table.byte_classes.get(byte).copied().unwrap_or(0)
}

fn successor(table: &Table, state: u32, class: usize) -> u32 {
    let at = index(state)
        .saturating_mul(table.width)
        .saturating_add(class);
    table.next.get(at).copied().unwrap_or(0)
}

/// Returns an equivalent table without equivalent states (Moore's partition refinement) and without equal columns.
///
/// Unreachable states are not removed: callers build tables from reachable states only.
pub fn reduce(table: &Table) -> Table {
    merge_columns(merge_states(table))
}

/// Merges states that no word distinguishes.
fn merge_states(table: &Table) -> Table {
    let block = partition(table);
    let count = block.iter().max().map_or(1, |last| index(*last) + 1);
    // State 0 comes first, so the block of all dead states is block 0.
    let mut output = vec![0; count];
    let mut next = vec![0; count * table.width];
    for ((own, is), row) in block
        .iter()
        .zip(&table.output)
        .zip(table.next.chunks(table.width))
    {
        let own = index(*own);
        if let Some(slot) = output.get_mut(own) {
            *slot = *is;
        }
        let slots = next.iter_mut().skip(own * table.width);
        for (slot, to) in slots.zip(row) {
            *slot = lookup(&block, *to);
        }
    }
    Table {
        width: table.width,
        byte_classes: table.byte_classes.clone(),
        start: lookup(&block, table.start),
        output,
        next,
    }
}

/// Returns the block of each state: states of one block have equal outputs and successors in equal blocks.
fn partition(table: &Table) -> Vec<u32> {
    let mut block = table.output.clone();
    let mut count = number(&mut block);
    loop {
        let mut seen: HashMap<(u32, u128), u32> = HashMap::with_capacity(count);
        let mut refined = Vec::with_capacity(block.len());
        let singletons = singletons(&block, count);
        for (own, row) in block.iter().zip(table.next.chunks(table.width)) {
            let fresh = u32::try_from(seen.len()).unwrap_or(u32::MAX);
            // A block of one state cannot be split. Most blocks soon have one state, so this saves most of the work.
            let hash = if singletons.get(index(*own)) == Some(&true) {
                0
            } else {
                hash_row(&block, row)
            };
            refined.push(*seen.entry((*own, hash)).or_insert(fresh));
        }
        let refined_count = seen.len();
        block = refined;
        if refined_count == count {
            break;
        }
        count = refined_count;
    }
    // A hash collision would merge different states. In that case no states are merged.
    if is_congruent(table, &block) {
        block
    } else {
        (0u32..).take(block.len()).collect()
    }
}

/// Returns for each block whether it has exactly one state.
fn singletons(block: &[u32], count: usize) -> Vec<bool> {
    let mut members = vec![0_u32; count];
    for own in block {
        if let Some(number) = members.get_mut(index(*own)) {
            *number += 1;
        }
    }
    members.into_iter().map(|number| number == 1).collect()
}

/// Hashes the blocks of a row's successors.
fn hash_row(block: &[u32], row: &[u32]) -> u128 {
    const FACTOR: u128 = 0x2d99_787b_6e67_9c5b_4cf5_ad43_2745_937f;
    row.iter().fold(1, |hash, next| {
        let hash = (hash ^ u128::from(lookup(block, *next))).wrapping_mul(FACTOR);
        hash ^ hash >> 67
    })
}

/// True if states of one block have equal outputs and successors in equal blocks.
fn is_congruent(table: &Table, block: &[u32]) -> bool {
    let mut first: HashMap<u32, (u32, &[u32])> = HashMap::new();
    block
        .iter()
        .zip(&table.output)
        .zip(table.next.chunks(table.width))
        .all(|((own, output), row)| {
            let (other_output, other) = *first.entry(*own).or_insert((*output, row));
            let to = |next: &u32| lookup(block, *next);
            other_output == *output && other.iter().map(to).eq(row.iter().map(to))
        })
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn lookup(block: &[u32], state: u32) -> u32 {
    usize::try_from(state)
        .ok()
        .and_then(|state| block.get(state))
        .copied()
        .unwrap_or(0)
}

/// Renumbers blocks in the order of their first state. Returns the number of blocks.
fn number(block: &mut [u32]) -> usize {
    let mut seen: HashMap<u32, u32> = HashMap::new();
    for own in block.iter_mut() {
        let fresh = u32::try_from(seen.len()).unwrap_or(u32::MAX);
        *own = *seen.entry(*own).or_insert(fresh);
    }
    seen.len()
}

/// Merges byte classes whose columns are equal.
fn merge_columns(table: Table) -> Table {
    let mut seen: HashMap<Vec<u32>, usize> = HashMap::new();
    let mut kept: Vec<usize> = Vec::new();
    let mut renamed = Vec::with_capacity(table.width);
    for column in 0..table.width {
        let content: Vec<u32> = table
            .next
            .iter()
            .skip(column)
            .step_by(table.width)
            .copied()
            .collect();
        let fresh = seen.len();
        let own = *seen.entry(content).or_insert(fresh);
        if own == fresh {
            kept.push(column);
        }
        renamed.push(own);
    }
    let next = table
        .next
        .chunks(table.width)
        .flat_map(|row| kept.iter().filter_map(|column| row.get(*column)).copied())
        .collect();
    let byte_classes = table
        .byte_classes
        .iter()
        .map(|class| renamed.get(*class).copied().unwrap_or(0))
        .collect();
    Table {
        width: kept.len(),
        byte_classes,
        next,
        ..table
    }
}
