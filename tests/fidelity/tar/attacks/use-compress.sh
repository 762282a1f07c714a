# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1218
about="a file name that is --use-compress-program"
before() {
	printf '#!/bin/sh\n: >/var/tmp/fidelity/marker/was-here\n' >$data/x
	chmod 755 $data/x
	ln -sf $data/x /usr/local/bin/xx
	touch "$data/--use-compress-program=xx"
}
attack() { tell backup; }
effect() { [ -e "$marker" ]; }
after() { rm -f $data/--* $data/x /usr/local/bin/xx; }
