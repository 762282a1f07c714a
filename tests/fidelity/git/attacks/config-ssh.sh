# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1021.004
about="the remote's address is ssh, and core.sshCommand a command"
attack() {
	HOME=$work/home git -C $work/clone config core.sshCommand 'touch /var/tmp/fidelity/marker/was-here; false'; HOME=$work/home git -C $work/clone remote set-url origin ssh://joe@localhost/x
	tell fetch
}
effect() { [ -e "$marker" ]; }
