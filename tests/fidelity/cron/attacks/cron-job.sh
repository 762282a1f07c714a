# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1053.003
about="another job in /etc/cron.d"
before() { echo '* * * * * root touch /var/tmp/fidelity/marker/was-here' >/etc/cron.d/planted; }
attack() { minute /srv/logs/ran; perhaps effect; }
effect() { [ -e "$marker" ]; }
after() { rm -f /etc/cron.d/planted; }
