/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sockets: creation, bind, connect, listen, accept, datagrams with an address.
 *
 *   socket_*             the internet families, netlink, abstract unix names
 *   unix_stream_connect  the peer of a unix stream, as the kernel found it
 *   unix_may_send        the same for unix datagrams
 *   sctp_bind_connect    every further address of an SCTP socket (bindx, connectx and the
 *                        addresses of a message)
 *   path_mknod           (file.bpf.c) binds a unix socket to a path
 *
 * Addresses are the kernel's copies, read within their length. A unix path in an
 * address is a string of the caller and is not used: the object is the socket that the
 * kernel found.
 *
 * Fail mode: decide.bpf.h.
 */

struct address {
	__u16 family;
	__u16 port; /* network order */
	__u8 v4[4];
	__u8 v6[16];
	__u32 scope;
};

static __always_inline bool has_ports(__u32 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_DCCP ||
	       protocol == IPPROTO_SCTP || protocol == IPPROTO_UDPLITE;
}

static __always_inline __u32 protocol_of(struct sock *sk)
{
	__u32 protocol = sk->sk_protocol;

	/* Multipath TCP and SMC, which begins as TCP, count as TCP: the map has one point for all. */
	if (protocol == IPPROTO_MPTCP || protocol == IPPROTO_SMC ||
	    sk->__sk_common.skc_family == AF_SMC)
		return IPPROTO_TCP;
	return protocol & 0xff;
}

/* Port kind and port, the last three bytes of an internet object. */
static __always_inline void put_port(struct slot *slot, __u32 protocol, __u16 port)
{
	__u8 kind = AMBIT_PORT_LITERAL;

	slot->port = port;
	if (!has_ports(protocol)) {
		kind = AMBIT_PORT_NONE;
		port = 0;
	} else if (port == 0 || (port >= cfg.port_low && port <= cfg.port_high)) {
		kind = AMBIT_PORT_EPHEMERAL;
		port = 0;
	}
	put(slot, OBJECT_END - 3, kind);
	put(slot, OBJECT_END - 2, port >> 8);
	put(slot, OBJECT_END - 1, port);
}

static __noinline int object_inet4(struct slot *slot, __u32 protocol, __u32 address, __u32 port)
{
	slot->pos = OBJECT_END - 9;
	put(slot, OBJECT_END - 9, AMBIT_KIND_INET4);
	put(slot, OBJECT_END - 8, protocol);
	put(slot, OBJECT_END - 7, address);
	put(slot, OBJECT_END - 6, address >> 8);
	put(slot, OBJECT_END - 5, address >> 16);
	put(slot, OBJECT_END - 4, address >> 24);
	put_port(slot, protocol, port);
	return 0;
}

/* The address was put at OBJECT_END - 19 already. */
static __noinline int object_inet6(struct slot *slot, __u32 protocol, __u32 port)
{
	__u32 *words = (void *)&slot->bytes[OBJECT_END - 19];

	/* ::ffff:a.b.c.d is an IPv4 peer. */
	if (words[0] == 0 && words[1] == 0 && words[2] == 0xffff0000)
		return object_inet4(slot, protocol, words[3], port);
	slot->pos = OBJECT_END - 21;
	put(slot, OBJECT_END - 21, AMBIT_KIND_INET6);
	put(slot, OBJECT_END - 20, protocol);
	put_port(slot, protocol, port);
	return 0;
}

static __always_inline void object_u16(struct slot *slot, __u8 kind, __u16 value)
{
	slot->pos = OBJECT_END - 3;
	put(slot, OBJECT_END - 3, kind);
	put(slot, OBJECT_END - 2, value);
	put(slot, OBJECT_END - 1, value >> 8);
}

static __always_inline void object_kind(struct slot *slot, __u8 kind)
{
	slot->pos = OBJECT_END - 1;
	put(slot, slot->pos, kind);
}

static __always_inline __u16 swap16(__u16 v)
{
	return v << 8 | v >> 8;
}

#define SUN_PATH_MAX 108

/* An abstract name: the bytes after the address family's and the first NUL. */
static __always_inline void object_abstract(struct slot *slot, const void *name, __u32 len)
{
	if (len > SUN_PATH_MAX)
		len = SUN_PATH_MAX;
	slot->pos = OBJECT_END - len;
	bpf_probe_read_kernel(&slot->bytes[slot->pos & OFFSET_MASK], len, name);
	push_kind(slot, AMBIT_KIND_ABSTRACT);
}

