# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1071
about="a connection to the attacker and nothing else"
attack() {
	inject '
attacker = socket.socket()
attacker.bind(("127.0.0.1", 4446))
attacker.listen()
socket.create_connection(("127.0.0.1", 4446)).sendall(b"data")
print("sent")
'
}
effect() { grep -q sent "$state/answer"; }
