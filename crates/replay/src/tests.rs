// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Rules over recordings that are made by hand.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use ambit_abi::{self as abi, EventKind, Fp, Hook, Op};
use ambit_event::{Inet, Object, Path, Port, RawEvent, RingRecord, Subject};
use ambit_model::Map;
use ambit_policy::file;
use ambit_policy::rule::Rule;
use ambit_recording::{Header, Reader, Summary, Writer};

use super::Replay;
use crate::rules::{Gap, RuleCounts, RuleTest};

const SECOND: u64 = 1_000_000_000;

/// A recording, line by line.
struct HandMade {
    writer: Writer<Vec<u8>>,
    now_ns: u64,
    /// The operator's, engine's and taps' bits of the tasks.
    trust: u32,
    kind: EventKind,
}

fn path(text: &str) -> Object {
    Object::Path(Path::new(text.as_bytes().to_vec()).unwrap())
}

fn subject(exes: &[&str]) -> Subject {
    Subject {
        exe: exes.first().map(|exe| path(exe)),
        via: exes.iter().skip(1).map(|exe| path(exe)).collect(),
        ..Subject::default()
    }
}

impl HandMade {
    fn new() -> Self {
        Self::of(&Header {
            domain: "web".to_owned(),
            chain: 2,
            ephemeral: (32_768, 60_999),
            ..Header::new()
        })
    }

    fn of(header: &Header) -> Self {
        Self {
            writer: Writer::new(Vec::new(), header).unwrap(),
            now_ns: SECOND,
            trust: 0,
            kind: EventKind::Match,
        }
    }

    fn push(&mut self, process: u32, by: &[&str], hook: Hook, what: (Op, u32), object: &Object) {
        self.now_ns += 1;
        let bytes = object.to_bytes();
        let by = subject(by);
        let header = abi::Event {
            kind: self.kind.into(),
            hook: hook.into(),
            op: what.0.into(),
            arg: what.1,
            object_len: u16::try_from(bytes.len()).unwrap(),
            mode: 1,
            key: Fp {
                lo: fingerprint(format!("{by:?}").as_bytes()) ^ fingerprint(&bytes),
                hi: u64::from(u16::from(what.0)) << 32 | u64::from(what.1),
            },
            subject: Fp {
                lo: fingerprint(format!("{by:?}").as_bytes()),
                hi: 1,
            },
            time_ns: self.now_ns,
            tgid: process,
            tid: process,
            ns_tgid: process,
            trust: self.trust,
            ..abi::Event::default()
        };
        let raw = RawEvent {
            header,
            object: &bytes,
        };
        assert!(
            self.writer
                .record(&RingRecord::new(raw).unwrap(), |_| Some(by))
                .unwrap()
        );
    }

    fn opens(&mut self, process: u32, by: &[&str], file: &str) -> &mut Self {
        let what = (Op::FileOpen, abi::OPEN_READ);
        self.push(process, by, Hook::FileOpen, what, &path(file));
        self
    }

    fn connects(&mut self, process: u32, by: &[&str], port: Port) -> &mut Self {
        let object = Object::Inet(Inet {
            protocol: 6,
            address: [10, 0, 0, 1].into(),
            port,
        });
        let what = (Op::NetConnect, 0);
        self.push(process, by, Hook::SocketConnect, what, &object);
        self
    }

    /// An exec as the kernel part tells of it; it may come to nothing.
    fn executes(&mut self, process: u32, by: &[&str], file: &str, succeeds: bool) -> &mut Self {
        let hook = Hook::BprmCheckSecurity;
        self.push(process, by, hook, (Op::Exec, 0), &path(file));
        if succeeds {
            let next = [&[file], &by[..by.len().min(1)]].concat();
            let creds = Object::Creds(ambit_event::Creds {
                uid: 0,
                gid: 0,
                caps: 0,
                no_new_privs: false,
            });
            let hook = Hook::BprmCredsFromFile;
            self.push(process, &next, hook, (Op::ExecCreds, 0), &creds);
        }
        self
    }

