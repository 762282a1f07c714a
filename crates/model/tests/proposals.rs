// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Proposals from what several runs did: kinds of names and values that real workloads showed.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use ambit_event::{Object, Path, Subject};
use ambit_model::{
    Map, Observation, Options, Proposal, Risk, Rule, Run, RunId, Statistics, propose,
};

fn subject(exe: &str) -> Subject {
    Subject {
        exe: Some(Object::Path(Path::new(exe.as_bytes()).unwrap())),
        ..Subject::default()
    }
}

/// A map that was learned in these runs, each a list of lines, and its statistics.
fn learned(runs: &[Vec<(&str, String)>]) -> (Map, Options) {
    let mut map = Map::new("web");
    let mut statistics = Statistics::new("web", map.chain);
    for (number, lines) in runs.iter().enumerate() {
        let seen: Vec<Observation> = lines
            .iter()
            .map(|(exe, line)| Observation {
                subject: subject(exe),
                line: line.clone(),
                hits: 1,
            })
            .collect();
        let run = Run {
            began: format!("2026-01-0{}T00:00:00Z", number + 1),
            operations: 1000,
            lines: 0,
            new: 0,
            missed: 0,
            unrepresentable: 0,
            untrusted: 0,
        };
        let id = RunId(u64::try_from(number).unwrap() + 1);
        let one = Statistics::of_run(id, run, &seen, &map);
        statistics = statistics.merge(&one).unwrap();
        for (exe, line) in lines {
            let entry = map.subject_mut(&subject(exe));
            entry.allow.insert(Rule::parse(line).unwrap());
        }
        map.normalise();
    }
    let options = Options {
        statistics: Some(statistics),
        ..Options::default()
    };
    (map, options)
}

/// The same for runs of one program.
fn one(runs: &[&[&str]]) -> (Map, Options) {
    let runs: Vec<Vec<(&str, String)>> = runs
        .iter()
        .map(|lines| {
            lines
                .iter()
                .map(|line| ("/bin/app", (*line).to_owned()))
                .collect()
        })
        .collect();
    learned(&runs)
}

fn proposals((map, options): &(Map, Options)) -> Vec<Proposal> {
    propose(map, std::slice::from_ref(map), options)
}

fn places(proposals: &[Proposal]) -> Vec<&str> {
    proposals.iter().map(|one| &*one.place).collect()
}

fn after(learned: &(Map, Options), chosen: impl Fn(&Proposal) -> bool) -> Vec<String> {
    let proposals = proposals(learned);
    let map = learned
        .0
        .generalized(proposals.iter().filter(|one| chosen(one)));
    let rules = map.subjects.values().flat_map(|entry| &entry.allow);
    rules.map(ToString::to_string).collect()
}

#[test]
fn directories_of_one_capital_hex_digit_are_a_fan_of_the_names_in_them() {
    let learned = one(&[
        &[
            "file.create /var/spool/q/A/A1B2C3D4E",
            "file.create /var/spool/q/7/7F00AA11B",
        ],
        &["file.create /var/spool/q/0/0C0FFEE12"],
        &["file.create /var/spool/q/F/F81D4FAE7"],
    ]);
    let found = proposals(&learned);
    assert_eq!(places(&found), ["/var/spool/q/{hex}"]);
    assert_eq!(
        after(&learned, Proposal::is_safe),
        ["file.create /var/spool/q/{hex}/{hex}"]
    );
}

#[test]
fn directories_that_their_contents_are_not_named_after_are_no_fan() {
    let learned = one(&[
        &["file.create /srv/x/a/readme", "file.create /srv/x/b/notes"],
        &["file.create /srv/x/c/more"],
    ]);
    assert_eq!(places(&proposals(&learned)), [""; 0]);
}

#[test]
fn ports_that_look_drawn_at_random_are_all_unprivileged_ports() {
    let ports: [&[u16]; 3] = [
        &[4872, 17_301, 29_004],
        &[9_133, 62_003, 24_511],
        &[1_902, 65_386, 13_007],
    ];
    let runs: Vec<Vec<(&str, String)>> = ports
        .iter()
        .map(|ports| {
            let literal = ports
                .iter()
                .map(|port| format!("net.bind udp 0.0.0.0:{port}"));
            let all = literal.chain(["net.bind udp 0.0.0.0:ephemeral".to_owned()]);
            all.map(|line| ("/bin/resolver", line)).collect()
        })
        .collect();
    let learned = learned(&runs);
    let found = proposals(&learned);
    assert_eq!(places(&found), ["net.bind udp 0.0.0.0:*"]);
    assert_eq!(found[0].risk, Risk::Medium, "{:?}", found[0].reasons);
    assert_eq!(
        after(&learned, Proposal::is_for_all),
        ["net.bind udp 0.0.0.0:1024-65535"]
    );
}

