/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A tap: an application checks its own integrity and calls a function with the result,
 * 0 for success. Any other result makes the caller untrusted.
 */
#include "kernel.h"

#include <bpf/bpf_helpers.h>

#include <ambit_tap.h>

const volatile __u32 cfg_bit = 0;

SEC("uprobe")
int integrity_found(struct pt_regs *ctx) {
  __u32 found = ctx->di;

  if (found)
    ambit_tap_lower(bpf_get_current_pid_tgid() >> 32, cfg_bit, found);
  return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
