/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A tap: a packet from a listed address makes the receiving process untrusted. Packets
 * arrive in the context of any task, so the owner of a socket is recorded when the
 * socket is created. An accepted connection is not created by a process, but its first
 * packet arrived at the listening socket.
 */
#include "kernel.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include <ambit_tap.h>

const volatile __u32 cfg_bit = 0;

/* IPv6; IPv4 as ::ffff:a.b.c.d */
struct address {
  __u32 words[4];
};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1024);
  __type(key, struct address);
  __type(value, __u8);
} addresses SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 65536);
  __type(key, __u64); /* cookie of a socket */
  __type(value, __u32);
} owners SEC(".maps");

SEC("cgroup/sock_create")
int packet_made(struct bpf_sock *sk) {
  __u64 cookie = bpf_get_socket_cookie(sk);
  __u32 tgid = bpf_get_current_pid_tgid() >> 32;

  bpf_map_update_elem(&owners, &cookie, &tgid, BPF_ANY);
  return 1;
}

SEC("cgroup/sock_release")
int packet_gone(struct bpf_sock *sk) {
  __u64 cookie = bpf_get_socket_cookie(sk);

  bpf_map_delete_elem(&owners, &cookie);
  return 1;
}

SEC("cgroup_skb/ingress")
int packet_came(struct __sk_buff *skb) {
  struct address from = {};
  __u64 cookie;
  __u32 *tgid;

  /* The buffer begins with the IP header. */
  if (skb->protocol == bpf_htons(ETH_P_IP)) {
    from.words[2] = bpf_htonl(0xffff);
    if (bpf_skb_load_bytes(skb, 12, &from.words[3], 4))
      return 1;
  } else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
    if (bpf_skb_load_bytes(skb, 8, &from, sizeof(from)))
      return 1;
  } else {
    return 1;
  }
  if (!bpf_map_lookup_elem(&addresses, &from))
    return 1;
  cookie = bpf_get_socket_cookie(skb);
  tgid = bpf_map_lookup_elem(&owners, &cookie);
  if (tgid)
    ambit_tap_lower(*tgid, cfg_bit, from.words[3]);
  return 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