#[test]
fn many_ports_that_a_client_drew_for_itself_are_safe_to_apply() {
    let port = |number: u32| 1024 + number * 40_503 % 64_000;
    let runs = |count: u32, protocol: &str| -> Vec<Vec<(&str, String)>> {
        let run = |run: u32| {
            let ports = (0..count).map(move |one| port(run * count + one));
            let lines = ports.map(|port| format!("net.bind {protocol} 0.0.0.0:{port}"));
            lines.map(|line| ("/bin/resolver", line)).collect()
        };
        (0..4).map(run).collect()
    };
    let many = learned(&runs(8, "udp"));
    assert_eq!(
        after(&many, Proposal::is_safe),
        ["net.bind udp 0.0.0.0:1024-65535"]
    );
    for learned in [learned(&runs(3, "udp")), learned(&runs(8, "tcp"))] {
        let found = proposals(&learned);
        assert!(!found.iter().any(Proposal::is_safe), "{found:#?}");
    }
}

#[test]
fn ports_close_to_each_other_are_a_range_whose_place_stays_the_same() {
    let few = one(&[
        &["net.bind udp 0.0.0.0:5001"],
        &["net.bind udp 0.0.0.0:5003"],
        &["net.bind udp 0.0.0.0:5004"],
    ]);
    assert_eq!(after(&few, |_| true), ["net.bind udp 0.0.0.0:5001-5004"]);
    let more = one(&[
        &["net.bind udp 0.0.0.0:5001"],
        &["net.bind udp 0.0.0.0:5003"],
        &["net.bind udp 0.0.0.0:5004"],
        &["net.bind udp 0.0.0.0:5009"],
    ]);
    let (few, more) = (proposals(&few), proposals(&more));
    assert_eq!(places(&few), places(&more));
    assert_eq!(few[0].id, more[0].id);
}

#[test]
fn ports_that_each_run_bound_are_no_range() {
    let each: &[&str] = &[
        "net.bind tcp 127.0.0.1:3001",
        "net.bind tcp 127.0.0.1:3307",
        "net.bind tcp 127.0.0.1:8490",
    ];
    assert_eq!(places(&proposals(&one(&[each, each, each]))), [""; 0]);
}

#[test]
fn one_program_s_ports_say_nothing_about_another_s() {
    let runs: Vec<Vec<(&str, String)>> = [5001, 5003, 5004]
        .iter()
        .map(|port| {
            vec![
                ("/bin/a", format!("net.bind udp 0.0.0.0:{port}")),
                ("/bin/b", "net.bind udp 0.0.0.0:5353".to_owned()),
            ]
        })
        .collect();
    let found = proposals(&learned(&runs));
    let [only] = &*found else {
        panic!("{found:#?}")
    };
    assert_eq!(only.rewrites.len(), 1);
    assert_eq!(only.rewrites[0].subject, subject("/bin/a"));
}

#[test]
fn wide_ranges_of_listening_ports_are_applied_only_by_name() {
    let learned = one(&[
        &["net.bind tcp 127.0.0.1:3001"],
        &["net.bind tcp 127.0.0.1:3307"],
        &["net.bind tcp 127.0.0.1:8490"],
    ]);
    let found = proposals(&learned);
    assert_eq!(found[0].risk, Risk::High);
    assert!(!found[0].is_for_all() && !found[0].is_safe());
}

#[test]
fn numbers_that_all_runs_have_stay() {
    let each: &[&str] = &[
        "file.open r /usr/share/ca/ISRG_Root_X1.crt",
        "file.open r /usr/share/ca/ISRG_Root_X2.crt",
        "file.open r /usr/share/ca/ISRG_Root_X3.crt",
        "file.open r /usr/share/ca/ISRG_Root_X4.crt",
    ];
    assert_eq!(places(&proposals(&one(&[each, each, each]))), [""; 0]);
    let differ = one(&[&each[..2], &each[1..3], &each[2..]]);
    assert_eq!(
        places(&proposals(&differ)),
        ["/usr/share/ca/ISRG_Root_X{n}.crt"]
    );
}

#[test]
fn files_beside_those_that_some_runs_read_are_proposed_by_their_ending() {
    let learned = one(&[
        &[
            "file.open r /srv/site/a.html",
            "file.open r /srv/site/b.html",
        ],
        &[
            "file.open r /srv/site/a.html",
            "file.open r /srv/site/style.css",
        ],
        &["file.open r /srv/site/b.html"],
    ]);
    let found = proposals(&learned);
    assert_eq!(places(&found), ["/srv/site/*.html"]);
    assert_eq!(found[0].kind.name(), "beside");
    assert_eq!(found[0].risk, Risk::Medium, "{:?}", found[0].reasons);
    assert!(found[0].is_for_all() && !found[0].is_safe());
    // Every run read the same, or the workload writes there: no proposal.
    let each: &[&str] = &[
        "file.open r /srv/site/a.html",
        "file.open r /srv/site/b.html",
    ];
    assert_eq!(places(&proposals(&one(&[each, each, each]))), [""; 0]);
    let written = one(&[
        &["file.open r /srv/site/a.html", "file.create /srv/site/log"],
        &["file.open r /srv/site/b.html"],
    ]);
    assert_eq!(places(&proposals(&written)), [""; 0]);
}