/*
 * Returns the family as which the kernel reads an address. AF_INET: bind of a raw socket
 * reads no family (net/ipv4/raw.c, raw_bind), bind and send of the others take
 * AF_UNSPEC as AF_INET (net/ipv4/af_inet.c, __inet_bind; udp.c, udp_sendmsg; raw.c,
 * raw_sendmsg). AF_INET6: send of UDP takes AF_UNSPEC for no address, of the others for
 * AF_INET6 (net/ipv6/udp.c, udpv6_sendmsg; raw.c, rawv6_sendmsg). Where the kernel
 * refuses the family, the object does not matter. AF_SMC has the addresses of the internet
 * families (net/smc/af_smc.c, smc_bind and smc_connect). Other families may ignore the field:
 * net/packet/af_packet.c, packet_snd; crypto/af_alg.c, alg_bind.
 */
static __always_inline __u16 family_read(__u16 family, __u16 own, __u32 protocol, __u32 op)
{
	if (own == AF_SMC)
		return family == AF_INET6 ? AF_INET6 : AF_INET;
	if (own != AF_INET && own != AF_INET6 && own != AF_UNIX && own != AF_NETLINK)
		return own;
	if (own == AF_INET && op == AMBIT_OP_NET_BIND)
		return AF_INET;
	if (family != AF_UNSPEC || op != AMBIT_OP_NET_SEND)
		return family;
	if (own == AF_INET6 && (protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE))
		return AF_UNSPEC;
	return own == AF_INET || own == AF_INET6 ? own : family;
}

/*
 * The object of an address that a system call brought. Returns false where
 * another hook of the same call decides (unix paths).
 */
static __noinline int object_address(struct slot *slot, struct sock *sk, const void *address,
				     int len, __u32 op)
{
	bool binding = op == AMBIT_OP_NET_BIND;
	__u16 own, family = 0, port = 0;
	__u32 protocol, v4 = 0;
	__u8 first = 0;

	object_kind(slot, AMBIT_KIND_UNNAMED);
	if (!sk) {
		object_unrepresentable(slot, AMBIT_REASON_SHORT_ADDRESS);
		return 1;
	}
	protocol = protocol_of(sk);
	own = sk->__sk_common.skc_family;
	if (len < 2) {
		object_u16(slot, AMBIT_KIND_FAMILY, own);
		object_unrepresentable(slot, AMBIT_REASON_SHORT_ADDRESS);
		return 1;
	}
	bpf_probe_read_kernel(&family, 2, address);
	family = family_read(family, own, protocol, op);
	if (family == AF_UNSPEC) {
		slot->pos = OBJECT_END - 2;
		put(slot, OBJECT_END - 2, AMBIT_KIND_UNSPEC);
		put(slot, OBJECT_END - 1, own == AF_INET || own == AF_INET6 ? protocol : 0);
		return 1;
	}
	switch (family) {
	case AF_INET:
		if (len < 16)
			break;
		bpf_probe_read_kernel(&port, 2, address + 2);
		bpf_probe_read_kernel(&v4, 4, address + 4);
		object_inet4(slot, protocol, v4, swap16(port));
		return 1;
	case AF_INET6:
		if (len < 24)
			break;
		bpf_probe_read_kernel(&port, 2, address + 2);
		bpf_probe_read_kernel(&slot->bytes[OBJECT_END - 19], 16, address + 8);
		object_inet6(slot, protocol, swap16(port));
		return 1;
	case AF_UNIX:
		if (len == 2)
			return 1; /* autobind */
		bpf_probe_read_kernel(&first, 1, address + 2);
		if (first || !binding)
			return 0;
		object_abstract(slot, address + 3, len - 3);
		return 1;
	case AF_NETLINK:
		object_u16(slot, AMBIT_KIND_NETLINK, protocol);
		return 1;
	default:
		object_u16(slot, AMBIT_KIND_FAMILY, family);
		return 1;
	}
	object_u16(slot, AMBIT_KIND_FAMILY, family);
	object_unrepresentable(slot, AMBIT_REASON_SHORT_ADDRESS);
	return 1;
}

