/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ambit's kernel part: one object that runs on every kernel from 6.1 on.
 *
 * Each family of hooks has a file. A hook decodes its arguments once and is decided by
 * two programs, one for the map and one for the rules: see include/hook.bpf.h. The map's
 * programs of full coverage, ENGINE_FULL in HOOK(), are loaded over the same maps when a
 * domain asks for it, and skip the tasks of other domains.
 *
 * To add a hook, follow docs/adding.md.
 */
#include "include/kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "include/abi.h"
#include "include/maps.bpf.h"
#include "include/verifier.bpf.h"
#include "include/sip.bpf.h"
#include "include/call.bpf.h"
#include "include/path.bpf.h"
#include "include/trust.bpf.h"
#include "include/decide.bpf.h"
#include "include/object.bpf.h"
#include "include/shortcut.bpf.h"
#include "include/host_path.bpf.h"
#include "include/lineage.bpf.h"
#include "include/rules.bpf.h"
#include "include/path_cache.bpf.h"
#include "include/hook.bpf.h"
#include "include/standard.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#include "task.bpf.c"
#include "file.bpf.c"
#include "exec.bpf.c"
#include "append.bpf.c"
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
#include "lineage.bpf.c"
#include "spread.bpf.c"
