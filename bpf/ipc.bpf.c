/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * System V shared memory, semaphores and message queues.
 *
 * Ids count up and keys are made of inode numbers (ftok), so that all that is told
 * of an object is whether it has a key, and whether another user made it.
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

/* What is being made has no creator yet. */
static __always_inline void object_new_ipc(struct slot *slot, struct kern_ipc_perm *perm)
{
	slot->pos = OBJECT_END - 2;
	put(slot, OBJECT_END - 2, AMBIT_KIND_IPC);
	put(slot, OBJECT_END - 1,
	    BPF_CORE_READ(perm, key) ? AMBIT_IPCKEY_KEYED : AMBIT_IPCKEY_PRIVATE);
}

static __always_inline int ipc_point(__u32 hook, struct kern_ipc_perm *perm, __u32 op, __u32 arg)
{
	struct scope scope;

	if (!enter_full(&scope, hook))
		return scope.verdict ? -EPERM : 0;
	object_ipc(scope.slot, perm);
	decide_op(&scope, hook, op, arg);
	return leave(&scope);
}

static __always_inline int ipc_create(__u32 hook, struct kern_ipc_perm *perm, __u32 op)
{
	struct scope scope;

	if (!enter_full(&scope, hook))
		return scope.verdict ? -EPERM : 0;
	object_new_ipc(scope.slot, perm);
	decide_op(&scope, hook, op, AMBIT_IPC_CREATE);
	return leave(&scope);
}

/* Commands that all three have; 0 for those about the whole system, which have no object. */
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

SEC("lsm/shm_alloc_security")
int BPF_PROG(ipc_shm_alloc, struct kern_ipc_perm *perm)
{
	return ipc_create(AMBIT_HOOK_SHM_ALLOC_SECURITY, perm, AMBIT_OP_IPC_SHM);
}

SEC("lsm/shm_associate")
int BPF_PROG(ipc_shm_get, struct kern_ipc_perm *perm)
{
	return ipc_point(AMBIT_HOOK_SHM_ASSOCIATE, perm, AMBIT_OP_IPC_SHM, AMBIT_IPC_GET);
}

#define SHM_LOCK 11
#define SHM_UNLOCK 12
#define SHM_INFO 14

static __always_inline __u32 shm_kind(int cmd)
{
	if (cmd == SHM_LOCK || cmd == SHM_UNLOCK)
		return AMBIT_IPC_CONTROL;
	return cmd == SHM_INFO ? 0 : common_ctl(cmd);
}

SEC("lsm/shm_shmctl")
int BPF_PROG(ipc_shm_ctl, struct kern_ipc_perm *perm, int cmd)
{
	__u32 arg = shm_kind(cmd);

	if (!arg)
		return benign(AMBIT_HOOK_SHM_SHMCTL);
	return ipc_point(AMBIT_HOOK_SHM_SHMCTL, perm, AMBIT_OP_IPC_SHM, arg);
}

SEC("lsm/shm_shmat")
int BPF_PROG(ipc_shm_at, struct kern_ipc_perm *perm, void *address, int flags)
{
	return ipc_point(AMBIT_HOOK_SHM_SHMAT, perm, AMBIT_OP_IPC_SHM,
			 flags & SHM_RDONLY ? AMBIT_IPC_READ : AMBIT_IPC_WRITE);
}

SEC("lsm/sem_alloc_security")
int BPF_PROG(ipc_sem_alloc, struct kern_ipc_perm *perm)
{
	return ipc_create(AMBIT_HOOK_SEM_ALLOC_SECURITY, perm, AMBIT_OP_IPC_SEM);
}

SEC("lsm/sem_associate")
int BPF_PROG(ipc_sem_get, struct kern_ipc_perm *perm)
{
	return ipc_point(AMBIT_HOOK_SEM_ASSOCIATE, perm, AMBIT_OP_IPC_SEM, AMBIT_IPC_GET);
}

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

