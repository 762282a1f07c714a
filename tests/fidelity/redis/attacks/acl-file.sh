# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1136.001
about="CONFIG REWRITE keeps the attacker's settings in the configuration"
attack() {
	redis config set maxclients 9999
	redis config rewrite
}
effect() { grep -q 9999 /srv/redis/redis.conf; }
after() { cp "$here/redis.conf" /srv/redis/redis.conf && chown redis /srv/redis/redis.conf; }