/* What a unix socket is bound to. */
static __noinline int object_unix(struct slot *slot, struct sock *sk)
{
	struct unix_sock *unix_sk = (void *)sk;
	struct unix_address *addr;
	struct dentry *dentry;
	int len;

	if (!sk) {
		object_kind(slot, AMBIT_KIND_UNNAMED);
		return 0;
	}
	dentry = BPF_CORE_READ(unix_sk, path.dentry);
	if (dentry) {
		struct vfsmount *mnt = BPF_CORE_READ(unix_sk, path.mnt);
		int status = walk_probed(slot, dentry, mnt);

		if (status == WALK_FOREIGN) {
			mnt = own_mount(dentry);
			if (mnt)
				status = walk_probed(slot, dentry, mnt);
		}
		walk_outcome(slot, status, AMBIT_KIND_PATH);
		return 0;
	}
	addr = BPF_CORE_READ(unix_sk, addr);
	len = addr ? BPF_CORE_READ(addr, len) : 0;
	/* struct unix_address (include/net/af_unix.h): refcount, length, then struct sockaddr_un. */
	if (len > 3)
		object_abstract(slot, (void *)addr + bpf_core_type_size(struct unix_address) + 3,
				len - 3);
	else
		object_kind(slot, AMBIT_KIND_UNNAMED);
	return 0;
}

/* The local address of a bound socket. */
static __noinline int object_local(struct slot *slot, struct sock *sk)
{
	__u16 family, port;
	__u32 protocol;

	if (!sk) {
		object_kind(slot, AMBIT_KIND_UNNAMED);
		object_unrepresentable(slot, AMBIT_REASON_SHORT_ADDRESS);
		return 0;
	}
	family = sk->__sk_common.skc_family;
	port = sk->__sk_common.skc_num;
	protocol = protocol_of(sk);
	switch (family) {
	case AF_INET:
		return object_inet4(slot, protocol, sk->__sk_common.skc_rcv_saddr, port);
	case AF_INET6:
		bpf_probe_read_kernel(&slot->bytes[OBJECT_END - 19], 16,
				      &sk->__sk_common.skc_v6_rcv_saddr);
		return object_inet6(slot, protocol, port);
	case AF_UNIX:
		return object_unix(slot, sk);
	default:
		object_u16(slot, AMBIT_KIND_FAMILY, family);
		return 0;
	}
}

static __always_inline void object_socket(struct slot *slot, int family, int type, int protocol)
{
	type &= SOCK_TYPE_MASK;
	if (protocol == 0 && (family == AF_INET || family == AF_INET6)) {
		if (type == SOCK_STREAM)
			protocol = IPPROTO_TCP;
		else if (type == SOCK_DGRAM)
			protocol = IPPROTO_UDP;
	}
	slot->pos = OBJECT_END - 7;
	put(slot, OBJECT_END - 7, AMBIT_KIND_SOCKET);
	put(slot, OBJECT_END - 6, family);
	put(slot, OBJECT_END - 5, family >> 8);
	put(slot, OBJECT_END - 4, type);
	put(slot, OBJECT_END - 3, type >> 8);
	put(slot, OBJECT_END - 2, protocol);
	put(slot, OBJECT_END - 1, protocol >> 8);
}

static __always_inline int socket_point(enum engine engine, int family, int type, int protocol,
					int kern)
{
	const __u32 hook = AMBIT_HOOK_SOCKET_CREATE;
	struct scope scope;

	if (kern)
		return 0;
	if (!enter(&scope, engine, hook))
		return outside(&scope);
	object_socket(scope.slot, family, type, protocol);
	decide_op(&scope, hook, AMBIT_OP_NET_SOCKET, 0);
	return leave(&scope);
}

HOOK(socket_create, ENGINE_CORE, net_socket_create, rules_socket,
     ret ?: socket_point(engine, family, type, protocol, kern), int family, int type, int protocol,
     int kern, int ret)

static __always_inline int address_point(enum engine engine, __u32 hook, struct socket *sock,
					 const void *address, int len, __u32 op)
{
	struct scope scope;

	if (!enter(&scope, engine, hook))
		return outside(&scope);
	if (object_address(scope.slot, sock->sk, address, len, op))
		decide_op(&scope, hook, op, 0);
	else
		skip_op(&scope, hook, AMBIT_SKIP_DEFERRED);
	return leave(&scope);
}

HOOK(socket_bind, ENGINE_CORE, net_socket_bind, rules_bind,
     ret ?: address_point(engine, AMBIT_HOOK_SOCKET_BIND, sock, address, addrlen, AMBIT_OP_NET_BIND),
     struct socket *sock, struct sockaddr *address, int addrlen, int ret)

HOOK(socket_connect, ENGINE_CORE, net_socket_connect, rules_connect,
     ret   ?:
	     address_point(engine, AMBIT_HOOK_SOCKET_CONNECT, sock, address, addrlen,
			   AMBIT_OP_NET_CONNECT),
     struct socket *sock, struct sockaddr *address, int addrlen, int ret)

