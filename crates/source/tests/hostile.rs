// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Reading any file ends, places are in the file, and errors are safe to display on a terminal.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use ambit_event::escape;
use ambit_source::yaml::{self, Limits, Node, Value, YamlError};
use ambit_source::{Collector, Excerpts, FileErrors, KEPT, Place, Problem, within};
use proptest::prelude::*;

const LIMITS: Limits = Limits {
    bytes: 1024 * 1024,
    depth: 8,
};

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Wrong(String);

impl Problem for Wrong {
    fn help(&self) -> Option<String> {
        Some(format!("not {}", self.0))
    }
}

/// The errors that a caller would report: one for the file, or one for each scalar.
fn errors(name: &str, text: &str) -> FileErrors<Wrong> {
    fn scalars(node: &Node<'_>, errors: &mut Collector<'_, Wrong>) {
        match &node.value {
            Value::Scalar(text, _) => {
                errors.add_within(node, &(0..text.len()), Wrong(text.to_string()));
            }
            Value::Sequence(items) => items.iter().for_each(|item| scalars(item, errors)),
            Value::Mapping(pairs) => {
                for (key, value) in pairs {
                    scalars(key, errors);
                    scalars(value, errors);
                }
            }
        }
    }
    let mut errors = Collector::new(text);
    match yaml::document(text, LIMITS) {
        Ok(root) => scalars(&root, &mut errors),
        Err((place, error)) => errors.add(place, Wrong(error.to_string())),
    }
    errors.finish(name)
}

fn error(text: &str) -> (Place, YamlError) {
    yaml::document(text, LIMITS).expect_err("must be refused")
}

fn is_safe(shown: &str) -> bool {
    shown
        .lines()
        .all(|line| !line.chars().any(escape::is_hidden))
}

/// Text in which YAML's own characters, blanks and hidden characters are frequent.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-c]{1,3}",
        Just(": ".to_owned()),
        Just("\n".to_owned()),
        Just("\n  ".to_owned()),
        Just("- ".to_owned()),
        Just("\r".to_owned()),
        Just("\r\n".to_owned()),
        "[\"'|>&*!#%{}\\[\\],?\\\\\t]",
        any::<char>().prop_map(String::from),
        Just("\u{202e}\u{1b}[2J".to_owned()),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn shows_no_hidden_character(name in texts(), text in texts()) {
        let shown = errors(&name, &text).to_string();
        prop_assert!(is_safe(&shown), "{:?}", shown);
    }

    #[test]
    fn reports_places_in_the_file(text in texts()) {
        // The parser counts a lone carriage return as the end of a line, an editor does not.
        let text = text.replace('\r', "");
        let lines = text.lines().count();
        for error in errors("file", &text).errors() {
            prop_assert!((1..=lines + 1).contains(&error.line), "line {} of {}", error.line, lines);
            prop_assert!(error.width >= 1 || error.excerpt.as_ref().is_some_and(|excerpt| excerpt.as_str().is_empty()));
        }
    }

    #[test]
    fn finds_the_place_of_any_bytes(text in texts(), from in 0..40usize, to in 0..40usize) {
        if let Ok(root) = yaml::document(&text, LIMITS) {
            let place = within(&text, &root, &(from..to));
            let is_scalar = root.scalar().is_some();
            prop_assert!(place.width >= 1 || !is_scalar);
            prop_assert!(is_scalar || place == root.place);
        }
    }

    #[test]
    fn decodes_any_bytes_or_reports_where_they_end(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        match yaml::decode(&bytes, LIMITS) {
            Ok(text) => prop_assert_eq!(text.as_bytes(), bytes.as_slice()),
            Err(refused) => {
                prop_assert!(bytes.starts_with(refused.valid.as_bytes()));
                prop_assert!(refused.place.line <= refused.valid.lines().count() + 1);
            }
        }
    }
}

