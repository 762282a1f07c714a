/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Taps: with this header a BPF program of another project reports to Ambit that a
 * process is not trusted any more. See docs/taps.md.
 *
 *	#include "vmlinux.h"            (or another declaration of kernel types)
 *	#include <bpf/bpf_helpers.h>
 *	#include "ambit_tap.h"
 *
 *	ambit_tap_lower(bpf_get_current_pid_tgid() >> 32, bit, 0);
 *
 * Compile with -mcpu=v3 or later. Both maps belong to Ambit: before the object is
 * loaded, the loader calls bpf_map__reuse_fd() with the maps of the same names that are
 * pinned below /sys/fs/bpf/ambit/maps. If they are missing, Ambit is not loaded; then
 * do not load the tap, since Ambit would not read maps of its own.
 */
#ifndef AMBIT_TAP_H
#define AMBIT_TAP_H

#define AMBIT_TAP_VERSION 1

/*
 * Define it as LIBBPF_PIN_BY_NAME before including this file if the loader passes
 * /sys/fs/bpf/ambit/maps as pin_root_path. libbpf then creates missing maps, so such a
 * loader must check first that Ambit is loaded.
 */
#ifndef AMBIT_TAP_PINNING
#define AMBIT_TAP_PINNING LIBBPF_PIN_NONE
#endif

/* The first trust bit for taps; lower ones are Ambit's own. */
#define AMBIT_TAP_FIRST_BIT 8
#define AMBIT_TAP_LAST_BIT 31

struct ambit_tap {
  __u64 time_ns; /* CLOCK_BOOTTIME; processes that started later are not affected */
  __u64 detail;  /* chosen by the tap; shown with the cause */
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
 * Lowers the trust of a process, before its next decided operation. Earlier reports by
 * this or another tap stay in force. `bit` is the number that `ambit trust source
 * tap:NAME` prints. Returns 0 or a negative error number.
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
    /* The bits last: Ambit reads the other fields after it took the bits. */
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