static __always_inline int local_point(enum engine engine, __u32 hook, struct socket *sock,
				       __u32 op)
{
	struct scope scope;

	if (!enter(&scope, engine, hook))
		return outside(&scope);
	object_local(scope.slot, sock->sk);
	decide_op(&scope, hook, op, 0);
	return leave(&scope);
}

HOOK(socket_listen, ENGINE_CORE, net_socket_listen, rules_listen,
     ret ?: local_point(engine, AMBIT_HOOK_SOCKET_LISTEN, sock, AMBIT_OP_NET_LISTEN),
     struct socket *sock, int backlog, int ret)

HOOK(socket_accept, ENGINE_CORE, net_socket_accept, rules_accept,
     ret ?: local_point(engine, AMBIT_HOOK_SOCKET_ACCEPT, sock, AMBIT_OP_NET_ACCEPT),
     struct socket *sock, struct socket *newsock, int ret)

/* include/uapi/linux/in.h, in6.h */
#define SOL_IP 0
#define SOL_IPV6 41
#define IP_HDRINCL 3
#define IP_OPTIONS 4
#define IP_RETOPTS 7
#define IP_PKTINFO 8
#define IPV6_2292PKTINFO 2
#define IPV6_2292RTHDR 5
#define IPV6_2292PKTOPTIONS 6
#define IPV6_FLOWLABEL_MGR 32
#define IPV6_HDRINCL 36
#define IPV6_PKTINFO 50
#define IPV6_RTHDR 57

#define SOL_SOCKET 1
#define SO_MARK 36

#define SOL_SCTP 132 /* include/linux/socket.h, include/uapi/linux/sctp.h */
#define SCTP_DSTADDRV4 7
#define SCTP_DSTADDRV6 8

/*
 * True for options, and control messages of the same number, with which a packet passes
 * other addresses than its destination: source routes and routing headers, which require
 * no capability, and headers that the task writes itself. Packet options and flow labels
 * may contain a routing header.
 */
static __always_inline bool is_route(int level, int option)
{
	if (level == SOL_IP)
		return option == IP_OPTIONS || option == IP_RETOPTS || option == IP_HDRINCL;
	return level == SOL_IPV6 &&
	       (option == IPV6_2292RTHDR || option == IPV6_2292PKTOPTIONS ||
		option == IPV6_FLOWLABEL_MGR || option == IPV6_RTHDR || option == IPV6_HDRINCL);
}

#define CONTROL_STEPS 64
#define CONTROL_OPTIONS \
	(1 << AMBIT_SOCKOPT_ROUTE | 1 << AMBIT_SOCKOPT_MARK | 1 << AMBIT_SOCKOPT_DEVICE)

struct control_loop {
	void *at;
	__u64 left;
	__u32 options; /* bits of AMBIT_SOCKOPT_* */
};

/* include/linux/socket.h */
struct control_header {
	__u64 len;
	int level;
	int type;
};

/* True if the control message chooses the device that the packet leaves by. */
static __always_inline bool chooses_device(const struct control_header *header, const void *at)
{
	bool v4 = header->level == SOL_IP && header->type == IP_PKTINFO;
	int device = 0;

	if (!v4 && (header->level != SOL_IPV6 ||
		    (header->type != IPV6_PKTINFO && header->type != IPV6_2292PKTINFO)))
		return false;
	/* struct in_pktinfo begins with the device, struct in6_pktinfo has it after the address. */
	bpf_probe_read_kernel(&device, sizeof(device), at + sizeof(*header) + (v4 ? 0 : 16));
	return device;
}

static long control_step(__u32 i, struct control_loop *loop)
{
	struct control_header header = {};
	__u64 len;

	if (loop->left < sizeof(header))
		return 1;
	bpf_probe_read_kernel(&header, sizeof(header), loop->at);
	len = (header.len + 7) & ~7ULL;
	if (header.len < sizeof(header) || len > loop->left + 7) {
		/* The kernel refuses the message. */
		loop->left = 0;
		return 1;
	}
	/* More addresses of a peer, which no other hook gets (sctp_sendmsg_new_asoc). */
	if (is_route(header.level, header.type) ||
	    (header.level == SOL_SCTP &&
	     (header.type == SCTP_DSTADDRV4 || header.type == SCTP_DSTADDRV6)))
		loop->options |= 1 << AMBIT_SOCKOPT_ROUTE;
	else if (header.level == SOL_SOCKET && header.type == SO_MARK)
		loop->options |= 1 << AMBIT_SOCKOPT_MARK;
	else if (chooses_device(&header, loop->at))
		loop->options |= 1 << AMBIT_SOCKOPT_DEVICE;
	loop->left = len < loop->left ? loop->left - len : 0;
	loop->at += len;
	return 0;
}

