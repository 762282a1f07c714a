// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Errors in files, displayed as a compiler does: place, line, marker and help.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;

use ambit_event::escape;

use crate::excerpt::Excerpt;

/// The number of errors of a file that are kept; the others are only counted.
pub const KEPT: usize = 50;

/// An error of one kind of file.
pub trait Problem: Error + 'static {
    /// Returns a suggestion for a correction, if there is one.
    fn help(&self) -> Option<String>;

    /// The word before the message.
    fn label(&self) -> &'static str {
        "error"
    }
}

/// One error in a file.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct FileError<K: Problem> {
    /// The name of the file, as the caller gave it.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The number of characters of the line that the error is about.
    pub width: usize,
    /// The line; `None` if the error is about a value that was not read from a file.
    pub excerpt: Option<Excerpt>,
    /// The error.
    #[source]
    pub kind: K,
}

/// The errors of one or several files. Displayed as text for a terminal, with hidden characters escaped.
#[derive(Debug)]
pub struct FileErrors<K: Problem> {
    errors: Vec<FileError<K>>,
    /// Files with further errors, and how many.
    more: Vec<(String, usize)>,
}

impl<K: Problem> Default for FileErrors<K> {
    fn default() -> Self {
        Self {
            errors: Vec::new(),
            more: Vec::new(),
        }
    }
}

impl<K: Problem> FileErrors<K> {
    /// Keeps the first [`KEPT`] errors of each file, in the order given, and counts the others.
    pub fn new(errors: impl IntoIterator<Item = FileError<K>>) -> Self {
        let mut this = Self::default();
        let mut per_file: HashMap<String, usize> = HashMap::new();
        for error in errors {
            let count = match per_file.get_mut(&error.file) {
                Some(count) => count,
                None => per_file.entry(error.file.clone()).or_default(),
            };
            *count += 1;
            if *count > KEPT {
                this.count_more(&error.file, 1);
            } else {
                this.errors.push(error);
            }
        }
        this
    }

    /// Returns the errors that were kept.
    pub fn errors(&self) -> &[FileError<K>] {
        &self.errors
    }

    /// Returns the number of errors that were not kept.
    pub fn more(&self) -> usize {
        self.more.iter().map(|(_, count)| count).sum()
    }

    /// True if there are no errors.
    pub fn is_empty(&self) -> bool {
        self.errors.is_empty() && self.more.is_empty()
    }

    /// Adds errors of any file. [`Self::sort`] restores the limit for each file.
    pub fn append(&mut self, other: Self) {
        self.errors.extend(other.errors);
        for (file, count) in other.more {
            self.count_more(&file, count);
        }
    }

    /// Sorts the errors by file, in the order of `files`, then by place, and keeps the first [`KEPT`] of each file.
    pub fn sort(&mut self, files: &[&str]) {
        let order: HashMap<&str, usize> = files
            .iter()
            .enumerate()
            .map(|(index, name)| (*name, index))
            .collect();
        let file = |name: &str| order.get(name).copied().unwrap_or(usize::MAX);
        let mut errors = std::mem::take(&mut self.errors);
        errors.sort_by_key(|error| (file(&error.file), error.line, error.column));
        let sorted = Self::new(errors);
        self.append(sorted);
        self.more.sort_by_key(|(name, _)| file(name));
    }

    /// Counts errors of a file that are not kept.
    pub(crate) fn count_more(&mut self, file: &str, count: usize) {
        match self.more.iter_mut().find(|(name, _)| name == file) {
            _ if count == 0 => {}
            Some((_, more)) => *more += count,
            None => self.more.push((file.to_owned(), count)),
        }
    }
}

impl<K: Problem> Error for FileErrors<K> {}

impl<K: Problem> fmt::Display for FileErrors<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            error.show(f)?;
        }
        for (file, count) in &self.more {
            let label = self
                .errors
                .first()
                .map_or("error", |error| error.kind.label());
            let plural = if *count == 1 { "" } else { "s" };
            write!(
                f,
                "\n\nand {count} more {label}{plural} in {}",
                escape::line(file)
            )?;
        }
        Ok(())
    }
}

impl<K: Problem> FileError<K> {
    /// Returns the characters that the error is about, unescaped and at most 120 of them.
    pub fn marked(&self) -> &str {
        let column = self.column.saturating_sub(1);
        self.excerpt
            .as_ref()
            .map_or("", |excerpt| excerpt.parts(column, self.width)[1])
    }

    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, .. } = self;
        let file = escape::line(&self.file);
        let blank = " ".repeat(line.to_string().len());
        let help = self.kind.help().map(|help| escape::line(&help));
        let label = self.kind.label();
        writeln!(f, "{label}: {}", escape::line(&self.kind.to_string()))?;
        let Some(excerpt) = &self.excerpt else {
            write!(f, "{blank}--> {file}:{line}")?;
            return match help {
                Some(help) => write!(f, "\n{blank} = help: {help}"),
                None => Ok(()),
            };
        };
        let shown = excerpt.show(column.saturating_sub(1), self.width);
        writeln!(f, "{blank}--> {file}:{line}:{column}")?;
        writeln!(f, "{blank} |")?;
        writeln!(f, "{line} | {}", shown.text)?;
        let indent = " ".repeat(shown.before);
        write!(f, "{blank} | {indent}{}", "^".repeat(shown.within.max(1)))?;
        match help {
            Some(help) => write!(f, " help: {help}"),
            None => Ok(()),
        }
    }
}
