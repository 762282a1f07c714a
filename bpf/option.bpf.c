/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sockets beyond addresses: options that matter, tunnels, netlink messages.
 *
 *   socket_setsockopt  the addresses that packets pass on their way; with full coverage
 *                      also programs and filters on sockets, marks, devices, packet
 *                      filter tables, TCP repair and upper layers
 *   tun_dev_create
 *   netlink_send       gated only: libraries query addresses at unpredictable times,
 *                      and changes require a capability
 *
 * Fail mode: decide.bpf.h.
 */

#define SOL_TCP 6
#define SO_BINDTODEVICE 25
#define SO_ATTACH_FILTER 26
#define SO_ATTACH_BPF 50
#define SO_ATTACH_REUSEPORT_CBPF 51
#define SO_ATTACH_REUSEPORT_EBPF 52
#define SO_BINDTOIFINDEX 62
#define TCP_REPAIR 19
#define TCP_ULP 31
/* include/uapi/linux/in.h, in6.h */
#define IP_UNICAST_IF 50
#define IPV6_UNICAST_IF 76
/* IPT_SO_SET_REPLACE to ARPT's and EBT's last: 64 to 99 are the packet filters' */
#define TABLES_FIRST 64
#define TABLES_LAST 99

static __always_inline __u32 socket_option(int option)
{
	switch (option) {
	case SO_ATTACH_FILTER:
	case SO_ATTACH_REUSEPORT_CBPF:
		return AMBIT_SOCKOPT_FILTER;
	case SO_ATTACH_BPF:
	case SO_ATTACH_REUSEPORT_EBPF:
		return AMBIT_SOCKOPT_BPF;
	case SO_MARK:
		return AMBIT_SOCKOPT_MARK;
	case SO_BINDTODEVICE:
	case SO_BINDTOIFINDEX:
		return AMBIT_SOCKOPT_DEVICE;
	}
	return 0;
}

/* True for options that choose the device of packets to single hosts, beside SO_BINDTODEVICE. */
static __always_inline bool chooses_interface(int level, int option)
{
	return (level == SOL_IP && option == IP_UNICAST_IF) ||
	       (level == SOL_IPV6 && (option == IPV6_UNICAST_IF || option == IPV6_PKTINFO));
}

/* Returns 0 for options that are not decided. */
static __always_inline __u32 option_kind(struct socket *sock, int level, int option)
{
	/* By probe: sock->sk may be NULL for the verifier (verifier.bpf.h). */
	__u16 family = BPF_CORE_READ(sock, sk, __sk_common.skc_family);
	__u32 arg = 0;

	if (is_route(level, option))
		arg = AMBIT_SOCKOPT_ROUTE;
	else if (level == SOL_SOCKET)
		arg = socket_option(option);
	else if (chooses_interface(level, option))
		arg = AMBIT_SOCKOPT_DEVICE;
	else if (level == SOL_TCP && option == TCP_REPAIR)
		arg = AMBIT_SOCKOPT_REPAIR;
	else if (level == SOL_TCP && option == TCP_ULP)
		arg = AMBIT_SOCKOPT_ULP;
	else if ((level == SOL_IP || level == SOL_IPV6) && option >= TABLES_FIRST &&
		 option <= TABLES_LAST && sock->type == 3)
		arg = AMBIT_SOCKOPT_TABLES;
	/* smc_setsockopt passes them to the TCP socket inside, without a hook (net/smc/af_smc.c). */
	return family == AF_INET || family == AF_INET6 || family == AF_SMC || level == SOL_SOCKET ?
		       arg :
		       0;
}

static __always_inline int option_point(enum engine engine, struct socket *sock, int level,
					int option)
{
	const __u32 hook = AMBIT_HOOK_SOCKET_SETSOCKOPT;
	struct ambit_label *label;
	__u32 arg;

	if (engine == ENGINE_CORE) {
		label = label_of(bpf_get_current_task_btf());
		if (likely(!label))
			return 0;
	}
	arg = option_kind(sock, level, option);
	if (engine == ENGINE_CORE && arg != AMBIT_SOCKOPT_ROUTE &&
	    !(label->flags & AMBIT_LABEL_FULL))
		arg = 0;
	return arg ? plain_point(engine, hook, AMBIT_OP_NET_OPTION, arg) : benign(engine, hook);
}

HOOK(socket_setsockopt, ENGINE_CORE, net_setsockopt, rules_setsockopt,
     ret ?: option_point(engine, sock, level, option), struct socket *sock, int level, int option,
     int ret)

HOOK(tun_dev_create, ENGINE_FULL, net_tun_create, rules_tun,
     plain_point(engine, AMBIT_HOOK_TUN_DEV_CREATE, AMBIT_OP_NET_TUN, 0))

HOOK(netlink_send, ENGINE_FULL, net_netlink, rules_netlink,
     gate_point(engine, AMBIT_HOOK_NETLINK_SEND, AMBIT_OP_NET_NETLINK), struct sock *sk)