#[test]
fn an_ending_that_no_key_has_is_not_sensitive() {
    let sources = one(&[
        &["file.open r /srv/src/a.c", "file.open r /srv/src/b.c"],
        &["file.open r /srv/src/d.c"],
    ]);
    let found = proposals(&sources);
    assert_eq!(places(&found), ["/srv/src/*.c"]);
    assert_eq!(found[0].sensitive, [""; 0]);
    let keys = one(&[
        &["file.open r /srv/src/a.pem", "file.open r /srv/src/b.pem"],
        &["file.open r /srv/src/d.pem"],
    ]);
    assert_ne!(proposals(&keys)[0].sensitive, [""; 0]);
}

#[test]
fn places_below_a_sensitive_one_are_offered_with_its_name_exact() {
    let run = |day: u32| -> Vec<(&str, String)> {
        vec![
            (
                "/bin/db",
                format!("file.create /etc/db/tenant{day}/part-{day}.dat"),
            ),
            (
                "/bin/db",
                format!("file.create /etc/db/tenant1/part-1{day}.dat"),
            ),
        ]
    };
    let learned = learned(&[run(1), run(2), run(3)]);
    let found = proposals(&learned);
    let outer = found
        .iter()
        .find(|one| one.place == "/etc/db/tenant{n}")
        .unwrap();
    let inner = found
        .iter()
        .find(|one| one.place == "/etc/db/tenant1/part-{n}.dat")
        .unwrap();
    assert_eq!(inner.instead_of.as_deref(), Some(&*outer.id));
    let both = learned.0.generalized([outer, inner]);
    assert_eq!(
        both,
        learned.0.generalized([outer]),
        "the outer one covers both"
    );
}

#[test]
fn a_place_below_one_that_anybody_applies_is_no_choice() {
    let run = |day: u32| -> Vec<(&str, String)> {
        vec![("/bin/db", format!("file.create /srv/db/t{day}/p-{day}.dat"))]
    };
    let found = proposals(&learned(&[run(1), run(2), run(3)]));
    assert_eq!(places(&found), ["/srv/db/t{n}"]);
}

#[test]
fn names_that_all_runs_made_do_not_count_for_a_spool() {
    let fixed = ["a", "b", "c", "d", "e", "f", "g", "h"]
        .map(|name| format!("file.create /srv/db/{name}.dat"));
    let run = |other: &str| -> Vec<(&str, String)> {
        let all = fixed
            .iter()
            .cloned()
            .chain([format!("file.create /srv/db/{other}.dat")]);
        all.map(|line| ("/bin/db", line)).collect()
    };
    assert_eq!(
        places(&proposals(&learned(&[run("tulip"), run("rose")]))),
        [""; 0]
    );
}

#[test]
fn numbers_in_hexadecimal_are_one_shape_however_their_digits_fall() {
    let learned = one(&[
        &["file.create /srv/db/#run-1a2c-1-3d.idx"],
        &[
            "file.create /srv/db/#run-77-2-b4.idx",
            "file.create /srv/db/#run-9f01-1-12.idx",
        ],
        &["file.create /srv/db/#run-c3-1-7.idx"],
    ]);
    let found = proposals(&learned);
    assert_eq!(
        places(&found),
        ["/srv/db/#run-{hex}-{n}-{hex}.idx"],
        "{found:#?}"
    );
}

#[test]
fn letters_before_numbers_are_no_hexadecimal_numbers() {
    let learned = one(&[
        &["file.create /srv/x/part-a1"],
        &["file.create /srv/x/part-a2"],
        &["file.create /srv/x/part-a3"],
    ]);
    assert_eq!(places(&proposals(&learned)), ["/srv/x/part-a{n}"]);
}

#[test]
fn a_part_that_each_run_drew_anew_is_random_though_no_single_name_shows_it() {
    let learned = one(&[
        &["file.create /srv/t/my_Xy12Qa.idx"],
        &["file.create /srv/t/my_abcdEf.idx"],
        &["file.create /srv/t/my_q0RsTu.idx"],
    ]);
    assert_eq!(places(&proposals(&learned)), ["/srv/t/my_{tmp}.idx"]);
    let words = one(&[
        &["file.create /srv/t/on_yellow.idx"],
        &["file.create /srv/t/on_purple.idx"],
        &["file.create /srv/t/on_orange.idx"],
    ]);
    assert_eq!(places(&proposals(&words)), [""; 0]);
}

