# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1574.007
about="the job's PATH has another folder first"
before() {
	printf '#!/bin/sh\n: >/var/tmp/fidelity/marker/was-here\n' >/usr/local/bin/logrotate
	chmod 755 /usr/local/bin/logrotate
	sed -i 's,^PATH=,PATH=/usr/local/bin:,' /etc/cron.d/rotate
}
attack() { minute /srv/logs/ran; perhaps effect; }
effect() { [ -e "$marker" ]; }
after() { install -m 644 "$here/crontab" /etc/cron.d/rotate; rm -f /usr/local/bin/logrotate; }
