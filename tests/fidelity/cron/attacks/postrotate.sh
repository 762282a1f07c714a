# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1546
about="logrotate's script has one line more"
before() { sed -i 's,echo rotated.*,&; touch /var/tmp/fidelity/marker/was-here,' /srv/logs/logrotate.conf; }
attack() { minute /srv/logs/ran; perhaps effect; }
effect() { [ -e "$marker" ]; }
after() { install -m 644 "$here/logrotate.conf" /srv/logs/logrotate.conf; }
