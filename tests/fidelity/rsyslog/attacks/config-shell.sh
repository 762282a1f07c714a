# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1546
about="a message runs a command (the old form ^command)"
attack() {
	configure <<<'*.* ^/srv/syslog/run'
	message x y
	perhaps effect
}
before() {
	printf '#!/bin/sh\necho in >/var/tmp/fidelity/marker/was-here\n' >/srv/syslog/run
	chmod 755 /srv/syslog/run
}
effect() { [ -e "$marker" ]; }
