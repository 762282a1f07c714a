// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The paths and names on docs/adding.md: each path exists, and the file of "`name` in `path`" defines the name.

use std::path::{Path, PathBuf};

use regex_lite::Regex;

/// Folders in which the full paths of the page begin. A short path lies in the folder of the full path before it.
const ROOTS: [&str; 6] = ["bpf/", "crates/", "docs/", "rules/", "tests/", "xtask/"];

/// A path of the page, and the names that the page says are in it.
struct Mention<'p> {
    names: Vec<&'p str>,
    path: &'p str,
}

/// True for the path of a file or folder. `*` and `…` stand for several, `VERB` for a name to choose.
fn is_path(code: &str) -> bool {
    let ends = [".rs", ".c", ".h", ".txt", ".tsv"];
    (ROOTS.iter().any(|root| code.starts_with(root)) || ends.iter().any(|end| code.ends_with(end)))
        && !["*", "…", "VERB"].iter().any(|other| code.contains(other))
}

/// Returns the paths of a page in order. The names in "`a`, `b` and `c` in `path`" belong to the path, and so do those in
/// "`a` there" after it.
fn mentions(page: &str) -> Vec<Mention<'_>> {
    let mut out: Vec<Mention<'_>> = Vec::new();
    let mut names = Vec::new();
    // Words and code alternate.
    let pieces: Vec<&str> = page.split('`').collect();
    for pair in pieces.chunks(2) {
        let [words, code @ ..] = pair else { continue };
        let words: Vec<&str> = words.split_whitespace().collect();
        let first = words
            .first()
            .map_or("", |word| word.trim_end_matches([',', ';', ':', '.']));
        if let ("there", Some(before)) = (first, out.last()) {
            let path = before.path;
            out.push(Mention {
                names: std::mem::take(&mut names),
                path,
            });
        }
        match code {
            [path] if is_path(path) => {
                let found = std::mem::take(&mut names);
                let names = if words == ["in"] { found } else { Vec::new() };
                out.push(Mention { names, path });
            }
            [name] => {
                if !matches!(&*words, ["," | "and" | "or"] | [",", "and" | "or"]) {
                    names.clear();
                }
                names.push(name);
            }
            _ => {}
        }
    }
    out
}

/// True if a source file defines the name: `ops()`, `Map::decided`, `enum ambit_op`, `KEPT`.
fn defines(path: &Path, text: &str, name: &str) -> bool {
    let name = name.trim_end_matches("()");
    let name = name.rsplit([':', ' ']).next().unwrap_or(name);
    let name = regex_lite::escape(name);
    let definition = if path.extension().is_some_and(|end| end == "rs") {
        // The second one is an enum of `wire_enum!`.
        format!(
            r"\b(fn|const|static|enum|struct|trait|type|macro_rules!) {name}\b|^ +{name}: u\d+, "
        )
    } else {
        // A macro, a type, and a function, whose line begins with its type.
        format!(r"^#define {name}\b|^(enum|struct) {name} \{{|^\w[^;={{\n]*\b{name}\(")
    };
    Regex::new(&format!("(?m){definition}")).is_ok_and(|regex| regex.is_match(text))
}

/// Returns a line for each path that is missing and each name that its file does not define. `read` returns the text of a
/// file, an empty text for a folder, and `None` if there is neither.
fn wrong(page: &str, read: impl Fn(&Path) -> Option<String>) -> Vec<String> {
    let mut out = Vec::new();
    let mut folder = PathBuf::new();
    for Mention { names, path } in mentions(page) {
        let full = if ROOTS.iter().any(|root| path.starts_with(root)) {
            folder = PathBuf::from(path);
            if folder.extension().is_some() {
                folder.pop();
            }
            PathBuf::from(path)
        } else {
            folder.join(path)
        };
        let Some(text) = read(&full) else {
            out.push(format!("{}: no such file", full.display()));
            continue;
        };
        let missing = names
            .into_iter()
            .filter(|name| !defines(&full, &text, name));
        out.extend(missing.map(|name| format!("{}: no definition of `{name}`", full.display())));
    }
    out
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::paths;

    #[test]
    fn every_path_of_the_page_exists_and_defines_the_names_before_it() {
        let read = |path: &Path| {
            let full = paths::workspace().join(path);
            if full.is_dir() {
                return Some(String::new());
            }
            fs::read_to_string(full).ok()
        };
        let page = read(Path::new("docs/adding.md")).unwrap();
        let named: usize = mentions(&page).iter().map(|one| one.names.len()).sum();
        assert!(named > 100, "only {named} names");
        let wrong = wrong(&page, read);
        assert!(wrong.is_empty(), "docs/adding.md:\n{}", wrong.join("\n"));
    }

    #[test]
    fn a_name_that_has_moved_and_a_path_that_is_gone_are_reported() {
        let read = |path: &Path| {
            let lines: &[&str] = match path.to_str().unwrap() {
                "crates/x/src" => &[],
                "crates/x/src/a.rs" => &[
                    "use b::moved;",
                    "pub(crate) const fn stays() {",
                    "    moved();",
                    "}",
                    "wire_enum! {",
                    "    Op: u16, \"operation\" {",
                ],
                "crates/x/src/b/c.rs" => &["const MANY: [u8; 2] = [0, 0];", "fn longer() {}"],
                "bpf/x.bpf.c" => &[
                    "#define MANY 2",
                    "enum kind {",
                    "static int done(struct slot *slot)",
                    "{",
                    "\tcalled(slot);",
                    "}",
                ],
                _ => return None,
            };
            Some(lines.join("\n"))
        };
        let page = [
            "1. `stays()`, `A::moved` and `Op` in `crates/x/src/a.rs`: `other` of it, `also` there, then `MANY` in",
            "   `b/c.rs`. `longer` or `long` there, and `gone.rs` beside it; `crates/x/src`.",
            "2. `MANY`, `enum kind`, `done`, `struct slot` or `called` in `bpf/x.bpf.c`; `bpf/*.h` and `crates/VERB.rs`.",
            "3. `rules/gone`",
        ];
        assert_eq!(
            wrong(&page.join("\n"), read),
            [
                "crates/x/src/a.rs: no definition of `A::moved`",
                "crates/x/src/a.rs: no definition of `also`",
                "crates/x/src/b/c.rs: no definition of `long`",
                "crates/x/src/gone.rs: no such file",
                "bpf/x.bpf.c: no definition of `struct slot`",
                "bpf/x.bpf.c: no definition of `called`",
                "rules/gone: no such file",
            ]
        );
    }
}
