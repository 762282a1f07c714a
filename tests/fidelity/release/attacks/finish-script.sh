# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1543
about="a script that the supervisor runs when the service ends (finish)"
before() {
	printf '#!/bin/sh\necho in >/var/tmp/fidelity/marker/was-here\n' >$home/service/finish
	chmod 755 $home/service/finish
}
attack() {
	ask crash
	perhaps effect
}
effect() { [ -e "$marker" ]; }
after() { rm -f $home/service/finish; }
