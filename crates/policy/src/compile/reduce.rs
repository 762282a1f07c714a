// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The smallest automaton that does the same, with the fewest byte classes.

use std::collections::HashMap;

/// What a state of one test's table outputs: the test holds for a text that ends there,
pub(super) const END: u32 = 1;
/// or for any that passes it.
pub(super) const MARK: u32 = 2;

/// A dense automaton. State 0 is dead and outputs 0; `next` has `width` entries a state.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) width: usize,
    pub(super) byte_classes: Vec<usize>,
    pub(super) start: u32,
    /// What each state outputs.
    pub(super) output: Vec<u32>,
    pub(super) next: Vec<u32>,
}

impl Table {
    /// Whether a state leads to itself whatever follows.
    pub(super) fn is_sink(&self, state: usize) -> bool {
        let targets = self.next.iter().skip(state * self.width);
        targets
            .take(self.width)
            .all(|target| usize::try_from(*target) == Ok(state))
    }
}

/// Merges states that nothing tells apart (Moore's refinement), then byte classes that no state tells apart.
pub(super) fn reduce(table: &Table) -> Table {
    merge_columns(merge_states(table))
}

fn merge_states(table: &Table) -> Table {
    let block = partition(table);
    let count = block.iter().max().map_or(1, |last| index(*last) + 1);
    // State 0 comes first, so its block, that of all dead states, is block 0.
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

/// The block of every state, where states of one block output the same and lead to the same blocks.
fn partition(table: &Table) -> Vec<u32> {
    let mut block = table.output.clone();
    let mut count = number(&mut block);
    loop {
        let mut seen: HashMap<(u32, u128), u32> = HashMap::with_capacity(count);
        let mut refined = Vec::with_capacity(block.len());
        let alone = alone(&block, count);
        for (own, row) in block.iter().zip(table.next.chunks(table.width)) {
            let fresh = u32::try_from(seen.len()).unwrap_or(u32::MAX);
            // Who is alone can't be split any more, and most soon are.
            let mixed = if alone.get(index(*own)) == Some(&true) {
                0
            } else {
                mix(&block, row)
            };
            refined.push(*seen.entry((*own, mixed)).or_insert(fresh));
        }
        let refined_count = seen.len();
        block = refined;
        if refined_count == count {
            break;
        }
        count = refined_count;
    }
    // A collision of the mixing would merge what differs; then every state stays its own.
    if is_congruent(table, &block) {
        block
    } else {
        (0u32..).take(block.len()).collect()
    }
}

/// Whether each block has one state only.
fn alone(block: &[u32], count: usize) -> Vec<bool> {
    let mut members = vec![0_u32; count];
    for own in block {
        if let Some(number) = members.get_mut(index(*own)) {
            *number += 1;
        }
    }
    members.into_iter().map(|number| number == 1).collect()
}

/// The blocks that a row leads to, mixed into one number.
fn mix(block: &[u32], row: &[u32]) -> u128 {
    const FACTOR: u128 = 0x2d99_787b_6e67_9c5b_4cf5_ad43_2745_937f;
    row.iter().fold(1, |mixed, next| {
        let mixed = (mixed ^ u128::from(lookup(block, *next))).wrapping_mul(FACTOR);
        mixed ^ mixed >> 67
    })
}

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

/// Numbers blocks in the order in which they appear; how many there are.
fn number(block: &mut [u32]) -> usize {
    let mut seen: HashMap<u32, u32> = HashMap::new();
    for own in block.iter_mut() {
        let fresh = u32::try_from(seen.len()).unwrap_or(u32::MAX);
        *own = *seen.entry(*own).or_insert(fresh);
    }
    seen.len()
}

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
