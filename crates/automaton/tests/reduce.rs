// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The reduced table gives the same output for every word, is a fixed point, and has no two equal states.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashSet;

use ambit_automaton::{Table, is_within, reduce};
use proptest::prelude::*;

/// The output of the state that a word ends in.
fn run(table: &Table, word: &[u8]) -> u32 {
    let mut state = table.start as usize;
    for byte in word {
        let class = table.byte_classes[usize::from(*byte)];
        state = table.next[state * table.width + class] as usize;
    }
    table.output[state]
}

/// The block of each state by naive refinement without hashing: an independent implementation to compare with.
fn distinct_states(table: &Table) -> usize {
    let mut block: Vec<Vec<u32>> = table.output.iter().map(|output| vec![*output]).collect();
    loop {
        let before: HashSet<_> = block.iter().cloned().collect();
        let names: Vec<Vec<u32>> = before.iter().cloned().collect();
        let name = |state: usize| {
            let at = names.iter().position(|name| *name == block[state]);
            u32::try_from(at.unwrap()).unwrap()
        };
        let refined: Vec<Vec<u32>> = (0..block.len())
            .map(|state| {
                let row = &table.next[state * table.width..(state + 1) * table.width];
                let mut out = vec![name(state)];
                out.extend(row.iter().map(|to| name(*to as usize)));
                out
            })
            .collect();
        let after: HashSet<_> = refined.iter().collect();
        if after.len() == before.len() {
            return after.len();
        }
        block = refined;
    }
}

/// Tables with few states, classes and outputs, so that many states are equivalent.
fn tables() -> impl Strategy<Value = Table> {
    (1..5usize, 1..14usize).prop_flat_map(|(width, states)| {
        let last = u32::try_from(states).unwrap();
        (
            prop::collection::vec(0..width, 256),
            0..last,
            prop::collection::vec(0..3u32, states),
            prop::collection::vec(0..last, states * width),
        )
            .prop_map(move |(byte_classes, start, mut output, mut next)| {
                output[0] = 0;
                next[..width].fill(0);
                Table {
                    width,
                    byte_classes,
                    start,
                    output,
                    next,
                }
            })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn gives_the_same_output_for_every_word(
        table in tables(),
        words in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..12), 40),
    ) {
        let reduced = reduce(&table);
        for word in words {
            prop_assert_eq!(run(&reduced, &word), run(&table, &word));
        }
    }

    #[test]
    fn is_idempotent(table in tables()) {
        let once = reduce(&table);
        prop_assert_eq!(reduce(&once), once);
    }

    #[test]
    fn has_as_many_states_as_there_are_distinct_ones(table in tables()) {
        prop_assert_eq!(reduce(&table).output.len(), distinct_states(&table));
    }

    #[test]
    fn keeps_the_dead_state_at_zero_and_no_equal_columns(table in tables()) {
        let reduced = reduce(&table);
        prop_assert_eq!(reduced.output[0], 0);
        prop_assert!(reduced.is_sink(0));
        prop_assert_eq!(reduced.next.len(), reduced.output.len() * reduced.width);
        prop_assert!(reduced.byte_classes.iter().all(|class| *class < reduced.width));
        let columns: HashSet<Vec<u32>> = (0..reduced.width)
            .map(|column| {
                let cells = reduced.next.iter().skip(column);
                cells.step_by(reduced.width).copied().collect()
            })
            .collect();
        prop_assert_eq!(columns.len(), reduced.width);
    }
}

#[test]
fn merges_states_that_accept_the_same_words() {
    // Two copies of "one a, then anything": states 1 and 2, both to 3.
    let mut byte_classes = vec![0; 256];
    byte_classes[usize::from(b'a')] = 1;
    byte_classes[usize::from(b'b')] = 2;
    let table = Table {
        width: 3,
        byte_classes,
        start: 1,
        output: vec![0, 0, 0, 7],
        next: vec![0, 0, 0, 2, 3, 2, 1, 3, 1, 3, 3, 3],
    };
    let reduced = reduce(&table);
    assert_eq!(reduced.output, [0, 0, 7]);
    // The columns of `b` and of all other bytes are equal.
    assert_eq!(reduced.width, 2);
    assert_eq!(run(&reduced, b"xba."), 7);
    assert_eq!(run(&reduced, b"xb"), 0);
}

proptest! {
    #[test]
    fn a_table_is_within_another_if_no_word_shows_the_contrary(table in tables(), other in tables()) {
        // Words up to this length reach every pair of states that differ in most tables.
        let bytes: Vec<u8> = (0..4).map(|byte| byte * 64).collect();
        let mut words: Vec<Vec<u8>> = vec![Vec::new()];
        for length in 0..4 {
            let longer: Vec<Vec<u8>> = words
                .iter()
                .filter(|word| word.len() == length)
                .flat_map(|word| bytes.iter().map(move |byte| [word.as_slice(), &[*byte]].concat()))
                .collect();
            words.extend(longer);
        }
        let shown = words
            .iter()
            .any(|word| run(&table, word) != 0 && run(&other, word) == 0);
        if shown {
            prop_assert!(!is_within(&table, &other));
        }
        prop_assert!(is_within(&table, &table));
        prop_assert!(is_within(&table, &reduce(&table)) && is_within(&reduce(&table), &table));
    }
}
