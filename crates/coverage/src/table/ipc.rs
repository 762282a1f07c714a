// SPDX-License-Identifier: Apache-2.0 OR MIT
//! System V IPC and binder.

use crate::why::{LABELS, MEMORY};

hooks! {
    binder_set_context_mgr yes yes yes: "Android's binder; its device is decided as file.open and file.ioctl";
    binder_transaction yes yes yes: "Android's binder; its device is decided as file.open and file.ioctl";
    binder_transfer_binder yes yes yes: "Android's binder; its device is decided as file.open and file.ioctl";
    binder_transfer_file yes yes yes: "Android's binder; its device is decided as file.open and file.ioctl";
    ipc_getlsmprop no no yes: LABELS;
    ipc_getsecid yes yes no: LABELS;
    ipc_permission yes yes yes: "called again from operations that the hooks of each kind decide";
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
