// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The places that docs/adding.md lists, checked for everything that exists; a missing entry is named with its place.

use std::fs;

use anyhow::Result;

use super::{files, relative};
use crate::paths;

/// A place that each thing of a kind has to reach.
struct Place {
    /// Files, or folders of files, below the workspace.
    paths: &'static [&'static str],
    /// The entry that is expected there, for the message.
    what: &'static str,
}

impl Place {
    fn text(&self) -> Result<String> {
        let mut text = String::new();
        for path in self.paths {
            let full = paths::workspace().join(path);
            let found = if full.is_dir() {
                files(path, &[".rs", ".c", ".h", ".md", ".yaml", ".json"])?
            } else {
                vec![full]
            };
            for file in found {
                text.push_str(&fs::read_to_string(&file).map_err(|error| {
                    anyhow::anyhow!(
                        "docs/adding.md and xtask/src/house/places.rs name {}: {error}",
                        relative(&file)
                    )
                })?);
                text.push('\n');
            }
        }
        Ok(text)
    }
}

/// Returns a line for each of `names` that a place does not contain in one of the spellings that `spelled` gives it.
fn missing(
    kind: &str,
    names: &[String],
    place: &Place,
    spelled: impl Fn(&str) -> Vec<String>,
) -> Vec<String> {
    let text = place.text().unwrap();
    names
        .iter()
        .filter(|name| !spelled(name).iter().any(|spelling| text.contains(spelling)))
        .map(|name| {
            format!(
                "{kind} `{name}`: no {} in {}",
                place.what,
                place.paths.join(", ")
            )
        })
        .collect()
}

/// `file.open` as the variant of an enum: `FileOpen`.
fn camel(name: &str) -> String {
    name.split(['.', '_', '-'])
        .map(|word| word[..1].to_uppercase() + &word[1..])
        .collect()
}

