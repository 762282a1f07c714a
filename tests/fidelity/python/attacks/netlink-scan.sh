# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1016
about="a netlink socket, to look at the network"
attack() {
	inject '
socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
print("opened")
'
}
effect() { grep -q opened "$state/answer"; }
