// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Simulates the makers of temporary names: learns from one observation each, and counts how many other names of the
//! same maker the learned pattern covers. The figures are in docs/learning.md.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/ring.rs"]
mod ring;

use ambit_abi::{self as abi, EventKind, Op};
use ambit_event::{Object, Operation, Path, Secret, Subject, key};
use ambit_model::{Learner, Map, RuleObject};
use zerocopy::IntoBytes;

const SECRET: Secret = Secret::new([5; 16]);
const NAMES: usize = 10_000;

/// A generator of pseudo-random numbers (splitmix64), so that every run sees the same names.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let index = self.below(of.len().try_into().unwrap());
        &of[usize::try_from(index).unwrap()]
    }

    fn text(&mut self, alphabet: &str, length: usize) -> String {
        (0..length)
            .map(|_| char::from(*self.one(alphabet.as_bytes())))
            .collect()
    }
}

/// A file that the workload creates.
#[derive(Clone, Copy)]
struct Made<'a> {
    name: &'a str,
    mode: u32,
    directory: bool,
    pid: u32,
    /// The name that it is renamed to; without one it is removed.
    becomes: Option<&'a str>,
    removed: bool,
}

/// Learns from these files alone. Returns the patterns for the created paths.
fn learn(files: &[Made<'_>], base: &Map) -> Vec<RuleObject> {
    let subject = Subject {
        exe: Some(ambit_event::text::parse_path_object("/usr/bin/maker").unwrap()),
        ..Subject::default()
    };
    let fp = subject.fingerprint(&SECRET);
    let mut learner = Learner::new(SECRET);
    let launcher = Subject::LAUNCHER.fingerprint(&SECRET);
    let mut push = |kind: EventKind, operation: Operation, object: &[u8], key, extra, pid, by| {
        let record = ring::record(kind, operation, by, key, object, |header| {
            header.ns_tgid = pid;
            header.extra = extra;
        });
        learner.feed_raw(&record).unwrap();
    };
    let exe = subject.exe.clone().unwrap();
    let name = Operation::plain(Op::Name);
    let name_key = key(&SECRET, abi::Fp::ZERO, name, &exe);
    push(
        EventKind::Name,
        name,
        &exe.to_bytes(),
        name_key,
        0,
        1,
        launcher,
    );
    let record = subject.record(&SECRET);
    let described = Operation::plain(Op::Subject);
    push(
        EventKind::Subject,
        described,
        record.wire().as_bytes(),
        fp,
        0,
        1,
        fp,
    );
    let mut point = |op: Op, arg: u32, name: &str, mode: u32, pid: u32| {
        let path = Object::Path(Path::new(format!("/srv/w/{name}").into_bytes()).unwrap());
        let operation = Operation { op, arg };
        let key = key(&SECRET, fp, operation, &path);
        push(
            EventKind::Point,
            operation,
            &path.to_bytes(),
            key,
            mode,
            pid,
            fp,
        );
    };
    for file in files {
        let create = if file.directory {
            Op::FileMkdir
        } else {
            Op::FileCreate
        };
        point(create, 0, file.name, file.mode, file.pid);
        match file.becomes {
            Some(name) => {
                point(Op::FileRename, abi::END_FROM, file.name, 0, file.pid);
                point(Op::FileRename, abi::END_TO, name, 0, file.pid);
            }
            None if file.removed && file.directory => {
                point(Op::FileRmdir, 0, file.name, 0, file.pid);
            }
            None if file.removed => point(Op::FileUnlink, 0, file.name, 0, file.pid),
            None => {}
        }
    }
    let map = learner.finish(base).map;
    let rules = map.subjects.get(&subject).map(|entry| entry.allow.clone());
    rules
        .unwrap_or_default()
        .iter()
        .filter(|rule| matches!(rule.operation().op, Op::FileCreate | Op::FileMkdir))
        .map(|rule| rule.object().clone())
        .collect()
}

const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz0123456789_";
const WORD: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
const MUSL: &str = "ABCDEFGHIJKLMNOPabcdefghijklmnop";
const HEX: &str = "0123456789abcdef";
const BASE36: &str = "0123456789abcdefghijklmnopqrstuvwxyz";

/// The text that replaces `@` in a form.
#[derive(Clone, Copy)]
enum Part {
    Text(&'static str, usize),
    /// A number below 2^bits.
    Number(u32),
    /// `YYYYMMDD-PID-RANDOM` of Ruby.
    Ruby,
    /// `PID-N-N` in hex.
    Maria,
    /// Microseconds in five hex digits, and the number of an inode.
    Queue,
}

/// A maker with typical names. `@` stands for the generated part, `%` for the name that the file is renamed to.
struct Maker {
    name: &'static str,
    part: Part,
    forms: &'static [&'static str],
    mode: u32,
    directory: bool,
    /// Minimum share of covered names, in thousandths.
    bar: usize,
}

const FINAL: [&str; 6] = [
    "config.json",
    "IMG_4973.jpg",
    "state",
    "report-2026.pdf",
    "db.sqlite3",
    "Makefile",
];
const APP: &[&str] = &[
    "app-@",
    "app_@",
    "sess.@",
    ".cache-@",
    "foo-bar_@.log",
    "nginx-@.tmp",
    "x@",
];

#[rustfmt::skip]
const MAKERS: &[Maker] = &[
    Maker { name: "glibc mkstemp", part: Part::Text(ALNUM, 6), forms: APP, mode: 0o600, directory: false, bar: 985 },
    Maker { name: "glibc mkdtemp", part: Part::Text(ALNUM, 6), forms: APP, mode: 0o700, directory: true, bar: 985 },
    Maker { name: "glibc tempnam", part: Part::Text(ALNUM, 6), forms: &["file@", "mail@"], mode: 0o644, directory: false, bar: 910 },
    Maker { name: "glibc mkstemp, renamed", part: Part::Text(ALNUM, 6), forms: &["%.@", ".%.@", "%-@", "%@"], mode: 0o600, directory: false, bar: 990 },
    Maker { name: "musl mkstemp", part: Part::Text(MUSL, 6), forms: APP, mode: 0o600, directory: false, bar: 990 },
    Maker { name: "mktemp(1) of coreutils", part: Part::Text(ALNUM, 10), forms: &["tmp.@"], mode: 0o600, directory: false, bar: 998 },
    Maker { name: "mktemp(1) of busybox", part: Part::Text(MUSL, 6), forms: &["tmp.@"], mode: 0o600, directory: false, bar: 995 },
    Maker { name: "mktemp(1) with a template", part: Part::Text(ALNUM, 8), forms: &["build.@", "job-@", "out@.txt"], mode: 0o600, directory: false, bar: 950 },
    Maker { name: "Python tempfile", part: Part::Text(LOWER, 8), forms: &["tmp@", "tmp@.json"], mode: 0o600, directory: false, bar: 995 },
    Maker { name: "Python with a prefix", part: Part::Text(LOWER, 8), forms: &["app_@.json", "state-@", "mp-@", "upload.@.part", "pip-req-build-@", "order@"], mode: 0o600, directory: false, bar: 965 },
    Maker { name: "Python TemporaryDirectory", part: Part::Text(LOWER, 8), forms: &["tmp@", "pymp-@", "pip-build-env-@"], mode: 0o700, directory: true, bar: 990 },
    Maker { name: "Python shared memory", part: Part::Text(HEX, 8), forms: &["psm_@"], mode: 0o600, directory: false, bar: 995 },
    Maker { name: "Go os.CreateTemp", part: Part::Number(32), forms: &["go-build@", "upload-@", "config@.yaml", "@"], mode: 0o600, directory: false, bar: 995 },
    Maker { name: "Go os.MkdirTemp", part: Part::Number(32), forms: &["go-build@", "helm-@"], mode: 0o700, directory: true, bar: 995 },
    Maker { name: "Java File.createTempFile", part: Part::Number(64), forms: &["upload@.tmp", "jffi@.so", "tomcat.8080.@"], mode: 0o644, directory: false, bar: 995 },
    Maker { name: "Java Files.createTempFile", part: Part::Number(64), forms: &["upload@.tmp", "kafka-@"], mode: 0o600, directory: false, bar: 995 },
    Maker { name: "Node fs.mkdtemp", part: Part::Text(ALNUM, 6), forms: &["npm-@", "jest_@"], mode: 0o700, directory: true, bar: 990 },
    Maker { name: "Rust tempfile", part: Part::Text(ALNUM, 6), forms: &[".tmp@", "rustc@", "cargo-install@"], mode: 0o600, directory: false, bar: 990 },
    Maker { name: "Perl File::Temp", part: Part::Text(WORD, 10), forms: &["@", "@.txt", "spam-@"], mode: 0o600, directory: false, bar: 975 },
    Maker { name: "Perl with a template", part: Part::Text(WORD, 8), forms: &["order@", "job_@", "report-@.csv"], mode: 0o600, directory: false, bar: 915 },
    Maker { name: "PHP tempnam", part: Part::Text(ALNUM, 6), forms: &["php@", ".ZendSem.@", "img@", "csv_@"], mode: 0o600, directory: false, bar: 990 },
    Maker { name: "Ruby Tempfile", part: Part::Ruby, forms: &["@", "upload@", "RackMultipart@.png", "d@"], mode: 0o600, directory: false, bar: 930 },
    Maker { name: "systemd", part: Part::Text(HEX, 16), forms: &[".#%@"], mode: 0o644, directory: false, bar: 995 },
    Maker { name: "Qt QTemporaryFile", part: Part::Text(LETTERS, 6), forms: &["qt_temp.@", "kate.@", "app-@.svg"], mode: 0o600, directory: false, bar: 985 },
    Maker { name: "Qt QSaveFile", part: Part::Text(LETTERS, 6), forms: &["%.@"], mode: 0o600, directory: false, bar: 990 },
    Maker { name: "GLib g_file_set_contents", part: Part::Text(ALNUM, 6), forms: &["%.@"], mode: 0o644, directory: false, bar: 990 },
    Maker { name: "git objects and packs", part: Part::Text(ALNUM, 6), forms: &["tmp_obj_@", "tmp_pack_@", "tmp_idx_@"], mode: 0o444, directory: false, bar: 995 },
    Maker { name: "rsync", part: Part::Text(ALNUM, 6), forms: &[".%.@"], mode: 0o600, directory: false, bar: 990 },
    Maker { name: "sed -i", part: Part::Text(ALNUM, 6), forms: &["sed@"], mode: 0o600, directory: false, bar: 995 },
    Maker { name: "gcc", part: Part::Text(ALNUM, 6), forms: &["cc@.s", "cc@.o", "cc@.ltrans0.o"], mode: 0o600, directory: false, bar: 995 },
    Maker { name: "MariaDB temporary tables", part: Part::Maria, forms: &["#sql-temptable-@.MAD", "#sql-temptable-@.MAI"], mode: 0o660, directory: false, bar: 970 },
    Maker { name: "Postfix queue ids", part: Part::Queue, forms: &["@"], mode: 0o600, directory: false, bar: 975 },
];

fn generated(part: Part, pid: u32, random: &mut Random) -> String {
    match part {
        Part::Text(alphabet, length) => random.text(alphabet, length),
        Part::Number(bits) => (random.next() >> (64 - bits)).to_string(),
        Part::Ruby => {
            let day = 1 + random.below(28);
            let mut value = random.below(36_u64.pow(6));
            let mut digits = String::new();
            while value > 0 || digits.is_empty() {
                let digit = usize::try_from(value % 36).unwrap();
                digits.insert(0, char::from(BASE36.as_bytes()[digit]));
                value /= 36;
            }
            format!("202611{day:02}-{pid}-{digits}")
        }
        Part::Queue => {
            let bits = 12 + random.below(20);
            format!(
                "{:05X}{:X}",
                random.below(1_000_000),
                1 << bits | random.below(1 << bits)
            )
        }
        Part::Maria => format!("{pid:x}-{:x}-{:x}", random.below(200), random.below(600)),
    }
}

/// The result for a maker.
#[derive(Debug, Default)]
struct Score {
    covered: usize,
    patterns: usize,
    /// Patterns that keep the text around the generated part.
    kept: usize,
}

fn simulate(maker: &Maker, number: u64) -> Score {
    let mut random = Random(number);
    let mut score = Score::default();
    let empty = Map::new("x");
    for index in 0..NAMES {
        let form = maker.forms[index % maker.forms.len()];
        let target = *random.one(&FINAL);
        let form = form.replace('%', target);
        let becomes = maker.forms[index % maker.forms.len()]
            .contains('%')
            .then_some(target);
        let mut name = || {
            let pid = 300 + u32::try_from(random.below(60_000)).unwrap();
            let part = generated(maker.part, pid, &mut random);
            (form.replace('@', &part), pid)
        };
        let ((name, pid), (other, _)) = (name(), name());
        let mode = maker.mode;
        let file = Made {
            name: &name,
            mode,
            directory: maker.directory,
            pid,
            becomes,
            removed: true,
        };
        let objects = learn(&[file], &empty);
        let (before, after) = form.split_once('@').unwrap();
        for object in objects {
            let RuleObject::Path(pattern) = &object else {
                continue;
            };
            let text = pattern.to_string();
            let Some(text) = text.strip_prefix("/srv/w/") else {
                panic!("{text}")
            };
            let path = Path::new(format!("/srv/w/{other}").into_bytes()).unwrap();
            score.covered += usize::from(pattern.matches(&Object::Path(path)));
            if text.contains('{') {
                score.patterns += 1;
                score.kept += usize::from(text.starts_with(before) && text.ends_with(after));
            }
        }
    }
    score
}

#[test]
fn one_observation_of_each_maker_covers_its_other_names() {
    let mut short = Vec::new();
    for (number, maker) in (1..).zip(MAKERS) {
        let score = simulate(maker, number);
        let percent = |of: usize| of * 1000 / NAMES;
        println!(
            "{:32} covered {:4} patterns {:4} kept {:4}",
            maker.name,
            percent(score.covered),
            percent(score.patterns),
            percent(score.kept)
        );
        // A pattern that loses the text around the generated part allows names of other makers.
        if percent(score.covered) < maker.bar || percent(score.patterns - score.kept) > 20 {
            short.push(maker.name);
        }
    }
    assert_eq!(short, Vec::<&str>::new());
}

const ORDINARY: &str = include_str!("data/ordinary-names.txt");

/// Counts the ordinary names that become patterns if a file with this mode is created, and removed or not.
fn wrong(mode: u32, removed: bool) -> (usize, Vec<String>) {
    let names: Vec<&str> = ORDINARY.lines().collect();
    let mut random = Random(77);
    let mut found = Vec::new();
    let empty = Map::new("x");
    for index in 0..NAMES {
        // Each name itself first, then the stem of one with the ending of another.
        let name = if let Some(name) = names.get(index) {
            (*name).to_owned()
        } else {
            let (one, other) = (*random.one(&names), *random.one(&names));
            let stem = one.rsplit_once('.').map_or(one, |(stem, _)| stem);
            let stem = if stem.is_empty() { one } else { stem };
            let ending = other.rsplit_once('.').map_or("", |(_, ending)| ending);
            format!("{stem}.{ending}").trim_end_matches('.').to_owned()
        };
        let file = Made {
            name: &name,
            mode,
            directory: false,
            pid: 4711,
            becomes: None,
            removed,
        };
        for object in learn(&[file], &empty) {
            let RuleObject::Path(pattern) = object else {
                continue;
            };
            let text = pattern.to_string();
            // A temporary file whose name has a date has another name tomorrow.
            if text.contains('{') && !text.contains("{year}") {
                found.push(format!("{name} {text}"));
            }
        }
    }
    (found.len(), found)
}

#[test]
fn ordinary_names_stay_exact() {
    for (mode, removed, most) in [
        (0o644, false, 0),
        (0o600, false, 0),
        (0o644, true, 150),
        (0o600, true, 350),
    ] {
        let (count, found) = wrong(mode, removed);
        println!(
            "ordinary names, mode {mode:o}, removed {removed}: {count} of {NAMES} became patterns"
        );
        assert!(count <= most, "{found:#?}");
    }
}