#[test]
fn names_follow_the_shape_that_their_siblings_have_proven() {
    let learned = one(&[
        &[
            "file.create /srv/s/sess_{hex}",
            "file.create /srv/s/sess_deadbeefcafe",
        ],
        &[
            "file.create /srv/s/sess_{hex}",
            "file.create /srv/s/sess_deadbeefcafe",
        ],
    ]);
    assert_eq!(
        after(&learned, Proposal::is_safe),
        ["file.create /srv/s/sess_{hex}"]
    );
}

#[test]
fn temporary_names_around_numbered_names_are_one_shape() {
    let day = |numbers: &[u32]| -> Vec<(&'static str, String)> {
        let lines = numbers.iter().flat_map(|number| {
            let temporary = format!("/srv/scans/.DSC{number:05}.ARW.{{tmp}}");
            let name = format!("/srv/scans/DSC{number:05}.ARW");
            [
                format!("file.create {temporary}"),
                format!("file.open rw {temporary}"),
                format!("file.chmod {temporary}"),
                format!("file.rename from {temporary}"),
                format!("file.unlink {temporary}"),
                format!("file.rename to {name}"),
            ]
        });
        lines.map(|line| ("/bin/app", line)).collect()
    };
    let learned = learned(&[
        day(&[4112, 4113, 4120]),
        day(&[4207, 4208, 4214]),
        day(&[4301, 4333, 4350]),
    ]);
    assert_eq!(
        after(&learned, Proposal::is_safe),
        [
            "file.open rw /srv/scans/.DSC{n}.ARW.{tmp}",
            "file.create /srv/scans/.DSC{n}.ARW.{tmp}",
            "file.unlink /srv/scans/.DSC{n}.ARW.{tmp}",
            "file.rename from /srv/scans/.DSC{n}.ARW.{tmp}",
            "file.rename to /srv/scans/DSC{n}.ARW",
            "file.chmod /srv/scans/.DSC{n}.ARW.{tmp}",
        ]
    );
}

#[test]
fn names_with_a_class_join_the_pattern_that_an_earlier_generalisation_made() {
    let learned = one(&[
        &[
            "file.create /srv/q/.job{n}.new.{hex}",
            "file.create /srv/q/.job17.new.{hex}",
        ],
        &[
            "file.create /srv/q/.job{n}.new.{hex}",
            "file.create /srv/q/.job18.old.{hex}",
        ],
    ]);
    assert_eq!(
        after(&learned, Proposal::is_safe),
        [
            "file.create /srv/q/.job{n}.new.{hex}",
            "file.create /srv/q/.job18.old.{hex}",
        ]
    );
}

#[test]
fn uuids_are_one_class_and_no_row_of_hexadecimal_numbers() {
    let learned = one(&[
        &["file.rename to /srv/d/1b9d6bcd-16fd-4b2d-9b5d-ab8d1bbd4bed.rec"],
        &["file.rename to /srv/d/9f0c2a44-77d1-4c1e-8f00-0d1e2f3a4b5c.rec"],
        &["file.rename to /srv/d/0a1b2c3d-4e5f-4a6b-8c7d-9e8f7a6b5c4d.rec"],
    ]);
    assert_eq!(
        after(&learned, Proposal::is_safe),
        ["file.rename to /srv/d/{uuid}.rec"]
    );
}

#[test]
fn files_that_were_only_read_follow_the_pattern_under_which_such_files_are_made() {
    let learned = one(&[
        &[
            "file.rename to /srv/scans/page-{tmp}.tif",
            "file.open r /srv/scans/page-zoekrbkq.tif",
            "file.open r /srv/scans/page-index.txt",
        ],
        &["file.rename to /srv/scans/page-{tmp}.tif"],
    ]);
    assert_eq!(
        after(&learned, Proposal::is_safe),
        [
            "file.open r /srv/scans/page-index.txt",
            "file.open r /srv/scans/page-{tmp}.tif",
            "file.rename to /srv/scans/page-{tmp}.tif",
        ]
    );
}

#[test]
fn a_random_part_below_a_name_that_varies_is_no_sensitive_word() {
    let run = |day: u32, scan: u32| -> Vec<(&'static str, String)> {
        let folder = format!("/srv/rolls/2026-03-{day:02}");
        let lines = [
            format!("file.mkdir {folder}"),
            format!("file.chmod {folder}"),
            format!("file.create {folder}/.scan{scan}.tif.{{tmp}}"),
            format!("file.chmod {folder}/.scan{scan}.tif.{{tmp}}"),
        ];
        lines.into_iter().map(|line| ("/bin/app", line)).collect()
    };
    let learned = learned(&[run(4, 711), run(6, 902), run(9, 338), run(17, 415)]);
    let safe = after(&learned, Proposal::is_safe);
    assert_eq!(safe.len(), 4, "{safe:#?}\n{:#?}", proposals(&learned));
    assert!(safe.iter().all(|line| !line.contains("2026")), "{safe:#?}");
}

