# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1218
about="GTFOBins: logrotate's compresscmd"
before() {
	printf '#!/bin/sh\n: >/var/tmp/fidelity/marker/was-here\ncat\n' >/srv/logs/squeeze
	chmod 755 /srv/logs/squeeze
	sed -i 's,compress$,compress\n\tcompresscmd /srv/logs/squeeze,' /srv/logs/logrotate.conf
}
attack() { minute /srv/logs/ran; perhaps effect; }
effect() { [ -e "$marker" ]; }
after() { install -m 644 "$here/logrotate.conf" /srv/logs/logrotate.conf; }
