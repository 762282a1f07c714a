// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cargo xtask prose`: counts phrases that make comments, documents and messages hard to read.
//!
//! A phrase that is counted is a place to look, not a mistake: docs/writing.md has the rules. The test keeps the numbers
//! from growing: each file may have as many markers as `prose.tsv` allows it, a new file none.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::ops::AddAssign;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use proc_macro2::{TokenStream, TokenTree};
use regex_lite::Regex;

use super::{files, relative};
use crate::paths;

const MARKERS: &str = include_str!("markers.tsv");
const ALLOWED: &str = "xtask/src/house/prose.tsv";
/// Strings of fewer words are names and formats, not messages.
const MESSAGE_WORDS: usize = 3;

/// Options of `cargo xtask prose`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Print each place, and what to write instead
    #[arg(long)]
    list: bool,
    /// Lower the counts that the test allows to today's
    #[arg(long)]
    lower: bool,
    /// Only files whose path starts with one of these
    paths: Vec<String>,
}

pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    let sieve = Sieve::new()?;
    let mut groups: BTreeMap<String, Tally> = BTreeMap::new();
    let mut counts = BTreeMap::new();
    let mut out = String::new();
    for text in texts()? {
        let of_file = sieve.tally(&text);
        *groups.entry(group(&text.path, text.kind)).or_default() += of_file;
        *counts.entry(text.path.clone()).or_insert(0) += of_file.markers;
        let wanted =
            args.paths.is_empty() || args.paths.iter().any(|path| text.path.starts_with(path));
        if args.list && wanted {
            for (line, phrase, advice) in sieve.places(&text) {
                let _ = writeln!(out, "{}:{line}: `{phrase}`: {advice}", text.path);
            }
        }
    }
    let mut rows: Vec<(String, Tally)> = groups.into_iter().collect();
    rows.sort_by(|(_, a), (_, b)| b.rate().total_cmp(&a.rate()));
    for (name, tally) in rows {
        let _ = writeln!(
            out,
            "{:5.1} per 1,000 words  {:5} of {:6}  {name}",
            tally.rate(),
            tally.markers,
            tally.words
        );
    }
    print!("{out}");
    if args.lower {
        lower(&counts)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the smaller one of the allowed and today's count for each file; files without markers have no line.
fn lower(counts: &BTreeMap<String, usize>) -> Result<()> {
    let path = paths::workspace().join(ALLOWED);
    let old = allowed(&fs::read_to_string(&path).unwrap_or_default());
    let mut text =
        "# Markers that each file may have; `cargo xtask prose --lower` lowers them.\n".to_owned();
    for (file, count) in counts.iter().filter(|(_, count)| **count > 0) {
        let count = old.get(file).map_or(*count, |old| *old.min(count));
        let _ = writeln!(text, "{count}\t{file}");
    }
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn allowed(text: &str) -> BTreeMap<String, usize> {
    text.lines()
        .filter_map(|line| {
            let (count, file) = line.split_once('\t')?;
            Some((file.to_owned(), count.parse().ok()?))
        })
        .collect()
}

/// Where prose stands in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Document,
    Comment,
    Message,
}

/// The prose of one kind in one file, by line.
struct Text {
    path: String,
    kind: Kind,
    lines: Vec<(usize, String)>,
}

#[derive(Clone, Copy, Default)]
struct Tally {
    markers: usize,
    words: usize,
}

impl Tally {
    /// Markers per 1,000 words.
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of words, far below 2^52"
    )]
    fn rate(self) -> f64 {
        1000.0 * self.markers as f64 / self.words.max(1) as f64
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.markers += other.markers;
        self.words += other.words;
    }
}

/// Returns the part of the tree that a bar holds for: a document, a crate's comments, all messages of a crate.
fn group(path: &str, kind: Kind) -> String {
    let parts: Vec<&str> = path.split('/').collect();
    let folder = match parts.as_slice() {
        ["docs", "adr", ..] => "docs/adr".to_owned(),
        [top @ ("crates" | "docs" | "tests"), name, ..] => format!("{top}/{name}"),
        [top, ..] => (*top).to_owned(),
        [] => String::new(),
    };
    match kind {
        Kind::Message => format!("{folder} (messages)"),
        _ => folder,
    }
}

