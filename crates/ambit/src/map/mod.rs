// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `ambit map`: verbs for map files. They need no privileges and no kernel part.

mod compact;
pub(crate) mod figures;
mod file;
mod generalize;
mod review;
mod seal;
mod status;
mod used;
mod view;

pub(crate) use compact::group_names;
pub(crate) use file::{MAP_MODE, read, read_reporting, read_with_text, target, write};
#[cfg(feature = "kernel")]
pub(crate) use file::{read_again, read_if_there};
#[cfg(feature = "kernel")]
pub(crate) use generalize::hint;
#[cfg(feature = "kernel")]
pub(crate) use review::hints;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use ambit_event::escape;
use ambit_model::{Map, Rule, Version, undecided};
use anyhow::{Context, anyhow};

use crate::exit::{Exit, Failure, OrExit, Outcome};
use crate::out::{Style, count, note, shown};
use crate::stdout::{json_line, print};

/// Check, show, compare, merge, generalise and review behaviour maps
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    /// Check maps, and show each error with its place
    Check {
        /// Maps to check; `-` is standard input
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Also report paths that are links on this machine
        #[arg(long)]
        host: bool,
    },
    /// Print a map in its canonical form
    Show {
        /// Map to print; `-` is standard input
        file: PathBuf,
        /// Print only this subject
        #[arg(long, value_name = "ID")]
        subject: Option<String>,
        /// Print all rules of each subject, without groups and implied lines left out (version 1 of the format)
        #[arg(long)]
        flat: bool,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    Compact(compact::Args),
    /// Show the lines that differ between two maps
    #[command(group = clap::ArgGroup::new("compared").args(["after", "used"]).required(true), override_usage = "ambit map diff [OPTIONS] <BEFORE> <AFTER>\n       ambit map diff [OPTIONS] <MAP> --used <FILE>...")]
    Diff {
        /// Old map; with --used, the only map
        before: PathBuf,
        /// New map
        after: Option<PathBuf>,
        /// Show the lines of the map that this recording did not use; may be repeated
        #[arg(long, value_name = "FILE")]
        used: Vec<PathBuf>,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
        /// Exit with status 1 if the maps differ
        #[arg(long)]
        exit_code: bool,
    },
    /// Merge maps into one that allows everything that any of them allows
    ///
    /// With -o, the figures of their learning runs are merged too.
    Merge {
        /// Maps of one domain
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Write to this file instead of standard output
        #[arg(short, long, value_name = "MAP")]
        output: Option<PathBuf>,
    },
    Generalize(Box<generalize::Args>),
    Review(review::Args),
    Status(status::Args),
    Seal(seal::Args),
    /// Print a map's digest, which is equal for all maps that allow the same
    Digest {
        /// Map to read; `-` is standard input
        file: PathBuf,
        /// Print the digest of the set of its points instead
        #[arg(long)]
        state: bool,
    },
}

pub(crate) fn main(verb: Verb) -> Result<Outcome, Failure> {
    match verb {
        Verb::Check { files, host } => check(&files, host),
        Verb::Show {
            file,
            subject,
            flat,
            json,
        } => {
            let mut map = read(&file)?;
            if flat {
                map.version = Version::One;
                map.groups.clear();
            }
            show(map, subject.as_deref(), json)
        }
        Verb::Compact(args) => compact::main(&args),
        Verb::Diff {
            before,
            after,
            used,
            json,
            exit_code,
        } => {
            let mut before = read(&before)?;
            let after = if let Some(after) = after {
                read(&after)?
            } else {
                let mut used = used::of(&before, &used)?;
                used.version = before.version;
                let used = used.without_implied();
                // A rule that another line implies is no line.
                before = before.without_implied();
                used
            };
            diff(&before, &after, json, exit_code)
        }
        Verb::Review(args) => review::main(&args),
        Verb::Status(args) => status::main(&args),
        Verb::Seal(args) => seal::main(&args),
        Verb::Merge { files, output } => merge(&files, output),
        Verb::Generalize(args) => generalize::main(&args),
        Verb::Digest { file, state } => {
            let map = read(&file)?;
            let figure = if state { map.state() } else { map.digest() };
            print(&format!("sha256:{}\n", hex::encode(figure)))
        }
    }
}

/// Removes the seal of a map that allows other rules than before, and says so. A seal that was broken before stays, and
/// reports that the map was changed.
pub(crate) fn unseal(before: &Map, after: &mut Map, name: &str) {
    if before.is_sealed() && before.digest() != after.digest() && after.sealed.take().is_some() {
        note!("{name} is not sealed any more, because it now allows more");
    }
}

/// Prints a map with its comments. On a terminal, characters that could change it are escaped; a file gets what the person
/// wrote.
pub(crate) fn print_map(text: &str) -> Result<Outcome, Failure> {
    if std::io::stdout().is_terminal() {
        print(&for_terminal(text))
    } else {
        print(text)
    }
}

fn for_terminal(text: &str) -> String {
    text.lines().map(|line| escape::line(line) + "\n").collect()
}

