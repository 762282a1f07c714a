# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1554
about="the backup's script is changed"
before() { sed -i '$a: >/var/tmp/fidelity/marker/was-here' /srv/backup/backup; }
attack() { tell check; }
effect() { [ -e "$marker" ]; }
after() { install -m 755 "$here/backup" /srv/backup/backup; }