    fn forks(&mut self, parent: u32, child: u32) -> &mut Self {
        self.now_ns += 1;
        let header = abi::Event {
            kind: EventKind::Fork.into(),
            hook: Hook::TaskAlloc.into(),
            op: Op::Name.into(),
            tgid: parent,
            extra: child,
            time_ns: self.now_ns,
            ..abi::Event::default()
        };
        let object = Object::None.to_bytes();
        let raw = RawEvent {
            header,
            object: &object,
        };
        assert!(
            !self
                .writer
                .record(&RingRecord::new(raw).unwrap(), |_| None)
                .unwrap()
        );
        self
    }

    fn waits(&mut self, seconds: u64) -> &mut Self {
        self.now_ns += seconds * SECOND;
        self
    }

    fn trusted(&mut self, trust: u32) -> &mut Self {
        self.trust = trust;
        self
    }

    fn evaluated(self, rules: &str) -> Answers {
        let text = format!("ambit-rules: 1\nrules:\n{rules}");
        let rules: Vec<Rule> = match file::read("x.yaml", text.as_bytes()) {
            Ok(rules) => rules,
            Err(errors) => panic!("{errors}"),
        };
        let rules: &'static [Rule] = rules.leak();
        let bytes = self.writer.end(&Summary::default()).unwrap();
        let reader = Reader::new(&bytes[..]).unwrap();
        let mut replay = Replay::new(None, Some(rules), reader.header().ephemeral);
        replay.read("by hand".to_owned(), reader, |_| {}).unwrap();
        Answers(replay.rules.unwrap())
    }
}

/// FNV-1a.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, &b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    })
}