fn check(files: &[PathBuf], host: bool) -> Result<Outcome, Failure> {
    let style = Style::stdout();
    let mut exit = Exit::Success;
    for path in files {
        match read_reporting(path, host) {
            Ok(map) => {
                print(&format!(
                    "{}: {}: {}\n",
                    shown(path),
                    style.green("ok"),
                    summary(&map)
                ))?;
                if let Some(warning) = undecided(&map) {
                    note!("{}: {warning}", shown(path));
                }
            }
            Err(failure) => {
                failure.report();
                exit = Exit::Usage;
            }
        }
    }
    Ok(Outcome::Exit(exit))
}

fn summary(map: &Map) -> String {
    let mut text = format!(
        "{}, {}, sha256:{}",
        count(map.subjects.len(), "subject"),
        count(map.rule_count(), "rule"),
        hex::encode(map.digest())
    );
    if let Some(number) = map.incomplete {
        let _ = write!(text, " (incomplete: {number} not learned)");
    }
    if map.is_sealed() {
        text.push_str(", sealed");
    } else if map.is_seal_broken() {
        text.push_str(", changed since it was sealed");
    }
    text
}

fn show(mut map: Map, subject: Option<&str>, json: bool) -> Result<Outcome, Failure> {
    known_subject(&map, subject)?;
    if let Some(id) = subject {
        map.subjects.retain(|_, entry| entry.id == id);
        // It is the digest of the whole map.
        map.sealed = None;
        let used = |rules: &BTreeSet<Rule>| map.subjects.values().any(|entry| entry.uses(rules));
        map.groups.retain(|_, rules| used(rules));
    }
    if json {
        return print(&json_line(&view::View::of(&map))?);
    }
    print_map(&map.to_string())
}

/// Returns an error if the map has no subject with this id.
fn known_subject(map: &Map, id: Option<&str>) -> Result<(), Failure> {
    let Some(id) = id.filter(|id| map.by_id(id).is_none()) else {
        return Ok(());
    };
    let known: Vec<String> = map
        .subjects
        .values()
        .map(|entry| escape::line(&entry.id))
        .collect();
    Err(Failure::usage(anyhow!(
        "the map has no subject `{}`; its subjects are {}",
        escape::line(id),
        known.join(", ")
    )))
}

fn diff(before: &Map, after: &Map, json: bool, exit_code: bool) -> Result<Outcome, Failure> {
    let diff = before.diff(after);
    if json {
        print(&json_line(&diff)?)?;
    } else {
        print(&painted(&diff.to_string(), Style::stdout()))?;
    }
    Ok(Outcome::Exit(if exit_code && !diff.is_empty() {
        Exit::Usage
    } else {
        Exit::Success
    }))
}

/// Colours added lines green and removed lines red.
pub(crate) fn painted(diff: &str, style: Style) -> String {
    diff.lines()
        .map(|line| match line.as_bytes().first() {
            Some(b'+') => style.green(line) + "\n",
            Some(b'-') => style.red(line) + "\n",
            _ => format!("{line}\n"),
        })
        .collect()
}

fn merge(paths: &[PathBuf], output: Option<PathBuf>) -> Result<Outcome, Failure> {
    let mut merged: Option<Map> = None;
    for path in paths {
        merged = Some(add(merged, read(path)?, path)?);
    }
    let merged = merged.map(|mut map| {
        map.regroup(&group_names());
        map.to_string()
    });
    let text = merged.unwrap_or_default();
    let figures = figures::of_all(paths)?;
    let Some(path) = output else {
        return print_map(&text);
    };
    let target = target(&path, "map")?;
    write(&target, &text)?;
    if let Some(figures) = figures {
        figures::write(&target, &figures)
            .with_context(|| format!("writing {}", shown(figures::path(&path))))
            .or_exit(Exit::Trouble)?;
    }
    Ok(Outcome::SUCCESS)
}

/// Merges a map into the merged maps before it.
fn add(merged: Option<Map>, mut map: Map, path: &Path) -> Result<Map, Failure> {
    match merged {
        None => {
            map.normalise();
            Ok(map)
        }
        Some(before) => before
            .merge(&map)
            .with_context(|| format!("merging {}", shown(path)))
            .or_exit(Exit::Usage),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_in_comments_do_not_reach_a_terminal() {
        let text = "domain: web # \u{1b}]0;title\u{7} and \u{202e}more\n# \ttab\n";
        assert_eq!(
            for_terminal(text),
            "domain: web # \\x1b]0;title\\x07 and \\xe2\\x80\\xaemore\n# \\x09tab\n"
        );
    }

    #[test]
    fn a_seal_is_removed_only_if_it_was_whole_and_the_map_allows_more() {
        let text = "ambit: 1\ndomain: web\nchain: 2\nsubjects:\n  - id: a\n    exe: /bin/a\n    allow:\n      - file.open r /x\n";
        let mut sealed = Map::parse(text, "map").unwrap_or_else(|errors| panic!("{errors}"));
        sealed.sealed = Some(sealed.digest());
        let mut same = sealed.clone();
        unseal(&sealed, &mut same, "map");
        assert!(same.is_sealed());
        let more = text.replace("/x", "/y");
        let mut more = Map::parse(&more, "map").unwrap_or_else(|errors| panic!("{errors}"));
        more.sealed = sealed.sealed;
        let broken = more.clone();
        unseal(&sealed, &mut more, "map");
        assert_eq!(more.sealed, None);
        let mut other = sealed.clone();
        other.sealed = broken.sealed;
        unseal(&broken, &mut other, "map");
        assert!(other.sealed.is_some());
    }
}
