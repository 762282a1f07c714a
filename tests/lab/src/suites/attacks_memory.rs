// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Ways to run code that the map does not allow: each is refused, or gives memory that the processor does not execute.

use super::tests;
use crate::harness::{Lab, act};

tests! { "attacks":
    memory_that_is_mapped_as_code_is_refused
    memory_that_becomes_code_is_refused
    shared_memory_that_becomes_code_is_refused
    a_stack_that_becomes_code_is_refused
    a_segment_that_is_attached_as_code_is_refused
    memory_that_is_moved_or_grows_is_no_code
    where_reading_implies_executing_a_mapping_is_refused
    where_reading_implies_executing_the_heap_is_refused
    where_reading_implies_executing_a_changed_protection_is_refused
    where_reading_implies_executing_a_stack_is_refused
    where_reading_implies_executing_a_segment_is_refused
    where_reading_implies_executing_remapped_pages_are_refused
    where_reading_implies_executing_a_file_of_data_is_refused
    where_reading_implies_executing_memory_that_is_moved_or_grows_is_no_code
    a_changed_mapping_of_a_device_of_zeroes_is_no_code
    a_mapping_of_shared_memory_that_is_filled_at_its_first_fault_is_no_code
}

/// Tests a way to executable memory. If its page is not executable outside every domain, it must not be in one either.
fn way(lab: &Lab, operation: &str, control: &str, record: &str) {
    let outside = lab.outside(act(operation));
    if outside.status.success() {
        lab.attack(operation, record)
            .control(control)
            // The call has no EPERM, or its failure leaves the page as it was.
            .or("errno ENOMEM")
            .or("signal SEGV")
            .check();
        return;
    }
    eprintln!("figures: not executable: {}", outside.lines().join(", "));
    let control = format!("open-r {} , {control}", lab.path("known"));
    lab.learn("map", &act(&control)).succeeds();
    let run = lab
        .enforce("map", &act(&format!("{control} , {operation}")))
        .exits(1);
    let name = operation.split(' ').next().unwrap_or_default();
    let ran = run.lines().contains(&format!("{name}: ok"));
    run.expect(!ran, "the code ran in the domain");
}

fn memory_that_is_mapped_as_code_is_refused(lab: &Lab) {
    way(lab, "code mmap", "data mmap", "map.anon");
    way(lab, "code mmap-shared", "data mmap", "map.anon");
}

fn memory_that_becomes_code_is_refused(lab: &Lab) {
    way(lab, "code mprotect", "data mmap", "map.anon");
    way(lab, "code pkey-mprotect", "data mmap", "map.anon");
}

/// Shared memory is a file of the kernel.
fn shared_memory_that_becomes_code_is_refused(lab: &Lab) {
    way(lab, "code mprotect-shared", "data mmap", "map.exec*");
}

fn a_stack_that_becomes_code_is_refused(lab: &Lab) {
    way(lab, "code stack", "data mmap", "map.anon");
}

fn a_segment_that_is_attached_as_code_is_refused(lab: &Lab) {
    way(lab, "code shmat", "data shmat", "map.exec write fs:*");
}

fn memory_that_is_moved_or_grows_is_no_code(lab: &Lab) {
    for memory in ["mremap", "mremap-copy", "remap-file-pages", "grows-down"] {
        way(lab, &format!("code {memory}"), "data mmap", "map.*");
    }
    way(lab, "code brk", "data brk", "map.anon");
    way(lab, "code aio-ring", "data mmap", "map.*");
}

fn where_reading_implies_executing_a_mapping_is_refused(lab: &Lab) {
    way(lab, "code-implied mmap", "data mmap", "map.anon");
    way(lab, "code-implied mmap-shared", "data mmap", "map.anon");
}

fn where_reading_implies_executing_the_heap_is_refused(lab: &Lab) {
    way(lab, "code-implied brk", "data brk", "map.anon");
}

fn where_reading_implies_executing_a_changed_protection_is_refused(lab: &Lab) {
    way(lab, "code-implied mprotect", "data mmap", "map.anon");
    way(lab, "code-implied pkey-mprotect", "data mmap", "map.anon");
    way(
        lab,
        "code-implied mprotect-shared",
        "data mmap",
        "map.exec*",
    );
}

fn where_reading_implies_executing_a_stack_is_refused(lab: &Lab) {
    way(lab, "code-implied stack", "data mmap", "map.anon");
}

fn where_reading_implies_executing_a_segment_is_refused(lab: &Lab) {
    way(lab, "code-implied shmat", "data shmat", "map.exec*");
}

/// Kernels before commit `ea7e2d5e49c0` (6.12) call no hook here.
fn where_reading_implies_executing_remapped_pages_are_refused(lab: &Lab) {
    way(lab, "code-implied remap-file-pages", "data mmap", "map.*");
}

fn where_reading_implies_executing_a_file_of_data_is_refused(lab: &Lab) {
    let file = lab.file("data", [0xc3; 4096]);
    lab.attack(
        format!("code-file-implied {file}"),
        format!("map.exec {file}"),
    )
    .control(format!("open-r {file}"))
    // The kernel also asks for the place of such a mapping, for which any memory counts.
    .with_rule("map.anon")
    .check();
}

fn where_reading_implies_executing_memory_that_is_moved_or_grows_is_no_code(lab: &Lab) {
    for memory in ["mremap", "mremap-copy", "grows-down", "aio-ring"] {
        way(lab, &format!("code-implied {memory}"), "data mmap", "map.*");
    }
}

fn a_changed_mapping_of_a_device_of_zeroes_is_no_code(lab: &Lab) {
    way(
        lab,
        "code-dirty /dev/zero",
        "open-r /dev/zero",
        "map.exec dirty /dev/zero",
    );
}

/// `userfaultfd` fills a private mapping of a file in memory. No hook sees that the mapping is dirty, but `userfaultfd` itself is
/// decided, with core coverage as well.
fn a_mapping_of_shared_memory_that_is_filled_at_its_first_fault_is_no_code(lab: &Lab) {
    let file = "/dev/shm/lab-code";
    // Breakpoints: the page of the file itself does not return.
    std::fs::write(file, [0xcc; 4096]).unwrap();
    for coverage in ["core", "full"] {
        // This map lacks the requests of `userfaultfd`, too.
        lab.attack(format!("code-fault {file}"), "kernel.userfault*")
            .learned_with(&["--coverage", coverage])
            .control(format!("map-exec {file}"))
            .check();
    }
}
