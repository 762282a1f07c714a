/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A tap: executing a file below /dev/shm makes a process untrusted. */
#include "kernel.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include <ambit_tap.h>

const volatile __u32 cfg_bit = 0;

#define DEPTH_MAX 64

struct name {
  char text[8];
};

static __always_inline struct name name_of(const struct dentry *dentry) {
  struct name name = {};

  bpf_probe_read_kernel_str(name.text, sizeof(name.text),
                            BPF_CORE_READ(dentry, d_name.name));
  return name;
}

/* True if the first two names of the file's own path are dev and shm. */
static __always_inline int is_below_shm(struct dentry *dentry,
                                        struct vfsmount *vfsmount) {
  struct dentry *first = NULL, *second = NULL, *parent;
  struct mount *mount, *above;
  struct name one, two;

  mount = (void *)vfsmount - bpf_core_field_offset(struct mount, mnt);
  for (int i = 0; i < DEPTH_MAX; i++) {
    parent = BPF_CORE_READ(dentry, d_parent);
    if (dentry == BPF_CORE_READ(mount, mnt.mnt_root) || dentry == parent) {
      above = BPF_CORE_READ(mount, mnt_parent);
      if (above == mount)
        break;
      dentry = BPF_CORE_READ(mount, mnt_mountpoint);
      mount = above;
      continue;
    }
    second = first;
    first = dentry;
    dentry = parent;
  }
  if (!second)
    return 0;
  one = name_of(first);
  two = name_of(second);
  return !__builtin_memcmp(one.text, "dev", 4) &&
         !__builtin_memcmp(two.text, "shm", 4);
}

/* For a script, bprm->file is its interpreter by now. The script's name remains,
 * which may be relative to the working directory.
 */
static __always_inline int is_script_below_shm(const struct linux_binprm *bprm,
                                               const struct fs_struct *fs) {
  char start[sizeof("/dev/shm/")] = {};

  if (bprm->interp == bprm->filename)
    return 0;
  bpf_probe_read_kernel_str(start, sizeof(start), bprm->filename);
  if (start[0] == '/')
    return !__builtin_memcmp(start, "/dev/shm/", sizeof(start));
  if (start[0] == '.' && start[1] == '.')
    return 0;
  return is_below_shm(BPF_CORE_READ(fs, pwd.dentry),
                      BPF_CORE_READ(fs, pwd.mnt));
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(shm_exec, struct task_struct *task, int old_pid,
             struct linux_binprm *bprm) {
  if (is_below_shm(BPF_CORE_READ(bprm, file, f_path.dentry),
                   BPF_CORE_READ(bprm, file, f_path.mnt)) ||
      is_script_below_shm(bprm, task->fs))
    ambit_tap_lower(task->tgid, cfg_bit,
                    BPF_CORE_READ(bprm, file, f_path.dentry, d_inode, i_ino));
  return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