/// The one error of a file, displayed.
fn shown(text: &str, place: Place) -> String {
    let mut errors = Collector::new(text);
    errors.add(place, Wrong("wrong".to_owned()));
    errors.finish("a.yaml").to_string()
}

#[test]
fn shows_line_column_marker_and_help() {
    let place = Place {
        line: 2,
        column: 3,
        width: 4,
    };
    assert_eq!(
        shown("a: 1\nb: 2345\n", place),
        "error: wrong\n --> a.yaml:2:4\n  |\n2 | b: 2345\n  |    ^^^^ help: not wrong"
    );
}

/// A place on line 1.
fn column(column: usize, width: usize) -> Place {
    Place {
        line: 1,
        column,
        width,
    }
}

#[test]
fn keeps_and_shows_a_long_line_only_around_the_error() {
    let line = format!("{}ERROR{}", "x".repeat(1_000_000), "y".repeat(1_000_000));
    let mut errors = Collector::new(&line);
    errors.add(column(1_000_000, 5), Wrong("wrong".to_owned()));
    let errors = errors.finish("a.yaml");
    let kept = errors.errors()[0].excerpt.as_ref().unwrap().as_str();
    let (before, behind) = ("x".repeat(60), "y".repeat(60));
    assert_eq!(kept, format!("{before}ERROR{behind}"));
    assert_eq!(errors.errors()[0].marked(), "ERROR");
    let shown = errors.to_string();
    let marker = format!("{}^^^^^ help", " ".repeat(61));
    assert!(
        shown.ends_with(&format!(
            "1 | …{before}ERROR{behind}…\n  | {marker}: not wrong"
        )),
        "{shown}"
    );
    // An error that is long itself is shown in part.
    let shown = self::shown(&line, column(500_000, 1_500_005));
    assert!(shown.len() < 1000, "{} bytes", shown.len());
    assert!(shown.contains(&"^".repeat(120)) && !shown.contains(&"^".repeat(121)));
}

#[test]
fn takes_many_excerpts_of_one_huge_line_in_one_pass() {
    // 4 MiB with a place at every word: copying the line for each would take terabytes.
    let line = "word ".repeat(800_000);
    let mut excerpts = Excerpts::new(&line);
    let mut bytes = 0;
    for word in 0..800_000 {
        let excerpt = excerpts.at(column(word * 5, 4));
        assert!(excerpt.as_str().contains("word"));
        bytes += excerpt.as_str().len();
    }
    assert!(bytes <= 800_000 * 124, "{bytes} bytes");
}

#[test]
fn takes_excerpts_at_the_ends_of_lines_and_of_the_text() {
    let text = "one\n\u{e9}\u{1f980}three\n";
    let mut excerpts = Excerpts::new(text);
    let mut at = |line, column| {
        let width = 1;
        let place = Place {
            line,
            column,
            width,
        };
        excerpts.at(place).as_str().to_owned()
    };
    assert_eq!(at(1, 3), "one");
    assert_eq!(at(2, 1), "\u{e9}\u{1f980}three");
    assert_eq!(at(2, 99), "");
    assert_eq!(at(2, 0), "", "places must ascend");
    assert_eq!(at(3, 0), "");
    assert_eq!(at(9, 9), "");
}

#[test]
fn marks_escaped_characters_in_their_full_width() {
    let place = Place {
        line: 1,
        column: 1,
        width: 1,
    };
    let shown = shown("a\u{1b}b", place);
    assert!(shown.contains("1 | a\\x1bb\n  |  ^^^^ help"), "{shown}");
}

#[test]
fn keeps_some_errors_and_counts_the_rest() {
    let text = "- a\n".repeat(KEPT + 5);
    let errors = errors("file", &text);
    assert_eq!((errors.errors().len(), errors.more()), (KEPT, 5));
    assert!(errors.to_string().ends_with("and 5 more errors in file"));
}

