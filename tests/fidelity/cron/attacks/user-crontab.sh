# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1053.003
about="a user's crontab"
before() { echo '* * * * * touch /var/tmp/fidelity/marker/was-here' >/var/spool/cron/crontabs/www-data; chown www-data:crontab /var/spool/cron/crontabs/www-data; chmod 600 /var/spool/cron/crontabs/www-data; }
attack() { minute /srv/logs/ran; perhaps effect; }
effect() { [ -e "$marker" ]; }
after() { rm -f /var/spool/cron/crontabs/*; }