#[test]
fn a_random_part_of_one_line_stays_known_beside_lines_without_it() {
    let runs: [&[&str]; 4] = [
        &[
            "file.create /srv/jobs/B/B1C2D3E4F",
            "file.mkdir /srv/jobs/B",
        ],
        &["file.create /srv/jobs/9/{tmp}", "file.mkdir /srv/jobs/9"],
        &[
            "file.create /srv/jobs/4/4A0B9C1D2",
            "file.mkdir /srv/jobs/4",
        ],
        &[
            "file.create /srv/jobs/7/70F1E2D3C",
            "file.mkdir /srv/jobs/7",
        ],
    ];
    let found = proposals(&one(&runs));
    let jobs = found.iter().find(|one| one.place == "/srv/jobs/{hex}");
    assert!(jobs.is_some_and(Proposal::is_for_all), "{found:?}");
}

#[test]
fn a_random_part_that_a_proposal_adds_may_be_a_sensitive_word() {
    let random = ["Qk3x9Z", "m4N5b6", "x7F9k2", "aB3dE6"];
    let runs: Vec<Vec<(&str, String)>> = random
        .iter()
        .map(|name| vec![("/bin/app", format!("file.create /etc/{name}"))])
        .collect();
    let found = proposals(&learned(&runs));
    assert!(
        found.iter().all(|one| one.risk == Risk::High),
        "it covers /etc/shadow: {found:#?}"
    );
    assert!(!found.is_empty());
}

/// Logs by host and program, each on some days, with dates that learning has read already.
fn logs_by_host() -> Vec<Vec<&'static str>> {
    vec![
        vec![
            "file.mkdir /srv/log/quill",
            "file.create /srv/log/quill/mail-{date}.log",
            "file.create /srv/log/quill/cron-{date}.log",
        ],
        vec![
            "file.mkdir /srv/log/ember",
            "file.create /srv/log/ember/mail-{date}.log",
            "file.create /srv/log/ember/web-{date}.log",
        ],
        vec![
            "file.mkdir /srv/log/archive",
            "file.create /srv/log/archive/index",
        ],
    ]
}

