// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Tests of texts: their parts, their result for the empty text, and their regular expressions.

use std::fmt::Write;

use ambit_event::escape;
use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, MatchKind};

use crate::condition::{Text, TextTest};

/// Memory limit for building, in bytes. It is far above the size of the kernel part's automata, because states are
/// merged afterwards.
const BUILD_BYTES: usize = 12 * 1024 * 1024;
/// Characters of a test that an error shows.
const SHOWN: usize = 120;

/// The input of an automaton.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Input {
    /// An object's canonical bytes.
    Object,
    /// An executable's canonical bytes.
    Executable,
    /// What the task calls itself.
    Comm,
    /// Its cgroup.
    Cgroup,
    /// Its domain.
    Domain,
}

impl Input {
    /// The input of a text's automata.
    pub(super) const fn of(text: Text) -> Self {
        match text {
            Text::ObjectPath | Text::ObjectName | Text::ObjectAddress => Self::Object,
            Text::Executable | Text::Parent | Text::Chain => Self::Executable,
            Text::Comm => Self::Comm,
            Text::Cgroup => Self::Cgroup,
            Text::Domain => Self::Domain,
        }
    }
}

/// Evaluates a test from the results of its parts.
pub(super) fn evaluate(test: &TextTest, part: &mut dyn FnMut(&TextTest) -> bool) -> bool {
    match test {
        TextTest::Not(inner) => !evaluate(inner, part),
        TextTest::And(all) => all.iter().all(|inner| evaluate(inner, part)),
        TextTest::Or(any) => any.iter().any(|inner| evaluate(inner, part)),
        _ => part(test),
    }
}

/// Removes double negations at the front.
pub(super) fn plain(test: &TextTest) -> &TextTest {
    match test {
        TextTest::Not(inner) => match inner.as_ref() {
            TextTest::Not(inner) => plain(inner),
            _ => test,
        },
        _ => test,
    }
}

/// The negation.
pub(super) fn negate(test: &TextTest) -> TextTest {
    match plain(test) {
        TextTest::Not(inner) => inner.as_ref().clone(),
        other => TextTest::Not(Box::new(other.clone())),
    }
}

/// True if a part is true for the empty text.
pub(super) fn part_on_empty(part: &TextTest) -> Result<bool, Box<dense::BuildError>> {
    Ok(match part {
        TextTest::In(texts) => texts.contains(&[][..]),
        TextTest::StartsWith(text) | TextTest::EndsWith(text) | TextTest::Contains(text) => {
            text.is_empty()
        }
        TextTest::Matches(regex) => {
            let config = syntax_config();
            let may = syntax::parse_with(regex, &config)
                .map_or(true, |hir| hir.properties().minimum_len() == Some(0));
            may && {
                let dfa = build(&[group(regex)])?;
                dfa.start_state(&start::Config::new().anchored(Anchored::Yes))
                    .is_ok_and(|start| dfa.is_match_state(dfa.next_eoi_state(start)))
            }
        }
        TextTest::Network(_) | TextTest::Not(_) | TextTest::And(_) | TextTest::Or(_) => false,
    })
}

/// True if a test is true for the empty text.
pub(super) fn on_empty(test: &TextTest) -> Result<bool, Box<dense::BuildError>> {
    let mut error = None;
    let holds = evaluate(test, &mut |part| {
        part_on_empty(part).unwrap_or_else(|cause| {
            error = Some(cause);
            false
        })
    });
    error.map_or(Ok(holds), Err)
}

/// Returns a regular expression that matches exactly the texts for which the part is true. Networks have none.
pub(super) fn regex(part: &TextTest) -> String {
    const ANY: &str = "(?s-u:.)*";
    match part {
        TextTest::In(texts) => {
            let all: Vec<String> = texts.iter().map(|text| literal(text)).collect();
            format!("(?:{})", all.join("|"))
        }
        TextTest::StartsWith(text) => format!("{}{ANY}", literal(text)),
        TextTest::EndsWith(text) => format!("{ANY}{}", literal(text)),
        TextTest::Contains(text) => format!("{ANY}{}{ANY}", literal(text)),
        TextTest::Matches(regex) => format!("{ANY}{}{ANY}", group(regex)),
        TextTest::Network(_) | TextTest::Not(_) | TextTest::And(_) | TextTest::Or(_) => {
            String::new()
        }
    }
}

/// Puts an expression in a group. In verbose mode, a comment at its end would swallow the closing parenthesis: a line
/// break, which means nothing there, is inserted only in that case.
fn group(regex: &str) -> String {
    let config = syntax_config();
    let grouped = format!("(?:{regex})");
    if syntax::parse_with(regex, &config).is_err() {
        // Left as written, so that the error is about it.
        return regex.to_owned();
    }
    if syntax::parse_with(&grouped, &config).is_ok() {
        grouped
    } else {
        format!("(?:{regex}\n)")
    }
}

fn literal(text: &[u8]) -> String {
    text.iter().fold(String::new(), |mut out, byte| {
        // Writing to a String does not fail.
        let _ = write!(out, "\\x{byte:02x}");
        out
    })
}

/// Syntax of expressions: ASCII classes, bytes.
pub(super) fn syntax_config() -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(false)
}

/// Builds the automaton of expressions, anchored at both ends.
pub(super) fn build(regexes: &[String]) -> Result<dense::DFA<Vec<u32>>, Box<dense::BuildError>> {
    let config = dense::Config::new()
        .match_kind(MatchKind::All)
        .start_kind(StartKind::Anchored)
        .accelerate(false)
        .determinize_size_limit(Some(BUILD_BYTES))
        .dfa_size_limit(Some(BUILD_BYTES));
    dense::Builder::new()
        .configure(config)
        .syntax(syntax_config())
        .thompson(
            thompson::Config::new()
                .utf8(false)
                .nfa_size_limit(Some(BUILD_BYTES)),
        )
        .build_many(regexes)
        .map_err(Box::new)
}

/// Describes a test in an error.
pub(super) fn describe(test: &TextTest) -> String {
    let whole = describe_all(test);
    match whole.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", whole.get(..end).unwrap_or_default()),
        None => whole,
    }
}

fn describe_all(test: &TextTest) -> String {
    let join = |inner: &[TextTest], with: &str| {
        let all: Vec<String> = inner.iter().map(describe_all).collect();
        format!("({})", all.join(with))
    };
    let call = |name: &str, bytes: &[u8]| format!("{name}(\"{}\")", escape::name(bytes));
    match test {
        TextTest::Not(inner) => format!("!{}", describe_all(inner)),
        TextTest::And(inner) => join(inner, " && "),
        TextTest::Or(inner) => join(inner, " || "),
        TextTest::In(texts) => {
            let all: Vec<String> = texts
                .iter()
                .take(SHOWN)
                .map(|bytes| format!("\"{}\"", escape::name(bytes)))
                .collect();
            format!("in [{}]", all.join(", "))
        }
        TextTest::StartsWith(bytes) => call("startsWith", bytes),
        TextTest::EndsWith(bytes) => call("endsWith", bytes),
        TextTest::Contains(bytes) => call("contains", bytes),
        TextTest::Matches(regex) => call("matches", regex.as_bytes()),
        TextTest::Network(networks) => {
            let all: Vec<String> = networks
                .iter()
                .take(SHOWN)
                .map(|(address, bits)| format!("{address}/{bits}"))
                .collect();
            format!("in networks {}", all.join(", "))
        }
    }
}
