// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The paths that the conditions of a rule file contain, for checks against a machine.

use ambit_event::canonical::acts_on_links;
use ambit_source::yaml::{self, Node, Value};
use ambit_source::{Collector, End, Written};
use regex_syntax::hir::{Hir, HirKind, Look};

use super::error::RuleErrorKind;
use super::read::LIMITS;
use super::rule::operations;
use crate::cel::{self, Comparison, Expr, ExprKind, Span};

/// Returns the paths of a file's conditions. A file with errors may have fewer.
pub fn paths(text: &str) -> Vec<Written> {
    let mut places = Collector::<RuleErrorKind>::new(text);
    let mut written = Vec::new();
    let Ok(root) = yaml::document(text, LIMITS) else {
        return written;
    };
    for (owner, rule) in rules(&root).iter().enumerate() {
        let (Some(on), Some(node)) = (value(rule, "on"), value(rule, "when")) else {
            continue;
        };
        let Some(expr) = node.scalar().and_then(|text| cel::parse(text).ok()) else {
            continue;
        };
        let on = operations(on, &mut Collector::new("")).unwrap_or_default();
        let acts_on_links = on.into_iter().any(acts_on_links);
        let mut found = Vec::new();
        tests(&expr, None, &mut found);
        for Found {
            field,
            bytes,
            open,
            is_expression,
            span,
        } in found
        {
            let end = match field {
                _ if open => End::Open,
                Field::Object if acts_on_links => End::Itself,
                _ => End::Followed,
            };
            written.push(Written {
                place: places.place(node, &span),
                owner,
                path: known(&bytes),
                text: bytes,
                is_expression,
                end,
            });
        }
    }
    written
}

fn rules<'n, 'a>(root: &'n Node<'a>) -> &'n [Node<'a>] {
    match value(root, "rules").map(|node| &node.value) {
        Some(Value::Sequence(items)) => items,
        _ => &[],
    }
}

fn value<'n, 'a>(node: &'n Node<'a>, name: &str) -> Option<&'n Node<'a>> {
    let Value::Mapping(pairs) = &node.value else {
        return None;
    };
    let pair = pairs.iter().find(|(key, _)| key.scalar() == Some(name));
    pair.map(|(_, value)| value)
}

/// Returns a path up to its first marker: what a machine can be asked for.
fn known(bytes: &[u8]) -> Vec<u8> {
    let known = bytes.split(|byte| *byte == b'{').next();
    known.unwrap_or_default().to_vec()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Object,
    Subject,
}

/// A constant that a path is compared with.
struct Found {
    field: Field,
    bytes: Vec<u8>,
    /// True if the path may continue.
    open: bool,
    is_expression: bool,
    span: Span,
}

/// Returns the value of a condition for tasks outside of containers; `None` if it depends on anything else. The links of
/// the machine are not those that a container has.
fn on_host(expr: &Expr) -> Option<bool> {
    match &expr.kind {
        ExprKind::Bool(value) => Some(*value),
        ExprKind::Name(name) => (name == "task.container").then_some(false),
        ExprKind::Not(inner) => on_host(inner).map(|value| !value),
        ExprKind::And(items) => joined(items, true),
        ExprKind::Or(items) => joined(items, false),
        ExprKind::Choice(parts) => {
            let [test, yes, no] = parts.as_ref();
            match on_host(test) {
                Some(true) => on_host(yes),
                Some(false) => on_host(no),
                None => on_host(yes).filter(|value| on_host(no) == Some(*value)),
            }
        }
        ExprKind::Compare(Comparison::Equal, left, right) => {
            Some(on_host(left)? == on_host(right)?)
        }
        ExprKind::Compare(Comparison::NotEqual, left, right) => {
            Some(on_host(left)? != on_host(right)?)
        }
        _ => None,
    }
}

/// As [`on_host`], for conditions that are joined by And (`all`) or by Or.
fn joined(items: &[Expr], all: bool) -> Option<bool> {
    let values: Vec<Option<bool>> = items.iter().map(on_host).collect();
    if values.contains(&Some(!all)) {
        Some(!all)
    } else {
        values.iter().all(Option::is_some).then_some(all)
    }
}

