/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Taps: how a BPF program of anybody's tells Ambit that a process is not to be
 * trusted any more. docs/taps.md has the whole of it.
 *
 *	#include "vmlinux.h"            or whatever else declares the kernel's
 *types #include <bpf/bpf_helpers.h> #include "ambit_tap.h"
 *
 *	ambit_tap_lower(bpf_get_current_pid_tgid() >> 32, bit, 0);
 *
 * Compile with -mcpu=v3 or later. Both maps are Ambit's: before the object is
 * loaded, the loader calls bpf_map__reuse_fd() with what is pinned below
 * /sys/fs/bpf/ambit/maps by the same names. Where nothing is, Ambit is not
 *loaded, and the tap should not be either: maps of its own would be read by
 *nobody.
 */
#ifndef AMBIT_TAP_H
#define AMBIT_TAP_H

#define AMBIT_TAP_VERSION 1

/*
 * LIBBPF_PIN_BY_NAME, defined before this file is included, is for loaders that
 * give /sys/fs/bpf/ambit/maps as pin_root_path. libbpf then makes maps that are
 * missing, so that these loaders must make sure that Ambit is there.
 */
#ifndef AMBIT_TAP_PINNING
#define AMBIT_TAP_PINNING LIBBPF_PIN_NONE
#endif

/* The first trust bit that a tap can have: those before it are Ambit's own. */
#define AMBIT_TAP_FIRST_BIT 8
#define AMBIT_TAP_LAST_BIT 31

struct ambit_tap {
  __u64 time_ns; /* CLOCK_BOOTTIME; a process that started later is not meant */
  __u64 detail;  /* whatever the tap wants to say; shown with the cause */
  __u32 bits;
  __u32 pad;
};

struct ambit_shared {
  __u64 clock; /* add 1 after a change of `taps`, with an atomic operation */
  __u64 reserved;
};

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 4096);
  __uint(pinning, AMBIT_TAP_PINNING);
  __type(key, __u32); /* tgid, in the initial pid namespace */
  __type(value, struct ambit_tap);
} taps SEC(".maps") __weak;

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __uint(map_flags, 1U << 10); /* BPF_F_MMAPABLE */
  __uint(pinning, AMBIT_TAP_PINNING);
  __type(key, __u32);
  __type(value, struct ambit_shared);
} shared SEC(".maps") __weak;

/*
 * Lowers the trust of a process, before its next operation that is decided.
 * What was said of it already, by this tap or another, stays said. `bit` is the
 * number that `ambit trust source tap:NAME` prints. 0, or a negative error
 * number.
 */
static __always_inline long ambit_tap_lower(__u32 tgid, __u32 bit,
                                            __u64 detail) {
  struct ambit_tap tap = {}, *known;
  struct ambit_shared *ambit;
  __u32 zero = 0;
  long err = 0;

  if (bit < AMBIT_TAP_FIRST_BIT || bit > AMBIT_TAP_LAST_BIT)
    return -22; /* EINVAL */
  tap.time_ns = bpf_ktime_get_boot_ns();
  tap.detail = detail;
  tap.bits = 1U << bit;
  known = bpf_map_lookup_elem(&taps, &tgid);
  if (!known) {
    err = bpf_map_update_elem(&taps, &tgid, &tap, 1 /* BPF_NOEXIST */);
    if (err)
      known = bpf_map_lookup_elem(&taps, &tgid);
  }
  if (known) {
    /* The bits last: they are taken together with what is before them. */
    known->detail = tap.detail;
    known->time_ns = tap.time_ns;
    __sync_fetch_and_or(&known->bits, tap.bits);
    err = 0;
  }
  if (err)
    return err;
  ambit = bpf_map_lookup_elem(&shared, &zero);
  if (!ambit)
    return -2; /* ENOENT */
  __sync_fetch_and_add(&ambit->clock, 1);
  return 0;
}

#endif /* AMBIT_TAP_H */
