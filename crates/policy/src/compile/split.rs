// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Splits tests into tests that can be searched for.

use regex_automata::dfa::dense;

use super::node::{Leaf, Node};
use super::{search, text};
use crate::condition::{Text, TextTest};

/// Matches any text except the empty one.
const NOT_EMPTY: &str = "(?s-u:.)";

/// Splits a test into a condition of searchable tests and single tests.
pub(super) fn split(field: Text, test: &TextTest) -> Result<Node, Box<dense::BuildError>> {
    if let Some(parts) = search::any_of(test) {
        return any(field, test, parts);
    }
    match test {
        TextTest::Or(any) => {
            let (together, apart): (Vec<_>, Vec<_>) =
                any.iter().cloned().partition(search::is_searched_for);
            let mut nodes = each(field, &apart)?;
            if !together.is_empty() {
                nodes.push(split(field, &TextTest::Or(together))?);
            }
            Ok(Node::or(nodes))
        }
        // In a chain, a single executable must pass the whole test.
        TextTest::And(all) if field != Text::Chain => Ok(Node::and(each(field, all)?)),
        TextTest::Not(inner) if field != Text::Chain => Ok(split(field, inner)?.negate()),
        test => Ok(leaf(field, test.clone())),
    }
}

fn each(field: Text, tests: &[TextTest]) -> Result<Vec<Node>, Box<dense::BuildError>> {
    tests.iter().map(|test| split(field, test)).collect()
}

/// Returns a test with these alternatives. All bits of an absent text are 0; so if the test is true for the empty
/// text, that case is tested separately.
fn any(field: Text, test: &TextTest, parts: &[TextTest]) -> Result<Node, Box<dense::BuildError>> {
    let mut nodes = vec![leaf(field, test.clone())];
    for part in parts {
        if field != Text::Chain && text::part_on_empty(part)? {
            let not_empty = TextTest::Matches(NOT_EMPTY.to_owned());
            nodes.push(leaf(field, not_empty).negate());
            break;
        }
    }
    Ok(Node::or(nodes))
}

fn leaf(field: Text, test: TextTest) -> Node {
    Node::Leaf(Leaf::Text(field, test))
}