SEC("lsm/sem_semctl")
int BPF_PROG(ipc_sem_ctl, struct kern_ipc_perm *perm, int cmd)
{
	__u32 arg = sem_kind(cmd);

	if (!arg)
		return benign(AMBIT_HOOK_SEM_SEMCTL);
	return ipc_point(AMBIT_HOOK_SEM_SEMCTL, perm, AMBIT_OP_IPC_SEM, arg);
}

SEC("lsm/sem_semop")
int BPF_PROG(ipc_sem_op, struct kern_ipc_perm *perm, void *sops, unsigned int nsops, int alter)
{
	return ipc_point(AMBIT_HOOK_SEM_SEMOP, perm, AMBIT_OP_IPC_SEM,
			 alter ? AMBIT_IPC_WRITE : AMBIT_IPC_READ);
}

SEC("lsm/msg_queue_alloc_security")
int BPF_PROG(ipc_msg_alloc, struct kern_ipc_perm *perm)
{
	return ipc_create(AMBIT_HOOK_MSG_QUEUE_ALLOC_SECURITY, perm, AMBIT_OP_IPC_MSG);
}

SEC("lsm/msg_queue_associate")
int BPF_PROG(ipc_msg_get, struct kern_ipc_perm *perm)
{
	return ipc_point(AMBIT_HOOK_MSG_QUEUE_ASSOCIATE, perm, AMBIT_OP_IPC_MSG, AMBIT_IPC_GET);
}

#define MSG_INFO 12

static __always_inline __u32 msg_kind(int cmd)
{
	return cmd == MSG_INFO ? 0 : common_ctl(cmd);
}

SEC("lsm/msg_queue_msgctl")
int BPF_PROG(ipc_msg_ctl, struct kern_ipc_perm *perm, int cmd)
{
	__u32 arg = msg_kind(cmd);

	if (!arg)
		return benign(AMBIT_HOOK_MSG_QUEUE_MSGCTL);
	return ipc_point(AMBIT_HOOK_MSG_QUEUE_MSGCTL, perm, AMBIT_OP_IPC_MSG, arg);
}

SEC("lsm/msg_queue_msgsnd")
int BPF_PROG(ipc_msg_send, struct kern_ipc_perm *perm)
{
	return ipc_point(AMBIT_HOOK_MSG_QUEUE_MSGSND, perm, AMBIT_OP_IPC_MSG, AMBIT_IPC_WRITE);
}

/* Would whoever sends be killed for what the receiver may not do? */
static __always_inline bool kills_another(struct ambit_label *label)
{
	struct ambit_domain *domain = domain_of(label);

	return !domain || domain->outside[AMBIT_FAMILY_IPC] == AMBIT_RESPOND_KILL ||
	       domain->gates[AMBIT_FAMILY_IPC].kill;
}

/*
 * A receiver that waits is asked about in the sender's call: it is the receiver's
 * label that counts. What is refused is no error to either; the message stays.
 */
SEC("lsm/msg_queue_msgrcv")
int BPF_PROG(ipc_msg_receive, struct kern_ipc_perm *perm, void *message, struct task_struct *target)
{
	const __u32 hook = AMBIT_HOOK_MSG_QUEUE_MSGRCV;
	struct scope scope = {};

	if (target == bpf_get_current_task_btf())
		return ipc_point(hook, perm, AMBIT_OP_IPC_MSG, AMBIT_IPC_READ);
	scope.label = label_of(target);
	if (!scope.label || !(scope.label->flags & AMBIT_LABEL_FULL))
		return 0;
	if (kills_another(scope.label)) {
		skip(scope.label, hook, AMBIT_SKIP_DEFERRED);
		return 0;
	}
	if (!take_slot(&scope, hook))
		return scope.verdict ? -EPERM : 0;
	object_ipc(scope.slot, perm);
	decide_op(&scope, hook, AMBIT_OP_IPC_MSG, AMBIT_IPC_READ);
	return leave(&scope);
}
