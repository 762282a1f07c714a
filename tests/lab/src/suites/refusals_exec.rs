// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Programs and executable memory outside the map: the caller gets EPERM, and nothing runs.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::tests;
use crate::harness::{Lab, act, act_path, line};

tests! { "refusals":
    an_exec_is_refused_and_nothing_runs
    an_exec_after_vfork_is_refused_and_nothing_runs
    an_exec_by_descriptor_is_refused_and_nothing_runs
    an_exec_through_proc_self_fd_is_refused_and_nothing_runs
    an_exec_of_a_deleted_file_is_refused_and_nothing_runs
    an_exec_of_a_deleted_file_through_proc_self_fd_is_refused_and_nothing_runs
    an_exec_of_a_memfd_is_refused_and_nothing_runs
    an_exec_through_a_symlink_is_decided_by_where_it_leads
    an_exec_through_a_bind_mount_is_another_file
    an_exec_under_another_name_is_another_subject
    a_script_is_refused_though_its_interpreter_is_known
    an_interpreter_is_refused_though_the_script_is_known
    an_exec_with_other_credentials_is_refused
    mapping_a_file_executable_is_refused
    sharing_a_mapping_of_a_file_executable_is_refused
    making_a_mapping_of_a_file_executable_is_refused
    making_a_changed_mapping_of_a_file_executable_is_refused
    mapping_anonymous_memory_executable_is_refused
    making_anonymous_memory_executable_is_refused
    mapping_a_memfd_executable_is_refused
}

/// Runs a copy of the exerciser that leaves a file behind, by way of `operation`, in which `TOOL` is the copy.
fn exec(lab: &Lab, operation: &str, rule: &str) {
    let (tool, mark) = (lab.copy_of_act("tool"), lab.path("mark"));
    let operation = operation.replace("TOOL", &tool);
    lab.refusal(
        format!("{operation} create {mark}"),
        rule.replace("TOOL", &tool),
    )
    .before(|| {
        lab.copy_of_act("tool");
        let _ = fs::remove_file(&mark);
    })
    .effect(|| Path::new(&mark).exists())
    .check();
}

fn an_exec_is_refused_and_nothing_runs(lab: &Lab) {
    exec(lab, "exec TOOL", "exec TOOL");
}

fn an_exec_after_vfork_is_refused_and_nothing_runs(lab: &Lab) {
    exec(lab, "vfork-exec TOOL", "exec TOOL");
}

fn an_exec_by_descriptor_is_refused_and_nothing_runs(lab: &Lab) {
    exec(lab, "exec-fd TOOL", "exec TOOL");
}

fn an_exec_through_proc_self_fd_is_refused_and_nothing_runs(lab: &Lab) {
    exec(lab, "exec-procfd TOOL", "exec TOOL");
}

fn an_exec_of_a_deleted_file_is_refused_and_nothing_runs(lab: &Lab) {
    exec(lab, "exec-deleted TOOL", "exec deleted:TOOL");
}

fn an_exec_of_a_deleted_file_through_proc_self_fd_is_refused_and_nothing_runs(lab: &Lab) {
    exec(lab, "exec-deleted-procfd TOOL", "exec deleted:TOOL");
}

fn an_exec_of_a_memfd_is_refused_and_nothing_runs(lab: &Lab) {
    exec(lab, "memfd-exec payload TOOL", "exec memfd:payload");
}

fn an_exec_through_a_symlink_is_decided_by_where_it_leads(lab: &Lab) {
    let (tool, way, mark) = (lab.copy_of_act("tool"), lab.path("way"), lab.path("mark"));
    symlink(&tool, &way).unwrap();
    lab.refusal(format!("exec {way} create {mark}"), format!("exec {tool}"))
        .before(|| {
            let _ = fs::remove_file(&mark);
        })
        .effect(|| Path::new(&mark).exists())
        .check();
}

fn an_exec_through_a_bind_mount_is_another_file(lab: &Lab) {
    let tool = lab.copy_of_act("tool");
    fs::create_dir(lab.path("bound")).unwrap();
    lab.outside(["mount", "--bind", &lab.path("."), &lab.path("bound")])
        .succeeds();
    let other = lab.path("bound/tool");
    let learned = lab
        .learn("map", &act(&format!("exec {tool} true")))
        .succeeds();
    let run = lab.enforce(
        "map",
        &act(&format!("exec {other} true , exec {tool} true")),
    );
    lab.outside(["umount", &lab.path("bound")]).succeeds();
    learned.says(&["true: ok", "exec: ok"]);
    run.exits(1)
        .says(&["exec: errno EPERM", "true: ok", "exec: ok"])
        .violates(&format!("exec {other}"));
}

/// busybox is one file with many programs: the rules of `busybox cat` do not allow `busybox rm`.
fn an_exec_under_another_name_is_another_subject(lab: &Lab) {
    let (cat, rm, known) = (lab.path("cat"), lab.path("rm"), lab.path("known"));
    fs::copy("/bin/busybox", lab.path("box")).expect("the lab has busybox");
    symlink("box", &cat).unwrap();
    symlink("box", &rm).unwrap();
    lab.learn("map", &act(&format!("exec {cat} {known}")))
        .succeeds();
    let subject = lab
        .map("map")
        .of(&lab.path("box"))
        .pop()
        .expect("a subject for busybox");
    assert!(
        subject.head.contains(&"as: cat".to_owned()),
        "the name it was invoked by is missing: {subject:?}"
    );
    lab.enforce("map", &act(&format!("exec {cat} {known}")))
        .succeeds()
        .within_the_map();
    let run = lab.enforce("map", &act(&format!("exec {rm} -f {known}")));
    run.expect(
        Path::new(&known).exists(),
        "what cat was allowed let rm remove the file",
    );
}

