# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1055
about="a helper outside the domain passes an open descriptor by SCM_RIGHTS"
attack() {
	inject '
there = socket.socket(socket.AF_UNIX)
there.connect("/tmp/helper")
message, descriptors, _, _ = socket.recv_fds(there, 10, 1)
print(os.read(descriptors[0], 100))
'
}
effect() { grep -q root: "$state/answer"; }
before() {
	python3 -c '
import os, socket
os.path.exists("/tmp/helper") and os.unlink("/tmp/helper")
s = socket.socket(socket.AF_UNIX)
s.bind("/tmp/helper")
os.chmod("/tmp/helper", 0o777)
s.listen()
c, _ = s.accept()
socket.send_fds(c, [b"x"], [os.open("/etc/passwd", os.O_RDONLY)])' &
	until_true test -S /tmp/helper
}
