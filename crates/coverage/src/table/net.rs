// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Sockets, packets and virtual network devices.

use crate::why::{KERNEL_NET, LABELS, MEMORY, PACKETS};

hooks! {
    ib_alloc_security yes yes yes: MEMORY;
    ib_endport_manage_subnet yes yes yes: "as ib_pkey_access";
    ib_free_security yes no no: MEMORY;
    ib_pkey_access yes yes yes: "InfiniBand partition keys, checked when a queue pair is set up; access to the devices is decided as file.open and file.ioctl";
    inet_conn_established yes yes yes: LABELS;
    inet_conn_request yes yes yes: KERNEL_NET;
    inet_csk_clone yes yes yes: LABELS;
    mptcp_add_subflow no yes yes: KERNEL_NET;
    netlink_send yes yes yes;
    req_classify_flow yes yes yes: PACKETS;
    sctp_assoc_established yes yes yes: KERNEL_NET;
    sctp_assoc_request yes yes yes: KERNEL_NET;
    sctp_bind_connect yes yes yes;
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
    socket_getpeername yes yes yes: "reads settings of the task's own socket";
    socket_getpeersec_dgram yes yes yes: LABELS;
    socket_getpeersec_stream yes yes yes: LABELS;
    socket_getsockname yes yes yes: "reads settings of the task's own socket";
    socket_getsockopt yes yes yes: "reads settings of the task's own socket";
    socket_listen yes yes yes;
    socket_post_create yes yes yes: "the socket was decided at socket_create; only its label is set here";
    socket_recvmsg yes yes yes: "receives on a socket whose creation, bind, connect or accept was decided";
    socket_sendmsg yes yes yes;
    socket_setsockopt yes yes yes;
    socket_shutdown yes yes yes: "ends a connection of the task's own socket";
    socket_sock_rcv_skb yes yes yes: "each arriving packet, outside the receiver's context; a receiver is decided when its socket is created, bound or connected";
    socket_socketpair yes yes yes: "both ends belong to the task, and each was decided at socket_create";
    tun_dev_alloc_security yes yes yes: MEMORY;
    tun_dev_attach yes yes yes: "attaches to a device that was decided at tun_dev_create, or requires a capability";
    tun_dev_attach_queue yes yes yes: "as tun_dev_attach";
    tun_dev_create yes yes yes;
    tun_dev_free_security yes no no: MEMORY;
    tun_dev_open yes yes yes: "as tun_dev_attach";
    unix_find no no yes: "the peer is decided at unix_stream_connect and unix_may_send";
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