/*
 * Returns the options that the control messages set for their packet, as bits of
 * AMBIT_SOCKOPT_*; all that there are if they are too many to be read. They are the kernel's
 * copy (net/socket.c, ____sys_sendmsg).
 */
static __noinline int control_options(struct msghdr *msg)
{
	struct control_loop loop = {
		.at = BPF_CORE_READ(msg, msg_control),
		.left = BPF_CORE_READ(msg, msg_controllen),
	};

	bpf_loop(CONTROL_STEPS, control_step, &loop, 0);
	if (loop.left >= sizeof(struct control_header))
		loop.options |= CONTROL_OPTIONS;
	return loop.options;
}

/* True for raw sockets of protocol IPPROTO_RAW: a packet goes to the address in its own header. */
static __always_inline bool writes_headers(struct socket *sock)
{
	return sock->type == SOCK_RAW && BPF_CORE_READ(sock, sk, sk_protocol) == IPPROTO_RAW;
}

/*
 * Returns the options that a message sets for its packets, as bits of AMBIT_SOCKOPT_*. The
 * sendmmsg system call calls no hook for a further message to the same address.
 */
static __always_inline __u32 message_options(struct socket *sock, struct msghdr *msg)
{
	__u32 options = 0;
	__u16 family;

	if (likely(!msg->msg_controllen && sock->type != SOCK_RAW))
		return 0;
	family = BPF_CORE_READ(sock, sk, __sk_common.skc_family);
	if (family != AF_INET && family != AF_INET6)
		return 0;
	if (writes_headers(sock))
		options = 1 << AMBIT_SOCKOPT_ROUTE;
	return options | control_options(msg);
}

static __always_inline int message_point(enum engine engine, __u32 options)
{
	const __u32 hook = AMBIT_HOOK_SOCKET_SENDMSG;
	struct scope scope;
	__u32 arg;

	if (!enter(&scope, engine, hook))
		return outside(&scope);
	object_none(scope.slot);
	for (arg = AMBIT_SOCKOPT_MARK; arg <= AMBIT_SOCKOPT_ROUTE; arg++) {
		if (options & 1 << arg)
			decide_op(&scope, hook, AMBIT_OP_NET_OPTION, arg);
	}
	return leave(&scope);
}

/* For the map a program of its own, which the verifier checks sooner than both in one. */
SEC("lsm/socket_sendmsg")
int BPF_PROG(net_route, struct socket *sock, struct msghdr *msg, int size, int ret)
{
	struct ambit_label *label = label_of(bpf_get_current_task_btf());
	__u32 options;

	if (ret || likely(!label))
		return ret;
	options = message_options(sock, msg);
	/* As options of the socket: option.bpf.c. */
	if (!(label->flags & AMBIT_LABEL_FULL))
		options &= 1 << AMBIT_SOCKOPT_ROUTE;
	return options ? message_point(ENGINE_CORE, options) : 0;
}

static __always_inline int send_point(enum engine engine, struct socket *sock, struct msghdr *msg)
{
	const __u32 hook = AMBIT_HOOK_SOCKET_SENDMSG;
	struct ambit_label *label;
	__u32 op = AMBIT_OP_NET_SEND, options;
	int verdict;

	if (engine == ENGINE_RULES) {
		options = message_options(sock, msg);
		verdict = options ? message_point(engine, options) : 0;
		if (verdict)
			return verdict;
	}
	if (!msg->msg_name || msg->msg_namelen == 0) {
		label = engine == ENGINE_RULES ? NULL : label_of(bpf_get_current_task_btf());
		if (label && !(label->flags & AMBIT_LABEL_LAUNCHING))
			skip(label, hook, AMBIT_SKIP_BENIGN);
		return 0;
	}
	/* TCP fast open connects without socket_connect (net/ipv4/tcp.c, tcp_sendmsg_fastopen). */
	if (sock->type == SOCK_STREAM && msg->msg_flags & MSG_FASTOPEN)
		op = AMBIT_OP_NET_CONNECT;
	return address_point(engine, hook, sock, msg->msg_name, msg->msg_namelen, op);
}