/// The compiled markers.
struct Sieve {
    markers: Vec<(Regex, &'static str)>,
}

impl Sieve {
    fn new() -> Result<Self> {
        let lines = MARKERS.lines().filter(|line| !line.starts_with('#'));
        let markers = lines
            .filter_map(|line| line.split_once('\t'))
            .map(|(pattern, advice)| Ok((Regex::new(&format!("(?i){pattern}"))?, advice)))
            .collect::<Result<_>>()
            .context("cannot compile the markers")?;
        Ok(Self { markers })
    }

    /// Counts markers and words.
    fn tally(&self, text: &Text) -> Tally {
        let count = |line: &str| -> usize {
            self.markers
                .iter()
                .map(|(marker, _)| marker.find_iter(line).count())
                .sum()
        };
        Tally {
            markers: text.lines.iter().map(|(_, line)| count(line)).sum(),
            words: text
                .lines
                .iter()
                .map(|(_, line)| line.split_whitespace().count())
                .sum(),
        }
    }

    /// Returns line, phrase and advice of each marker.
    fn places(&self, text: &Text) -> Vec<(usize, String, &'static str)> {
        let mut places = Vec::new();
        for (number, line) in &text.lines {
            for (marker, advice) in &self.markers {
                places.extend(
                    marker
                        .find_iter(line)
                        .map(|found| (*number, found.as_str().trim().to_owned(), *advice)),
                );
            }
        }
        places
    }
}

/// Returns all prose of the project.
fn texts() -> Result<Vec<Text>> {
    let endings = [".rs", ".c", ".h", ".sh", ".yaml", ".toml", ".md", ".txt"];
    let mut texts = Vec::new();
    for path in files(".", &endings)? {
        let name = relative(&path).trim_start_matches("./").to_owned();
        // Data of tests is no prose of ours.
        if name.contains("proptest-regressions") || name.contains("/snapshots/") {
            continue;
        }
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {name}"))?;
        texts.extend(split(&name, &text)?);
    }
    Ok(texts)
}

fn split(name: &str, text: &str) -> Result<Vec<Text>> {
    let of = |kind, lines: Vec<(usize, String)>| Text {
        path: name.to_owned(),
        kind,
        lines: lines
            .into_iter()
            .map(|(number, line)| (number, without_code(&line)))
            .collect(),
    };
    let numbered = || {
        text.lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
    };
    let ending = Path::new(name)
        .extension()
        .unwrap_or_default()
        .to_string_lossy();
    let marks: &[&str] = match &*ending {
        "md" | "txt" => {
            let lines = numbered()
                .map(|(number, line)| (number, line.to_owned()))
                .collect();
            return Ok(vec![of(Kind::Document, lines)]);
        }
        "rs" => &["///", "//!", "//"],
        "c" | "h" => &["/**", "/*", "*/", "*", "//"],
        _ => &["#", "title:"],
    };
    let comments = numbered()
        .filter_map(|(number, line)| {
            let line = line.trim_start();
            let rest = marks.iter().find_map(|mark| line.strip_prefix(mark))?;
            (!rest.trim_start().starts_with("SPDX")).then(|| (number, rest.trim().to_owned()))
        })
        .collect();
    let mut parts = vec![of(Kind::Comment, comments)];
    if ending == "rs" && !name.contains("/tests/") && !name.contains("/benches/") {
        let tokens: TokenStream = text
            .parse()
            .map_err(|error| anyhow::anyhow!("cannot read {name} as Rust: {error}"))?;
        let mut lines = Vec::new();
        messages(tokens, &mut lines);
        parts.push(of(Kind::Message, lines));
    }
    Ok(parts)
}

/// Returns a line without its spans of inline code, which are quoted and not written by us.
fn without_code(line: &str) -> String {
    let parts: Vec<&str> = line.split('`').collect();
    // An unpaired backtick begins no span.
    if parts.len().is_multiple_of(2) {
        return line.to_owned();
    }
    parts.into_iter().step_by(2).collect::<Vec<_>>().join("``")
}

/// Collects string literals that are sentences; documentation and modules of tests are left out.
fn messages(tokens: TokenStream, found: &mut Vec<(usize, String)>) {
    let mut after_test_attribute = false;
    let mut in_doc = false;
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let text = group.stream().to_string();
                let skip =
                    after_test_attribute && group.delimiter() == proc_macro2::Delimiter::Brace;
                if text.replace(' ', "") == "cfg(test)" {
                    after_test_attribute = true;
                } else if skip {
                    after_test_attribute = false;
                } else {
                    messages(group.stream(), found);
                }
            }
            TokenTree::Ident(ident) => in_doc = ident == "doc",
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                if !in_doc
                    && text.starts_with(['"', 'r'])
                    && text.split_whitespace().count() >= MESSAGE_WORDS
                {
                    found.push((literal.span().start().line, text));
                }
            }
            TokenTree::Punct(punct) => {
                if punct.as_char() == ';' {
                    after_test_attribute = false;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Markers per 1,000 words that a document, and the messages of a crate, may have at most.
    const BAR_DOCUMENT: f64 = 3.0;
    /// The same for the comments of a crate.
    const BAR_COMMENTS: f64 = 5.0;
    /// Of a group with fewer words, one marker says nothing.
    const WORDS_LEAST: usize = 300;

    #[test]
    fn no_file_has_more_markers_than_it_is_allowed() {
        let sieve = Sieve::new().unwrap();
        let allowed = allowed(include_str!("prose.tsv"));
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for text in texts().unwrap() {
            let places = sieve.places(&text).into_iter();
            let lines = places.map(|(line, phrase, advice)| {
                format!("  {}:{line}: `{phrase}`: {advice}", text.path)
            });
            found.entry(text.path.clone()).or_default().extend(lines);
        }
        let grown: Vec<String> = found
            .into_iter()
            .filter_map(|(file, lines)| {
                let most = allowed.get(&file).copied().unwrap_or(0);
                let head = format!("{file} has {} markers, {most} are allowed", lines.len());
                (lines.len() > most).then(|| format!("{head}:\n{}", lines.join("\n")))
            })
            .collect();
        assert!(
            grown.is_empty(),
            "rewrite these (docs/writing.md):\n{}",
            grown.join("\n")
        );
    }

    #[test]
    fn documents_messages_and_comments_stay_below_their_bars() {
        let sieve = Sieve::new().unwrap();
        let mut groups: BTreeMap<String, (Tally, f64)> = BTreeMap::new();
        for text in texts().unwrap() {
            let bar = if text.kind == Kind::Comment {
                BAR_COMMENTS
            } else {
                BAR_DOCUMENT
            };
            let name = group(&text.path, text.kind);
            let entry = groups.entry(name).or_insert((Tally::default(), bar));
            entry.0 += sieve.tally(&text);
        }
        let above: Vec<String> = groups
            .iter()
            .filter(|(_, (tally, bar))| tally.words >= WORDS_LEAST && tally.rate() > *bar)
            .map(|(name, (tally, bar))| {
                format!("  {name}: {:.1} per 1,000 words, bar {bar}", tally.rate())
            })
            .collect();
        assert!(
            above.is_empty(),
            "too many markers (cargo xtask prose --list PATH):\n{}",
            above.join("\n")
        );
    }

    #[test]
    fn messages_and_comments_are_counted_and_code_is_not() {
        let text = "// whoever reads\nfn whoever() { f(\"whoever reads this\", \"whoever\") }\n\
                    #[cfg(test)]\nmod tests { const A: &str = \"whoever reads this\"; }\n";
        let sieve = Sieve::new().unwrap();
        let parts = split("a.rs", text).unwrap();
        let counts: Vec<usize> = parts.iter().map(|part| sieve.tally(part).markers).collect();
        assert_eq!(counts, [1, 1]);
        assert_eq!(sieve.places(&parts[1])[0].0, 2);
    }
}
