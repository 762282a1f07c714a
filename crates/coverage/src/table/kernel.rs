// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The kernel itself: BPF, keys, modules, perf, audit, `io_uring`, security labels.

use crate::why::{LABELS, MEMORY, TOKEN, informs, kernel, tested};

hooks! {
    audit_rule_free yes yes yes: LABELS;
    audit_rule_init yes yes yes: LABELS;
    audit_rule_known yes yes yes: LABELS;
    audit_rule_match refused refused refused: LABELS;
    bpf yes yes yes;
    bpf_map yes yes yes: tested(
        "a descriptor for a map within bpf(2), decided at bpf",
        &["attacks::a_descriptor_of_a_bpf_map_by_its_number_is_refused"],
    );
    bpf_map_alloc_security yes no no: MEMORY;
    bpf_map_create no yes yes: tested(
        "part of bpf(2), decided at bpf",
        &["refusals::making_a_bpf_map_is_refused"],
    );
    bpf_map_free no yes yes: MEMORY;
    bpf_map_free_security yes no no: MEMORY;
    bpf_prog yes yes yes: tested(
        "a descriptor for a program within bpf(2), decided at bpf; xt_bpf takes a pinned one by an option that is decided (net.option)",
        &["attacks::a_descriptor_of_a_bpf_program_by_its_number_is_refused", "attacks::replacing_a_table_of_packet_filters_is_refused"],
    );
    bpf_prog_alloc_security yes no no: MEMORY;
    bpf_prog_free no yes yes: MEMORY;
    bpf_prog_free_security yes no no: MEMORY;
    bpf_prog_load no yes yes: tested(
        "part of bpf(2), decided at bpf",
        &["attacks::loading_a_bpf_program_is_refused"],
    );
    bpf_token_capable no yes yes: TOKEN;
    bpf_token_cmd no yes yes: TOKEN;
    bpf_token_create no yes yes: tested(
        "part of bpf(2), decided at bpf",
        &["attacks::making_a_bpf_token_is_refused"],
    );
    bpf_token_free no yes yes: MEMORY;
    ismaclabel refused refused refused: LABELS;
    kernel_act_as yes yes yes: LABELS;
    kernel_create_files_as yes yes yes: LABELS;
    kernel_load_data yes yes yes;
    kernel_module_request yes yes yes;
    kernel_post_load_data yes yes yes: informs("called for the content, after the decision at kernel_load_data");
    kernel_post_read_file yes yes yes: informs("called for the content, after the decision at kernel_read_file");
    kernel_read_file yes yes yes;
    key_alloc yes yes yes;
    key_free yes no no: MEMORY;
    key_getsecurity refused refused refused: LABELS;
    key_permission yes yes yes;
    key_post_create_or_update no yes yes: informs("called after the operation, too late to refuse; see key_permission");
    locked_down yes yes yes;
    lsmprop_to_secctx no no yes: LABELS;
    perf_event_alloc yes yes yes: MEMORY;
    perf_event_free yes no no: MEMORY;
    perf_event_open yes yes yes;
    perf_event_read yes yes yes: tested(
        "reads a counter whose opening was decided at perf_event_open",
        &["refusals::counting_performance_is_refused"],
    );
    perf_event_write yes yes yes: tested(
        "changes a counter whose opening was decided at perf_event_open",
        &["refusals::counting_performance_is_refused"],
    );
    release_secctx yes yes yes: LABELS;
    secctx_to_secid yes yes yes: LABELS;
    secid_to_secctx yes yes yes: LABELS;
    settime yes yes yes;
    syslog yes yes yes;
    uring_allowed no no yes: tested(
        "decided at inode_init_security_anon, which all kernels have",
        &["refusals::making_an_io_uring_is_refused"],
    );
    uring_cmd yes yes yes;
    uring_override_creds yes yes yes;
    uring_sqpoll yes yes yes;
    vm_enough_memory refused refused refused: kernel("called for each allocation of memory; cgroups limit memory");
}
