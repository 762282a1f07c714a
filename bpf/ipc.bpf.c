/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * System V shared memory, semaphores and message queues.
 *
 * Ids count up and keys contain inode numbers (ftok). So an object is described only
 * by whether it has a key and whether another user created it.
 *
 * Fail mode: decide.bpf.h.
 */

#define IPC_RMID 0
#define IPC_SET 1
#define IPC_STAT 2
#define IPC_INFO 3
#define SHM_RDONLY 010000

static __always_inline void object_ipc(struct slot *slot, struct kern_ipc_perm *perm)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u8 kind = AMBIT_IPCKEY_KEYED;

	if (BPF_CORE_READ(perm, cuid.val) != task->cred->euid.val)
		kind = AMBIT_IPCKEY_FOREIGN;
	else if (BPF_CORE_READ(perm, key) == 0)
		kind = AMBIT_IPCKEY_PRIVATE;
	slot->pos = OBJECT_END - 2;
	put(slot, OBJECT_END - 2, AMBIT_KIND_IPC);
	put(slot, OBJECT_END - 1, kind);
}

/* An object that is being created has no creator yet. */
static __always_inline void object_new_ipc(struct slot *slot, struct kern_ipc_perm *perm)
{
	slot->pos = OBJECT_END - 2;
	put(slot, OBJECT_END - 2, AMBIT_KIND_IPC);
	put(slot, OBJECT_END - 1,
	    BPF_CORE_READ(perm, key) ? AMBIT_IPCKEY_KEYED : AMBIT_IPCKEY_PRIVATE);
}

/* arg: 0 for commands without an object. */
static __always_inline int ipc_point(enum engine engine, __u32 hook, struct kern_ipc_perm *perm,
				     __u32 op, __u32 arg)
{
	struct scope scope;

	if (!arg)
		return benign(engine, hook);
	if (!enter(&scope, engine, hook))
		return outside(&scope);
	object_ipc(scope.slot, perm);
	decide_op(&scope, hook, op, arg);
	return leave(&scope);
}

static __always_inline int ipc_create(enum engine engine, __u32 hook, struct kern_ipc_perm *perm,
				      __u32 op)
{
	struct scope scope;

	if (!enter(&scope, engine, hook))
		return outside(&scope);
	object_new_ipc(scope.slot, perm);
	decide_op(&scope, hook, op, AMBIT_IPC_CREATE);
	return leave(&scope);
}

/* Commands common to all three; 0 for commands about the whole system, which have no object. */
static __always_inline __u32 common_ctl(int cmd)
{
	switch (cmd) {
	case IPC_RMID:
		return AMBIT_IPC_REMOVE;
	case IPC_SET:
		return AMBIT_IPC_CONTROL;
	case IPC_INFO:
		return 0;
	}
	return AMBIT_IPC_STAT;
}

HOOK(shm_alloc_security, ENGINE_FULL, ipc_shm_alloc, rules_shm_alloc,
     ipc_create(engine, AMBIT_HOOK_SHM_ALLOC_SECURITY, perm, AMBIT_OP_IPC_SHM),
     struct kern_ipc_perm *perm)

HOOK(shm_associate, ENGINE_FULL, ipc_shm_get, rules_shm_get,
     ipc_point(engine, AMBIT_HOOK_SHM_ASSOCIATE, perm, AMBIT_OP_IPC_SHM, AMBIT_IPC_GET),
     struct kern_ipc_perm *perm)

#define SHM_LOCK 11
#define SHM_UNLOCK 12
#define SHM_INFO 14

static __always_inline __u32 shm_kind(int cmd)
{
	if (cmd == SHM_LOCK || cmd == SHM_UNLOCK)
		return AMBIT_IPC_CONTROL;
	return cmd == SHM_INFO ? 0 : common_ctl(cmd);
}

HOOK(shm_shmctl, ENGINE_FULL, ipc_shm_ctl, rules_shm_ctl,
     ipc_point(engine, AMBIT_HOOK_SHM_SHMCTL, perm, AMBIT_OP_IPC_SHM, shm_kind(cmd)),
     struct kern_ipc_perm *perm, int cmd)

HOOK(shm_shmat, ENGINE_FULL, ipc_shm_at, rules_shm_at,
     ipc_point(engine, AMBIT_HOOK_SHM_SHMAT, perm, AMBIT_OP_IPC_SHM,
	       flags &SHM_RDONLY ? AMBIT_IPC_READ : AMBIT_IPC_WRITE),
     struct kern_ipc_perm *perm, void *address, int flags)

HOOK(sem_alloc_security, ENGINE_FULL, ipc_sem_alloc, rules_sem_alloc,
     ipc_create(engine, AMBIT_HOOK_SEM_ALLOC_SECURITY, perm, AMBIT_OP_IPC_SEM),
     struct kern_ipc_perm *perm)

