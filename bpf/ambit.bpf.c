/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ambit's kernel part: one object that runs on every kernel from 6.1 on.
 *
 * Each family has a file of thin hooks; they gather an object and call decide().
 * Programs of hooks from inode_setxattr on are for full coverage: they are loaded
 * over the same maps once a domain asks for it, and skip the tasks of others.
 * To add a hook: number it in abi.h, write its program here or in a family's
 * file, number it in crates/abi with the operations that it decides, and take the
 * reason why it is left alone out of its row in crates/coverage.
 */
#include "include/kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "include/abi.h"
#include "include/maps.bpf.h"
#include "include/sip.bpf.h"
#include "include/path.bpf.h"
#include "include/trust.bpf.h"
#include "include/decide.bpf.h"
#include "include/object.bpf.h"
#include "include/shortcut.bpf.h"
#include "include/full.bpf.h"
#include "include/lineage.bpf.h"
#include "include/rules.bpf.h"
#include "include/path_cache.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#include "task.bpf.c"
#include "exec.bpf.c"
#include "file.bpf.c"
#include "map.bpf.c"
#include "net.bpf.c"
#include "descriptor.bpf.c"
#include "process.bpf.c"
#include "option.bpf.c"
#include "mount.bpf.c"
#include "ipc.bpf.c"
#include "system.bpf.c"
#include "uring.bpf.c"
#include "trust.bpf.c"
#include "rules.bpf.c"
#include "rules_full.bpf.c"
#include "spread.bpf.c"
