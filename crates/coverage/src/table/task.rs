// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Tasks: execution, credentials, signals, limits.

use crate::why::{LABELS, MEMORY};

hooks! {
    bprm_check_security yes yes yes;
    bprm_committed_creds yes yes yes;
    bprm_committing_creds yes yes yes: "called after the operation, too late to refuse; see bprm_creds_from_file";
    bprm_creds_for_exec yes yes yes;
    bprm_creds_from_file yes yes yes;
    capable yes yes yes;
    capget yes yes yes: "reads an attribute of another task and changes nothing";
    capset yes yes yes;
    cred_alloc_blank yes yes yes: MEMORY;
    cred_free yes yes yes: MEMORY;
    cred_getlsmprop no no yes: LABELS;
    cred_getsecid yes yes yes: LABELS;
    cred_prepare yes yes yes: "copies credentials before a change; the change is decided at task_fix_setuid, task_fix_setgid, capset and bprm_creds_from_file";
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
    task_fix_setgroups yes yes yes: "requires the capability setgid, which is decided (cap.use)";
    task_fix_setuid yes yes yes;
    task_free yes yes yes;
    task_getioprio yes yes yes: "reads an attribute of another task and changes nothing";
    task_getlsmprop_obj no no yes: LABELS;
    task_getpgid yes yes yes: "reads an attribute of another task and changes nothing";
    task_getscheduler yes yes yes: "reads an attribute of another task and changes nothing";
    task_getsecid_obj yes yes no: LABELS;
    task_getsid yes yes yes: "reads an attribute of another task and changes nothing";
    task_kill yes yes yes;
    task_movememory yes yes yes;
    task_prctl yes yes yes;
    task_prlimit yes yes yes: "called together with task_setrlimit, which gets the task; reading limits changes nothing";
    task_setioprio yes yes yes;
    task_setnice yes yes yes;
    task_setpgid yes yes yes: "job control: a shell and its child both make this call, in an unpredictable order";
    task_setrlimit yes yes yes;
    task_setscheduler yes yes yes;
    task_to_inode yes yes yes: LABELS;
    userns_create yes yes yes;
}
