// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Generalised maps: new dates and numbers are no violation, and names next to the pattern are one.

use super::tests;
use crate::harness::{Lab, act, line, words};

tests! { "generalize":
    new_dates_and_numbers_are_within_a_generalised_map_and_other_names_are_not
    a_line_that_is_to_be_kept_stays_exact
}

/// Writes a dated log and a numbered job, and reads a file.
const WORK: &str = "#!/bin/sh
echo more >> \"$PWD/log/app-$1.log\"
mkdir \"$PWD/jobs/job-$2\"
echo job > \"$PWD/jobs/job-$2/in.txt\"
cat \"$PWD/jobs/job-$2/in.txt\" \"$PWD/${3:-known}\"
";

fn work(lab: &Lab, values: &str) -> Vec<String> {
    let mut command = vec![lab.path("work")];
    command.extend(values.split(' ').map(str::to_owned));
    command
}

fn learn_two_days(lab: &Lab) {
    lab.script("work", WORK);
    for dir in ["log", "jobs"] {
        std::fs::create_dir(lab.path(dir)).unwrap();
    }
    lab.file("secret", "secret\n");
    for values in ["2026-11-24 17", "2026-11-25 18"] {
        lab.learn("map", &work(lab, values))
            .succeeds()
            .complains("ambit map generalize")
            .complains("next: ambit map review");
    }
}

fn new_dates_and_numbers_are_within_a_generalised_map_and_other_names_are_not(lab: &Lab) {
    learn_two_days(lab);
    let (map, learned) = (lab.path("map"), lab.map("map"));
    lab.enforce("map", &work(lab, "2026-12-31 1009"))
        .violates_also(&format!("file.mkdir {}", lab.path("jobs/job-1009")));
    let arguments = ["map", "generalize", &map, "--apply", "all", "-o", &map];
    lab.ambit(arguments).succeeds();
    let after = lab.map("map");
    after.must_have(&format!("file.mkdir {}", lab.path("jobs/job-{n}")));
    after.must_have(&format!(
        "file.create {}",
        lab.path("log/app-{year}-{month}-{day}.log")
    ));
    assert!(
        after.rules().len() < learned.rules().len(),
        "{}",
        after.text
    );
    lab.enforce("map", &work(lab, "2027-01-02 2048"))
        .succeeds()
        .within_the_map()
        .says(&["job", "known"]);
    lab.enforce("map", &work(lab, "2027-01-03 evil"))
        .violates_also(&format!("file.mkdir {}", lab.path("jobs/job-evil")));
    assert!(!std::path::Path::new(&lab.path("jobs/job-evil")).exists());
    lab.enforce("map", &work(lab, "2027-01-04 7 secret"))
        .violates(&format!("file.open r {}", lab.path("secret")));
    let file = lab.map("map").text;
    lab.ambit(arguments).succeeds();
    assert_eq!(
        lab.map("map").text,
        file,
        "generalising twice changed the map"
    );
}

fn a_line_that_is_to_be_kept_stays_exact(lab: &Lab) {
    std::fs::create_dir(lab.path("d")).unwrap();
    for number in 1..=3 {
        let create = format!("create {}", lab.path(&format!("d/key-{number}")));
        lab.learn("map", &act(&create)).succeeds();
    }
    let kept = format!("file.create {}", lab.path("d/key-1"));
    let text = lab.map("map").text;
    lab.file("map", text.replace(&kept, &format!("{kept} # keep exact")));
    let map = lab.path("map");
    let run = lab.ambit(words(
        &["map", "generalize", "--no-walk", "--apply", "all", &map],
        &[],
        &line(&[]),
    ));
    let printed = String::from_utf8_lossy(&run.succeeds().stdout).into_owned();
    assert!(
        printed.contains("# keep exact") && !printed.contains("{n}"),
        "{printed}"
    );
}