/// Collects the constants that fields with paths are compared with, but for those without effect outside of containers.
/// `element` is the name of an executable in `exists` or `all`.
fn tests(expr: &Expr, element: Option<&str>, out: &mut Vec<Found>) {
    if on_host(expr).is_some() {
        return;
    }
    let field = |expr: &Expr| match &expr.kind {
        ExprKind::Name(name) if element == Some(name) => Some(Field::Subject),
        ExprKind::Name(name) => match name.as_str() {
            "object.path" => Some(Field::Object),
            "subject.path" | "subject.parent" | "subject.chain" => Some(Field::Subject),
            _ => None,
        },
        _ => None,
    };
    let mut add = |field: Field, literal: &Expr, open: bool| {
        if let ExprKind::Text(bytes) = &literal.kind
            && bytes.starts_with(b"/")
        {
            let marked = bytes.contains(&b'{');
            out.push(Found {
                field,
                bytes: bytes.clone(),
                open: open || marked,
                is_expression: false,
                span: literal.span.clone(),
            });
        }
    };
    match &expr.kind {
        ExprKind::Compare(_, left, right) => match (field(left), field(right)) {
            (Some(field), _) => add(field, right, false),
            (_, Some(field)) => add(field, left, false),
            _ => {
                tests(left, element, out);
                tests(right, element, out);
            }
        },
        ExprKind::In(left, right) => match (field(left), field(right), &right.kind) {
            (Some(field), _, ExprKind::List(items)) => {
                for item in items {
                    add(field, item, false);
                }
            }
            (_, Some(field), _) => add(field, left, false),
            _ => {}
        },
        ExprKind::Call {
            receiver: Some(receiver),
            name,
            args,
            ..
        } => match (name.as_str(), field(receiver), args.as_slice()) {
            ("startsWith", Some(field), [literal]) => add(field, literal, true),
            ("matches", Some(field), [literal]) => {
                out.extend(beginning(literal).map(|bytes| Found {
                    field,
                    bytes,
                    open: true,
                    is_expression: true,
                    span: literal.span.clone(),
                }));
            }
            (
                "exists" | "all",
                Some(_),
                [
                    Expr {
                        kind: ExprKind::Name(name),
                        ..
                    },
                    body,
                ],
            ) => {
                tests(body, Some(name), out);
            }
            _ => {}
        },
        ExprKind::Not(inner) => tests(inner, element, out),
        ExprKind::And(items) | ExprKind::Or(items) => {
            for item in items {
                tests(item, element, out);
            }
        }
        ExprKind::Choice(parts) => {
            let [test, yes, no] = parts.as_ref();
            tests(test, element, out);
            if on_host(test) != Some(false) {
                tests(yes, element, out);
            }
            if on_host(test) != Some(true) {
                tests(no, element, out);
            }
        }
        _ => {}
    }
}

/// Returns the text that every match of an anchored expression begins with.
fn beginning(literal: &Expr) -> Option<Vec<u8>> {
    let ExprKind::Text(pattern) = &literal.kind else {
        return None;
    };
    let pattern = std::str::from_utf8(pattern).ok()?;
    let mut parser = regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .build();
    let hir = parser.parse(pattern).ok()?;
    let HirKind::Concat(items) = hir.kind() else {
        return None;
    };
    let mut items = items.iter().map(Hir::kind);
    match (items.next()?, items.next()?) {
        (HirKind::Look(Look::Start), HirKind::Literal(text)) if text.0.starts_with(b"/") => {
            Some(text.0.to_vec())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the paths of a condition.
    fn paths_of(condition: &str) -> Vec<String> {
        let text = format!(
            "ambit-rules: 1\nrules:\n  - id: a\n    on: exec\n    do: audit\n    when: '{condition}'\n"
        );
        let found = paths(&text).into_iter();
        found
            .map(|one| String::from_utf8(one.path).unwrap())
            .collect()
    }

    #[test]
    fn paths_that_only_matter_in_containers_are_left_out() {
        for (condition, expected) in [
            (r#"task.container && object.path == "/bin/x""#, &[][..]),
            (r#"object.path == "/bin/x" && task.container == true"#, &[]),
            (r#"object.path == "/bin/x" && !(!task.container)"#, &[]),
            (r#"object.path == "/bin/x" && task.container != false"#, &[]),
            (
                r#"!(!task.container || object.path.startsWith("/bin/"))"#,
                &[],
            ),
            (
                r#"task.uid == 0 && (task.container && object.path == "/bin/x" || object.path == "/lib/y")"#,
                &["/lib/y"],
            ),
            (
                r#"task.container ? object.path == "/bin/x" : object.path == "/lib/y""#,
                &["/lib/y"],
            ),
            (r#"!task.container && object.path == "/bin/x""#, &["/bin/x"]),
            (r#"task.container || object.path == "/bin/x""#, &["/bin/x"]),
            (
                r#"task.container == (object.path == "/bin/x")"#,
                &["/bin/x"],
            ),
        ] {
            assert_eq!(paths_of(condition), expected, "{condition}");
        }
    }

    #[test]
    fn paths_of_conditions_have_their_place_and_their_end() {
        let text = "ambit-rules: 1\nrules:\n  - id: a\n    on: exec\n    do: audit\n    when: |\n      \
                    object.path.startsWith(\"/sbin/\") || subject.path in [\"/bin/sh\", \"/proc/{self}/exe\"]\n  - id: b\n    \
                    on: file.unlink\n    do: audit\n    when: |\n      object.path == \"/bin/x\" && !object.path.matches(\"^/lib/[a-z]\")\n      \
                    && subject.chain.exists(e, e == \"/bin/y\")\n";
        let found: Vec<_> = paths(text)
            .into_iter()
            .map(|one| {
                let path = String::from_utf8(one.path).unwrap();
                (one.owner, one.place.line, path, one.end)
            })
            .collect();
        let expected = [
            (0, 7, "/sbin/", End::Open),
            (0, 7, "/bin/sh", End::Followed),
            (0, 7, "/proc/", End::Open),
            (1, 12, "/bin/x", End::Itself),
            (1, 12, "/lib/", End::Open),
            (1, 13, "/bin/y", End::Followed),
        ];
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(owner, line, path, end)| (owner, line, path.to_owned(), end))
            .collect();
        assert_eq!(found, expected);
    }
}
