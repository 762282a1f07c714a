// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Sockets, packets and virtual network devices.

use crate::why::{LABELS, MEMORY, OWN_SOCKET, PACKETS, PROTOCOL, SCTP, TUN, device, tested};

hooks! {
    ib_alloc_security yes yes yes: MEMORY;
    ib_endport_manage_subnet yes yes yes: device("as ib_pkey_access");
    ib_free_security yes no no: MEMORY;
    ib_pkey_access yes yes yes: device("InfiniBand partition keys, checked when a queue pair is set up; access to the devices is decided as file.open and file.ioctl");
    inet_conn_established yes yes yes: LABELS;
    inet_conn_request yes yes yes: tested(
        PROTOCOL,
        &["refusals::a_listen_is_refused", "refusals::an_accept_is_refused_and_the_client_gets_nothing"],
    );
    inet_csk_clone yes yes yes: LABELS;
    mptcp_add_subflow no yes yes: tested(PROTOCOL, &["attacks::a_connection_over_mptcp_is_refused"]);
    netlink_send yes yes yes;
    req_classify_flow yes yes yes: PACKETS;
    sctp_assoc_established yes yes yes: SCTP;
    sctp_assoc_request yes yes yes: SCTP;
    sctp_bind_connect yes yes yes;
    sctp_sk_clone yes yes yes: SCTP;
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
    socket_getpeername yes yes yes: OWN_SOCKET;
    socket_getpeersec_dgram yes yes yes: LABELS;
    socket_getpeersec_stream yes yes yes: LABELS;
    socket_getsockname yes yes yes: OWN_SOCKET;
    socket_getsockopt yes yes yes: tested(
        "reads settings of the task's own socket; the option of SCTP that connects is decided at sctp_bind_connect",
        &["attacks::reading_and_shutting_down_a_socket_of_one_s_own_needs_no_rule", "attacks::a_connection_by_getsockopt_is_refused"],
    );
    socket_listen yes yes yes;
    socket_post_create yes yes yes: tested(
        "the socket was decided at socket_create; only its label is set here",
        &["refusals::a_socket_of_another_family_is_refused"],
    );
    socket_recvmsg yes yes yes: tested(
        "receives on a socket whose creation, bind, connect or accept was decided",
        &["refusals::a_socket_of_another_type_is_refused", "refusals::a_bind_is_refused", "refusals::a_refused_connect_sends_no_packet", "refusals::an_accept_is_refused_and_the_client_gets_nothing"],
    );
    socket_sendmsg yes yes yes;
    socket_setsockopt yes yes yes;
    socket_shutdown yes yes yes: tested(
        "ends a connection of the task's own socket",
        &["attacks::reading_and_shutting_down_a_socket_of_one_s_own_needs_no_rule"],
    );
    socket_sock_rcv_skb yes yes yes: tested(
        "each arriving packet, outside the receiver's context; a receiver is decided when its socket is created, bound or connected",
        &["refusals::a_socket_of_another_type_is_refused", "refusals::a_bind_is_refused", "refusals::a_refused_connect_sends_no_packet", "refusals::an_accept_is_refused_and_the_client_gets_nothing"],
    );
    socket_socketpair yes yes yes: tested(
        "both ends belong to the task, and each was decided at socket_create",
        &["attacks::a_pair_of_sockets_is_refused"],
    );
    tun_dev_alloc_security yes yes yes: MEMORY;
    tun_dev_attach yes yes yes: TUN;
    tun_dev_attach_queue yes yes yes: TUN;
    tun_dev_create yes yes yes;
    tun_dev_free_security yes no no: MEMORY;
    tun_dev_open yes yes yes: TUN;
    unix_find no no yes: tested(
        "the peer is decided at unix_stream_connect and unix_may_send",
        &["refusals::a_connect_to_a_unix_socket_is_refused", "refusals::a_datagram_to_a_unix_socket_is_refused"],
    );
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
