# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1059.004
about="the configuration runs a command before each transfer (pre-xfer exec)"
attack() {
	configure <<-end
		[more]
			path = /srv/rsync/docs
			pre-xfer exec = echo in >/var/tmp/fidelity/marker/was-here
	end
	sync $url/more/
}
effect() { [ -e "$marker" ]; }