#[test]
fn limits_the_errors_of_each_file_and_sorts_them_by_file_and_place() {
    let many = |count: usize| "- a\n".repeat(count);
    let mut all = errors("b", &many(KEPT + 1));
    all.append(errors("a", &many(2)));
    all.append(errors("b", &many(3)));
    all.sort(&["a", "b"]);
    assert_eq!((all.errors().len(), all.more()), (KEPT + 2, 4));
    let places: Vec<_> = all
        .errors()
        .iter()
        .map(|error| (&*error.file, error.line))
        .collect();
    assert_eq!(places[..4], [("a", 1), ("a", 2), ("b", 1), ("b", 1)]);
    assert!(all.to_string().ends_with("\n\nand 4 more errors in b"));
    let one = errors("\u{1b}", &many(KEPT + 1)).to_string();
    assert!(one.ends_with("\n\nand 1 more error in \\x1b"), "{one}");
}

#[test]
fn rejects_what_could_grow_or_nest_without_end() {
    assert_eq!(
        error("a: &x 1\nb: 2\n").1.to_string(),
        "YAML anchors are not supported"
    );
    assert_eq!(
        error("a: !!int 1\n").1.to_string(),
        "YAML tags are not supported"
    );
    assert!(matches!(
        error("--- a\n--- b\n").1,
        YamlError::SecondDocument
    ));
    let deep = format!("{}{}", "[".repeat(9), "]".repeat(9));
    assert!(yaml::document(&deep, LIMITS).is_ok());
    let deeper = format!("{}{}", "[".repeat(10), "]".repeat(10));
    let (place, error) = error(&deeper);
    assert!(matches!(error, YamlError::TooDeep), "{error}");
    assert_eq!((place.line, place.column), (1, 9));
    let deepest = "[".repeat(500_000);
    assert!(yaml::document(&deepest, LIMITS).is_err());
}

#[test]
fn rejects_files_that_are_empty_too_large_or_not_text() {
    assert!(matches!(error("").1, YamlError::Empty));
    assert!(matches!(error("# nothing\n").1, YamlError::Empty));
    let large = " ".repeat(LIMITS.bytes + 1);
    assert_eq!(error(&large).1.to_string(), "the file is larger than 1 MiB");
    // The size is checked first: a reader that stops at the limit may cut a character in two.
    let cut = [large.as_bytes(), b"\xc3"].concat();
    let refused = yaml::decode(&cut, LIMITS).unwrap_err();
    assert!(matches!(refused.error, YamlError::TooLarge { .. }));
    let refused = yaml::decode(b"a: 1\nb: \xff", LIMITS).unwrap_err();
    assert!(matches!(refused.error, YamlError::NotUtf8));
    assert_eq!((refused.place.line, refused.place.column), (2, 3));
}

/// Finds `word` in the scalar of the one item of a list and returns the characters of the file at its place.
fn marked(text: &str, word: &str) -> String {
    let root = yaml::document(text, LIMITS).unwrap();
    let Value::Sequence(items) = &root.value else {
        panic!("not a list");
    };
    let scalar = items[0].scalar().unwrap();
    let start = scalar.find(word).unwrap();
    let place = within(text, &items[0], &(start..start + word.len()));
    let line = text.lines().nth(place.line - 1).unwrap();
    line.chars().skip(place.column).take(place.width).collect()
}

#[test]
fn finds_words_in_every_style_of_scalar() {
    assert_eq!(marked("- one two\n", "two"), "two");
    assert_eq!(marked("- 'it''s two'\n", "two"), "two");
    assert_eq!(marked("- \"\\x41\\u00e9 two\"\n", "two"), "two");
    assert_eq!(marked("- one\n   two\n", "two"), "two");
    assert_eq!(marked("- |\n  one\n  two\n", "two"), "two");
    assert_eq!(marked("- >\n  one\n  two three\n", "three"), "three");
    assert_eq!(marked("# \u{e9}\u{1f980}\n- \u{e9} two\n", "two"), "two");
}
