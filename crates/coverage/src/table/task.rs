// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Tasks: execution, credentials, signals, limits.

use crate::why::{LABELS, LOOKING_AT_TASKS, MEMORY, informs, tested};

hooks! {
    bprm_check_security yes yes yes;
    bprm_committed_creds yes yes yes;
    bprm_committing_creds yes yes yes: informs("called after the operation, too late to refuse; see bprm_creds_from_file");
    bprm_creds_for_exec yes yes yes;
    bprm_creds_from_file yes yes yes;
    capable yes yes yes;
    capget yes yes yes: LOOKING_AT_TASKS;
    capset yes yes yes;
    cred_alloc_blank yes yes yes: MEMORY;
    cred_free yes yes yes: MEMORY;
    cred_getlsmprop no no yes: LABELS;
    cred_getsecid yes yes yes: LABELS;
    cred_prepare yes yes yes: tested(
        "copies credentials before a change; the change is decided at task_fix_setuid, task_fix_setgid, capset, bprm_creds_from_file and userns_create; prctl(2) changes securebits and ambient capabilities before its hook is called",
        &["refusals::changing_the_user_is_refused", "refusals::changing_the_group_is_refused", "refusals::an_exec_with_other_credentials_is_refused", "refusals::making_a_user_namespace_is_refused", "attacks::a_change_of_capabilities_is_refused"],
    );
    cred_transfer yes yes yes: LABELS;
    current_getlsmprop_subj no no yes: LABELS;
    current_getsecid_subj yes yes no: LABELS;
    getprocattr refused refused refused: LABELS;
    getselfattr no refused refused: LABELS;
    ptrace_access_check yes yes yes;
    ptrace_traceme yes yes yes;
    setprocattr refused refused refused: LABELS;
    setselfattr no yes yes: LABELS;
    task_alloc yes yes yes;
    task_fix_setgid yes yes yes;
    task_fix_setgroups yes yes yes: tested(
        "requires the capability setgid, which is decided (cap.use)",
        &["attacks::other_supplementary_groups_are_refused"],
    );
    task_fix_setuid yes yes yes;
    task_free yes yes yes;
    task_getioprio yes yes yes: LOOKING_AT_TASKS;
    task_getlsmprop_obj no no yes: LABELS;
    task_getpgid yes yes yes: LOOKING_AT_TASKS;
    task_getscheduler yes yes yes: LOOKING_AT_TASKS;
    task_getsecid_obj yes yes no: LABELS;
    task_getsid yes yes yes: LOOKING_AT_TASKS;
    task_kill yes yes yes;
    task_movememory yes yes yes;
    task_prctl yes yes yes;
    task_prlimit yes yes yes: tested(
        "called together with task_setrlimit, which gets the task; reading limits changes nothing",
        &["refusals::another_task_s_limits_are_refused", "attacks::looking_at_a_process_outside_changes_nothing"],
    );
    task_setioprio yes yes yes;
    task_setnice yes yes yes;
    task_setpgid yes yes yes: tested(
        "job control: a shell and its child both make this call, in an unpredictable order; the kernel lets a task move itself and its children only",
        &["attacks::a_process_outside_is_not_moved_to_another_group"],
    );
    task_setrlimit yes yes yes;
    task_setscheduler yes yes yes;
    task_to_inode yes yes yes: LABELS;
    userns_create yes yes yes;
}
