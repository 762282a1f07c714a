// SPDX-License-Identifier: Apache-2.0 OR MIT
//! System V IPC and binder.

use crate::why::{BINDER, LABELS, MEMORY, tested};

hooks! {
    binder_set_context_mgr yes yes yes: BINDER;
    binder_transaction yes yes yes: BINDER;
    binder_transfer_binder yes yes yes: BINDER;
    binder_transfer_file yes yes yes: BINDER;
    ipc_getlsmprop no no yes: LABELS;
    ipc_getsecid yes yes no: LABELS;
    ipc_permission yes yes yes: tested(
        "called again from operations that the hooks of each kind decide",
        &["refusals::finding_shared_memory_by_its_key_is_refused", "refusals::attaching_shared_memory_is_refused", "refusals::using_a_semaphore_is_refused", "refusals::sending_a_message_is_refused", "refusals::receiving_a_message_is_refused"],
    );
    msg_msg_alloc_security yes yes yes: MEMORY;
    msg_msg_free_security yes yes yes: MEMORY;
    msg_queue_alloc_security yes yes yes;
    msg_queue_associate yes yes yes;
    msg_queue_free_security yes yes yes: MEMORY;
    msg_queue_msgctl yes yes yes;
    msg_queue_msgrcv yes yes yes;
    msg_queue_msgsnd yes yes yes;
    sem_alloc_security yes yes yes;
    sem_associate yes yes yes;
    sem_free_security yes yes yes: MEMORY;
    sem_semctl yes yes yes;
    sem_semop yes yes yes;
    shm_alloc_security yes yes yes;
    shm_associate yes yes yes;
    shm_free_security yes yes yes: MEMORY;
    shm_shmat yes yes yes;
    shm_shmctl yes yes yes;
}
