// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The kernel itself: BPF, keys, modules, perf, audit, `io_uring`, security labels.

use crate::why::{LABELS, MEMORY, PENDING};

hooks! {
    audit_rule_free yes yes yes: LABELS;
    audit_rule_init yes yes yes: LABELS;
    audit_rule_known yes yes yes: LABELS;
    audit_rule_match refused refused refused: LABELS;
    bpf yes yes yes: PENDING;
    bpf_map yes yes yes: PENDING;
    bpf_map_alloc_security yes no no: MEMORY;
    bpf_map_create no yes yes: PENDING;
    bpf_map_free no yes yes: MEMORY;
    bpf_map_free_security yes no no: MEMORY;
    bpf_prog yes yes yes: PENDING;
    bpf_prog_alloc_security yes no no: MEMORY;
    bpf_prog_free no yes yes: MEMORY;
    bpf_prog_free_security yes no no: MEMORY;
    bpf_prog_load no yes yes: PENDING;
    bpf_token_capable no yes yes: PENDING;
    bpf_token_cmd no yes yes: PENDING;
    bpf_token_create no yes yes: PENDING;
    bpf_token_free no yes yes: MEMORY;
    ismaclabel refused refused refused: LABELS;
    kernel_act_as yes yes yes: LABELS;
    kernel_create_files_as yes yes yes: LABELS;
    kernel_load_data yes yes yes: PENDING;
    kernel_module_request yes yes yes: PENDING;
    kernel_post_load_data yes yes yes: "tells of what was done, too late to refuse; see kernel_load_data";
    kernel_post_read_file yes yes yes: "tells of what was done, too late to refuse; see kernel_read_file";
    kernel_read_file yes yes yes: PENDING;
    key_alloc yes yes yes: PENDING;
    key_free yes no no: MEMORY;
    key_getsecurity refused refused refused: LABELS;
    key_permission yes yes yes: PENDING;
    key_post_create_or_update no yes yes: "tells of what was done, too late to refuse; see key_permission";
    locked_down yes yes yes: PENDING;
    lsmprop_to_secctx no no yes: LABELS;
    perf_event_alloc yes yes yes: MEMORY;
    perf_event_free yes no no: MEMORY;
    perf_event_open yes yes yes: PENDING;
    perf_event_read yes yes yes: PENDING;
    perf_event_write yes yes yes: PENDING;
    release_secctx yes yes yes: LABELS;
    secctx_to_secid yes yes yes: LABELS;
    secid_to_secctx yes yes yes: LABELS;
    settime yes yes yes: PENDING;
    syslog yes yes yes: PENDING;
    uring_allowed no no yes: PENDING;
    uring_cmd yes yes yes: PENDING;
    uring_override_creds yes yes yes: PENDING;
    uring_sqpoll yes yes yes: PENDING;
    vm_enough_memory refused refused refused: "asked for each piece of memory that is wanted; limits of memory are for cgroups";
}
