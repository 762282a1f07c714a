# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1552.004
about="the API has the keys kept in a folder that others can read"
before() {
	mkdir -p /srv/other
	chmod 777 /srv/other
}
attack() {
	api POST /config/storage '{"module":"file_system","root":"/srv/other"}'
	perhaps effect
}
effect() { find /srv/other -name '*.key' | grep -q .; }
after() { rm -rf /srv/other; }