struct Answers(RuleTest<'static>);

impl Answers {
    fn counts(&self, id: &str) -> &RuleCounts {
        let found = self.0.results().find(|(rule, _)| rule.id == id);
        found.map(|(_, counts)| counts).unwrap()
    }

    /// How often a rule applied, and how often it could not be judged.
    fn of(&self, id: &str) -> (u64, u64) {
        let counts = self.counts(id);
        (counts.matched, counts.undecided)
    }
}

const SH: &[&str] = &["/bin/sh"];
const CAT: &[&str] = &["/bin/cat", "/bin/sh"];
const TAINT: &str = "  - {id: mark, on: file.open, when: 'object.path == \"/mark\"', do: taint}
  - {id: gate, on: file.open, when: '\"rule:mark\" in task.trust && object.path == \"/f\"', do: deny}
";

/// `/bin/sh`, started by nobody that was recorded.
fn shell() -> HandMade {
    let mut recording = HandMade::new();
    recording.executes(1, &[], "/bin/sh", true);
    recording
}

#[test]
fn a_taint_is_seen_by_later_rules_and_only_from_then_on() {
    let mut recording = shell();
    recording
        .opens(1, SH, "/f")
        .opens(1, SH, "/mark")
        .opens(1, SH, "/f");
    let answers = recording.evaluated(TAINT);
    assert_eq!((answers.of("mark"), answers.of("gate")), ((1, 0), (1, 0)));
    assert_eq!(answers.counts("gate").refused, 1);
    assert_eq!(answers.0.totals().refused, 1);
}

#[test]
fn a_taint_is_inherited_by_whom_the_process_makes_later_and_kept_over_exec() {
    let mut recording = shell();
    recording
        .forks(1, 2)
        .opens(1, SH, "/mark")
        .forks(1, 3)
        .forks(3, 4);
    recording.opens(2, SH, "/f").opens(3, SH, "/f");
    recording
        .executes(4, SH, "/bin/cat", true)
        .opens(4, CAT, "/f");
    let answers = recording.evaluated(TAINT);
    assert_eq!(answers.of("gate"), (2, 0));
    let by: Vec<&str> = answers
        .counts("gate")
        .examples
        .iter()
        .map(|((by, _), _)| by.as_str())
        .collect();
    assert!(
        by[0].contains("/bin/sh") && by[1].contains("/bin/cat"),
        "{by:?}"
    );
}

#[test]
fn a_number_that_is_used_again_is_another_process() {
    let mut recording = shell();
    recording
        .forks(1, 2)
        .opens(2, SH, "/mark")
        .forks(1, 2)
        .opens(2, SH, "/f");
    assert_eq!(recording.evaluated(TAINT).of("gate"), (0, 0));
}

#[test]
fn a_taint_ends_when_its_time_is_over_for_children_too() {
    let rules = TAINT.replace("do: taint}", "do: taint, for-seconds: 5}");
    let mut recording = shell();
    recording
        .opens(1, SH, "/mark")
        .waits(2)
        .forks(1, 2)
        .opens(2, SH, "/f");
    recording
        .waits(2)
        .opens(1, SH, "/f")
        .waits(2)
        .opens(1, SH, "/f")
        .opens(2, SH, "/f");
    assert_eq!(recording.evaluated(&rules).of("gate"), (2, 0));
    // Once more, and it begins anew.
    let mut recording = shell();
    recording
        .opens(1, SH, "/mark")
        .waits(4)
        .opens(1, SH, "/mark")
        .waits(4)
        .opens(1, SH, "/f");
    assert_eq!(recording.evaluated(&rules).of("gate"), (1, 0));
}

#[test]
fn a_process_of_unknown_parents_may_have_their_taints() {
    let mut recording = HandMade::of(&Header {
        chain: 2,
        forks: false,
        ..Header::new()
    });
    recording.executes(1, &[], "/bin/sh", true);
    recording
        .opens(2, SH, "/f")
        .opens(1, SH, "/mark")
        .opens(3, SH, "/f");
    let answers = recording.evaluated(TAINT);
    assert_eq!(answers.of("gate"), (0, 1));
    let missing: Vec<_> = answers.counts("gate").missing.iter().copied().collect();
    assert_eq!(missing, ["task.trust"]);
}

#[test]
fn deny_goes_before_allow_and_allow_before_the_taints_of_others() {
    let rule = |id: &str, when: &str, what: &str| {
        format!("  - {{id: {id}, on: file.open, when: 'object.path == \"{when}\"', do: {what}}}\n")
    };
    let rules = [
        rule("allow", "/a", "allow"),
        rule("allow-too", "/f", "allow"),
        "  - {id: deny, on: file.open, when: 'object.path.startsWith(\"/a\") && object.read', do: deny}\n".to_owned(),
        "  - {id: mark, on: file.open, when: 'object.path.contains(\"f\")', do: taint}\n".to_owned(),
        "  - {id: after, on: file.open, when: 'task.untrusted', do: audit}\n".to_owned(),
    ]
    .concat();
    let mut recording = shell();
    recording
        .opens(1, SH, "/a")
        .opens(1, SH, "/f")
        .opens(1, SH, "/x");
    let answers = recording.evaluated(&rules);
    let totals = answers.0.totals();
    assert_eq!((totals.refused, totals.allowed), (1, 1));
    let (allow, mark) = (answers.counts("allow"), answers.counts("mark"));
    assert_eq!((allow.matched, allow.allowed, allow.overruled), (1, 0, 1));
    assert_eq!((mark.matched, mark.tainted, mark.overruled), (1, 0, 1));
    assert_eq!(answers.of("after"), (0, 0));
}

#[test]
fn what_a_recording_does_not_tell_is_undecided_only_where_it_matters() {
    let rules =
        "  - {id: root, on: file.open, when: 'task.uid == 0 && object.path == \"/f\"', do: deny}
  - {id: either, on: file.open, when: 'task.uid == 0 || object.path == \"/f\"', do: audit}
";
    let mut recording = shell();
    recording.opens(1, SH, "/f").opens(1, SH, "/g");
    let answers = recording.evaluated(rules);
    assert_eq!(answers.of("root"), (0, 1));
    assert_eq!(answers.of("either"), (1, 1));
    assert_eq!(
        answers.counts("root").missing.iter().collect::<Vec<_>>(),
        [&"task.uid"]
    );
    let totals = answers.0.totals();
    assert_eq!(
        (totals.refused, totals.perhaps_refused, totals.undecided),
        (0, 1, 2)
    );
}

#[test]
fn a_taint_that_may_have_been_makes_its_followers_undecided() {
    let rules = "  - {id: mark, on: file.open, when: 'task.uid == 0 && object.path == \"/mark\"', do: taint}
  - {id: gate, on: file.open, when: '\"rule:mark\" in task.trust && object.path == \"/f\"', do: deny}
";
    let mut recording = shell();
    recording
        .opens(1, SH, "/f")
        .opens(1, SH, "/mark")
        .opens(1, SH, "/f")
        .opens(1, SH, "/g");
    assert_eq!(recording.evaluated(rules).of("gate"), (0, 1));
}

#[test]
fn an_ephemeral_port_is_judged_by_the_host_s_range() {
    let rules = "  - {id: low, on: net.connect, when: 'object.port == 80', do: deny}
  - {id: high, on: net.connect, when: 'object.port == 40000', do: deny}
  - {id: not-low, on: net.connect, when: 'object.port != 443', do: audit}
";
    let mut recording = shell();
    recording
        .connects(1, SH, Port::Ephemeral)
        .connects(1, SH, Port::Literal(80));
    let answers = recording.evaluated(rules);
    assert_eq!(
        (answers.of("low"), answers.of("high"), answers.of("not-low")),
        ((1, 0), (0, 1), (2, 0))
    );
}

#[test]
fn the_chain_follows_exec_and_fork_further_than_subjects_tell() {
    let rule = |exe: &str| {
        format!(
            "  - {{id: under{}, on: file.open, when: 'object.path == \"/f\" && subject.chain.exists(e, e == \"{exe}\")', do: audit}}\n",
            exe.replace('/', "-")
        )
    };
    let rules = [rule("/bin/sh"), rule("/bin/perl"), rule("/bin/no")].concat();
    let mut recording = shell();
    recording.forks(1, 2).executes(2, SH, "/bin/perl", true);
    recording
        .forks(2, 3)
        .executes(3, &["/bin/perl", "/bin/sh"], "/bin/env", true);
    recording.executes(3, &["/bin/env", "/bin/perl"], "/bin/cat", true);
    recording.opens(3, &["/bin/cat", "/bin/env"], "/f");
    // By itself once more: the chain is four long, and the shell is gone.
    recording.executes(3, &["/bin/cat", "/bin/env"], "/bin/cat", true);
    recording.opens(3, &["/bin/cat", "/bin/cat"], "/f");
    let answers = recording.evaluated(&rules);
    assert_eq!(answers.of("under-bin-sh"), (1, 0));
    assert_eq!(answers.of("under-bin-perl"), (2, 0));
    assert_eq!(answers.of("under-bin-no"), (0, 0));
}

#[test]
fn an_exec_that_fails_leaves_the_chain_and_what_started_the_run_is_not_known() {
    let rules = "  - {id: parent, on: file.open, when: 'object.path == \"/f\" && subject.parent == \"/srv/text\"', do: audit}
  - {id: chain, on: file.open, when: 'object.path == \"/f\" && subject.chain.exists(e, e == \"/usr/sbin/cron\")', do: audit}
  - {id: own, on: file.open, when: 'object.path == \"/f\" && subject.path == \"/bin/sh\"', do: audit}
";
    let mut recording = shell();
    recording
        .executes(1, SH, "/srv/text", false)
        .opens(1, SH, "/f");
    let answers = recording.evaluated(rules);
    assert_eq!(answers.of("own"), (1, 0));
    assert_eq!(
        (answers.of("parent"), answers.of("chain")),
        ((0, 1), (0, 1))
    );
}

#[test]
fn what_an_operator_took_is_seen_until_a_rule_gives_it_back() {
    let rules = "  - {id: back, on: file.open, when: 'object.path == \"/back\"', do: untaint}
  - {id: gate, on: file.open, when: '\"operator\" in task.trust && object.path == \"/f\"', do: deny}
  - {id: cause, on: file.open, when: 'task.cause == \"operator\" && object.path == \"/f\"', do: audit}
";
    let mut recording = shell();
    recording
        .opens(1, SH, "/f")
        .trusted(1 << abi::TRUST_OPERATOR)
        .opens(1, SH, "/f");
    recording.opens(1, SH, "/back").opens(1, SH, "/f");
    let answers = recording.evaluated(rules);
    assert_eq!((answers.of("gate"), answers.of("cause")), ((1, 0), (1, 0)));
    assert_eq!(answers.counts("back").untainted, 1);
    // What is first then is the first.
    let rules = format!(
        "{rules}{}  - {{id: new, on: file.open, when: 'task.cause == \"rule:mark\" && object.path == \"/x\"', do: audit}}\n",
        TAINT.replace("id: gate", "id: other")
    );
    let mut recording = shell();
    recording
        .trusted(1 << abi::TRUST_OPERATOR)
        .opens(1, SH, "/back")
        .opens(1, SH, "/mark")
        .opens(1, SH, "/x");
    assert_eq!(recording.evaluated(&rules).of("new"), (1, 0));
}

#[test]
fn what_an_open_teaches_a_map_is_no_operation_to_rules() {
    let mut recording = shell();
    recording.push(1, SH, Hook::FileOpen, (Op::FileCreate, 0), &path("/f"));
    recording.push(1, SH, Hook::PathMknod, (Op::FileCreate, 0), &path("/f"));
    let rules = "  - {id: made, on: file.create, when: 'object.path == \"/f\"', do: deny}\n";
    assert_eq!(recording.evaluated(rules).of("made"), (1, 0));
}

#[test]
fn operations_that_are_not_recorded_are_named() {
    let answers = shell().evaluated("  - {id: b, on: [kernel.bpf, file.open], do: audit}\n");
    let op = Op::KernelBpf;
    assert_eq!(answers.0.gaps(), [Gap::Unrecorded { op, rules: 1 }]);
}

#[test]
fn three_different_operations_are_shown_and_the_rest_is_counted() {
    let mut recording = shell();
    for file in ["/a", "/a", "/b", "/c", "/d", "/e"] {
        recording.opens(1, SH, file);
    }
    let answers = recording.evaluated("  - {id: all, on: file.open, do: audit}\n");
    let counts = answers.counts("all");
    let times: Vec<u64> = counts.examples.iter().map(|(_, times)| *times).collect();
    assert_eq!((times, counts.others), (vec![2, 1, 1], 2));
}

#[test]
fn operations_are_asked_about_in_the_order_of_time() {
    let mut recording = shell();
    let mark = recording.now_ns + 100;
    recording.now_ns = mark;
    recording.opens(1, SH, "/mark").now_ns = mark - 50;
    // Written later, done before.
    recording.opens(1, SH, "/f").now_ns = mark + 50;
    recording.opens(1, SH, "/f");
    assert_eq!(recording.evaluated(TAINT).of("gate"), (1, 0));
}

#[test]
fn what_has_no_canonical_form_has_an_empty_path() {
    let mut recording = shell();
    recording.kind = EventKind::Unrepresentable;
    recording.opens(1, SH, "/f");
    let answers = recording.evaluated(
        "  - {id: none, on: file.open, when: 'object.unrepresentable && object.path == \"\"', do: audit}\n",
    );
    assert_eq!(answers.of("none"), (1, 0));
}

#[test]
fn occurrences_that_are_not_kept_are_counted_each() {
    const KEPT: u32 = 10_000;
    let mut recording = HandMade::new();
    for number in 0..KEPT {
        recording.opens(1, CAT, &format!("/f/{number}"));
    }
    for _ in 0..3 {
        recording.opens(1, CAT, "/other");
    }
    let bytes = recording.writer.end(&Summary::default()).unwrap();
    let map = Map::new("web".to_owned());
    let reader = Reader::new(&bytes[..]).unwrap();
    let mut replay = Replay::new(Some(&map), None, reader.header().ephemeral);
    replay.read("by hand".to_owned(), reader, |_| {}).unwrap();
    let map = replay.map.unwrap();
    let kept: u64 = map.outside.iter().map(|one| one.times).sum();
    assert_eq!(u32::try_from(map.outside.len()), Ok(KEPT));
    assert_eq!((map.dropped, map.times), (3, kept + 3));
}
