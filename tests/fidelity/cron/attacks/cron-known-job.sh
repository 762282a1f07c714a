# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1053.003
about="the known job's file has one more command, without a program"
before() { sed -i 's/$/; echo > \/var\/tmp\/fidelity\/marker\/was-here/' /etc/cron.d/rotate; }
attack() { minute /srv/logs/ran; perhaps effect; }
effect() { [ -e "$marker" ]; }
after() { install -m 644 "$here/crontab" /etc/cron.d/rotate; }