HOOK(sem_associate, ENGINE_FULL, ipc_sem_get, rules_sem_get,
     ipc_point(engine, AMBIT_HOOK_SEM_ASSOCIATE, perm, AMBIT_OP_IPC_SEM, AMBIT_IPC_GET),
     struct kern_ipc_perm *perm)

#define SEM_GETPID 11
#define SEM_GETZCNT 15
#define SEM_SETVAL 16
#define SEM_SETALL 17
#define SEM_INFO 19

static __always_inline __u32 sem_kind(int cmd)
{
	if (cmd == SEM_SETVAL || cmd == SEM_SETALL)
		return AMBIT_IPC_WRITE;
	if (cmd >= SEM_GETPID && cmd <= SEM_GETZCNT)
		return AMBIT_IPC_READ;
	return cmd == SEM_INFO ? 0 : common_ctl(cmd);
}

HOOK(sem_semctl, ENGINE_FULL, ipc_sem_ctl, rules_sem_ctl,
     ipc_point(engine, AMBIT_HOOK_SEM_SEMCTL, perm, AMBIT_OP_IPC_SEM, sem_kind(cmd)),
     struct kern_ipc_perm *perm, int cmd)

HOOK(sem_semop, ENGINE_FULL, ipc_sem_op, rules_sem_op,
     ipc_point(engine, AMBIT_HOOK_SEM_SEMOP, perm, AMBIT_OP_IPC_SEM,
	       alter ? AMBIT_IPC_WRITE : AMBIT_IPC_READ),
     struct kern_ipc_perm *perm, void *sops, unsigned int nsops, int alter)

HOOK(msg_queue_alloc_security, ENGINE_FULL, ipc_msg_alloc, rules_msg_alloc,
     ipc_create(engine, AMBIT_HOOK_MSG_QUEUE_ALLOC_SECURITY, perm, AMBIT_OP_IPC_MSG),
     struct kern_ipc_perm *perm)

HOOK(msg_queue_associate, ENGINE_FULL, ipc_msg_get, rules_msg_get,
     ipc_point(engine, AMBIT_HOOK_MSG_QUEUE_ASSOCIATE, perm, AMBIT_OP_IPC_MSG, AMBIT_IPC_GET),
     struct kern_ipc_perm *perm)

#define MSG_INFO 12

static __always_inline __u32 msg_kind(int cmd)
{
	return cmd == MSG_INFO ? 0 : common_ctl(cmd);
}

HOOK(msg_queue_msgctl, ENGINE_FULL, ipc_msg_ctl, rules_msg_ctl,
     ipc_point(engine, AMBIT_HOOK_MSG_QUEUE_MSGCTL, perm, AMBIT_OP_IPC_MSG, msg_kind(cmd)),
     struct kern_ipc_perm *perm, int cmd)

HOOK(msg_queue_msgsnd, ENGINE_FULL, ipc_msg_send, rules_msg_send,
     ipc_point(engine, AMBIT_HOOK_MSG_QUEUE_MSGSND, perm, AMBIT_OP_IPC_MSG, AMBIT_IPC_WRITE),
     struct kern_ipc_perm *perm)

/*
 * The receiver waits: the hook is called in the sender's system call, but the
 * receiver's label decides. A refusal is an error for neither; the message stays in
 * the queue. A receiver that was to be killed stays alive (decide.bpf.h, violation).
 */
static __always_inline int receive_waiting(struct kern_ipc_perm *perm, struct task_struct *target)
{
	const __u32 hook = AMBIT_HOOK_MSG_QUEUE_MSGRCV;
	struct scope scope = { .engine = ENGINE_FULL, .label = label_of(target) };

	if (!scope.label || !(scope.label->flags & AMBIT_LABEL_FULL))
		return 0;
	if (!take_slot(&scope, hook))
		return outside(&scope);
	object_ipc(scope.slot, perm);
	decide_op(&scope, hook, AMBIT_OP_IPC_MSG, AMBIT_IPC_READ);
	return leave(&scope);
}

/* Rules are evaluated in the receiver's own call only: in the sender's, the current task is the sender. */
static __always_inline int receive_point(enum engine engine, struct kern_ipc_perm *perm,
					 struct task_struct *target)
{
	if (target == bpf_get_current_task_btf())
		return ipc_point(engine, AMBIT_HOOK_MSG_QUEUE_MSGRCV, perm, AMBIT_OP_IPC_MSG,
				 AMBIT_IPC_READ);
	return engine == ENGINE_RULES ? 0 : receive_waiting(perm, target);
}

HOOK(msg_queue_msgrcv, ENGINE_FULL, ipc_msg_receive, rules_msg_receive,
     receive_point(engine, perm, target), struct kern_ipc_perm *perm, void *message,
     struct task_struct *target)
