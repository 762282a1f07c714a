# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1543
about="a service of the attacker's: a program for each client (script)"
before() {
	printf '#!/bin/sh\necho in >/var/tmp/fidelity/marker/was-here\n' >$etc/run-me
	chmod 755 $etc/run-me
}
attack() {
	configure <<-end
		service evil {
		  executable = script /srv/dovecot/run-me
		  unix_listener /srv/dovecot/run/evil {
		    mode = 0666
		  }
		}
	end
	printf 'VERSION\tscript\t4\t0\nnoreply\n\n' | timeout 10 nc -N -U /srv/dovecot/run/evil
	perhaps effect
}
effect() { [ -e "$marker" ]; }
