// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A workload cannot control the terminal through Ambit's output, nor change the meaning of that output.

use super::tests;
use crate::harness::{Lab, Pty, act, words};

tests! { "hostile":
    file_names_with_escape_sequences_are_shown_escaped
    a_task_name_with_escape_sequences_is_shown_escaped
    argument_and_socket_names_with_escape_sequences_are_shown_escaped
    a_name_can_not_forge_a_line_of_json
    a_name_can_not_forge_a_line_on_a_terminal
}

/// Clears the screen, sets the title, moves the cursor up, in seven and eight bits; and reverses the text direction.
const NASTY: &str = "a\\x1b[2J\\x1b]0;owned\\x07\\x1b[1A\\x9b31m\\x0d\\xe2\\x80\\xaeb";

fn everywhere(lab: &Lab, forbidden: &str, first: &str) {
    lab.learn("map", &act(first)).succeeds();
    let map = lab.path("map");
    let command = act(&format!("{first} , {forbidden}"));
    for options in [&["--enforce"] as &[&str], &["--enforce", "--json"], &[]] {
        lab.ambit(words(&["run", "-m", &map], options, &command))
            .harmless_on_a_terminal();
        for how in [&["explain"] as &[&str], &["explain", "--json"]] {
            let run = lab.ambit(how).succeeds().harmless_on_a_terminal();
            let turned = String::from_utf8_lossy(&run.stdout).contains('\u{202e}');
            run.expect(!turned, "text that turns direction was written as it is");
        }
    }
    lab.learn("map", &command).harmless_on_a_terminal();
    for how in ["show", "check", "digest"] {
        lab.ambit(["map", how, &map])
            .succeeds()
            .harmless_on_a_terminal();
    }
    assert!(
        !lab.map("map").text.contains('\u{202e}'),
        "text that turns direction is in the map"
    );
}

fn file_names_with_escape_sequences_are_shown_escaped(lab: &Lab) {
    let (known, nasty) = (lab.path("known"), format!("{}/{NASTY}", lab.path(".")));
    everywhere(
        lab,
        &format!("create {nasty} , mkdir {nasty}d , unlink {nasty}"),
        &format!("open-r {known}"),
    );
}

fn a_task_name_with_escape_sequences_is_shown_escaped(lab: &Lab) {
    let (known, secret) = (lab.path("known"), lab.file("secret", "x"));
    everywhere(
        lab,
        &format!("open-r {secret}"),
        &format!("comm a\\x1b[2J\\x9b\\x07\\x0ax , open-r {known}"),
    );
}

fn argument_and_socket_names_with_escape_sequences_are_shown_escaped(lab: &Lab) {
    let (known, tool) = (lab.path("known"), lab.copy_of_act("tool"));
    let forbidden =
        format!("exec-as {NASTY} {tool} true , bind abstract:{NASTY} , memfd-map-exec {NASTY}");
    everywhere(lab, &forbidden, &format!("open-r {known}"));
    let nasty = std::ffi::OsStr::new("/no\u{1b}[2J/command");
    let run = lab.ambit([
        std::ffi::OsStr::new("run"),
        "--learn".as_ref(),
        "-o".as_ref(),
        lab.path("m").as_ref(),
        "--".as_ref(),
        nasty,
    ]);
    run.exits(127).harmless_on_a_terminal();
    lab.ambit(["map", "check", "/no\u{1b}[2J/map"])
        .exits(1)
        .harmless_on_a_terminal();
}

fn a_name_can_not_forge_a_line_of_json(lab: &Lab) {
    let known = lab.path("known");
    lab.learn("map", &act(&format!("open-r {known}")))
        .succeeds();
    let forged = format!("{}/x\\x22}}\\x0a{{\\x22forged\\x22:\\x22y", lab.path("."));
    let run = lab
        .enforce("map", &act(&format!("mkdir {forged}")))
        .exits(1);
    let violations = run.violations();
    let honest = violations.len() == 1 && violations[0].get("forged").is_none();
    run.expect(honest, "one violation and no forged one was expected");
}

fn a_name_can_not_forge_a_line_on_a_terminal(lab: &Lab) {
    let known = lab.path("known");
    lab.learn("map", &act(&format!("open-r {known}")))
        .succeeds();
    let (map, forged) = (
        lab.path("map"),
        format!("{}/x\\x0d\\x0aFORGED", lab.path(".")),
    );
    let mut command = lab.command("ambit");
    let mut terminal = Pty::start(command.args(words(
        &["run", "-m", &map, "--enforce"],
        &[],
        &act(&format!("mkdir {forged}")),
    )));
    terminal.until("file.mkdir");
    let (_, screen) = terminal.finish();
    assert!(
        screen.contains("FORGED"),
        "the violation should be on the screen:\n{screen}"
    );
    assert!(
        !screen.lines().any(|line| line.starts_with("FORGED")),
        "the name made a line of its own:\n{screen}"
    );
    assert!(!screen.contains("\\x1b]0;"), "a title was set:\n{screen}");
}
