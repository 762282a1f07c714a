# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1195.002
about="the archive's place becomes a symbolic link to /etc/cron.d"
before() { rm -f /srv/backup/more.tar.gz; ln -s /etc/cron.d/planted /srv/backup/more.tar.gz; }
attack() { tell incremental; }
effect() { [ -e /etc/cron.d/planted ]; }
after() { rm -f /etc/cron.d/planted /srv/backup/more.tar.gz; }