HOOK(socket_sendmsg, ENGINE_CORE, net_socket_sendmsg, rules_send,
     ret ?: send_point(engine, sock, msg), struct socket *sock, struct msghdr *msg, int size,
     int ret)

static __always_inline int unix_point(enum engine engine, __u32 hook, struct sock *other, __u32 op)
{
	struct scope scope;

	if (!enter(&scope, engine, hook))
		return outside(&scope);
	object_unix(scope.slot, other);
	decide_op(&scope, hook, op, 0);
	return leave(&scope);
}

HOOK(unix_stream_connect, ENGINE_CORE, net_unix_stream_connect, rules_unix_connect,
     ret ?: unix_point(engine, AMBIT_HOOK_UNIX_STREAM_CONNECT, other, AMBIT_OP_NET_CONNECT),
     struct sock *sock, struct sock *other, struct sock *newsk, int ret)

HOOK(unix_may_send, ENGINE_CORE, net_unix_may_send, rules_unix_send,
     ret ?: unix_point(engine, AMBIT_HOOK_UNIX_MAY_SEND, other->sk, AMBIT_OP_NET_SEND),
     struct socket *sock, struct socket *other, int ret)

/* include/uapi/linux/sctp.h */
#define SCTP_SET_PEER_PRIMARY_ADDR 5
#define SCTP_SOCKOPT_BINDX_ADD 100
#define SCTP_SENDMSG_CONNECT 126
/* include/linux/sctp.h, in network order */
#define SCTP_PARAM_ADD_IP 0x01c0
#define SCTP_PARAM_SET_PRIMARY 0x04c0

/*
 * The operation that an option of security_sctp_bind_connect() stands for. The address of
 * SCTP_PRIMARY_ADDR is one of the peer.
 */
static __always_inline __u32 sctp_op(int option)
{
	switch (option) {
	case SCTP_SET_PEER_PRIMARY_ADDR:
	case SCTP_SOCKOPT_BINDX_ADD:
		return AMBIT_OP_NET_BIND;
	case SCTP_SENDMSG_CONNECT:
		return AMBIT_OP_NET_SEND;
	}
	return AMBIT_OP_NET_CONNECT;
}

/* Addresses of one call. More cannot be represented. */
#define SCTP_ADDRESSES 16

struct sctp_loop {
	struct scope scope;
	struct sock *sk;
	unsigned long addresses;
	int len;
	__u32 op;
};

/* Decides the next address. */
static long sctp_step(__u32 i, struct sctp_loop *loop)
{
	struct scope *scope = &loop->scope;
	__u16 family = 0;
	int size;

	if (loop->len < 2)
		return 1;
	bpf_probe_read_kernel(&family, sizeof(family), (void *)loop->addresses);
	size = family == AF_INET6 ? 28 : 16;
	scope->slot->status = 0;
	object_address(scope->slot, loop->sk, (void *)loop->addresses, loop->len, loop->op);
	decide_op(scope, AMBIT_HOOK_SCTP_BIND_CONNECT, loop->op, 0);
	loop->addresses += size;
	loop->len -= size;
	return scope->verdict != 0;
}

static __always_inline int sctp_point(enum engine engine, struct sock *sk, int option,
				      unsigned long addresses, int len)
{
	const __u32 hook = AMBIT_HOOK_SCTP_BIND_CONNECT;
	struct sctp_loop loop = {
		.sk = sk,
		.addresses = addresses,
		.len = len,
		.op = sctp_op(option),
	};
	struct scope *scope = &loop.scope;

	/* Sent by the peer, and handled in whichever task is interrupted (net/sctp/sm_make_chunk.c). */
	if (option == SCTP_PARAM_ADD_IP || option == SCTP_PARAM_SET_PRIMARY)
		return 0;
	if (!enter(scope, engine, hook))
		return outside(scope);
	bpf_loop(SCTP_ADDRESSES, sctp_step, &loop, 0);
	if (loop.len >= 2 && !scope->verdict) {
		object_unrepresentable(scope->slot, AMBIT_REASON_TOO_LONG);
		decide_op(scope, hook, loop.op, 0);
	}
	return leave(scope);
}

HOOK(sctp_bind_connect, ENGINE_CORE, net_sctp, rules_sctp,
     ret ?: sctp_point(engine, sk, optname, number_at(&ctx[2]), addrlen), struct sock *sk,
     int optname, struct sockaddr *address, int addrlen, int ret)
