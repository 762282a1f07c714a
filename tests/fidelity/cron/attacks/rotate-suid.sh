# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1548.001
about="logrotate makes files SUID"
before() { sed -i 's/create 640/create 4755/' /srv/logs/logrotate.conf; }
attack() { minute /srv/logs/ran; perhaps effect; }
effect() { [ -u /srv/logs/web.log ]; }
after() { install -m 644 "$here/logrotate.conf" /srv/logs/logrotate.conf; rm -f /srv/logs/web.log; }
