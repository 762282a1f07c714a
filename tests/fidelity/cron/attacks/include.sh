# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1574
about="logrotate rotates another file away"
before() { echo keep >/srv/precious; sed -i '1s,^,/srv/precious ,' /srv/logs/logrotate.conf; }
attack() { minute /srv/logs/ran; perhaps effect; }
effect() { [ -e /srv/precious.1.gz ] || [ -e /srv/precious.1 ]; }
after() { install -m 644 "$here/logrotate.conf" /srv/logs/logrotate.conf; rm -f /srv/precious*; }