fn a_script_is_refused_though_its_interpreter_is_known(lab: &Lab) {
    let mark = lab.path("mark");
    let good = lab.script("good.sh", "#!/bin/sh\nexit 0\n");
    let evil = lab.script("evil.sh", &format!("#!/bin/sh\necho x >{mark}\n"));
    lab.learn("map", &act(&format!("exec {good}"))).succeeds();
    let run = lab
        .enforce("map", &act(&format!("exec {evil} , exec {good}")))
        .exits(1);
    run.says(&["exec: errno EPERM", "exec: ok"])
        .violates(&format!("exec {evil}"));
    assert!(!Path::new(&mark).exists(), "the script ran");
}

fn an_interpreter_is_refused_though_the_script_is_known(lab: &Lab) {
    let (tool, mark) = (lab.copy_of_act("tool"), lab.path("mark"));
    let script = lab.script("run", &format!("#!{} true\n", act_path()));
    lab.learn("map", &act(&format!("exec {script}")));
    lab.map("map").must_have(&format!("exec {script}"));
    // The same script run by another program, with a map that has no digest for it.
    let text = fs::read_to_string(lab.path("map")).unwrap();
    let open: Vec<&str> = text
        .lines()
        .filter(|line| !line.contains("script-digest"))
        .collect();
    fs::write(lab.path("map"), open.join("\n") + "\n").unwrap();
    lab.script("run", &format!("#!{tool} create {mark} ,\n"));
    let run = lab.enforce("map", &act(&format!("exec {script}"))).exits(1);
    run.says(&["exec: errno EPERM"])
        .violates_also(&format!("exec {tool}"));
    assert!(!Path::new(&mark).exists(), "the interpreter ran");
}

fn an_exec_with_other_credentials_is_refused(lab: &Lab) {
    let tool = lab.copy_of_act("tool");
    lab.outside(["chmod", "755", &tool]).succeeds();
    let program = act(&format!(
        "exec {tool} true , fork {{ setgid 33 , setuid 33 , exec {tool} true }}"
    ));
    lab.learn("map", &program).succeeds();
    lab.enforce("map", &program).succeeds().within_the_map();
    let map = lab.map("map");
    let head = map.of(&tool).pop().expect("a subject for the tool").head;
    let creds = head
        .iter()
        .find(|line| line.starts_with("- uid=33"))
        .expect("credentials of the second exec");
    let less = map
        .text
        .lines()
        .map(str::to_owned)
        .scan(false, |in_tool, text| {
            if text.starts_with("  - id:") {
                *in_tool = false;
            }
            *in_tool |= text.trim() == format!("exe: {tool}");
            Some(
                (*in_tool && text.trim() == creds)
                    .then(String::new)
                    .unwrap_or(text + "\n"),
            )
        });
    lab.file("less.map", less.collect::<String>());
    let run = lab.enforce("less.map", &program).exits(1);
    run.says(&[
        "true: ok",
        "exec: ok",
        "setgid: ok",
        "setuid: ok",
        "exec: errno EPERM",
    ]);
}

fn memory(lab: &Lab, operation: &str, rule: &str) {
    let file = lab.copy_of_act("code");
    lab.refusal(operation.replace('F', &file), rule.replace('F', &file))
        .without_trace()
        .check();
}

fn mapping_a_file_executable_is_refused(lab: &Lab) {
    memory(lab, "map-exec F", "map.exec F");
}

fn sharing_a_mapping_of_a_file_executable_is_refused(lab: &Lab) {
    memory(lab, "map-shared-exec F", "map.exec F");
}

fn making_a_mapping_of_a_file_executable_is_refused(lab: &Lab) {
    memory(lab, "map-then-exec F", "map.exec F");
}

fn making_a_changed_mapping_of_a_file_executable_is_refused(lab: &Lab) {
    memory(lab, "map-dirty-exec F", "map.exec dirty F");
    // A rule for the file's digest does not allow the file once it is overwritten.
    let file = lab.path("code");
    lab.learn("clean.map", &act(&format!("map-then-exec {file}")))
        .succeeds();
    let run = lab
        .enforce(
            "clean.map",
            &act(&format!("map-then-exec {file} , map-dirty-exec {file}")),
        )
        .exits(1);
    run.says(&["map-then-exec: ok", "map-dirty-exec: errno EPERM"])
        .violates(&format!("map.exec dirty {file}"));
}

fn mapping_anonymous_memory_executable_is_refused(lab: &Lab) {
    memory(lab, "anon-exec", "map.anon");
    let run = lab
        .enforce("less.map", &line(&[&act_path(), "anon-shared-exec"]))
        .exits(1);
    run.says(&["anon-shared-exec: errno EPERM"]);
}

fn making_anonymous_memory_executable_is_refused(lab: &Lab) {
    memory(lab, "anon-then-exec", "map.anon");
}

fn mapping_a_memfd_executable_is_refused(lab: &Lab) {
    memory(lab, "memfd-map-exec jit", "map.exec memfd:jit");
}