fn as_slices<'a>(runs: &'a [Vec<&'a str>]) -> Vec<&'a [&'a str]> {
    runs.iter().map(Vec::as_slice).collect()
}

#[test]
fn what_one_directory_has_is_expected_in_others_of_its_kind() {
    let runs = logs_by_host();
    let learned = one(&as_slices(&runs));
    let found = proposals(&learned);
    assert_eq!(places(&found), ["/srv/log/{ember,quill}"]);
    assert!(found[0].is_safe(), "{:?}", found[0].reasons);
    let lines = after(&learned, Proposal::is_safe);
    assert_eq!(
        lines,
        [
            "file.create /srv/log/archive/index",
            "file.create /srv/log/{ember,quill}/cron-{date}.log",
            "file.create /srv/log/{ember,quill}/mail-{date}.log",
            "file.create /srv/log/{ember,quill}/web-{date}.log",
            "file.mkdir /srv/log/archive",
            "file.mkdir /srv/log/{ember,quill}",
        ]
    );
}

#[test]
fn a_new_directory_joins_those_of_its_kind() {
    let mut runs = logs_by_host();
    runs.push(vec![
        "file.mkdir /srv/log/{ember,quill}",
        "file.create /srv/log/{ember,quill}/web-{date}.log",
        "file.mkdir /srv/log/sable",
        "file.create /srv/log/sable/cron-{date}.log",
    ]);
    let runs = &runs[2..];
    let learned = one(&as_slices(runs));
    assert_eq!(
        places(&proposals(&learned)),
        [""; 0],
        "no shape is shared yet"
    );
    let mut runs = runs.to_vec();
    runs.push(vec!["file.create /srv/log/sable/web-{date}.log"]);
    let learned = one(&as_slices(&runs));
    assert_eq!(
        places(&proposals(&learned)),
        ["/srv/log/{ember,quill,sable}"]
    );
}

#[test]
fn directories_that_the_workload_did_not_make_are_of_no_kind() {
    let runs = logs_by_host();
    let runs: Vec<Vec<&str>> = runs
        .into_iter()
        .map(|lines| {
            let lines = lines.into_iter();
            lines
                .filter(|line| !line.starts_with("file.mkdir"))
                .collect()
        })
        .collect();
    assert_eq!(places(&proposals(&one(&as_slices(&runs)))), [""; 0]);
}

#[test]
fn letters_of_no_word_that_two_runs_drew_are_random() {
    let learned = one(&[
        &["file.mkdir /srv/in/node-vsyyeoplv"],
        &["file.mkdir /srv/in/node-kqwzrtbfh"],
        &[],
    ]);
    assert_eq!(places(&proposals(&learned)), ["/srv/in/node-{tmp}"]);
    // Later runs see the folders that earlier ones made.
    let learned = one(&[
        &["file.mkdir /srv/in/node-vsyyeoplv"],
        &[
            "file.open r /srv/in/node-vsyyeoplv",
            "file.mkdir /srv/in/node-kqwzrtbfh",
        ],
        &[
            "file.open r /srv/in/node-vsyyeoplv",
            "file.open r /srv/in/node-kqwzrtbfh",
        ],
    ]);
    assert_eq!(places(&proposals(&learned)), ["/srv/in/node-{tmp}"]);
    // Endings of the same length.
    let files =
        |name: &str| ["crt", "key"].map(|end| format!("file.create /srv/in/{name}.lab.{end}"));
    let (one_run, other) = (files("vsyyeop"), files("kqwzrtb"));
    let learned = one(&[
        &one_run.each_ref().map(String::as_str),
        &other.each_ref().map(String::as_str),
        &[],
    ]);
    assert_eq!(
        places(&proposals(&learned)),
        ["/srv/in/{tmp}.lab.crt", "/srv/in/{tmp}.lab.key"]
    );
    let learned = one(&[
        &["file.mkdir /srv/in/node-singapore"],
        &["file.mkdir /srv/in/node-frankfurt"],
        &[],
    ]);
    assert_eq!(places(&proposals(&learned)), [""; 0]);
}

#[test]
fn a_program_that_connects_to_some_of_the_workload_s_sockets_may_connect_to_all() {
    let bound = ["anvil", "bounce", "log", "rewrite"]
        .map(|name| ("/bin/master", format!("net.bind unix /run/post/{name}")));
    let connects = |exe: &'static str, names: &[&str]| {
        let line = |name: &&str| (exe, format!("net.connect unix /run/post/{name}"));
        names.iter().map(line).collect::<Vec<_>>()
    };
    let first = [
        bound.to_vec(),
        connects("/bin/smtp", &["bounce", "log"]),
        connects("/bin/local", &["log"]),
    ];
    let second = [
        bound.to_vec(),
        connects("/bin/smtp", &["bounce", "rewrite"]),
    ];
    let learned = learned(&[first.concat(), second.concat()]);
    let found = proposals(&learned);
    assert_eq!(places(&found), ["net.connect /run/post"]);
    assert!(found[0].is_for_all() && !found[0].is_safe());
    let connects = |line: &String| line.starts_with("net.connect");
    let mut lines = after(&learned, Proposal::is_for_all);
    lines.retain(connects);
    assert_eq!(
        lines,
        [
            "net.connect unix /run/post/log",
            "net.connect unix /run/post/{anvil,bounce,log,rewrite}"
        ]
    );
}

#[test]
fn a_program_that_reads_files_that_it_made_may_read_others_that_it_makes() {
    let photo = |name: &str| {
        [
            format!("file.rename to /srv/pics/cam/{name}"),
            format!("file.open r /srv/pics/cam/{name}"),
        ]
    };
    let mut runs: Vec<Vec<(&str, String)>> = ["fox", "owl", "elk", "bee"]
        .iter()
        .map(|name| photo(name).map(|line| ("/bin/app", line)).to_vec())
        .collect();
    for line in [
        "file.rename to /srv/pics/clip.mp4",
        "file.rename to /srv/other/clip.mp4",
        "file.create /srv/pics/clip.tmp",
        "file.rename from /srv/pics/clip.tmp",
    ] {
        runs[1].push(("/bin/app", line.to_owned()));
    }
    for run in &mut runs {
        run.push(("/bin/app", "file.create /srv/pics/index".to_owned()));
    }
    let learned = learned(&runs);
    let found = proposals(&learned);
    assert_eq!(places(&found), ["files that it makes"]);
    assert!(found[0].is_for_all());
    let after = after(&learned, Proposal::is_for_all);
    assert!(after.contains(&"file.rename to /srv/pics/clip.mp4".to_owned()));
    assert!(after.contains(&"file.open r /srv/pics/clip.mp4".to_owned()));
    // Elsewhere, for files that get another name, and for those that each run made without reading them, there is no evidence.
    let reads: Vec<&String> = after
        .iter()
        .filter(|line| line.starts_with("file.open r "))
        .collect();
    assert_eq!(reads.len(), 5, "{reads:?}");
}

