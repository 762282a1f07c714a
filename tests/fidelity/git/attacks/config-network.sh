# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1567.001
about="the remote's address is one in the network"
before() {
	python3 -c '
import socket, sys
listener = socket.create_server(("127.0.0.1", 9418))
with open(sys.argv[1], "wb") as heard:
    heard.write(listener.accept()[0].recv(200))' "$state/heard" 2>/dev/null &
	until_true grep -q ':24CA 00000000:0000 0A' /proc/net/tcp
}
attack() {
	HOME=$work/home git -C $work/clone config remote.origin.url git://127.0.0.1:9418/x
	tell fetch
}
effect() { grep -qa upload-pack "$state/heard"; }
after() { pkill -f create_server; }
