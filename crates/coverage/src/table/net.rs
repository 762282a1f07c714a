// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Sockets, packets and virtual network devices.

use crate::why::{KERNEL_NET, LABELS, MEMORY, PACKETS};

hooks! {
    ib_alloc_security yes yes yes: MEMORY;
    ib_endport_manage_subnet yes yes yes: "as ib_pkey_access";
    ib_free_security yes no no: MEMORY;
    ib_pkey_access yes yes yes: "InfiniBand partition keys, checked when a queue pair is set up; access to the devices is file.open and file.ioctl";
    inet_conn_established yes yes yes: LABELS;
    inet_conn_request yes yes yes: KERNEL_NET;
    inet_csk_clone yes yes yes: LABELS;
    mptcp_add_subflow no yes yes: KERNEL_NET;
    netlink_send yes yes yes;
    req_classify_flow yes yes yes: PACKETS;
    sctp_assoc_established yes yes yes: KERNEL_NET;
    sctp_assoc_request yes yes yes: KERNEL_NET;
    sctp_bind_connect yes yes yes: "further addresses of an SCTP socket; the first one is decided, and a socket of this protocol is a point of its own (net.socket)";
    sctp_sk_clone yes yes yes: KERNEL_NET;
    secmark_refcount_dec yes yes yes: PACKETS;
    secmark_refcount_inc yes yes yes: PACKETS;
    secmark_relabel_packet yes yes yes: PACKETS;
    sk_alloc_security yes yes yes: MEMORY;
    sk_clone_security yes yes yes: LABELS;
    sk_free_security yes yes yes: MEMORY;
    sk_getsecid yes yes yes: LABELS;
    sock_graft yes yes yes: LABELS;
    socket_accept yes yes yes;
    socket_bind yes yes yes;
    socket_connect yes yes yes;
    socket_create yes yes yes;
    socket_getpeername yes yes yes: "reads what a socket of one's own is set to";
    socket_getpeersec_dgram yes yes yes: LABELS;
    socket_getpeersec_stream yes yes yes: LABELS;
    socket_getsockname yes yes yes: "reads what a socket of one's own is set to";
    socket_getsockopt yes yes yes: "reads what a socket of one's own is set to";
    socket_listen yes yes yes;
    socket_post_create yes yes yes: "the socket was decided at socket_create; here it only gets its label";
    socket_recvmsg yes yes yes: "receives on a socket that was decided when it was made, bound, connected or accepted";
    socket_sendmsg yes yes yes;
    socket_setsockopt yes yes yes;
    socket_shutdown yes yes yes: "ends a connection of one's own";
    socket_sock_rcv_skb yes yes yes: "each packet that arrives, whoever it is for, in no task's name; who may receive is decided when the socket is made, bound or connected";
    socket_socketpair yes yes yes: "both ends are one's own, and each was decided at socket_create";
    tun_dev_alloc_security yes yes yes: MEMORY;
    tun_dev_attach yes yes yes: "attaches to a device that was decided at tun_dev_create, or that takes a capability";
    tun_dev_attach_queue yes yes yes: "as tun_dev_attach";
    tun_dev_create yes yes yes;
    tun_dev_free_security yes no no: MEMORY;
    tun_dev_open yes yes yes: "as tun_dev_attach";
    unix_find no no yes: "who is found is decided at unix_stream_connect and unix_may_send";
    unix_may_send yes yes yes;
    unix_stream_connect yes yes yes;
    xfrm_decode_session refused yes refused: PACKETS;
    xfrm_policy_alloc_security yes yes yes: PACKETS;
    xfrm_policy_clone_security yes yes yes: PACKETS;
    xfrm_policy_delete_security yes yes yes: PACKETS;
    xfrm_policy_free_security yes yes yes: PACKETS;
    xfrm_policy_lookup yes yes yes: PACKETS;
    xfrm_state_alloc yes yes yes: PACKETS;
    xfrm_state_alloc_acquire yes yes yes: PACKETS;
    xfrm_state_delete_security yes yes yes: PACKETS;
    xfrm_state_free_security yes yes yes: PACKETS;
    xfrm_state_pol_flow_match yes yes yes: PACKETS;
}