#[test]
fn files_with_generated_names_may_be_moved_back_after_a_crash() {
    let runs: [&[&str]; 2] = [
        &[
            "file.rename from /srv/print/new/{hex}",
            "file.rename to /srv/print/busy/{hex}",
            "file.rename from /srv/print/state.{tmp}",
            "file.rename to /srv/print/state",
            "file.rename from /srv/print/a/log",
            "file.rename to /srv/print/b/log",
        ],
        &["file.rename from /srv/print/new/{hex}"],
    ];
    let learned = one(&runs);
    let found = proposals(&learned);
    assert_eq!(places(&found), ["moves of {hex}"]);
    let after = after(&learned, Proposal::is_for_all);
    for line in [
        "file.rename from /srv/print/busy/{hex}",
        "file.rename from /srv/print/new/{hex}",
        "file.rename to /srv/print/busy/{hex}",
        "file.rename to /srv/print/new/{hex}",
    ] {
        assert!(after.contains(&line.to_owned()), "{line}: {after:?}");
    }
    assert_eq!(after.len(), 8, "{after:?}");
}

#[test]
fn one_name_around_a_name_with_a_pattern_has_the_pattern_too() {
    let learned = one(&[
        &[
            "file.create /srv/in/scan_1203.tif",
            "file.rename to /srv/in/lqztgi.csv",
            "file.create /srv/in/.lqztgi.csv.{tmp}",
        ],
        &[
            "file.create /srv/in/scan_7781.tif",
            "file.link to /srv/in/scan_1203.tif~",
            "file.rename to /srv/in/wgmfdv.csv",
        ],
        &["file.create /srv/in/other.tif~", "file.create /srv/in/x"],
    ]);
    assert_eq!(
        places(&proposals(&learned)),
        [
            "/srv/in/.{tmp}.csv.{tmp}",
            "/srv/in/scan_{n}.tif",
            "/srv/in/scan_{n}.tif~",
            "/srv/in/{tmp}.csv",
        ]
    );
    // The random ending was there before.
    let found = proposals(&learned);
    assert!(found.iter().all(Proposal::is_safe), "{found:#?}");
}

#[test]
fn names_of_several_directories_of_a_kind_are_no_spool_together() {
    let file = |host: &str, name: &str| format!("file.create /srv/log/{host}/{name}.csv");
    let names = [
        "ant", "bee", "cat", "dog", "eel", "fox", "gnu", "hen", "jay", "kite",
    ];
    let runs = names
        .chunks(5)
        .zip(["quill", "ember"])
        .map(|(names, host)| {
            let mut lines = vec![
                ("/bin/app", format!("file.mkdir /srv/log/{host}")),
                ("/bin/app", file(host, "day-{date}")),
                ("/bin/app", file(host, &format!("{host}-{{n}}"))),
            ];
            lines.extend(names.iter().map(|name| ("/bin/app", file(host, name))));
            lines
        });
    let learned = learned(&runs.collect::<Vec<_>>());
    let found = proposals(&learned);
    assert_eq!(places(&found), ["/srv/log/{ember,quill}"]);
    assert!(found[0].is_safe(), "{:?}", found[0].reasons);
}

#[test]
fn only_varying_names_are_expected_in_other_directories() {
    let mut runs = logs_by_host();
    runs[0].extend([
        "file.create /srv/log/quill/tool",
        "file.chmod suid /srv/log/quill/helper-{n}",
        "file.open r /srv/log/quill/token",
        "exec /srv/log/quill/job-{n}",
        "net.connect unix /srv/log/quill/bus-{n}",
    ]);
    let lines = after(&one(&as_slices(&runs)), Proposal::is_for_all);
    for line in [
        "exec /srv/log/quill/job-{n}",
        "file.chmod suid /srv/log/quill/helper-{n}",
        "file.create /srv/log/quill/tool",
        "file.create /srv/log/{ember,quill}/cron-{date}.log",
        "file.open r /srv/log/quill/token",
        "net.connect unix /srv/log/quill/bus-{n}",
    ] {
        assert!(lines.contains(&line.to_owned()), "{line}: {lines:#?}");
    }
}

#[test]
fn directories_with_several_purposes_are_of_no_kind() {
    let below = |root: &str| {
        let runs = logs_by_host();
        let runs = runs.iter().map(|lines| {
            let lines = lines.iter();
            lines
                .map(|line| ("/bin/app", line.replace("/srv/log/", root)))
                .collect()
        });
        proposals(&learned(&runs.collect::<Vec<_>>()))
    };
    assert_eq!(places(&below("/srv/a/log/")), ["/srv/a/log/{ember,quill}"]);
    assert_eq!(places(&below("/home/")), [""; 0]);
    assert_eq!(places(&below("/")), [""; 0]);
}

#[test]
fn directories_that_all_runs_fill_alike_have_no_proposal() {
    let runs = logs_by_host();
    let all = runs.concat();
    let learned = one(&[&all, &all]);
    assert_eq!(places(&proposals(&learned)), [""; 0]);
}

