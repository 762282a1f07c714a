# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1098.004
about="a client sends .ssh/authorized_keys to a module that is a user's home"
attack() {
	rm -rf "$state/planted"
	mkdir -p "$state/planted/.ssh"
	echo 'ssh-ed25519 AAAA attacker' >"$state/planted/.ssh/authorized_keys"
	sync "$state/planted/" $url/photos/
}
effect() { [ -e $store/photos/.ssh/authorized_keys ]; }
after() { rm -rf $store/photos/.ssh; }