fn upper(name: &str) -> String {
    name.to_uppercase().replace('.', "_")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ambit_abi::{Family, Hook, Op};
    use syn::Item;

    use super::*;

    fn check(lines: &[Vec<String>]) {
        let lines = lines.concat();
        assert!(
            lines.is_empty(),
            "see docs/adding.md:\n{}",
            lines.join("\n")
        );
    }

    /// Returns the names of the variants of an enum in a file.
    fn variants(path: &str, name: &str) -> Vec<String> {
        let text = fs::read_to_string(paths::workspace().join(path)).unwrap();
        let found = syn::parse_file(&text)
            .unwrap()
            .items
            .into_iter()
            .find_map(|item| match item {
                Item::Enum(item) if item.ident == name => Some(item),
                _ => None,
            })
            .unwrap_or_else(|| panic!("{path} has no enum `{name}`"));
        found
            .variants
            .iter()
            .map(|variant| variant.ident.to_string())
            .collect()
    }

    #[test]
    fn every_hook_is_in_all_its_places() {
        let all = |hooks: Vec<&Hook>| -> Vec<String> {
            hooks.iter().map(|hook| hook.name().to_owned()).collect()
        };
        let hooks = all(Hook::ALL.iter().collect());
        let deciding = all(Hook::ALL.iter().filter(|hook| hook.decides()).collect());
        check(&[
            missing(
                "hook",
                &hooks,
                &Place {
                    paths: &["bpf/include/abi.h"],
                    what: "AMBIT_HOOK_*",
                },
                |name| vec![format!("AMBIT_HOOK_{}", upper(name))],
            ),
            missing(
                "hook",
                &deciding,
                &Place {
                    paths: &["bpf"],
                    what: "program",
                },
                |name| {
                    ["lsm", "lsm.s", "fmod_ret", "fmod_ret.s"]
                        .iter()
                        .flat_map(|kind| {
                            [
                                format!("\"{kind}/{name}\""),
                                format!("({name},"),
                                format!("({name})"),
                            ]
                        })
                        .collect()
                },
            ),
            missing(
                "hook",
                &hooks,
                &Place {
                    paths: &["docs/coverage.md"],
                    what: "row",
                },
                |name| vec![format!("`{name}`")],
            ),
        ]);
    }

    /// The arguments of each `HOOK()` up to the name of the rules' program: hook, engine, map's program, rules' program.
    fn hook_macros() -> Vec<[String; 4]> {
        let bpf = Place {
            paths: &["bpf"],
            what: "program",
        };
        let text = bpf.text().unwrap();
        text.split("\nHOOK(")
            .skip(1)
            .map(|call| {
                let mut words = call
                    .splitn(5, ',')
                    .map(|word| word.trim().to_owned())
                    .take(4);
                std::array::from_fn(|_| words.next().unwrap_or_default())
            })
            .collect()
    }

    #[test]
    fn programs_of_a_hook_have_its_engine_and_the_prefix_of_rules() {
        let macros = hook_macros();
        assert!(macros.len() > 40, "only {}", macros.len());
        let mut wrong = Vec::new();
        for [name, engine, _, rules] in macros {
            let hook = Hook::ALL.iter().find(|hook| hook.name() == name);
            let expected = hook.map(|hook| format!("ENGINE_{}", upper(hook.coverage().name())));
            if expected.as_ref() != Some(&engine) {
                wrong.push(format!(
                    "hook `{name}`: {engine} in bpf, {expected:?} by `coverage()`"
                ));
            }
            // By this prefix crates/sensor/src/object.rs knows which programs belong to rules.
            if !rules.starts_with("rules_") {
                wrong.push(format!(
                    "hook `{name}`: `{rules}` does not begin with `rules_`"
                ));
            }
        }
        check(&[wrong]);
    }

    #[test]
    fn every_family_is_in_the_list_of_the_format() {
        let families: Vec<&str> = Family::ALL.iter().map(|family| family.name()).collect();
        check(&[missing(
            "list of families",
            &[families.join(" ")],
            &Place {
                paths: &["docs/design.md"],
                what: "such list",
            },
            |list| vec![format!("`{list}`")],
        )]);
    }

    #[test]
    fn every_operation_is_in_all_its_places() {
        let operations: Vec<String> = Op::ALL
            .iter()
            .filter(|op| op.family().is_some())
            .map(|op| op.name().to_owned())
            .collect();
        // Written in a map under other keys than `allow`.
        let elsewhere = ["exec.digest", "exec.creds"];
        let lines: Vec<String> = operations
            .iter()
            .filter(|name| !elsewhere.contains(&name.as_str()))
            .cloned()
            .collect();
        // The canary alone has these refused.
        let by_canary = ["mount.reconfigure", "uring.creds"];
        let refused: Vec<String> = lines
            .iter()
            .filter(|name| !by_canary.contains(&name.as_str()))
            .cloned()
            .collect();
        check(&[
            missing(
                "operation",
                &operations,
                &Place {
                    paths: &["bpf/include/abi.h"],
                    what: "AMBIT_OP_*",
                },
                |name| vec![format!("AMBIT_OP_{}", upper(name))],
            ),
            missing(
                "operation",
                &lines,
                &Place {
                    paths: &["docs/design.md"],
                    what: "row in the table of the text form",
                },
                |name| vec![format!("`{name}`")],
            ),
            missing(
                "operation",
                &operations,
                &Place {
                    paths: &["crates/canary/src"],
                    what: "canary, or reason why there is none,",
                },
                |name| vec![format!("Op::{}", camel(name))],
            ),
            missing(
                "operation",
                &refused,
                &Place {
                    paths: &["tests/lab/src/suites"],
                    what: "test that has it refused",
                },
                |name| {
                    vec![
                        format!("{name} "),
                        format!("\"{name}"),
                        format!("Op::{}", camel(name)),
                    ]
                },
            ),
        ]);
    }

    #[test]
    fn every_rule_field_is_in_all_its_places() {
        let fields: BTreeSet<String> = ambit_policy::field::fields()
            .iter()
            .map(|field| field.name.to_owned())
            .collect();
        let fields: Vec<String> = fields.into_iter().collect();
        let named = |name: &str| vec![name.to_owned()];
        check(&[missing(
            "rule field",
            &fields,
            &Place {
                paths: &["crates/policy/tests", "rules", "crates/policy/src/check"],
                what: "example or test",
            },
            named,
        )]);
    }

    #[test]
    fn every_number_of_a_file_is_in_all_its_places() {
        let numbers: Vec<String> = variants("crates/policy/src/condition.rs", "Number")
            .into_iter()
            .filter(|name| name.starts_with("File"))
            .collect();
        assert!(numbers.len() >= 2, "only {numbers:?}");
        // `FileUid` in C: `FILE_UID`.
        let bit: fn(&str) -> Vec<String> = |name| {
            let name = upper(&name["File".len()..]);
            vec![format!("RULE_NUMBER(FILE_{name})")]
        };
        let variant: fn(&str) -> Vec<String> = |name| vec![format!("Number::{name}")];
        let places = [
            (&["bpf/include/rules.bpf.h"], "bit in OBJECT_NUMBERS", bit),
            (
                &["bpf/include/path_cache.bpf.h"],
                "bit in the mask of path_cache_query",
                bit,
            ),
            (
                &["crates/replay/src/rules/operation.rs"],
                "value or `set_number_unknown`",
                variant,
            ),
            (
                &["tests/lab/src/suites/rules_fuzz/scene.rs"],
                "value in the scenes",
                variant,
            ),
        ];
        check(&places.map(|(paths, what, spelled)| {
            missing(
                "number of a file",
                &numbers,
                &Place { paths, what },
                spelled,
            )
        }));
    }

    #[test]
    fn every_number_is_known_to_replays_and_to_the_fuzzing_of_rules() {
        let numbers = |without: &[&str]| -> Vec<String> {
            let mut all = variants("crates/policy/src/condition.rs", "Number");
            all.retain(|name| !without.contains(&name.as_str()));
            all
        };
        // Set with the object, or by functions for trust.
        let elsewhere = [
            "Kind",
            "Protocol",
            "Family",
            "SocketType",
            "Relation",
            "NewId",
            "Trust",
            "Cause",
        ];
        // Trust by its function; the others are the same for all tasks of the scenes.
        let constant = [
            "Trust",
            "Cause",
            "Unrepresentable",
            "Container",
            "ExeUnknown",
            "ForeignMounts",
        ];
        let variant = |name: &str| vec![format!("Number::{name}")];
        check(&[
            missing(
                "number of rules",
                &numbers(&elsewhere),
                &Place {
                    paths: &["crates/replay/src/rules/operation.rs"],
                    what: "value or `set_number_unknown`",
                },
                variant,
            ),
            missing(
                "number of rules",
                &numbers(&constant),
                &Place {
                    paths: &["tests/lab/src/suites/rules_fuzz"],
                    what: "value",
                },
                variant,
            ),
        ]);
    }

    #[test]
    fn every_verb_is_documented_and_tried() {
        let verbs: Vec<String> = variants("crates/ambit/src/cli.rs", "Verb")
            .iter()
            .map(|name| name.to_lowercase())
            // Hidden: for the canary only.
            .filter(|name| name != "act")
            .collect();
        assert!(verbs.len() >= 10, "only {verbs:?}");
        check(&[
            missing(
                "verb",
                &verbs,
                &Place {
                    paths: &["README.md", "docs"],
                    what: "use",
                },
                |name| vec![format!("ambit {name}")],
            ),
            missing(
                "verb",
                &verbs,
                &Place {
                    paths: &["crates/ambit/tests", "tests/lab/src"],
                    what: "test",
                },
                |name| vec![format!("\"{name}\""), format!("ambit {name}")],
            ),
        ]);
    }

    #[test]
    fn every_class_of_names_is_documented_and_tried() {
        let classes: Vec<String> = [
            "n", "hex", "uuid", "pid", "self", "tmp", "tmpfile", "date", "time", "year", "month",
            "day", "hour", "minute", "second",
        ]
        .map(str::to_owned)
        .to_vec();
        let defined = variants("crates/event/src/lex.rs", "Class");
        assert_eq!(classes.len(), defined.len(), "of the list in this test");
        let braced = |name: &str| vec![format!("{{{name}}}")];
        check(&[
            missing(
                "class",
                &classes,
                &Place {
                    paths: &["docs/design.md"],
                    what: "definition",
                },
                braced,
            ),
            missing(
                "class",
                &classes,
                &Place {
                    paths: &["crates/model/tests", "crates/model/src"],
                    what: "test",
                },
                braced,
            ),
        ]);
    }

    #[test]
    fn every_kind_of_record_is_documented() {
        // `RuleHit` is `rule hit` in the page.
        let words = |name: &str| -> String {
            name.chars()
                .flat_map(|c| {
                    [
                        c.is_uppercase().then_some(' '),
                        Some(c.to_ascii_lowercase()),
                    ]
                })
                .flatten()
                .collect()
        };
        let variants = variants("crates/event/src/output.rs", "Record");
        let kinds: Vec<String> = variants
            .iter()
            .map(|name| words(name).trim().to_owned())
            .collect();
        check(&[
            missing(
                "kind of record",
                &kinds,
                &Place {
                    paths: &["docs/events.md"],
                    what: "row",
                },
                |name| vec![name.to_owned()],
            ),
            missing(
                "kind of record",
                &variants,
                &Place {
                    paths: &["crates/event/tests/schema.rs"],
                    what: "value that is compared with the schema",
                },
                |name| vec![format!("assert_valid(&Record::{name}(")],
            ),
        ]);
    }
}