#[test]
fn one_more_directory_of_a_kind_is_the_same_proposal() {
    let id = |runs: &[Vec<&str>]| proposals(&one(&as_slices(runs)))[0].id.clone();
    let mut runs = logs_by_host();
    let before = id(&runs);
    runs.push(vec![
        "file.mkdir /srv/log/zeta",
        "file.create /srv/log/zeta/mail-{date}.log",
    ]);
    assert_eq!(id(&runs), before);
}

#[test]
fn a_date_beside_a_pattern_of_numbers_keeps_the_numbers() {
    let learned = one(&[
        &["file.create /srv/r-{n}"],
        &["file.create /srv/r-20261124"],
    ]);
    let lines = after(&learned, |_| true);
    assert_eq!(lines, ["file.create /srv/r-{n}"]);
}

#[test]
fn a_name_of_many_classes_is_compared_in_bounded_time() {
    let pattern = vec!["{n}"; 30].join("-");
    let name = vec!["{n}-5"; 15].join("-");
    let lines = [pattern, name].map(|name| format!("file.create /srv/s/{name}"));
    let learned = one(&[&[&*lines[0]], &[&*lines[1]]]);
    proposals(&learned);
}

#[test]
fn sockets_without_comparison_and_the_bus_are_left_alone() {
    let bind = |name: &str| format!("net.bind unix /run/dbus/{name}");
    let connect = |name: &str| format!("net.connect unix /run/dbus/{name}");
    let names = ["anvil", "bounce", "log", "system_bus_socket"];
    let mut lines: Vec<(&str, String)> =
        names.iter().map(|name| ("/bin/srv", bind(name))).collect();
    lines.extend(names[..3].iter().map(|name| ("/bin/cli", connect(name))));
    assert_eq!(
        places(&proposals(&learned(std::slice::from_ref(&lines)))),
        [""; 0]
    );
    let found = proposals(&learned(&[lines.clone(), lines[..5].to_vec()]));
    assert_eq!(places(&found), ["net.connect /run/dbus"]);
    assert!(!found[0].is_for_all(), "{:?}", found[0].sensitive);
}

#[test]
fn a_name_joins_a_pattern_that_the_same_proposals_make() {
    let learned = one(&[
        &["file.create /srv/s/1-1", "file.create /srv/s/2-2"],
        &["file.create /srv/s/3-3", "file.create /srv/s/{n}-5"],
    ]);
    assert_eq!(after(&learned, |_| true), ["file.create /srv/s/{n}-{n}"]);
}

#[test]
fn directories_that_spread_numbers_in_hex_are_recognised_by_the_pattern_in_them() {
    let learned = one(&[
        &[
            "file.mkdir /srv/print/held/B",
            "file.create /srv/print/held/B/{hex}",
        ],
        &[
            "file.mkdir /srv/print/held/E",
            "file.create /srv/print/held/E/{hex}",
        ],
    ]);
    let found = proposals(&learned);
    assert_eq!(places(&found), ["/srv/print/held/{hex}"]);
    let after = after(&learned, Proposal::is_for_all);
    assert_eq!(
        after,
        [
            "file.create /srv/print/held/{hex}/{hex}",
            "file.mkdir /srv/print/held/{hex}"
        ]
    );
}

#[test]
fn random_names_beside_other_patterns_are_known() {
    let of = |folder: char, name: &str| {
        let folder = format!("/srv/print/held/{folder}");
        vec![
            format!("file.mkdir {folder}"),
            format!("file.create {folder}/{name}"),
        ]
    };
    let runs = [
        of('2', "{tmp}"),
        of('5', "{hex}"),
        of('6', "{hex}"),
        of('A', "A7C0217A9"),
        of('E', "E9C0217A9"),
    ];
    let runs: Vec<Vec<&str>> = runs
        .iter()
        .map(|lines| lines.iter().map(String::as_str).collect())
        .collect();
    let found = proposals(&one(&as_slices(&runs)));
    assert_eq!(places(&found), ["/srv/print/held/{hex}"]);
    assert!(found[0].is_for_all(), "{:?}", found[0].sensitive);
}

#[test]
fn a_number_in_hex_joins_the_pattern_of_such_numbers_in_its_directory() {
    let learned = one(&[
        &["file.create /srv/print/new/{hex}"],
        &[
            "file.open r /srv/print/new/4C0217A9E",
            "file.open r /srv/print/new/DEADBEEF",
        ],
    ]);
    let mut lines = after(&learned, Proposal::is_for_all);
    lines.sort();
    assert_eq!(
        lines,
        [
            "file.create /srv/print/new/{hex}",
            "file.open r /srv/print/new/DEADBEEF",
            "file.open r /srv/print/new/{hex}"
        ]
    );
}
